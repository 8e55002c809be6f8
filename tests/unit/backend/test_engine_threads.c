/* SPDX-License-Identifier: MIT */
/*
 * The engine and the gate under real threads: every vCPU of the fake guest on its own, and a
 * client that does anything in any order. What must hold is checked whenever all have stopped:
 * every execution of a breakpointed or watched instruction was counted once, every stop has its
 * reason, all are parked, the guest's own memory is what it would be without a debugger, and
 * nobody is stuck. Guest code is shared and written by nobody but the engine; data is each
 * vCPU's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "backend/host/gate.h"
#include "base/bits.h"
#include "engine/patch.h"
#include "fake.h"

#define CODE       FAKE_RAM
#define DATA(i)    (FAKE_RAM + FAKE_RAM_SIZE / 2 + 64ULL * (i))
#define BUDGET     40 /* instructions before a vCPU leaves the guest by itself */
#define PATIENCE_S 60 /* without any event: somebody is stuck */

enum { LOAD, ADD, STORE, NOP, CALL, WAIT, ADD2, JUMP, INSNS };

static const uint32_t program[INSNS] = {
    [LOAD] = FAKE_INSN(FAKE_LOAD, 1, 2, 3),   [ADD] = FAKE_INSN(FAKE_ADDI, 1, 1, 0),
    [STORE] = FAKE_INSN(FAKE_STORE, 1, 2, 3), [NOP] = FAKE_INSN(FAKE_NOP, 0, 0, 0),
    [CALL] = FAKE_INSN(FAKE_CALL, 0, 0, 0),   [WAIT] = FAKE_INSN(FAKE_WAIT, 0, 0, 0),
    [ADD2] = FAKE_INSN(FAKE_ADDI, 3, 1, 0),   [JUMP] = FAKE_INSN(FAKE_JUMP, 0, 0xf9, 0xff),
};

/* The points that the client sets and takes away. No instruction of a vCPU has two. */
struct spot {
    enum gd_point_type type;
    uint64_t addr, len;
    unsigned insns; /* bits */
    int vcpu;       /* -1: all that run where addr is */
};

static const struct spot spots[] = {
    { GD_SW, CODE + 4 * ADD, 4, 1u << ADD, -1 },
    { GD_SW, FAKE_HIGH + CODE + 4 * ADD, 4, 1u << ADD, -1 },
    { GD_SW, CODE + 4 * CALL, 4, 1u << CALL, -1 },
    { GD_SW, CODE + 4 * ADD2, 4, 1u << ADD2, -1 },
    { GD_SW, FAKE_HIGH + CODE + 4 * JUMP, 4, 1u << JUMP, -1 },
    { GD_HW, CODE + 4 * NOP, 4, 1u << NOP, -1 },
    { GD_HW, FAKE_HIGH + CODE + 4 * NOP, 4, 1u << NOP, -1 },
    { GD_WRITE, DATA(0) + 2, 3, 1u << STORE, 0 },
    { GD_ACCESS, DATA(1), 8, 1u << LOAD | 1u << STORE, 1 },
};
#define SPOTS (sizeof(spots) / sizeof(spots[0]))

struct actor {
    struct world *w;
    unsigned i;
    pthread_t thread;
    uint64_t executed[INSNS];
};

struct world {
    struct fake f; /* first: the back end's context */
    struct gd_backend be;
    struct gd_gate gate;
    struct actor actors[FAKE_VCPUS];
    _Atomic bool kicked[FAKE_VCPUS];
    _Atomic int inside;
    _Atomic unsigned errors;
    _Atomic uint64_t progress;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned events; /* under the lock */
    /* the client's */
    uint64_t random, target;
    bool set[SPOTS];
    int64_t base[SPOTS];
    struct gd_action actions[FAKE_VCPUS];
    bool interrupted, time_held;
    unsigned stops[GD_STOP_EXITED + 1];
};

static struct world world;

/* ---- the back end ---- */

