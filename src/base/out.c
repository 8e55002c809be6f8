/* SPDX-License-Identifier: MIT */
/*
 * The bounded writer of out.h. What does not fit is dropped and remembered in `cut`; nothing
 * is ever written past cap, whatever the format or its arguments.
 */
#include "base/out.h"

#include <stdarg.h>
#include <string.h>

#include "base/wide.h"

static const char digits_of[] = "0123456789abcdef";

void gd_out_init(struct gd_out *o, void *buf, size_t cap)
{
    gd_out_window(o, buf, cap, 0);
}

void gd_out_window(struct gd_out *o, void *buf, size_t cap, size_t skip)
{
    *o = (struct gd_out){ .buf = buf, .cap = cap, .skip = skip };
}

void gd_put_bytes(struct gd_out *o, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t drop = n < o->skip ? n : o->skip;
    size_t room, take;

    o->skip -= drop;
    n -= drop;
    room = o->cap - o->len;
    take = n < room ? n : room;
    if (take)
        memcpy(o->buf + o->len, p + drop, take);
    o->len += take;
    if (take < n)
        o->cut = true;
}

void gd_put_str(struct gd_out *o, const char *s)
{
    while (*s)
        gd_put_byte(o, (uint8_t)*s++);
}

void gd_put_hex_pad(struct gd_out *o, uint64_t value, unsigned digits)
{
    for (; digits > 16; digits--)
        gd_put_byte(o, '0');
    while (digits--)
        gd_put_byte(o, (uint8_t)digits_of[(value >> (4 * digits)) & 15]);
}

void gd_put_hex(struct gd_out *o, uint64_t value)
{
    unsigned digits = 1;

    while (digits < 16 && value >> (4 * digits))
        digits++;
    gd_put_hex_pad(o, value, digits);
}

void gd_put_dec(struct gd_out *o, uint64_t value)
{
    uint8_t text[20]; /* 2^64 has 20 digits */
    size_t at = sizeof(text);

    do {
        text[--at] = (uint8_t)digits_of[value % 10];
        value /= 10;
    } while (value);
    gd_put_bytes(o, text + at, sizeof(text) - at);
}

#ifdef GD_WIDE
static inline gd_wide wide_digits(gd_wide nibbles)
{
    return nibbles + '0' + ((gd_wide)(nibbles > 9) & ('a' - '9' - 1));
}

/* Sixteen digits of eight bytes. */
static inline void put_eight(uint8_t *to, const uint8_t *p)
{
    gd_wide v = { 0 };

    memcpy(&v, p, 8);
    v = __builtin_shufflevector(v >> 4, v & 15, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                23);
    gd_wide_store(to, wide_digits(v));
}
#endif

void gd_hex_text(uint8_t *to, const uint8_t *p, size_t n)
{
#ifdef GD_WIDE
    for (; n >= 8; n -= 8, p += 8, to += 16)
        put_eight(to, p);
#endif
    for (; n; n--, p++) {
        *to++ = (uint8_t)digits_of[*p >> 4];
        *to++ = (uint8_t)digits_of[*p & 15];
    }
}

void gd_put_hex_bytes(struct gd_out *o, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t room = o->skip ? 0 : (o->cap - o->len) / 2;

    if (room > n)
        room = n;
    gd_hex_text(o->buf + o->len, p, room);
    o->len += 2 * room;
    while (room < n)
        gd_put_hex_pad(o, p[room++], 2);
}

static void put_int(struct gd_out *o, int value)
{
    if (value < 0)
        gd_put_byte(o, '-');
    gd_put_dec(o, value < 0 ? 0u - (unsigned)value : (unsigned)value);
}

void gd_put_fmt(struct gd_out *o, const char *fmt, ...)
{
    va_list ap;
    const char *s;

    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        if (fmt[0] != '%') {
            gd_put_byte(o, (uint8_t)fmt[0]);
        } else if (fmt[1] == 'l' && (fmt[2] == 'u' || fmt[2] == 'x')) {
            (fmt[2] == 'u' ? gd_put_dec : gd_put_hex)(o, va_arg(ap, uint64_t));
            fmt += 2;
        } else if (fmt[1] == 'u' || fmt[1] == 'x') {
            (fmt[1] == 'u' ? gd_put_dec : gd_put_hex)(o, va_arg(ap, unsigned));
            fmt++;
        } else if (fmt[1] == 'd') {
            put_int(o, va_arg(ap, int));
            fmt++;
        } else if (fmt[1] == 'c') {
            gd_put_byte(o, (uint8_t)va_arg(ap, int));
            fmt++;
        } else if (fmt[1] == 's') {
            s = va_arg(ap, const char *);
            gd_put_str(o, s ? s : "(none)");
            fmt++;
        } else {
            gd_put_byte(o, '%'); /* %% once; a bad format as it stands */
            fmt += fmt[1] == '%';
        }
    }
    va_end(ap);
}

const char *gd_out_str(struct gd_out *o)
{
    if (o->cap == 0)
        return "";
    if (o->len == o->cap) {
        o->len--;
        o->cut = true;
    }
    o->buf[o->len] = 0;
    return (const char *)o->buf;
}
