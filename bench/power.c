/* SPDX-License-Identifier: MIT */
/*
 * The benchmark client on POWER: one connection to guestdbg and one bare KVM loop with the same guest, measured in
 * turn, round after round. Output as that of client.c.
 *
 * power ROUNDS NAME=VALUE...; values are symbols of the guest (hexadecimal) and
 *   elf=PATH       the guest, for the bare loop
 *   one=PATH       guestdbg's socket
 *   stats=FOLDER   KVM's counters of the VM behind it
 *   watch=N        1: this host has a DAWR
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTED 6        /* the guest's loops count their rounds in r6 */
#define NOWHERE 0x37000u /* not mapped */
#define POINTS  4u

static struct stub ours;

static void monitor(struct stub *s, const char *command)
{
    char hex[128] = "";
    const char *reply;
    size_t n;

    for (size_t i = 0; command[i] && i < sizeof(hex) / 2 - 1; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)command[i]);
    stub_send(s, "qRcmd,%s", hex);
    do /* console output, then OK or all of the output */
        reply = stub_reply(s, &n);
    while (reply[0] == 'O' && strcmp(reply, "OK") != 0);
}

static uint64_t get_reg(struct stub *s, unsigned number)
{
    char digits[17] = "";
    const char *reply;
    size_t n;

    stub_send(s, "p%x", number);
    reply = stub_reply(s, &n);
    for (size_t from = 0, to = 0; from < n && to < 16; from++) {
        if (reply[from] == '*' && to) { /* repetitions */
            for (int more = (unsigned char)reply[++from] - 29; more > 0 && to < 16; more--, to++)
                digits[to] = digits[to - 1];
        } else {
            digits[to++] = reply[from];
        }
    }
    return __builtin_bswap64(strtoull(digits, NULL, 16));
}

/* ---- steps ---- */

static void steps(struct kvmloop *k)
{
    static const struct {
        const char *mode, *ours, *bare, *calls;
        bool by_break;
    } strategies[] = {
        { "step-mode trace", "trace", "bare-trace", "calls-trace", false },
        { "step-mode breakpoint", "breakpoint", "bare-breakpoint", "calls-breakpoint", true },
    };

    for (unsigned i = 0; i < 2; i++) {
        monitor(&ours, strategies[i].mode);
        k->by_break = strategies[i].by_break;
        step_stub(&ours, strategies[i].ours, 500);
        range_stub(&ours, strategies[i].ours, 300);
        step_bare(k, "bare", strategies[i].bare, 2000);
        step_pair(k, strategies[i].calls, 500);
    }
    k->by_break = false;
    k->with_fence = true;
    step_bare(k, "bare", "bare-fence", 2000);
    k->with_fence = false;
    ask_stub(&ours, 500);
    ask_pair(500);
}

/* ---- exits ---- */

/* A loop of the guest for some time. Samples of its rounds and of KVM's exits, per second. */
static void run_loop(const char *measure, const char *subject, double for_seconds)
{
    double exits = counter("sum_exits"), start = seconds();
    uint64_t rounds = get_reg(&ours, COUNTED);
    char name[64];

    resume(&ours);
    pause_ms((unsigned)(for_seconds * 1e3));
    stop(&ours);
    start = seconds() - start;
    exits = counter("sum_exits") - exits;
    rounds = get_reg(&ours, COUNTED) - rounds;
    snprintf(name, sizeof(name), "%s-exits", measure);
    sample(name, subject, exits / start);
    snprintf(name, sizeof(name), "%s-rounds", measure);
    sample(name, subject, (double)rounds / start);
    snprintf(name, sizeof(name), "%s-extra", measure);
    sample(name, subject, exits / (double)rounds);
}

static void faults(void)
{
    stub_set_reg(&ours, PC, at("faults"));
    stub_set_reg(&ours, ARGUMENT + 1, NOWHERE);
    run_loop("faults", "none", 1);
    if (atoi(text("watch")) == 0)
        return;
    stub_send(&ours, "Z2,%llx,8", (unsigned long long)at("scratch"));
    stub_ok(&ours);
    run_loop("faults", "watchpoint", 1);
    stub_send(&ours, "z2,%llx,8", (unsigned long long)at("scratch"));
    stub_ok(&ours);
}

/* Attached with points that are never hit, and not attached at all: the same exits for as many rounds. */
static void idle(void)
{
    double exits, start;

    stub_set_reg(&ours, PC, at("rounds"));
    for (unsigned i = 0; i < POINTS; i++)
        insert(&ours, 0, at("field") + 4 * i);
    run_loop("idle", "points", 1);
    for (unsigned i = 0; i < POINTS; i++)
        withdraw(&ours, 0, at("field") + 4 * i);
    run_loop("idle", "attached", 1);
    stub_send(&ours, "D;1");
    stub_ok(&ours);
    stub_close(&ours);
    exits = counter("sum_exits");
    start = seconds();
    pause_ms(1000);
    sample("idle-exits", "detached", (counter("sum_exits") - exits) / (seconds() - start));
    stub_open(&ours, "guestdbg", text("one"));
}

int main(int argc, char **argv)
{
    struct kvmloop *k;

    if (argc < 3)
        die("ROUNDS NAME=VALUE...");
    set_arguments(argc - 2, argv + 2);
    k = kvmloop_open(text("elf"), at("ready"));
    begin(&ours, "guestdbg", "one");
    for (int n = atoi(argv[1]); n > 0; n--) {
        steps(k);
        faults();
        idle();
    }
    return 0;
}
