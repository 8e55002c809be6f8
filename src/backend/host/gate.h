/* SPDX-License-Identifier: MIT */
/*
 * The gate between vCPU threads and the guest. Any number pass it together, or one passes
 * alone while it holds all others out: the engine's "run alone". Passing together takes no
 * lock. Borrows nothing from the guest; a vCPU that is held simply does not enter.
 */
#ifndef GD_GATE_H
#define GD_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct gd_gate_config {
    unsigned nvcpus;
    /* Make a vCPU that is inside, or alone, leave soon. Called with the gate's lock held; may be called
     * more than once for one entry; must not call the gate. */
    void (*kick)(void *ctx, unsigned vcpu);
    /* Is the vCPU to stop (it then gives up waiting for its turn alone)? Is it parked? Both
     * read atomics of the engine; gd_gate_wake() follows every change. */
    bool (*wanted)(void *ctx, unsigned vcpu);
    bool (*parked)(void *ctx, unsigned vcpu);
    void *ctx;
};

struct gd_gate_seat;

struct gd_gate {
    struct gd_gate_config cfg;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gd_gate_seat *seats;
    _Atomic int owner; /* who holds the others, or waits until they are out */
    _Atomic bool cancelled;
};

/* 0 or GD_E_BACKEND (out of memory). */
int gd_gate_open(struct gd_gate *g, const struct gd_gate_config *cfg);
void gd_gate_close(struct gd_gate *g);

/* Passes together with others: waits while one holds them. False only after a cancel. */
bool gd_gate_enter(struct gd_gate *g, unsigned vcpu);
/* Out again. Whoever waits to be alone may then go on. */
void gd_gate_leave(struct gd_gate *g, unsigned vcpu);

/* Holds the others out and waits until none is inside. The caller is outside. False, and
 * nothing is held, if the vCPU is wanted or the gate cancelled. Turns go round. */
bool gd_gate_hold(struct gd_gate *g, unsigned vcpu);
/* The next one to hold the others, if nobody does and it is not parked: they do not enter before it
 * has. It must come and hold, or find itself the owner and release. */
void gd_gate_reserve(struct gd_gate *g, unsigned vcpu);
bool gd_gate_owned(const struct gd_gate *g, unsigned vcpu);
void gd_gate_release(struct gd_gate *g, unsigned vcpu);
/* Releases, gives the others that are not parked a while, and holds again. As hold. */
bool gd_gate_slice(struct gd_gate *g, unsigned vcpu);

/* Waits until the vCPU is not parked. False after a cancel. */
bool gd_gate_wait(struct gd_gate *g, unsigned vcpu);
/* Something that wanted() or parked() read has changed. Any thread. */
void gd_gate_wake(struct gd_gate *g);
/* Everyone leaves and nobody waits, until cancelled again with on = false. Any thread. */
void gd_gate_cancel(struct gd_gate *g, bool on);
bool gd_gate_cancelled(const struct gd_gate *g);
/* Is the vCPU inside? */
bool gd_gate_inside(const struct gd_gate *g, unsigned vcpu);

#endif
