/* SPDX-License-Identifier: MIT */
/*
 * The console's escapes, and that the terminal is given back as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/console.h"

static int type(const char *typed, size_t len, uint8_t *got, struct console *c)
{
    int ends[2], n;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], typed, len), (ssize_t)len);
    close(ends[1]);
    c->in = ends[0];
    n = console_read(c, got, 64);
    close(ends[0]);
    return n;
}

static void bytes_pass_unchanged(void **state)
{
    struct console c = { .in = -1, .out = -1 };
    uint8_t got[64];

    (void)state;
    assert_int_equal(type("a\r\003\0x", 5, got, &c), 5);
    assert_memory_equal(got, "a\r\003\0x", 5);
}

static void ctrl_a_x_leaves_also_in_two_reads(void **state)
{
    struct console c = { .in = -1, .out = -1 };
    uint8_t got[64];

    (void)state;
    assert_int_equal(type("ab\001x", 4, got, &c), -1);
    c = (struct console){ .in = -1, .out = -1 };
    assert_int_equal(type("ab\001", 3, got, &c), 2);
    assert_int_equal(type("x", 1, got, &c), -1);
}

static void ctrl_a_twice_sends_one_and_other_escapes_send_the_key(void **state)
{
    struct console c = { .in = -1, .out = -1 };
    uint8_t got[64];

    (void)state;
    assert_int_equal(type("\001\001x\001b", 5, got, &c), 3);
    assert_memory_equal(got, "\001xb", 3);
}

static void the_end_of_input_is_no_key(void **state)
{
    struct console c = { .in = -1, .out = -1 };
    uint8_t got[64];

    (void)state;
    assert_int_equal(type("", 0, got, &c), 0);
    assert_int_equal(c.in, -1);
}

static void a_file_takes_output_only(void **state)
{
    char path[] = "/tmp/test_console_XXXXXX", got[8] = "";
    int fd = mkstemp(path);
    struct console c;

    (void)state;
    assert_int_equal(console_open(&c, CONSOLE_FILE, path), 0);
    assert_int_equal(c.in, -1);
    console_put(&c, (const uint8_t *)"hello", 5);
    assert_true(console_drain(&c));
    console_close(&c);
    assert_int_equal(read(fd, got, sizeof(got)), 5);
    assert_string_equal(got, "hello");
    close(fd);
    unlink(path);
    assert_int_equal(console_open(&c, CONSOLE_FILE, "/nonexistent/file"), -ENOENT);
}

static void lost_output_is_told_once(void **state)
{
    static const char say[] = "guestdbg: the guest's console cannot be written: No space left on "
                              "device; its output is lost\n";
    char path[] = "/tmp/test_console_XXXXXX", got[256] = "";
    int fd = mkstemp(path), old = dup(STDERR_FILENO);
    struct console c;

    (void)state;
    assert_int_equal(console_open(&c, CONSOLE_FILE, "/dev/full"), 0);
    dup2(fd, STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        console_put(&c, (const uint8_t *)"hello", 5);
        assert_true(console_drain(&c));
    }
    dup2(old, STDERR_FILENO);
    close(old);
    console_close(&c);
    assert_int_equal(pread(fd, got, sizeof(got), 0), sizeof(say) - 1);
    assert_string_equal(got, say);
    close(fd);
    unlink(path);
}

static void a_fifo_without_a_reader_is_refused_and_not_waited_for(void **state)
{
    char folder[] = "/tmp/test_console_XXXXXX", path[64], got[8] = "";
    struct console c;
    int in;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(console_open(&c, CONSOLE_FILE, path), -ENXIO);
    in = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(console_open(&c, CONSOLE_FILE, path), 0);
    assert_int_equal(fcntl(c.out, F_GETFL) & O_NONBLOCK, 0);
    console_put(&c, (const uint8_t *)"hello", 5);
    console_close(&c);
    assert_int_equal(read(in, got, sizeof(got)), 5);
    close(in);
    unlink(path);
    rmdir(folder);
}

static void what_a_reader_takes_late_waits_in_order_and_none_is_lost(void **state)
{
    struct console c = { .in = -1, .out = -1 };
    static uint8_t full[1 << 16], got[1 << 16];
    int ends[2], flags;

    (void)state;
    for (flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        assert_int_equal(console_open(&c, CONSOLE_NONE, NULL), 0);
        assert_int_equal(pipe2(ends, flags), 0);
        assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, sizeof(full)), sizeof(full));
        c.out = ends[1];
        assert_int_equal(write(ends[1], full, sizeof(full)), sizeof(full));
        console_put(&c, (const uint8_t *)"early ", 6);
        assert_false(console_drain(&c));
        console_put(&c, (const uint8_t *)"late", 4);
        assert_false(console_drain(&c));
        assert_int_equal(read(ends[0], got, sizeof(got)), sizeof(full));
        assert_true(console_drain(&c));
        assert_int_equal(read(ends[0], got, sizeof(got)), 10);
        assert_memory_equal(got, "early late", 10);
        console_close(&c);
        close(ends[0]);
    }
}

/* The terminal after a process that had it raw died of the signal. */
static struct termios after_death(int slave, int sig)
{
    struct termios t;
    struct console c;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        signal(sig, SIG_DFL); /* a sanitizer's handler is not ours to replace */
        if (dup2(slave, STDIN_FILENO) < 0 || console_open(&c, CONSOLE_STDIO, NULL) != 0 || !c.raw)
            _exit(1);
        raise(sig);
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == sig);
    assert_int_equal(tcgetattr(slave, &t), 0);
    return t;
}

static void the_terminal_is_as_before_after_a_crash(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    struct termios before, after;

    (void)state;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_int_equal(tcgetattr(slave, &before), 0);
    after = after_death(slave, SIGKILL);
    assert_int_not_equal(after.c_lflag, before.c_lflag); /* the test sees a raw terminal */
    assert_int_equal(tcsetattr(slave, TCSANOW, &before), 0);
    after = after_death(slave, SIGSEGV);
    assert_int_equal(after.c_lflag, before.c_lflag);
    after = after_death(slave, SIGABRT);
    assert_int_equal(after.c_lflag, before.c_lflag);
    close(slave);
    close(master);
}

static void the_terminal_is_raw_while_open_and_as_before_after_close(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, stdin_was = dup(STDIN_FILENO);
    struct termios before, during, after;
    struct console c;

    (void)state;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(dup2(slave, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(tcgetattr(slave, &before), 0);
    assert_int_equal(console_open(&c, CONSOLE_STDIO, NULL), 0);
    assert_int_equal(tcgetattr(slave, &during), 0);
    assert_int_equal(during.c_lflag & (ICANON | ECHO | ISIG), 0);
    console_close(&c);
    assert_int_equal(tcgetattr(slave, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    dup2(stdin_was, STDIN_FILENO);
    close(stdin_was);
    close(slave);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_unchanged),
        cmocka_unit_test(ctrl_a_x_leaves_also_in_two_reads),
        cmocka_unit_test(ctrl_a_twice_sends_one_and_other_escapes_send_the_key),
        cmocka_unit_test(the_end_of_input_is_no_key),
        cmocka_unit_test(a_file_takes_output_only),
        cmocka_unit_test(lost_output_is_told_once),
        cmocka_unit_test(a_fifo_without_a_reader_is_refused_and_not_waited_for),
        cmocka_unit_test(what_a_reader_takes_late_waits_in_order_and_none_is_lost),
        cmocka_unit_test(the_terminal_is_as_before_after_a_crash),
        cmocka_unit_test(the_terminal_is_raw_while_open_and_as_before_after_close),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
