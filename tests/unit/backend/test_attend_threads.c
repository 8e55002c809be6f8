/* SPDX-License-Identifier: MIT */
/*
 * A client that steps is attended to by the vCPU's own thread. Two vCPU threads, the server's
 * and a client that steps, runs, interrupts, leaves and vanishes in any order. What must hold:
 * every resume has exactly one stop reply, every packet an answer, whoever gives it; a step
 * executes one instruction; and nobody is stuck.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/host/server.h"
#include "engine/patch.h"
#include "fake.h"

#define VCPUS    2
#define BUDGET   20    /* instructions before a vCPU leaves the guest by itself */
#define LIMIT_MS 60000 /* only ends what hangs */

struct world {
    struct fake f; /* first: the back end's context */
    struct gd_backend be;
    struct gd_gate gate;
    struct gd_server *server;
    pthread_t threads[VCPUS];
    _Atomic bool kicked[VCPUS];
    _Atomic unsigned attended;
    _Atomic uint64_t executed[VCPUS]; /* instructions */
    char folder[64], where[96];
    int fd;
    char reply[4096];
    uint64_t random;
};

static struct world w;

/* ---- the back end ---- */

static _Thread_local struct {
    bool vcpu, may_attend, attends;
    unsigned index;
} self;

static void gate_kick(void *ctx, unsigned vcpu)
{
    (void)ctx;
    atomic_store(&w.kicked[vcpu], true);
}

static void kick(void *ctx, unsigned vcpu)
{
    gate_kick(ctx, vcpu);
    gd_gate_wake(&w.gate);
}

static void wake(void *ctx)
{
    (void)ctx;
    gd_gate_wake(&w.gate);
    gd_server_poke(w.server);
}

static void notify(void *ctx)
{
    (void)ctx;
    if (self.vcpu && self.may_attend)
        self.attends = gd_server_offer(w.server, self.index);
    self.may_attend = false;
    if (!self.attends)
        gd_server_notify(w.server);
}

static bool wanted(void *ctx, unsigned vcpu)
{
    (void)ctx;
    return gd_vcpu_wanted(&w.f.e, vcpu);
}

static bool parked(void *ctx, unsigned vcpu)
{
    (void)ctx;
    return atomic_load(&w.f.vcpus[vcpu].state) == GD_PARKED;
}

static void in_guest(unsigned i)
{
    struct gd_exit x = { .kind = GD_EXIT_NONE };

    for (unsigned n = 0; n < BUDGET && !atomic_load(&w.kicked[i]); n++)
        if (fake_execute(&w.f, i, &x))
            break;
    atomic_store(&w.executed[i], w.f.v[i].executed);
    gd_vcpu_exit(&w.f.e, i, &x);
}

static void let_others(unsigned i, bool *alone)
{
    if (!*alone)
        return;
    gd_alone_clear(&w.f.e);
    gd_gate_release(&w.gate, i);
    *alone = false;
}

static void turn(unsigned i, bool *alone)
{
    atomic_store(&w.kicked[i], false);
    self.may_attend = *alone && w.f.vcpus[i].stop.reason == GD_STOP_STEP;
    switch (gd_vcpu_enter(&w.f.e, i, *alone)) {
    case GD_PARK:
        let_others(i, alone);
        if (self.attends) {
            atomic_fetch_add(&w.attended, 1);
            gd_server_attend(w.server, &w.gate, i);
        }
        self.attends = false;
        gd_gate_wait(&w.gate, i);
        return;
    case GD_SLICE:
        *alone = gd_gate_slice(&w.gate, i);
        return;
    case GD_ENTER_ALONE:
        if (*alone)
            in_guest(i);
        else
            *alone = gd_gate_hold(&w.gate, i);
        return;
    case GD_ENTER:
        let_others(i, alone);
        if (gd_gate_enter(&w.gate, i)) {
            in_guest(i);
            gd_gate_leave(&w.gate, i);
        }
        return;
    }
}

static void *vcpu_thread(void *arg)
{
    bool alone = false;

    self.vcpu = true;
    self.index = (unsigned)(uintptr_t)arg;
    while (!gd_gate_cancelled(&w.gate))
        turn(self.index, &alone);
    let_others(self.index, &alone);
    return NULL;
}

/* ---- the client ---- */

