/* SPDX-License-Identifier: MIT */
/* Attribution of debug exits, for event.c and for a monitor that asks about a second set. */
#ifndef GD_ARM64_EVENT_H
#define GD_ARM64_EVENT_H

#include "arch/arm64/arm64.h"

/* Pairs of set that a breakpoint exception at the present PC can come from: exact matches. */
uint16_t gd_arm64_break_slots(struct gd_cpu *c, const struct gd_hw_set *set);

/* Pairs of set that a watchpoint exception can come from. a: the access, decoded where
 * possible. exact: the access or the reported address really touches them; false: they are
 * the nearest, which is right only if nothing but set was loaded. */
uint16_t gd_arm64_watch_slots(struct gd_cpu *c, const struct gd_exit *x,
                              const struct gd_hw_set *set, struct gd_access *a, bool *exact);

#endif
