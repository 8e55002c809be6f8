/* SPDX-License-Identifier: MIT */
/*
 * The vCPU's own side of the engine: what the next guest entry is, and what an exit means.
 * Runs on the thread that owns the vCPU. Guest state borrowed here (interrupt masks of a step,
 * words planted for a run alone) is back before the vCPU counts as parked.
 */
#include <string.h>

#include "base/bits.h"
#include "engine/patch.h"

/* Steps that one vCPU makes alone before the others get a slice of time, and before its own
 * interrupts, held during each of them, are served: a guest that misses its tick for many seconds
 * complains, but each tick may also send the stepped task to the scheduler. */
#define STEPS_PER_SLICE 256u
#define STEPS_PER_IRQ   4096u

static struct gd_vcpu *vcpu(struct gd_engine *e, unsigned i)
{
    return &e->cfg.vcpus[i];
}

static uint64_t pc_of(struct gd_engine *e, struct gd_vcpu *v)
{
    return gd_cpu_reg(&v->cpu, e->arch->reg_pc);
}

bool gd_vcpu_wanted(const struct gd_engine *e, unsigned i)
{
    return atomic_load(&e->cfg.vcpus[i].request) & GD_REQ_STOP;
}

/* ---- stopping ---- */

static void stop_others(struct gd_engine *e, const struct gd_vcpu *self)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        struct gd_vcpu *v = vcpu(e, i);

        if (v == self)
            continue;
        if (!(atomic_fetch_or(&v->request, GD_REQ_STOP) & GD_REQ_STOP) &&
            atomic_load(&v->state) != GD_PARKED)
            e->cfg.be->kick(e->cfg.be_ctx, i);
    }
}

/* The vCPU has something to tell: it parks at its next enter, and all others are asked to. */
static void stop_here(struct gd_engine *e, struct gd_vcpu *v, const struct gd_stop *stop)
{
    /* It was lost, and the client wants it to run on: nobody waits for this. */
    if (atomic_load(&v->request) & GD_REQ_RUN)
        return;
    /* What is told is read, not what follows from the last instruction. */
    gd_cpu_forget_reg(&v->cpu, e->arch->reg_pc);
    v->stop = *stop;
    v->stop.vcpu = v->cpu.index;
    v->stop_seq = atomic_fetch_add(&e->stop_seq, 1) + 1;
    /* Who asked this one to stop has asked the others, too, or lets them run without it. */
    if (!(atomic_load(&v->request) & GD_REQ_STOP))
        stop_others(e, v);
}

static void stop_error(struct gd_engine *e, struct gd_vcpu *v, int error)
{
    stop_here(e, v, &(struct gd_stop){ .reason = GD_STOP_ERROR, .error = error });
}

/* Ends a step that cannot be finished now; the vCPU stands before the instruction, inside an
 * exclusive sequence, or after it, and in each case guest state is its own again. */
static void abort_step(struct gd_engine *e, struct gd_vcpu *v)
{
    if (!v->stepping)
        return;
    e->arch->step_abort(&v->cpu, &v->step);
    v->stepping = false;
    /* A sequence that was left somewhere inside may have done its watched store: its hit is told
     * now, since it would not come again. */
    if (v->step_over && v->after.reason && !v->step.use_hw && !v->stop.reason &&
        pc_of(e, v) != v->step.pc) {
        v->step_over = false;
        stop_here(e, v, &v->after);
    }
}

/* From the moment that it counts as parked the vCPU is the control thread's. was: its state before
 * it was seen that it shall stop. False: it was counted as lost then, and has been let go since. */
static bool park(struct gd_engine *e, struct gd_vcpu *v, bool alone, uint32_t was)
{
    abort_step(e, v);
    if (alone)
        gd_alone_clear(e);
    while (!atomic_compare_exchange_strong(&v->state, &was, GD_PARKED))
        if (was == GD_FREE)
            return false;
    e->cfg.be->notify(e->cfg.be_ctx);
    return true;
}

