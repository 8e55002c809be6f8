/* SPDX-License-Identifier: MIT */
/*
 * Z and z: breakpoints and watchpoints, by the numbers of the protocol. An answer of OK is true
 * (the engine has dry-run the plan); nothing reaches guest or hardware before the next resume.
 */
#include "rsp/state.h"

/* "addr,kind". Conditions and commands are not offered, so none may come. */
static int place(struct gd_session *s, struct gd_cur *c, uint64_t type, uint64_t *addr,
                 uint64_t *len)
{
    if (!gd_cur_char(c, ',') || gd_cur_hex(c, addr) < 0 || !gd_cur_char(c, ',') ||
        gd_cur_hex(c, len) < 0)
        return gd_rsp_malformed(s, "expected type,address,kind");
    if (!gd_cur_end(c))
        return gd_rsp_malformed(s, "conditions and commands are not evaluated here");
    if (type <= GD_HW && *len != rsp_arch(s)->insn_len)
        return gd_rsp_malformed(s, "kind is not the length of this machine's breakpoint");
    return GD_OK;
}

typedef int change(struct gd_engine *e, unsigned vcpu, enum gd_point_type type, uint64_t addr,
                   uint64_t len);

static int apply(struct gd_session *s, struct gd_cur *c, struct gd_out *o, change *fn)
{
    uint64_t type, addr, len;
    int err;

    if (gd_cur_hex(c, &type) < 0)
        return gd_rsp_malformed(s, "expected type,address,kind");
    if (type > GD_ACCESS)
        return GD_OK; /* empty: no such type */
    err = place(s, c, type, &addr, &len);
    if (err < 0)
        return err;
    err = fn(rsp_engine(s), s->general, (enum gd_point_type)type, addr, len);
    if (err == GD_OK)
        gd_put_str(o, "OK");
    return err;
}

int gd_rsp_Z(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return apply(s, c, o, gd_engine_insert);
}

int gd_rsp_z(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return apply(s, c, o, gd_engine_remove);
}
