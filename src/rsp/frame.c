/* SPDX-License-Identifier: MIT */
/*
 * Packet framing. The checksum is taken over the bytes as they came, since two clients may
 * escape the same payload differently. A '$' always begins a packet, so that a reader who lost
 * bytes is in step again with the next one.
 */
#include "rsp/frame.h"

#include <string.h>

#include "base/wide.h"
#include "rsp/parse.h"

#define ESCAPE     0x7d
#define ESCAPE_XOR 0x20
#define BREAK      0x03

enum { BETWEEN, DATA, ESCAPED, SUM_HIGH, SUM_LOW };

void gd_frame_init(struct gd_frame *f, uint8_t *buf, size_t cap)
{
    *f = (struct gd_frame){ .buf = buf, .cap = cap, .state = BETWEEN };
}

static void begin(struct gd_frame *f)
{
    f->len = 0;
    f->sum = 0;
    f->told = 0;
    f->over = false;
    f->state = DATA;
}

static void store(struct gd_frame *f, uint8_t byte)
{
    if (f->len < f->cap)
        f->buf[f->len++] = byte;
    else
        f->over = true;
}

static enum gd_frame_event between(struct gd_frame *f, uint8_t byte)
{
    switch (byte) {
    case '$':
        begin(f);
        return GD_FRAME_MORE;
    case '+':
        return GD_FRAME_ACK;
    case '-':
        return GD_FRAME_NACK;
    case BREAK:
        return GD_FRAME_BREAK;
    default:
        return GD_FRAME_MORE; /* noise on the line */
    }
}

static enum gd_frame_event data(struct gd_frame *f, uint8_t byte)
{
    if (byte == '#') {
        f->state = SUM_HIGH;
        return GD_FRAME_MORE;
    }
    f->sum = (uint8_t)(f->sum + byte);
    if (byte == ESCAPE)
        f->state = ESCAPED;
    else
        store(f, byte);
    return GD_FRAME_MORE;
}

static enum gd_frame_event escaped(struct gd_frame *f, uint8_t byte)
{
    f->state = DATA;
    if (byte == '#') { /* an escape with nothing to escape: the sum must not be believed */
        f->state = BETWEEN;
        return GD_FRAME_BAD;
    }
    f->sum = (uint8_t)(f->sum + byte);
    store(f, byte ^ ESCAPE_XOR);
    return GD_FRAME_MORE;
}

static enum gd_frame_event checksum(struct gd_frame *f, uint8_t byte)
{
    int digit = gd_hex_digit(byte);

    if (digit < 0) {
        f->state = BETWEEN;
        return GD_FRAME_BAD;
    }
    f->told = (uint8_t)(f->told << 4 | digit);
    if (f->state == SUM_HIGH) {
        f->state = SUM_LOW;
        return GD_FRAME_MORE;
    }
    f->state = BETWEEN;
    if (f->told != f->sum)
        return GD_FRAME_BAD;
    return f->over ? GD_FRAME_LONG : GD_FRAME_PACKET;
}

static enum gd_frame_event take(struct gd_frame *f, uint8_t byte)
{
    if (byte == '$' && f->state != BETWEEN) {
        begin(f);
        return GD_FRAME_MORE;
    }
    switch (f->state) {
    case BETWEEN:
        return between(f, byte);
    case DATA:
        return data(f, byte);
    case ESCAPED:
        return escaped(f, byte);
    default:
        return checksum(f, byte);
    }
}

size_t gd_frame_feed(struct gd_frame *f, const uint8_t *bytes, size_t n, enum gd_frame_event *event)
{
    *event = GD_FRAME_MORE;
    for (size_t i = 0; i < n; i++) {
        *event = take(f, bytes[i]);
        if (*event != GD_FRAME_MORE)
            return i + 1;
    }
    return n;
}

static bool must_escape(uint8_t byte)
{
    if (byte > '*' && byte != ESCAPE)
        return false; /* nearly all of them */
    return byte == '#' || byte == '$' || byte == ESCAPE || byte == '*';
}

#ifdef GD_WIDE
/* All ones where a byte must be escaped. */
static inline gd_wide escapes(gd_wide v)
{
    return (gd_wide)((v - '#' < 2) | (v == '*') | (v == ESCAPE));
}
#endif

size_t gd_frame_fit(const uint8_t *src, size_t n, size_t limit)
{
    size_t need = 0, i = 0;

#ifdef GD_WIDE
    for (; n - i >= GD_WIDE && limit - need >= 2 * GD_WIDE; i += GD_WIDE)
        need += GD_WIDE + gd_wide_sum(escapes(gd_wide_load(src + i)) & 1);
#endif
    for (; i < n; i++) {
        need += must_escape(src[i]) ? 2 : 1;
        if (need > limit)
            break;
    }
    return i;
}

