/* SPDX-License-Identifier: MIT */
/*
 * The other end of a session, for tests: frames what it sends, checks and undoes the framing
 * of what it gets, acknowledges. Keeps to no protocol by itself.
 */
#ifndef FAKE_CLIENT_H
#define FAKE_CLIENT_H

#include "fake.h"
#include "rsp/state.h"

#define CLIENT_PACKET 0x4000u /* largest PacketSize that a test can ask for */
#define CLIENT_QUEUE  (64u << 10)

struct client {
    struct fake *f;
    struct gd_session s;
    struct gd_session_config cfg;
    size_t piece; /* bytes handed over or taken at a time, 0 = all */
    bool stuck;   /* takes no output */
    size_t in_len, out_len, packet_len;
    unsigned nacks;    /* '-' received */
    unsigned packets;  /* received, of any kind */
    const char *fault; /* a framing rule that the session broke */
    uint8_t rx[CLIENT_PACKET + 4], tx[2 * CLIENT_PACKET + 8];
    uint8_t in[CLIENT_QUEUE];          /* to the session, not yet taken */
    uint8_t out[CLIENT_QUEUE];         /* from the session, not yet looked at */
    uint8_t packet[4 * CLIENT_PACKET]; /* the last one taken, decoded */
};

/* Connects to f's engine. packet_max: PacketSize. */
void client_open(struct client *c, struct fake *f, size_t packet_max, enum gd_on_disconnect policy,
                 bool line);
/* Bytes as they are; and as a packet, escaped and with its checksum. */
void client_bytes(struct client *c, const void *bytes, size_t n);
void client_send(struct client *c, const void *payload, size_t n);
void client_say(struct client *c, const char *text);
/* Hands bytes over both ways until nothing moves. */
void client_pump(struct client *c);
/* The next packet into c->packet; false if there is none. */
bool client_next(struct client *c);
/* Is there a packet, and is it this text? */
bool client_got(struct client *c, const char *text);

#endif