static void dial(void)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    w.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(sun.sun_path, w.where + 5);
    assert_int_equal(connect(w.fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
}

static void say(const char *payload)
{
    char packet[256];
    unsigned sum = 0;
    int n;

    for (const char *p = payload; *p; p++)
        sum += (uint8_t)*p;
    n = snprintf(packet, sizeof(packet), "$%s#%02x", payload, sum & 0xff);
    assert_int_equal(send(w.fd, packet, (size_t)n, MSG_NOSIGNAL), n);
}

/* One packet; its payload in w.reply. Nothing may come after it. */
static const char *hear(void)
{
    struct pollfd p = { .fd = w.fd, .events = POLLIN };
    size_t n = 0;

    while (n < 3 || w.reply[n - 3] != '#') {
        assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
        assert_int_equal(recv(w.fd, w.reply + n, 1, 0), 1);
        if (n || w.reply[0] == '$')
            n++; /* not the acknowledgement before it */
        assert_true(n < sizeof(w.reply) - 1);
    }
    w.reply[n - 3] = '\0';
    assert_int_not_equal(recv(w.fd, w.reply + n, 1, MSG_DONTWAIT), 1);
    return w.reply + 1;
}

static void ask(const char *packet, const char *answer)
{
    say(packet);
    assert_string_equal(hear(), answer);
}

static void meet(void)
{
    dial();
    ask("QStartNoAckMode", "OK");
    assert_int_equal(send(w.fd, "+", 1, 0), 1);
    say("?");
    assert_int_equal(hear()[0], 'T');
}

static void resume(const char *action, const char *stop)
{
    say(action);
    assert_memory_equal(hear(), stop, 3);
}

static void step(const char *action)
{
    uint64_t was = atomic_load(&w.executed[0]);

    resume(action, "T05");
    assert_int_equal(atomic_load(&w.executed[0]), was + 1);
}

static void interrupt(const char *action)
{
    say(action);
    assert_int_equal(send(w.fd, "\003", 1, 0), 1);
    assert_int_equal(hear()[0], 'T');
}

static unsigned any(unsigned n)
{
    w.random = w.random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(w.random >> 33) % n;
}

/* ---- tests ---- */

static int set_up(void **state)
{
    struct gd_engine_config cfg;
    struct gd_server_config sc = { .engine = &w.f.e, .patience_ms = LIMIT_MS };
    struct gd_gate_config gc = { VCPUS, gate_kick, wanted, parked, &w };
    char line[256];

    (void)state;
    memset(&w, 0, sizeof(w));
    fake_open(&w.f, VCPUS, false);
    cfg = w.f.e.cfg;
    w.be = *cfg.be;
    w.be.notify = notify;
    w.be.kick = kick;
    w.be.wake = wake;
    cfg.be = &w.be;
    assert_int_equal(gd_engine_init(&w.f.e, &cfg), 0);
    assert_int_equal(gd_gate_open(&w.gate, &gc), 0);
    assert_int_equal(gd_server_open(&w.server, &sc), 0);
    strcpy(w.folder, "/tmp/guestdbg-test.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    snprintf(w.where, sizeof(w.where), "unix:%s/s", w.folder);
    assert_int_equal(gd_server_listen(w.server, w.where, 0, line, sizeof(line)), 0);
    for (uintptr_t i = 0; i < VCPUS; i++)
        assert_int_equal(pthread_create(&w.threads[i], NULL, vcpu_thread, (void *)i), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gd_gate_cancel(&w.gate, true);
    gd_server_poke(w.server);
    for (unsigned i = 0; i < VCPUS; i++)
        pthread_join(w.threads[i], NULL);
    gd_server_close(w.server);
    gd_gate_close(&w.gate);
    if (w.fd >= 0)
        close(w.fd);
    return rmdir(w.folder);
}

static void steps_are_answered_by_the_vcpu_that_made_them(void **state)
{
    (void)state;
    meet();
    for (unsigned n = 0; n < 200; n++)
        step("vCont;s:1");
    assert_true(atomic_load(&w.attended) > 100);
    ask("qC", "QC1");
}

static void a_client_that_pauses_between_steps_is_served(void **state)
{
    struct timespec pause = { .tv_nsec = 30 * 1000000L }; /* longer than the server's look */

    (void)state;
    meet();
    for (unsigned n = 0; n < 5; n++) {
        step("vCont;s:1");
        nanosleep(&pause, NULL);
        ask("qC", "QC1");
        step("vCont;s:1;c");
    }
}

static void whatever_a_stepping_client_does_next_is_served(void **state)
{
    (void)state;
    meet();
    for (unsigned n = 0; n < 1500; n++) {
        switch (any(12)) {
        case 0:
            interrupt("vCont;c");
            break;
        case 1:
            interrupt("vCont;r0,ffffffff:1;c");
            break;
        case 2:
            ask("qC", "QC1"), ask("Hg1", "OK");
            break;
        case 3:
            if (any(2))
                ask("D", "OK");
            close(w.fd);
            meet();
            break;
        case 4: /* vanishes while a step is on its way */
            say("vCont;s:1;c");
            close(w.fd);
            meet();
            break;
        case 5:
            step("vCont;s:1;c");
            break;
        default:
            step("vCont;s:1");
        }
    }
    assert_true(atomic_load(&w.attended) > 0);
}

/* The guest is ended by its VMM while a client thinks between two steps. */
static void a_cancel_reaches_the_vcpu_that_attends(void **state)
{
    meet();
    step("vCont;s:1");
    tear_down(state); /* joins the threads */
    set_up(state);
    w.fd = -1;
}

static void the_end_of_the_server_reaches_it_too(void **state)
{
    char byte;

    (void)state;
    meet();
    step("vCont;s:1");
    gd_server_stop(w.server);
    assert_int_equal(recv(w.fd, &byte, 1, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_are_answered_by_the_vcpu_that_made_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_pauses_between_steps_is_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whatever_a_stepping_client_does_next_is_served, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cancel_reaches_the_vcpu_that_attends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_server_reaches_it_too, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("attend", tests, NULL, NULL);
}