static void tell_client(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    w->events++;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void gate_kick(void *ctx, unsigned vcpu)
{
    atomic_store(&((struct world *)ctx)->kicked[vcpu], true);
}

static void kick(void *ctx, unsigned vcpu)
{
    gate_kick(ctx, vcpu);
    gd_gate_wake(&((struct world *)ctx)->gate);
}

static void wake(void *ctx)
{
    gd_gate_wake(&((struct world *)ctx)->gate);
}

static void notify(void *ctx)
{
    tell_client(ctx);
}

static void time_hold(void *ctx)
{
    ((struct world *)ctx)->time_held = true;
}

static void time_release(void *ctx)
{
    ((struct world *)ctx)->time_held = false;
}

static bool wanted(void *ctx, unsigned vcpu)
{
    return gd_vcpu_wanted(&((struct world *)ctx)->f.e, vcpu);
}

static bool parked(void *ctx, unsigned vcpu)
{
    return atomic_load(&((struct world *)ctx)->f.vcpus[vcpu].state) == GD_PARKED;
}

/* ---- the vCPUs ---- */

static void count(struct world *w, struct actor *a, uint64_t pc)
{
    a->executed[(pc - CODE) / 4 % INSNS]++;
    if (atomic_fetch_add(&w->progress, 1) % 32 == 0)
        tell_client(w);
}

/* In the guest. True if the exit is the VMM's to serve. */
static bool in_guest(struct world *w, struct actor *a, bool alone)
{
    struct gd_exit x = { .kind = GD_EXIT_NONE };
    bool left = false;

    if (atomic_fetch_add(&w->inside, 1) && alone)
        atomic_fetch_add(&w->errors, 1);
    for (unsigned n = 0; n < BUDGET && !left && !atomic_load(&w->kicked[a->i]); n++) {
        uint64_t pc = w->f.v[a->i].reg[FAKE_PC];

        left = fake_execute(&w->f, a->i, &x);
        if (w->f.v[a->i].reg[FAKE_PC] != pc)
            count(w, a, pc);
    }
    atomic_fetch_sub(&w->inside, 1);
    if (x.kind == GD_EXIT_OTHER)
        return true;
    gd_vcpu_exit(&w->f.e, a->i, &x);
    return false;
}

static void let_others(struct world *w, struct actor *a, bool *alone)
{
    if (!*alone)
        return;
    gd_alone_clear(&w->f.e);
    gd_gate_release(&w->gate, a->i);
    *alone = false;
}

/* The VMM has served an exit, meanwhile holding nobody; the engine hears of it. */
static void served(struct world *w, struct actor *a)
{
    static const struct gd_exit other = { .kind = GD_EXIT_OTHER };

    if (!gd_gate_enter(&w->gate, a->i))
        return;
    gd_vcpu_exit(&w->f.e, a->i, &other);
    gd_gate_leave(&w->gate, a->i);
}

static void turn(struct world *w, struct actor *a, bool *alone)
{
    bool serve = false;

    atomic_store(&w->kicked[a->i], false);
    switch (gd_vcpu_enter(&w->f.e, a->i, *alone)) {
    case GD_PARK:
        let_others(w, a, alone);
        gd_gate_wait(&w->gate, a->i);
        return;
    case GD_SLICE:
        *alone = gd_gate_slice(&w->gate, a->i);
        return;
    case GD_ENTER_ALONE:
        if (!*alone) {
            *alone = gd_gate_hold(&w->gate, a->i);
            return;
        }
        serve = in_guest(w, a, true);
        break;
    case GD_ENTER:
        let_others(w, a, alone);
        if (!gd_gate_enter(&w->gate, a->i))
            return;
        serve = in_guest(w, a, false);
        gd_gate_leave(&w->gate, a->i);
        break;
    }
    if (serve) {
        let_others(w, a, alone);
        served(w, a);
    }
}

static void *vcpu_thread(void *arg)
{
    struct actor *a = arg;
    bool alone = false;

    while (!gd_gate_cancelled(&a->w->gate))
        turn(a->w, a, &alone);
    let_others(a->w, a, &alone);
    return NULL;
}

/* ---- what must hold ---- */

static unsigned insn_at(uint64_t pc)
{
    return (unsigned)((pc - CODE) / 4 % INSNS);
}

static bool covers(const struct spot *s, unsigned vcpu, unsigned insn)
{
    bool high = vcpu % 4 == 3;

    if (!(s->insns >> insn & 1))
        return false;
    return s->vcpu < 0 ? high == (s->addr >= FAKE_HIGH) : (unsigned)s->vcpu == vcpu;
}

static struct gd_point *point_of(struct world *w, const struct spot *s)
{
    for (unsigned i = 0; i < w->f.e.npoint_used; i++)
        if (w->f.points[i].want.type == s->type && w->f.points[i].want.addr == s->addr)
            return &w->f.points[i];
    return NULL;
}

/* Hits, less executions, less vCPUs that stand before an instruction that was counted already:
 * stays the same as long as the point is set. */
static int64_t balance(struct world *w, const struct spot *s)
{
    int64_t sum = (int64_t)atomic_load(&point_of(w, s)->hits);

    for (unsigned i = 0; i < w->f.nvcpus; i++) {
        const struct gd_vcpu *v = &w->f.vcpus[i];
        uint64_t pc = w->f.v[i].reg[FAKE_PC];

        for (unsigned n = 0; n < INSNS; n++)
            sum -= covers(s, i, n) ? (int64_t)w->actors[i].executed[n] : 0;
        sum -= covers(s, i, insn_at(pc)) &&
               ((v->told && v->told_pc == pc) || (v->step_over && v->over_pc == pc));
    }
    return sum;
}

static void check_stopped(struct world *w)
{
    assert_true(gd_engine_stopped(&w->f.e));
    assert_int_equal(atomic_load(&w->errors), 0);
    assert_int_equal(atomic_load(&w->inside), 0);
    for (unsigned i = 0; i < w->f.nvcpus; i++) {
        assert_int_equal(atomic_load(&w->f.vcpus[i].state), GD_PARKED);
        assert_false(w->f.vcpus[i].stepping);
        assert_int_equal(gd_load_le(w->f.ram + (DATA(i) - FAKE_RAM), 8),
                         w->actors[i].executed[STORE]);
    }
    for (unsigned k = 0; k < SPOTS; k++)
        if (w->set[k])
            assert_int_equal(balance(w, &spots[k]), w->base[k]);
    assert_int_equal(w->f.e.ntemp, 0);
    assert_int_equal(w->f.e.lifted_patch, 0);
}

static bool is_set(struct world *w, unsigned vcpu, enum gd_point_type from, enum gd_point_type to)
{
    unsigned insn = insn_at(w->f.v[vcpu].reg[FAKE_PC]);

    for (unsigned k = 0; k < SPOTS; k++)
        if (w->set[k] && spots[k].type >= from && spots[k].type <= to &&
            covers(&spots[k], vcpu, insn))
            return true;
    return false;
}

static void check_reason(struct world *w, const struct gd_stop *s)
{
    const struct gd_action *a = &w->f.vcpus[s->vcpu].action; /* of the resume that let it run */
    uint64_t pc = w->f.v[s->vcpu].reg[FAKE_PC];

    assert_true(s->vcpu < w->f.nvcpus);
    w->stops[s->reason]++;
    switch (s->reason) {
    case GD_STOP_STEP:
        break;
    case GD_STOP_SWBREAK:
        assert_true(is_set(w, s->vcpu, GD_SW, GD_SW));
        break;
    case GD_STOP_HWBREAK:
        assert_true(is_set(w, s->vcpu, GD_HW, GD_HW));
        break;
    case GD_STOP_WATCH:
        assert_true(is_set(w, s->vcpu, GD_WRITE, GD_ACCESS));
        assert_in_range(s->addr, DATA(s->vcpu), DATA(s->vcpu) + 7);
        break;
    case GD_STOP_INTERRUPT:
        assert_true(w->interrupted);
        return;
    default:
        fail_msg("stop reason %d", s->reason);
    }
    assert_int_not_equal(w->actions[s->vcpu].mode, GD_HALT);
    if (s->reason == GD_STOP_STEP && a->mode == GD_RANGE)
        assert_true(pc - a->start >= a->end - a->start);
}

/* ---- the client ---- */

static unsigned dice(struct world *w, unsigned n)
{
    w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(w->random >> 33) % n;
}

static void await_event(struct world *w)
{
    struct timespec end;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&w->lock);
    while (!w->events && !err)
        err = pthread_cond_timedwait(&w->changed, &w->lock, &end);
    w->events = 0;
    pthread_mutex_unlock(&w->lock);
    assert_int_equal(err, 0); /* else somebody is stuck */
}

