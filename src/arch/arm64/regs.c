/* SPDX-License-Identifier: MIT */
/*
 * Registers as a client sees them. Most are the back end's own; sp, cpsr, vg and the pauth
 * masks are views, computed here from what the vCPU has now. Nothing is borrowed.
 */
#include "arch/arm64/regs.h"

#include <string.h>

#include "base/bits.h"

/* Runs of numbers of one size. bytes 0: by the target. */
struct run {
    uint8_t first, last, bytes;
    bool wide;
    uint32_t feature; /* 0: always there */
};

static const struct run runs[] = {
    { 0, GD_ARM64_PC, 8, false, 0 },
    { GD_ARM64_PSTATE, GD_ARM64_PSTATE, 4, false, 0 },
    { GD_ARM64_V(0), GD_ARM64_V(31), 0, true, 0 },
    { GD_ARM64_FPSR, GD_ARM64_FPCR, 4, false, 0 },
    { GD_ARM64_P(0), GD_ARM64_FFR, 0, true, 0 },
    { GD_ARM64_VG, GD_ARM64_VG, 0, false, 0 },
    { GD_ARM64_PAUTH_DMASK, GD_ARM64_PAUTH_CMASK_HIGH, 8, false, GD_ARM64_F_PAUTH },
    { GD_ARM64_TPIDR_EL0, GD_ARM64_TPIDR_EL0, 8, false, 0 },
    { GD_ARM64_EL1_FIRST, GD_ARM64_EL1_LAST, 8, false, 0 },
};

static const struct run *run_of(unsigned num)
{
    for (size_t i = 0; i < GD_ARRAY_SIZE(runs); i++)
        if (num >= runs[i].first && num <= runs[i].last)
            return &runs[i];
    return NULL;
}

static unsigned size_in(const struct gd_target *t, const struct run *r, unsigned num)
{
    if (!r || (r->feature && !(t->features & r->feature)))
        return 0;
    if (r->bytes)
        return r->bytes;
    if (num == GD_ARM64_VG)
        return t->sve_vq ? 8 : 0;
    if (num >= GD_ARM64_P(0))
        return 2u * t->sve_vq;
    return t->sve_vq ? 16u * t->sve_vq : 16;
}

unsigned gd_arm64_reg_size(const struct gd_target *t, unsigned num)
{
    return size_in(t, run_of(num), num);
}

/* ---- views ---- */

static unsigned sp_of(uint64_t pstate)
{
    return pstate & 1 ? GD_ARM64_SP_EL1 : GD_ARM64_SP_EL0;
}

/* Bits of a pointer that are signature or tag, as GDB's pauth features want them: from the top
 * of the address space of that half to bit 54, and bits 63:56 where they are no tag (Arm ARM
 * D8.10). GDB looks at bit 55 itself; like QEMU's, the masks contain it. */
static uint64_t pauth_mask(struct gd_cpu *c, unsigned num)
{
    bool high = num >= GD_ARM64_PAUTH_DMASK_HIGH;
    bool code = (num - GD_ARM64_PAUTH_DMASK) & 1;
    uint64_t tcr = gd_cpu_reg(c, GD_ARM64_TCR_EL1);
    unsigned tsz = TCR_TXSZ(tcr, high);
    bool tbi = TCR_TBI(tcr, high) && !(code && TCR_TBID(tcr, high));

    if (tsz < 12)
        tsz = 16; /* not set up yet */
    return (tbi ? (1ull << 56) - 1 : ~0ull) & ~(~0ull >> tsz);
}

static int view_get(struct gd_cpu *c, unsigned num, uint64_t *value)
{
    if (num == GD_ARM64_SP)
        return gd_cpu_get(c, sp_of(gd_cpu_reg(c, GD_ARM64_PSTATE)), value);
    if (num == GD_ARM64_VG)
        *value = 2u * c->target->sve_vq;
    else if (num >= GD_ARM64_PAUTH_DMASK && num <= GD_ARM64_PAUTH_CMASK_HIGH)
        *value = pauth_mask(c, num);
    else
        return gd_cpu_get(c, num, value);
    return 0;
}

/* What a client may set of PSTATE: not the bits that the architecture reserves, and only modes
 * that the guest can be in. Anything else would come back as an illegal exception return. */
static int pstate_set(struct gd_cpu *c, uint32_t value)
{
    const uint64_t a64 = PSTATE_M_MASK | PSTATE_DAIF | PSTATE_BTYPE | PSTATE_SSBS | PSTATE_ALLINT |
                         PSTATE_IL | PSTATE_SS | PSTATE_PAN | PSTATE_UAO | PSTATE_DIT | PSTATE_TCO |
                         PSTATE_N | PSTATE_Z | PSTATE_C | PSTATE_V;
    uint64_t old, mode = value & (PSTATE_NRW | PSTATE_M_MASK);
    int err = gd_cpu_get(c, GD_ARM64_PSTATE, &old);

    if (err)
        return err;
    if ((old ^ value) & PSTATE_NRW)
        return gd_why(c->why, GD_E_UNSUPPORTED, "cpsr: the execution state cannot be changed");
    if (value & PSTATE_NRW) {
        if (mode != (PSTATE_NRW | PSTATE_M_EL0T))
            return gd_why(c->why, GD_E_UNSUPPORTED, "cpsr: AArch32 has user mode only");
        old = (old & ~0xffffffffull) | value;
    } else {
        if (mode != PSTATE_M_EL0T && mode != PSTATE_M_EL1T && mode != PSTATE_M_EL1H)
            return gd_why(c->why, GD_E_UNSUPPORTED, "cpsr: the mode must be EL0t, EL1t or EL1h");
        old = (old & ~a64) | (value & a64);
    }
    return gd_cpu_set(c, GD_ARM64_PSTATE, old);
}

