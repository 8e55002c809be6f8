/* SPDX-License-Identifier: MIT */
/*
 * One instruction of one vCPU. Borrows PSTATE.I and PSTATE.F (set for the instruction, so that
 * no interrupt is taken in its place) and gives them back when the instruction is over, also in
 * what the guest derives from them: the result of MRS DAIF, SPSR_EL1 of an exception. A
 * load-exclusive is run with its whole sequence (sequence.c). The guest's own PSTATE.SS and
 * MDSCR_EL1 are not touched.
 */
#include "arch/arm64/insn.h"
#include "arch/arm64/regs.h"
#include "arch/arm64/sequence.h"

#define INT_MASK (PSTATE_I | PSTATE_F)
#define RETRIES  2

/* gd_step.phase: but for the last two, single steps of the back end. */
enum phase {
    ONE,      /* one instruction */
    PASS,     /* the same, made for another task that came along the way of SERVE */
    LOAD,     /* a load-exclusive; it must not fault before its sequence is run */
    PROBE,    /* from there to the store-exclusive */
    RETRY,    /* inside a sequence that lost its reservation, to the load-exclusive */
    SEQUENCE, /* running from the load-exclusive to a planted word */
    SERVE, /* interrupts that wait, before the instruction: their handlers return to a word on it */
};

/* gd_step.save: */
enum saved {
    PSTATE_OLD, /* before interrupts were held */
    NEXT0,      /* legal successors of the present instruction */
    NEXT1,
    NEXT_COUNT,
    NEXT_SURE, /* there is no other, nor can the instruction fail but by an exception */
    TRIES,     /* stale exits seen */
    BUDGET,    /* instructions that RETRY may still take */
    LOAD_AT,   /* the sequence's load-exclusive */
    START,     /* and its extent */
    LENGTH,
    RT_NEW, /* what the load-exclusive loaded */
    RT2_NEW,
    PSTATE_LOAD,      /* operands before it */
    X0,               /* to X30 */
    STACK = X0,       /* SERVE, PASS: the stack pointer that the instruction has */
    SP0 = X0 + 31,    /* SP_EL0, SP_EL1 */
    OWN_SS = SP0 + 2, /* the guest's own PSTATE.SS */
    SAVED
};
_Static_assert(SAVED <= sizeof(((struct gd_step *)0)->save) / sizeof(uint64_t), "gd_step.save");

static uint64_t pstate_of(struct gd_cpu *c)
{
    return gd_cpu_reg(c, GD_ARM64_PSTATE);
}

/* PSTATE but for its flags, which most instructions that change PSTATE change alone. What is
 * known of PSTATE itself always counts: it may have been written. */
static int mode_of(struct gd_cpu *c, uint64_t *mode)
{
    int err;

    if (!gd_cpu_knows(c, GD_ARM64_PSTATE) && gd_cpu_knows(c, GD_ARM64_MODE)) {
        *mode = gd_cpu_reg(c, GD_ARM64_MODE);
        return 0;
    }
    err = gd_cpu_get(c, GD_ARM64_PSTATE, mode);
    if (!err)
        gd_cpu_learn(c, GD_ARM64_MODE, *mode);
    return err;
}

static void set_int_mask(struct gd_cpu *c, unsigned reg, uint64_t from)
{
    gd_cpu_set(c, reg, (gd_cpu_reg(c, reg) & ~INT_MASK) | (from & INT_MASK));
}

/* ---- interrupts held through PSTATE ---- */

static void hold(struct gd_cpu *c, struct gd_step *s, uint64_t mode)
{
    s->own_points = gd_cpu_reg(c, GD_ARM64_MDSCR_EL1) & MDSCR_MDE;
    s->masked = !c->target->hw.hold_irq && !s->show_irq && (mode & INT_MASK) != INT_MASK;
    if (!s->masked)
        return;
    s->save[PSTATE_OLD] = pstate_of(c);
    gd_cpu_set(c, GD_ARM64_PSTATE, s->save[PSTATE_OLD] | INT_MASK);
}

/* Vectors of EL1: four kinds of exception in four groups (Arm ARM D1.3.1.5). */
static bool at_vector(struct gd_cpu *c, uint64_t pc)
{
    if (pc & 0x7f)
        return false; /* spares nearly every step the reading of VBAR_EL1 */
    return pc - (gd_cpu_reg(c, GD_ARM64_VBAR_EL1) & ~0x7ffull) < 0x800 &&
           PSTATE_EL(pstate_of(c)) == 1;
}

