/* SPDX-License-Identifier: MIT */
/*
 * One instruction of one vCPU on a host that ignores single-step requests (KVM-HV).
 *
 * Trace: MSR[SE] is set and every interrupt vector of the guest, in both AIL locations, holds a
 * breakpoint word (the fence) for the run; the trace interrupt that ends the instruction is undone.
 * Break: no SE, a word on the predicted next instruction, and the fence. Instructions that would
 * show or lose SE are executed in emulate.c; exclusive sequences run to one of their exits.
 *
 * Borrowed from the guest, and given back by every way out of here: MSR[SE]; MSR[EE] in privileged
 * state, the decrementer in problem state where EE cannot be masked; SRR0 and SRR1.
 */
#include "arch/ppc64/insn.h"

#include "base/bits.h"
#include "engine/cpu.h"

enum { NATIVE = 1, TRACE, BREAK, SEQUENCE, KIND = 0x0f };
/* flags beside the kind */
#define OWN_SE   0x10 /* the guest traces itself */
#define OWN_BE   0x20 /* it traces branches, and this is one */
#define DEC_HELD 0x40
#define NO_HOLD  0x80 /* interrupts belong to the instruction (H_CEDE) */

enum { INSN, THROUGH, OVER }; /* phases */

/* gd_step.save */
enum {
    SRR0,
    SRR1,
    EXPIRY,  /* of the decrementer, as the guest set it */
    FIRST,   /* BREAK: target. SEQUENCE: start. THROUGH: where the handler returns to */
    LAST,    /* SEQUENCE: its last instruction. THROUGH: FIRST's physical address */
    NTARGET, /* temps below this are targets, the others the fence */
    STACK,   /* r1 and PID of the interrupted code, which tell it from others at its address */
    PID,
    MOVING, /* kept between steps: how many of them are still without SE, after one moved the vectors */
};

/* A store to the vectors' translation takes effect at some time before the tlbie that follows it. */
#define MOVING_STEPS 64

#define DEC_FAR 0x40000000ull /* two seconds or more on every timebase */

static unsigned kind(const struct gd_step *s)
{
    return s->kind & KIND;
}

static uint64_t pc_of(struct gd_cpu *c)
{
    return gd_cpu_reg(c, GD_PPC64_PC);
}

/* ---- the words to plant ---- */

static void add_temp(struct gd_step *s, uint64_t va, uint64_t gpa)
{
    if (s->ntemp == GD_STEP_TEMPS)
        return;
    s->temp[s->ntemp].va = va;
    s->temp[s->ntemp++].gpa = gpa;
}

/* Where code lies; mostly in the page that the instruction was just fetched from. */
static bool code_at(struct gd_cpu *c, uint64_t va, uint64_t *gpa)
{
    struct gd_xlate x;

    if (va - c->page_va < c->page_len) {
        *gpa = c->page_gpa + (va - c->page_va);
        return true;
    }
    if (gd_ppc64_translate(c, va, GD_FETCH, &x, NULL))
        return false;
    *gpa = x.gpa;
    return true;
}

/* Is va the word at pc, perhaps by another address? No word may stand there during the step. */
static bool same_word(struct gd_cpu *c, uint64_t va)
{
    uint64_t there, here;

    return code_at(c, va, &there) && code_at(c, pc_of(c), &here) && here == there;
}

/* False where no word can stand. */
static bool add_target(struct gd_cpu *c, struct gd_step *s, uint64_t va)
{
    uint64_t gpa;

    if (same_word(c, va) || !code_at(c, va, &gpa))
        return false;
    add_temp(s, va, gpa);
    s->save[NTARGET] = s->ntemp;
    return true;
}

static bool is_ram(struct gd_cpu *c, uint64_t gpa)
{
    int err;

    return c->be->mem(c->be_ctx, gpa, 4, true, &err) != NULL;
}

/* A word on each vector at va, which lies at gpa, except on the one at `but`. */
static void add_vectors(struct gd_step *s, uint64_t va, uint64_t gpa, uint64_t but)
{
    unsigned n, at = s->ntemp;
    const uint16_t *offset = gd_ppc64_vectors(va != 0, &n);

    for (unsigned i = 0; i < n && at < GD_STEP_TEMPS; i++) {
        if (gpa + offset[i] == but)
            continue;
        s->temp[at].va = va + offset[i];
        s->temp[at++].gpa = gpa + offset[i];
    }
    s->ntemp = (uint8_t)at;
}

