/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints and watchpoints as the client asked for them, and the words of guest memory that
 * are patched for them. Internal to the engine.
 *
 * Borrowed from the guest: one instruction word per software breakpoint, keyed by guest
 * physical address, from the resume after Z0 to the resume or detach after z0. Words for a run
 * alone are borrowed for that run only.
 */
#ifndef GD_POINTS_H
#define GD_POINTS_H

#include "engine/engine.h"

void gd_points_init(struct gd_engine *e);

/* Hides planted words in n bytes read from gpa; stores n bytes at gpa (host pointer p) without
 * disturbing planted words. */
void gd_patch_hide(const struct gd_engine *e, uint64_t gpa, void *buf, size_t n);
void gd_patch_store(struct gd_engine *e, uint64_t gpa, uint8_t *p, const void *buf, size_t n);

/* The planted patch at gpa, or NULL. */
struct gd_patch *gd_patch_at(struct gd_engine *e, uint64_t gpa);
/* The next wanted point at va of the types in mask (1 << type) after prev (NULL: first). */
struct gd_point *gd_point_at(struct gd_engine *e, uint64_t va, unsigned mask,
                             struct gd_point *prev);
#define GD_BREAKS (1u << GD_SW | 1u << GD_HW)

/* Makes the hardware plan of what is wanted now, for who wants to show it before a resume does. */
int gd_points_settle(struct gd_engine *e);

/* Brings guest memory and the hardware plan to what is wanted. All vCPUs are parked. */
int gd_points_apply(struct gd_engine *e);

/* Words for a run alone: exactly step's temps planted, and the word at lift (GPA) restored if
 * do_lift. Only the difference to what stands is touched. Both off by gd_alone_clear(). */
int gd_alone_set(struct gd_engine *e, const struct gd_step *step, bool do_lift, uint64_t lift);
void gd_alone_clear(struct gd_engine *e);

#endif
