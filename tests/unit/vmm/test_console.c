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
#include <stdlib.h>
#include <string.h>
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
    console_write(&c, (const uint8_t *)"hello", 5);
    console_close(&c);
    assert_int_equal(read(fd, got, sizeof(got)), 5);
    assert_string_equal(got, "hello");
    close(fd);
    unlink(path);
    assert_int_equal(console_open(&c, CONSOLE_FILE, "/nonexistent/file"), -ENOENT);
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
        cmocka_unit_test(the_terminal_is_raw_while_open_and_as_before_after_close),
    };

    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
