/* SPDX-License-Identifier: MIT */
/*
 * What the files of the KVM back end share: the debugger of one VM, its vCPUs, and what each
 * architecture's folder provides (gd_kvmarch_..., one implementation per build).
 */
#ifndef GD_BACKEND_KVM_H
#define GD_BACKEND_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/host/gate.h"
#include "backend/host/server.h"
#include "engine/engine.h"
#include <guestdbg/guestdbg.h>

#define KVM_MAX_KINDS 8 /* different CPUs that one host mixes */

#define KVM_OWN_POINTS 5

struct kvm_vcpu {
    struct gd_kvm *gd;
    int fd;
    struct kvm_run *run;
    unsigned index;
    _Atomic bool added;
    _Atomic bool present; /* a thread came with gd_kvm_run(), and is not off; else others park it */
    _Atomic int tid;      /* of the thread in gd_kvm_run() */
    _Atomic bool in_run;  /* it is in KVM_RUN, or just before or after */
    bool interrupted;     /* -EINTR is owed to the VMM */
    bool pending;         /* the last exit is completed by the next KVM_RUN only */
    bool served;          /* the VMM had that exit; the engine is still to hear of it */
    bool may_attend;      /* the stop that it is about to park for is a step's end */
    bool attends;         /* it has offered to serve the client while parked */
    bool part;            /* its completion has brought the next exit of the same instruction */
    bool stale;           /* an exit was completed aside: the kernel's step state may lie */
    bool armed;           /* the four below are what the kernel has */
    uint32_t control;     /* of KVM_SET_GUEST_DEBUG */
    uint64_t generation;
    uint16_t lift_b, lift_w;
    /* POWER: CIABR, DAWR0, DAWRX0, DAWR1, DAWRX1 as the guest set them, and as they are now */
    uint64_t own[KVM_OWN_POINTS], loaded[KVM_OWN_POINTS];
    uint64_t lpcr; /* POWER: as it was in that turn */
    uint32_t lpcr_turn;
};

/* One kind of CPU among those that the vCPUs may run on. */
struct kvm_kind {
    uint64_t id;          /* arm64: MIDR_EL1, 0 if unknown */
    unsigned cpu, ncpus;  /* the one that was tested, how many there are */
    struct gd_hw_caps hw; /* what was seen to work */
    uint8_t claimed_break, claimed_watch;
    bool claimed_step;
    bool guest_points_live; /* with software breakpoints only, the guest's own points still hit */
    bool trace;             /* POWER: MSR[SE] is caught at the guest's vector */
    uint8_t strategy;       /* enum gd_step_mode; AUTO: none works */
    char step_why[160];     /* of a strategy that is not the back end's own */
    char failure[160];      /* the test could not be run: why. "" = it ran */
};

struct kvm_report {
    char kernel[66];
    struct kvm_kind kinds[KVM_MAX_KINDS];
    unsigned nkinds;
    struct gd_hw_caps hw; /* over all kinds */
    uint8_t claimed_break, claimed_watch;
    bool guest_points_live;
    uint8_t strategy;
};

struct gd_kvm {
    int kvm_fd, vm_fd;
    unsigned max;
    struct kvm_vcpu *vcpus;
    struct gd_mem_slot *slots;
    size_t nslots;
    int kick_signal;
    bool free_time;
    bool typed;             /* target's features are those of the first vCPU */
    _Atomic bool time_held; /* guest time stands at time until somebody enters the guest */
    uint64_t time;
    _Atomic uint32_t vmm_turns;     /* counts when the VMM may have changed what only it can */
    _Atomic uint64_t process_table; /* POWER: what the guest registered, 0: nothing */
    pthread_mutex_t lock; /* adding a vCPU, parking one that has no thread yet, guest time */
    struct kvm_report report;
    struct gd_target target;
    struct gd_gate gate;
    struct gd_server *server;
    struct gd_engine engine;
    struct gd_vcpu *engine_vcpus;
    struct gd_point *points;
    struct gd_patch *patches;
    uint16_t *hash;
};

extern const struct gd_backend gd_kvmback;

/* caps.c: tests every kind of CPU in the caller's affinity. GD_E_BACKEND: no test could be run,
 * with the reason in err. What works is in r->hw. */
