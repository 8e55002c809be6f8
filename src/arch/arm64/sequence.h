/* SPDX-License-Identifier: MIT */
/* Finding an exclusive sequence and its ways out, for step.c. */
#ifndef GD_ARM64_SEQUENCE_H
#define GD_ARM64_SEQUENCE_H

#include "arch/arm64/arm64.h"

struct gd_arm64_sequence {
    uint64_t start, end;  /* [start, end): from where it is tried again to behind that branch */
    uint64_t load, store; /* the exclusives */
};

/* The sequence that pc lies in, up to its store-exclusive. */
bool gd_arm64_sequence_find(struct gd_cpu *c, uint64_t pc, struct gd_arm64_sequence *q);
/* Fills s->temp with all its ways out: its end, direct branches that leave it, the vectors. */
bool gd_arm64_sequence_plant(struct gd_cpu *c, struct gd_step *s,
                             const struct gd_arm64_sequence *q);

#endif
