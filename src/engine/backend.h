/* SPDX-License-Identifier: MIT */
/*
 * What the engine needs from whatever really runs the vCPUs: Linux KVM, our own EL2 world
 * switch, or a fake in tests. A struct of functions; ctx is the back end's own pointer.
 */
#ifndef GD_BACKEND_H
#define GD_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

/* What one vCPU must have in its debug hardware at the next entry. */
struct gd_arm {
    uint64_t generation;         /* of set; equal generations mean equal contents */
    const struct gd_hw_set *set; /* all pairs, unused ones zero */
    uint16_t lift_b, lift_w;     /* pairs of set to leave out for this vCPU this time */
    bool sw;                     /* breakpoint instructions shall leave the guest */
    bool hw;                     /* set is not empty */
    bool step;                   /* single-step one instruction */
    bool own_points;             /* the guest's own points may be on: keep them from firing in it */
    bool hold_irq;               /* no interrupt meanwhile, also in a sequence run as one step */
};

struct gd_backend {
    /* One register of at most 64 bits, by the architecture's number. Called with the vCPU out
     * of the guest, on its thread or on the control thread while it is parked. */
    int (*reg_get)(void *ctx, unsigned vcpu, unsigned num, uint64_t *value);
    int (*reg_set)(void *ctx, unsigned vcpu, unsigned num, uint64_t value);
    /* Registers that travel together, a bit for each; NULL: none. One call reads all of them into
     * values[number], or writes them from there; reg_get and reg_set are not asked for them. */
    const uint64_t *block;
    int (*block_get)(void *ctx, unsigned vcpu, uint64_t *values);
    int (*block_set)(void *ctx, unsigned vcpu, const uint64_t *values);
    /* Wider registers, little-endian bytes, n as reg_size() has it. */
    int (*wide_get)(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n);
    int (*wide_set)(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n);
    /* Host pointer to guest RAM [gpa, gpa+len), or NULL and *error: GD_E_NOTRAM, _DEVICE,
     * _READONLY (write only), _HIDDEN, _EMULATED. */
    void *(*mem)(void *ctx, uint64_t gpa, size_t len, bool write, int *error);
    /* Make instruction fetch see bytes just written at host, all within 4 KiB. */
    void (*sync_code)(void *ctx, void *host, size_t len);
    /* Load the vCPU's debug hardware; on the vCPU's thread, before each entry. Cheap when
     * nothing differs from last time. */
    int (*arm)(void *ctx, unsigned vcpu, const struct gd_arm *arm);
    /* Make a vCPU leave the guest soon; from any thread; never blocks. */
    void (*kick)(void *ctx, unsigned vcpu);
    /* Wake the vCPUs that gd_engine_resume() let go; tell the control thread to look at the
     * engine (a vCPU parked). From any thread; never block. */
    void (*wake)(void *ctx);
    void (*notify)(void *ctx);
    /* The last exit was a device access that the VMM has not been shown: undo it so that the
     * vCPU stands before the instruction again. NULL: cannot. On the vCPU's thread. */
    int (*undo_mmio)(void *ctx, unsigned vcpu);
    /* Guest time stands still between hold and release. NULL: cannot. Control thread. */
    void (*time_hold)(void *ctx);
    void (*time_release)(void *ctx);
    /* Is there such a vCPU? One that a VMM may add later is no thread yet. NULL: all are there. */
    bool (*exists)(void *ctx, unsigned vcpu);
    /* A word on the vCPU for `info threads` ("on", "off", "idle"); parked only. May be NULL. */
    const char *(*state)(void *ctx, unsigned vcpu);
    /* Lines for `monitor slots`: what of the guest's own debugging is suspended, and so on.
     * May be NULL. */
    void (*describe)(void *ctx, struct gd_out *o);
};

#endif
