/* SPDX-License-Identifier: MIT */
/*
 * What the benchmark clients of all architectures do in the same way: their arguments, samples, and a
 * stub's guest brought to where it is measured.
 */
#include "bench.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int count_args;
static char **args;

void set_arguments(int count, char **values)
{
    count_args = count;
    args = values;
}

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

void pause_ms(unsigned ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    nanosleep(&t, NULL);
}

const char *text(const char *name)
{
    size_t n = strlen(name);

    for (int i = 0; i < count_args; i++)
        if (strncmp(args[i], name, n) == 0 && args[i][n] == '=')
            return args[i] + n + 1;
    die("%s=... is missing", name);
}

uint64_t at(const char *symbol)
{
    return strtoull(text(symbol), NULL, 16);
}

void sample(const char *measure, const char *subject, double value)
{
    printf("sample %s %s %.6g\n", measure, subject, value);
    fflush(stdout);
}

/* ---- running a stub's guest ---- */

void insert(struct stub *s, unsigned type, uint64_t address)
{
    stub_send(s, "Z%u,%llx,4", type, (unsigned long long)address);
    stub_ok(s);
}

void withdraw(struct stub *s, unsigned type, uint64_t address)
{
    stub_send(s, "z%u,%llx,4", type, (unsigned long long)address);
    stub_ok(s);
}

void resume(struct stub *s)
{
    stub_send(s, "vCont;c");
}

void stop(struct stub *s)
{
    stub_break(s);
    stub_stop(s);
}

/* Connects, and lets the guest run until it is ready. */
void begin(struct stub *s, const char *name, const char *socket)
{
    stub_open(s, name, text(socket));
    insert(s, 1, at("ready"));
    resume(s);
    stub_stop(s);
    withdraw(s, 1, at("ready"));
}

void send_to_work(struct stub *s, uint64_t rounds)
{
    stub_set_reg(s, ARGUMENT, rounds);
    stub_set_reg(s, ARGUMENT + 1, at("scratch"));
    stub_set_reg(s, PC, at("work"));
}

/* ---- steps ---- */

void step_stub(struct stub *s, const char *subject, unsigned n)
{
    double start;

    send_to_work(s, 1u << 20);
    start = seconds();
    for (unsigned i = 0; i < n; i++) {
        stub_send(s, "vCont;s:p1.1;c:p1.-1");
        stub_stop(s);
    }
    sample("step", subject, n / (seconds() - start));
}

static void send_bare_to_work(struct kvmloop *k)
{
    kvmloop_set(k, ARGUMENT, 1u << 20);
    kvmloop_set(k, ARGUMENT + 1, at("scratch"));
    kvmloop_set(k, PC, at("work"));
}

static void check_bare(struct kvmloop *k, unsigned steps)
{
    if (kvmloop_get(k, PC) != at("work") + steps % INSNS_PER_ROUND * 4)
        die("the bare loop did not make %u steps", steps);
}

void step_bare(struct kvmloop *k, const char *measure, const char *subject, unsigned n)
{
    double start;

    send_bare_to_work(k);
    kvmloop_step(k, INSNS_PER_ROUND); /* KVM takes its time when another thread runs the vCPU */
    start = seconds();
    kvmloop_step(k, n);
    sample(measure, subject, n / (seconds() - start));
    check_bare(k, n);
}

/* One packet steps until the loop is left. */
void range_stub(struct stub *s, const char *subject, unsigned rounds)
{
    double start;

    send_to_work(s, rounds);
    start = seconds();
    stub_send(s, "vCont;r%llx,%llx:p1.1;c:p1.-1", (unsigned long long)at("work"),
              (unsigned long long)at("work_end"));
    stub_stop(s);
    sample("range", subject, rounds * INSNS_PER_ROUND / (seconds() - start));
}

/* ---- round trips ---- */

/* A packet whose answer needs nothing of the guest: what of a step is not the step. */
void ask_stub(struct stub *s, unsigned n)
{
    double start = seconds();
    size_t length;

    for (unsigned i = 0; i < n; i++) {
        stub_send(s, "vCont?");
        stub_reply(s, &length);
    }
    sample("round-trip", s->name, n / (seconds() - start));
}

/* What two threads and a socket pair cost, without any stub. */
static void *echo(void *arg)
{
    int fd = *(int *)arg;
    char byte;

    while (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
        ;
    return NULL;
}

void ask_pair(unsigned n)
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

/* The bare loop behind a socket: a packet's bytes come, the clock goes on, one step, the clock is held, a stop
 * reply's bytes go. These are the system calls of a step that no stub does without, and nothing between them. */

#define REQUEST 24  /* bytes of step_stub()'s packet */
#define REPLY   350 /* of a stop reply with the general registers, as guestdbg sends it */

struct pair {
    int fd;
    struct kvmloop *k;
};

static void *answer(void *arg)
{
    struct pair *p = arg;
    char bytes[REPLY] = "";
    uint64_t clock = kvmloop_clock(p->k);

    kvmloop_begin(p->k);
    while (recv(p->fd, bytes, sizeof(bytes), 0) == REQUEST) {
        kvmloop_set_clock(p->k, clock);
        kvmloop_one(p->k);
        clock = kvmloop_clock(p->k);
        if (send(p->fd, bytes, REPLY, 0) != REPLY)
            break;
    }
    kvmloop_end(p->k);
    return NULL;
}

void step_pair(struct kvmloop *k, const char *subject, unsigned n)
{
    char bytes[REPLY] = "";
    struct pair p = { .k = k };
    pthread_t thread;
    double start = 0;
    int pair[2];

    send_bare_to_work(k);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        die("no socket pair");
    p.fd = pair[1];
    if (pthread_create(&thread, NULL, answer, &p) != 0)
        die("no thread");
    for (unsigned i = 0; i < n + INSNS_PER_ROUND; i++) {
        if (i == INSNS_PER_ROUND) /* as in step_bare() */
            start = seconds();
        if (write(pair[0], bytes, REQUEST) != REQUEST ||
            read(pair[0], bytes, sizeof(bytes)) != REPLY)
            die("the socket pair broke");
    }
    sample("step", subject, n / (seconds() - start));
    close(pair[0]);
    pthread_join(thread, NULL);
    close(pair[1]);
    check_bare(k, n);
}

/* One of KVM's counters of the VM behind one=. */
double counter(const char *name)
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