static bool legal(const struct gd_step *s, uint64_t pc)
{
    for (unsigned i = 0; i < s->save[NEXT_COUNT]; i++)
        if (s->save[NEXT0 + i] == pc)
            return true;
    return false;
}

/* At a vector, and not because the instruction itself leads there. */
static bool took_exception(struct gd_cpu *c, const struct gd_step *s, uint64_t pc)
{
    if (!at_vector(c, pc))
        return false;
    return s->phase == SEQUENCE || !legal(s, pc) || gd_cpu_reg(c, GD_ARM64_ELR_EL1) == s->pc;
}

/* What PSTATE.I and F are after an instruction that ran with both set. */
static void give_back(struct gd_cpu *c, const struct gd_step *s)
{
    uint64_t old = s->save[PSTATE_OLD];
    struct gd_arm64_insn i;

    gd_arm64_decode(s->insn, &i);
    switch (i.kind) {
    case INSN_MRS_DAIF:
        if (i.rt != 31)
            set_int_mask(c, i.rt, old);
        break;
    case INSN_DAIFSET:
        old |= (uint64_t)i.offset << 6;
        break;
    case INSN_DAIFCLR:
        old &= ~((uint64_t)i.offset << 6);
        break;
    case INSN_MSR_DAIF: /* the guest wrote all of them */
    case INSN_ERET:     /* all of PSTATE came from SPSR_EL1 */
        return;
    default:
        break;
    }
    set_int_mask(c, GD_ARM64_PSTATE, old);
}

/* Ends the loan, wherever the vCPU stands now: before the instruction, after it, inside a
 * sequence, or at a vector. */
static void settle(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t pc = gd_cpu_reg(c, GD_ARM64_PC);
    bool exception = took_exception(c, s, pc);

    /* Of an instruction that did not complete SPSR_EL1.SS is PSTATE.SS, which the step has lent. */
    if (exception && s->use_hw && !s->save[OWN_SS])
        gd_cpu_set(c, GD_ARM64_SPSR_EL1, gd_cpu_reg(c, GD_ARM64_SPSR_EL1) & ~PSTATE_SS);
    if (!s->masked)
        return;
    s->masked = false;
    if (exception)
        set_int_mask(c, GD_ARM64_SPSR_EL1, s->save[PSTATE_OLD]);
    else if (s->phase != SEQUENCE && legal(s, pc))
        give_back(c, s);
    else if (pc == s->pc || !gd_arm64_calls_out(s->insn)) /* a call may have reset the vCPU */
        set_int_mask(c, GD_ARM64_PSTATE, s->save[PSTATE_OLD]);
}

/* ---- instructions that wait ---- */

/* Would EL1 rather see it? Then it is stepped as it is. */
static bool trapped_at_el0(struct gd_cpu *c, const struct gd_arm64_insn *i, uint32_t insn)
{
    bool event = i->kind == INSN_WFE || (i->kind == INSN_WFXT && !(insn & 0x20));
    uint64_t needed = event ? SCTLR_NTWE : SCTLR_NTWI;

    return !PSTATE_EL(pstate_of(c)) && !(gd_cpu_reg(c, GD_ARM64_SCTLR_EL1) & needed);
}

/* WFI and relatives may complete at any time (Arm ARM D1.7): so they do here, at once. */
static bool complete_wait(struct gd_cpu *c, struct gd_step *s, const struct gd_arm64_insn *i)
{
    bool waits = i->kind == INSN_WFI || i->kind == INSN_WFE || i->kind == INSN_WFXT;

    if (!waits && i->kind != INSN_YIELD)
        return false;
    if (i->kind == INSN_WFXT && !(c->target->features & GD_ARM64_F_WFXT))
        return false;
    if (pstate_of(c) & (PSTATE_IL | PSTATE_BTYPE))
        return false; /* may be an exception instead */
    if (waits && trapped_at_el0(c, i, s->insn))
        return false;
    gd_cpu_set(c, GD_ARM64_PC, s->pc + 4);
    s->waits = true;
    return true;
}

/* ---- exclusive sequences ---- */

