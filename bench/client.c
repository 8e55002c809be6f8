/* SPDX-License-Identifier: MIT */
/*
 * The benchmark client on arm64: holds one connection to each stub and one bare KVM loop, all with the same guest,
 * and measures them in turn, round after round. Each sample is a line on stdout:
 * "sample MEASURE SUBJECT VALUE". Which machine runs it, and the medians, are for bench/run.
 *
 * client ROUNDS NAME=VALUE...; values are symbols of the guest (hexadecimal) and
 *   measures=NAME[,NAME]...  of the table below
 *   elf=PATH       the guest, for the bare loop
 *   one=PATH       socket of guestdbg with one vCPU;   four=PATH   with four vCPUs
 *   qemu=PATH      socket of QEMU's stub, one vCPU;    qemu4=PATH  with four vCPUs
 *   stats=FOLDER   KVM's counters of the VM behind one=
 */
#include "bench.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATA        0x42000000ull /* what guest.c fills */
#define FIELD_WORDS 10000u

/* ---- steps ---- */

/* The bare loop with the least that a range step must know after each instruction: where it led. */
static void step_and_look(struct kvmloop *k, unsigned n)
{
    double start;

    kvmloop_set(k, PC, at("work"));
    kvmloop_set(k, ARGUMENT, 1u << 20);
    start = seconds();
    for (unsigned i = 0; i < n; i++) {
        kvmloop_step(k, 1);
        kvmloop_get(k, PC);
    }
    sample("range", "bare-with-pc", n / (seconds() - start));
}

/* ---- memory ---- */

