/* SPDX-License-Identifier: MIT */
/*
 * gd_kvm_run(): one vCPU between its VMM, the engine and KVM_RUN.
 *
 * A kick sets kvm_run.immediate_exit and then signals the thread. It cannot be lost: the thread
 * takes immediate_exit back before it asks the engine and the gate what to do, and a kick that
 * comes later makes the next KVM_RUN return at once (Documentation/virt/kvm/api.rst, 5). A VMM
 * may kick in the same way: every kick ends in -EINTR to it, ours included.
 *
 * An exit that userspace serves is completed by the kernel at the next KVM_RUN: only then do
 * PC and registers move. Whoever looks at registers before that completes it first, by a
 * KVM_RUN with immediate_exit set, which runs nothing.
 */
#include "backend/kvm/kvm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/patch.h"

#define AGAIN 1 /* of turn(): no result for the VMM yet */

static void on_signal(int sig)
{
    (void)sig; /* it has ended KVM_RUN, which is all */
}

int gd_kvmrun_catch_signal(int sig)
{
    struct sigaction sa, old;

    if (sigaction(sig, NULL, &old) != 0)
        return GD_E_ARG;
    if ((old.sa_flags & SA_SIGINFO) ||
        (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN && old.sa_handler != on_signal))
        return GD_E_ARG;
    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_signal;
    sigemptyset(&sa.sa_mask);
    return sigaction(sig, &sa, NULL) == 0 ? 0 : GD_E_ARG;
}

static _Thread_local struct kvm_vcpu *current; /* in gd_kvm_run() of this thread */

bool gd_kvmrun_attends(struct gd_kvm *k)
{
    if (!current || current->gd != k || !current->may_attend)
        return false;
    current->may_attend = false;
    current->attends = gd_server_offer(k->server, current->index);
    return current->attends;
}

/* Parked: until it is let go. False after a cancel. */
static bool wait_parked(struct gd_kvm *k, struct kvm_vcpu *v)
{
    if (v->attends)
        gd_server_attend(k->server, &k->gate, v->index);
    v->attends = false;
    return gd_gate_wait(&k->gate, v->index);
}

/* The thread's number, with our signal let through; once per thread. */
static int this_thread(int sig)
{
    static _Thread_local int tid, let_through;
    sigset_t set;

    if (let_through != sig) {
        tid = gettid();
        let_through = sig;
        sigemptyset(&set);
        sigaddset(&set, sig);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    }
    return tid;
}

static void set_immediate(struct kvm_vcpu *v)
{
    __atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static bool take_immediate(struct kvm_vcpu *v)
{
    return __atomic_exchange_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST) != 0;
}

void gd_kvmrun_kick(void *ctx, unsigned vcpu)
{
    struct gd_kvm *k = ctx;
    struct kvm_vcpu *v = &k->vcpus[vcpu];

    if (!atomic_load(&v->present))
        return;
    set_immediate(v);
    if (atomic_load(&v->in_run))
        tgkill(getpid(), atomic_load(&v->tid), k->kick_signal);
}

/* A vCPU without a thread yet, or one that is off, cannot park itself; it stands before its first instruction. */
static void park_absent(struct gd_kvm *k, unsigned vcpu)
{
    pthread_mutex_lock(&k->lock);
    if (!atomic_load(&k->vcpus[vcpu].present) && gd_vcpu_wanted(&k->engine, vcpu))
        gd_vcpu_enter(&k->engine, vcpu, false);
    pthread_mutex_unlock(&k->lock);
}

/* Who asks for a stop after `present` is gone parks it; who asked before that could only kick, and is heard here. */
void gd_kvm_off(struct gd_kvm *k, unsigned index)
{
    struct kvm_vcpu *v = index < k->max ? &k->vcpus[index] : NULL;

    if (!v || !atomic_load(&v->present))
        return;
    gd_kvmrun_settle(v);
    take_immediate(v);
    v->served = v->interrupted = false;
    gd_vcpu_off(&k->engine, index);
    pthread_mutex_lock(&k->lock);
    atomic_store(&v->present, false);
    atomic_store(&k->engine_vcpus[index].presence, GD_AWAY);
    if (gd_vcpu_wanted(&k->engine, index) || k->engine_vcpus[index].stop.reason != GD_STOP_NONE)
        gd_vcpu_enter(&k->engine, index, false);
    pthread_mutex_unlock(&k->lock);
}

