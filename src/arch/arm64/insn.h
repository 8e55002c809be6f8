/* SPDX-License-Identifier: MIT */
/*
 * A64 instructions as a debugger needs them: where they can go, which bytes they touch, and
 * which of them must not be stepped naively. Pure decoding first, then two functions that look
 * at registers.
 */
#ifndef GD_ARM64_INSN_H
#define GD_ARM64_INSN_H

#include "arch/arm64/arm64.h"

enum insn_kind {
    INSN_PLAIN,  /* goes on at PC + 4, touches no memory */
    INSN_B,      /* PC + offset */
    INSN_B_COND, /* PC + offset or PC + 4 */
    INSN_BR,     /* register rn, pac = signed */
    INSN_ERET,   /* ELR_EL1, PSTATE from SPSR_EL1; pac = signed */
    INSN_EXC,    /* SVC, HVC, SMC, BRK, HLT, UDF, ... */
    INSN_WFI,    /* hints that wait: complete as NOP */
    INSN_WFE,
    INSN_WFXT, /* WFIT, WFET */
    INSN_YIELD,
    INSN_MRS_DAIF, /* rt */
    INSN_MSR_DAIF, /* rt */
    INSN_DAIFSET,  /* imm4 in offset */
    INSN_DAIFCLR,
    INSN_SYSTEM, /* other MSR, SYS, barriers: may change translation or fetched code */
    INSN_MEM,    /* loads and stores */
    INSN_LDX,    /* load-exclusive */
    INSN_STX,    /* store-exclusive */
};

/* How the length of a memory access is known. */
enum insn_len {
    LEN_BYTES,   /* len */
    LEN_ZVA,     /* naturally aligned block of DCZID_EL0.BS words */
    LEN_LINE,    /* naturally aligned cache line of CTR_EL0.DminLine words */
    LEN_VL,      /* len eighths of the SVE vector length; offset in the same unit */
    LEN_COPY,    /* FEAT_MOPS CPY*: rn count, rt destination, rm source */
    LEN_SET,     /* FEAT_MOPS SET*: rn count, rt destination */
    LEN_UNKNOWN, /* touches memory in a way that is not decoded */
};

enum insn_index {
    INDEX_NONE, /* base + offset */
    INDEX_REG,  /* base + extend(rm, option) << shift */
    INDEX_PC,   /* PC + offset (literal) */
    INDEX_PAC,  /* authenticated base + offset */
};

struct gd_arm64_insn {
    enum insn_kind kind;
    enum insn_len len_kind;
    enum insn_index index;
    uint8_t rt, rt2, rn, rm; /* register fields; 31 is SP as a base, ZR elsewhere */
    uint8_t option, shift;   /* INDEX_REG */
    bool pac, read, write;
    uint32_t len;
    int64_t offset;
};

void gd_arm64_decode(uint32_t insn, struct gd_arm64_insn *i);
bool gd_arm64_insn_plain(uint32_t insn);
/* Registers that the instruction, also one that faults, leaves as they are; PSTATE and MODE only where no
 * exception was taken. */
void gd_arm64_keeps(uint32_t insn, uint64_t keep[GD_REG_WORDS]);

/* HVC and SMC return to the next instruction; the other INSN_EXC are the guest's exceptions. */
bool gd_arm64_calls_out(uint32_t insn);

/* Where the instruction at pc, decoded in i, can go without an exception: fills next[], returns 0 to 2. */
int gd_arm64_successors(struct gd_cpu *c, uint64_t pc, uint32_t insn, const struct gd_arm64_insn *i,
                        uint64_t next[2]);

/* The data access of the instruction at pc. write: which side is asked for where one
 * instruction reads and writes different places (CPY). */
void gd_arm64_access(struct gd_cpu *c, uint64_t pc, bool write, struct gd_access *a);

/* An address without tag and signature: sign-extended from the top of the virtual address
 * space that bit 55 selects. */
uint64_t gd_arm64_strip(struct gd_cpu *c, uint64_t addr);

/* A general register as an operand (31 is zero) or as a base (31 is SP). */
uint64_t gd_arm64_operand(struct gd_cpu *c, unsigned n);
uint64_t gd_arm64_base(struct gd_cpu *c, unsigned n);

#endif
