/* SPDX-License-Identifier: MIT */
/* The server: sockets that are private and tidy, clients that come, go and vanish. The guest is
 * the fake one, run by the test's thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "backend/host/server.h"
#include "fake.h"

#define LIMIT_MS 60000 /* only ends what hangs */

struct world {
    struct fake f;
    struct gd_backend be;
    struct gd_server *server;
    char folder[64], where[96], line[256];
    const char *path;
    _Atomic unsigned exits;
};

static struct world w;

static void notify(void *ctx)
{
    (void)ctx;
    if (w.server)
        gd_server_notify(w.server);
}

/* The fake's own is for one thread; its vCPUs look at the request before each instruction. */
static void kick(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
}

static void exit_request(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&w.exits, 1);
}

static void open_server(enum gd_on_disconnect policy, unsigned patience_ms)
{
    struct gd_engine_config cfg = w.f.e.cfg;
    struct gd_server_config sc = {
        .engine = &w.f.e,
        .on_disconnect = policy,
        .exit_request = exit_request,
        .patience_ms = patience_ms,
    };

    w.be = *cfg.be;
    w.be.notify = notify;
    w.be.kick = kick;
    cfg.be = &w.be;
    assert_int_equal(gd_engine_init(&w.f.e, &cfg), 0);
    assert_int_equal(gd_server_open(&w.server, &sc), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    fake_open(&w.f, 2, false);
    strcpy(w.folder, "/tmp/guestdbg-test.XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    snprintf(w.where, sizeof(w.where), "unix:%s/s", w.folder);
    w.path = w.where + 5;
    open_server(GD_DISCONNECT_RESUME, LIMIT_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gd_server_close(w.server);
    w.server = NULL;
    return rmdir(w.folder); /* fails if the server left its socket file */
}

static int listen_here(void)
{
    return gd_server_listen(w.server, w.where, 0, w.line, sizeof(w.line));
}

static void connect_to(int fd)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    strcpy(sun.sun_path, w.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
}

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    connect_to(fd);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void say_packet(int fd, const char *payload)
{
    char packet[256];
    unsigned sum = 0;

    for (const char *p = payload; *p; p++)
        sum += (uint8_t)*p;
    snprintf(packet, sizeof(packet), "$%s#%02x", payload, sum & 0xff);
    say(fd, packet);
}

/* Lets the guest run a little between looks at the socket, for its vCPUs are this thread's. */
static bool readable(int fd, bool run)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    for (unsigned ms = 0; ms < LIMIT_MS; ms++) {
        for (unsigned i = 0; run && i < w.f.nvcpus; i++)
            fake_run(&w.f, i, 1);
        if (poll(&p, 1, 1) > 0)
            return true;
    }
    return false;
}

/* Reads until what came contains text; the guest runs meanwhile. */
static void hear(int fd, const char *text, bool run)
{
    char got[8192] = "";
    size_t len = 0;

    while (!strstr(got, text)) {
        ssize_t n;

        if (!readable(fd, run))
            fail_msg("waited for \"%s\", got \"%s\"", text, got);
        n = recv(fd, got + len, sizeof(got) - 1 - len, 0);
        if (n <= 0)
            fail_msg("waited for \"%s\", got \"%s\" and the end", text, got);
        len += (size_t)n;
        got[len] = '\0';
    }
}

static void hear_end(int fd)
{
    char rest[256];
    ssize_t n;

    do {
        assert_true(readable(fd, true));
        n = recv(fd, rest, sizeof(rest), 0);
    } while (n > 0);
    assert_true(n == 0 || errno == ECONNRESET);
}

static void await_running(void)
{
    for (unsigned ms = 0; ms < LIMIT_MS; ms++) {
        for (unsigned i = 0; i < w.f.nvcpus; i++)
            fake_run(&w.f, i, 1);
        if (atomic_load(&w.f.vcpus[0].state) == GD_FREE &&
            atomic_load(&w.f.vcpus[1].state) == GD_FREE && !gd_vcpu_wanted(&w.f.e, 0))
            return;
        poll(NULL, 0, 1);
    }
    fail_msg("the guest was not let go");
}

/* ---- sockets; test_listen.c has the rest ---- */

static void a_server_listens_once(void **state)
{
    (void)state;
    assert_int_equal(listen_here(), 0);
    assert_int_equal(listen_here(), GD_E_ARG);
    assert_non_null(strstr(w.line, "open already"));
    assert_int_equal(gd_server_listen(w.server, w.where, 0, NULL, 0), GD_E_ARG); /* no words */
}

static void port_zero_takes_a_free_port_and_says_which(void **state)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    unsigned port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(gd_server_listen(w.server, "tcp:127.0.0.1:0", 0, w.line, sizeof(w.line)), 0);
    assert_int_equal(sscanf(w.line, "target remote 127.0.0.1:%u", &port), 1);
    a.sin_port = htons((uint16_t)port);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    close(fd);
}

/* Time that all threads together have computed. */
static uint64_t cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void a_client_that_no_descriptor_was_left_for_is_served_later(void **state)
{
    const char *preload = getenv("LD_PRELOAD");
    struct rlimit limit, none;
    uint64_t began, used;
    int fd, spare;

    (void)state;
    if (preload && strstr(preload, "vgpreload")) {
        print_message("valgrind takes a connection beyond the limit and closes it\n");
        skip();
    }
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    close(fd);
    await_running();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    spare = dup(fd);
    none = limit;
    none.rlim_cur = (rlim_t)spare; /* the lowest that is free after this */
    close(spare);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    connect_to(fd);
    say_packet(fd, "?");
    began = cpu_ms();
    poll(NULL, 0, 300);
    used = cpu_ms() - began;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_in_range(used, 0, 30); /* it does not ask all the time meanwhile */
    hear(fd, "$T05", true);
    close(fd);
    await_running();
}

/* ---- clients ---- */

static void a_client_that_left_while_its_packets_wait_costs_nothing(void **state)
{
    uint64_t began, used;
    int fd;

    (void)state;
    assert_int_equal(listen_here(), 0);
    fd = dial();
    for (unsigned i = 0; i < 3; i++)
        say_packet(fd, "g"); /* the guest does not stop: nobody runs its vCPUs */
    poll(NULL, 0, 50);
    close(fd);
    began = cpu_ms();
    poll(NULL, 0, 300);
    used = cpu_ms() - began;
    await_running();
    assert_in_range(used, 0, 30);
}

static void a_client_stops_the_guest_and_detach_lets_it_go(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    say_packet(fd, "D");
    hear(fd, "$OK#9a", true);
    hear_end(fd);
    close(fd);
    await_running();
    assert_null(fake_traces(&w.f));
}

static void a_client_that_vanishes_leaves_nothing_and_the_next_is_served(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(listen_here(), 0);
    for (unsigned round = 0; round < 4; round++) {
        fd = dial();
        say_packet(fd, "?");
        hear(fd, "$T05", true);
        say_packet(fd, "Z0,10010,4");
        hear(fd, "$OK#9a", true);
        say(fd, "+$vCont;c"); /* in the middle of a packet */
        close(fd);
        if (round == 1)
            continue; /* at once, whatever the server still does for the last one */
        await_running();
        assert_null(fake_traces(&w.f));
    }
}

static void a_second_client_is_told_why_and_the_first_goes_on(void **state)
{
    int first, second;

    (void)state;
    assert_int_equal(listen_here(), 0);
    first = dial();
    say_packet(first, "?");
    hear(first, "$T05", true);
    second = dial();
    say_packet(second, "qSupported");
    hear(second, "$E.another debugger is connected to this guest#bb", true);
    hear_end(second);
    close(second);
    say_packet(first, "m10000,4");
    hear(first, "#", true);
    close(first);
    await_running();
}

static void input_in_single_bytes_and_in_one_flood_is_the_same(void **state)
{
    const char *flood = "+$?#3f+$qC#b4+$m10000,4#ba+";
    int fd;

    (void)state;
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    for (const char *p = flood; *p; p++)
        assert_int_equal(send(fd, p, 1, 0), 1);
    hear(fd, "$QC", true);
    say(fd, flood);
    hear(fd, "$QC", true);
    close(fd);
    await_running();
}

static void a_vcpu_that_never_stops_does_not_keep_the_client_waiting(void **state)
{
    int fd;

    (void)state;
    gd_server_close(w.server);
    open_server(GD_DISCONNECT_RESUME, 20);
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T", false); /* nobody runs the vCPUs, so none parks */
    close(fd);
    await_running();
}

static void the_end_of_the_vm_is_told_even_when_the_server_closes_next(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    say_packet(fd, "vCont;c");
    await_running();
    gd_engine_vm_exited(&w.f.e, 3);
    gd_server_stop(w.server);
    hear(fd, "$W03", false);
    hear_end(fd);
    close(fd);
}

static void the_exit_policy_asks_for_the_end_when_a_client_vanishes(void **state)
{
    int fd;

    (void)state;
    gd_server_close(w.server);
    open_server(GD_DISCONNECT_EXIT, LIMIT_MS);
    assert_int_equal(listen_here(), 0);
    fd = dial();
    say_packet(fd, "?");
    hear(fd, "$T05", true);
    close(fd);
    for (unsigned ms = 0; ms < LIMIT_MS && !atomic_load(&w.exits); ms++)
        poll(NULL, 0, 1);
    assert_int_equal(atomic_load(&w.exits), 1);
}

static void the_stop_policy_keeps_the_guest_stopped_for_the_next_client(void **state)
{
    int fd;

    (void)state;
    gd_server_close(w.server);
    open_server(GD_DISCONNECT_STOP, LIMIT_MS);
    assert_int_equal(listen_here(), 0);
    for (unsigned round = 0; round < 2; round++) {
        fd = dial();
        say_packet(fd, "?");
        hear(fd, "$T05", true);
        close(fd);
    }
    assert_int_equal(atomic_load(&w.f.vcpus[0].state), GD_PARKED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_server_listens_once),
        TEST(port_zero_takes_a_free_port_and_says_which),
        TEST(a_client_that_no_descriptor_was_left_for_is_served_later),
        TEST(a_client_that_left_while_its_packets_wait_costs_nothing),
        TEST(a_client_stops_the_guest_and_detach_lets_it_go),
        TEST(a_client_that_vanishes_leaves_nothing_and_the_next_is_served),
        TEST(a_second_client_is_told_why_and_the_first_goes_on),
        TEST(input_in_single_bytes_and_in_one_flood_is_the_same),
        TEST(a_vcpu_that_never_stops_does_not_keep_the_client_waiting),
        TEST(the_end_of_the_vm_is_told_even_when_the_server_closes_next),
        TEST(the_exit_policy_asks_for_the_end_when_a_client_vanishes),
        TEST(the_stop_policy_keeps_the_guest_stopped_for_the_next_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