/* The present instruction, and where it may go. */
static void note_decoded(struct gd_cpu *c, struct gd_step *s, const struct gd_arm64_insn *i)
{
    uint64_t next[2] = { 0, 0 };

    s->save[NEXT_COUNT] = (uint64_t)gd_arm64_successors(c, s->pc, s->insn, i, next);
    s->save[NEXT0] = next[0];
    s->save[NEXT1] = next[1];
    s->save[NEXT_SURE] = c->target->hw.step_tells && s->save[NEXT_COUNT] == 1 &&
                         i->kind != INSN_BR && i->kind != INSN_ERET && i->kind != INSN_EXC;
}

static void note(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_arm64_insn i;

    gd_arm64_decode(s->insn, &i);
    note_decoded(c, s, &i);
}

static void copy_operands(struct gd_cpu *c, struct gd_step *s, bool back)
{
    for (unsigned n = 0; n < 31; n++) {
        if (back)
            gd_cpu_set(c, n, s->save[X0 + n]);
        else
            s->save[X0 + n] = gd_cpu_reg(c, n);
    }
    for (unsigned n = 0; n < 2; n++) {
        if (back)
            gd_cpu_set(c, GD_ARM64_SP_EL0 + n, s->save[SP0 + n]);
        else
            s->save[SP0 + n] = gd_cpu_reg(c, GD_ARM64_SP_EL0 + n);
    }
    if (back)
        gd_cpu_set(c, GD_ARM64_PSTATE, s->save[PSTATE_LOAD]);
    else
        s->save[PSTATE_LOAD] = pstate_of(c);
}

/* The vCPU stands at a load-exclusive. */
static void begin_load(struct gd_cpu *c, struct gd_step *s)
{
    s->phase = LOAD;
    copy_operands(c, s, false);
}

/* The load did not fault. Does a store-exclusive follow? Then go there, one by one, to learn
 * that this time it is reached: a contended lock is not taken by running its loop for ever. */
static bool begin_probe(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_arm64_sequence q;
    struct gd_arm64_insn i;

    if (!gd_arm64_sequence_find(c, s->pc, &q))
        return false;
    gd_arm64_decode(s->insn, &i);
    s->save[RT_NEW] = gd_arm64_operand(c, i.rt);
    s->save[RT2_NEW] = gd_arm64_operand(c, i.rt2);
    s->save[LOAD_AT] = q.load;
    s->phase = PROBE;
    return true;
}

/* Back before the load, with the ways out planted. */
static bool begin_run(struct gd_cpu *c, struct gd_step *s, const struct gd_arm64_sequence *q)
{
    if (!gd_arm64_sequence_plant(c, s, q))
        return false;
    copy_operands(c, s, true);
    gd_cpu_set(c, GD_ARM64_PC, q->load);
    s->pc = q->load;
    s->phase = SEQUENCE;
    s->sequence = true;
    s->use_hw = false;
    return true;
}

/* This time no store-exclusive follows: the step was the load alone. */
static int only_load(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_arm64_insn i;
    uint32_t load = 0;

    gd_cpu_fetch(c, s->save[LOAD_AT], &load);
    gd_arm64_decode(load, &i);
    copy_operands(c, s, true);
    if (i.rt2 != 31)
        gd_cpu_set(c, i.rt2, s->save[RT2_NEW]);
    if (i.rt != 31)
        gd_cpu_set(c, i.rt, s->save[RT_NEW]);
    gd_cpu_set(c, GD_ARM64_PSTATE, pstate_of(c) & ~PSTATE_BTYPE);
    gd_cpu_set(c, GD_ARM64_PC, s->save[LOAD_AT] + 4);
    s->pc = s->save[LOAD_AT];
    s->insn = load;
    note(c, s);
    s->waits = true;
    settle(c, s);
    return GD_STEP_DONE;
}

/* The next instruction on the way, natively. */
static int go_on(struct gd_cpu *c, struct gd_step *s, uint64_t pc)
{
    s->pc = pc;
    s->save[TRIES] = 0;
    if (gd_cpu_fetch(c, pc, &s->insn))
        s->insn = 0;
    note(c, s);
    return GD_STEP_ENTER;
}