/* ---- entering ---- */

/* Lifted for this step: the breakpoint that the client was told of, or that was passed over. */
static bool lifts_here(const struct gd_vcpu *v, uint64_t pc)
{
    return (v->told && v->told_pc == pc) || (v->step_over && v->over_pc == pc);
}

/* Breakpoint pairs to leave out. When one instruction is stepped all that could stop there were
 * told of or passed over together; in a longer run the others stay armed. */
static uint16_t lifted_pairs(struct gd_engine *e, const struct gd_vcpu *v)
{
    uint64_t pc = v->step_over ? v->over_pc : v->told_pc;
    uint16_t pairs = 0;

    if (!v->stepping || !(v->step_over || lifts_here(v, v->step.pc)))
        return 0;
    if (v->step.use_hw && lifts_here(v, v->step.pc))
        return 0xffff;
    for (struct gd_point *p = gd_point_at(e, pc, GD_BREAKS, NULL); p;
         p = gd_point_at(e, pc, GD_BREAKS, p))
        pairs |= p->want.slots;
    return pairs;
}

static int arm(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_arm a = {
        .generation = e->generation,
        .set = &e->set,
        .hw = e->any_hw,
        .sw = e->nplanted || (v->stepping && e->ntemp), /* ntemp is of the one that is alone */
        .lift_b = lifted_pairs(e, v),
        .step = v->stepping && v->step.use_hw,
        .own_points = v->step.own_points,
        .hold_irq = v->stepping && !v->step.show_irq && !v->step.serves,
    };

    if (v->stepping && v->step.lift_watch)
        a.lift_w = 0xffff;
    v->armed = e->generation;
    return e->cfg.be->arm(e->cfg.be_ctx, v->cpu.index, &a);
}

static bool others_run(struct gd_engine *e, const struct gd_vcpu *self)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (vcpu(e, i) != self && atomic_load(&vcpu(e, i)->state) == GD_FREE)
            return true;
    return false;
}

/* Is there a breakpoint at pc that is still to be hit, and stops before the instruction? */
static bool stops_before(struct gd_engine *e, const struct gd_vcpu *v, uint64_t pc)
{
    struct gd_point *p = gd_point_at(e, pc, GD_BREAKS, NULL);

    while (p && e->arch->hbreak_is_soft && !p->patch)
        p = gd_point_at(e, pc, GD_BREAKS, p);
    return p && !lifts_here(v, pc);
}

static int begin_step(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_step *s = &v->step;
    int r;

    s->ntemp = 0;
    s->kind = s->phase = 0;
    s->use_hw = s->waits = s->masked = s->serves = s->own_points = false;
    s->show_irq = e->step_irq;
    s->mode = (uint8_t)e->step_mode;
    s->pc = pc_of(e, v);
    s->breaks = stops_before(e, v, s->pc);
    s->let_irq = v->since_irq >= STEPS_PER_IRQ && !v->step_over && !lifts_here(v, s->pc);
    /* The exit that led here has cost a reservation: inside an exclusive sequence only the whole
     * of it gets the guest past this point. */
    s->sequence = v->step_over;
    s->lift_watch = (v->step_over && v->over_watch) ||
                    (v->told && v->told_watch && v->told_pc == s->pc);
    r = e->arch->step_begin(&v->cpu, s);
    v->stepping = r == GD_STEP_ENTER;
    return r;
}

static void finish_step(struct gd_engine *e, struct gd_vcpu *v);

/* Is it time for the others? A slice is given between two instructions, and between two entries of one
 * that waits for the others (an interrupt's handler that is run through, a hypercall). */
static bool slice_due(struct gd_engine *e, struct gd_vcpu *v)
{
    bool waits = v->step.waits && v->since_slice;

    if ((v->since_slice < STEPS_PER_SLICE && !waits) || (v->stepping && !v->step.waits))
        return false;
    v->since_slice = 0;
    return others_run(e, v);
}

