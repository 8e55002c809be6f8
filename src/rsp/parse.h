/* SPDX-License-Identifier: MIT */
/*
 * A cursor over the payload of one packet. Everything that a client sends is read through
 * these few functions; none reads past the end, and none moves the cursor when it fails.
 */
#ifndef GD_PARSE_H
#define GD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gd_cur {
    uint8_t *p, *end;
};

#define GD_TID_ALL (-1)
#define GD_TID_ANY 0

int gd_hex_digit(uint8_t c); /* 0..15, -1 if it is none */

static inline size_t gd_cur_left(const struct gd_cur *c)
{
    return (size_t)(c->end - c->p);
}

static inline bool gd_cur_end(const struct gd_cur *c)
{
    return c->p == c->end;
}

/* Takes ch, or the whole of word, if it comes next. */
bool gd_cur_char(struct gd_cur *c, char ch);
bool gd_cur_word(struct gd_cur *c, const char *word);
/* Is the rest exactly word? */
bool gd_cur_is(const struct gd_cur *c, const char *word);
/* Takes everything up to sep or the end as *part, and sep too. false at the end. */
bool gd_cur_split(struct gd_cur *c, char sep, struct gd_cur *part);
/* Takes one or more hex digits. GD_E_ARG: none, or more than 64 bits. */
int gd_cur_hex(struct gd_cur *c, uint64_t *value);
/* The whole rest is one decimal number, or a hex one after 0x. GD_E_ARG. */
int gd_cur_number(struct gd_cur *c, uint64_t *value);
/* Takes 2n hex digits as n bytes; dst may be where the digits are. GD_E_ARG. */
int gd_cur_bytes(struct gd_cur *c, uint8_t *dst, size_t n);
/* Takes a thread id: "-1", "0", "2", "p1", "p1.-1", "p1.2", "p-1.-1", "p0.0"; *tid is a
 * positive number, GD_TID_ALL or GD_TID_ANY. There is one process, 1. GD_E_ARG: malformed;
 * GD_E_NOTHREAD: another process, or a number no thread can have. */
int gd_cur_thread(struct gd_cur *c, int *tid);

#endif
