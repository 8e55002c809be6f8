/* SPDX-License-Identifier: MIT */
/*
 * The vCPU's own side of the engine: what the next guest entry is, and what an exit means.
 * Runs on the thread that owns the vCPU. Guest state borrowed here (interrupt masks of a step,
 * words planted for a run alone) is back before the vCPU counts as parked.
 */
#include <string.h>

#include "base/bits.h"
#include "engine/points.h"

/* Steps that one vCPU makes alone before the others get a slice of time. */
#define STEPS_PER_SLICE 256u

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
        atomic_fetch_or(&v->request, GD_REQ_STOP);
        if (atomic_load(&v->state) != GD_PARKED)
            e->cfg.be->kick(e->cfg.be_ctx, i);
    }
}

/* The vCPU has something to tell: it parks at its next enter, and all others are asked to. */
static void stop_here(struct gd_engine *e, struct gd_vcpu *v, const struct gd_stop *stop)
{
    v->stop = *stop;
    v->stop.vcpu = v->cpu.index;
    v->stop_seq = atomic_fetch_add(&e->stop_seq, 1) + 1;
    stop_others(e, v);
}

static void stop_error(struct gd_engine *e, struct gd_vcpu *v, int error)
{
    stop_here(e, v, &(struct gd_stop){.reason = GD_STOP_ERROR, .error = error});
}

/* Ends a step that cannot be finished now; the vCPU stands before the instruction, inside an
 * exclusive sequence, or after it, and in each case guest state is its own again. */
static void abort_step(struct gd_engine *e, struct gd_vcpu *v)
{
    if (!v->stepping)
        return;
    e->arch->step_abort(&v->cpu, &v->step);
    v->stepping = false;
}

static enum gd_entry park(struct gd_engine *e, struct gd_vcpu *v, bool alone)
{
    uint32_t parked = GD_PARKED;

    abort_step(e, v);
    if (alone)
        gd_alone_clear(e);
    gd_cpu_drop_page(&v->cpu);
    atomic_store(&v->state, GD_PARKED);
    e->cfg.be->notify(e->cfg.be_ctx);
    /* A vCPU that was given up as lost may have been let go between its look at the request
     * and this store; nobody would wake it then. */
    if (!gd_vcpu_wanted(e, v->cpu.index) && !v->stop.reason &&
        atomic_compare_exchange_strong(&v->state, &parked, GD_FREE))
        e->cfg.be->wake(e->cfg.be_ctx);
    return GD_PARK;
}

/* ---- entering ---- */

static int arm(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_arm a = {
        .generation = e->generation,
        .set = &e->set,
        .hw = e->any_hw,
        .sw = e->nplanted || e->ntemp,
        .step = v->stepping && v->step.use_hw,
    };

    if (v->stepping && v->told && v->told_pc == v->step.pc)
        for (struct gd_point *p = gd_point_at(e, v->told_pc, GD_BREAKS, NULL); p;
             p = gd_point_at(e, v->told_pc, GD_BREAKS, p))
            a.lift_b |= p->want.slots;
    if (v->stepping && v->step_over)
        for (struct gd_point *p = gd_point_at(e, v->over_pc, GD_BREAKS, NULL); p;
             p = gd_point_at(e, v->over_pc, GD_BREAKS, p))
            a.lift_b |= p->want.slots;
    if (v->stepping && v->step.lift_watch)
        a.lift_w = 0xffff;
    return e->cfg.be->arm(e->cfg.be_ctx, v->cpu.index, &a);
}

static bool others_run(struct gd_engine *e, const struct gd_vcpu *self)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (vcpu(e, i) != self && atomic_load(&vcpu(e, i)->state) == GD_FREE)
            return true;
    return false;
}

/* Lifted for this step: the breakpoint that the client was told of, or that was passed over. */
static bool lifts_here(const struct gd_vcpu *v, uint64_t pc)
{
    return (v->told && v->told_pc == pc) || (v->step_over && v->over_pc == pc);
}

static int begin_step(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_step *s = &v->step;
    int r;

    s->ntemp = 0;
    s->kind = s->phase = 0;
    s->use_hw = s->waits = s->masked = false;
    s->show_irq = e->step_irq;
    s->pc = pc_of(e, v);
    s->sequence = v->step_over && v->over_sequence;
    s->lift_watch = (v->step_over && v->over_watch) || (v->told && v->told_watch &&
                                                        v->told_pc == s->pc);
    r = e->arch->step_begin(&v->cpu, s);
    v->stepping = r == GD_STEP_ENTER;
    return r;
}

static void finish_step(struct gd_engine *e, struct gd_vcpu *v);

/* Is it time for the others? A slice is given between two instructions only. */
static bool slice_due(struct gd_engine *e, struct gd_vcpu *v)
{
    if (v->since_slice < STEPS_PER_SLICE && !v->step.waits)
        return false;
    v->since_slice = 0;
    v->step.waits = false;
    return !v->stepping && others_run(e, v);
}

