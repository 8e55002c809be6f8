/* SPDX-License-Identifier: MIT */
/*
 * The control thread's side of the engine: attach, stop, what there is to tell, resume, detach,
 * and access to a stopped guest. Never blocks; a stop is complete when the last vCPU parked and
 * the back end notified.
 */
#include <string.h>

#include "base/bits.h"
#include "engine/points.h"

#define UNKNOWN UINT64_MAX /* gd_vcpu.others_exits */

static enum gd_vcpu_state state_of(const struct gd_engine *e, unsigned i)
{
    return (enum gd_vcpu_state)atomic_load(&e->cfg.vcpus[i].state);
}

bool gd_engine_has(const struct gd_engine *e, unsigned vcpu)
{
    return vcpu < e->cfg.nvcpus && (!e->cfg.be->exists || e->cfg.be->exists(e->cfg.be_ctx, vcpu));
}

int gd_engine_init(struct gd_engine *e, const struct gd_engine_config *cfg)
{
    if (!cfg->nvcpus || !cfg->npoints || cfg->npoints > 65000 || !cfg->hash_bits)
        return GD_E_ARG;
    memset(e, 0, sizeof(*e));
    e->cfg = *cfg;
    e->arch = cfg->target->arch;
    e->generation = 1;
    e->step_mode = cfg->step_mode;
    atomic_init(&e->stop_seq, 0);
    atomic_init(&e->exited, 0);
    gd_points_init(e);
    for (unsigned i = 0; i < cfg->nvcpus; i++) {
        struct gd_vcpu *v = &cfg->vcpus[i];

        memset(v, 0, sizeof(*v));
        v->cpu = (struct gd_cpu){ .target = cfg->target,
                                  .be = cfg->be,
                                  .be_ctx = cfg->be_ctx,
                                  .index = i,
                                  .why = &v->why,
                                  .engine = e };
        v->action.mode = GD_RUN;
        v->resumed = true;
        atomic_init(&v->request, 0);
        atomic_init(&v->state, cfg->start_halted ? GD_PARKED : GD_FREE);
    }
    return 0;
}

/* ---- asking to stop ---- */

static void ask_all(struct gd_engine *e)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        atomic_fetch_or(&e->cfg.vcpus[i].request, GD_REQ_STOP);
        if (state_of(e, i) == GD_FREE)
            e->cfg.be->kick(e->cfg.be_ctx, i);
    }
}

void gd_engine_interrupt(struct gd_engine *e, unsigned vcpu)
{
    e->interrupt = GD_STOP_INTERRUPT;
    e->interrupt_vcpu = vcpu < e->cfg.nvcpus ? vcpu : 0;
    ask_all(e);
}

void gd_engine_attach(struct gd_engine *e)
{
    e->attached = true;
    e->exit_told = false;
    e->interrupt = GD_STOP_HALTED;
    e->interrupt_vcpu = 0;
    ask_all(e);
}

bool gd_engine_stopped(const struct gd_engine *e)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (state_of(e, i) == GD_FREE)
            return false;
    return true;
}

void gd_engine_give_up(struct gd_engine *e)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        uint32_t was = GD_FREE;

        atomic_compare_exchange_strong(&e->cfg.vcpus[i].state, &was, GD_LOST);
    }
}

void gd_engine_vm_exited(struct gd_engine *e, int status)
{
    atomic_store(&e->exited, 1u + (uint32_t)(status & 0xff));
    e->cfg.be->notify(e->cfg.be_ctx);
}

/* ---- what there is to tell ---- */

static void hold_time(struct gd_engine *e, bool hold)
{
    if (e->time_held == hold)
        return;
    e->time_held = hold;
    if (hold && e->cfg.be->time_hold)
        e->cfg.be->time_hold(e->cfg.be_ctx);
    else if (!hold && e->cfg.be->time_release)
        e->cfg.be->time_release(e->cfg.be_ctx);
}

/* What happened already and would not be found again. */
static bool past(const struct gd_vcpu *v)
{
    return v->stop_seq && (v->stop.reason == GD_STOP_STEP || v->stop.reason == GD_STOP_ERROR ||
                           (v->stop.reason == GD_STOP_WATCH && !v->stop.before));
}

