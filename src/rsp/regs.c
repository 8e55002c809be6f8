/* SPDX-License-Identifier: MIT */
/*
 * Registers on the wire: g G p P, and what other packets need of them. The engine speaks
 * little-endian bytes; the wire has the byte order that the client believes in.
 */
#include <string.h>

#include "rsp/state.h"

static unsigned size_of(const struct gd_session *s, unsigned num)
{
    const struct gd_engine *e = s->cfg.engine;
    unsigned n = num < GD_REG_MAX ? e->arch->reg_size(e->cfg.target, num) : 0;

    return n <= GD_REG_BYTES ? n : 0;
}

void gd_rsp_order(const struct gd_session *s, uint8_t *bytes, unsigned n)
{
    if (!s->big_endian)
        return;
    for (unsigned i = 0; i < n / 2; i++) {
        uint8_t t = bytes[i];

        bytes[i] = bytes[n - 1 - i];
        bytes[n - 1 - i] = t;
    }
}

/* Unavailable registers are 'x', never zeros. */
static int put_reg(struct gd_session *s, struct gd_out *o, unsigned num)
{
    struct gd_why why = rsp_engine(s)->why;
    uint8_t bytes[GD_REG_BYTES];
    int n = gd_engine_reg_get(rsp_engine(s), s->general, num, bytes);

    if (n >= 0) {
        gd_rsp_order(s, bytes, (unsigned)n);
        gd_put_hex_bytes(o, bytes, (unsigned)n);
        return GD_OK;
    }
    if ((n != GD_E_NOREG && n != GD_E_LOST) || size_of(s, num) == 0)
        return n;
    rsp_engine(s)->why = why; /* no failure of the client's */
    for (unsigned i = 0; i < 2 * size_of(s, num); i++)
        gd_put_byte(o, 'x');
    return GD_OK;
}

int gd_rsp_p(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t num;

    if (gd_cur_hex(c, &num) < 0 || !gd_cur_end(c))
        return gd_rsp_malformed(s, "p wants a register number");
    if (num >= GD_REG_MAX)
        return gd_why(&rsp_engine(s)->why, GD_E_NOREG, NULL);
    return put_reg(s, o, (unsigned)num);
}

int gd_rsp_P(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint8_t bytes[GD_REG_BYTES];
    uint64_t num;
    unsigned n;
    int err;

    if (gd_cur_hex(c, &num) < 0 || !gd_cur_char(c, '='))
        return gd_rsp_malformed(s, "P wants number=value");
    n = num < GD_REG_MAX ? size_of(s, (unsigned)num) : 0;
    if (n == 0)
        return gd_why(&rsp_engine(s)->why, GD_E_NOREG, NULL);
    if (gd_cur_bytes(c, bytes, n) < 0 || !gd_cur_end(c))
        return gd_rsp_malformed(s, "value is not of the register's size");
    gd_rsp_order(s, bytes, n);
    err = gd_engine_reg_set(rsp_engine(s), s->general, (unsigned)num, bytes);
    if (err == GD_OK)
        gd_put_str(o, "OK");
    return err;
}

/* As many whole registers as one packet takes; clients fetch the rest with p. */
int gd_rsp_g(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    int err;

    if (!gd_cur_end(c))
        return gd_rsp_malformed(s, "g has no arguments");
    for (unsigned num = 0; num < rsp_arch(s)->g_count; num++) {
        unsigned n = size_of(s, num);

        if (n == 0)
            continue;
        if (2 * n > o->cap - o->len)
            return GD_OK;
        err = put_reg(s, o, num);
        if (err < 0)
            return err;
    }
    return GD_OK;
}

/* ---- G: all or nothing ---- */

/* Is the next register's worth of digits all 'x' (leave it alone), or all hex? */
static int check_digits(struct gd_cur *c, unsigned n, bool *skip)
{
    if (gd_cur_left(c) < 2 * n)
        return GD_E_ARG;
    *skip = *c->p == 'x';
    for (unsigned i = 0; i < 2 * n; i++)
        if (*skip ? c->p[i] != 'x' : gd_hex_digit(c->p[i]) < 0)
            return GD_E_ARG;
    return GD_OK;
}

static int check_all(struct gd_session *s, struct gd_cur c)
{
    bool skip;

    for (unsigned num = 0; num < rsp_arch(s)->g_count && !gd_cur_end(&c); num++) {
        unsigned n = size_of(s, num);

        if (check_digits(&c, n, &skip) < 0)
            return gd_rsp_malformed(s, "G with a broken or cut register value");
        c.p += 2 * n;
    }
    return gd_cur_end(&c) ? GD_OK : gd_rsp_malformed(s, "G longer than all registers");
}

/* Puts one register; *changed if it was written, with the old value in old. */
static int set_one(struct gd_session *s, unsigned num, unsigned n, struct gd_cur *c, uint8_t *old,
                   bool *changed)
{
    uint8_t bytes[GD_REG_BYTES];
    bool skip = false;
    int err;

    *changed = false;
    if (check_digits(c, n, &skip) < 0)
        return GD_E_ARG;
    if (skip) {
        c->p += 2 * n;
        return GD_OK;
    }
    (void)gd_cur_bytes(c, bytes, n);
    gd_rsp_order(s, bytes, n);
    err = gd_engine_reg_get(rsp_engine(s), s->general, num, old);
    if (err < 0)
        return err;
    if (memcmp(old, bytes, n) == 0)
        return GD_OK;
    err = gd_engine_reg_set(rsp_engine(s), s->general, num, bytes);
    *changed = err == GD_OK;
    return err;
}

/* One register may be refused (read-only, unavailable) after others were written: those get
 * their old values back, which are kept in the reply's room, each after its number. */
int gd_rsp_G(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint8_t old[GD_REG_BYTES];
    struct gd_why why;
    bool changed;
    int err = check_all(s, *c);

    if (err < 0)
        return err;
    for (unsigned num = 0; num < rsp_arch(s)->g_count && !gd_cur_end(c) && err == GD_OK; num++) {
        unsigned n = size_of(s, num);

        err = n ? set_one(s, num, n, c, old, &changed) : GD_OK;
        if (n && changed) {
            gd_put_byte(o, (uint8_t)num);
            gd_put_bytes(o, old, n);
        }
    }
    if (err == GD_OK) {
        gd_rsp_begin(s, o);
        gd_put_str(o, "OK");
        return GD_OK;
    }
    why = rsp_engine(s)->why;
    for (size_t at = 0; at < o->len; at += 1 + size_of(s, o->buf[at]))
        (void)gd_engine_reg_set(rsp_engine(s), s->general, o->buf[at], o->buf + at + 1);
    rsp_engine(s)->why = why;
    return err;
}
