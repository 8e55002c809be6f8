/* SPDX-License-Identifier: MIT */
/*
 * One client of the GDB remote serial protocol: bytes in, events in, bytes out. It never
 * blocks, never calls back, and needs no more than the buffers handed in. All calls come from
 * the control thread.
 */
#ifndef GD_SESSION_H
#define GD_SESSION_H

#include "engine/engine.h"

enum gd_on_disconnect { GD_DISCONNECT_RESUME, GD_DISCONNECT_STOP, GD_DISCONNECT_EXIT };

struct gd_session_config {
    struct gd_engine *engine;
    uint8_t *rx; /* one packet as it arrived; rx_size = PacketSize + 4 */
    size_t rx_size;
    uint8_t *tx; /* one framed reply, tx_size >= 2 * PacketSize + 8 */
    size_t tx_size;
    enum gd_on_disconnect on_disconnect;
    bool line; /* a line without hang-up (UART): a new qSupported is a new client */
};

/* What the session wants of its owner beside sending bytes. */
enum gd_session_want {
    GD_WANT_NOTHING,
    GD_WANT_CLOSE, /* close the connection after the output is sent (D, k) */
    GD_WANT_EXIT,  /* end the VM (k or disconnect with the exit policy) */
};

struct gd_session; /* defined in rsp/state.h; sizeof through that header for static storage */

void gd_session_open(struct gd_session *s, const struct gd_session_config *cfg);
/* Takes bytes from the client; returns how many were consumed. Less than n means that output
 * must be sent first, or if there is none, that a packet waits for the guest to stop; offer the rest
 * again then. */
size_t gd_session_input(struct gd_session *s, const uint8_t *bytes, size_t n);
/* The engine may have news (a vCPU parked, the VM ended): call on every notify. */
void gd_session_event(struct gd_session *s);
/* Bytes to send, NULL if none; and that n of them were sent. */
const uint8_t *gd_session_output(const struct gd_session *s, size_t *n);
void gd_session_sent(struct gd_session *s, size_t n);
enum gd_session_want gd_session_want(const struct gd_session *s);
/* Does the session wait for vCPUs to stop? Then a deadline of the owner makes sense, after
 * which gd_engine_give_up() and gd_session_event() show the stop with the lost vCPU named. */
bool gd_session_waiting(const struct gd_session *s);
/* The connection is gone (or, after D, to be closed): detaches by policy. Returns true when
 * finished; while false call again on every notify. */
bool gd_session_hangup(struct gd_session *s);

#endif
