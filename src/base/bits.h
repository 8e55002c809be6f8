/* SPDX-License-Identifier: MIT */
/* Bit fields, alignment, checked sums and explicit byte order. All inline, no state. */
#ifndef GD_BITS_H
#define GD_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GD_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Field hi:lo of x, right-aligned (0 <= lo <= hi <= 63). */
static inline uint64_t gd_bits(uint64_t x, unsigned hi, unsigned lo)
{
    return (x >> lo) & (~0ULL >> (63 - (hi - lo)));
}

static inline bool gd_bit(uint64_t x, unsigned n)
{
    return (x >> n) & 1;
}

/* The low n bits of x as a signed number, 1 <= n <= 64. */
static inline int64_t gd_sext(uint64_t x, unsigned n)
{
    return (int64_t)(x << (64 - n)) >> (64 - n);
}

/* Last byte of [addr, addr + len) in *last; false if len is 0 or the range wraps. */
static inline bool gd_range_last(uint64_t addr, uint64_t len, uint64_t *last)
{
    if (len == 0 || addr + (len - 1) < addr)
        return false;
    *last = addr + (len - 1);
    return true;
}

/* Do [a, a+alen) and [b, b+blen) share a byte? Empty or wrapping ranges share none. */
static inline bool gd_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
    uint64_t alast, blast;

    return gd_range_last(a, alen, &alast) && gd_range_last(b, blen, &blast) && a <= blast &&
           b <= alast;
}

/* Eight bytes in one access. */
static inline uint64_t gd_load_le64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline void gd_store_le64(uint8_t *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, sizeof(v));
}

static inline uint64_t gd_load_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline void gd_store_le(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint64_t gd_load_be(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static inline void gd_store_be(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

#endif
