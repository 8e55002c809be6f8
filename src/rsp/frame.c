/* SPDX-License-Identifier: MIT */
/*
 * Packet framing. The checksum is taken over the bytes as they came, since two clients may
 * escape the same payload differently. A '$' always begins a packet, so that a reader who lost
 * bytes is in step again with the next one.
 */
#include "rsp/frame.h"

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
    return byte == '#' || byte == '$' || byte == ESCAPE || byte == '*';
}

size_t gd_frame_fit(const uint8_t *src, size_t n, size_t limit)
{
    size_t need = 0;

    for (size_t i = 0; i < n; i++) {
        need += must_escape(src[i]) ? 2 : 1;
        if (need > limit)
            return i;
    }
    return n;
}

/* "x*c" stands for one x and c - 29 more (GDB manual, "Overview"). The count is a printable
 * character, at most 126, and neither '#' nor '$'. */
#define RUN_BASE 29
#define RUN_MIN  3
#define RUN_MAX  (126 - RUN_BASE)

static size_t run_length(const uint8_t *src, size_t n)
{
    size_t more = 0;

    while (more + 1 < n && more < RUN_MAX && src[more + 1] == src[0])
        more++;
    if (more == '#' - RUN_BASE || more == '$' - RUN_BASE)
        more = '#' - RUN_BASE - 1;
    return more < RUN_MIN ? 0 : more;
}

struct writer {
    uint8_t *dst;
    size_t cap, len;
    uint8_t sum;
    bool full;
};

static void put(struct writer *w, uint8_t byte)
{
    if (w->len == w->cap) {
        w->full = true;
        return;
    }
    w->dst[w->len++] = byte;
    w->sum = (uint8_t)(w->sum + byte);
}

size_t gd_frame_encode(uint8_t *dst, size_t cap, const uint8_t *src, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    struct writer w = { .dst = dst, .cap = cap };
    uint8_t sum;

    put(&w, '$');
    w.sum = 0;
    for (size_t i = 0; i < n && !w.full; i++) {
        uint8_t byte = src[i];
        size_t more = 0;

        if (byte > '*' && byte != ESCAPE && i + 1 < n && src[i + 1] != byte) {
            put(&w, byte); /* nearly all of them */
            continue;
        }
        if (must_escape(byte)) {
            put(&w, ESCAPE);
            put(&w, byte ^ ESCAPE_XOR);
            continue;
        }
        put(&w, byte);
        if (n - i > RUN_MIN && src[i + 1] == byte)
            more = run_length(src + i, n - i);
        if (more) {
            put(&w, '*');
            put(&w, (uint8_t)(RUN_BASE + more));
            i += more;
        }
    }
    sum = w.sum;
    put(&w, '#');
    put(&w, (uint8_t)digits[sum >> 4]);
    put(&w, (uint8_t)digits[sum & 15]);
    return w.full ? 0 : w.len;
}
