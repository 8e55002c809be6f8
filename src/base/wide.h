/* SPDX-License-Identifier: MIT */
/*
 * Sixteen bytes at a time, by the compilers' own vectors, for what goes through memory by the megabyte. Only
 * where the processor has them and they may be used: the EL2 monitor leaves the guest's vector registers
 * alone. Whoever uses this has a loop over single bytes for the rest, and for all of it without GD_WIDE.
 */
#ifndef GD_WIDE_H
#define GD_WIDE_H

#include <stdint.h>
#include <string.h>

#include "base/bits.h"

#if defined(__ARM_NEON) || defined(__ALTIVEC__) || defined(__SSE2__)
#define GD_WIDE 16u

typedef uint8_t gd_wide __attribute__((vector_size(GD_WIDE)));

static inline gd_wide gd_wide_load(const uint8_t *p)
{
    gd_wide v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void gd_wide_store(uint8_t *p, gd_wide v)
{
    memcpy(p, &v, sizeof(v));
}

/* Half 0 has the bytes that come first in memory, the first of them lowest. */
static inline uint64_t gd_wide_half(gd_wide v, unsigned half)
{
    uint8_t bytes[GD_WIDE];

    memcpy(bytes, &v, sizeof(v));
    return gd_load_le64(bytes + 8 * half);
}

/* The sum of all bytes, modulo 256. */
static inline uint8_t gd_wide_sum(gd_wide v)
{
    const uint64_t even = 0x00ff00ff00ff00ffull;
    uint64_t low = gd_wide_half(v, 0), high = gd_wide_half(v, 1);
    uint64_t sums = (low & even) + (low >> 8 & even) + (high & even) + (high >> 8 & even);

    return (uint8_t)(sums * 0x0001000100010001ull >> 48);
}

/* The first byte that is not 0; GD_WIDE if there is none. */
static inline unsigned gd_wide_first(gd_wide v)
{
    uint64_t low = gd_wide_half(v, 0), high = gd_wide_half(v, 1);

    if (low)
        return (unsigned)__builtin_ctzll(low) / 8;
    return high ? 8 + (unsigned)__builtin_ctzll(high) / 8 : GD_WIDE;
}

#endif
#endif
