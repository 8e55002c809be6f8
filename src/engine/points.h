/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints and watchpoints as the client asked for them, and the plan made of them. Internal
 * to the engine.
 */
#ifndef GD_POINTS_H
#define GD_POINTS_H

#include "engine/engine.h"

/* A bucket of either half of cfg.hash: points by virtual address, then patches by physical. */
static inline unsigned gd_hash(const struct gd_engine *e, uint64_t key)
{
    return (unsigned)((key >> 2) * 0x9e3779b97f4a7c15ULL >> (64 - e->cfg.hash_bits));
}

void gd_points_init(struct gd_engine *e);

/* The next wanted point at va of the types in mask (1 << type) after prev (NULL: first). */
struct gd_point *gd_point_at(struct gd_engine *e, uint64_t va, unsigned mask,
                             struct gd_point *prev);
#define GD_BREAKS (1u << GD_SW | 1u << GD_HW)

/* Makes the hardware plan of what is wanted now, for who wants to show it before a resume does. */
int gd_points_settle(struct gd_engine *e);

/* Brings guest memory and the hardware plan to what is wanted. All vCPUs are parked. */
int gd_points_apply(struct gd_engine *e);

/* Is the fence (arch.h) to stand elsewhere than it does? c: the vCPU that asks. */
bool gd_points_fence_moved(struct gd_engine *e, struct gd_cpu *c);
/* Moves it. All other vCPUs are held, and no word for a run alone stands. */
int gd_points_move_fence(struct gd_engine *e, struct gd_cpu *c);

#endif