/* What the entry of a run alone needs in memory, debug hardware and registers. */
static int load_step(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_xlate x;
    struct gd_why why;
    uint64_t pc = v->step_over && !v->step.use_hw ? v->over_pc : v->step.pc;
    bool lift = e->nplanted && lifts_here(v, pc) &&
                !e->arch->translate(&v->cpu, pc, GD_FETCH, &x, &why);
    int err = gd_alone_set(e, &v->step, lift, lift ? x.gpa : 0);

    if (!err)
        err = arm(e, v);
    return err ? err : gd_cpu_flush(&v->cpu);
}

/* Prepares the entry of a vCPU that steps and that runs alone. False: the instruction was
 * completed without an entry, or the vCPU is to stop; look again. */
static bool enter_step(struct gd_engine *e, struct gd_vcpu *v, enum gd_entry *entry)
{
    int err;

    if (slice_due(e, v)) {
        v->n.slices++;
        gd_alone_clear(e);
        gd_cpu_drop_page(&v->cpu);
        err = gd_cpu_flush(&v->cpu);
        *entry = GD_SLICE;
    } else {
        err = v->stepping ? GD_STEP_ENTER : begin_step(e, v);
        if (err == GD_STEP_DONE) {
            finish_step(e, v);
            return false;
        }
        if (err == GD_STEP_ENTER)
            err = load_step(e, v);
        v->since_slice += v->step.waits;
        *entry = GD_ENTER_ALONE;
    }
    if (err < 0)
        stop_error(e, v, err);
    return err >= 0;
}

/* The client left while this vCPU was lost to it: nothing is left to do but to run. */
static void drop_wish(struct gd_engine *e, struct gd_vcpu *v)
{
    if (!(atomic_load(&v->request) & GD_REQ_RUN))
        return;
    atomic_fetch_and(&v->request, ~GD_REQ_RUN);
    v->step_over = false;
    v->after.reason = GD_STOP_NONE;
    abort_step(e, v);
    v->action.mode = GD_RUN;
    v->stop.reason = GD_STOP_NONE;
    v->stop_seq = 0;
}

void gd_vcpu_lend(struct gd_engine *e, unsigned i)
{
    struct gd_cpu *c = &vcpu(e, i)->cpu;

    (void)gd_cpu_flush(c); /* what fails is gone with the vCPU */
    gd_cpu_forget(c);
    gd_cpu_drop_page(c);
}

void gd_vcpu_off(struct gd_engine *e, unsigned i)
{
    struct gd_vcpu *v = vcpu(e, i);
    bool step = v->action.mode == GD_STEP || v->action.mode == GD_RANGE;

    abort_step(e, v);
    v->step_over = false;
    v->after.reason = GD_STOP_NONE;
    if (step && v->stop.reason == GD_STOP_NONE) {
        v->n.steps++;
        stop_here(e, v, &(struct gd_stop){ .reason = GD_STOP_STEP });
    }
    gd_vcpu_lend(e, i); /* whoever turns it on sets its registers anew */
}

void gd_vcpu_look_anew(struct gd_vcpu *v)
{
    uint32_t was = atomic_load(&v->presence);

    if (was == GD_HERE)
        return;
    gd_cpu_forget(&v->cpu);
    gd_cpu_drop_page(&v->cpu);
    if (was == GD_BACK)
        atomic_compare_exchange_strong(&v->presence, &was, GD_HERE);
}

static bool needs_step(const struct gd_vcpu *v)
{
    return v->stepping || v->step_over || v->action.mode == GD_STEP || v->action.mode == GD_RANGE;
}

/* Prepares an entry together with others. False: the vCPU is to stop. */
static bool enter_freely(struct gd_engine *e, struct gd_vcpu *v, bool alone)
{
    int err;

    if (alone)
        gd_alone_clear(e);
    v->told = v->told_watch = false;
    gd_cpu_drop_page(&v->cpu);
    err = arm(e, v);
    if (!err)
        err = gd_cpu_flush(&v->cpu);
    if (err)
        stop_error(e, v, err);
    return !err;
}

