/* SPDX-License-Identifier: MIT */
/* What the stepper must know of an instruction before it runs. Words are in register order. */
#ifndef GD_PPC64_INSN_H
#define GD_PPC64_INSN_H

#include "arch/ppc64/ppc64.h"

enum ppc_class {
    PPC_PLAIN,
    PPC_BRANCH,   /* b, bc, bclr, bcctr, bctar */
    PPC_PREFIXED, /* 8 bytes */
    PPC_LARX,
    PPC_STCX,
    PPC_TBEGIN,
    PPC_TEND,
    PPC_MFMSR,
    PPC_MTMSR,
    PPC_MTMSRD,
    PPC_MTSRR0,
    PPC_MTSRR1,
    PPC_RFID,
    PPC_RFSCV,
    PPC_RFEBB,
    PPC_SC,    /* LEV 0: system call of the guest */
    PPC_HCALL, /* LEV 1 and 2 */
    PPC_SCV,
    PPC_WAIT,
    PPC_STOP,
    PPC_KVM, /* KVM emulates it, so it is not traced: msgsndp, msgclrp, mfspr TIR and DPDES */
};

/* A branch: where to, and whether it is taken. */
struct ppc_branch {
    enum { PPC_TO_ADDR, PPC_TO_LR, PPC_TO_CTR, PPC_TO_TAR } to;
    uint64_t addr; /* PPC_TO_ADDR, not truncated to 32-bit mode */
    uint8_t bo, bi;
    bool always;
    bool link; /* sets LR */
};

/* A larx .. stcx. sequence (or tbegin. .. tend.) as it stands in memory. */
#define PPC_SEQ_EXITS 16
struct ppc_seq {
    uint64_t start, end; /* first and last instruction; end may be the branch back after stcx. */
    unsigned nexits;
    uint64_t exit[PPC_SEQ_EXITS]; /* where control can go from inside */
};

enum ppc_class gd_ppc64_classify(uint32_t insn);
static inline unsigned ppc_len(uint32_t insn)
{
    return insn >> 26 == 1 ? 8 : 4; /* Book I 1.6.3: primary opcode 1 is a prefix */
}
static inline unsigned ppc_rt(uint32_t insn)
{
    return insn >> 21 & 31;
}
static inline unsigned ppc_ra(uint32_t insn)
{
    return insn >> 16 & 31;
}
static inline unsigned ppc_rb(uint32_t insn)
{
    return insn >> 11 & 31;
}
static inline unsigned ppc_xo(uint32_t insn)
{
    return insn >> 1 & 0x3ff;
}
/* SPR number of mfspr and mtspr: its halves are swapped. */
static inline unsigned ppc_spr(uint32_t insn)
{
    return ppc_ra(insn) | ppc_rb(insn) << 5;
}

/* or rx,rx,rx: nothing, or a program priority (Book II 3.2). */
static inline bool ppc_hint(uint32_t insn)
{
    return (insn & 0xfc0007ffu) == 0x7c000378 && ppc_rt(insn) == ppc_ra(insn) &&
           ppc_rt(insn) == ppc_rb(insn);
}
/* dcbst, dcbf, dcbi, icbi, dcbz. */
static inline bool ppc_cache_op(uint32_t insn)
{
    unsigned xo = insn >> 26 == 31 ? ppc_xo(insn) : 0;

    return xo == 54 || xo == 86 || xo == 470 || xo == 982 || xo == 1014;
}
/* or 1,1,1, or 6,6,6 and or 31,31,31: a thread that waits for another one. */
static inline bool ppc_lowers_priority(uint32_t insn)
{
    return ppc_hint(insn) && (ppc_rt(insn) == 1 || ppc_rt(insn) == 6 || ppc_rt(insn) == 31);
}

bool gd_ppc64_branch(uint32_t insn, uint64_t pc, struct ppc_branch *b);
/* An address as the mode msr computes it: 32 bits when SF is 0 (Book I 1.10.3). */
uint64_t gd_ppc64_mode_addr(uint64_t msr, uint64_t addr);
/* Is branch b taken, with the present CR and CTR? Where does it go then? */
bool gd_ppc64_taken(struct gd_cpu *c, const struct ppc_branch *b);
uint64_t gd_ppc64_target(struct gd_cpu *c, const struct ppc_branch *b);
/* Address of the next instruction if insn at pc completes. */
uint64_t gd_ppc64_next(struct gd_cpu *c, uint64_t pc, uint32_t insn);
/* The sequence that starts at start; false if there is none. */
bool gd_ppc64_seq_at(struct gd_cpu *c, uint64_t start, struct ppc_seq *q);
/* The sequence that pc is inside of; false if there is none. */
bool gd_ppc64_seq_around(struct gd_cpu *c, uint64_t pc, struct ppc_seq *q);
/* May a range step keep its code page after insn, as it stands in memory (little-endian)? */
bool gd_ppc64_insn_plain(uint32_t insn);

/* Executes what may not run with SE or with interrupts masked by us: false if insn is not such an
 * instruction in the present state, true if it is complete, a trace interrupt of the guest's own
 * included. */
bool gd_ppc64_emulate(struct gd_cpu *c, uint64_t pc, uint32_t insn);
/* Executes a branch: NIP, CTR, LR. */
void gd_ppc64_emulate_branch(struct gd_cpu *c, uint64_t pc, const struct ppc_branch *b);

#endif
