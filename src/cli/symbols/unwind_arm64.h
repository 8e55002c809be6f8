/* SPDX-License-Identifier: MIT */
/*
 * Unwind rules (.debug_frame) for an arm64 kernel that has none, found by following its machine
 * code.
 */
#ifndef CLI_SYMBOLS_UNWIND_ARM64_H
#define CLI_SYMBOLS_UNWIND_ARM64_H

#include "buf.h"
#include "kallsyms.h"

/*
 * text: the kernel's image, which begins at s->start, or NULL: then the rules are those of the
 * frame pointer, right everywhere but in prologues and epilogues. Check out->failed afterwards.
 */
void unwind_arm64(const struct symbols *s, const uint8_t *text, size_t len, struct buf *out);

/* Where a function's caller is found at one instruction. Offsets are distances below the CFA. */
#define UNWIND_UNKNOWN INT32_MIN
#define UNWIND_FIRST   19 /* the first callee-saved register */
#define UNWIND_SAVED   12 /* x19 to x30 */

struct unwind_row {
    int32_t sp, fp;              /* CFA - sp, CFA - x29; UNWIND_UNKNOWN */
    int32_t saved[UNWIND_SAVED]; /* x19 + i lies at CFA - saved[i]; 0: still in its register */
};

/* What one instruction does to the row; for tests. */
void unwind_step_arm64(struct unwind_row *r, uint32_t insn);

#endif
