/* SPDX-License-Identifier: MIT */
/* One step of a struct pcpu: begun by the core, played by the test, ended by the core. */
#ifndef SUPPORT_PPC64_STEP_H
#define SUPPORT_PPC64_STEP_H

#include "support_ppc64.h"

#define V(off) (0xc000000000004000ull + (off)) /* a vector under AIL=3 */

#define ADDI 0x38640005u
#define STD  0xf8640000u /* std r3, 0(r4) */

extern struct gd_step step; /* of the vCPU that fresh() or user() made last */

/* A vCPU in its kernel, or in its program, that nobody steps. */
struct pcpu *fresh(void);
struct pcpu *user(void);

/* The core begins a step of insn, which is put at PC; what step has of choices stays. */
int begin(struct pcpu *p, uint32_t insn);
/* Index of the step's planted word at va, -1: none. */
int temp_at(uint64_t va);

/* The vCPU leaves the guest: at the breakpoint at its PC; at the one on the vector of an interrupt that it
 * takes; at the trace vector, before pc; after userspace served something. What the core answers. */
int hit(struct pcpu *p);
int run_into(struct pcpu *p, unsigned vector, uint64_t srr0, uint64_t cause);
int traced(struct pcpu *p, uint64_t pc);
int served(struct pcpu *p);

void expect(struct pcpu *p, uint64_t pc, uint64_t msr);
void expect_srr(struct pcpu *p, uint64_t srr0, uint64_t srr1);

#endif