/* What the entry of a run alone needs in memory, debug hardware and registers. */
static int load_step(struct gd_engine *e, struct gd_vcpu *v)
{
    struct gd_xlate x;
    struct gd_why why;
    bool lift = e->nplanted && lifts_here(v, v->step.pc) &&
                !e->arch->translate(&v->cpu, v->step.pc, GD_FETCH, &x, &why);
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
        *entry = GD_ENTER_ALONE;
    }
    if (err < 0)
        stop_error(e, v, err);
    return err >= 0;
}

static bool needs_step(const struct gd_vcpu *v)
{
    return v->stepping || v->step_over || v->action.mode == GD_STEP || v->action.mode == GD_RANGE;
}

enum gd_entry gd_vcpu_enter(struct gd_engine *e, unsigned i, bool alone)
{
    struct gd_vcpu *v = vcpu(e, i);
    enum gd_entry entry;
    int err;

    for (;;) {
        if (atomic_load(&v->state) == GD_PARKED)
            return GD_PARK;
        if (gd_vcpu_wanted(e, i) || v->stop.reason != GD_STOP_NONE)
            return park(e, v, alone);
        if (!needs_step(v))
            break;
        if (!alone)
            return GD_ENTER_ALONE;
        if (enter_step(e, v, &entry))
            return entry;
    }
    if (alone)
        gd_alone_clear(e);
    v->told = v->told_watch = false;
    gd_cpu_drop_page(&v->cpu);
    err = arm(e, v);
    if (!err)
        err = gd_cpu_flush(&v->cpu);
    if (!err)
        return GD_ENTER;
    stop_error(e, v, err);
    return park(e, v, alone);
}

/* ---- judging exits ---- */

static uint64_t clamp_watch(const struct gd_point *p, const struct gd_access *a)
{
    uint64_t first = p->want.addr, last = first + (p->want.len - 1), at = a->addr;

    return at < first ? first : at > last ? last : at;
}

/* Counts a hit; true if it is to be passed over silently. */
static bool count_hit(struct gd_point *p)
{
    atomic_fetch_add_explicit(&p->hits, 1, memory_order_relaxed);
    return atomic_load_explicit(&p->hits, memory_order_relaxed) <= p->ignore;
}

static void pass_over(struct gd_vcpu *v, uint64_t pc, bool watch)
{
    v->step_over = true;
    v->over_pc = pc;
    v->over_watch = watch;
    v->over_sequence = false;
    v->after.reason = GD_STOP_NONE;
}

/* A breakpoint at pc. slots: the pairs that the hardware says, 0 for a planted word; after: the
 * instruction was already executed, so nothing is there to be stepped over. */
static void hit_break(struct gd_engine *e, struct gd_vcpu *v, const struct gd_event *ev)
{
    bool quiet = true, any = false, soft = false;

    for (unsigned i = 0; ev->slots && i < e->npoint_used; i++) {
        struct gd_point *p = &e->cfg.points[i];

        if (!p->wanted || p->patch || p->want.type > GD_HW || !(p->want.slots & ev->slots))
            continue;
        any = true;
        soft |= p->want.type == GD_SW;
        quiet &= count_hit(p);
    }
    for (struct gd_point *p = ev->slots ? NULL : gd_point_at(e, ev->pc, GD_BREAKS, NULL); p;
         p = gd_point_at(e, ev->pc, GD_BREAKS, p)) {
        if (!p->patch)
            continue;
        any = true;
        soft |= p->want.type == GD_SW;
        quiet &= count_hit(p);
    }
    if (any && !quiet) {
        stop_here(e, v, &(struct gd_stop){.reason = soft ? GD_STOP_SWBREAK : GD_STOP_HWBREAK});
        return;
    }
    v->n.false_hits += !any;
    if (!ev->after && !(!any && e->arch->pass && e->arch->pass(&v->cpu)))
        pass_over(v, ev->pc, false);
}

static void inject(struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    int err = e->arch->inject(&v->cpu, x);

    v->n.injected++;
    if (err)
        stop_error(e, v, err);
    else if (needs_step(v))
        finish_step(e, v); /* the instruction ended in the guest's own exception */
}

static bool patched(struct gd_engine *e, struct gd_vcpu *v, uint64_t pc)
{
    struct gd_xlate x;
    struct gd_why why;

    return !e->arch->translate(&v->cpu, pc, GD_FETCH, &x, &why) && gd_patch_at(e, x.gpa);
}

static bool watches(const struct gd_point *p, const struct gd_access *a)
{
    bool way = p->want.type == GD_ACCESS || (p->want.type == GD_WRITE && a->write) ||
               (p->want.type == GD_READ && a->read);

    return way && gd_overlap(p->want.addr, p->want.len, a->addr, a->len);
}

/* The watchpoint that the access really touches. Where the access could not be decoded the
 * hardware's word for the slot is all there is. */
