/* SPDX-License-Identifier: MIT */
/*
 * The gate between vCPU threads and the guest; gate.h has the contract. Who passes announces
 * itself, then looks for an owner; who holds announces itself as owner, then looks for those
 * inside. All four are sequentially consistent, so that one of the two always sees the other.
 */
#include "backend/host/gate.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <time.h>

#include <guestdbg/error.h>

#define NOBODY     (-1)
#define REKICK_MS  10 /* a kick is not lost, but a VMM may have eaten the signal */
#define LOOK_UP_MS 20 /* for one who runs alone */
#define SLICES_MAX 25 /* in place of one, until somebody has entered */
#define SLICE_MS   2  /* about the tick of a busy guest: enough to take a lock and let it go */

struct gd_gate_seat {
    alignas(64) _Atomic bool inside; /* its own cache line: written at every entry */
    _Atomic unsigned entered;        /* how often */
    bool queued;                     /* waits to become owner; under the lock */
};

int gd_gate_open(struct gd_gate *g, const struct gd_gate_config *cfg)
{
    pthread_condattr_t attr;
    size_t size = cfg->nvcpus * sizeof(struct gd_gate_seat);

    g->cfg = *cfg;
    g->seats = aligned_alloc(alignof(struct gd_gate_seat), size);
    if (!g->seats)
        return GD_E_BACKEND;
    for (unsigned i = 0; i < cfg->nvcpus; i++) {
        atomic_init(&g->seats[i].inside, false);
        atomic_init(&g->seats[i].entered, 0);
        g->seats[i].queued = false;
    }
    atomic_init(&g->owner, NOBODY);
    atomic_init(&g->cancelled, false);
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->changed, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void gd_gate_close(struct gd_gate *g)
{
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    free(g->seats);
    g->seats = NULL;
}

static struct timespec after_ms(unsigned ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

void gd_gate_wake(struct gd_gate *g)
{
    pthread_mutex_lock(&g->lock);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

bool gd_gate_cancelled(const struct gd_gate *g)
{
    return atomic_load(&g->cancelled);
}

bool gd_gate_inside(const struct gd_gate *g, unsigned vcpu)
{
    return atomic_load(&g->seats[vcpu].inside);
}

void gd_gate_leave(struct gd_gate *g, unsigned vcpu)
{
    atomic_store(&g->seats[vcpu].inside, false);
    if (atomic_load(&g->owner) != NOBODY)
        gd_gate_wake(g);
}

/* Held out. An owner who stays in the guest for long may wait there for one of us: it is to look
 * up, and gives a slice if that is so. */
static void wait_outside(struct gd_gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (atomic_load(&g->owner) != NOBODY && !gd_gate_cancelled(g)) {
        struct timespec patience = after_ms(LOOK_UP_MS);
        int owner;

        if (pthread_cond_timedwait(&g->changed, &g->lock, &patience) != ETIMEDOUT)
            continue;
        owner = atomic_load(&g->owner);
        if (owner != NOBODY)
            g->cfg.kick(g->cfg.ctx, (unsigned)owner);
    }
    pthread_mutex_unlock(&g->lock);
}

bool gd_gate_enter(struct gd_gate *g, unsigned vcpu)
{
    while (!gd_gate_cancelled(g)) {
        int owner;

        atomic_store(&g->seats[vcpu].inside, true);
        owner = atomic_load(&g->owner);
        if ((owner == NOBODY || owner == (int)vcpu) && !gd_gate_cancelled(g)) {
            atomic_fetch_add_explicit(&g->seats[vcpu].entered, 1, memory_order_relaxed);
            return true;
        }
        gd_gate_leave(g, vcpu);
        wait_outside(g);
    }
    return false;
}

static bool gives_way(struct gd_gate *g, unsigned vcpu)
{
    return gd_gate_cancelled(g) || g->cfg.wanted(g->cfg.ctx, vcpu);
}

/* Kicks all others that are inside; are there any? Under the lock. */
static bool drive_out(struct gd_gate *g, unsigned vcpu)
{
    bool any = false;

    for (unsigned i = 0; i < g->cfg.nvcpus; i++) {
        if (i == vcpu || !gd_gate_inside(g, i))
            continue;
        g->cfg.kick(g->cfg.ctx, i);
        any = true;
    }
    return any;
}

/* Hands ownership to the next one in the round that waits for it. Under the lock. */
static void hand_on(struct gd_gate *g, unsigned vcpu)
{
    int next = NOBODY;

    for (unsigned n = 1; n < g->cfg.nvcpus && next == NOBODY; n++) {
        unsigned i = (vcpu + n) % g->cfg.nvcpus;

        if (g->seats[i].queued)
            next = (int)i;
    }
    atomic_store(&g->owner, next);
    pthread_cond_broadcast(&g->changed);
}

static bool hold(struct gd_gate *g, unsigned vcpu)
{
    int none = NOBODY;

    g->seats[vcpu].queued = true;
    atomic_compare_exchange_strong(&g->owner, &none, (int)vcpu);
    while (atomic_load(&g->owner) != (int)vcpu && !gives_way(g, vcpu))
        pthread_cond_wait(&g->changed, &g->lock);
    g->seats[vcpu].queued = false;
    if (atomic_load(&g->owner) != (int)vcpu)
        return false;
    while (!gives_way(g, vcpu)) {
        struct timespec again = after_ms(REKICK_MS);

        if (!drive_out(g, vcpu))
            return true;
        pthread_cond_timedwait(&g->changed, &g->lock, &again);
    }
    hand_on(g, vcpu);
    return false;
}

bool gd_gate_hold(struct gd_gate *g, unsigned vcpu)
{
    bool ok;

    pthread_mutex_lock(&g->lock);
    ok = hold(g, vcpu);
    pthread_mutex_unlock(&g->lock);
    return ok;
}

void gd_gate_reserve(struct gd_gate *g, unsigned vcpu)
{
    int none = NOBODY;

    pthread_mutex_lock(&g->lock);
    /* It may have been quicker: held, released and parked. Nobody would release for it then. */
    if (atomic_compare_exchange_strong(&g->owner, &none, (int)vcpu) &&
        g->cfg.parked(g->cfg.ctx, vcpu))
        hand_on(g, vcpu);
    pthread_mutex_unlock(&g->lock);
}

bool gd_gate_owned(const struct gd_gate *g, unsigned vcpu)
{
    return atomic_load(&g->owner) == (int)vcpu;
}

void gd_gate_release(struct gd_gate *g, unsigned vcpu)
{
    pthread_mutex_lock(&g->lock);
    hand_on(g, vcpu);
    pthread_mutex_unlock(&g->lock);
}

/* Could anyone else use a slice? Under the lock. */
static bool others_run(struct gd_gate *g, unsigned vcpu)
{
    for (unsigned i = 0; i < g->cfg.nvcpus; i++) {
        if (i != vcpu && !g->cfg.parked(g->cfg.ctx, i))
            return true;
    }
    return false;
}

static unsigned entries(const struct gd_gate *g)
{
    unsigned n = 0;

    for (unsigned i = 0; i < g->cfg.nvcpus; i++)
        n += atomic_load_explicit(&g->seats[i].entered, memory_order_relaxed);
    return n;
}

/* A host with much else to do may not have run any of them in that time: then it is given again. */
bool gd_gate_slice(struct gd_gate *g, unsigned vcpu)
{
    unsigned before = entries(g);
    bool ok;

    pthread_mutex_lock(&g->lock);
    hand_on(g, vcpu);
    for (unsigned n = 0; n < SLICES_MAX && entries(g) == before; n++) {
        struct timespec end = after_ms(SLICE_MS);
        int err = 0;

        while (err != ETIMEDOUT && !gives_way(g, vcpu) && others_run(g, vcpu))
            err = pthread_cond_timedwait(&g->changed, &g->lock, &end);
        if (err != ETIMEDOUT)
            break;
    }
    ok = hold(g, vcpu);
    pthread_mutex_unlock(&g->lock);
    return ok;
}

bool gd_gate_wait(struct gd_gate *g, unsigned vcpu)
{
    pthread_mutex_lock(&g->lock);
    while (!gd_gate_cancelled(g) && g->cfg.parked(g->cfg.ctx, vcpu))
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return !gd_gate_cancelled(g);
}

void gd_gate_cancel(struct gd_gate *g, bool on)
{
    pthread_mutex_lock(&g->lock);
    atomic_store(&g->cancelled, on);
    if (!on) /* everyone is out; who had reserved may not come again */
        atomic_store(&g->owner, NOBODY);
    for (unsigned i = 0; on && i < g->cfg.nvcpus; i++) {
        if (gd_gate_inside(g, i) || atomic_load(&g->owner) == (int)i)
            g->cfg.kick(g->cfg.ctx, i);
    }
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
