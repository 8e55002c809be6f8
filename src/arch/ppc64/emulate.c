/* SPDX-License-Identifier: MIT */
/*
 * Instructions that must not run natively during a step, because they would show the guest our
 * MSR[SE] or masked MSR[EE], lose SE, or are not traced (Power ISA 3.1 Book III 7.5.15): executed
 * here, on the registers. Also the few instructions that stand first in interrupt vectors. The
 * guest's own SE and BE are honoured: it gets the trace interrupt that it would have had.
 */
#include "arch/ppc64/insn.h"

#include "base/bits.h"
#include "engine/cpu.h"

#define MTMSR_L   0x00010000u /* 15: only EE and RI are written */
#define MSR_FIXED (MSR_HV | MSR_ME | MSR_LE | SRR1_CAUSE | MSR_S) /* what mtmsrd leaves alone */

static uint64_t gpr(struct gd_cpu *c, unsigned n)
{
    return gd_cpu_reg(c, GD_PPC64_R0 + n);
}

/* The instruction at pc is done: on to the next, or to the guest's trace handler. */
static void complete(struct gd_cpu *c, uint64_t pc, uint64_t msr_before)
{
    uint64_t next = gd_ppc64_mode_addr(gd_ppc64_msr(c), pc + 4);

    gd_cpu_set(c, GD_PPC64_PC, next);
    if (msr_before & MSR_SE)
        gd_ppc64_interrupt(c, VEC_TRACE, next, SRR1_TRACE);
}

/* Problem state has interrupts and translation on, always (Book III 4.3.1). */
static uint64_t problem_state(uint64_t msr)
{
    return msr & MSR_PR ? msr | MSR_EE | MSR_IR | MSR_DR : msr;
}

/* The MSR after mtmsr, mtmsrd: Book III 4.3.2. */
static uint64_t moved_msr(uint32_t insn, uint64_t msr, uint64_t rs)
{
    uint64_t keep = MSR_FIXED;

    if (insn & MTMSR_L)
        return (msr & ~(MSR_EE | MSR_RI)) | (rs & (MSR_EE | MSR_RI));
    if (gd_ppc64_classify(insn) == PPC_MTMSR)
        keep |= 0xffffffff00000000ull;
    return problem_state((msr & keep) | (rs & ~keep & MSR_THERE));
}

/* rfid, rfscv: MSR and NIP from a pair of registers. */
static bool return_from(struct gd_cpu *c, uint64_t msr, uint64_t to, uint64_t new)
{
    uint64_t keep = MSR_HV | MSR_S | MSR_ME | SRR1_CAUSE;

    if ((msr ^ new) & (MSR_TS | MSR_TM))
        return false; /* transactional state has rules that only the hardware knows */
    new = problem_state((msr & keep) | (new & ~keep &MSR_THERE));
    gd_cpu_set(c, GD_PPC64_MSR, new & ~SRR1_CAUSE);
    gd_cpu_set(c, GD_PPC64_PC, gd_ppc64_mode_addr(new, to & ~3ull));
    return true;
}

static bool system_call_vectored(struct gd_cpu *c, uint64_t pc, uint32_t insn, uint64_t msr)
{
    bool high = (gd_cpu_reg(c, GD_PPC64_LPCR) & LPCR_AIL) == LPCR_AIL_3 && msr & MSR_IR &&
                msr & MSR_DR;
    unsigned lev = insn >> 5 & 0x7f;

    if (!(c->target->features & GD_PPC64_F_ISA30) || !(gd_cpu_reg(c, GD_PPC64_FSCR) & FSCR_SCV))
        return false;
    gd_cpu_set(c, GD_PPC64_LR, gd_ppc64_mode_addr(msr, pc + 4));
    gd_cpu_set(c, GD_PPC64_CTR, msr);
    gd_cpu_set(c, GD_PPC64_MSR,
               gd_ppc64_handler_msr(c, msr, VEC_SYSCALL) | (msr & (MSR_EE | MSR_RI)));
    gd_cpu_set(c, GD_PPC64_PC, (high ? AIL3_SCV : VEC_SCV) + lev * 0x20);
    return true;
}