/* A client that writes back all registers it read must not fail at a constant. */
static int constant_set(struct gd_cpu *c, unsigned num, uint64_t value, const char *why)
{
    uint64_t now;
    int err = view_get(c, num, &now);

    if (err || now == value)
        return err;
    return gd_why(c->why, GD_E_UNSUPPORTED, why);
}

static int narrow_set(struct gd_cpu *c, unsigned num, uint64_t value)
{
    switch (num) {
    case GD_ARM64_SP:
        return gd_cpu_set(c, sp_of(gd_cpu_reg(c, GD_ARM64_PSTATE)), value);
    case GD_ARM64_PSTATE:
        return pstate_set(c, (uint32_t)value);
    case GD_ARM64_VG:
        return constant_set(c, num, value, "vg: the vector length is fixed");
    case GD_ARM64_PAUTH_DMASK:
    case GD_ARM64_PAUTH_CMASK:
    case GD_ARM64_PAUTH_DMASK_HIGH:
    case GD_ARM64_PAUTH_CMASK_HIGH:
        return constant_set(c, num, value, "pauth masks follow TCR_EL1");
    case GD_ARM64_MPIDR_EL1:
    case GD_ARM64_MIDR_EL1:
        return constant_set(c, num, value, "identification registers are read-only");
    default:
        return gd_cpu_set(c, num, value);
    }
}

int gd_arm64_reg_get(struct gd_cpu *c, unsigned num, uint8_t *bytes)
{
    const struct run *r = run_of(num);
    unsigned n = size_in(c->target, r, num);
    uint64_t value = 0;
    int err;

    if (!n)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (r->wide) {
        err = gd_cpu_get_wide(c, num, bytes, n);
    } else {
        err = view_get(c, num, &value);
        gd_store_le64(bytes, value);
    }
    return err ? err : (int)n;
}

int gd_arm64_reg_set(struct gd_cpu *c, unsigned num, const uint8_t *bytes)
{
    const struct run *r = run_of(num);
    unsigned n = size_in(c->target, r, num);

    if (!n)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (r->wide)
        return gd_cpu_set_wide(c, num, bytes, n);
    return narrow_set(c, num, gd_load_le(bytes, n));
}

/* ---- features ---- */

/* Feature bit where field [lo+3:lo] of an ID register, unsigned, is at least min. */
struct id_field {
    uint8_t reg, lo, min;
    uint32_t feature;
};

uint32_t gd_arm64_features(const struct gd_arm64_ids *id)
{
    enum { PFR0, PFR1, MMFR0, MMFR1, MMFR2, MMFR3, ISAR1, ISAR2 };
    static const struct id_field fields[] = {
        { PFR0, 0, 2, GD_ARM64_F_EL0_32 }, { PFR1, 0, 1, GD_ARM64_F_BTI },
        { PFR1, 4, 1, GD_ARM64_F_SSBS },   { PFR1, 8, 2, GD_ARM64_F_MTE },
        { PFR1, 36, 1, GD_ARM64_F_NMI },   { PFR1, 44, 1, GD_ARM64_F_GCS },
        { MMFR0, 0, 6, GD_ARM64_F_LPA },   { MMFR0, 20, 2, GD_ARM64_F_LPA2_16K },
        { MMFR1, 0, 2, GD_ARM64_F_HDBS },  { MMFR1, 20, 1, GD_ARM64_F_PAN },
        { MMFR2, 4, 1, GD_ARM64_F_UAO },   { MMFR2, 16, 1, GD_ARM64_F_LVA },
        { MMFR2, 28, 1, GD_ARM64_F_TTST }, { MMFR3, 0, 1, GD_ARM64_F_TCR2 },
        { ISAR1, 4, 1, GD_ARM64_F_PAUTH }, { ISAR1, 8, 1, GD_ARM64_F_PAUTH },
        { ISAR2, 0, 2, GD_ARM64_F_WFXT },  { ISAR2, 12, 1, GD_ARM64_F_PAUTH },
    };
    const uint64_t regs[] = { id->pfr0,  id->pfr1,  id->mmfr0, id->mmfr1,
                              id->mmfr2, id->mmfr3, id->isar1, id->isar2 };
    uint32_t features = 0;

    for (size_t i = 0; i < GD_ARRAY_SIZE(fields); i++)
        if ((regs[fields[i].reg] >> fields[i].lo & 0xf) >= fields[i].min)
            features |= fields[i].feature;
    if (gd_bits(id->mmfr0, 31, 28) == 1) /* TGran4: 0xf is "not implemented" */
        features |= GD_ARM64_F_LPA2_4K;
    return features;
}

unsigned gd_arm64_pa_bits(uint64_t mmfr0)
{
    static const uint8_t bits[8] = { 32, 36, 40, 42, 44, 48, 52, 56 };

    return bits[gd_bits(mmfr0, 2, 0)];
}
