/* SPDX-License-Identifier: MIT */
/*
 * A made-up processor for tests: sixteen registers, flat translation with a second window on
 * the same memory, 4-byte instructions, four breakpoint and four watchpoint pairs. So that
 * tests of protocol and engine depend on no real architecture.
 */
#ifndef FAKE_ARCH_H
#define FAKE_ARCH_H

#include "arch/arch.h"

enum {
    FAKE_SP = 13,
    FAKE_FLAGS = 14, /* 32 bits */
    FAKE_PC = 15,
    FAKE_V0 = 16,   /* 128 bits */
    FAKE_GONE = 17, /* described, never available */
    FAKE_RO = 18,   /* cannot be written */
    FAKE_G_COUNT = 19,
    FAKE_SYS = 40, /* only by p: where the guest's last exception came from */
    FAKE_CONTEXT = 41,
    FAKE_NREGS = 48,
};

/* Instructions, by their first byte; a and b are the next two, n the last. */
enum {
    FAKE_NOP = 0x00,
    FAKE_ADDI = 0x01,  /* r[a] += (int8_t)b */
    FAKE_LOAD = 0x02,  /* r[a] = (1 << n) bytes at r[b] */
    FAKE_STORE = 0x03, /* (1 << n) bytes at r[b] = r[a] */
    FAKE_JUMP = 0x04,  /* pc += 4 * (int16_t)(b | n << 8) */
    FAKE_WAIT = 0x05,  /* a hint that it waits for others */
    FAKE_CALL = 0x06,  /* leaves the guest for the VMM, as a hypercall or device access does */
    FAKE_BREAK = 0xbb, /* a = b = n = 0: ours; else of another kind */
};

#define FAKE_INSN(op, a, b, n)                                                                     \
    ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(uint8_t)(b) << 16 | (uint32_t)(n) << 24)

/* gd_exit.syndrome of debug exits. */
enum { FAKE_EX_STEP = 1, FAKE_EX_BREAK, FAKE_EX_HWBREAK, FAKE_EX_WATCH };

/* Guest virtual addresses from FAKE_HIGH on show the same memory as those from 0 on. Addresses
 * between 4 GiB and there are not mapped. */
#define FAKE_HIGH   0xffff000000000000ULL
#define FAKE_VECTOR 0x10040 /* where the guest takes its own exceptions */

extern const struct gd_arch gd_arch_fake;

bool fake_translate(uint64_t va, uint64_t *gpa);
/* Does the pair stop an execution at, or an access to, this? */
bool fake_break_hits(const struct gd_hw_pair *p, uint64_t pc);
bool fake_watch_hits(const struct gd_hw_pair *p, uint64_t addr, uint64_t len, bool write);

#endif