/* The stop to be told first: a breakpoint that has to wait is found again where the vCPU goes on,
 * a finished step is not. One that the client keeps halted has its stop told when it goes on. */
static struct gd_vcpu *next_stop(struct gd_engine *e)
{
    struct gd_vcpu *best = NULL;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        struct gd_vcpu *v = &e->cfg.vcpus[i];

        if (state_of(e, i) != GD_PARKED || !v->stop_seq || !v->resumed)
            continue;
        if (!best || past(v) > past(best) ||
            (past(v) == past(best) && v->stop_seq < best->stop_seq))
            best = v;
    }
    return best;
}

/* A stop that the client asked for is no hit: a breakpoint right there is still to come. */
static void tell(struct gd_engine *e, struct gd_vcpu *v)
{
    if (!v->stop_seq)
        return;
    v->stop_seq = 0;
    v->told_watch = v->stop.reason == GD_STOP_WATCH && v->stop.before;
    v->told = v->told_watch ||
              ((v->stop.reason == GD_STOP_SWBREAK || v->stop.reason == GD_STOP_HWBREAK) &&
               !v->stop.after);
    v->told_pc = gd_cpu_reg(&v->cpu, e->arch->reg_pc);
    if (v->stop.point)
        atomic_fetch_add(&e->cfg.points[v->stop.point - 1].hits, 1);
}

/* One that was counted as lost came back and stopped while others were let go: its request may
 * have been taken for an old one. */
static void ask_rest(struct gd_engine *e)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (state_of(e, i) == GD_FREE &&
            !(atomic_fetch_or(&e->cfg.vcpus[i].request, GD_REQ_STOP) & GD_REQ_STOP))
            e->cfg.be->kick(e->cfg.be_ctx, i);
}

static bool shows(const struct gd_engine *e, const struct gd_vcpu *v)
{
    return v->resumed && state_of(e, v->cpu.index) == GD_PARKED && gd_engine_has(e, v->cpu.index);
}

/* ^C is told for the vCPU that the client looks at, if that one ran; else for one that did. */
static struct gd_vcpu *interrupted(struct gd_engine *e)
{
    struct gd_vcpu *v = &e->cfg.vcpus[e->interrupt_vcpu];

    for (unsigned i = 0; i < e->cfg.nvcpus && !shows(e, v); i++)
        if (shows(e, &e->cfg.vcpus[i]))
            v = &e->cfg.vcpus[i];
    return v;
}

bool gd_engine_take_stop(struct gd_engine *e, struct gd_stop *stop)
{
    uint32_t exited = atomic_load(&e->exited);
    struct gd_vcpu *v;

    if (exited && !e->exit_told) {
        e->exit_told = true;
        *stop = (struct gd_stop){ .reason = GD_STOP_EXITED, .addr = exited - 1 };
        return true;
    }
    if (!gd_engine_stopped(e)) {
        if (next_stop(e))
            ask_rest(e);
        return false;
    }
    hold_time(e, true);
    v = next_stop(e);
    if (!v && e->interrupt == GD_STOP_NONE)
        return false;
    if (v) {
        *stop = v->stop;
    } else {
        v = interrupted(e);
        *stop = (struct gd_stop){ .reason = e->interrupt, .vcpu = v->cpu.index };
    }
    e->interrupt = GD_STOP_NONE;
    if (state_of(e, stop->vcpu) == GD_PARKED)
        tell(e, v);
    return true;
}

/* ---- going on ---- */

/* Breakpoints where the client knows that the vCPU stands are stepped over when it runs on. */
static void plan_step_over(struct gd_engine *e, struct gd_vcpu *v)
{
    uint64_t pc;

    if (!v->told && !v->step_over)
        return;
    pc = gd_cpu_reg(&v->cpu, e->arch->reg_pc);
    /* A hit kept for later is judged anew: its point may be gone. */
    if (v->step_over && (v->over_pc != pc || v->after.reason))
        v->step_over = false;
    v->told &= v->told_pc == pc;
    if (!v->told || v->action.mode != GD_RUN || v->step_over)
        return;
    if (gd_point_at(e, pc, GD_BREAKS, NULL) || e->any_hw) {
        v->step_over = true;
        v->over_pc = pc;
        v->over_watch = v->told_watch;
        v->after.reason = GD_STOP_NONE;
    }
}

