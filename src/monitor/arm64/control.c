/* SPDX-License-Identifier: MIT */
/*
 * The protocol session on the debug UART. It begins with the first packet that a debugger
 * sends; anything else on the line is noise and dropped. One CPU has it at a time, the one that
 * the UART's interrupt is routed to; it runs whenever that CPU is in EL2 and there is news:
 * bytes, room for bytes, or a CPU that parked. Nothing here waits.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"
#include "rsp/session.h"
#include "rsp/state.h"

#include <string.h>

#define PACKET_SIZE   4096u
#define ANSWER_MS     2000u
#define LAST_WORDS_MS 200u

static struct gd_session session;
static uint8_t rx[PACKET_SIZE + 4], tx[2 * PACKET_SIZE + 8];
static uint8_t in[64]; /* read from the UART, not yet taken by the session */
static const struct gd_session_config config = {
    .engine = &engine,
    .rx = rx,
    .rx_size = sizeof(rx),
    .tx = tx,
    .tx_size = sizeof(tx),
    .on_disconnect = GD_DISCONNECT_RESUME,
    .line = true,
};
static unsigned in_at, in_n;
static bool is_open; /* a client is there */
static uint64_t give_up_at;
static _Atomic uint32_t control_cpu;
static _Atomic uint32_t news;

bool control_here(const struct cpu *c)
{
    return atomic_load_explicit(&control_cpu, memory_order_relaxed) == c->index;
}

void control_notify(void *ctx)
{
    uint32_t owner = atomic_load(&control_cpu);

    (void)ctx;
    atomic_store(&news, 1);
    if (owner != this_cpu()->index)
        gic_kick(&cpus[owner]);
}

void control_init(void)
{
    gic_route_uart(&cpus[0]);
    uart_interrupts(true, false);
    atomic_store(&news, 1); /* bytes that came before the interrupt was on raise none */
}

/* What GDB and LLDB send first, and a script that asks why the guest stands. */
static const char *const greetings[] = { "$qSupported", "$QStartNoAckMode", "$?#3f" };
static unsigned greeted[GD_ARRAY_SIZE(greetings)]; /* bytes of each seen */

/* True when the bytes up to this one are a greeting: the session is open and has them. */
static void look_for_client(uint8_t byte)
{
    for (unsigned i = 0; i < GD_ARRAY_SIZE(greetings); i++) {
        const char *g = greetings[i];

        if (byte != (uint8_t)g[greeted[i]])
            greeted[i] = byte == '$';
        else if (g[++greeted[i]] == 0) {
            gd_session_open(&session, &config);
            is_open = true;
            gd_session_input(&session, (const uint8_t *)g, greeted[i]);
            memset(greeted, 0, sizeof(greeted));
            return;
        }
    }
}

/* Was there any that the session took? What it leaves alone waits for its output, or for a stop. */
static bool take_input(void)
{
    bool any = false;
    size_t used;

    for (;;) {
        if (in_at == in_n) {
            in_at = in_n = 0;
            while (in_n < sizeof(in) && uart_get(&in[in_n]))
                in_n++;
        }
        if (in_at == in_n)
            return any;
        if (!is_open) {
            look_for_client(in[in_at++]);
            any = true;
            continue;
        }
        used = gd_session_input(&session, in + in_at, in_n - in_at);
        in_at += (unsigned)used;
        if (used == 0)
            return any;
        any = true;
    }
}

/* True if all of it is sent. */
static bool give_output(void)
{
    while (is_open) {
        size_t n, sent;
        const uint8_t *p = gd_session_output(&session, &n);

        if (!p || n == 0)
            return true;
        sent = uart_put(p, n);
        if (sent == 0)
            return false;
        gd_session_sent(&session, sent);
    }
    return true;
}

/* All CPUs shall stop, and one may never answer: then the others are shown without it. */
static void watch_deadline(void)
{
    if (!is_open || !gd_session_waiting(&session)) {
        if (give_up_at)
            timer_off();
        give_up_at = 0;
        return;
    }
    if (give_up_at == 0)
        give_up_at = time_in_ms(ANSWER_MS);
    if (time_now() < give_up_at) {
        timer_set(give_up_at); /* each time: running alone uses the same timer (run.c) */
        return;
    }
    give_up_at = 0;
    gd_engine_give_up(&engine);
    atomic_store(&news, 1);
}

static void watch_end(void)
{
    if (is_open && gd_session_want(&session) != GD_WANT_NOTHING)
        is_open = !gd_session_hangup(&session);
}

void control_run(struct cpu *c)
{
    bool sent, more, again;

    (void)c;
    if (!machine.uart.base)
        return;
    if (!give_up_at && !atomic_load_explicit(&news, memory_order_relaxed))
        return;
    do {
        if (atomic_exchange(&news, 0) && is_open)
            gd_session_event(&session);
        sent = give_output();
        again = !sent || take_input();
        sent = give_output();
        more = sent && again && in_at < in_n;
        if (sent)
            watch_end();
        watch_deadline();
    } while (more || atomic_load(&news));
    uart_interrupts(in_at == in_n, !sent);
}

void control_leave(struct cpu *c)
{
    if (!control_here(c))
        return;
    for (unsigned i = 0; i < ncpus; i++) {
        if (&cpus[i] != c && atomic_load(&cpus[i].power) == POWER_ON) {
            atomic_store(&control_cpu, i);
            gic_route_uart(&cpus[i]);
            control_notify(NULL);
            return;
        }
    }
}

void control_ended(struct cpu *c, int status)
{
    uint64_t deadline = time_in_ms(LAST_WORDS_MS);

    gd_engine_vm_exited(&engine, status);
    while (time_now() < deadline) {
        size_t n;

        if (!control_here(c))
            continue; /* the CPU that has the session was told */
        control_run(c);
        if (!is_open || !gd_session_output(&session, &n) || n == 0)
            return;
    }
}
