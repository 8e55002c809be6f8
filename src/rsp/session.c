/* SPDX-License-Identifier: MIT */
/*
 * The life of a session: bytes in, one reply at a time out, and who owes whom a stop reply.
 * Borrowed from the guest: nothing here; the engine gives everything back in gd_engine_detach(),
 * which every end of a session goes through.
 *
 * tx holds "+", then at most one packet. The payload in the making lies at the end of tx and is
 * framed towards its start; input waits until tx is sent.
 */
#include "rsp/session.h"

#include <string.h>

#include "rsp/state.h"

#define TX_EXTRA (GD_FRAME_EXTRA + 1) /* and the acknowledgement before the packet */

static void pump(struct gd_session *s);

/* ---- replies ---- */

/* An acknowledgement, or its opposite. It may lie over the last packet, which the client has
 * got if it sends another. */
static void put_raw(struct gd_session *s, uint8_t byte)
{
    s->last_len = 0;
    if (s->tx_len < s->cfg.tx_size)
        s->cfg.tx[s->tx_len++] = byte;
}

void gd_rsp_begin(struct gd_session *s, struct gd_out *o)
{
    gd_out_init(o, s->cfg.tx + (s->cfg.tx_size - s->packet_max), s->packet_max);
}

void gd_rsp_send(struct gd_session *s, const struct gd_out *o)
{
    s->last_at = s->tx_len;
    s->last_len = gd_frame_encode(s->cfg.tx + s->tx_len, s->cfg.tx_size - s->tx_len, o->buf,
                                  o->len);
    s->tx_len += s->last_len;
}

static void send_again(struct gd_session *s)
{
    if (s->noack || s->last_len == 0)
        return;
    memmove(s->cfg.tx, s->cfg.tx + s->last_at, s->last_len);
    s->last_at = 0;
    s->tx_len = s->last_len;
}

/* Text that stands in a packet as it is: what framing would have to escape becomes '?'. */
static void put_plain(struct gd_out *o, const struct gd_out *text)
{
    for (size_t i = 0; i < text->len; i++) {
        uint8_t c = text->buf[i];

        gd_put_byte(o,
                    c < ' ' || c > '~' || c == '#' || c == '$' || c == '}' || c == '*' ? '?' : c);
    }
}

void gd_rsp_put_error(struct gd_session *s, struct gd_out *o, unsigned flags, int error)
{
    struct gd_why *why = &rsp_engine(s)->why;
    uint8_t buf[256];
    struct gd_out text;

    if (why->error != error)
        gd_why(why, error, NULL);
    gd_out_init(&text, buf, sizeof(buf));
    gd_why_print(why, &text);
    if (s->client.lldb || ((flags & RSP_PLAIN_ERROR) && !s->client.error_message)) {
        gd_put_byte(o, 'E');
        gd_put_hex_pad(o, (unsigned)-error, 2);
        if (s->client.error_strings) {
            gd_put_byte(o, ';');
            gd_put_hex_bytes(o, text.buf, text.len);
        }
    } else {
        gd_put_str(o, "E.");
        put_plain(o, &text);
    }
}

int gd_rsp_malformed(struct gd_session *s, const char *detail)
{
    return gd_why(&rsp_engine(s)->why, GD_E_ARG, detail);
}

static void send_error(struct gd_session *s, int error)
{
    struct gd_out o;

    gd_rsp_begin(s, &o);
    gd_rsp_put_error(s, &o, 0, error);
    gd_rsp_send(s, &o);
}

static void send_ok(struct gd_session *s)
{
    struct gd_out o;

    gd_rsp_begin(s, &o);
    gd_put_str(&o, "OK");
    gd_rsp_send(s, &o);
}

/* ---- stops ---- */

/* "guestdbg: vCPU 1: ", the sentence, and a new line. */
static void put_trouble(struct gd_session *s, struct gd_out *o, unsigned vcpu)
{
    gd_put_fmt(o, "guestdbg: vCPU %u: ", vcpu);
    gd_why_print(&rsp_engine(s)->why, o);
    gd_put_byte(o, '\n');
}

static void collect_trouble(struct gd_session *s, struct gd_out *o)
{
    struct gd_engine *e = rsp_engine(s);

    for (unsigned i = 0; s->stop.reason != GD_STOP_EXITED && i < e->cfg.nvcpus; i++) {
        if (atomic_load(&e->cfg.vcpus[i].state) != GD_LOST)
            continue;
        gd_why(&e->why, GD_E_LOST, NULL);
        put_trouble(s, o, i);
    }
    if (s->stop.after)
        gd_put_fmt(o,
                   "guestdbg: vCPU %u: the breakpoint register of 0x%lx stops behind its "
                   "instruction\n",
                   s->stop.vcpu, s->stop.addr);
    if (s->stop.reason != GD_STOP_ERROR || s->stop.vcpu >= e->cfg.nvcpus)
        return;
    if (e->cfg.vcpus[s->stop.vcpu].why.error == s->stop.error)
        e->why = e->cfg.vcpus[s->stop.vcpu].why;
    else
        gd_why(&e->why, s->stop.error, NULL);
    put_trouble(s, o, s->stop.vcpu);
}

