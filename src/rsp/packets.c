/* SPDX-License-Identifier: MIT */
/*
 * The table of packets: one row, one function. What is not in it is answered with an empty
 * packet, which is how the protocol says "not supported".
 */
#include "rsp/state.h"

static const struct rsp_packet packets[] = {
    { "?", 0, rsp_why },
    { "g", RSP_STOPPED_ONLY, rsp_g },
    { "G", RSP_STOPPED_ONLY, rsp_G },
    { "p", RSP_STOPPED_ONLY, rsp_p },
    { "P", RSP_STOPPED_ONLY, rsp_P },
    { "m", RSP_STOPPED_ONLY | RSP_PLAIN_ERROR, rsp_m },
    { "M", RSP_STOPPED_ONLY, rsp_M },
    { "x", RSP_STOPPED_ONLY | RSP_PLAIN_ERROR, rsp_x },
    { "X", RSP_STOPPED_ONLY, rsp_X },
    { "Z", RSP_STOPPED_ONLY, rsp_Z },
    { "z", RSP_STOPPED_ONLY, rsp_z },
    { "vCont?", 0, rsp_vcont_list },
    { "vCont;", RSP_AFTER_STOP, rsp_vcont },
    { "c", RSP_STOPPED_ONLY, rsp_c },
    { "C", RSP_STOPPED_ONLY, rsp_C },
    { "s", RSP_STOPPED_ONLY, rsp_s },
    { "S", RSP_STOPPED_ONLY, rsp_S },
    { "H", 0, rsp_H },
    { "T", 0, rsp_T },
    { "D", 0, rsp_D },
    { "k", 0, rsp_k },
    { "vKill", 0, rsp_vkill },
    { "vCtrlC", 0, rsp_vctrlc },
    { "qSupported", 0, rsp_supported },
    { "QStartNoAckMode", 0, rsp_noack },
    { "QEnableErrorStrings", 0, rsp_errors },
    { "qC", 0, rsp_current },
    { "qfThreadInfo", 0, rsp_first },
    { "qsThreadInfo", 0, rsp_next },
    { "qAttached", 0, rsp_attached },
    { "qSymbol", 0, rsp_symbol },
    { "qXfer:features:read:", 0, rsp_features },
    { "qXfer:threads:read:", 0, rsp_threads },
    { "qSearch:memory:", RSP_STOPPED_ONLY, rsp_search },
    { "qCRC:", RSP_STOPPED_ONLY, rsp_crc },
    { "qRcmd,", RSP_AFTER_STOP | RSP_PLAIN_ERROR, rsp_monitor },
};

/* Is c a packet of this row? Named packets end with their name or a separator; those of one
 * letter go right on with their arguments. */
static bool matches(const struct rsp_packet *row, struct gd_cur *c)
{
    struct gd_cur rest = *c;
    uint8_t last;

    if (!gd_cur_word(&rest, row->prefix))
        return false;
    last = rest.p[-1];
    if (rest.p - c->p > 1 && ((last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z')) &&
        !gd_cur_end(&rest) && *rest.p != ':' && *rest.p != ';' && *rest.p != ',')
        return false;
    *c = rest;
    return true;
}

static const struct rsp_packet *find(struct gd_cur *c)
{
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
        if (matches(&packets[i], c))
            return &packets[i];
    return NULL;
}

static int handle(struct gd_session *s, const struct rsp_packet *row, struct gd_cur *c,
                  struct gd_out *o)
{
    if ((row->flags & RSP_STOPPED_ONLY) && s->run != RSP_STOPPED)
        return gd_why(&rsp_engine(s)->why, GD_E_RUNNING, NULL);
    if ((row->flags & RSP_STOPPED_ONLY) && s->stop.reason == GD_STOP_EXITED)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the virtual machine has ended");
    return row->handler(s, c, o);
}

void rsp_packet(struct gd_session *s, uint8_t *payload, size_t n)
{
    struct gd_cur c = { payload, payload + n };
    const struct rsp_packet *row = find(&c);
    struct gd_out o;
    int result;

    rsp_begin(s, &o);
    if (!row) { /* an empty reply: not known here */
        rsp_send(s, &o);
        return;
    }
    if (s->run == RSP_ATTACHING && row->flags & (RSP_STOPPED_ONLY | RSP_AFTER_STOP)) {
        s->held = true;
        return;
    }
    result = handle(s, row, &c, &o);
    if (result == RSP_LATER)
        return;
    if (result < 0 || o.cut) {
        bool cut = result == GD_OK;

        rsp_begin(s, &o);
        rsp_put_error(s, &o, row->flags,
                      cut ? gd_why(&rsp_engine(s)->why, GD_E_ARG, "reply over PacketSize")
                          : result);
    }
    rsp_send(s, &o);
}
