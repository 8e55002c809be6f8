/* SPDX-License-Identifier: MIT */
/*
 * Words of guest memory that stand changed. Internal to the engine.
 *
 * Borrowed from the guest: one instruction word per software breakpoint, keyed by guest
 * physical address, from the resume after Z0 to the resume or detach after z0. Words for a run
 * alone are borrowed for that run only.
 */
#ifndef GD_PATCH_H
#define GD_PATCH_H

#include "engine/points.h"

/* Hides planted words in n bytes read from gpa; stores n bytes at gpa (host pointer p) without
 * disturbing planted words. */
void gd_patch_hide(const struct gd_engine *e, uint64_t gpa, void *buf, size_t n);
void gd_patch_store(struct gd_engine *e, uint64_t gpa, uint8_t *p, const void *buf, size_t n);

/* The planted patch at gpa, or NULL. */
struct gd_patch *gd_patch_at(const struct gd_engine *e, uint64_t gpa);
/* A patch at gpa with one reference more, as index + 1; 0 if the table is full (there are as many as
 * points; those without a reference are freed by the next apply). */
uint16_t gd_patch_ref(struct gd_engine *e, uint64_t gpa);
void gd_patch_unref(struct gd_engine *e, uint16_t index);
/* Plants what is referenced and takes back what is not, where that changed. All vCPUs are parked. */
int gd_patch_apply(struct gd_engine *e);
/* Has the guest written over the word of this patch since it was planted? */
bool gd_patch_lost(struct gd_engine *e, uint16_t index);
/* Guest memory was replaced: every planted word is looked at again by the next apply. */
void gd_patch_recheck(struct gd_engine *e);

/* Words for a run alone: exactly step's temps planted, and the word at lift (GPA) restored if
 * do_lift. Only the difference to what stands is touched. Both off by gd_alone_clear(). */
int gd_alone_set(struct gd_engine *e, const struct gd_step *step, bool do_lift, uint64_t lift);
void gd_alone_clear(struct gd_engine *e);

#endif