/* One instruction of LOAD, PROBE or RETRY is over, without an exception. */
static int advance(struct gd_cpu *c, struct gd_step *s, uint64_t pc)
{
    bool probing = s->phase == PROBE;

    if (s->phase == LOAD && pc == s->pc + 4)
        probing = begin_probe(c, s);
    if (probing) {
        struct gd_arm64_sequence q;

        if (pc <= s->pc || !gd_arm64_sequence_find(c, pc, &q) || q.load != s->save[LOAD_AT])
            return only_load(c, s);
        if (pc < q.store)
            return go_on(c, s, pc);
        return begin_run(c, s, &q) ? GD_STEP_ENTER : only_load(c, s);
    }
    if (s->phase == RETRY && s->save[BUDGET]-- && pc - s->save[START] < s->save[LENGTH]) {
        go_on(c, s, pc);
        if (pc == s->save[LOAD_AT])
            begin_load(c, s);
        return GD_STEP_ENTER;
    }
    settle(c, s);
    return GD_STEP_DONE;
}

/* The engine wants the rest of the sequence around PC, whose reservation is lost: it fails,
 * and is tried again as a whole. */
static void begin_retry(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_arm64_sequence q;

    if (!gd_arm64_sequence_find(c, s->pc, &q))
        return;
    s->phase = RETRY;
    s->sequence = true;
    s->save[START] = q.start;
    s->save[LENGTH] = q.end - q.start;
    s->save[LOAD_AT] = q.load;
    s->save[BUDGET] = 64;
}

/* ---- interrupts that waited ---- */

/* Only in the kernel: text of a user program may lie at other addresses too, and be gone when the
 * handler returns to another program. */
static bool may_serve(const struct gd_step *s, uint64_t pstate)
{
    return s->let_irq && !s->show_irq && !s->lift_watch && PSTATE_EL(pstate) == 1 &&
           !(pstate & (PSTATE_I | PSTATE_IL | PSTATE_BTYPE));
}

/* Runs on with interrupts as the guest has them. One that waits is taken at once, and its handler
 * comes back to the word; if none does, the word is hit at once. */
static bool begin_serve(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_why why;
    struct gd_xlate x;

    if (c->target->arch->translate(c, s->pc, GD_FETCH, &x, &why))
        return false;
    s->temp[0].va = s->pc;
    s->temp[0].gpa = x.gpa;
    s->ntemp = 1;
    s->phase = SERVE;
    s->use_hw = false;
    s->serves = s->waits = true; /* the handler may want something of another vCPU */
    return true;
}

static int serve_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    if (x->kind == GD_EXIT_OTHER)
        return GD_STEP_ENTER; /* the VMM served the handler */
    s->ntemp = 0;
    s->serves = false;
    gd_cpu_drop_page(c);
    if (x->kind != GD_EXIT_DEBUG || ESR_EC(x->syndrome) != EC_BRK64 || temp_hit < 0)
        return GD_STEP_OTHER; /* a breakpoint in the handler */
    if (gd_arm64_base(c, 31) == s->save[STACK]) {
        s->let_irq = false;
        return gd_arm64_step_begin(c, s);
    }
    s->phase = PASS;
    s->use_hw = true;
    note(c, s);
    hold(c, s, pstate_of(c));
    return GD_STEP_ENTER;
}

/* ---- the step ---- */

int gd_arm64_step_begin(struct gd_cpu *c, struct gd_step *s)
{
    struct gd_arm64_insn i = { .kind = INSN_PLAIN };
    bool run_on = s->sequence;
    uint64_t mode;
    int err;

    if (!c->target->hw.step)
        return gd_why(c->why, GD_E_NOSTEP, NULL);
    err = gd_cpu_get(c, GD_ARM64_PC, &s->pc);
    if (!err)
        err = mode_of(c, &mode);
    if (err)
        return err;
    s->sequence = s->waits = s->masked = s->serves = false;
    s->use_hw = true;
    s->phase = ONE;
    s->ntemp = 0;
    s->insn = 0;
    s->save[OWN_SS] = mode & PSTATE_SS;
    s->save[NEXT_COUNT] = s->save[NEXT_SURE] = s->save[TRIES] = 0;
    /* No word to be had: the fetch will fault, or it is AArch32 code of EL0. */
    if (!(mode & PSTATE_NRW) && !gd_cpu_fetch(c, s->pc, &s->insn)) {
        gd_arm64_decode(s->insn, &i);
        if (s->let_irq)
            s->save[STACK] = gd_arm64_base(c, 31);
        if (!run_on && may_serve(s, mode) && begin_serve(c, s))
            return GD_STEP_ENTER;
        note_decoded(c, s, &i);
        /* CPU_OFF lasts until another vCPU says otherwise. */
        s->waits = gd_arm64_calls_out(s->insn);
        if (!s->breaks && complete_wait(c, s, &i))
            return GD_STEP_DONE;
    }
    hold(c, s, mode);
    if (i.kind == INSN_LDX)
        begin_load(c, s);
    else if (run_on)
        begin_retry(c, s);
    return GD_STEP_ENTER;
}

