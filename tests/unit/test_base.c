/* SPDX-License-Identifier: MIT */
/* The writer, the error sentences and the bit helpers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/out.h"
#include "base/why.h"
#include "support_guard.h"

static const char *text_of(void (*write)(struct gd_out *))
{
    static char buf[512];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    write(&o);
    return gd_out_str(&o);
}

static void bytes_in_hex_have_two_digits_each(void **state)
{
    uint8_t bytes[256], out[512];
    char want[3];
    struct gd_out o;

    (void)state;
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(i * 37 + 5);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        gd_out_init(&o, out, sizeof(out));
        gd_put_hex_bytes(&o, bytes, n);
        assert_int_equal(o.len, 2 * n);
        for (size_t i = 0; i < n; i++) {
            snprintf(want, sizeof(want), "%02x", bytes[i]);
            assert_memory_equal(out + 2 * i, want, 2);
        }
    }
    memcpy(out + 256, bytes, 256); /* what is written lies behind what is read */
    gd_out_init(&o, out, sizeof(out));
    gd_put_hex_bytes(&o, out + 256, 256);
    for (size_t i = 0; i < 256; i++) {
        snprintf(want, sizeof(want), "%02x", bytes[i]);
        assert_memory_equal(out + 2 * i, want, 2);
    }
}

static void numbers(struct gd_out *o)
{
    gd_put_hex(o, 0);
    gd_put_byte(o, ' ');
    gd_put_hex(o, UINT64_MAX);
    gd_put_byte(o, ' ');
    gd_put_hex(o, 0x100000000ULL);
    gd_put_byte(o, ' ');
    gd_put_hex_pad(o, 0xabc, 2);
    gd_put_byte(o, ' ');
    gd_put_hex_pad(o, 0xabc, 18);
    gd_put_byte(o, ' ');
    gd_put_dec(o, 0);
    gd_put_byte(o, ' ');
    gd_put_dec(o, UINT64_MAX);
    gd_put_byte(o, ' ');
    gd_put_hex_bytes(o, "\x00\xff\x10", 3);
}

static void numbers_have_all_their_digits(void **state)
{
    (void)state;
    assert_string_equal(text_of(numbers), "0 ffffffffffffffff 100000000 bc 000000000000000abc 0 "
                                          "18446744073709551615 00ff10");
}

static void formats(struct gd_out *o)
{
    gd_put_fmt(o, "%s|%c|%u|%d|%d|%x|%lu|%lx|%%|%q|%l|", "text", 'c', 4000000000u, -1,
               -2147483647 - 1, 0xdeadbeefu, UINT64_MAX, UINT64_MAX);
    gd_put_fmt(o, "%s", (const char *)NULL);
    gd_put_fmt(o, "%");
}

static void a_format_knows_its_few_conversions_and_prints_others_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(text_of(formats),
                        "text|c|4000000000|-1|-2147483648|deadbeef|18446744073709551615|"
                        "ffffffffffffffff|%|%q|%l|(none)%");
}

static void document(struct gd_out *o)
{
    gd_put_str(o, "abc");
    gd_put_bytes(o, "defgh", 5);
    gd_put_hex(o, 0x1234);
    gd_put_bytes(o, "", 0);
    gd_put_byte(o, 'z');
}

static void every_window_shows_its_piece_of_the_document_and_nothing_past_it(void **state)
{
    static const char whole[] = "abcdefgh1234z";
    size_t n = strlen(whole);
    struct gd_out o;

    (void)state;
    for (size_t skip = 0; skip <= n + 2; skip++) {
        for (size_t cap = 0; cap <= n + 2; cap++) {
            size_t left = skip < n ? n - skip : 0, want = cap < left ? cap : left;

            gd_out_window(&o, guarded(NULL, cap), cap, skip);
            document(&o);
            assert_int_equal(o.len, want);
            assert_int_equal(o.cut, left > cap);
            if (want)
                assert_memory_equal(o.buf, whole + skip, want);
        }
    }
}

static void a_string_is_terminated_inside_its_buffer(void **state)
{
    struct gd_out o;

    (void)state;
    for (size_t cap = 0; cap < 6; cap++) {
        gd_out_init(&o, guarded(NULL, cap), cap);
        gd_put_str(&o, "abcd");
        assert_int_equal(strlen(gd_out_str(&o)), cap > 4 ? 4 : cap ? cap - 1 : 0);
        assert_int_equal(o.cut, cap < 5);
    }
}