static void run_for(struct world *w, unsigned n)
{
    uint64_t end = atomic_load(&w->progress) + n;

    while (atomic_load(&w->progress) < end)
        await_event(w);
}

static void set_spot(struct world *w, unsigned k, bool on)
{
    const struct spot *s = &spots[k];

    if (on)
        assert_int_equal(gd_engine_insert(&w->f.e, 0, s->type, s->addr, s->len), 0);
    else
        assert_int_equal(gd_engine_remove(&w->f.e, 0, s->type, s->addr, s->len), 0);
    if (on && !w->set[k])
        w->base[k] = balance(w, s);
    w->set[k] = on;
}

static void change_points(struct world *w)
{
    bool shuffle = dice(w, 2);

    for (unsigned k = 0; k < SPOTS; k++) {
        bool was = w->set[k];

        if (shuffle && was) { /* as GDB does at every stop */
            set_spot(w, k, false);
            set_spot(w, k, true);
        }
        if (dice(w, 4) == 0)
            set_spot(w, k, !was);
        if (w->set[k] && dice(w, 2) == 0) {
            assert_int_equal(gd_engine_ignore(&w->f.e, spots[k].addr, dice(w, 60)), 0);
            w->base[k] = balance(w, &spots[k]);
        }
    }
}

static void choose_actions(struct world *w)
{
    unsigned one = dice(w, w->f.nvcpus), kind = dice(w, 6);

    for (unsigned i = 0; i < w->f.nvcpus; i++) {
        bool high = i % 4 == 3;
        struct gd_action *a = &w->actions[i];

        *a = (struct gd_action){ .start = CODE + (high ? FAKE_HIGH : 0) };
        a->end = a->start + 4 * (1 + dice(w, INSNS));
        a->mode = kind < 4 ? GD_RUN : kind == 4 ? GD_HALT : (enum gd_mode)dice(w, 4);
        if (i == one && kind > 0)
            a->mode = dice(w, 3) ? GD_STEP : kind == 1 ? GD_RUN : GD_RANGE;
    }
    if (w->actions[one].mode == GD_HALT)
        w->actions[one].mode = GD_RUN;
}