static bool privileged(struct gd_cpu *c, uint64_t pc, uint32_t insn, uint64_t msr)
{
    uint64_t rs = gpr(c, ppc_rt(insn));

    switch (gd_ppc64_classify(insn)) {
    case PPC_MFMSR:
        gd_cpu_set(c, GD_PPC64_R0 + ppc_rt(insn), msr);
        break;
    case PPC_MTMSR:
        gd_cpu_set(c, GD_PPC64_MSR, moved_msr(insn, msr, rs));
        break;
    case PPC_MTMSRD:
        if (!(insn & MTMSR_L) && (msr ^ rs) & (MSR_TS | MSR_TM))
            return false;
        gd_cpu_set(c, GD_PPC64_MSR, moved_msr(insn, msr, rs));
        break;
    case PPC_MTSRR0:
        gd_cpu_set(c, GD_PPC64_SRR0, rs);
        break;
    case PPC_MTSRR1:
        gd_cpu_set(c, GD_PPC64_SRR1, rs);
        break;
    case PPC_RFID:
        return return_from(c, msr, gd_cpu_reg(c, GD_PPC64_SRR0), gd_cpu_reg(c, GD_PPC64_SRR1));
    case PPC_RFSCV:
        return c->target->features & GD_PPC64_F_ISA30 &&
               return_from(c, msr, gd_cpu_reg(c, GD_PPC64_LR), gd_cpu_reg(c, GD_PPC64_CTR));
    default:
        return false;
    }
    complete(c, pc, msr);
    return true;
}

bool gd_ppc64_emulate(struct gd_cpu *c, uint64_t pc, uint32_t insn)
{
    uint64_t msr = gd_ppc64_msr(c);

    switch (gd_ppc64_classify(insn)) {
    case PPC_SC: /* never traced */
        gd_ppc64_interrupt(c, VEC_SYSCALL, gd_ppc64_mode_addr(msr, pc + 4), 0);
        return true;
    case PPC_SCV:
        return system_call_vectored(c, pc, insn, msr);
    case PPC_WAIT: /* may end at any time (Book II 4.6.4), and must: interrupts are held back */
        complete(c, pc, msr);
        return true;
    default:
        return !(msr & MSR_PR) && privileged(c, pc, insn, msr);
    }
}

void gd_ppc64_emulate_branch(struct gd_cpu *c, uint64_t pc, const struct ppc_branch *b)
{
    uint64_t msr = gd_ppc64_msr(c), next = gd_ppc64_mode_addr(msr, pc + 4);
    uint64_t to = gd_ppc64_taken(c, b) ? gd_ppc64_target(c, b) : next;

    if (!(b->bo & 0x04) && b->to != PPC_TO_CTR)
        gd_cpu_set(c, GD_PPC64_CTR, gd_cpu_reg(c, GD_PPC64_CTR) - 1);
    if (b->link)
        gd_cpu_set(c, GD_PPC64_LR, next);
    gd_cpu_set(c, GD_PPC64_PC, to);
    if (msr & (MSR_SE | MSR_BE))
        gd_ppc64_interrupt(c, VEC_TRACE, to, SRR1_TRACE);
}

/* ---- the first instruction of a vector ---- */

/* SPRG0-3, LR and CTR by SPR number. */
static int spr_reg(unsigned spr)
{
    if (spr >= 272 && spr <= 275)
        return GD_PPC64_SPRG0 + (int)(spr - 272);
    return spr == 8 ? GD_PPC64_LR : spr == 9 ? GD_PPC64_CTR : -1;
}

static bool pass31(struct gd_cpu *c, uint32_t insn)
{
    int reg = spr_reg(ppc_spr(insn));

    switch (insn & 0xfc0007ffu) {
    case 0x7c0003a6: /* mtspr */
        if (reg < 0)
            return false;
        gd_cpu_set(c, (unsigned)reg, gpr(c, ppc_rt(insn)));
        return true;
    case 0x7c0002a6: /* mfspr */
        if (reg < 0)
            return false;
        gd_cpu_set(c, GD_PPC64_R0 + ppc_rt(insn), gd_cpu_reg(c, (unsigned)reg));
        return true;
    case 0x7c000378: /* or: mr, and the hints with three equal operands */
        gd_cpu_set(c, GD_PPC64_R0 + ppc_ra(insn), gpr(c, ppc_rt(insn)) | gpr(c, ppc_rb(insn)));
        return true;
    default:
        return false;
    }
}

bool gd_ppc64_pass(struct gd_cpu *c)
{
    uint64_t pc = gd_cpu_reg(c, GD_PPC64_PC);
    struct ppc_branch b;
    uint32_t insn;
    bool done;

    if (gd_ppc64_msr(c) & (MSR_SE | MSR_BE | MSR_PR) || gd_ppc64_fetch(c, pc, &insn))
        return false;
    if (gd_ppc64_branch(insn, pc, &b)) {
        gd_ppc64_emulate_branch(c, pc, &b);
        return true;
    }
    if (insn >> 26 == 2 || insn >> 26 == 3)
        done = ppc_rt(insn) == 0; /* tdi, twi that never trap: Linux' endian fix-up */
    else if (insn >> 26 == 24)
        done = insn == 0x60000000; /* nop */
    else
        done = insn >> 26 == 31 && pass31(c, insn);
    if (done)
        gd_cpu_set(c, GD_PPC64_PC, gd_ppc64_mode_addr(gd_ppc64_msr(c), pc + 4));
    return done;
}