static void every_error_has_a_sentence_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a >= GD_E_LOST; a--) {
        assert_string_not_equal(gd_strerror(a), "unknown error");
        for (int b = 0; b > a; b--)
            assert_string_not_equal(gd_strerror(a), gd_strerror(b));
    }
    assert_string_equal(gd_strerror(GD_E_LOST - 1), "unknown error");
    assert_string_equal(gd_strerror(1), "unknown error");
    assert_string_equal(gd_strerror(-2147483647 - 1), "unknown error");
}

static void check_why(const struct gd_why *w, const char *want)
{
    char buf[200];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    gd_why_print(w, &o);
    assert_string_equal(gd_out_str(&o), want);
}

static void a_reason_says_what_where_and_at_which_level(void **state)
{
    struct gd_why w = { 0 };

    (void)state;
    check_why(&w, "no error");
    assert_int_equal(gd_why_level(&w, GD_E_UNMAPPED, 0x1000, 2, "x"), GD_E_UNMAPPED);
    check_why(&w, "no stage-1 translation for 0x1000 at level 2 (x)");
    gd_why_level(&w, GD_E_UNMAPPED, 0x1000, -1, NULL);
    check_why(&w, "no stage-1 translation for 0x1000 at level -1");
    gd_why_at(&w, GD_E_NOTRAM, 0, NULL);
    check_why(&w, "no guest RAM at 0x0");
    gd_why_at(&w, GD_E_NOREG, 5, NULL);
    check_why(&w, "no such register, or it is unavailable now: 0x5");
    gd_why(&w, GD_E_NOSTEP, NULL);
    check_why(&w, "this host cannot single-step the guest");
    assert_int_equal(gd_why(NULL, GD_E_ARG, NULL), GD_E_ARG);
    assert_int_equal(gd_why_at(NULL, GD_E_ARG, 1, NULL), GD_E_ARG);
}

static void ranges_that_wrap_or_are_empty_overlap_nothing(void **state)
{
    uint64_t last;

    (void)state;
    assert_true(gd_range_last(UINT64_MAX, 1, &last));
    assert_true(last == UINT64_MAX);
    assert_false(gd_range_last(UINT64_MAX, 2, &last));
    assert_false(gd_range_last(0, 0, &last));
    assert_true(gd_overlap(10, 5, 14, 1));
    assert_false(gd_overlap(10, 5, 15, 1));
    assert_true(gd_overlap(0, UINT64_MAX, UINT64_MAX - 1, 1));
    assert_false(gd_overlap(UINT64_MAX - 1, 4, UINT64_MAX, 1));
    assert_false(gd_overlap(10, 0, 10, 1));
}

static void bytes_have_the_order_asked_for(void **state)
{
    uint8_t b[8];

    (void)state;
    gd_store_le(b, 0x0102030405060708ULL, 8);
    assert_int_equal(b[0], 8);
    assert_true(gd_load_le(b, 8) == 0x0102030405060708ULL);
    assert_true(gd_load_le(b, 3) == 0x060708);
    gd_store_be(b, 0x0102030405060708ULL, 8);
    assert_int_equal(b[0], 1);
    assert_true(gd_load_be(b, 8) == 0x0102030405060708ULL);
    assert_true(gd_load_be(b, 3) == 0x010203);
    assert_true(gd_sext(0x80, 8) == -128);
    assert_true(gd_sext(0x7f, 8) == 127);
    assert_true(gd_bits(UINT64_MAX, 63, 0) == UINT64_MAX);
    assert_true(gd_bits(0xf0, 7, 4) == 0xf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_in_hex_have_two_digits_each),
        cmocka_unit_test(numbers_have_all_their_digits),
        cmocka_unit_test(a_format_knows_its_few_conversions_and_prints_others_as_they_are),
        cmocka_unit_test(every_window_shows_its_piece_of_the_document_and_nothing_past_it),
        cmocka_unit_test(a_string_is_terminated_inside_its_buffer),
        cmocka_unit_test(every_error_has_a_sentence_of_its_own),
        cmocka_unit_test(a_reason_says_what_where_and_at_which_level),
        cmocka_unit_test(ranges_that_wrap_or_are_empty_overlap_nothing),
        cmocka_unit_test(bytes_have_the_order_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
