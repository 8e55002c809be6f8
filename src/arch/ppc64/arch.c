/* SPDX-License-Identifier: MIT */
/* The table of the POWER architecture. */
#include "arch/ppc64/insn.h"

const struct gd_arch gd_arch_ppc64 = {
    .name = "powerpc:common64",
    .insn_len = 4,
    .insn_align = 4,
    .bp_insn = { 0x00, 0xdd, 0xdd, 0x00 }, /* GD_PPC64_BREAK in either byte order */
    .reg_pc = GD_PPC64_PC,
    .reg_sp = GD_PPC64_R0 + 1,
    .g_count = GD_PPC64_XER + 1, /* the core feature; all else by `p` */
    .big_endian = false,
    .bi_endian = true,
    .reg_size = gd_ppc64_reg_size,
    .reg_get = gd_ppc64_reg_get,
    .reg_set = gd_ppc64_reg_set,
    .tdesc = gd_ppc64_tdesc,
    .plan = gd_ppc64_plan,
    .translate = gd_ppc64_translate,
    .event = gd_ppc64_event,
    .inject = gd_ppc64_inject,
    .access = gd_ppc64_access,
    .step_begin = gd_ppc64_step_begin,
    .step_exit = gd_ppc64_step_exit,
    .step_abort = gd_ppc64_step_abort,
    .insn_plain = gd_ppc64_insn_plain,
    .guest_debug = gd_ppc64_guest_debug,
    .context = gd_ppc64_context,
    .walk_print = gd_ppc64_walk_print,
    .fence = gd_ppc64_fence,
    .pass = gd_ppc64_pass,
    .breakable = gd_ppc64_breakable,
    .hbreak_is_soft = true,
    .hbreak_after = true,
    .after_mmio = true,
};
