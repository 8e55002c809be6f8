/* SPDX-License-Identifier: MIT */
/*
 * What the client asks about us: features, threads, documents. qSupported tells what this
 * target really does, and each one replaces what was agreed before.
 */
#include "rsp/state.h"

/* ---- qSupported ---- */

static void note_feature(struct rsp_client *client, const struct gd_cur *f)
{
    struct {
        const char *name;
        bool *flag;
    } const known[] = {
        { "multiprocess+", &client->multiprocess }, { "swbreak+", &client->swbreak },
        { "hwbreak+", &client->hwbreak },           { "error-message+", &client->error_message },
        { "QThreadOptions+", &client->pauth_v2 }, /* GDB 15, the first to tell itself from 13 */
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (gd_cur_is(f, known[i].name))
            *known[i].flag = true;
    if (gd_cur_is(f, "qRelocInsn+")) /* sent by every GDB and no LLDB */
        client->lldb = false;
}

int gd_rsp_supported(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    const struct gd_hw_caps *hw = &rsp_engine(s)->cfg.target->hw;
    struct gd_cur feature;
    bool error_strings;

    if (s->cfg.line && s->client.greeted)
        gd_rsp_new_client(s);
    error_strings = s->client.error_strings;
    s->client = (struct rsp_client){ .greeted = true, .error_strings = error_strings };
    s->client.lldb = gd_cur_char(c, ':');
    while (gd_cur_split(c, ';', &feature))
        note_feature(&s->client, &feature);
    gd_put_fmt(o, "PacketSize=%lx;QStartNoAckMode+;multiprocess+;vContSupported+",
               (uint64_t)s->packet_max);
    gd_put_str(o, ";qXfer:features:read+;qXfer:threads:read+;binary-upload+");
    if (hw->sw_break || hw->nbreak)
        gd_put_str(o, ";swbreak+;hwbreak+");
    if (s->client.error_message)
        gd_put_str(o, ";error-message+");
    return GD_OK;
}

int gd_rsp_noack(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    if (!gd_cur_end(c))
        return GD_OK;
    if (s->cfg.line && s->noack)
        gd_rsp_new_client(s);
    s->noack = true;
    gd_put_str(o, "OK");
    return GD_OK;
}

int gd_rsp_errors(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    if (!gd_cur_end(c))
        return GD_OK;
    s->client.lldb = true;
    s->client.error_strings = true;
    gd_put_str(o, "OK");
    return GD_OK;
}

/* ---- threads ---- */

int gd_rsp_current(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    if (!gd_cur_end(c))
        return GD_OK;
    gd_put_str(o, "QC");
    gd_rsp_put_thread(s, o, s->general);
    return GD_OK;
}

/* As many ids as fit, which for any real number of vCPUs is all of them. */
int gd_rsp_next(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    char sep = 'm';

    if (!gd_cur_end(c))
        return GD_OK;
    for (; s->list_next < rsp_engine(s)->cfg.nvcpus; s->list_next++) {
        if (o->cap - o->len <= sizeof(",p1.ffffffff"))
            break;
        if (!gd_engine_has(rsp_engine(s), s->list_next))
            continue;
        gd_put_byte(o, (uint8_t)sep);
        gd_rsp_put_thread(s, o, s->list_next);
        sep = ',';
    }
    if (o->len == 0)
        gd_put_byte(o, 'l');
    return GD_OK;
}

int gd_rsp_first(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    s->list_next = 0;
    return gd_rsp_next(s, c, o);
}

/* "We attached to it": a debugger that quits then detaches instead of killing. */
int gd_rsp_attached(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t pid = 1;

    if (gd_cur_char(c, ':') && (gd_cur_hex(c, &pid) < 0 || !gd_cur_end(c)))
        return gd_rsp_malformed(s, "not a process id");
    if (pid != 1)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the process is 1");
    gd_put_byte(o, '1');
    return GD_OK;
}

/* The client offers to look symbols up; none is needed. */
int gd_rsp_symbol(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    (void)s;
    (void)c;
    gd_put_str(o, "OK");
    return GD_OK;
}

/* ---- qXfer ---- */

typedef void document(struct gd_session *s, struct gd_out *o);

/* "annex:offset,length": that piece of the document, which is never held whole. */
static int serve(struct gd_session *s, struct gd_cur *c, struct gd_out *o, const char *annex,
                 document *write)
{
    struct gd_cur name;
    struct gd_out piece;
    uint64_t offset, length;
    size_t room = o->cap ? o->cap - 1 : 0, fit;

    if (!gd_cur_split(c, ':', &name) || gd_cur_hex(c, &offset) < 0 || !gd_cur_char(c, ',') ||
        gd_cur_hex(c, &length) < 0 || !gd_cur_end(c))
        return gd_rsp_malformed(s, "expected annex:offset,length");
    if (!gd_cur_is(&name, annex))
        return gd_rsp_malformed(s, "no such document");
    if (offset > SIZE_MAX || room == 0 || length == 0)
        return gd_rsp_malformed(s, "no such piece of the document");
    gd_out_window(&piece, o->buf + 1, length < room ? (size_t)length : room, (size_t)offset);
    write(s, &piece);
    if (piece.skip > 0) /* GDB manual, General Query Packets: qXfer, "the offset was invalid" */
        return gd_rsp_malformed(s, "offset past the end of the document");
    fit = gd_frame_fit(piece.buf, piece.len, room);
    gd_put_byte(o, piece.cut || fit < piece.len ? 'm' : 'l');
    o->len += fit;
    return GD_OK;
}

static void target_xml(struct gd_session *s, struct gd_out *o)
{
    rsp_arch(s)->tdesc(rsp_engine(s)->cfg.target, s->client.pauth_v2 ? GD_TD_PAUTH_V2 : 0, o);
}

int gd_rsp_features(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    s->client.described = true;
    return serve(s, c, o, "target.xml", target_xml);
}

static const char *state_of(const struct gd_engine *e, unsigned vcpu)
{
    switch (atomic_load(&e->cfg.vcpus[vcpu].state)) {
    case GD_PARKED:
        return e->cfg.be->state ? e->cfg.be->state(e->cfg.be_ctx, vcpu) : NULL;
    case GD_LOST:
        return "does not answer";
    default:
        return "running";
    }
}

static void threads_xml(struct gd_session *s, struct gd_out *o)
{
    const struct gd_engine *e = rsp_engine(s);
    const char *state;

    gd_put_str(o, "<?xml version=\"1.0\"?>\n<threads>\n");
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        if (!gd_engine_has(e, i))
            continue;
        gd_put_str(o, "<thread id=\"");
        gd_rsp_put_thread(s, o, i);
        gd_put_fmt(o, "\" core=\"%u\" name=\"vCPU %u\">", i, i);
        state = state_of(e, i);
        gd_put_str(o, state ? state : "");
        gd_put_str(o, "</thread>\n");
    }
    gd_put_str(o, "</threads>\n");
}

int gd_rsp_threads(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return serve(s, c, o, "", threads_xml);
}