/* Adds the fence, except the word at pc. GD_E_NOSTEP: the vectors in use cannot be planted. */
static int add_fence(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_xlate x = { 0 };
    uint64_t here;
    bool real = is_ram(c, VEC_TRACE);
    bool high = !gd_ppc64_walk(c, AIL3_BASE + VEC_TRACE, &x, NULL) && is_ram(c, x.gpa);
    bool in_high = gd_ppc64_vector(c, gd_ppc64_msr(c), VEC_TRACE) != VEC_TRACE;

    if (!code_at(c, pc_of(c), &here))
        here = ~0ull;
    if (real)
        add_vectors(s, 0, 0, here);
    if (high)
        add_vectors(s, AIL3_BASE, x.gpa - VEC_TRACE, here);
    if (in_high ? high : real)
        return 0;
    return gd_why(c->why, GD_E_NOSTEP, "the guest's interrupt vectors are not in its memory");
}

static bool find_sequence(struct gd_cpu *c, struct ppc_seq *q)
{
    uint64_t pc = pc_of(c);
    uint32_t insn;
    enum ppc_class k;

    if (gd_ppc64_fetch(c, pc, &insn))
        return false;
    k = gd_ppc64_classify(insn);
    return k == PPC_LARX || k == PPC_TBEGIN ? gd_ppc64_seq_at(c, pc, q)
                                            : gd_ppc64_seq_around(c, pc, q);
}

/* ---- what is borrowed ---- */

static void hold(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t msr = gd_ppc64_msr(c);
    bool irq = msr & MSR_EE && !s->show_irq && !(s->kind & NO_HOLD);

    s->save[SRR0] = gd_cpu_reg(c, GD_PPC64_SRR0);
    s->save[SRR1] = gd_cpu_reg(c, GD_PPC64_SRR1);
    s->masked = irq && !(msr & MSR_PR);
    if (s->masked)
        msr &= ~MSR_EE;
    if (kind(s) == TRACE)
        msr |= MSR_SE;
    gd_cpu_set(c, GD_PPC64_MSR, msr);
    if (irq && !s->masked && !gd_cpu_get(c, GD_PPC64_DEC_EXPIRY, &s->save[EXPIRY])) {
        s->kind |= DEC_HELD;
        gd_cpu_set(c, GD_PPC64_DEC_EXPIRY, gd_cpu_reg(c, GD_PPC64_TB) + DEC_FAR);
    }
}

/* Gives back SE, EE and the decrementer. reg: where the guest's MSR is now, MSR or SRR1. */
static void unhold(struct gd_cpu *c, struct gd_step *s, unsigned reg)
{
    uint64_t msr = gd_cpu_reg(c, reg);

    if (reg == GD_PPC64_MSR)
        msr &= ~SRR1_CAUSE;
    if (kind(s) == TRACE && !(s->kind & OWN_SE))
        msr &= ~MSR_SE;
    if (s->masked)
        msr |= MSR_EE;
    s->masked = false;
    gd_cpu_set(c, reg, msr);
    if (s->kind & DEC_HELD)
        gd_cpu_set(c, GD_PPC64_DEC_EXPIRY, s->save[EXPIRY]);
    s->kind &= (uint8_t)~DEC_HELD;
}

/* The interrupt that stands at its vector has not happened. */
static void undo(struct gd_cpu *c, struct gd_step *s)
{
    gd_cpu_set(c, GD_PPC64_PC, gd_cpu_reg(c, GD_PPC64_SRR0));
    gd_cpu_set(c, GD_PPC64_MSR, gd_cpu_reg(c, GD_PPC64_SRR1) & ~SRR1_CAUSE);
    gd_cpu_set(c, GD_PPC64_SRR0, s->save[SRR0]);
    gd_cpu_set(c, GD_PPC64_SRR1, s->save[SRR1]);
    unhold(c, s, GD_PPC64_MSR);
}

/* ---- begin ---- */

/* Not traced by the hardware (Book III 7.5.15), or not to be traced here: at the trace vector the
 * trace interrupt would overwrite SRR0 and SRR1 that the guest is about to read. */
