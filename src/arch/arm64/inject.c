/* SPDX-License-Identifier: MIT */
/*
 * Exceptions given to the guest's EL1 as the hardware would have taken them
 * (AArch64.TakeException, Arm ARM J1.1.2). Guest state is changed for good: this is the
 * guest's own event.
 */
#include "arch/arm64/regs.h"

/* Synchronous vector by where the exception comes from, Arm ARM D1.3.1.5. */
static uint64_t vector(uint64_t pstate)
{
    if (pstate & PSTATE_NRW)
        return 0x600;
    if (!PSTATE_EL(pstate))
        return 0x400;
    return pstate & 1 ? 0x200 : 0;
}

/* EXLOCK after an exception: EL1's own setting if it stays there, else clear. */
static uint64_t exlock(struct gd_cpu *c, bool from_el1)
{
    if (!from_el1 || !(gd_cpu_reg(c, GD_ARM64_GCSCR_EL1) & GCSCR_EXLOCKEN))
        return 0;
    return PSTATE_EXLOCK;
}

static uint64_t entry_pstate(struct gd_cpu *c, uint64_t old)
{
    uint32_t f = c->target->features;
    uint64_t sctlr = gd_cpu_reg(c, GD_ARM64_SCTLR_EL1);
    uint64_t kept = PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V | PSTATE_DIT;
    uint64_t new;

    /* Taken from AArch32, SPSR_EL1 has DIT and PAN in the same bits, and no TCO (C5.2.20). */
    if (f & GD_ARM64_F_PAN)
        kept |= PSTATE_PAN;
    if (!(old & PSTATE_NRW))
        kept |= PSTATE_TCO;
    new = (old & kept) | PSTATE_DAIF | PSTATE_M_EL1H;
    if ((f & GD_ARM64_F_PAN) && !(sctlr & SCTLR_SPAN))
        new |= PSTATE_PAN;
    if (f & GD_ARM64_F_MTE)
        new |= PSTATE_TCO;
    if ((f & GD_ARM64_F_SSBS) && (sctlr & SCTLR_DSSBS))
        new |= PSTATE_SSBS;
    if ((f & GD_ARM64_F_NMI) && !(sctlr & SCTLR_SPINTMASK))
        new |= PSTATE_ALLINT;
    if (f & GD_ARM64_F_GCS)
        new |= exlock(c, !(old & PSTATE_NRW) && PSTATE_EL(old) == 1);
    return new; /* UAO, BTYPE, IL and SS are clear */
}

int gd_arm64_take_exception(struct gd_cpu *c, uint64_t esr, const uint64_t *far, uint64_t ret)
{
    uint64_t old, vbar;
    int err = gd_cpu_get(c, GD_ARM64_PSTATE, &old);

    if (!err)
        err = gd_cpu_get(c, GD_ARM64_VBAR_EL1, &vbar);
    if (err)
        return err;
    gd_cpu_set(c, GD_ARM64_SPSR_EL1, old);
    gd_cpu_set(c, GD_ARM64_ELR_EL1, ret);
    gd_cpu_set(c, GD_ARM64_ESR_EL1, esr);
    if (far)
        gd_cpu_set(c, GD_ARM64_FAR_EL1, *far);
    gd_cpu_set(c, GD_ARM64_PSTATE, entry_pstate(c, old));
    gd_cpu_set(c, GD_ARM64_PC, (vbar & ~0x7ffull) + vector(old));
    return 0;
}

int gd_arm64_inject(struct gd_cpu *c, const struct gd_exit *x)
{
    uint64_t esr = x->syndrome, pc, pstate;
    unsigned ec = ESR_EC(esr);
    bool two_ecs = ec == EC_BREAKPT_LOW || ec == EC_SOFTSTP_LOW || ec == EC_WATCHPT_LOW;
    bool has_far = ec == EC_WATCHPT_LOW && !(esr & ESR_WP_FNV);
    int err;

    if (x->kind != GD_EXIT_DEBUG || (!two_ecs && ec != EC_BRK64 && ec != EC_BKPT32))
        return gd_why(c->why, GD_E_UNSUPPORTED, "not a debug exception");
    err = gd_cpu_get(c, GD_ARM64_PC, &pc);
    if (!err)
        err = gd_cpu_get(c, GD_ARM64_PSTATE, &pstate);
    if (err)
        return err;
    if (two_ecs && !(pstate & PSTATE_NRW) && PSTATE_EL(pstate) == 1)
        esr |= 1ull << ESR_EC_SHIFT; /* taken without a change of Exception level */
    return gd_arm64_take_exception(c, esr, has_far ? &x->addr : NULL, pc);
}