static struct gd_point *watch_point(struct gd_engine *e, const struct gd_event *ev)
{
    for (unsigned i = 0; i < e->npoint_used; i++) {
        struct gd_point *p = &e->cfg.points[i];
        bool slot = p->want.slots & ev->slots;

        if (!p->wanted || p->want.type < GD_WRITE)
            continue;
        if (p->want.raw || !ev->access.len ? slot
                                           : watches(p, &ev->access) && (!p->want.linked || slot))
            return p;
    }
    return NULL;
}

static void hit_watch(struct gd_engine *e, struct gd_vcpu *v, const struct gd_event *ev)
{
    struct gd_point *p = ev->maybe_false && !ev->access.len ? NULL : watch_point(e, ev);
    struct gd_stop stop = {.reason = GD_STOP_WATCH};

    if (!p || count_hit(p)) {
        v->n.false_hits += !p;
        pass_over(v, ev->pc, true);
        v->over_sequence = ev->access.exclusive;
        return;
    }
    stop.type = p->want.type;
    stop.addr = p->want.raw ? ev->access.addr : clamp_watch(p, &ev->access);
    if (!ev->access.exclusive) {
        stop_here(e, v, &stop);
        v->stop.before = !ev->after;
        return;
    }
    /* The store-exclusive lost its reservation by this very exit. The sequence is run to its
     * end with the watchpoint off, and the hit told then. */
    pass_over(v, ev->pc, true);
    v->over_sequence = true;
    v->after = stop;
}

static void judge(struct gd_engine *e, struct gd_vcpu *v, const struct gd_exit *x)
{
    struct gd_event ev = {.kind = GD_EV_UNKNOWN};

    e->arch->event(&v->cpu, x, &e->set, &ev);
    if (ev.kind == GD_EV_SWBP)
        ev.slots = 0;
    if ((ev.kind == GD_EV_SWBP && patched(e, v, ev.pc)) || (ev.kind == GD_EV_HWBP && ev.slots))
        hit_break(e, v, &ev);
    else if (ev.kind == GD_EV_WATCH && ev.slots)
        hit_watch(e, v, &ev);
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
    v->since_slice++;
    if (!e->arch->insn_plain || !e->arch->insn_plain(v->step.insn))
        gd_cpu_drop_page(&v->cpu);
    if (v->step_over) {
        v->step_over = false;
        v->n.step_overs++;
        if (v->after.reason) {
            stop_here(e, v, &v->after);
            v->after.reason = GD_STOP_NONE;
            return;
        }
    }
    if (a->mode == GD_RUN)
        return;
    v->n.steps++;
    /* A breakpoint inside the range is hit by the next step, as by any execution. */
    if (a->mode != GD_RANGE || pc - a->start >= a->end - a->start)
        stop_here(e, v, &(struct gd_stop){.reason = GD_STOP_STEP});
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
    int temp = x->kind == GD_EXIT_DEBUG ? temp_index(v, pc_of(e, v)) : -1;
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

/* A device access about to be served by the VMM: the watchpoint hardware did not see it,
 * because the stage-2 fault comes first. */
static enum gd_verdict device_access(struct gd_engine *e, struct gd_vcpu *v,
                                     const struct gd_exit *x)
{
    struct gd_event ev = {.kind = GD_EV_WATCH, .slots = 0xffff};
    struct gd_point *p = NULL;

    if (!e->any_hw || !e->cfg.be->undo_mmio || (v->stepping && v->step.lift_watch))
        return GD_NOT_DEBUG;
    ev.pc = pc_of(e, v);
    e->arch->access(&v->cpu, ev.pc, &ev.access);
    ev.access.write = x->write;
    ev.access.read = !x->write;
    if (ev.access.len)
        p = watch_point(e, &ev);
    if (!p || p->want.raw || count_hit(p))
        return GD_NOT_DEBUG;
    if (e->cfg.be->undo_mmio(e->cfg.be_ctx, v->cpu.index))
        return GD_NOT_DEBUG;
    gd_cpu_forget(&v->cpu);
    abort_step(e, v);
    stop_here(e, v, &(struct gd_stop){.reason = GD_STOP_WATCH, .type = p->want.type,
                                      .addr = clamp_watch(p, &ev.access)});
    v->stop.before = true;
    return GD_AGAIN;
}

enum gd_verdict gd_vcpu_exit(struct gd_engine *e, unsigned i, const struct gd_exit *x)
{
    struct gd_vcpu *v = vcpu(e, i);

    gd_cpu_forget(&v->cpu);
    v->n.exits++;
    if (x->kind == GD_EXIT_MMIO) {
        enum gd_verdict verdict = device_access(e, v, x);

        if (verdict == GD_NOT_DEBUG)
            gd_cpu_forget(&v->cpu); /* completing the access changes registers */
        return verdict;
    }
    if (x->kind == GD_EXIT_NONE)
        return GD_AGAIN;
    if (v->stepping && step_exit(e, v, x))
        return GD_AGAIN;
    if (x->kind == GD_EXIT_OTHER)
        return GD_NOT_DEBUG;
    judge(e, v, x);
    return GD_AGAIN;
}
