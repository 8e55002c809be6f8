/* SPDX-License-Identifier: MIT */
/*
 * Interrupts as the hardware takes them (Power ISA 3.1 Book III 7.4 and 7.5): vectors, alternate
 * locations, SRR0, SRR1 and the handler's MSR. A debug exit that is not ours reaches the guest this
 * way, as the program interrupt that KVM would have delivered.
 */
#include "arch/ppc64/ppc64.h"

#include "base/bits.h"
#include "engine/cpu.h"

/* All that a guest can take; scv is not among them, it is never executed natively in a step. */
static const uint16_t vectors[] = {
    VEC_RESET,    VEC_MCHECK, VEC_DSI,     0x380, VEC_ISI,         VEC_ISEG,
    VEC_EXTERNAL, 0x600,      VEC_PROGRAM, 0x800, VEC_DECREMENTER, VEC_DOORBELL,
    VEC_SYSCALL,  VEC_TRACE,  VEC_PERFMON, 0xf20, 0xf40,           0xf60,
};

#define NVECTORS   GD_ARRAY_SIZE(vectors)
#define NREAL_ONLY 2 /* reset and machine check stay where they are under every AIL */

const uint16_t *gd_ppc64_vectors(bool relocated, unsigned *n)
{
    *n = relocated ? NVECTORS - NREAL_ONLY : NVECTORS;
    return relocated ? vectors + NREAL_ONLY : vectors;
}

unsigned gd_ppc64_vector_at(uint64_t va)
{
    unsigned offset = (unsigned)(va & 0xfff), n;
    const uint16_t *vector = gd_ppc64_vectors(va != offset, &n);

    if (va != offset && va != AIL3_BASE + offset)
        return 0;
    for (unsigned i = 0; i < n; i++)
        if (vector[i] == offset)
            return offset;
    return 0;
}

/* AIL=3 counts where the interrupted code was translated both ways (Book III 2.2, AIL). */
static bool relocated(struct gd_cpu *c, uint64_t msr, unsigned offset)
{
    return (gd_cpu_reg(c, GD_PPC64_LPCR) & LPCR_AIL) == LPCR_AIL_3 && msr & MSR_IR &&
           msr & MSR_DR && offset != VEC_RESET && offset != VEC_MCHECK;
}

uint64_t gd_ppc64_vector(struct gd_cpu *c, uint64_t msr, unsigned offset)
{
    return relocated(c, msr, offset) ? AIL3_BASE + offset : offset;
}

uint64_t gd_ppc64_handler_msr(struct gd_cpu *c, uint64_t msr, unsigned offset)
{
    uint64_t new = MSR_SF | (msr & (MSR_HV | MSR_ME));

    if (gd_cpu_reg(c, GD_PPC64_LPCR) & LPCR_ILE)
        new |= MSR_LE;
    if (relocated(c, msr, offset))
        new |= MSR_IR | MSR_DR;
    if (msr & MSR_TST)
        new |= MSR_TSS; /* a transaction is suspended */
    else
        new |= msr &MSR_TS;
    return new;
}

void gd_ppc64_interrupt(struct gd_cpu *c, unsigned offset, uint64_t srr0, uint64_t cause)
{
    uint64_t msr = gd_ppc64_msr(c);

    gd_cpu_set(c, GD_PPC64_SRR0, srr0);
    gd_cpu_set(c, GD_PPC64_SRR1, msr | cause);
    gd_cpu_set(c, GD_PPC64_PC, gd_ppc64_vector(c, msr, offset));
    gd_cpu_set(c, GD_PPC64_MSR, gd_ppc64_handler_msr(c, msr, offset));
}

int gd_ppc64_inject(struct gd_cpu *c, const struct gd_exit *x)
{
    (void)x;
    gd_ppc64_interrupt(c, VEC_PROGRAM, gd_cpu_reg(c, GD_PPC64_PC), SRR1_PROGILL);
    return 0;
}