void gd_kvmrun_kick_all(void *ctx, unsigned vcpu)
{
    struct gd_kvm *k = ctx;

    if (!atomic_load(&k->vcpus[vcpu].present))
        park_absent(k, vcpu);
    gd_kvmrun_kick(ctx, vcpu);
    gd_gate_wake(&k->gate);
}

void gd_kvmrun_complete(struct kvm_vcpu *v)
{
    v->pending = false;
    v->stale = true;
    set_immediate(v);
    /* Fails with EINTR, which is its success; any other failure shows at the next real one. POWER has a
     * vector register's access to a device in parts: then the exit of the next one is there. */
    v->part = ioctl(v->fd, KVM_RUN, 0) == 0 && v->run->exit_reason == KVM_EXIT_MMIO;
}

void gd_kvmrun_settle(struct kvm_vcpu *v)
{
    if (v->pending)
        gd_kvmrun_complete(v);
}

/* ---- guest time ---- */

/*
 * Held when a stop is found, released by the first entry afterwards: what we and the client do
 * in between is no time for the guest. Otherwise a guest that is stepped for long would see
 * seconds go by without a tick on that vCPU, and report a stall.
 */
void gd_kvmrun_hold_time(struct gd_kvm *k, int fd)
{
    pthread_mutex_lock(&k->lock);
    if (!k->free_time && !atomic_load(&k->time_held) && gd_kvmarch_time_get(fd, &k->time) == 0)
        atomic_store(&k->time_held, true);
    pthread_mutex_unlock(&k->lock);
}

void gd_kvmrun_release_time(struct gd_kvm *k, int fd)
{
    if (!atomic_load(&k->time_held))
        return;
    pthread_mutex_lock(&k->lock);
    if (atomic_load(&k->time_held))
        gd_kvmarch_time_set(k, fd, k->time);
    atomic_store(&k->time_held, false);
    pthread_mutex_unlock(&k->lock);
}

/* ---- one entry ---- */

/* Hands an exit to the engine. Returns AGAIN, or 0 when it is the VMM's. */
static int judge(struct gd_kvm *k, struct kvm_vcpu *v)
{
    struct gd_exit x = { .kind = GD_EXIT_NONE };
    struct kvm_run *run = v->run;

    switch (run->exit_reason) {
    case KVM_EXIT_DEBUG:
        x.kind = GD_EXIT_DEBUG;
        gd_kvmarch_debug_exit(run, &x);
        break;
    case KVM_EXIT_MMIO:
        x.kind = GD_EXIT_MMIO;
        x.addr = run->mmio.phys_addr;
        x.len = run->mmio.len;
        x.write = run->mmio.is_write;
        x.after = gd_kvmarch_arch()->after_mmio;
        break;
    case KVM_EXIT_INTR:
        v->interrupted = true;
        break;
    default: /* the engine hears of it when the VMM has served it */
        v->pending = true;
        v->served = !gd_kvmarch_answers(v);
        if (v->served)
            return 0;
        x.kind = GD_EXIT_OTHER;
        gd_vcpu_exit(&k->engine, v->index, &x);
        return AGAIN;
    }
    if (gd_vcpu_exit(&k->engine, v->index, &x) == GD_AGAIN)
        return AGAIN;
    if (x.kind == GD_EXIT_MMIO)
        v->pending = v->served = true;
    return 0;
}

static int enter_guest(struct gd_kvm *k, struct kvm_vcpu *v)
{
    static const struct gd_exit none = { .kind = GD_EXIT_NONE };
    int err;

    gd_kvmrun_release_time(k, v->fd);
    atomic_store(&v->in_run, true);
    err = !v->part && ioctl(v->fd, KVM_RUN, 0) < 0 ? errno : 0;
    atomic_store(&v->in_run, false);
    v->pending = v->part = false;
    if (!err)
        return judge(k, v);
    gd_vcpu_exit(&k->engine, v->index, &none);
    if (err != EINTR && err != EAGAIN)
        return -err;
    v->interrupted = true;
    return AGAIN;
}

static void let_others(struct gd_kvm *k, struct kvm_vcpu *v, bool *alone)
{
    if (!*alone)
        return;
    gd_alone_clear(&k->engine);
    gd_gate_release(&k->gate, v->index);
    *alone = false;
}