static bool breaks(struct gd_cpu *c, const struct gd_step *s, enum ppc_class k)
{
    if (gd_ppc64_vector_at(s->pc) == VEC_TRACE || k == PPC_HCALL || k == PPC_RFEBB)
        return true;
    if (ppc_hint(s->insn)) /* QEMU's TCG yields at one and forgets the trace */
        return true;
    if (ppc_cache_op(s->insn)) /* on a device's address KVM passes over it */
        return true;
    /* Out of the page: QEMU's POWER10 looks at the next instruction while it takes the trace, for
     * SRR1[34], and where that fetch faults the trace is lost. */
    if (!(gd_ppc64_msr(c) & (MSR_SE | MSR_BE)) && (gd_ppc64_next(c, s->pc, s->insn) ^ s->pc) >> 12)
        return true;
    if (gd_ppc64_msr(c) & MSR_PR)
        return false; /* the rest is privileged */
    return k == PPC_KVM || k == PPC_STOP || k == PPC_RFID || k == PPC_RFSCV || k == PPC_MTMSRD;
}

/* Does the instruction store where the trace interrupt would be taken, and our word would be gone? *moves: or to
 * that place's translation, so that it may be taken elsewhere? */
static bool onto_vector(struct gd_cpu *c, const struct gd_step *s, bool *moves)
{
    bool onto = false, leads;
    struct gd_access a;
    struct gd_xlate x;

    *moves = false;
    gd_ppc64_access(c, s->pc, &a);
    for (unsigned last = 0; a.write && a.len && last < 2; last++) { /* two pages, perhaps */
        uint64_t back = last * (a.len - 1);

        if (gd_ppc64_translate(c, a.addr + back, GD_DATA, &x, NULL))
            continue;
        onto |= gd_overlap(x.gpa - back, a.len, VEC_TRACE, 4);
        onto |= gd_ppc64_is_word(c, AIL3_BASE + VEC_TRACE, x.gpa - back, a.len, &leads);
        *moves |= leads;
    }
    return onto;
}

/* Is there no place for the trace interrupt now? */
static bool no_trace(struct gd_cpu *c, struct gd_step *s)
{
    bool moves, onto = onto_vector(c, s, &moves);

    if (moves)
        s->save[MOVING] = MOVING_STEPS;
    else if (s->save[MOVING])
        s->save[MOVING]--;
    return onto || s->save[MOVING];
}

static uint64_t predict(struct gd_cpu *c, const struct gd_step *s)
{
    switch (gd_ppc64_classify(s->insn)) {
    case PPC_RFID: /* here only in transactional state */
        return gd_cpu_reg(c, GD_PPC64_SRR0) & ~3ull;
    case PPC_RFSCV:
        return gd_cpu_reg(c, GD_PPC64_LR) & ~3ull;
    default:
        return gd_ppc64_next(c, s->pc, s->insn);
    }
}

/* A word on the predicted next instruction; on both that are possible of a bcctr that counts, which is undefined
 * (Book I 2.4), and which processors decide before or after they have counted. */
static bool add_targets(struct gd_cpu *c, struct gd_step *s)
{
    bool any = add_target(c, s, s->save[FIRST]);
    struct ppc_branch b;

    if (gd_ppc64_branch(s->insn, s->pc, &b) && b.to == PPC_TO_CTR && !(b.bo & 0x04)) {
        any |= add_target(c, s, gd_ppc64_target(c, &b));
        any |= add_target(c, s, gd_ppc64_mode_addr(gd_ppc64_msr(c), s->pc + 4));
    }
    return any;
}

/* Plans the words for the present PC and borrows what the kind of step needs. */
static int arm(struct gd_cpu *c, struct gd_step *s)
{
    struct ppc_seq q;
    bool target = false;
    int err;

    s->phase = INSN;
    s->ntemp = 0;
    s->save[NTARGET] = 0;
    s->save[FIRST] = predict(c, s);
    if (kind(s) == SEQUENCE && find_sequence(c, &q)) {
        s->save[FIRST] = q.start;
        s->save[LAST] = q.end;
        for (unsigned i = 0; i < q.nexits; i++)
            target |= add_target(c, s, q.exit[i]);
    }
    if (kind(s) == BREAK)
        target = add_targets(c, s);
    err = add_fence(c, s);
    if (err == GD_E_NOSTEP && kind(s) == TRACE) {
        s->kind = (uint8_t)((s->kind & ~KIND) | BREAK);
        s->ntemp = 0;
        target = add_targets(c, s);
    }
    if (err && (err != GD_E_NOSTEP || !target)) {
        s->ntemp = 0;
        return err;
    }
    hold(c, s);
    return GD_STEP_ENTER;
}