/* Linux 6.14 and later can report a step left over from an earlier one with nothing executed
 * (HOST_SS_ACTIVE_PENDING, arch/arm64/kvm/debug.c): neither an instruction nor an exception
 * entry ends where it began, except a branch to itself. */
static bool stale(struct gd_cpu *c, struct gd_step *s, uint64_t syndrome)
{
    uint64_t pc = gd_cpu_reg(c, GD_ARM64_PC);

    if ((syndrome & ESR_STEP_ISV) || pc != s->pc || legal(s, pc))
        return false;
    return s->save[TRIES]++ < RETRIES;
}

static int sequence_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    bool ours = x->kind == GD_EXIT_DEBUG && ESR_EC(x->syndrome) == EC_BRK64 && temp_hit >= 0;

    if (x->kind == GD_EXIT_OTHER)
        return GD_STEP_ENTER; /* the VMM finished an instruction inside */
    settle(c, s);
    return ours ? GD_STEP_DONE : GD_STEP_OTHER;
}

/* PSTATE was kept over an instruction that does not write it, or all but its flags. An exception
 * writes it, and so does any instruction that finds one of these bits. */
static void doubt_pstate(struct gd_cpu *c, const struct gd_step *s, uint64_t pc)
{
    const uint64_t fleeting = PSTATE_BTYPE | PSTATE_IL | PSTATE_SS;

    if (gd_cpu_knows(c, GD_ARM64_MODE) &&
        (!(pc & 0x7f) || !legal(s, pc) || gd_cpu_reg(c, GD_ARM64_MODE) & fleeting)) {
        gd_cpu_forget_reg(c, GD_ARM64_PSTATE);
        gd_cpu_forget_reg(c, GD_ARM64_MODE);
    }
}

int gd_arm64_step_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    bool stepped = x->kind == GD_EXIT_DEBUG && ESR_EC(x->syndrome) == EC_SOFTSTP_LOW;
    uint64_t pc;

    /* ISV: an instruction was executed; and where that was found so, no exception taken (the architecture
     * leaves it open, Arm ARM J1.3, SoftwareStep_DidNotStep). Where only one can have followed, PC need not be
     * read: that would be the dearest part of a range step. */
    if (stepped && x->syndrome & ESR_STEP_ISV && s->save[NEXT_SURE])
        gd_cpu_learn(c, GD_ARM64_PC, s->save[NEXT0]);
    pc = gd_cpu_reg(c, GD_ARM64_PC);
    doubt_pstate(c, s, pc);
    if (x->kind == GD_EXIT_NONE)
        return GD_STEP_ENTER;
    if (s->phase == SEQUENCE)
        return sequence_exit(c, s, x, temp_hit);
    if (s->phase == SERVE)
        return serve_exit(c, s, x, temp_hit);
    if (stepped && stale(c, s, x->syndrome))
        return GD_STEP_ENTER;
    if ((stepped || x->kind == GD_EXIT_OTHER) && s->phase == PASS) {
        settle(c, s);
        return begin_serve(c, s) ? GD_STEP_ENTER : GD_STEP_DONE;
    }
    if ((stepped || x->kind == GD_EXIT_OTHER) && s->phase != ONE && !took_exception(c, s, pc))
        return advance(c, s, pc);
    settle(c, s);
    return stepped || x->kind == GD_EXIT_OTHER ? GD_STEP_DONE : GD_STEP_OTHER;
}

void gd_arm64_step_abort(struct gd_cpu *c, struct gd_step *s)
{
    settle(c, s);
    s->ntemp = 0;
}