static size_t count(const char *p, const char *end, char what)
{
    size_t n = 0;

    while ((p = memchr(p, what, (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

/* Bytes that a reply carries once escapes and repetitions are undone. They are not looked at one by one:
 * the client's own time would be most of what is measured. What is escaped is never a '*' or '}' on the wire. */
static size_t decoded(const char *p, size_t n)
{
    const char *end = p + n, *star;
    size_t bytes = n;

    while ((star = memchr(p, '*', (size_t)(end - p))) != NULL) {
        bytes -= count(p, star, '}');
        bytes += (size_t)((unsigned char)star[1] - 29 - 2);
        p = star + 2;
    }
    return bytes - count(p, end, '}');
}

static void read_stub(struct stub *s, char kind, size_t total)
{
    size_t piece = kind == 'm' ? s->packet_size / 2 : s->packet_size - 8, got = 0;
    char measure[] = "read-m";
    double start = seconds();

    while (got < total) {
        const char *reply;
        size_t n, bytes;

        stub_send(s, "%c%llx,%zx", kind, (unsigned long long)(DATA + got), piece);
        reply = stub_reply(s, &n);
        bytes = decoded(reply, n);
        bytes = kind == 'm' ? bytes / 2 : bytes - 1;
        if (bytes < 512)
            die("%s: %.40s is no memory", s->name, reply);
        got += bytes;
    }
    measure[5] = kind;
    sample(measure, s->name, (double)got / (seconds() - start) / 1e6);
}

#define PIECE 16384u
static char source[1 << 21], sink[PIECE];

/* The other end of the pair: each byte asks for the next piece. */
static void *answer(void *arg)
{
    int fd = *(int *)arg;
    char piece[PIECE], request;
    size_t done = 0;

    while (read(fd, &request, 1) == 1) {
        memcpy(piece, source + done % (sizeof(source) - PIECE), PIECE);
        done += PIECE;
        if (write(fd, piece, PIECE) != PIECE)
            break;
    }
    return NULL;
}

static void read_pair(size_t total)
{
    int pair[2];
    pthread_t thread;
    double start;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        pthread_create(&thread, NULL, answer, &pair[1]) != 0)
        die("no socket pair");
    start = seconds();
    for (size_t got = 0; got < total; got += PIECE) {
        size_t n = 0;

        if (write(pair[0], "?", 1) != 1)
            die("the socket pair broke");
        while (n < PIECE) {
            ssize_t r = read(pair[0], sink + n, PIECE - n);

            if (r <= 0)
                die("the socket pair broke");
            n += (size_t)r;
        }
    }
    sample("read-pair", "memcpy", (double)total / (seconds() - start) / 1e6);
    close(pair[0]);
    pthread_join(thread, NULL);
    close(pair[1]);
}

/* ---- exits of a guest that nobody stops ---- */

/* Exits for each 1000 hypercalls of the guest, which does nothing else but compute. The host's own
 * interrupts are in it, so the time is given too. */
static void count_exits(const char *subject, unsigned hypercalls)
{
    double hvc, exits = counter("exits"), first = counter("hvc_exit_stat"), start = seconds();

    do {
        pause_ms(20);
        hvc = counter("hvc_exit_stat") - first;
    } while (hvc < hypercalls);
    exits = counter("exits") - exits;
    sample("exits-per-1000", subject, exits * 1000 / hvc);
    sample("exits-beside-per-second", subject, (exits - hvc) / (seconds() - start));
}

static void idle(struct stub *s, unsigned hypercalls)
{
    stub_set_reg(s, PC, at("rounds"));
    stub_send(s, "D;1");
    stub_ok(s);
    stub_close(s);
    count_exits("detached", hypercalls);
    stub_open(s, "guestdbg", text("one"));
    for (unsigned i = 0; i < 4; i++)
        insert(s, 1, at("field") + 4 * i);
    resume(s);
    count_exits("4-breakpoints", hypercalls);
    stop(s);
    for (unsigned i = 0; i < 4; i++)
        withdraw(s, 1, at("field") + 4 * i);
}

/* ---- stopping ---- */

static void stop_all(struct stub *s, const char *measure, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        double start;

        resume(s);
        pause_ms(3 + i % 5);
        start = seconds();
        stop(s);
        sample(measure, s->name, (seconds() - start) * 1e3);
    }
}

/* A software breakpoint on a loop, hit n times; the others are inserted and never reached. */
static void strike(struct stub *s, const char *measure, unsigned n)
{
    double start;

    stub_set_reg(s, PC, at("strikes"));
    insert(s, 0, at("hit"));
    resume(s);
    stub_stop(s);
    start = seconds();
    for (unsigned i = 0; i < n; i++) {
        resume(s);
        stub_stop(s);
    }
    sample(measure, s->name, (seconds() - start) * 1e3 / n);
    withdraw(s, 0, at("hit"));
}

static void fill_field(struct stub *s, unsigned from, unsigned to, bool on)
{
    for (unsigned i = from; i < to; i++) {
        if (on)
            insert(s, 0, at("field") + 4 * i);
        else
            withdraw(s, 0, at("field") + 4 * i);
    }
}

static void many_breakpoints(struct stub *s, unsigned n)
{
    double start;

    fill_field(s, 0, 9, true);
    strike(s, "stop-10-breakpoints", n);
    start = seconds();
    fill_field(s, 9, FIELD_WORDS - 1, true);
    sample("insert-us", s->name, (seconds() - start) * 1e6 / (FIELD_WORDS - 10));
    strike(s, "stop-10000-breakpoints", n);
    fill_field(s, 0, FIELD_WORDS - 1, false);
}

/* ---- all of it ---- */

static struct stub ours, qemus, ours4, qemus4;

static void steps(struct kvmloop *k)
{
    step_stub(&ours, "guestdbg", 200);
    step_bare(k, "step", "bare", 1000);
    step_pair(k, "calls", 200);
    step_stub(&qemus, "qemu", 20);
    ask_stub(&ours, 200);
    ask_stub(&qemus, 100);
    ask_pair(200);
}

static void ranges(struct kvmloop *k)
{
    range_stub(&ours, "guestdbg", 300);
    step_bare(k, "range", "bare", 300 * INSNS_PER_ROUND);
    step_and_look(k, 300 * INSNS_PER_ROUND);
}

static void reads(struct kvmloop *k)
{
    (void)k;
    read_stub(&ours, 'm', 1 << 20);
    read_stub(&ours, 'x', 1 << 20);
    read_stub(&qemus, 'm', 1 << 17);
    read_pair(1 << 21);
}

static void exits(struct kvmloop *k)
{
    (void)k;
    idle(&ours, 1000);
}

static void stops(struct kvmloop *k)
{
    (void)k;
    stop_all(&ours4, "stop-4", 20);
    stop_all(&qemus4, "stop-4", 10);
}

static void breakpoints(struct kvmloop *k)
{
    (void)k;
    many_breakpoints(&ours, 50);
}

static const struct {
    const char *name;
    void (*call)(struct kvmloop *k);
} measures[] = {
    { "steps", steps }, { "ranges", ranges }, { "reads", reads },
    { "exits", exits }, { "stops", stops },   { "breakpoints", breakpoints },
};

int main(int argc, char **argv)
{
    struct kvmloop *k;

    if (argc < 3)
        die("ROUNDS NAME=VALUE...");
    set_arguments(argc - 2, argv + 2);
    k = kvmloop_open(text("elf"), at("ready"));
    begin(&ours, "guestdbg", "one");
    begin(&ours4, "guestdbg", "four");
    begin(&qemus, "qemu", "qemu");
    begin(&qemus4, "qemu", "qemu4");
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++)
        for (int n = atoi(argv[1]); n > 0 && strstr(text("measures"), measures[i].name); n--)
            measures[i].call(k);
    return 0;
}
