/* SPDX-License-Identifier: MIT */
/*
 * Keeps the reason of the last failure and makes a sentence of it: what, where, at which
 * level, and a detail in brackets.
 */
#include "base/why.h"

#include <stddef.h>

#include "base/out.h"

int gd_why(struct gd_why *w, int error, const char *detail)
{
    if (w)
        *w = (struct gd_why){ .error = error, .level = GD_NO_LEVEL, .detail = detail };
    return error;
}

int gd_why_level(struct gd_why *w, int error, uint64_t addr, int level, const char *detail)
{
    if (w) {
        *w = (struct gd_why){
            .error = error, .addr = addr, .has_addr = 1, .level = GD_NO_LEVEL, .detail = detail
        };
        if (level > GD_NO_LEVEL && level <= 127)
            w->level = (int8_t)level;
    }
    return error;
}

int gd_why_at(struct gd_why *w, int error, uint64_t addr, const char *detail)
{
    return gd_why_level(w, error, addr, GD_NO_LEVEL, detail);
}

/* What joins the sentence and its address. */
static const char *joint(int error)
{
    switch (error) {
    case GD_E_NOTRAM:
    case GD_E_DEVICE:
    case GD_E_READONLY:
    case GD_E_HIDDEN:
    case GD_E_EMULATED:
    case GD_E_BADTABLE:
        return " at 0x";
    case GD_E_UNMAPPED:
    case GD_E_NOBREAK:
    case GD_E_NOWATCH:
    case GD_E_NOCONTEXT:
    case GD_E_ALIGN:
        return " for 0x";
    default:
        return ": 0x";
    }
}

void gd_why_print(const struct gd_why *w, struct gd_out *o)
{
    gd_put_str(o, gd_strerror(w->error));
    if (w->has_addr) {
        gd_put_str(o, joint(w->error));
        gd_put_hex(o, w->addr);
    }
    if (w->level != GD_NO_LEVEL && w->error != GD_OK)
        gd_put_fmt(o, " at level %d", w->level);
    if (w->detail)
        gd_put_fmt(o, " (%s)", w->detail);
}