static void stop_and_check(struct world *w, unsigned patience)
{
    uint64_t end = atomic_load(&w->progress) + patience;
    struct gd_stop s;

    w->interrupted = false;
    while (!gd_engine_take_stop(&w->f.e, &s)) {
        if (!w->interrupted && atomic_load(&w->progress) >= end) {
            w->interrupted = true;
            gd_engine_interrupt(&w->f.e, 0);
        }
        await_event(w);
    }
    check_stopped(w);
    check_reason(w, &s);
    assert_true(w->time_held);
}

static void check_code(struct world *w)
{
    for (unsigned n = 0; n < INSNS; n++)
        assert_int_equal(gd_load_le(w->f.ram + 4 * n, 4), program[n]);
}

static void leave(struct world *w)
{
    while (!gd_engine_detach(&w->f.e, true))
        await_event(w);
    memset(w->set, 0, sizeof(w->set));
    assert_false(w->time_held);
    check_code(w);
}

/* The client goes, the guest runs by itself, another comes. */
static void come_again(struct world *w)
{
    static const struct gd_hw_set none;
    struct gd_stop s;

    leave(w);
    run_for(w, 40 * w->f.nvcpus);
    gd_engine_attach(&w->f.e);
    while (!gd_engine_take_stop(&w->f.e, &s))
        await_event(w);
    assert_int_equal(s.reason, GD_STOP_HALTED);
    check_stopped(w);
    for (unsigned i = 0; i < w->f.nvcpus; i++) {
        const struct fake_vcpu *v = &w->f.v[i];

        if (v->arm.generation != w->f.e.generation)
            continue; /* has not been in the guest since */
        assert_memory_equal(&v->set, &none, sizeof(none));
        assert_false(v->arm.step || v->arm.sw || v->arm.hw);
    }
}

