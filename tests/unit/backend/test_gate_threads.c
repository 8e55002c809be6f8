/* SPDX-License-Identifier: MIT */
/* The gate: together or alone, and nobody waits for ever. A lost wake-up shows as a time-out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "backend/host/gate.h"

#define VCPUS 6

struct world {
    struct gd_gate gate;
    _Atomic bool kicked[VCPUS], wanted[VCPUS], parked[VCPUS];
    _Atomic bool asked[VCPUS]; /* under the gate's lock, which is next let go to wait */
    _Atomic int inside, alone, errors;
    _Atomic unsigned passed[VCPUS];
    _Atomic bool stop;
};

static void kick(void *ctx, unsigned vcpu)
{
    atomic_store(&((struct world *)ctx)->kicked[vcpu], true);
}

static bool wanted(void *ctx, unsigned vcpu)
{
    atomic_store(&((struct world *)ctx)->asked[vcpu], true);
    return atomic_load(&((struct world *)ctx)->wanted[vcpu]);
}

static bool parked(void *ctx, unsigned vcpu)
{
    atomic_store(&((struct world *)ctx)->asked[vcpu], true);
    return atomic_load(&((struct world *)ctx)->parked[vcpu]);
}

static int open_world(void **state)
{
    static struct world w;
    struct gd_gate_config cfg = { VCPUS, kick, wanted, parked, &w };

    memset(&w, 0, sizeof(w));
    *state = &w;
    return gd_gate_open(&w.gate, &cfg);
}

static int close_world(void **state)
{
    gd_gate_close(&((struct world *)*state)->gate);
    return 0;
}

struct actor {
    struct world *w;
    unsigned vcpu;
    unsigned rounds;
    _Atomic bool done;
    bool result;
    pthread_t thread;
};

static void start(struct actor *a, struct world *w, unsigned vcpu, void *(*body)(void *))
{
    a->w = w;
    a->vcpu = vcpu;
    atomic_store(&a->done, false);
    assert_int_equal(pthread_create(&a->thread, NULL, body, a), 0);
}

