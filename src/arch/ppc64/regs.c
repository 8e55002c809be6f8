/* SPDX-License-Identifier: MIT */
/*
 * Registers as a client sees them: sizes, and what may be written. The wire's byte order is the
 * session's affair; values here are little-endian bytes.
 */
#include "arch/ppc64/ppc64.h"

#include "base/bits.h"
#include "engine/cpu.h"

/* What a client's write to the MSR leaves alone: a guest has no say in HV and S, and ME and the cause
 * bits are not KVM's to load. */
#define MSR_NOT_WRITTEN (MSR_HV | MSR_S | MSR_ME | SRR1_CAUSE)

uint64_t gd_ppc64_msr(struct gd_cpu *c)
{
    return gd_cpu_reg(c, GD_PPC64_MSR) & ~SRR1_CAUSE;
}

int gd_ppc64_fetch(struct gd_cpu *c, uint64_t va, uint32_t *insn)
{
    int err = gd_cpu_fetch(c, va, insn);

    if (!err && !(gd_ppc64_msr(c) & MSR_LE))
        *insn = __builtin_bswap32(*insn);
    return err;
}

unsigned gd_ppc64_reg_size(const struct gd_target *t, unsigned num)
{
    if (num < GD_PPC64_R0 + 32)
        return 8;
    if (num < GD_PPC64_PC)
        return 0;
    if (num >= GD_PPC64_VR0 && num < GD_PPC64_VR0 + 32)
        return 16;
    switch (num) {
    case GD_PPC64_CR:
    case GD_PPC64_XER:
    case GD_PPC64_VSCR:
    case GD_PPC64_VRSAVE:
    case GD_PPC64_DSISR:
    case GD_PPC64_PVR:
        return 4;
    case GD_PPC64_DAWR0:
    case GD_PPC64_DAWRX0:
        return t->hw.nwatch >= 1 ? 8 : 0;
    case GD_PPC64_DAWR1:
    case GD_PPC64_DAWRX1:
        return t->hw.nwatch >= 2 ? 8 : 0;
    default:
        return num < GD_PPC64_OWN_END ? 8 : 0;
    }
}

int gd_ppc64_reg_get(struct gd_cpu *c, unsigned num, uint8_t *bytes)
{
    unsigned size = gd_ppc64_reg_size(c->target, num);
    uint64_t value;
    int err;

    if (size == 0)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (size > 8)
        err = gd_cpu_get_wide(c, num, bytes, size);
    else
        err = gd_cpu_get(c, num, &value);
    if (err)
        return err;
    if (size <= 8)
        gd_store_le64(bytes, num == GD_PPC64_MSR ? value & ~SRR1_CAUSE : value);
    return (int)size;
}

bool gd_ppc64_reg_read_only(unsigned num)
{
    switch (num) {
    case GD_PPC64_PIDR: /* KVM takes none of them from userspace */
    case GD_PPC64_LPCR:
    case GD_PPC64_PVR:
    case GD_PPC64_DEC:
    case GD_PPC64_TB:
        return true;
    default:
        return false;
    }
}

int gd_ppc64_reg_set(struct gd_cpu *c, unsigned num, const uint8_t *bytes)
{
    unsigned size = gd_ppc64_reg_size(c->target, num);
    uint64_t value;

    if (size == 0)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (gd_ppc64_reg_read_only(num))
        return gd_why(c->why, GD_E_UNSUPPORTED, "this register can only be read");
    if (size > 8)
        return gd_cpu_set_wide(c, num, bytes, size);
    value = gd_load_le(bytes, size);
    if (num == GD_PPC64_PC && value & 3)
        return gd_why_at(c->why, GD_E_ALIGN, value, "instructions are word-aligned");
    if (num == GD_PPC64_MSR)
        value = (value & MSR_THERE & ~MSR_NOT_WRITTEN) |
                (gd_cpu_reg(c, num) & (MSR_NOT_WRITTEN & ~SRR1_CAUSE));
    return gd_cpu_set(c, num, value);
}

int gd_ppc64_context(struct gd_cpu *c, uint64_t *value)
{
    return gd_cpu_get(c, GD_PPC64_PIDR, value);
}