/* The guest has moved its vectors (POWER: by a hypercall), and our words go with them. */
static void move_fence(struct gd_engine *e, struct gd_vcpu *v)
{
    int err;

    v->move_fence = false;
    gd_alone_clear(e);
    err = gd_points_move_fence(e, &v->cpu);
    if (err)
        stop_error(e, v, err);
}

enum gd_entry gd_vcpu_enter(struct gd_engine *e, unsigned i, bool alone)
{
    struct gd_vcpu *v = vcpu(e, i);
    enum gd_entry entry;

    drop_wish(e, v);
    for (;;) {
        uint32_t was = atomic_load(&v->state);

        if (was == GD_PARKED)
            return GD_PARK;
        if (gd_vcpu_wanted(e, i) || v->stop.reason != GD_STOP_NONE) {
            if (park(e, v, alone, was))
                return GD_PARK;
        } else if (!needs_step(v) && !v->move_fence) {
            if (enter_freely(e, v, alone))
                return GD_ENTER;
        } else if (!alone) {
            gd_cpu_drop_page(&v->cpu); /* others may have run */
            return GD_ENTER_ALONE;
        } else if (v->move_fence) {
            move_fence(e, v);
        } else if (enter_step(e, v, &entry)) {
            return entry;
        }
    }
}

/* ---- judging exits ---- */

/* The first watched byte without its tag, which is none of the access's. */
static uint64_t untagged(const struct gd_engine *e, const struct gd_point *p)
{
    return (uint64_t)gd_sext(p->want.addr, 64 - e->arch->tag_bits);
}

/* The address to be told, which lies in the range as the client gave it. */
static uint64_t clamp_watch(const struct gd_engine *e, const struct gd_point *p,
                            const struct gd_access *a)
{
    uint64_t first = untagged(e, p), last = first + (p->want.len - 1);
    uint64_t at = a->addr < first ? first : a->addr > last ? last : a->addr;

    return p->want.addr + (at - first);
}

static uint16_t number(const struct gd_engine *e, const struct gd_point *p)
{
    return (uint16_t)(p - e->cfg.points + 1);
}

/* Is a hit to be passed over silently? Then it is counted here, else when it is told: a stop
 * that is not told is forgotten, and found again where the instruction runs again. */
