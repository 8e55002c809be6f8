/* SPDX-License-Identifier: MIT */
/*
 * The debug hardware of an arm64 vCPU through KVM_SET_GUEST_DEBUG.
 *
 * Borrowed from the guest while something of ours is armed: breakpoint instructions leave it
 * (the engine gives foreign ones back), its own single step is off, and with KVM_GUESTDBG_USE_HW
 * its breakpoint and watchpoint registers are not loaded; for a step that is only asked for where it
 * has them switched on. Its values of them stay. All is given
 * back by control = 0, which also precedes each change of mode: from Linux 6.14 on a step that
 * an emulated instruction has completed stays pending otherwise, and the next step would be
 * reported without having been made (arch/arm64/kvm/guest.c, kvm_arch_vcpu_ioctl_set_guest_debug).
 */
#include "backend/kvm/kvm.h"

#include <string.h>

#include "arch/arm64/arm64.h"
#include "backend/kvm/arm64/onereg.h"

const struct gd_arch *gd_kvmarch_arch(void)
{
    return &gd_arch_arm64;
}

static uint32_t control_of(const struct gd_arm *a)
{
    uint32_t control = 0;

    if (!a->sw && !a->hw && !a->step)
        return 0;
    control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
    /* It makes the kernel switch all debug registers at each entry: a seventh of a step. */
    if (a->hw || (a->step && a->own_points))
        control |= KVM_GUESTDBG_USE_HW;
    if (a->step)
        control |= KVM_GUESTDBG_SINGLESTEP;
    return control;
}

/* Always the whole array: without USE_HW the kernel keeps the old one. */
static void fill(struct kvm_guest_debug *d, const struct gd_arm *a)
{
    if (!a->hw)
        return;
    for (unsigned n = 0; n < KVM_ARM_MAX_DBG_REGS && n < GD_HW_MAX; n++) {
        if (!(a->lift_b >> n & 1)) {
            d->arch.dbg_bcr[n] = a->set->b[n].ctrl;
            d->arch.dbg_bvr[n] = a->set->b[n].value;
        }
        if (!(a->lift_w >> n & 1)) {
            d->arch.dbg_wcr[n] = a->set->w[n].ctrl;
            d->arch.dbg_wvr[n] = a->set->w[n].value;
        }
    }
}

static bool same(const struct kvm_vcpu *v, const struct gd_arm *a, uint32_t control)
{
    if (!v->armed || v->control != control)
        return false;
    if (v->stale && control & KVM_GUESTDBG_SINGLESTEP)
        return false;
    if (!(control & KVM_GUESTDBG_USE_HW))
        return true;
    return v->generation == a->generation && v->lift_b == a->lift_b && v->lift_w == a->lift_w;
}

static int set_debug(struct kvm_vcpu *v, const struct kvm_guest_debug *d)
{
    if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, d) != 0) {
        v->armed = false;
        return GD_E_BACKEND;
    }
    v->armed = true;
    v->control = d->control;
    return 0;
}

static int load(struct kvm_vcpu *v, const struct gd_arm *a, uint32_t control)
{
    struct kvm_guest_debug d = { .control = control }, off = { .control = 0 };
    bool mode = !v->armed || v->stale || v->control != control;
    int err = 0;

    gd_kvmrun_settle(v);
    v->stale = false;
    if (mode && (!v->armed || v->control))
        err = set_debug(v, &off);
    if (err || !control)
        return err;
    fill(&d, a);
    v->generation = a->generation;
    v->lift_b = a->lift_b;
    v->lift_w = a->lift_w;
    return set_debug(v, &d);
}

int gd_kvmarch_arm(struct kvm_vcpu *v, const struct gd_arm *a)
{
    uint32_t control = control_of(a);

    return same(v, a, control) ? 0 : load(v, a, control);
}

void gd_kvmarch_disarm(struct kvm_vcpu *v)
{
    const struct kvm_guest_debug off = { .control = 0 };

    set_debug(v, &off);
}

void gd_kvmarch_debug_exit(const struct kvm_run *run, struct gd_exit *x)
{
    x->syndrome = run->debug.arch.hsr;
    if (run->flags & KVM_DEBUG_ARCH_HSR_HIGH_VALID)
        x->syndrome |= (uint64_t)run->debug.arch.hsr_high << 32;
    /* Written for watchpoints only; else it is what another exit left in the union. */
    if (ESR_EC(x->syndrome) == EC_WATCHPT_LOW)
        x->addr = run->debug.arch.far;
}

/*
 * Completing an access is the only way to get rid of it: PC moves on and a load gets a value.
 * Both are put back. An access that reaches userspace has one register at most (ISS.SRT with
 * ISS.ISV, no writeback), so X0 to X30, PC and PSTATE (whose BTYPE is cleared) are all there is.
 */
int gd_kvmarch_undo_mmio(struct kvm_vcpu *v)
{
    uint64_t x[31], pc, pstate;
    int err = 0;

    for (unsigned i = 0; i < 31; i++)
        err |= gd_kvmarch_reg_get(v, GD_ARM64_X(i), &x[i]);
    err |= gd_kvmarch_reg_get(v, GD_ARM64_PC, &pc);
    err |= gd_kvmarch_reg_get(v, GD_ARM64_PSTATE, &pstate);
    if (err)
        return GD_E_BACKEND;
    memset(v->run->mmio.data, 0, sizeof(v->run->mmio.data));
    gd_kvmrun_complete(v);
    for (unsigned i = 0; i < 31; i++)
        err |= gd_kvmarch_reg_set(v, GD_ARM64_X(i), x[i]);
    err |= gd_kvmarch_reg_set(v, GD_ARM64_PC, pc);
    err |= gd_kvmarch_reg_set(v, GD_ARM64_PSTATE, pstate);
    return err ? GD_E_BACKEND : 0;
}

/* What the guest does to its own debug registers never leaves it. */
void gd_kvmarch_fresh(struct kvm_vcpu *v)
{
    (void)v;
}

bool gd_kvmarch_answers(struct kvm_vcpu *v)
{
    (void)v;
    return false;
}

void gd_kvmarch_served(struct kvm_vcpu *v)
{
    (void)v;
}

void gd_kvmarch_sync_code(void *host, size_t len)
{
    __builtin___clear_cache((char *)host, (char *)host + len);
}

void gd_kvmarch_own_debug(const struct kvm_report *r, struct gd_out *o)
{
    gd_put_str(o, "untouched while nothing of the debugger's is armed; breakpoint instructions "
                  "of the guest's always reach it; while software breakpoints are planted its "
                  "single step is suspended");
    gd_put_str(o, r->guest_points_live ? ", its hardware points still work"
                                       : " and so are its hardware points");
    gd_put_str(o, "; while hardware points are armed, and during a step, both are suspended and "
                  "its debug registers keep their values");
}

void gd_kvmarch_suspended(const struct kvm_report *r, uint32_t control, struct gd_out *o)
{
    bool points = control & (KVM_GUESTDBG_USE_HW | KVM_GUESTDBG_SINGLESTEP) ||
                  (control && !r->guest_points_live);

    gd_put_str(o, "the guest's own debugging: ");
    if (!control)
        gd_put_str(o, "all works\n");
    else if (points)
        gd_put_str(o, "hardware breakpoints, watchpoints and single step suspended, registers "
                      "kept; breakpoint instructions work\n");
    else
        gd_put_str(o, "single step suspended; hardware breakpoints, watchpoints and breakpoint "
                      "instructions work\n");
}