int gd_kvmcaps_probe(int kvm_fd, struct kvm_report *r, char *err, size_t errlen);
/* Can a guest be debugged with that? 0, or GD_E_NOSTEP, GD_E_UNSUPPORTED and a sentence. */
int gd_kvmcaps_judge(const struct kvm_report *r, char *err, size_t errlen);

/* run.c. Ends the last exit inside the kernel, without running the guest, so that registers
 * are true. Called by the vCPU's owner of the moment. Leaves immediate_exit set, so that a
 * VMM's own kick that came meanwhile is not lost. */
void gd_kvmrun_settle(struct kvm_vcpu *v);
/* Completes a device access now: as settle, whatever pending says. */
void gd_kvmrun_complete(struct kvm_vcpu *v);
void gd_kvmrun_kick(void *ctx, unsigned vcpu);     /* gate's: out of KVM_RUN */
void gd_kvmrun_kick_all(void *ctx, unsigned vcpu); /* engine's: and out of any wait */
/* GD_E_ARG: no signal that can be caught, or somebody else catches it. */
int gd_kvmrun_catch_signal(int sig);
/* Does the calling vCPU thread, which has just parked, serve the client now? */
bool gd_kvmrun_attends(struct gd_kvm *k);
/* Guest time stands from now to the next entry. Nobody is in the guest; fd: of any vCPU. */
void gd_kvmrun_hold_time(struct gd_kvm *k, int fd);
void gd_kvmrun_release_time(struct gd_kvm *k, int fd);

/* ---- provided by each architecture ---- */

const struct gd_arch *gd_kvmarch_arch(void);
/* Registers, features and sizes of an initialised vCPU. GD_E_BACKEND. */
int gd_kvmarch_target(struct gd_target *t, int vcpu_fd);
int gd_kvmarch_reg_get(struct kvm_vcpu *v, unsigned num, uint64_t *value);
int gd_kvmarch_reg_set(struct kvm_vcpu *v, unsigned num, uint64_t value);
/* The registers that the kernel moves in one piece (gd_backend); all zero: none. */
extern const uint64_t gd_kvmarch_block[GD_REG_WORDS];
int gd_kvmarch_block_get(struct kvm_vcpu *v, uint64_t *values);
int gd_kvmarch_block_set(struct kvm_vcpu *v, const uint64_t *values);
int gd_kvmarch_wide_get(struct kvm_vcpu *v, unsigned num, uint8_t *bytes, size_t n);
int gd_kvmarch_wide_set(struct kvm_vcpu *v, unsigned num, const uint8_t *bytes, size_t n);
int gd_kvmarch_arm(struct kvm_vcpu *v, const struct gd_arm *a);
/* Nothing of ours in the vCPU's debug hardware, whatever was there. */
void gd_kvmarch_disarm(struct kvm_vcpu *v);
/* The vCPU is new or was reset. */
void gd_kvmarch_fresh(struct kvm_vcpu *v);
/* An exit for the VMM: is it the debugger's to answer? Then it is answered. */
bool gd_kvmarch_answers(struct kvm_vcpu *v);
/* The VMM has served an exit, which is not yet completed. */
void gd_kvmarch_served(struct kvm_vcpu *v);
/* A KVM_EXIT_DEBUG in the engine's words. */
void gd_kvmarch_debug_exit(const struct kvm_run *run, struct gd_exit *x);
/* Undoes a device access that the VMM was not shown. */
int gd_kvmarch_undo_mmio(struct kvm_vcpu *v);
/* The guest's clock. GD_E_UNSUPPORTED: it cannot be set here. */
int gd_kvmarch_time_get(int vcpu_fd, uint64_t *t);
int gd_kvmarch_time_set(struct gd_kvm *k, int vcpu_fd, uint64_t t);
void gd_kvmarch_sync_code(void *host, size_t len);
const char *gd_kvmarch_state(struct kvm_vcpu *v);
/* What identifies the kind of a CPU of this host; 0: unknown, all count as one kind. */
uint64_t gd_kvmarch_cpu_id(unsigned cpu);
/* Runs the scratch VM on the present CPU and fills k. Always comes to an end by itself. */
void gd_kvmarch_probe(int kvm_fd, struct kvm_kind *k);
/* What happens to the guest's own debugging: always, and with what is armed now. */
void gd_kvmarch_own_debug(const struct kvm_report *r, struct gd_out *o);
void gd_kvmarch_suspended(const struct kvm_report *r, uint32_t control, struct gd_out *o);
const char *gd_kvmarch_time_method(void);

#endif