/* Why a vCPU could not go on, or did not stop, is text that a stop reply cannot carry: it goes
 * before it, as console output. true if that was sent. */
static bool tell_trouble(struct gd_session *s)
{
    uint8_t buf[512];
    struct gd_out o, text;

    gd_rsp_begin(s, &o);
    gd_out_init(&text, buf, sizeof(buf));
    if (o.cap && (o.cap - 1) / 2 < text.cap) /* 'O', two digits a byte */
        text.cap = (o.cap - 1) / 2;
    collect_trouble(s, &text);
    if (text.len == 0)
        return false;
    if (text.cut)
        text.buf[text.len - 1] = '\n';
    gd_put_byte(&o, 'O');
    gd_put_hex_bytes(&o, text.buf, text.len);
    gd_rsp_send(s, &o);
    return true;
}

static void tell_stop(struct gd_session *s)
{
    struct gd_out o;

    s->hold_stop = false;
    s->owe_stop = false;
    gd_rsp_begin(s, &o);
    gd_rsp_put_stop(s, &o, &s->stop);
    gd_rsp_send(s, &o);
}

/* All vCPUs are parked, or the VM ended, and *stop is why. */
static void stopped(struct gd_session *s, const struct gd_stop *stop)
{
    bool attaching = s->run == RSP_ATTACHING;

    s->stop = *stop;
    if (stop->reason == GD_STOP_HALTED) /* asked for by us when the client came */
        s->stop.reason = GD_STOP_NONE;
    else if (stop->reason == GD_STOP_INTERRUPT && s->halt)
        s->stop.reason = GD_STOP_HALTED;
    /* What the client chose before it asked `?` stays. */
    if (stop->vcpu < rsp_engine(s)->cfg.nvcpus &&
        (!attaching || s->owe_stop || !gd_engine_has(rsp_engine(s), s->general)))
        s->general = stop->vcpu;
    s->run = RSP_STOPPED;
    s->breaks &= stop->reason != GD_STOP_INTERRUPT;
    s->halt = false;
    if (!s->owe_stop)
        return;
    /* The reply follows when that is sent. GDB 13 takes text for the answer to its first `?`, and hangs. */
    s->hold_stop = !attaching && tell_trouble(s);
    if (!s->hold_stop)
        tell_stop(s);
}

static void look_for_stop(struct gd_session *s)
{
    struct gd_engine *e = rsp_engine(s);
    uint32_t exited = atomic_load(&e->exited);
    struct gd_stop stop = { .reason = GD_STOP_EXITED, .addr = exited - 1 };

    if (s->fresh && gd_engine_stopped(e)) { /* what the last client left goes first */
        gd_engine_detach(e, false);
        gd_engine_attach(e);
        s->fresh = false;
    }
    if (gd_engine_take_stop(e, &stop) || exited)
        stopped(s, &stop);
}

/* ---- ends ---- */

void gd_rsp_detach(struct gd_session *s, bool resume, bool answer, enum gd_session_want after)
{
    s->run = RSP_DETACHING;
    s->owe_stop = false;
    s->resume = resume;
    s->answer_detach = answer;
    s->after = after;
}

static void try_detach(struct gd_session *s)
{
    if (!gd_engine_detach(rsp_engine(s), s->resume) && !atomic_load(&rsp_engine(s)->exited))
        return;
    s->run = RSP_CLOSED;
    if (s->answer_detach)
        send_ok(s);
    s->want = s->after;
}

void gd_rsp_new_client(struct gd_session *s)
{
    if (s->noack)
        put_raw(s, '+'); /* it does not know yet that nobody acknowledges here */
    s->noack = false;
    s->client = (struct rsp_client){ 0 };
    s->general = 0;
    s->resume_tid = GD_TID_ALL;
    s->owe_stop = s->breaks = false;
    s->fresh = true;
    s->run = RSP_ATTACHING;
    gd_engine_attach(rsp_engine(s));
}

/* Whatever can go on once tx is empty. */
static void pump(struct gd_session *s)
{
    if (s->tx_len)
        return;
    if (s->console.command)
        gd_rsp_console_next(s);
    else if (s->hold_stop)
        tell_stop(s);
    else if (s->run == RSP_ATTACHING || s->run == RSP_RUNNING)
        look_for_stop(s);
    else if (s->run == RSP_DETACHING)
        try_detach(s);
    if (s->held && s->run != RSP_ATTACHING && !s->tx_len) {
        s->held = false;
        gd_rsp_packet(s, s->frame.buf, s->frame.len);
    }
}

/* ---- bytes ---- */

