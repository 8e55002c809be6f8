/* SPDX-License-Identifier: MIT */
/*
 * A bounded text and byte writer. All formatting of the project goes through these few
 * functions. A window (skip, then at most cap bytes) lets a document of any length be served
 * in pieces without ever being held whole, as qXfer needs.
 */
#ifndef GD_OUT_H
#define GD_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gd_out {
    uint8_t *buf;
    size_t cap;  /* bytes available in buf */
    size_t len;  /* bytes written to buf, <= cap */
    size_t skip; /* bytes of the document still to be dropped before the first is kept */
    bool cut;    /* something did not fit */
};

void gd_out_init(struct gd_out *o, void *buf, size_t cap);
void gd_out_window(struct gd_out *o, void *buf, size_t cap, size_t skip);
static inline void gd_put_byte(struct gd_out *o, uint8_t byte)
{
    if (o->skip)
        o->skip--;
    else if (o->len < o->cap)
        o->buf[o->len++] = byte;
    else
        o->cut = true;
}

void gd_put_bytes(struct gd_out *o, const void *data, size_t n);
void gd_put_str(struct gd_out *o, const char *s);
void gd_put_hex(struct gd_out *o, uint64_t value);                      /* no leading zeros */
void gd_put_hex_pad(struct gd_out *o, uint64_t value, unsigned digits); /* exactly digits */
void gd_put_dec(struct gd_out *o, uint64_t value);
void gd_put_hex_bytes(struct gd_out *o, const void *data, size_t n); /* two digits a byte */
/* The same digits, 2n of them, where there is room. The bytes may lie behind them in the same buffer, as
 * each eight are read before their digits are written. */
void gd_hex_text(uint8_t *to, const uint8_t *data, size_t n);
/*
 * A small printf for sentences: %s %c %u (unsigned) %d (int) %x (unsigned) %lu %lx (uint64_t,
 * whatever the host's long is) %%. Nothing else; a bad format prints itself.
 */
void gd_put_fmt(struct gd_out *o, const char *fmt, ...);
/* Ends the text with a NUL inside cap (cutting a byte if it must) and returns it. */
const char *gd_out_str(struct gd_out *o);

#endif