static void choose(struct gd_cpu *c, struct gd_step *s, enum ppc_class k)
{
    uint64_t msr = gd_ppc64_msr(c), r3 = gd_cpu_reg(c, GD_PPC64_R0 + 3);
    bool inside = k == PPC_LARX || k == PPC_STCX || k == PPC_TBEGIN || s->sequence || s->lift_watch;
    struct ppc_seq q;

    s->kind = s->mode == GD_STEP_BREAK || no_trace(c, s) || breaks(c, s, k) ? BREAK : TRACE;
    if (msr & MSR_SE)
        s->kind |= OWN_SE;
    if (msr & MSR_BE && k == PPC_BRANCH)
        s->kind |= OWN_BE;
    if (k == PPC_HCALL && (r3 == H_CEDE || r3 == H_CONFER || r3 == H_ENTER_NESTED))
        s->kind |= NO_HOLD;
    s->waits = s->kind & NO_HOLD || k == PPC_STOP || ppc_lowers_priority(s->insn);
    /* A guest that traces itself through a sequence livelocks; so it does on bare hardware. */
    s->sequence = inside && !(msr & MSR_SE) && find_sequence(c, &q);
    if (s->sequence)
        s->kind = (uint8_t)((s->kind & ~KIND) | SEQUENCE);
}

static void note_context(struct gd_cpu *c, struct gd_step *s)
{
    s->save[STACK] = gd_cpu_reg(c, GD_PPC64_R0 + 1);
    s->save[PID] = gd_cpu_reg(c, GD_PPC64_PIDR);
}

/* Only the return address is planted; the guest is its own until it comes back there. */
static void plant_return(struct gd_cpu *c, struct gd_step *s, uint64_t va, uint64_t gpa)
{
    gd_cpu_drop_page(c);
    s->phase = THROUGH;
    s->ntemp = 0;
    add_temp(s, va, gpa);
    s->save[FIRST] = va;
    s->save[LAST] = gpa;
    s->waits = true; /* a handler may need the other vCPUs */
}

/* Interrupts that wait are served before the instruction: the guest runs on as it is, to a word at the
 * PC. If none waits it is hit at once. Only in a program: a kernel may have interrupts masked by
 * software while EE is set, and would have its whole tick stepped when it unmasks them. */
static bool serve(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t msr = gd_ppc64_msr(c);
    struct gd_xlate x;

    if (!s->let_irq || s->show_irq || s->lift_watch || s->sequence ||
        (msr & (MSR_EE | MSR_PR | MSR_SE | MSR_BE)) != (MSR_EE | MSR_PR) ||
        gd_ppc64_translate(c, s->pc, GD_FETCH, &x, NULL))
        return false;
    s->let_irq = false;
    note_context(c, s);
    plant_return(c, s, s->pc, x.gpa);
    return true;
}

static int own_step(struct gd_cpu *c, struct gd_step *s)
{
    enum ppc_class k;
    struct ppc_branch b;

    if (serve(c, s))
        return GD_STEP_ENTER;
    /* Unreadable: the fetch fault is the step. */
    if (gd_ppc64_fetch(c, s->pc, &s->insn))
        s->insn = 0;
    k = gd_ppc64_classify(s->insn);
    s->suffix = 0;
    if (k == PPC_PREFIXED)
        (void)gd_ppc64_fetch(c, s->pc + 4, &s->suffix);
    if (!s->breaks && gd_ppc64_emulate(c, s->pc, s->insn)) {
        s->waits = k == PPC_WAIT;
        return GD_STEP_DONE;
    }
    choose(c, s, k);
    if (!s->breaks && gd_ppc64_branch(s->insn, s->pc, &b) &&
        same_word(c, gd_ppc64_next(c, s->pc, s->insn))) {
        gd_ppc64_emulate_branch(c, s->pc, &b); /* a loop of one instruction, waiting for somebody */
        s->waits = true;
        return GD_STEP_DONE;
    }
    return arm(c, s);
}