static bool ignored(struct gd_point *p)
{
    uint64_t n = atomic_load_explicit(&p->hits, memory_order_relaxed);

    while (n < p->ignore)
        if (atomic_compare_exchange_weak_explicit(&p->hits, &n, n + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* The instruction is over without an exit of the step's own. */
static void was_executed(struct gd_engine *e, struct gd_vcpu *v)
{
    if (needs_step(v))
        finish_step(e, v);
}

static void pass_over(struct gd_vcpu *v, uint64_t pc, bool watch)
{
    v->step_over = true;
    v->over_pc = pc;
    v->over_watch = watch;
    v->after.reason = GD_STOP_NONE;
}

/* The points that a breakpoint event means: in the pairs that the hardware names, or, slots 0,
 * on the planted word. *any: there was one; returns one that is to be told, or NULL. */
static struct gd_point *break_point(struct gd_engine *e, const struct gd_event *ev, bool *any)
{
    struct gd_point *p, *tell = NULL;

    for (unsigned i = 0; ev->slots && i < e->nhw; i++) {
        p = &e->cfg.points[e->hw[i] - 1];
        if (p->want.type > GD_HW || !(p->want.slots & ev->slots))
            continue;
        *any = true;
        if (!ignored(p) && (!tell || p->want.type == GD_SW))
            tell = p;
    }
    if (ev->slots)
        return tell;
    for (p = gd_point_at(e, ev->pc, GD_BREAKS, NULL); p; p = gd_point_at(e, ev->pc, GD_BREAKS, p)) {
        if (!p->patch)
            continue;
        *any = true;
        if (!ignored(p) && (!tell || p->want.type == GD_SW))
            tell = p;
    }
    return tell;
}

static void hit_break(struct gd_engine *e, struct gd_vcpu *v, const struct gd_event *ev)
{
    bool any = false;
    struct gd_point *p = break_point(e, ev, &any);

    v->n.false_hits += !any;
    if (p)
        stop_here(
            e, v,
            &(struct gd_stop){ .reason = p->want.type == GD_SW ? GD_STOP_SWBREAK : GD_STOP_HWBREAK,
                               .after = ev->after,
                               .addr = p->want.addr,
                               .point = number(e, p) });
    else if (ev->after || (!any && e->arch->pass && e->arch->pass(&v->cpu)))
        was_executed(e, v);
    else
        pass_over(v, ev->pc, false);
}

static void inject(struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    int err = e->arch->inject(&v->cpu, x);

    v->n.injected++;
    if (err)
        stop_error(e, v, err);
    else
        was_executed(e, v); /* the instruction ended in the guest's own exception */
}

/* Does a word of ours stand at pc? One that is lifted does not: that was the guest's own. */
static bool patched(struct gd_engine *e, struct gd_vcpu *v, uint64_t pc)
{
    struct gd_patch *p;
    struct gd_xlate x;
    struct gd_why why;

    if (e->arch->translate(&v->cpu, pc, GD_FETCH, &x, &why))
        return false;
    p = gd_patch_at(e, x.gpa);
    return p && p != e->cfg.patches + e->lifted_patch - 1;
}

static bool watches(const struct gd_engine *e, const struct gd_point *p, const struct gd_access *a)
{
    bool way = p->want.type == GD_ACCESS || (p->want.type == GD_WRITE && a->write) ||
               (p->want.type == GD_READ && a->read);

    return way && gd_overlap(untagged(e, p), p->want.len, a->addr, a->len);
}

/* The watchpoints that the access really touches; results as of break_point(). Where the access
 * could not be decoded the hardware's word for the slot is all there is. */
static struct gd_point *watch_point(struct gd_engine *e, const struct gd_event *ev, bool *any)
{
    struct gd_point *tell = NULL;

    for (unsigned i = 0; i < e->nhw; i++) {
        struct gd_point *p = &e->cfg.points[e->hw[i] - 1];
        bool slot = p->want.slots & ev->slots;

        if (p->want.type < GD_WRITE)
            continue;
        if (p->want.raw || !ev->access.len
                ? !slot
                : !watches(e, p, &ev->access) || (p->want.linked && !slot))
            continue;
        *any = true;
        if (!ignored(p) && !tell)
            tell = p;
    }
    return tell;
}

static struct gd_stop watch_stop(const struct gd_engine *e, const struct gd_point *p,
                                 const struct gd_access *a, bool before)
{
    return (struct gd_stop){ .reason = GD_STOP_WATCH,
                             .type = p->want.type,
                             .before = before,
                             .addr = p->want.raw ? a->addr : clamp_watch(e, p, a),
                             .point = number(e, p) };
}

static void hit_watch(struct gd_engine *e, struct gd_vcpu *v, const struct gd_event *ev)
{
    bool any = false;
    struct gd_point *p = watch_point(e, ev, &any);
    struct gd_stop stop;

    if (!p) {
        v->n.false_hits += !any;
        if (ev->after) {
            was_executed(e, v);
            return;
        }
        pass_over(v, ev->pc, true);
        return;
    }
    stop = watch_stop(e, p, &ev->access, !ev->after && !ev->access.exclusive);
    if (!ev->access.exclusive) {
        stop_here(e, v, &stop);
        return;
    }
    /* The store-exclusive lost its reservation by this very exit. The sequence is run to its
     * end with the watchpoint off, and the hit told then. */
    pass_over(v, ev->pc, true);
    v->after = stop;
}

/* Is this the hit of a point that is gone? Only a vCPU that was counted as lost sees its plan
 * change between entry and exit. What it ran into was ours, and is not there any more. */
static bool outdated(struct gd_engine *e, struct gd_vcpu *v, const struct gd_event *ev)
{
    uint8_t word[4];
    uint32_t insn;

    if (ev->kind == GD_EV_HWBP || ev->kind == GD_EV_WATCH)
        return v->armed != e->generation;
    if (ev->kind != GD_EV_SWBP || gd_cpu_fetch(&v->cpu, ev->pc, &insn))
        return false;
    gd_store_le(word, insn, sizeof(word));
    return memcmp(word, e->arch->bp_insn, e->arch->insn_len) != 0;
}

static void judge(struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    struct gd_event ev = { .kind = GD_EV_UNKNOWN };

    /* The guest's own watchpoint was hit by an access that ours had been told of, and the word of the
     * standing fence is met at its vector: that is no second hit of ours. */
    if (v->delivered && x->kind == GD_EXIT_DEBUG && pc_of(e, v) == v->delivered_pc)
        ev = (struct gd_event){ .kind = GD_EV_SWBP, .pc = v->delivered_pc };
    else
        e->arch->event(&v->cpu, x, &e->set, &ev);
    v->delivered = false;
    if ((ev.kind == GD_EV_SWBP && patched(e, v, ev.pc)) || (ev.kind == GD_EV_HWBP && ev.slots))
        hit_break(e, v, &ev);
    else if (ev.kind == GD_EV_WATCH && ev.slots)
        hit_watch(e, v, &ev);
    else if (outdated(e, v, &ev))
        return;
    else if (ev.masked)
        pass_over(v, ev.pc, true);
    else
        inject(e, v, x);
}

/* After one whole instruction of a step, with guest state as the guest would have it. */
static void finish_step(struct gd_engine *e, struct gd_vcpu *v)
{
    uint64_t pc = pc_of(e, v);
    struct gd_action *a = &v->action;

    v->stepping = false;
    v->told = v->told_watch = false;
    v->delivered = v->step.lift_watch && e->arch->fence;
    v->delivered_pc = pc;
    v->since_slice++;
    v->since_irq = v->since_irq >= STEPS_PER_IRQ && !v->step.let_irq ? 0 : v->since_irq + 1;
    if (!e->arch->insn_plain || !e->arch->insn_plain(v->step.insn))
        gd_cpu_drop_page(&v->cpu);
    if (v->step_over) {
        v->step_over = false;
        v->n.step_overs++;
        if (v->after.reason && !v->stop.reason) {
            stop_here(e, v, &v->after);
            v->after.reason = GD_STOP_NONE;
            return;
        }
    }
    if (a->mode == GD_RUN)
        return;
    v->n.steps++;
    if (v->stop.reason) /* a device access that was found watched when it was too late */
        return;
    /* A breakpoint inside the range is hit by the next step, as by any execution. */
    if (a->mode != GD_RANGE || pc < a->start || pc >= a->end)
        stop_here(e, v, &(struct gd_stop){ .reason = GD_STOP_STEP });
}

static int temp_index(const struct gd_vcpu *v, uint64_t pc)
{
    for (int i = 0; i < v->step.ntemp; i++)
        if (v->step.temp[i].va == pc)
            return i;
    return -1;
}

/* An exit during a step. True if the step took it. */
static bool step_exit(struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    int temp = x->kind == GD_EXIT_DEBUG && v->step.ntemp ? temp_index(v, pc_of(e, v)) : -1;
    int r = e->arch->step_exit(&v->cpu, &v->step, x, temp);

    if (r == GD_STEP_ENTER)
        return true;
    v->stepping = false;
    if (r == GD_STEP_DONE)
        finish_step(e, v);
    else if (r < 0)
        stop_error(e, v, r);
    return r != GD_STEP_OTHER;
}

/* The pairs whose context is the present one: no hardware has looked. Raw pairs are the hardware's alone. */
static uint16_t linked_here(struct gd_engine *e, struct gd_vcpu *v)
{
    uint16_t slots = 0;
    uint64_t now;

    for (unsigned i = 0; i < e->nhw; i++) {
        const struct gd_hw_want *w = &e->cfg.points[e->hw[i] - 1].want;

        if (w->linked && !w->raw && w->type >= GD_WRITE && e->arch->context &&
            !e->arch->context(&v->cpu, &now) && now == w->context)
            slots |= w->slots;
    }
    return slots;
}

/* A device access about to be served by the VMM: the watchpoint hardware did not see it,
 * because the stage-2 fault comes first. Where it cannot be undone the hit is told after it. */
static enum gd_verdict device_access(struct gd_engine *e, struct gd_vcpu *v,
                                     const struct gd_exit *x)
{
    struct gd_event ev = { .kind = GD_EV_WATCH };
    struct gd_point *p = NULL;
    struct gd_stop stop;
    bool any = false;

    if (!e->any_hw || (v->stepping && v->step.lift_watch))
        return GD_NOT_DEBUG;
    ev.pc = pc_of(e, v) - (x->after ? e->arch->insn_len : 0);
    e->arch->access(&v->cpu, ev.pc, &ev.access);
    ev.access.write = x->write;
    ev.access.read = !x->write;
    ev.slots = linked_here(e, v);
    if (ev.access.len)
        p = watch_point(e, &ev, &any);
    if (!p)
        return GD_NOT_DEBUG;
    stop = watch_stop(e, p, &ev.access, false);
    if (e->cfg.be->undo_mmio && !e->cfg.be->undo_mmio(e->cfg.be_ctx, v->cpu.index)) {
        stop.before = true;
        gd_cpu_forget(&v->cpu);
        abort_step(e, v);
    }
    stop_here(e, v, &stop);
    return stop.before ? GD_AGAIN : GD_NOT_DEBUG;
}

/* Registers must be read again, but for those that one stepped instruction cannot have changed. */
static void forget(const struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    uint64_t keep[GD_REG_WORDS];

    if (v->stepping && v->step.use_hw && x->kind == GD_EXIT_DEBUG && e->arch->keeps) {
        e->arch->keeps(v->step.insn, keep);
        gd_cpu_forget_but(&v->cpu, keep);
    } else {
        gd_cpu_forget(&v->cpu);
    }
}

enum gd_verdict gd_vcpu_left(struct gd_engine *e, unsigned i, const struct gd_exit *x)
{
    struct gd_vcpu *v = vcpu(e, i);

    forget(e, v, x);
    v->n.exits++;
    if (x->kind == GD_EXIT_NONE)
        return GD_AGAIN;
    if (x->kind == GD_EXIT_OTHER && gd_points_fence_moved(e, &v->cpu))
        v->move_fence = true;
    if (v->stepping && step_exit(e, v, x))
        return GD_AGAIN;
    if (x->kind == GD_EXIT_OTHER)
        return GD_NOT_DEBUG;
    judge(e, v, x);
    return GD_AGAIN;
}

enum gd_verdict gd_vcpu_exit(struct gd_engine *e, unsigned i, const struct gd_exit *x)
{
    struct gd_vcpu *v = vcpu(e, i);
    enum gd_verdict verdict;

    if (x->kind != GD_EXIT_MMIO)
        return gd_vcpu_left(e, i, x);
    gd_cpu_forget(&v->cpu);
    v->n.exits++;
    verdict = device_access(e, v, x);
    if (verdict == GD_NOT_DEBUG)
        gd_cpu_forget(&v->cpu); /* completing the access changes registers */
    return verdict;
}
