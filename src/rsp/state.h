/* SPDX-License-Identifier: MIT */
/*
 * The state of one session, and what the files of src/rsp share. Only owners that need static
 * storage and src/rsp itself include this; others use session.h.
 */
#ifndef GD_RSP_STATE_H
#define GD_RSP_STATE_H

#include "rsp/frame.h"
#include "rsp/parse.h"
#include "rsp/session.h"

#define GD_SESSION_VCPUS 256 /* vCPUs that one session can resume */

enum rsp_run {
    RSP_ATTACHING, /* the guest was asked to stop when the client came, and has not yet */
    RSP_STOPPED,
    RSP_RUNNING,   /* resumed by the client; a stop reply is owed */
    RSP_DETACHING, /* waiting for vCPUs, so that nothing of ours stays in the guest */
    RSP_CLOSED,    /* detached; input is dropped */
};

/* What the client said that it understands (qSupported), and who it seems to be. */
struct rsp_client {
    bool greeted;   /* a qSupported came */
    bool lldb;      /* does not send qRelocInsn+, as every GDB does, or asks for LLDB's own */
    bool described; /* read the target description: knows what registers there are */
    bool multiprocess, swbreak, hwbreak, error_message, error_strings, pauth_v2;
};

struct rsp_command; /* one row of the monitor's table */

struct gd_session {
    struct gd_session_config cfg;
    size_t packet_max; /* PacketSize: bytes between '$' and '#', both ways */
    struct gd_frame frame;
    bool noack;
    struct rsp_client client;
    enum rsp_run run;
    bool owe_stop;              /* a stop reply is owed: after a resume, or to `?` */
    bool breaks;                /* a ^C that no stop was told for yet */
    bool halt;                  /* vCont;t asked the running guest to stop, not ^C */
    bool fresh;                 /* a new client on a line: the old one's points go once stopped */
    bool resume;                /* detaching: let the guest run */
    enum gd_session_want after; /* detaching: what is wanted when done */
    enum gd_session_want want;
    bool answer_detach;  /* detaching: OK is owed */
    bool heard;          /* a packet came */
    bool held;           /* the packet in the frame waits for the stop that a new client brings */
    bool found_stopped;  /* the guest stood when the client came */
    bool big_endian;     /* byte order of registers on the wire */
    unsigned general;    /* vCPU of g, m, Z, … (Hg) */
    int resume_tid;      /* thread of c and s (Hc), GD_TID_ALL or a thread number */
    unsigned list_next;  /* qsThreadInfo */
    struct gd_stop stop; /* the last one; for `?` */
    bool hold_stop;      /* the reply for it waits until tx is sent */
    size_t tx_len, tx_sent;
    size_t last_at, last_len; /* the last packet in tx, for a retransmission */
    /* A monitor command whose text takes more than one packet. */
    struct {
        const struct rsp_command *command;
        struct gd_cur args;
        size_t skip;
    } console;
    struct gd_action actions[GD_SESSION_VCPUS];
};

/* ---- packets ---- */

#define RSP_LATER 1 /* handler's result: no reply now */

#define RSP_STOPPED_ONLY 1u /* refused while the guest runs; a new client's waits for its stop */
#define RSP_AFTER_STOP   2u /* not refused, but a new client's waits as well */
#define RSP_PLAIN_ERROR  4u /* E.text only to clients that asked for it: old GDBs misread it */

/* Reads its arguments from c, writes the reply to o. 0: send o (empty = not supported).
 * RSP_LATER: send nothing. Negative enum gd_error: send an error, whose reason the engine's
 * why holds. */
typedef int rsp_handler(struct gd_session *s, struct gd_cur *c, struct gd_out *o);

struct gd_rsp_packet {
    const char *prefix;
    unsigned flags;
    rsp_handler *handler;
};

/* Finds the row of a packet and runs its handler, with the reply sent. */
void gd_rsp_packet(struct gd_session *s, uint8_t *payload, size_t n);

/* A ^C came. */
void gd_rsp_interrupt(struct gd_session *s);

rsp_handler gd_rsp_g, gd_rsp_G, gd_rsp_p, gd_rsp_P;                            /* regs.c */
rsp_handler gd_rsp_m, gd_rsp_M, gd_rsp_x, gd_rsp_X, gd_rsp_search, gd_rsp_crc; /* mem.c */
rsp_handler gd_rsp_why, gd_rsp_vcont, gd_rsp_vcont_list, gd_rsp_c, gd_rsp_C, gd_rsp_s, gd_rsp_S,
    gd_rsp_H, gd_rsp_T;
rsp_handler gd_rsp_vctrlc, gd_rsp_D, gd_rsp_k, gd_rsp_vkill; /* resume.c */
rsp_handler gd_rsp_Z, gd_rsp_z;                              /* points.c */
rsp_handler gd_rsp_supported, gd_rsp_noack, gd_rsp_errors, gd_rsp_current, gd_rsp_first,
    gd_rsp_next;
rsp_handler gd_rsp_attached, gd_rsp_symbol, gd_rsp_features, gd_rsp_threads; /* query.c */
rsp_handler gd_rsp_monitor;                                                  /* monitor.c */

/* ---- shared helpers ---- */

static inline struct gd_engine *rsp_engine(const struct gd_session *s)
{
    return s->cfg.engine;
}

static inline const struct gd_arch *rsp_arch(const struct gd_session *s)
{
    return s->cfg.engine->arch;
}

/* GD_E_ARG with a detail, for arguments that do not parse. */
int gd_rsp_malformed(struct gd_session *s, const char *detail);
/* An error reply into o, in the form that this client can read. */
void gd_rsp_put_error(struct gd_session *s, struct gd_out *o, unsigned flags, int error);
/* Room for the payload of one reply, packet_max bytes; *o is empty and ready there. */
void gd_rsp_begin(struct gd_session *s, struct gd_out *o);
void gd_rsp_send(struct gd_session *s, const struct gd_out *o);
/* Where n bytes (2n <= room left) can lie until gd_put_hex_bytes() overwrites them. */
uint8_t *gd_rsp_tail(const struct gd_out *o, size_t n);

/* "p1.2" or "2". */
void gd_rsp_put_thread(const struct gd_session *s, struct gd_out *o, unsigned vcpu);
/* A thread id that names an existing vCPU, GD_TID_ALL or GD_TID_ANY. Errors explained. */
int gd_rsp_thread(struct gd_session *s, struct gd_cur *c, int *tid);
/* n little-endian bytes of a register to or from the wire's order. */
void gd_rsp_order(const struct gd_session *s, uint8_t *bytes, unsigned n);
/* The T or W packet for stop. */
void gd_rsp_put_stop(struct gd_session *s, struct gd_out *o, const struct gd_stop *stop);
/* Begins to detach; reply: OK is sent once nothing of ours is left. */
void gd_rsp_detach(struct gd_session *s, bool resume, bool answer, enum gd_session_want after);
/* The same line, another client: forget what the last one agreed on and had inserted. */
void gd_rsp_new_client(struct gd_session *s);
/* The next part of a monitor command's text. */
void gd_rsp_console_next(struct gd_session *s);

#endif
