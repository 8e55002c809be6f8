/* SPDX-License-Identifier: MIT */
/*
 * The cursor of parse.h: numbers with overflow check, lists, thread ids in every form that the
 * GDB manual ("thread-id syntax") and LLDB's habits know.
 */
#include "rsp/parse.h"

#include <guestdbg/error.h>

#define PROCESS 1 /* the VM is one process to the client */

int gd_hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool gd_cur_char(struct gd_cur *c, char ch)
{
    if (c->p == c->end || *c->p != (uint8_t)ch)
        return false;
    c->p++;
    return true;
}

bool gd_cur_word(struct gd_cur *c, const char *word)
{
    uint8_t *p = c->p;

    for (; *word; word++, p++)
        if (p == c->end || *p != (uint8_t)*word)
            return false;
    c->p = p;
    return true;
}

bool gd_cur_is(const struct gd_cur *c, const char *word)
{
    struct gd_cur rest = *c;

    return gd_cur_word(&rest, word) && gd_cur_end(&rest);
}

bool gd_cur_split(struct gd_cur *c, char sep, struct gd_cur *part)
{
    if (gd_cur_end(c))
        return false;
    part->p = c->p;
    while (c->p != c->end && *c->p != (uint8_t)sep)
        c->p++;
    part->end = c->p;
    if (c->p != c->end)
        c->p++;
    return true;
}

int gd_cur_hex(struct gd_cur *c, uint64_t *value)
{
    uint8_t *p = c->p;
    uint64_t v = 0;

    while (p != c->end && gd_hex_digit(*p) >= 0) {
        if (v >> 60)
            return GD_E_ARG;
        v = v << 4 | (unsigned)gd_hex_digit(*p++);
    }
    if (p == c->p)
        return GD_E_ARG;
    c->p = p;
    *value = v;
    return GD_OK;
}

int gd_cur_number(struct gd_cur *c, uint64_t *value)
{
    struct gd_cur rest = *c;
    uint64_t v = 0;

    if (gd_cur_word(&rest, "0x") || gd_cur_word(&rest, "0X")) {
        if (gd_cur_hex(&rest, &v) < 0 || !gd_cur_end(&rest))
            return GD_E_ARG;
    } else {
        if (gd_cur_end(&rest))
            return GD_E_ARG;
        for (; !gd_cur_end(&rest); rest.p++) {
            unsigned digit = (unsigned)(*rest.p - '0');

            if (digit > 9 || v > (UINT64_MAX - digit) / 10)
                return GD_E_ARG;
            v = v * 10 + digit;
        }
    }
    *c = rest;
    *value = v;
    return GD_OK;
}

int gd_cur_bytes(struct gd_cur *c, uint8_t *dst, size_t n)
{
    const uint8_t *p = c->p;

    if (n > gd_cur_left(c) / 2)
        return GD_E_ARG;
    for (size_t i = 0; i < 2 * n; i++)
        if (gd_hex_digit(p[i]) < 0)
            return GD_E_ARG;
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)(gd_hex_digit(p[2 * i]) << 4 | gd_hex_digit(p[2 * i + 1]));
    c->p += 2 * n;
    return GD_OK;
}

/* A number or -1, as either half of a thread id. */
static int half(struct gd_cur *c, int *out)
{
    uint64_t v;

    if (gd_cur_word(c, "-1")) {
        *out = GD_TID_ALL;
        return GD_OK;
    }
    if (gd_cur_hex(c, &v) < 0)
        return GD_E_ARG;
    if (v > INT32_MAX)
        return GD_E_NOTHREAD;
    *out = (int)v;
    return GD_OK;
}

int gd_cur_thread(struct gd_cur *c, int *tid)
{
    struct gd_cur rest = *c;
    int pid = PROCESS, t = GD_TID_ALL, err;

    if (gd_cur_char(&rest, 'p')) {
        err = half(&rest, &pid);
        if (err == GD_OK && gd_cur_char(&rest, '.'))
            err = half(&rest, &t);
    } else {
        err = half(&rest, &t);
    }
    if (err < 0)
        return err;
    if (pid != PROCESS && pid != GD_TID_ALL && pid != GD_TID_ANY)
        return GD_E_NOTHREAD;
    *c = rest;
    *tid = t;
    return GD_OK;
}