void gd_rsp_interrupt(struct gd_session *s)
{
    /* GDB manual, Interrupts: one that comes while the guest stands interrupts the next resume. GDB stops and
     * resumes by itself, at a breakpoint whose condition is false, say, and would lose its user's ^C. LLDB takes
     * the stop that its ^C crossed for the answer. */
    s->breaks = !s->client.lldb && (s->run == RSP_RUNNING || s->run == RSP_STOPPED);
    if (s->run != RSP_RUNNING)
        return;
    gd_engine_interrupt(rsp_engine(s), s->general);
}

static void packet(struct gd_session *s)
{
    if (!s->noack)
        put_raw(s, '+');
    if (s->run == RSP_DETACHING || s->run == RSP_CLOSED)
        return;
    gd_rsp_packet(s, s->frame.buf, s->frame.len);
}

static void dropped(struct gd_session *s, const char *why)
{
    if (!s->noack)
        put_raw(s, '-');
    else if (s->run != RSP_DETACHING && s->run != RSP_CLOSED)
        send_error(s, gd_rsp_malformed(s, why)); /* else the client would wait for ever */
}

static void digest(struct gd_session *s, enum gd_frame_event event)
{
    switch (event) {
    case GD_FRAME_PACKET:
        s->heard = true;
        packet(s);
        break;
    case GD_FRAME_BAD:
        dropped(s, "wrong packet checksum");
        break;
    case GD_FRAME_LONG:
        dropped(s, "packet longer than PacketSize");
        break;
    case GD_FRAME_BREAK:
        gd_rsp_interrupt(s);
        break;
    case GD_FRAME_NACK:
        send_again(s);
        break;
    case GD_FRAME_ACK:
    case GD_FRAME_MORE:
        break;
    }
}

/* ---- the calls of session.h ---- */

/* Did the guest wait for a client, or was it stopped by the last one? */
static bool stands(const struct gd_engine *e)
{
    bool all = true;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        all &= atomic_load(&e->cfg.vcpus[i].state) == GD_PARKED || gd_vcpu_wanted(e, i);
    return all;
}

void gd_session_open(struct gd_session *s, const struct gd_session_config *cfg)
{
    size_t tx_max;

    memset(s, 0, sizeof(*s));
    s->cfg = *cfg;
    tx_max = cfg->tx_size < TX_EXTRA ? 0 : (cfg->tx_size - TX_EXTRA) / 2;
    s->packet_max = cfg->rx_size < GD_FRAME_EXTRA ? 0 : cfg->rx_size - GD_FRAME_EXTRA;
    if (s->packet_max > tx_max)
        s->packet_max = tx_max;
    gd_frame_init(&s->frame, cfg->rx, s->packet_max);
    s->big_endian = rsp_arch(s)->big_endian;
    s->resume_tid = GD_TID_ALL;
    s->run = RSP_ATTACHING;
    s->found_stopped = stands(cfg->engine);
    gd_engine_attach(cfg->engine);
}

size_t gd_session_input(struct gd_session *s, const uint8_t *bytes, size_t n)
{
    enum gd_frame_event event;
    size_t used = 0;

    while (used < n && s->tx_len == 0 && !s->console.command && !s->held) {
        used += gd_frame_feed(&s->frame, bytes + used, n - used, &event);
        digest(s, event);
        pump(s);
    }
    return used;
}

void gd_session_event(struct gd_session *s)
{
    pump(s);
}

const uint8_t *gd_session_output(const struct gd_session *s, size_t *n)
{
    *n = s->tx_len - s->tx_sent;
    return *n ? s->cfg.tx + s->tx_sent : NULL;
}

void gd_session_sent(struct gd_session *s, size_t n)
{
    size_t left = s->tx_len - s->tx_sent;

    s->tx_sent += n < left ? n : left;
    if (s->tx_sent < s->tx_len || s->tx_len == 0)
        return;
    s->tx_len = 0;
    s->tx_sent = 0;
    pump(s);
}

enum gd_session_want gd_session_want(const struct gd_session *s)
{
    return s->want;
}

bool gd_session_waiting(const struct gd_session *s)
{
    const struct gd_engine *e = s->cfg.engine;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        if (atomic_load(&e->cfg.vcpus[i].state) == GD_FREE &&
            (atomic_load(&e->cfg.vcpus[i].request) & GD_REQ_STOP))
            return true;
    return false;
}

bool gd_session_hangup(struct gd_session *s)
{
    enum gd_on_disconnect policy = s->cfg.on_disconnect;

    s->tx_len = 0;
    s->tx_sent = 0;
    s->hold_stop = false;
    s->console.command = NULL;
    s->held = false;
    if (!s->heard) /* whoever that was, it was no debugger: all is as it was */
        policy = s->found_stopped ? GD_DISCONNECT_STOP : GD_DISCONNECT_RESUME;
    if (s->run != RSP_DETACHING && s->run != RSP_CLOSED)
        gd_rsp_detach(s, policy == GD_DISCONNECT_RESUME, false,
                      policy == GD_DISCONNECT_EXIT ? GD_WANT_EXIT : GD_WANT_CLOSE);
    s->answer_detach = false;
    pump(s);
    return s->run == RSP_CLOSED;
}
