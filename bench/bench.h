/* SPDX-License-Identifier: MIT */
/* What the parts of the benchmark client share. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
double seconds(void); /* monotonic */

/* ---- a stub at the other end of a socket (rsp.c) ---- */

struct stub {
    const char *name;
    int fd;
    size_t packet_size, have, used;
    bool acks, owes_ack;
    char buf[1 << 18];
};

/* PATH of a Unix socket. Leaves the stub in no-ack mode, if it knows that, and stopped. */
void stub_open(struct stub *s, const char *name, const char *path);
void stub_close(struct stub *s);
void stub_send(struct stub *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void stub_break(struct stub *s); /* ^C */
/* The next packet's payload, still escaped, and its length. */
const char *stub_reply(struct stub *s, size_t *length);
void stub_ok(struct stub *s);   /* the reply must be OK */
void stub_stop(struct stub *s); /* the reply must be a stop by SIGTRAP or SIGINT */
void stub_set_reg(struct stub *s, unsigned number, uint64_t value);

/* ---- the same guest on a bare loop over KVM_RUN (kvmloop.c) ---- */

struct kvmloop;
struct kvmloop *kvmloop_open(const char *elf, uint64_t ready);
void kvmloop_set(struct kvmloop *k, unsigned number, uint64_t value); /* X0 to X30, 32 = PC */
uint64_t kvmloop_get(struct kvmloop *k, unsigned number);
void kvmloop_step(struct kvmloop *k, unsigned n);

#endif
