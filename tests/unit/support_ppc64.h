/* SPDX-License-Identifier: MIT */
/*
 * A POWER vCPU that runs nothing: registers, 1 MiB of RAM and radix trees. The tests play the
 * hardware, as the Power ISA describes it. Kernel addresses are mapped linearly (PID 0),
 * PID 5 has one user page.
 */
#ifndef SUPPORT_PPC64_H
#define SUPPORT_PPC64_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/ppc64/insn.h"
#include "base/bits.h"
#include "engine/cpu.h"

#define P_RAM   0x100000u
#define P_PROC  0x80000u /* process table, 256 PIDs */
#define P_ROOT0 0x90000u
#define P_ROOT5 0xb0000u
#define P_LEVEL 0xa0000u /* PID 0's second level; PID 5's levels 2 to 4 follow, a page each */
#define P_KERN  0xc000000000000000ull
#define P_CODE  (P_KERN + 0x20000)
#define P_USER  0x10000u /* PID 5's page, at GPA 0x40000 */
#define P_UGPA  0x40000u

#define MSR_KERNEL (MSR_SF | MSR_EE | MSR_ME | MSR_IR | MSR_DR | MSR_RI | MSR_LE)
#define MSR_USER   (MSR_KERNEL | MSR_PR)
#define MSR_REAL   (MSR_SF | MSR_ME | MSR_RI | MSR_LE)

struct pcpu {
    struct gd_cpu cpu;
    struct gd_target target;
    struct gd_backend be;
    struct gd_why why;
    uint64_t reg[GD_REG_MAX];
    bool no_reg[GD_REG_MAX];
    uint8_t wide[GD_REG_MAX][16];
    uint64_t ram_from; /* nothing below is RAM */
    uint8_t ram[P_RAM] __attribute__((aligned(8)));
};

/* Power-on: kernel mode at P_CODE, AIL 3, radix. */
void pcpu_init(struct pcpu *p);
void pcpu_word(struct pcpu *p, uint64_t gpa, uint32_t insn);
void pcpu_be64(struct pcpu *p, uint64_t gpa, uint64_t value);
/* To user mode: PID 5 at P_USER. */
void pcpu_user(struct pcpu *p);
/* What the guest wrote or the hardware did is seen by the core at the next look. */
void pcpu_ran(struct pcpu *p);
/* The hardware takes an interrupt: SRR1 from MSR and cause, AIL as LPCR has it. */
void pcpu_interrupt(struct pcpu *p, unsigned offset, uint64_t srr0, uint64_t cause);
/* The hardware's registers, after the core's write-back. */
uint64_t pcpu_reg(struct pcpu *p, unsigned num);

#endif
