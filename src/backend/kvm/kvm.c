/* SPDX-License-Identifier: MIT */
/*
 * The public API of libguestdbg over KVM: opening, vCPUs, the server's socket, cancel, reset and
 * close. gd_kvm_run() is in run.c, gd_kvm_caps() in caps.c. Borrows one signal of the
 * process for good; everything else ends with gd_kvm_close().
 */
#include "backend/kvm/kvm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define POINTS    16384u /* breakpoints and watchpoints that one debugger may have inserted */
#define HASH_BITS 14u

static int fail(char *err, size_t errlen, int error, const char *text)
{
    if (errlen)
        snprintf(err, errlen, "%s", text);
    return error;
}

static void free_all(struct gd_kvm *k)
{
    if (k->server)
        gd_server_close(k->server);
    if (k->gate.seats)
        gd_gate_close(&k->gate);
    pthread_mutex_destroy(&k->lock);
    free(k->vcpus);
    free(k->slots);
    free(k->engine_vcpus);
    free(k->points);
    free(k->patches);
    free(k->hash);
    free(k);
}

static bool allocate(struct gd_kvm *k, const struct gd_kvm_config *cfg)
{
    k->vcpus = calloc(cfg->max_vcpus, sizeof(*k->vcpus));
    k->engine_vcpus = calloc(cfg->max_vcpus, sizeof(*k->engine_vcpus));
    k->points = calloc(POINTS, sizeof(*k->points));
    k->patches = calloc(POINTS, sizeof(*k->patches));
    k->hash = calloc(2u << HASH_BITS, sizeof(*k->hash));
    k->slots = calloc(cfg->nslots ? cfg->nslots : 1, sizeof(*k->slots));
    if (!k->vcpus || !k->engine_vcpus || !k->points || !k->patches || !k->hash || !k->slots)
        return false;
    memcpy(k->slots, cfg->slots, cfg->nslots * sizeof(*k->slots));
    for (unsigned i = 0; i < cfg->max_vcpus; i++)
        k->vcpus[i].index = i;
    return true;
}

static bool wanted(void *ctx, unsigned vcpu)
{
    return gd_vcpu_wanted(&((struct gd_kvm *)ctx)->engine, vcpu);
}

static bool parked(void *ctx, unsigned vcpu)
{
    return atomic_load(&((struct gd_kvm *)ctx)->engine_vcpus[vcpu].state) == GD_PARKED;
}

static int open_parts(struct gd_kvm *k, const struct gd_kvm_config *cfg)
{
    static const enum gd_on_disconnect policy[] = {
        [GD_KVM_RESUME] = GD_DISCONNECT_RESUME,
        [GD_KVM_STOP] = GD_DISCONNECT_STOP,
        [GD_KVM_EXIT] = GD_DISCONNECT_EXIT,
    };
    const struct gd_gate_config gate = {
        .nvcpus = k->max,
        .kick = gd_kvmrun_kick,
        .wanted = wanted,
        .parked = parked,
        .ctx = k,
    };
    const struct gd_engine_config engine = {
        .target = &k->target,
        .be = &gd_kvmback,
        .be_ctx = k,
        .vcpus = k->engine_vcpus,
        .nvcpus = k->max,
        .points = k->points,
        .npoints = POINTS,
        .patches = k->patches,
        .hash = k->hash,
        .hash_bits = HASH_BITS,
        .start_halted = cfg->wait,
        .step_mode = (enum gd_step_mode)k->report.strategy,
    };
    const struct gd_server_config server = {
        .engine = &k->engine,
        .on_disconnect = policy[cfg->on_disconnect],
        .exit_request = cfg->exit_request,
        .ctx = cfg->ctx,
    };
    int err = gd_engine_init(&k->engine, &engine);

    if (!err)
        err = gd_gate_open(&k->gate, &gate);
    if (!err)
        err = gd_server_open(&k->server, &server);
    return err;
}

static bool sane(const struct gd_kvm_config *cfg)
{
    return cfg->max_vcpus > 0 && cfg->max_vcpus <= GD_KVM_MAX_VCPUS &&
           (cfg->slots || !cfg->nslots) && (unsigned)cfg->on_disconnect <= GD_KVM_EXIT;
}

static int kick_signal(const struct gd_kvm_config *cfg)
{
    return cfg->kick_signal ? cfg->kick_signal : SIGRTMIN + 1;
}