static enum gd_mode mode_of(const struct gd_action *actions, unsigned i)
{
    return actions ? actions[i].mode : GD_RUN;
}

static void note_resumed(struct gd_engine *e, const struct gd_action *actions)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        e->cfg.vcpus[i].resumed = mode_of(actions, i) != GD_HALT;
}

/* Another vCPU that ran since may have moved what a vCPU is about to execute. */
static void drop_old_pages(struct gd_engine *e)
{
    bool stale = e->wrote; /* ... or the client, or one whose exits cannot be counted */
    uint64_t all = 0;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        bool parked = state_of(e, i) == GD_PARKED;

        stale |= !parked;
        all += parked ? e->cfg.vcpus[i].n.exits : 0;
    }
    e->wrote = false;
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        struct gd_vcpu *v = &e->cfg.vcpus[i];

        if (state_of(e, i) != GD_PARKED) {
            v->others_exits = UNKNOWN;
            continue;
        }
        if (stale || v->others_exits != all - v->n.exits)
            gd_cpu_drop_page(&v->cpu);
        v->others_exits = stale ? UNKNOWN : all - v->n.exits;
    }
}

/* Lets the vCPUs go whose action says so (NULL: all run). First all are made ready, then all are
 * freed: one that runs at once may ask the others to stop, and that request must not be cleared.
 * A stop that was not told is dropped: executing again finds it again if it is still wanted. */
static void let_go(struct gd_engine *e, const struct gd_action *actions)
{
    e->stepper = e->cfg.nvcpus;
    note_resumed(e, actions);
    drop_old_pages(e);
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        struct gd_vcpu *v = &e->cfg.vcpus[i];

        if (!v->resumed)
            continue;
        if (state_of(e, i) != GD_PARKED) { /* a lost one just runs: it cannot be let go to step */
            atomic_fetch_or(&v->request, GD_REQ_RUN);
        } else {
            if ((mode_of(actions, i) == GD_STEP || mode_of(actions, i) == GD_RANGE) &&
                e->stepper == e->cfg.nvcpus)
                e->stepper = i;
            v->action = actions ? actions[i] : (struct gd_action){ .mode = GD_RUN };
            v->stop_seq = 0;
            v->stop = (struct gd_stop){ .reason = GD_STOP_NONE };
            gd_vcpu_look_anew(v);
            plan_step_over(e, v);
        }
        atomic_fetch_and(&v->request, ~GD_REQ_STOP);
    }
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (mode_of(actions, i) != GD_HALT)
            atomic_store(&e->cfg.vcpus[i].state, GD_FREE);
    e->cfg.be->wake(e->cfg.be_ctx);
}

int gd_engine_resume(struct gd_engine *e, const struct gd_action *actions)
{
    bool any = false, untold = false;
    int err;

    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        bool step = actions[i].mode == GD_STEP || actions[i].mode == GD_RANGE;

        any |= actions[i].mode != GD_HALT;
        if (state_of(e, i) != GD_PARKED && step)
            return gd_why(&e->why, GD_E_LOST, "it cannot be stepped before it does");
        if (state_of(e, i) != GD_PARKED)
            continue;
        untold |= actions[i].mode != GD_HALT && past(&e->cfg.vcpus[i]);
    }
    if (!any)
        return gd_why(&e->why, GD_E_ARG, "no vCPU is to be resumed");
    if (untold) { /* it is told without anyone having run */
        note_resumed(e, actions);
        e->cfg.be->notify(e->cfg.be_ctx);
        return 0;
    }
    err = gd_points_apply(e);
    if (err)
        return err;
    hold_time(e, false);
    e->interrupt = GD_STOP_NONE;
    let_go(e, actions);
    return 0;
}

