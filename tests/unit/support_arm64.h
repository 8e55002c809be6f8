/* SPDX-License-Identifier: MIT */
/*
 * An arm64 vCPU that runs nothing: registers, 1 MiB of RAM at A_RAM, MMU off until a test
 * builds tables. The tests play the hardware, as the Arm ARM describes it.
 */
#ifndef SUPPORT_ARM64_H
#define SUPPORT_ARM64_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arm64/event.h"
#include "arch/arm64/insn.h"
#include "base/bits.h"

#define A_RAM      0x40000000u
#define A_RAM_SIZE 0x100000u
#define A_CODE     0x40001000u
#define A_VBAR     0x40080000u

#define EL1H_IRQ_ON PSTATE_M_EL1H /* nothing masked */

struct acpu {
    struct gd_cpu cpu;
    struct gd_target target;
    struct gd_backend be;
    struct gd_why why;
    uint64_t reg[GD_REG_MAX];
    bool no_reg[GD_REG_MAX];
    uint8_t wide[GD_REG_MAX][GD_REG_BYTES];
    unsigned loads; /* table entries read */
    uint8_t ram[A_RAM_SIZE] __attribute__((aligned(8)));
};

/* EL1h at A_CODE, 6 breakpoints (4 and 5 context-aware), 4 watchpoints, every feature off. */
void acpu_init(struct acpu *a);
void acpu_word(struct acpu *a, uint64_t pa, uint32_t insn);
void acpu_le64(struct acpu *a, uint64_t pa, uint64_t value);
/* What the core wrote reaches the hardware, which ran: the core forgets what it knew. */
void acpu_ran(struct acpu *a);
/* The hardware's register, after the core's write-back. */
uint64_t acpu_reg(struct acpu *a, unsigned num);
/* The hardware takes a synchronous exception: SPSR, ELR, PC, PSTATE. */
void acpu_exception(struct acpu *a, uint64_t ret);

#endif