static void await(_Atomic bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

/* Inside as a guest is: until a kick, or for a while. */
static void be_inside(struct world *w, unsigned vcpu, unsigned patience)
{
    atomic_fetch_add(&w->inside, 1);
    if (atomic_load(&w->alone) != 0)
        atomic_fetch_add(&w->errors, 1);
    while (!atomic_load(&w->kicked[vcpu]) && patience-- > 0)
        sched_yield();
    atomic_fetch_sub(&w->inside, 1);
}

static void be_alone(struct world *w)
{
    if (atomic_fetch_add(&w->alone, 1) != 0 || atomic_load(&w->inside) != 0)
        atomic_fetch_add(&w->errors, 1);
    sched_yield();
    if (atomic_load(&w->inside) != 0)
        atomic_fetch_add(&w->errors, 1);
    atomic_fetch_sub(&w->alone, 1);
}

static void *mixed(void *arg)
{
    struct actor *a = arg;
    struct world *w = a->w;

    for (unsigned i = 0; i < a->rounds; i++) {
        atomic_store(&w->kicked[a->vcpu], false);
        if ((i + a->vcpu) % 3 == 0) {
            if (!gd_gate_hold(&w->gate, a->vcpu))
                atomic_fetch_add(&w->errors, 1);
            be_alone(w);
            if (i % 2 && gd_gate_slice(&w->gate, a->vcpu))
                be_alone(w);
            gd_gate_release(&w->gate, a->vcpu);
        } else {
            if (!gd_gate_enter(&w->gate, a->vcpu))
                atomic_fetch_add(&w->errors, 1);
            be_inside(w, a->vcpu, i % 5);
            gd_gate_leave(&w->gate, a->vcpu);
        }
    }
    atomic_store(&w->parked[a->vcpu], true);
    return NULL;
}

static void nobody_is_inside_while_one_is_alone(void **state)
{
    struct world *w = *state;
    struct actor a[VCPUS] = { 0 };

    for (unsigned i = 0; i < VCPUS; i++) {
        a[i].rounds = 60;
        start(&a[i], w, i, mixed);
    }
    for (unsigned i = 0; i < VCPUS; i++)
        pthread_join(a[i].thread, NULL);
    assert_int_equal(atomic_load(&w->errors), 0);
}

/* Stays inside until it is kicked, however long that takes, and comes again. */
static void *guest(void *arg)
{
    struct actor *a = arg;
    struct world *w = a->w;

    while (!atomic_load(&w->stop)) {
        atomic_store(&w->kicked[a->vcpu], false);
        if (!gd_gate_enter(&w->gate, a->vcpu))
            break;
        atomic_fetch_add(&w->inside, 1);
        atomic_fetch_add(&w->passed[a->vcpu], 1);
        while (!atomic_load(&w->kicked[a->vcpu]) && !atomic_load(&w->stop))
            sched_yield();
        atomic_fetch_sub(&w->inside, 1);
        gd_gate_leave(&w->gate, a->vcpu);
    }
    return NULL;
}

static void guests_that_never_leave_by_themselves_are_driven_out(void **state)
{
    struct world *w = *state;
    struct actor a[VCPUS];

    for (unsigned i = 1; i < VCPUS; i++)
        start(&a[i], w, i, guest);
    for (unsigned n = 0; n < 200; n++) {
        assert_true(gd_gate_hold(&w->gate, 0));
        assert_int_equal(atomic_load(&w->inside), 0); /* the gate's own flag says who tries, too */
        gd_gate_release(&w->gate, 0);
    }
    atomic_store(&w->stop, true);
    for (unsigned i = 1; i < VCPUS; i++)
        pthread_join(a[i].thread, NULL);
}

static void a_slice_lets_the_others_in(void **state)
{
    struct world *w = *state;
    struct actor a;
    unsigned seen;

    assert_true(gd_gate_hold(&w->gate, 0));
    start(&a, w, 1, guest);
    for (unsigned n = 0; n < 5; n++) {
        seen = atomic_load(&w->passed[1]);
        while (atomic_load(&w->passed[1]) == seen) {
            assert_true(gd_gate_slice(&w->gate, 0));
            assert_int_equal(atomic_load(&w->inside), 0);
        }
    }
    gd_gate_release(&w->gate, 0);
    atomic_store(&w->stop, true);
    pthread_join(a.thread, NULL);
}

static void a_reserved_one_goes_before_the_others(void **state)
{
    struct world *w = *state;
    struct actor a;

    gd_gate_reserve(&w->gate, 0);
    gd_gate_reserve(&w->gate, 2); /* too late */
    assert_true(gd_gate_owned(&w->gate, 0));
    start(&a, w, 1, guest);
    assert_true(gd_gate_hold(&w->gate, 0));
    assert_int_equal(atomic_load(&w->passed[1]), 0);
    gd_gate_release(&w->gate, 0);
    while (!atomic_load(&w->passed[1]))
        sched_yield();
    atomic_store(&w->stop, true);
    pthread_join(a.thread, NULL);
}

/* Its own reservation keeps nobody out for whom it was made. */
static void a_reserved_one_may_pass_together_with_others(void **state)
{
    struct world *w = *state;

    gd_gate_reserve(&w->gate, 0);
    assert_true(gd_gate_enter(&w->gate, 0));
    gd_gate_leave(&w->gate, 0);
    gd_gate_release(&w->gate, 0);
}

static void a_reservation_ends_with_a_cancel(void **state)
{
    struct world *w = *state;

    gd_gate_reserve(&w->gate, 0);
    gd_gate_cancel(&w->gate, true);
    gd_gate_cancel(&w->gate, false);
    assert_false(gd_gate_owned(&w->gate, 0));
    assert_true(gd_gate_enter(&w->gate, 1));
    gd_gate_leave(&w->gate, 1);
}

/* It held, released and parked before the reservation was made. */
static void one_that_parked_meanwhile_keeps_nobody_out(void **state)
{
    struct world *w = *state;

    atomic_store(&w->parked[0], true);
    gd_gate_reserve(&w->gate, 0);
    assert_false(gd_gate_owned(&w->gate, 0));
    assert_true(gd_gate_enter(&w->gate, 1));
    gd_gate_leave(&w->gate, 1);
}

static void *hold_once(void *arg)
{
    struct actor *a = arg;

    a->result = gd_gate_hold(&a->w->gate, a->vcpu);
    atomic_store(&a->done, true);
    return NULL;
}

static void who_waits_to_be_alone_gives_way_to_a_stop(void **state)
{
    struct world *w = *state;
    struct actor a;

    assert_true(gd_gate_enter(&w->gate, 1)); /* a guest that does not heed kicks */
    start(&a, w, 0, hold_once);
    await(&w->kicked[1]);
    atomic_store(&w->wanted[0], true);
    gd_gate_wake(&w->gate);
    pthread_join(a.thread, NULL);
    assert_false(a.result);
    assert_true(gd_gate_enter(&w->gate, 2)); /* and holds nobody */
    gd_gate_leave(&w->gate, 2);
    gd_gate_leave(&w->gate, 1);
}

static void who_queues_to_be_alone_gives_way_to_a_stop(void **state)
{
    struct world *w = *state;
    struct actor a;

    assert_true(gd_gate_hold(&w->gate, 1));
    start(&a, w, 0, hold_once);
    await(&w->asked[0]);
    atomic_store(&w->wanted[0], true);
    gd_gate_wake(&w->gate);
    pthread_join(a.thread, NULL);
    assert_false(a.result);
    gd_gate_release(&w->gate, 1);
    assert_true(gd_gate_enter(&w->gate, 2));
    gd_gate_leave(&w->gate, 2);
}

static void *hold_often(void *arg)
{
    struct actor *a = arg;

    for (unsigned i = 0; i < a->rounds; i++) {
        if (!gd_gate_hold(&a->w->gate, a->vcpu))
            atomic_fetch_add(&a->w->errors, 1);
        be_alone(a->w);
        gd_gate_release(&a->w->gate, a->vcpu);
        /* Between two turns alone it passes together, as a vCPU does between two hits. */
        if (!gd_gate_enter(&a->w->gate, a->vcpu))
            atomic_fetch_add(&a->w->errors, 1);
        gd_gate_leave(&a->w->gate, a->vcpu);
    }
    return NULL;
}

static void turns_alone_starve_nobody(void **state)
{
    struct world *w = *state;
    struct actor a[VCPUS] = { 0 };

    for (unsigned i = 0; i < VCPUS; i++) {
        a[i].rounds = 300;
        start(&a[i], w, i, hold_often);
    }
    for (unsigned i = 0; i < VCPUS; i++)
        pthread_join(a[i].thread, NULL);
    assert_int_equal(atomic_load(&w->errors), 0);
}

static void *wait_once(void *arg)
{
    struct actor *a = arg;

    a->result = gd_gate_wait(&a->w->gate, a->vcpu);
    return NULL;
}

static void a_parked_one_waits_until_it_is_let_go(void **state)
{
    struct world *w = *state;
    struct actor a;

    atomic_store(&w->parked[0], true);
    start(&a, w, 0, wait_once);
    await(&w->asked[0]);
    gd_gate_wake(&w->gate); /* not for it */
    atomic_store(&w->parked[0], false);
    gd_gate_wake(&w->gate);
    pthread_join(a.thread, NULL);
    assert_true(a.result);
}

static void *enter_once(void *arg)
{
    struct actor *a = arg;

    a->result = gd_gate_enter(&a->w->gate, a->vcpu);
    return NULL;
}

static void a_cancel_ends_every_wait_until_it_is_taken_back(void **state)
{
    struct world *w = *state;
    struct actor a[VCPUS];

    assert_true(gd_gate_hold(&w->gate, 0));
    atomic_store(&w->parked[3], true);
    start(&a[1], w, 1, enter_once);
    start(&a[2], w, 2, hold_once);
    start(&a[3], w, 3, wait_once);
    await(&w->asked[2]);
    await(&w->asked[3]);
    gd_gate_cancel(&w->gate, true);
    for (unsigned i = 1; i <= 3; i++) {
        pthread_join(a[i].thread, NULL);
        assert_false(a[i].result);
    }
    assert_true(atomic_load(&w->kicked[0])); /* who is alone is called out too */
    gd_gate_release(&w->gate, 0);
    assert_false(gd_gate_enter(&w->gate, 0));
    gd_gate_cancel(&w->gate, false);
    assert_true(gd_gate_enter(&w->gate, 0));
    gd_gate_leave(&w->gate, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_inside_while_one_is_alone),
        TEST(guests_that_never_leave_by_themselves_are_driven_out),
        TEST(a_slice_lets_the_others_in),
        TEST(a_reserved_one_goes_before_the_others),
        TEST(a_reserved_one_may_pass_together_with_others),
        TEST(a_reservation_ends_with_a_cancel),
        TEST(one_that_parked_meanwhile_keeps_nobody_out),
        TEST(who_waits_to_be_alone_gives_way_to_a_stop),
        TEST(who_queues_to_be_alone_gives_way_to_a_stop),
        TEST(turns_alone_starve_nobody),
        TEST(a_parked_one_waits_until_it_is_let_go),
        TEST(a_cancel_ends_every_wait_until_it_is_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