int gd_ppc64_step_begin(struct gd_cpu *c, struct gd_step *s)
{
    bool native = s->mode == GD_STEP_NATIVE || (s->mode == GD_STEP_AUTO && c->target->hw.step);

    s->kind = s->phase = s->ntemp = 0;
    if (gd_ppc64_open(c, c->why))
        return GD_E_FORMAT;
    if (native && !c->target->hw.step)
        return gd_why(c->why, GD_E_NOSTEP, "this host's KVM ignores single-step requests");
    if (!native && !c->target->hw.sw_break)
        return gd_why(c->why, GD_E_NOSTEP, "breakpoint instructions do not leave the guest");
    if (!native)
        return own_step(c, s);
    s->kind = NATIVE;
    s->use_hw = true;
    s->sequence = false;
    if (gd_ppc64_fetch(c, s->pc, &s->insn))
        s->insn = 0;
    return GD_STEP_ENTER;
}

/* ---- interrupts that come from outside ---- */

static bool from_outside(unsigned vector)
{
    return vector == VEC_EXTERNAL || vector == VEC_DECREMENTER || vector == VEC_DOORBELL ||
           vector == VEC_PERFMON;
}

/* At the vector of an interrupt that is not the instruction's: run its handler through. False if
 * the interrupted address cannot be planted. */
static bool through(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t back = gd_cpu_reg(c, GD_PPC64_SRR0), handler = gd_cpu_reg(c, GD_PPC64_MSR);
    struct gd_xlate x;
    int err;

    gd_cpu_set(c, GD_PPC64_MSR, gd_cpu_reg(c, GD_PPC64_SRR1) & ~SRR1_CAUSE);
    err = gd_ppc64_translate(c, back, GD_FETCH, &x, NULL);
    gd_cpu_set(c, GD_PPC64_MSR, handler);
    if (err)
        return false;
    unhold(c, s, GD_PPC64_SRR1);
    note_context(c, s);
    plant_return(c, s, back, x.gpa);
    return true;
}

/* Someone else came to the return address: over it, with the fence so that nothing is missed. */
static int over(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t pc = pc_of(c);
    uint32_t insn;

    if (gd_ppc64_fetch(c, pc, &insn))
        insn = 0;
    if (gd_ppc64_emulate(c, pc, insn))
        return GD_STEP_ENTER;
    s->phase = OVER;
    s->ntemp = 0;
    add_target(c, s, gd_ppc64_next(c, pc, insn));
    (void)add_fence(c, s);
    return GD_STEP_ENTER;
}

static int through_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    struct ppc_seq q;

    if (x->kind != GD_EXIT_DEBUG)
        return GD_STEP_ENTER;
    if (temp_hit < 0)
        return GD_STEP_OTHER; /* a breakpoint of the client's in the handler */
    if (s->phase == OVER) {
        plant_return(c, s, s->save[FIRST], s->save[LAST]);
        return GD_STEP_ENTER;
    }
    if (gd_cpu_reg(c, GD_PPC64_R0 + 1) != s->save[STACK] ||
        gd_cpu_reg(c, GD_PPC64_PIDR) != s->save[PID])
        return over(c, s);
    /* back where the interrupt came: before the instruction, inside the sequence, or behind */
    if (s->save[FIRST] != s->pc && !(kind(s) == SEQUENCE && find_sequence(c, &q)))
        return GD_STEP_DONE;
    s->waits = false;
    return s->save[FIRST] == s->pc ? own_step(c, s) : arm(c, s);
}

/* ---- exits ---- */

static bool guest_watches(struct gd_cpu *c)
{
    uint64_t dar = gd_cpu_reg(c, GD_PPC64_DAR);

    for (unsigned i = 0; i < c->target->hw.nwatch && i < 2; i++) {
        uint64_t x = gd_cpu_reg(c, GD_PPC64_DAWRX0 + 2 * i);
        uint64_t len = (((x & DAWRX_MRD) >> DAWRX_MRD_SHIFT) + 1) * 8;

        if (x & (DAWRX_DW | DAWRX_DR) && dar - gd_cpu_reg(c, GD_PPC64_DAWR0 + 2 * i) < len)
            return true;
    }
    return false;
}

/* The guest's CIABR names the stepped instruction. */
static bool guest_breaks(struct gd_cpu *c, const struct gd_step *s)
{
    uint64_t ciabr = gd_cpu_reg(c, GD_PPC64_CIABR);

    return ciabr & CIABR_PRIV && (ciabr & ~CIABR_PRIV) == s->pc;
}

