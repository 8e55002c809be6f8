/* SPDX-License-Identifier: MIT */
/* What the parts of the benchmark client share. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers by the numbers of the protocol; work()'s arguments are in ARGUMENT and the next one. */
#ifdef __powerpc64__
#define ARGUMENT 3
#define PC       64
#else
#define ARGUMENT 0
#define PC       32
#endif
#define INSNS_PER_ROUND 7 /* of work() */

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
double seconds(void); /* monotonic */

/* ---- arguments and samples (common.c) ---- */

void set_arguments(int count, char **values);
const char *text(const char *name); /* of NAME=VALUE; dies without it */
uint64_t at(const char *symbol);    /* the same, hexadecimal */
void sample(const char *measure, const char *subject, double value);
void pause_ms(unsigned ms);
double counter(const char *name);

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

/* ---- a stub's guest (common.c) ---- */

/* Connects to the socket that argument names, and lets the guest run until it is ready. */
void begin(struct stub *s, const char *name, const char *socket);
void insert(struct stub *s, unsigned type, uint64_t address);
void withdraw(struct stub *s, unsigned type, uint64_t address);
void resume(struct stub *s);
void stop(struct stub *s);
void send_to_work(struct stub *s, uint64_t rounds);
void step_stub(struct stub *s, const char *subject, unsigned n);
void range_stub(struct stub *s, const char *subject, unsigned rounds);
void ask_stub(struct stub *s, unsigned n);
void ask_pair(unsigned n);
struct kvmloop;
void step_pair(struct kvmloop *k, const char *subject, unsigned n);

/* ---- the same guest on a bare loop over KVM_RUN (kvmloop*.c) ---- */

struct kvm_run;
struct kvmloop {
    int kvm, vm, vcpu;
    struct kvm_run *run;
    uint8_t *ram;
    bool by_break;   /* POWER: steps by a word on the next instruction instead of MSR[SE] */
    bool with_fence; /* POWER: words on all vectors, planted and lifted for each step */
    uint32_t word;   /* POWER: what stood on the trace vector */
};

struct kvmloop *kvmloop_open(const char *elf, uint64_t ready);
void kvmloop_set(struct kvmloop *k, unsigned number, uint64_t value); /* general ones, PC */
uint64_t kvmloop_get(struct kvmloop *k, unsigned number);
void kvmloop_step(struct kvmloop *k, unsigned n);
/* The same one by one: one() between begin() and end(), and no other call meanwhile. */
void kvmloop_begin(struct kvmloop *k);
void kvmloop_one(struct kvmloop *k);
void kvmloop_end(struct kvmloop *k);
/* What a debugger that hides its own time from the guest saves at a stop and writes back. */
uint64_t kvmloop_clock(struct kvmloop *k);
void kvmloop_set_clock(struct kvmloop *k, uint64_t value);
void step_bare(struct kvmloop *k, const char *measure, const char *subject,
               unsigned n); /* common.c */

/* What the architectures' loops share (kvmloop.c). */
int kvmloop_call(int fd, unsigned long request, void *argument, const char *what);
struct kvmloop *kvmloop_make(unsigned long vm_type, uint64_t ram_at, size_t size); /* one vCPU */
uint64_t kvmloop_load(struct kvmloop *k, const char *path, uint64_t ram_at);       /* the entry */
uint64_t kvmloop_get_one(struct kvmloop *k, uint64_t id);
void kvmloop_set_one(struct kvmloop *k, uint64_t id, uint64_t value);

#endif
