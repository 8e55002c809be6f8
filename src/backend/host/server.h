/* SPDX-License-Identifier: MIT */
/*
 * The server of a hosted back end: a thread that listens, carries bytes between one client and
 * the protocol session, and is the engine's control thread. Owns its sockets and nothing of the
 * guest's.
 *
 * A client that steps sends one packet for each instruction. Then the vCPU's own thread attends
 * to it while it is parked: two changes of thread less for each step. Whoever holds the server's
 * lock is the control thread; the server's thread looks after the vCPU meanwhile, and takes the
 * client back when that one does something else or is long in the guest.
 */
#ifndef GD_SERVER_H
#define GD_SERVER_H

#include "backend/host/gate.h"
#include "rsp/session.h"

struct gd_server;

struct gd_server_config {
    struct gd_engine *engine;
    enum gd_on_disconnect on_disconnect;
    /* The client wants the VM to end. On the server's thread. NULL: such a wish is dropped. */
    void (*exit_request)(void *ctx);
    void *ctx;
    unsigned patience_ms; /* for vCPUs that do not stop, 0 = 5000 */
};

#define GD_SERVER_REMOTE 1u /* addresses other than loopback are allowed */

/* GD_E_BACKEND (no memory, no descriptor). */
int gd_server_open(struct gd_server **s, const struct gd_server_config *cfg);
/* Opens the socket and starts the thread, once. where and line as gd_kvm_listen() has them.
 * GD_E_ARG: an address that is malformed or not allowed; GD_E_BACKEND: the system refused. */
int gd_server_listen(struct gd_server *s, const char *where, unsigned flags, char *line,
                     size_t len);
/* The engine may have news. Any thread, also before listen; never blocks. */
void gd_server_notify(struct gd_server *s);
/* A vCPU that has parked at the end of a step offers to attend to the client. True: it must come
 * with attend, and nobody needs to be notified. vCPU thread. */
bool gd_server_offer(struct gd_server *s, unsigned vcpu);
/* Serves the client until the vCPU is let go, or somebody else has to do it. vCPU thread, with
 * the vCPU parked or just let go. */
void gd_server_attend(struct gd_server *s, const struct gd_gate *gate, unsigned vcpu);
/* The vCPU that attends, if any, looks again whether it is parked, or its gate cancelled. Any
 * thread. */
void gd_server_poke(struct gd_server *s);
/* Sends what is still to be said, ends the thread and closes the sockets. The engine stays
 * attached if a client was. notify may still be called. */
void gd_server_stop(struct gd_server *s);
/* Stops and frees it. */
void gd_server_close(struct gd_server *s);

#endif
