/* SPDX-License-Identifier: MIT */
/*
 * The table of packets: one row, one function. What is not in it is answered with an empty
 * packet, which is how the protocol says "not supported".
 */
#include "rsp/state.h"

static const struct gd_rsp_packet packets[] = {
    { "?", 0, gd_rsp_why },
    { "g", RSP_STOPPED_ONLY, gd_rsp_g },
    { "G", RSP_STOPPED_ONLY, gd_rsp_G },
    { "p", RSP_STOPPED_ONLY, gd_rsp_p },
    { "P", RSP_STOPPED_ONLY, gd_rsp_P },
    { "m", RSP_STOPPED_ONLY | RSP_PLAIN_ERROR, gd_rsp_m },
    { "M", RSP_STOPPED_ONLY, gd_rsp_M },
    { "x", RSP_STOPPED_ONLY | RSP_PLAIN_ERROR, gd_rsp_x },
    { "X", RSP_STOPPED_ONLY, gd_rsp_X },
    { "Z", RSP_STOPPED_ONLY, gd_rsp_Z },
    { "z", RSP_STOPPED_ONLY, gd_rsp_z },
    { "vCont?", 0, gd_rsp_vcont_list },
    { "vCont;", RSP_AFTER_STOP, gd_rsp_vcont },
    { "c", RSP_STOPPED_ONLY, gd_rsp_c },
    { "C", RSP_STOPPED_ONLY, gd_rsp_C },
    { "s", RSP_STOPPED_ONLY, gd_rsp_s },
    { "S", RSP_STOPPED_ONLY, gd_rsp_S },
    { "H", 0, gd_rsp_H },
    { "T", 0, gd_rsp_T },
    { "D", 0, gd_rsp_D },
    { "k", 0, gd_rsp_k },
    { "vKill", 0, gd_rsp_vkill },
    { "vCtrlC", 0, gd_rsp_vctrlc },
    { "qSupported", 0, gd_rsp_supported },
    { "QStartNoAckMode", 0, gd_rsp_noack },
    { "QEnableErrorStrings", 0, gd_rsp_errors },
    { "qC", 0, gd_rsp_current },
    { "qfThreadInfo", 0, gd_rsp_first },
    { "qsThreadInfo", 0, gd_rsp_next },
    { "qAttached", 0, gd_rsp_attached },
    { "qSymbol", 0, gd_rsp_symbol },
    { "qXfer:features:read:", 0, gd_rsp_features },
    { "qXfer:threads:read:", 0, gd_rsp_threads },
    { "qSearch:memory:", RSP_STOPPED_ONLY, gd_rsp_search },
    { "qCRC:", RSP_STOPPED_ONLY, gd_rsp_crc },
    { "qRcmd,", RSP_AFTER_STOP | RSP_PLAIN_ERROR, gd_rsp_monitor },
};

/* Is c a packet of this row? Named packets end with their name or a separator; those of one
 * letter go right on with their arguments. */
static bool matches(const struct gd_rsp_packet *row, struct gd_cur *c)
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

static const struct gd_rsp_packet *find(struct gd_cur *c)
{
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
        if (matches(&packets[i], c))
            return &packets[i];
    return NULL;
}

static int handle(struct gd_session *s, const struct gd_rsp_packet *row, struct gd_cur *c,
                  struct gd_out *o)
{
    if ((row->flags & RSP_STOPPED_ONLY) && s->run != RSP_STOPPED)
        return gd_why(&rsp_engine(s)->why, GD_E_RUNNING, NULL);
    if ((row->flags & RSP_STOPPED_ONLY) && s->stop.reason == GD_STOP_EXITED)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the virtual machine has ended");
    return row->handler(s, c, o);
}

void gd_rsp_packet(struct gd_session *s, uint8_t *payload, size_t n)
{
    struct gd_cur c = { payload, payload + n };
    const struct gd_rsp_packet *row = find(&c);
    struct gd_out o;
    int result;

    gd_rsp_begin(s, &o);
    if (!row) { /* an empty reply: not known here */
        gd_rsp_send(s, &o);
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

        gd_rsp_begin(s, &o);
        gd_rsp_put_error(s, &o, row->flags,
                         cut ? gd_why(&rsp_engine(s)->why, GD_E_ARG, "reply over PacketSize")
                             : result);
    }
    gd_rsp_send(s, &o);
}