/* "x*c" stands for one x and c - 29 more (GDB manual, "Overview"). The count is a printable
 * character, at most 126, and neither '#' nor '$'. */
#define RUN_BASE 29
#define RUN_MIN  3
#define RUN_MAX  (126 - RUN_BASE)

#ifdef GD_WIDE
/* All ones where a byte is followed by RUN_MIN like it. */
static inline gd_wide runs(gd_wide v, const uint8_t *src)
{
    return (gd_wide)((v == gd_wide_load(src + 1)) & (v == gd_wide_load(src + 2)) &
                     (v == gd_wide_load(src + 3)));
}

/* Copies bytes before the first of n that is escaped or begins a run. Those that it leaves at the end may be
 * plain as well. Bytes behind the copied ones are overwritten, GD_WIDE - 1 at most: with the room that
 * gd_frame_encode() asks for, a source in the same buffer is further away. */
static size_t copy_plain(uint8_t *dst, const uint8_t *src, size_t n)
{
    size_t i = 0;
    unsigned plain = GD_WIDE;

    for (; plain == GD_WIDE && n - i >= GD_WIDE + RUN_MIN; i += plain) {
        gd_wide v = gd_wide_load(src + i);

        plain = gd_wide_first(escapes(v) | runs(v, src + i));
        gd_wide_store(dst + i, v);
    }
    return i;
}
#else
static size_t copy_plain(uint8_t *dst, const uint8_t *src, size_t n)
{
    (void)dst, (void)src, (void)n;
    return 0;
}
#endif

/* Modulo 256. */
static unsigned sum_of(const uint8_t *p, const uint8_t *end)
{
    unsigned sum = 0;

#ifdef GD_WIDE
    gd_wide sums = { 0 };

    for (; end - p >= 2 * (ptrdiff_t)GD_WIDE; p += 2 * GD_WIDE)
        sums += gd_wide_load(p) + gd_wide_load(p + GD_WIDE);
    sum = gd_wide_sum(sums);
#endif
    while (p < end)
        sum += *p++;
    return sum;
}

/* How often the first of n bytes comes again, as far as one count tells it; 0 if that does not pay. */
static size_t run_length(const uint8_t *src, size_t n)
{
    const uint8_t *next = src + 1, *end = src + (n < RUN_MAX + 1 ? n : RUN_MAX + 1);
    uint8_t byte = *src;
    size_t more;

    if (n <= RUN_MIN || src[1] != byte || src[2] != byte)
        return 0;
#ifdef GD_WIDE
    while (next < end && end - next >= (ptrdiff_t)GD_WIDE) {
        unsigned like = gd_wide_first((gd_wide)(gd_wide_load(next) != byte));

        next += like;
        if (like < GD_WIDE)
            break;
    }
#endif
    while (next < end && *next == byte)
        next++;
    more = (size_t)(next - src) - 1;
    if (more == '#' - RUN_BASE || more == '$' - RUN_BASE)
        more = '#' - RUN_BASE - 1;
    return more < RUN_MIN ? 0 : more;
}

size_t gd_frame_encode(uint8_t *dst, size_t cap, const uint8_t *src, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *end = src + n;
    uint8_t *d = dst, *limit = dst + cap;
    unsigned sum;

    if (cap < GD_FRAME_EXTRA)
        return 0;
    limit -= GD_FRAME_EXTRA - 1; /* for '#' and the sum */
    *d++ = '$';
    while (src < end) {
        size_t room = (size_t)(limit - d), left = (size_t)(end - src), more;
        size_t plain = copy_plain(d, src, left < room ? left : room);
        bool escape;

        d += plain;
        src += plain;
        escape = must_escape(*src);
        more = escape ? 0 : run_length(src, left - plain);
        if (limit - d < (escape ? 2 : more ? 3 : 1))
            return 0;
        if (escape)
            *d++ = ESCAPE;
        *d++ = escape ? *src ^ ESCAPE_XOR : *src;
        src += 1 + more;
        if (more) {
            *d++ = '*';
            *d++ = (uint8_t)(RUN_BASE + more);
        }
    }
    sum = sum_of(dst + 1, d);
    *d++ = '#';
    *d++ = (uint8_t)digits[sum >> 4 & 15];
    *d++ = (uint8_t)digits[sum & 15];
    return (size_t)(d - dst);
}
