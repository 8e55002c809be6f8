/* SPDX-License-Identifier: MIT */
/*
 * The debugger's socket: which addresses, whose it is, and that nobody is disturbed by who wants the
 * same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/host/listen.h"
#include <guestdbg/error.h>

static char folder[64], path[80], where[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/guestdbg-listen-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(where, sizeof(where), "unix:%s", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void a_socket_in_use_is_refused_and_its_owner_sees_no_client(void **state)
{
    struct gd_listener first, second;
    char line[256];

    (void)state;
    assert_int_equal(gd_listener_open(&first, where, false, line, sizeof(line)), 0);
    assert_true(gd_listener_open(&second, where, false, line, sizeof(line)) < 0);
    assert_non_null(strstr(line, strerror(EADDRINUSE)));
    assert_int_equal(accept(first.fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(access(path, F_OK), 0);
    gd_listener_close(&first);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_unix_socket_is_for_its_owner_alone(void **state)
{
    char line[256], want[128];
    struct gd_listener l;
    mode_t mask = umask(0);
    struct stat st;

    (void)state;
    assert_int_equal(gd_listener_open(&l, where, false, line, sizeof(line)), 0);
    umask(mask);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0600);
    snprintf(want, sizeof(want), "target remote %s", path);
    assert_string_equal(line, want);
    gd_listener_close(&l);
}

static void a_socket_whose_process_is_gone_is_taken_over(void **state)
{
    struct gd_listener old, new;
    char line[256];
    struct stat st;

    (void)state;
    assert_int_equal(gd_listener_open(&old, where, false, line, sizeof(line)), 0);
    close(old.fd); /* and no unlink, as with SIGKILL */
    assert_int_equal(gd_listener_open(&new, where, false, line, sizeof(line)), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    gd_listener_close(&new);
}

/* connect() takes no more than sun_path; a relative name is then what there is to say. */
static void the_words_for_the_debugger_name_a_path_that_it_can_connect_to(void **state)
{
    char deep[200], line[256], here[4096];
    struct gd_listener l;

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(gd_listener_open(&l, "unix:s", false, line, sizeof(line)), 0);
    assert_non_null(strstr(line, path));
    gd_listener_close(&l);
    snprintf(deep, sizeof(deep), "%s/%0100d", folder, 0);
    assert_int_equal(mkdir(deep, 0700), 0);
    assert_int_equal(chdir(deep), 0);
    assert_int_equal(gd_listener_open(&l, "unix:s", false, line, sizeof(line)), 0);
    assert_string_equal(line, "target remote s");
    assert_int_equal(chdir(here), 0);
    gd_listener_close(&l); /* found from elsewhere, too */
    assert_int_equal(rmdir(deep), 0);
}

static void a_file_that_is_no_socket_stays(void **state)
{
    struct gd_listener l;
    char line[256];
    FILE *f = fopen(path, "w");

    (void)state;
    assert_non_null(f);
    fclose(f);
    assert_true(gd_listener_open(&l, where, false, line, sizeof(line)) < 0);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
}

static void addresses_that_cannot_be_listened_at_are_refused_in_words(void **state)
{
    static const char *const bad[] = {
        "",
        "unix:",
        "tcp:",
        "tcp:127.0.0.1",
        "tcp:127.0.0.1:",
        "tcp:1:2",
        "tcp:127.0.0.1:x",
        "tcp:host:1",
        "tcp:127.0.0.1:65536",
        "tcp:[::1:5",
        "udp:1",
        "tcp:127.0.0.1:1x",
        "tcp:0.0.0.0:0",
        "tcp:[::]:0",
        "tcp:8.8.8.8:1",
    };

    struct gd_listener l;
    char line[256];

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        line[0] = '\0';
        assert_int_equal(gd_listener_open(&l, bad[i], false, line, sizeof(line)), GD_E_ARG);
        assert_true(strlen(line) > 10);
        assert_int_equal(l.fd, -1);
    }
}

static void loopback_has_two_families_and_other_addresses_are_allowed_on_request(void **state)
{
    static const struct {
        const char *where, *line;
        bool remote;
    } row[] = {
        { "tcp:127.0.0.1:0", "target remote 127.0.0.1:", false },
        { "tcp:localhost:0", "target remote 127.0.0.1:", false },
        { "tcp:127.1.2.3:0", "target remote 127.1.2.3:", false },
        { "tcp:[::1]:0", "target remote [::1]:", false },
        { "tcp:::1:0", "target remote [::1]:", false },
        { "tcp:0.0.0.0:0", "target remote 0.0.0.0:", true },
    };
    char line[256];

    (void)state;
    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct gd_listener l;
        int err = gd_listener_open(&l, row[i].where, row[i].remote, line, sizeof(line));

        if (err == GD_E_BACKEND && strstr(row[i].where, "::1")) /* a machine without IPv6 */
            continue;
        assert_int_equal(err, 0);
        assert_memory_equal(line, row[i].line, strlen(row[i].line));
        assert_true(atoi(line + strlen(row[i].line)) > 0);
        gd_listener_close(&l);
    }
}

static void a_port_in_use_is_refused(void **state)
{
    char line[256], taken[300];
    struct gd_listener l, other;

    (void)state;
    assert_int_equal(gd_listener_open(&l, "tcp:127.0.0.1:0", false, line, sizeof(line)), 0);
    snprintf(taken, sizeof(taken), "tcp:%s", line + strlen("target remote "));
    assert_int_equal(gd_listener_open(&other, taken, false, line, sizeof(line)), GD_E_BACKEND);
    assert_non_null(strstr(line, "in use"));
    gd_listener_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_in_use_is_refused_and_its_owner_sees_no_client),
        cmocka_unit_test(a_unix_socket_is_for_its_owner_alone),
        cmocka_unit_test(a_socket_whose_process_is_gone_is_taken_over),
        cmocka_unit_test(the_words_for_the_debugger_name_a_path_that_it_can_connect_to),
        cmocka_unit_test(a_file_that_is_no_socket_stays),
        cmocka_unit_test(addresses_that_cannot_be_listened_at_are_refused_in_words),
        cmocka_unit_test(loopback_has_two_families_and_other_addresses_are_allowed_on_request),
        cmocka_unit_test(a_port_in_use_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