static int pass_gate(struct gd_kvm *k, struct kvm_vcpu *v)
{
    int rc;

    if (!gd_gate_enter(&k->gate, v->index))
        return -ECANCELED;
    /* Asked to stop while it waited: that needs no entry, which would set the clock going. */
    rc = gd_vcpu_wanted(&k->engine, v->index) ? AGAIN : enter_guest(k, v);
    gd_gate_leave(&k->gate, v->index);
    return rc;
}

/* While the others are held: a stop that this entry found holds the time at once. */
static int enter_alone(struct gd_kvm *k, struct kvm_vcpu *v)
{
    int rc = enter_guest(k, v);

    if (k->engine_vcpus[v->index].stop.reason != GD_STOP_NONE)
        gd_kvmrun_hold_time(k, v->fd);
    return rc;
}

/* One look at the engine and what follows from it. *alone: the others are held. */
static int turn(struct gd_kvm *k, struct kvm_vcpu *v, bool *alone)
{
    if (take_immediate(v))
        v->interrupted = true;
    if (atomic_load(&k->engine_vcpus[v->index].state) == GD_FREE)
        gd_vcpu_look_anew(&k->engine_vcpus[v->index]);
    if (gd_gate_cancelled(&k->gate))
        return -ECANCELED;
    /* One that is wanted parks first, however it got here. */
    if (v->interrupted && !*alone && !gd_vcpu_wanted(&k->engine, v->index))
        return -EINTR;
    if (!*alone && gd_gate_owned(&k->gate, v->index))
        *alone = gd_gate_hold(&k->gate, v->index);
    v->may_attend = *alone && k->engine_vcpus[v->index].stop.reason == GD_STOP_STEP;
    switch (gd_vcpu_enter(&k->engine, v->index, *alone)) {
    case GD_PARK:
        let_others(k, v, alone);
        return wait_parked(k, v) ? AGAIN : -ECANCELED;
    case GD_SLICE:
        *alone = gd_gate_slice(&k->gate, v->index);
        return AGAIN;
    case GD_ENTER_ALONE:
        if (*alone)
            return enter_alone(k, v);
        *alone = gd_gate_hold(&k->gate, v->index);
        return AGAIN;
    case GD_ENTER:
        break;
    }
    let_others(k, v, alone);
    return pass_gate(k, v);
}

/* Tells the engine of an exit that the VMM has served since. */
static int report_served(struct gd_kvm *k, struct kvm_vcpu *v)
{
    static const struct gd_exit other = { .kind = GD_EXIT_OTHER };

    v->served = false;
    if (k->engine_vcpus[v->index].stepping && v->run->exit_reason == KVM_EXIT_MMIO) {
        gd_kvmrun_complete(v);
        if (v->part) { /* the instruction is not over yet */
            v->part = false;
            v->pending = v->served = true;
            return 0;
        }
    }
    gd_kvmarch_served(v);
    if (!gd_gate_enter(&k->gate, v->index))
        return -ECANCELED;
    gd_vcpu_exit(&k->engine, v->index, &other);
    gd_gate_leave(&k->gate, v->index);
    return AGAIN;
}

static void come_in(struct gd_kvm *k, struct kvm_vcpu *v)
{
    atomic_store(&v->tid, this_thread(k->kick_signal));
    if (atomic_load(&v->present))
        return;
    pthread_mutex_lock(&k->lock);
    /* Whoever turned it on has set its registers. */
    atomic_store(&k->engine_vcpus[v->index].presence, GD_BACK);
    atomic_store(&v->present, true);
    pthread_mutex_unlock(&k->lock);
}

int gd_kvm_run(struct gd_kvm *k, unsigned index)
{
    struct kvm_vcpu *v;
    bool alone = false;
    int rc = AGAIN;

    if (index >= k->max || !atomic_load(&k->vcpus[index].added))
        return -EINVAL;
    v = &k->vcpus[index];
    atomic_fetch_add(&k->vmm_turns, 1);
    come_in(k, v);
    current = v;
    if (v->served)
        rc = report_served(k, v);
    while (rc == AGAIN)
        rc = turn(k, v, &alone);
    let_others(k, v, &alone);
    current = NULL;
    if (rc == -EINTR)
        gd_vcpu_lend(&k->engine, index);
    if (rc < 0) {
        gd_kvmrun_settle(v);
        take_immediate(v);
        v->interrupted = false;
    }
    return rc;
}
