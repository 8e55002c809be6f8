/* SPDX-License-Identifier: MIT */
/*
 * The debug hardware of a POWER vCPU. KVM-HV takes one thing from KVM_SET_GUEST_DEBUG, that the word
 * 0x00dddd00 leaves the guest; CIABR and DAWR are loaded as registers, and their hits go to the guest's
 * own vectors, where the architecture code has planted such words.
 *
 * Borrowed from the guest: CIABR and DAWR that are ours. Its own values are kept here, answered to
 * H_SET_MODE in place of the VMM, and loaded wherever we have nothing armed.
 */
#include "backend/kvm/kvm.h"

#include <string.h>

#include "arch/ppc64/ppc64.h"
#include "backend/kvm/onereg.h"

/* Hypercalls, LoPAR 14.5; as KVM's own handler treats them (book3s_hv.c, kvmppc_h_set_mode). */
#define H_SET_DABR          0x28u
#define H_SET_XDABR         0x134u
#define H_SET_MODE          0x31cu
#define H_REGISTER_PROC_TBL 0x37cu
#define H_SUCCESS           0
#define H_P2                (-55)
#define H_P3                (-56)
#define H_P4                (-57)
#define H_UNSUPPORTED_FLAG  (-256)
#define MODE_CIABR          1u
#define MODE_DAWR0          2u
#define MODE_DAWR1          5u
#define PROC_TBL_REGISTER   0x08u
#define PROC_TBL_MODIFY     0x10u
#define PROC_TBL_RADIX      0x04u
#define PATB_GR             0x8000000000000000ull

/* Indices of kvm_vcpu.own and .loaded, in the order of the registers' numbers. */
enum { CIABR, DAWR0, DAWRX0, DAWR1, DAWRX1 };

static const uint64_t point_id[KVM_OWN_POINTS] = {
    [CIABR] = KVM_REG_PPC_CIABR, [DAWR0] = KVM_REG_PPC_DAWR,    [DAWRX0] = KVM_REG_PPC_DAWRX,
    [DAWR1] = KVM_REG_PPC_DAWR1, [DAWRX1] = KVM_REG_PPC_DAWRX1,
};

const struct gd_arch *gd_kvmarch_arch(void)
{
    return &gd_arch_ppc64;
}

/* Registers of point_id that this host has. */
static unsigned npoints(const struct kvm_vcpu *v)
{
    unsigned n = v->gd->report.hw.nwatch;

    return n > 2 ? KVM_OWN_POINTS : 1 + 2 * n;
}

/* ---- arming ---- */

/* What shall be loaded: ours where we have something, not even the guest's while ours is lifted. */
static void effective(const struct kvm_vcpu *v, const struct gd_arm *a, uint64_t *want)
{
    memcpy(want, v->own, sizeof(v->own));
    if (!a->hw)
        return;
    if (a->set->b[0].value & CIABR_PRIV)
        want[CIABR] = a->lift_b & 1 ? 0 : a->set->b[0].value;
    for (unsigned n = 0; n < 2; n++) {
        if (!a->set->w[n].ctrl)
            continue;
        want[DAWR0 + 2 * n] = a->set->w[n].value;
        want[DAWRX0 + 2 * n] = a->lift_w >> n & 1 ? 0 : a->set->w[n].ctrl;
    }
}

static int load(struct kvm_vcpu *v, const uint64_t *want)
{
    for (unsigned i = 0; i < npoints(v); i++) {
        if (v->armed && v->loaded[i] == want[i])
            continue;
        if (one_reg_set64(v->fd, point_id[i], want[i]) != 0) {
            v->armed = false;
            return GD_E_BACKEND;
        }
        v->loaded[i] = want[i];
    }
    return 0;
}

static int set_control(struct kvm_vcpu *v, uint32_t control)
{
    struct kvm_guest_debug d;

    memset(&d, 0, sizeof(d));
    d.control = control;
    if (v->armed && v->control == control)
        return 0;
    if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d) != 0) {
        v->armed = false;
        return GD_E_BACKEND;
    }
    v->control = control;
    return 0;
}

int gd_kvmarch_arm(struct kvm_vcpu *v, const struct gd_arm *a)
{
    uint64_t want[KVM_OWN_POINTS];
    uint32_t control = 0;
    int err;

    if (a->sw || a->hw || a->step)
        control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
    if (a->hw)
        control |= KVM_GUESTDBG_USE_HW_BP; /* which KVM-HV ignores; monitor slots asks for it */
    if (a->step)
        control |= KVM_GUESTDBG_SINGLESTEP;
    effective(v, a, want);
    err = load(v, want);
    if (!err)
        err = set_control(v, control);
    if (!err)
        v->armed = true;
    v->stale = false;
    return err;
}

