/* SPDX-License-Identifier: MIT */
/* The cursor: numbers, lists and thread ids, each right before a page that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <guestdbg/error.h>

#include "base/bits.h"
#include "rsp/parse.h"
#include "support_guard.h"

static struct gd_cur cursor(const char *text)
{
    size_t n = strlen(text);
    uint8_t *p = guarded(text, n);

    return (struct gd_cur){ p, p + n };
}

static void hex_numbers_end_where_the_digits_end_and_never_overflow(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
        size_t left;
    } cases[] = {
        { "", GD_E_ARG, 0, 0 },
        { "0", 0, 0, 0 },
        { "aBc,4", 0, 0xabc, 2 },
        { "x", GD_E_ARG, 0, 1 },
        { "-1", GD_E_ARG, 0, 2 },
        { "ffffffffffffffff", 0, UINT64_MAX, 0 },
        { "00000000000000000000000000000001", 0, 1, 0 },
        { "10000000000000000", GD_E_ARG, 0, 17 },
        { "fffffffffffffffff", GD_E_ARG, 0, 17 },
    };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(cases); i++) {
        struct gd_cur c = cursor(cases[i].text);
        uint64_t v = 0;

        assert_int_equal(gd_cur_hex(&c, &v), cases[i].err);
        assert_true(v == cases[i].value);
        assert_int_equal(gd_cur_left(&c), cases[i].left);
    }
}

static void counts_are_decimal_or_hex_after_0x(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
    } cases[] = {
        { "", GD_E_ARG, 0 },
        { "0", 0, 0 },
        { "10", 0, 10 },
        { "0x10", 0, 16 },
        { "0X1F", 0, 31 },
        { "0x", GD_E_ARG, 0 },
        { "1f", GD_E_ARG, 0 },
        { "10 ", GD_E_ARG, 0 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", GD_E_ARG, 0 },
        { "99999999999999999999", GD_E_ARG, 0 },
        { "0x10000000000000000", GD_E_ARG, 0 },
    };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(cases); i++) {
        struct gd_cur c = cursor(cases[i].text);
        uint64_t v = 0;

        assert_int_equal(gd_cur_number(&c, &v), cases[i].err);
        assert_true(v == cases[i].value);
        assert_true(cases[i].err ? gd_cur_left(&c) == strlen(cases[i].text) : gd_cur_end(&c));
    }
}

static void thread_ids_are_read_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int err, tid;
        size_t left;
    } cases[] = {
        { "-1", 0, GD_TID_ALL, 0 },
        { "0", 0, GD_TID_ANY, 0 },
        { "1", 0, 1, 0 },
        { "0001;", 0, 1, 1 },
        { "1f", 0, 31, 0 },
        { "p1", 0, GD_TID_ALL, 0 },
        { "p1.-1", 0, GD_TID_ALL, 0 },
        { "p1.0", 0, GD_TID_ANY, 0 },
        { "p1.2:x", 0, 2, 2 },
        { "p-1", 0, GD_TID_ALL, 0 },
        { "p-1.-1", 0, GD_TID_ALL, 0 },
        { "p0.0", 0, GD_TID_ANY, 0 },
        { "p2.1", GD_E_NOTHREAD, 7, 4 },
        { "", GD_E_ARG, 7, 0 },
        { "p", GD_E_ARG, 7, 1 },
        { "p1.", GD_E_ARG, 7, 3 },
        { "p.1", GD_E_ARG, 7, 3 },
        { "-", GD_E_ARG, 7, 1 },
        { "-2", GD_E_ARG, 7, 2 },
        { "p-", GD_E_ARG, 7, 2 },
        { "80000000", GD_E_NOTHREAD, 7, 8 },
        { "p1.ffffffffffffffff", GD_E_NOTHREAD, 7, 19 },
        { "10000000000000000", GD_E_ARG, 7, 17 },
    };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(cases); i++) {
        struct gd_cur c = cursor(cases[i].text);
        int tid = 7;

        assert_int_equal(gd_cur_thread(&c, &tid), cases[i].err);
        assert_int_equal(tid, cases[i].tid);
        assert_int_equal(gd_cur_left(&c), cases[i].left);
    }
}

static void hex_bytes_are_whole_or_refused(void **state)
{
    uint8_t out[4] = { 0 };
    struct gd_cur c = cursor("00fF10");

    (void)state;
    assert_int_equal(gd_cur_bytes(&c, out, 4), GD_E_ARG);
    assert_int_equal(gd_cur_bytes(&c, out, SIZE_MAX), GD_E_ARG);
    assert_int_equal(gd_cur_bytes(&c, out, SIZE_MAX / 2 + 2), GD_E_ARG);
    assert_int_equal(gd_cur_bytes(&c, out, 3), 0);
    assert_memory_equal(out, "\x00\xff\x10", 3);
    assert_true(gd_cur_end(&c));
    c = cursor("0g");
    assert_int_equal(gd_cur_bytes(&c, out, 1), GD_E_ARG);
    c = cursor("12345");
    assert_int_equal(gd_cur_bytes(&c, c.p, 2), 0); /* in place */
    assert_memory_equal(c.end - 5, "\x12\x34", 2);
}

static void lists_have_their_empty_parts(void **state)
{
    struct gd_cur c = cursor("a;;bc"), part;

    (void)state;
    assert_true(gd_cur_split(&c, ';', &part));
    assert_true(gd_cur_is(&part, "a"));
    assert_true(gd_cur_split(&c, ';', &part));
    assert_true(gd_cur_is(&part, ""));
    assert_true(gd_cur_split(&c, ';', &part));
    assert_true(gd_cur_is(&part, "bc"));
    assert_false(gd_cur_is(&part, "b"));
    assert_false(gd_cur_is(&part, "bcd"));
    assert_false(gd_cur_split(&c, ';', &part));
}

static void words_and_characters_are_taken_whole_or_not_at_all(void **state)
{
    struct gd_cur c = cursor("abc");

    (void)state;
    assert_false(gd_cur_word(&c, "abcd"));
    assert_false(gd_cur_char(&c, 'b'));
    assert_int_equal(gd_cur_left(&c), 3);
    assert_true(gd_cur_word(&c, "ab"));
    assert_true(gd_cur_char(&c, 'c'));
    assert_false(gd_cur_char(&c, 'd'));
    assert_true(gd_cur_word(&c, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_numbers_end_where_the_digits_end_and_never_overflow),
        cmocka_unit_test(counts_are_decimal_or_hex_after_0x),
        cmocka_unit_test(thread_ids_are_read_in_every_form),
        cmocka_unit_test(hex_bytes_are_whole_or_refused),
        cmocka_unit_test(lists_have_their_empty_parts),
        cmocka_unit_test(words_and_characters_are_taken_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
