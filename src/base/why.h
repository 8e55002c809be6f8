/* SPDX-License-Identifier: MIT */
/*
 * The reason of the last failure, kept so that `E.text`, `monitor why` and a log can say what,
 * where and what to do, also through protocol replies that carry no text.
 */
#ifndef GD_WHY_H
#define GD_WHY_H

#include <guestdbg/error.h>
#include <stdint.h>

struct gd_out;

struct gd_why {
    int error;     /* enum gd_error */
    uint64_t addr; /* the address it is about, if has_addr */
    uint8_t has_addr;
    int8_t level;       /* GD_E_UNMAPPED: translation table level, GD_NO_LEVEL if none */
    const char *detail; /* static text that completes the sentence, or NULL */
};

#define GD_NO_LEVEL (-128)

/* Fills *w (w may be NULL) and returns error, for `return gd_why(...)`. */
int gd_why(struct gd_why *w, int error, const char *detail);
int gd_why_at(struct gd_why *w, int error, uint64_t addr, const char *detail);
int gd_why_level(struct gd_why *w, int error, uint64_t addr, int level, const char *detail);
/* The whole sentence: "no stage-1 translation for 0x1000 at level 2 (...)". */
void gd_why_print(const struct gd_why *w, struct gd_out *o);

#endif