bool gd_engine_detach(struct gd_engine *e, bool resume)
{
    if (!gd_engine_stopped(e)) {
        ask_all(e);
        return false;
    }
    gd_engine_remove_all(e);
    if (gd_points_apply(e)) { /* memory that went away: nothing of ours is there any more */
        e->dirty_patch = 0;
        e->plan_dirty = false;
    }
    gd_points_init(e);
    e->generation++;
    e->attached = e->step_irq = false;
    e->step_mode = e->cfg.step_mode;
    e->interrupt = GD_STOP_NONE;
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        e->cfg.vcpus[i].told = e->cfg.vcpus[i].step_over = false;
        e->cfg.vcpus[i].stop_seq = 0;
    }
    hold_time(e, !resume);
    if (!resume)
        return true;
    let_go(e, NULL);
    return true;
}

/* ---- a stopped guest ---- */

struct gd_cpu *gd_engine_cpu(struct gd_engine *e, unsigned vcpu)
{
    enum gd_vcpu_state state;

    if (!gd_engine_has(e, vcpu)) {
        gd_why(&e->why, GD_E_NOTHREAD, NULL);
        return NULL;
    }
    state = state_of(e, vcpu);
    if (state == GD_PARKED) {
        gd_vcpu_look_anew(&e->cfg.vcpus[vcpu]);
        return &e->cfg.vcpus[vcpu].cpu;
    }
    gd_why(&e->why, state == GD_FREE ? GD_E_RUNNING : GD_E_LOST, NULL);
    return NULL;
}

/* Keeps the vCPU's own account of an error as the client's. */
static int keep(struct gd_engine *e, const struct gd_cpu *c, int err)
{
    if (err < 0)
        e->why = c->why->error == err ? *c->why
                                      : (struct gd_why){ .error = err, .level = GD_NO_LEVEL };
    return err;
}

int gd_engine_read(struct gd_engine *e, unsigned vcpu, uint64_t va, void *buf, size_t n,
                   size_t *done)
{
    struct gd_cpu *c = gd_engine_cpu(e, vcpu);

    *done = 0;
    return c ? keep(e, c, gd_cpu_read(c, va, buf, n, done)) : e->why.error;
}

int gd_engine_write(struct gd_engine *e, unsigned vcpu, uint64_t va, const void *buf, size_t n,
                    size_t *done)
{
    struct gd_cpu *c = gd_engine_cpu(e, vcpu);

    *done = 0;
    e->wrote = true;
    return c ? keep(e, c, gd_cpu_write(c, va, buf, n, done)) : e->why.error;
}

int gd_engine_read_phys(struct gd_engine *e, uint64_t gpa, void *buf, size_t n, size_t *done)
{
    struct gd_cpu *c = &e->cfg.vcpus[0].cpu;
    int err = 0;

    *done = 0;
    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    while (*done < n && !err) {
        size_t piece = 4096 - (size_t)((gpa + *done) % 4096);

        if (piece > n - *done)
            piece = n - *done;
        err = gd_cpu_read_phys(c, gpa + *done, (uint8_t *)buf + *done, piece);
        if (!err)
            *done += piece;
    }
    return keep(e, c, err);
}

int gd_engine_reg_get(struct gd_engine *e, unsigned vcpu, unsigned num, uint8_t *bytes)
{
    struct gd_cpu *c = gd_engine_cpu(e, vcpu);

    return c ? keep(e, c, e->arch->reg_get(c, num, bytes)) : e->why.error;
}

int gd_engine_reg_set(struct gd_engine *e, unsigned vcpu, unsigned num, const uint8_t *bytes)
{
    struct gd_cpu *c = gd_engine_cpu(e, vcpu);
    int err;

    if (!c)
        return e->why.error;
    err = gd_cpu_flush(c); /* what a step gave back is not to be forgotten below */
    if (!err)
        err = e->arch->reg_set(c, num, bytes);
    if (!err)
        err = gd_cpu_flush(c);
    if (!err && num == e->arch->reg_pc) { /* it is let go anew: nothing there was told yet */
        struct gd_vcpu *v = &e->cfg.vcpus[vcpu];

        v->told = v->told_watch = v->step_over = false;
    }
    gd_cpu_forget(c); /* what was really taken over is read back */
    gd_cpu_drop_page(c);
    return keep(e, c, err);
}