int gd_kvm_open(struct gd_kvm **gd, const struct gd_kvm_config *cfg, char *err, size_t errlen)
{
    struct gd_kvm *k;
    int rc;

    *gd = NULL;
    if (!sane(cfg))
        return fail(err, errlen, GD_E_ARG, "the debugger's configuration is out of range");
    rc = ioctl(cfg->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT);
    if (rc < 0)
        return fail(err, errlen, GD_E_ARG, "kvm_fd is not an open /dev/kvm");
    if (rc == 0)
        return fail(err, errlen, GD_E_UNSUPPORTED,
                    "this kernel's KVM is too old: it lacks KVM_CAP_IMMEDIATE_EXIT");
    if (gd_kvmrun_catch_signal(kick_signal(cfg)) != 0) {
        snprintf(err, errlen,
                 "signal %d has a handler already, or cannot have one; kick_signal names another",
                 kick_signal(cfg));
        return GD_E_ARG;
    }
    k = calloc(1, sizeof(*k));
    if (!k)
        return fail(err, errlen, GD_E_BACKEND, "out of memory");
    pthread_mutex_init(&k->lock, NULL);
    k->kvm_fd = cfg->kvm_fd;
    k->vm_fd = cfg->vm_fd;
    k->max = cfg->max_vcpus;
    k->nslots = cfg->nslots;
    k->free_time = cfg->free_time;
    k->kick_signal = kick_signal(cfg);
    rc = gd_kvmcaps_probe(k->kvm_fd, &k->report, err, errlen);
    if (!rc)
        rc = gd_kvmcaps_judge(&k->report, err, errlen);
    if (rc) {
        free_all(k);
        return rc;
    }
    k->target.arch = gd_kvmarch_arch();
    k->target.hw = k->report.hw;
    if (!allocate(k, cfg) || open_parts(k, cfg) != 0) {
        free_all(k);
        return fail(err, errlen, GD_E_BACKEND, "out of memory or descriptors");
    }
    *gd = k;
    return 0;
}

int gd_kvm_add_vcpu(struct gd_kvm *k, unsigned index, int vcpu_fd, struct kvm_run *run)
{
    struct kvm_vcpu *v;
    int err = 0;

    if (index >= k->max || vcpu_fd < 0 || !run || atomic_load(&k->vcpus[index].added))
        return GD_E_ARG;
    v = &k->vcpus[index];
    pthread_mutex_lock(&k->lock);
    if (!k->typed)
        err = gd_kvmarch_target(&k->target, vcpu_fd);
    if (!err) {
        k->typed = true;
        v->gd = k;
        v->fd = vcpu_fd;
        v->run = run;
        gd_kvmarch_fresh(v);
        atomic_store(&k->engine_vcpus[index].presence, GD_AWAY);
        atomic_store(&v->added, true);
    }
    pthread_mutex_unlock(&k->lock);
    return err;
}

int gd_kvm_listen(struct gd_kvm *k, const char *where, unsigned flags, char *line, size_t len)
{
    if (!k->typed)
        return fail(line, len, GD_E_ARG, "no vCPU was added to the debugger yet");
    return gd_server_listen(k->server, where, flags & GD_LISTEN_REMOTE ? GD_SERVER_REMOTE : 0, line,
                            len);
}

void gd_kvm_cancel(struct gd_kvm *k)
{
    gd_gate_cancel(&k->gate, true);
    gd_server_poke(k->server);
}

void gd_kvm_reset(struct gd_kvm *k)
{
    for (unsigned i = 0; i < k->max; i++) {
        struct kvm_vcpu *v = &k->vcpus[i];

        /* An access of the old life must not be completed into the new one. */
        if (v->pending)
            v->run->exit_reason = KVM_EXIT_UNKNOWN;
        v->pending = v->part = v->served = v->interrupted = v->armed = false;
        if (atomic_load(&v->added))
            gd_kvmarch_fresh(v);
    }
    atomic_store(&k->process_table, 0);
    gd_engine_reset(&k->engine);
    gd_gate_cancel(&k->gate, false);
}

void gd_kvm_exited(struct gd_kvm *k, int status)
{
    gd_engine_vm_exited(&k->engine, status);
}

/* With the server and all threads gone, this thread speaks for every vCPU. */
static void detach(struct gd_kvm *k)
{
    while (!gd_engine_detach(&k->engine, true)) {
        for (unsigned i = 0; i < k->max; i++)
            gd_vcpu_enter(&k->engine, i, false);
    }
    for (unsigned i = 0; i < k->max; i++) {
        if (!atomic_load(&k->vcpus[i].added))
            continue;
        gd_vcpu_enter(&k->engine, i, false); /* registers that are still in the cache */
        gd_kvmarch_disarm(&k->vcpus[i]);
        gd_kvmrun_release_time(k, k->vcpus[i].fd);
    }
}

void gd_kvm_close(struct gd_kvm *k)
{
    if (!k)
        return;
    gd_server_stop(k->server);
    detach(k);
    free_all(k);
}
