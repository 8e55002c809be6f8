/* SPDX-License-Identifier: MIT */
/* The table through which engine and protocol reach arm64. Nothing but names here. */
#include "arch/arm64/arm64.h"

#include "arch/arm64/insn.h"
#include "arch/arm64/regs.h"

#define BRK_WORD GD_ARM64_BRK(GD_ARM64_BRK_IMM)

const struct gd_arch gd_arch_arm64 = {
    .name = "aarch64",
    .insn_len = 4,
    .insn_align = 4,
    .tag_bits = 8, /* TBI */
    .bp_insn = { BRK_WORD & 0xff, BRK_WORD >> 8 & 0xff, BRK_WORD >> 16 & 0xff, BRK_WORD >> 24 },
    .reg_pc = GD_ARM64_PC,
    .reg_sp = GD_ARM64_SP,
    .g_count = GD_ARM64_PSTATE + 1, /* GDB fetches the rest one by one, where it needs them */
    .unwind_first = GD_ARM64_PAUTH_DMASK,
    .unwind_count = GD_ARM64_PAUTH_CMASK_HIGH - GD_ARM64_PAUTH_DMASK + 1,
    .reg_size = gd_arm64_reg_size,
    .reg_get = gd_arm64_reg_get,
    .reg_set = gd_arm64_reg_set,
    .tdesc = gd_arm64_tdesc,
    .plan = gd_arm64_plan,
    .translate = gd_arm64_translate,
    .event = gd_arm64_event,
    .inject = gd_arm64_inject,
    .access = gd_arm64_insn_access,
    .step_begin = gd_arm64_step_begin,
    .step_exit = gd_arm64_step_exit,
    .step_abort = gd_arm64_step_abort,
    .insn_plain = gd_arm64_insn_plain,
    .keeps = gd_arm64_keeps,
    .guest_debug = gd_arm64_guest_debug,
    .context = gd_arm64_context,
    .walk_print = gd_arm64_walk_print,
};