static void open_world(struct world *w, unsigned nvcpus)
{
    struct gd_gate_config gate = { nvcpus, gate_kick, wanted, parked, w };
    struct gd_engine_config cfg;

    memset(w, 0, sizeof(*w));
    fake_open(&w->f, nvcpus, true);
    w->be = *w->f.e.cfg.be;
    w->be.kick = kick;
    w->be.wake = wake;
    w->be.notify = notify;
    w->be.time_hold = time_hold;
    w->be.time_release = time_release;
    cfg = w->f.e.cfg;
    cfg.be = &w->be;
    assert_int_equal(gd_engine_init(&w->f.e, &cfg), 0);
    assert_int_equal(gd_gate_open(&w->gate, &gate), 0);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    for (unsigned n = 0; n < INSNS; n++)
        fake_word(&w->f, CODE + 4 * n, program[n]);
    for (unsigned i = 0; i < nvcpus; i++) {
        w->f.v[i].reg[2] = DATA(i);
        w->f.v[i].reg[FAKE_PC] = CODE + (i % 4 == 3 ? FAKE_HIGH : 0);
        w->actors[i].w = w;
        w->actors[i].i = i;
        assert_int_equal(pthread_create(&w->actors[i].thread, NULL, vcpu_thread, &w->actors[i]), 0);
    }
}

static void close_world(struct world *w)
{
    leave(w);
    gd_gate_cancel(&w->gate, true);
    for (unsigned i = 0; i < w->f.nvcpus; i++)
        pthread_join(w->actors[i].thread, NULL);
    check_code(w);
    gd_gate_close(&w->gate);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}

static void any_order(unsigned nvcpus, unsigned rounds, uint64_t seed)
{
    struct world *w = &world;
    struct gd_stop s;

    open_world(w, nvcpus);
    w->random = seed;
    gd_engine_attach(&w->f.e);
    assert_true(gd_engine_take_stop(&w->f.e, &s));
    for (unsigned n = 0; n < rounds; n++) {
        change_points(w);
        choose_actions(w);
        assert_int_equal(gd_engine_resume(&w->f.e, w->actions), 0);
        if (dice(w, 16) == 0)
            come_again(w); /* in the midst of it */
        else
            stop_and_check(w, dice(w, 40 * nvcpus));
        if (dice(w, 16) == 0)
            come_again(w);
    }
    for (enum gd_reason r = GD_STOP_STEP; rounds > 1000 && r <= GD_STOP_INTERRUPT; r++)
        assert_true(w->stops[r] > 0); /* so that all was tried */
    close_world(w);
}

static void four_vcpus_keep_the_contracts_in_any_order(void **state)
{
    (void)state;
    any_order(4, 1500, 1);
}

static void two_vcpus_keep_the_contracts_in_any_order(void **state)
{
    (void)state;
    any_order(2, 1500, 2);
}

static void sixty_four_vcpus_keep_the_contracts_in_any_order(void **state)
{
    (void)state;
    any_order(FAKE_VCPUS, 150, 3);
}

/* No client comes between: every execution must be counted by the engine alone. */
static void hits_that_are_passed_over_are_counted_exactly(void **state)
{
    struct world *w = &world;
    struct gd_stop s;

    (void)state;
    open_world(w, 8);
    gd_engine_attach(&w->f.e);
    assert_true(gd_engine_take_stop(&w->f.e, &s));
    for (unsigned k = 0; k < SPOTS; k++)
        set_spot(w, k, true);
    for (unsigned k = 0; k < SPOTS; k++) {
        assert_int_equal(gd_engine_ignore(&w->f.e, spots[k].addr, k == 0 ? 3000 : ~0ULL), 0);
        w->base[k] = balance(w, &spots[k]);
    }
    for (unsigned i = 0; i < w->f.nvcpus; i++)
        w->actions[i] = (struct gd_action){ .mode = GD_RUN };
    assert_int_equal(gd_engine_resume(&w->f.e, w->actions), 0);
    while (!gd_engine_take_stop(&w->f.e, &s))
        await_event(w);
    check_stopped(w);
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(atomic_load(&point_of(w, &spots[0])->hits), 3001);
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_that_are_passed_over_are_counted_exactly),
        cmocka_unit_test(two_vcpus_keep_the_contracts_in_any_order),
        cmocka_unit_test(four_vcpus_keep_the_contracts_in_any_order),
        cmocka_unit_test(sixty_four_vcpus_keep_the_contracts_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
