/* SPDX-License-Identifier: MIT */
/* Functions that the files of src/arch/arm64 have for its table, arch.c. */
#ifndef GD_ARM64_REGS_H
#define GD_ARM64_REGS_H

#include "arch/arm64/arm64.h"

unsigned gd_arm64_reg_size(const struct gd_target *t, unsigned num);
int gd_arm64_reg_get(struct gd_cpu *c, unsigned num, uint8_t *bytes);
int gd_arm64_reg_set(struct gd_cpu *c, unsigned num, const uint8_t *bytes);
void gd_arm64_tdesc(const struct gd_target *t, uint32_t client_flags, struct gd_out *o);
int gd_arm64_plan(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                  struct gd_hw_set *set, struct gd_why *why);
int gd_arm64_translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                       struct gd_why *why);
void gd_arm64_walk_print(struct gd_cpu *c, uint64_t va, struct gd_out *o);
void gd_arm64_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                    struct gd_event *ev);
void gd_arm64_insn_access(struct gd_cpu *c, uint64_t pc, struct gd_access *a);
int gd_arm64_inject(struct gd_cpu *c, const struct gd_exit *x);
int gd_arm64_step_begin(struct gd_cpu *c, struct gd_step *s);
int gd_arm64_step_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit);
void gd_arm64_step_abort(struct gd_cpu *c, struct gd_step *s);
void gd_arm64_guest_debug(struct gd_cpu *c, struct gd_out *o);
int gd_arm64_context(struct gd_cpu *c, uint64_t *value);

#endif
