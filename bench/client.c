/* SPDX-License-Identifier: MIT */
/*
 * The benchmark client: holds one connection to each stub and one bare KVM loop, all with the same guest,
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
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PC              32
#define INSNS_PER_ROUND 7
#define DATA            0x42000000ull /* what guest.c fills */
#define FIELD_WORDS     10000u

static int count_args;
static char **args;

void die(const char *format, ...)
{
    va_list ap;

    fflush(stdout);
    va_start(ap, format);
    fprintf(stderr, "client: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    exit(1);
}

double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ms(unsigned ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    nanosleep(&t, NULL);
}

static const char *text(const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; i < count_args; i++)
        if (strncmp(args[i], name, n) == 0 && args[i][n] == '=')
            return args[i] + n + 1;
    die("%s=... is missing", name);
}

static uint64_t at(const char *symbol)
{
    return strtoull(text(symbol), NULL, 16);
}

static void sample(const char *measure, const char *subject, double value)
{
    printf("sample %s %s %.6g\n", measure, subject, value);
    fflush(stdout);
}

/* ---- running a stub's guest ---- */

static void insert(struct stub *s, unsigned type, uint64_t address)
{
    stub_send(s, "Z%u,%llx,4", type, (unsigned long long)address);
    stub_ok(s);
}

static void delete (struct stub *s, unsigned type, uint64_t address)
{
    stub_send(s, "z%u,%llx,4", type, (unsigned long long)address);
    stub_ok(s);
}

static void resume(struct stub *s)
{
    stub_send(s, "vCont;c");
}

static void stop(struct stub *s)
{
    stub_break(s);
    stub_stop(s);
}

/* Connects, and lets the guest run until it is ready. */
static void begin(struct stub *s, const char *name, const char *socket)
{
    stub_open(s, name, text(socket));
    insert(s, 1, at("ready"));
    resume(s);
    stub_stop(s);
    delete (s, 1, at("ready"));
}

static void send_to_work(struct stub *s, uint64_t rounds)
{
    stub_set_reg(s, 0, rounds);
    stub_set_reg(s, 1, at("scratch"));
    stub_set_reg(s, PC, at("work"));
}

/* ---- steps ---- */

static void step_stub(struct stub *s, const char *measure, unsigned n)
{
    double start;

    send_to_work(s, 1u << 20);
    start = seconds();
    for (unsigned i = 0; i < n; i++) {
        stub_send(s, "vCont;s:p1.1;c:p1.-1");
        stub_stop(s);
    }
    sample(measure, s->name, n / (seconds() - start));
}

static void step_bare(struct kvmloop *k, const char *measure, unsigned n)
{
    double start;

    kvmloop_set(k, 0, 1u << 20);
    kvmloop_set(k, 1, at("scratch"));
    kvmloop_set(k, PC, at("work"));
    start = seconds();
    kvmloop_step(k, n);
    sample(measure, "bare", n / (seconds() - start));
    if (kvmloop_get(k, PC) != at("work") + n % INSNS_PER_ROUND * 4)
        die("the bare loop did not make %u steps", n);
}

/* The bare loop with the least that a range step must know after each instruction: where it led. */
static void step_and_look(struct kvmloop *k, unsigned n)
{
    double start;

    kvmloop_set(k, PC, at("work"));
    kvmloop_set(k, 0, 1u << 20);
    start = seconds();
    for (unsigned i = 0; i < n; i++) {
        kvmloop_step(k, 1);
        kvmloop_get(k, PC);
    }
    sample("range", "bare-with-pc", n / (seconds() - start));
}

/* One packet steps until the loop is left. */
static void range_stub(struct stub *s, unsigned rounds)
{
    double start;

    send_to_work(s, rounds);
    start = seconds();
    stub_send(s, "vCont;r%llx,%llx:p1.1;c:p1.-1", (unsigned long long)at("work"),
              (unsigned long long)at("work_end"));
    stub_stop(s);
    sample("range", s->name, rounds * INSNS_PER_ROUND / (seconds() - start));
}

/* ---- round trips ---- */

/* A packet whose answer needs nothing of the guest: what of a step is not the step. */
static void ask_stub(struct stub *s, unsigned n)
{
    double start = seconds();
    size_t length;

    for (unsigned i = 0; i < n; i++) {
        stub_send(s, "vCont?");
        stub_reply(s, &length);
    }
    sample("round-trip", s->name, n / (seconds() - start));
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

/* Empty pieces: what two threads and a socket pair cost. */
static void *echo(void *arg)
{
    int fd = *(int *)arg;
    char byte;

    while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
        ;
    return NULL;
}

static void ask_pair(unsigned n)
{
    int pair[2];
    pthread_t thread;
    double start;
    char byte = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        pthread_create(&thread, NULL, echo, &pair[1]) != 0)
        die("no socket pair");
    start = seconds();
    for (unsigned i = 0; i < n; i++)
        if (write(pair[0], &byte, 1) != 1 || read(pair[0], &byte, 1) != 1)
            die("the socket pair broke");
    sample("round-trip", "socket-pair", n / (seconds() - start));
    close(pair[0]);
    pthread_join(thread, NULL);
    close(pair[1]);
}

/* ---- exits of a guest that nobody stops ---- */

static double counter(const char *name)
{
    char path[512];
    unsigned long long value;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", text("stats"), name);
    f = fopen(path, "r");
    if (!f || fscanf(f, "%llu", &value) != 1)
        die("cannot read %s", path);
    fclose(f);
    return (double)value;
}

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
        delete (s, 1, at("field") + 4 * i);
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
    delete (s, 0, at("hit"));
}

static void fill_field(struct stub *s, unsigned from, unsigned to, bool on)
{
    for (unsigned i = from; i < to; i++) {
        if (on)
            insert(s, 0, at("field") + 4 * i);
        else
            delete (s, 0, at("field") + 4 * i);
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
    step_stub(&ours, "step", 200);
    step_bare(k, "step", 1000);
    step_stub(&qemus, "step", 20);
    ask_stub(&ours, 200);
    ask_stub(&qemus, 100);
    ask_pair(200);
}

static void ranges(struct kvmloop *k)
{
    range_stub(&ours, 300);
    step_bare(k, "range", 300 * INSNS_PER_ROUND);
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
    count_args = argc - 2;
    args = argv + 2;
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