static int trace_taken(struct gd_cpu *c, struct gd_step *s)
{
    bool ciabr = gd_cpu_reg(c, GD_PPC64_SRR1) & SRR1_CIABR;

    if (ciabr && !guest_breaks(c, s)) {
        unhold(c, s, GD_PPC64_SRR1);
        return GD_STEP_OTHER; /* ours: event() knows it by SRR1 */
    }
    if (kind(s) == TRACE && !ciabr && !(s->kind & (OWN_SE | OWN_BE))) {
        undo(c, s);
    } else {
        unhold(c, s, GD_PPC64_SRR1); /* the guest's own, before its handler has run */
        gd_cpu_drop_page(c);
    }
    return GD_STEP_DONE;
}

/* An interrupt was taken and stands at its vector. */
static int interrupted(struct gd_cpu *c, struct gd_step *s, unsigned vector)
{
    uint64_t srr0 = gd_cpu_reg(c, GD_PPC64_SRR0);

    if (vector == VEC_TRACE)
        return trace_taken(c, s);
    gd_cpu_drop_page(c); /* a handler may be translated in another way */
    /* The target that could not be planted: the instruction was complete, its fetch faulted. */
    if ((vector == VEC_ISI || vector == VEC_ISEG) && kind(s) == BREAK && srr0 == s->save[FIRST] &&
        srr0 != s->pc) {
        undo(c, s);
        return GD_STEP_DONE;
    }
    if (vector == VEC_DSI && !s->lift_watch && gd_cpu_reg(c, GD_PPC64_DSISR) & DSISR_DAWR &&
        !guest_watches(c)) {
        unhold(c, s, GD_PPC64_SRR1);
        return GD_STEP_OTHER; /* our watchpoint: event() looks at it */
    }
    if (from_outside(vector) && !s->show_irq && through(c, s))
        return GD_STEP_ENTER;
    unhold(c, s, GD_PPC64_SRR1);
    return GD_STEP_DONE;
}

/* Stands the vCPU at a target by its own way, not by an interrupt through that vector? */
static bool arrived(struct gd_cpu *c, const struct gd_step *s, int temp_hit)
{
    return temp_hit >= 0 && (uint64_t)temp_hit < s->save[NTARGET] &&
           gd_cpu_reg(c, GD_PPC64_SRR0) == s->save[SRR0] &&
           gd_cpu_reg(c, GD_PPC64_SRR1) == s->save[SRR1];
}

/* Userspace has finished an exit of the instruction: a device access, a hypercall. */
static int served(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t pc = pc_of(c);

    if (kind(s) == SEQUENCE && pc - s->save[FIRST] <= s->save[LAST] - s->save[FIRST])
        return GD_STEP_ENTER;
    unhold(c, s, GD_PPC64_MSR);
    return pc == s->pc ? GD_STEP_OTHER : GD_STEP_DONE;
}

int gd_ppc64_step_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    unsigned vector;

    if (x->kind == GD_EXIT_NONE || x->kind == GD_EXIT_MMIO)
        return GD_STEP_ENTER;
    if (kind(s) == NATIVE)
        return GD_STEP_DONE;
    if (s->phase != INSN)
        return through_exit(c, s, x, temp_hit);
    if (x->kind == GD_EXIT_OTHER)
        return served(c, s);
    vector = temp_hit < 0 ? 0 : gd_ppc64_vector_at(pc_of(c));
    if (vector && !arrived(c, s, temp_hit))
        return interrupted(c, s, vector);
    unhold(c, s, GD_PPC64_MSR);
    return temp_hit < 0 ? GD_STEP_OTHER : GD_STEP_DONE;
}

void gd_ppc64_step_abort(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t pc = pc_of(c);
    int temp = -1;

    if (kind(s) == NATIVE || s->phase != INSN)
        return;
    for (int i = 0; i < s->ntemp; i++)
        if (s->temp[i].va == pc && temp < 0)
            temp = i;
    if (temp < 0 || !gd_ppc64_vector_at(pc) || arrived(c, s, temp)) {
        unhold(c, s, GD_PPC64_MSR);
    } else if (gd_ppc64_vector_at(pc) == VEC_TRACE) {
        (void)trace_taken(c, s);
    } else {
        unhold(c, s, GD_PPC64_SRR1);
    }
}