void gd_kvmarch_disarm(struct kvm_vcpu *v)
{
    const struct gd_arm nothing = { .hw = false };

    v->armed = false;
    (void)gd_kvmarch_arm(v, &nothing);
}

/* ---- exits ---- */

/* `status` is not written by KVM-HV: it is what another exit left in the union. */
void gd_kvmarch_debug_exit(const struct kvm_run *run, struct gd_exit *x)
{
    x->addr = run->debug.arch.address;
}

/* The instruction is over when a device access leaves the guest, and is not to be repeated. */
int gd_kvmarch_undo_mmio(struct kvm_vcpu *v)
{
    (void)v;
    return GD_E_UNSUPPORTED;
}

static int64_t set_mode(struct kvm_vcpu *v, const __u64 *args)
{
    unsigned at = args[1] == MODE_DAWR1 ? DAWR1 : DAWR0;

    if (args[1] != MODE_CIABR && at >= npoints(v))
        return H_P2;
    if (args[0])
        return H_UNSUPPORTED_FLAG;
    if (args[1] == MODE_CIABR) {
        if (args[3])
            return H_P4;
        if ((args[2] & CIABR_PRIV) == CIABR_PRIV)
            return H_P3;
        v->own[CIABR] = args[2];
        return H_SUCCESS;
    }
    if (args[3] & DAWRX_HYP)
        return H_P4;
    v->own[at] = args[2];
    v->own[at + 1] = args[3];
    return H_SUCCESS;
}

bool gd_kvmarch_answers(struct kvm_vcpu *v)
{
    struct kvm_run *run = v->run;
    uint64_t mode = run->papr_hcall.args[1];

    if (run->exit_reason != KVM_EXIT_PAPR_HCALL || run->papr_hcall.nr != H_SET_MODE ||
        (mode != MODE_CIABR && mode != MODE_DAWR0 && mode != MODE_DAWR1))
        return false;
    run->papr_hcall.ret = (__u64)set_mode(v, run->papr_hcall.args);
    return true;
}

void gd_kvmarch_served(struct kvm_vcpu *v)
{
    const struct kvm_run *run = v->run;
    const __u64 *args = run->papr_hcall.args;
    uint64_t flags = args[0], entry = 0;

    if (run->exit_reason != KVM_EXIT_PAPR_HCALL || run->papr_hcall.nr != H_REGISTER_PROC_TBL ||
        run->papr_hcall.ret || !(flags & PROC_TBL_MODIFY))
        return;
    if (flags & PROC_TBL_REGISTER)
        entry = (flags & PROC_TBL_RADIX ? PATB_GR : 0) | args[1] | args[3];
    atomic_store(&v->gd->process_table, entry);
}

void gd_kvmarch_fresh(struct kvm_vcpu *v)
{
    static const uint64_t kept[] = { H_SET_MODE, H_SET_DABR, H_SET_XDABR };

    memset(v->own, 0, sizeof(v->own));
    v->armed = false;
    v->lpcr_turn = atomic_load(&v->gd->vmm_turns) - 1;
    /* Served inside the kernel they would change what we have loaded. */
    for (unsigned i = 0; i < 3; i++) {
        struct kvm_enable_cap e = { .cap = KVM_CAP_PPC_ENABLE_HCALL, .args = { kept[i], 0 } };

        ioctl(v->gd->vm_fd, KVM_ENABLE_CAP, &e);
    }
}

/* ---- words for people ---- */

void gd_kvmarch_own_debug(const struct kvm_report *r, struct gd_out *o)
{
    (void)r;
    gd_put_str(o, "untouched while nothing of the debugger's is armed; its trap and single-step "
                  "interrupts always reach it; its CIABR and DAWR are kept while the debugger uses "
                  "these registers, and loaded otherwise");
}

void gd_kvmarch_suspended(const struct kvm_report *r, uint32_t control, struct gd_out *o)
{
    bool hw = control & KVM_GUESTDBG_USE_HW_BP;

    (void)r;
    gd_put_str(o,
               hw ? "the guest's own debugging: CIABR and DAWR suspended where the debugger uses "
                    "them, registers kept; single step and trap work\n"
                  : "the guest's own debugging: all works\n");
}
