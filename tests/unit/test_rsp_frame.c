/* SPDX-License-Identifier: MIT */
/* Framing: what is sent can be read back, and what is read cannot overrun or get out of step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "rsp/frame.h"
#include "rsp/parse.h"
#include "support_guard.h"

static uint8_t room[4096];

static size_t encode(const void *payload, size_t n, uint8_t *wire, size_t cap)
{
    return gd_frame_encode(wire, cap, payload, n);
}

/* Undoes run lengths, which clients never send and gd_frame_feed() thus does not know, and
 * makes an ordinary frame of it again. */
static size_t without_runs(const uint8_t *wire, size_t n, uint8_t *plain)
{
    uint8_t sum = 0;
    size_t len = 0;

    for (size_t i = 0; i + 3 < n; i++) {
        if (i && wire[i] == '*' && wire[i - 1] != '}') {
            unsigned more = wire[++i] - 29u;

            assert_in_range(wire[i], 32, 126);
            assert_int_not_equal(wire[i], '#');
            assert_int_not_equal(wire[i], '$');
            while (more--) {
                plain[len] = plain[len - 1];
                len++;
            }
        } else {
            plain[len++] = wire[i];
        }
    }
    for (size_t i = 1; i < len; i++)
        sum = (uint8_t)(sum + plain[i]);
    return len + (size_t)sprintf((char *)plain + len, "#%02x", sum);
}

static void check_wire(const uint8_t *wire, size_t n)
{
    uint8_t sum = 0;

    assert_int_equal(wire[0], '$');
    for (size_t i = 1; i < n - 3; i++) {
        assert_int_not_equal(wire[i], '$');
        assert_int_not_equal(wire[i], '#');
        sum = (uint8_t)(sum + wire[i]);
    }
    assert_int_equal(wire[n - 3], '#');
    assert_int_equal(gd_hex_digit(wire[n - 2]) << 4 | gd_hex_digit(wire[n - 1]), sum);
}

static void round_trip(const uint8_t *payload, size_t n)
{
    static uint8_t wire[4096], plain[16384];
    size_t len = encode(payload, n, wire, sizeof(wire));
    enum gd_frame_event event;
    struct gd_frame f;

    check_wire(wire, len);
    len = without_runs(wire, len, plain);
    gd_frame_init(&f, room, sizeof(room));
    assert_int_equal(gd_frame_feed(&f, plain, len, &event), len);
    assert_int_equal(event, GD_FRAME_PACKET);
    assert_int_equal(f.len, n);
    assert_memory_equal(f.buf, payload, n);
}

static void every_byte_in_every_run_length_comes_back(void **state)
{
    uint8_t payload[256];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t n = 0; n < 220; n++) {
            memset(payload, (int)byte, n);
            payload[n] = (uint8_t)(byte + 1);
            round_trip(payload, n);
            round_trip(payload, n + 1);
        }
    }
}

static void the_manuals_examples_hold(void **state)
{
    uint8_t wire[64];

    (void)state;
    assert_int_equal(encode("OK", 2, wire, sizeof(wire)), 6);
    assert_memory_equal(wire, "$OK#9a", 6);
    assert_int_equal(encode("", 0, wire, sizeof(wire)), 4);
    assert_memory_equal(wire, "$#00", 4);
    /* "0* " is the manual's example of four zeros */
    assert_int_equal(encode("0000", 4, wire, sizeof(wire)), 7);
    assert_memory_equal(wire, "$0* #7a", 7);
    /* a run of eight would have the count '$', one of seven '#' */
    assert_int_equal(encode("00000000", 8, wire, sizeof(wire)), 9);
    assert_memory_equal(wire, "$0*\"00#", 7);
    assert_int_equal(encode("}", 1, wire, sizeof(wire)), 6);
    assert_memory_equal(wire, "$}]#da", 6);
}

static void a_packet_may_come_in_any_two_halves(void **state)
{
    static const uint8_t wire[] = "+$X10,4:a}\x03"
                                  "b}]#70-\x03$p1#a1";
    size_t n = sizeof(wire) - 1;

    (void)state;
    for (size_t cut = 0; cut <= n; cut++) {
        enum gd_frame_event event, seen[8];
        struct gd_frame f;
        unsigned count = 0;

        gd_frame_init(&f, room, sizeof(room));
        for (size_t at = 0; at < n;) {
            size_t end = at < cut ? cut : n;

            at += gd_frame_feed(&f, guarded(wire + at, end - at), end - at, &event);
            if (event == GD_FRAME_MORE)
                continue;
            seen[count++] = event;
            if (count == 2) {
                assert_int_equal(f.len, 10);
                assert_memory_equal(f.buf, "X10,4:a#b}", 10);
            }
        }
        assert_int_equal(count, 5);
        assert_int_equal(seen[0], GD_FRAME_ACK);
        assert_int_equal(seen[1], GD_FRAME_PACKET);
        assert_int_equal(seen[2], GD_FRAME_NACK);
        assert_int_equal(seen[3], GD_FRAME_BREAK);
        assert_int_equal(seen[4], GD_FRAME_PACKET);
    }
}

static enum gd_frame_event feed(struct gd_frame *f, const char *wire)
{
    enum gd_frame_event event = GD_FRAME_MORE;
    size_t n = strlen(wire), used = gd_frame_feed(f, guarded(wire, n), n, &event);

    assert_int_equal(used, n);
    return event;
}

static void a_truncated_packet_is_no_packet(void **state)
{
    static const char wire[] = "$m1000,4#8e";
    struct gd_frame f;
    char part[sizeof(wire)];

    (void)state;
    for (size_t n = 0; n < sizeof(wire) - 1; n++) {
        memcpy(part, wire, n);
        part[n] = 0;
        gd_frame_init(&f, room, sizeof(room));
        assert_int_equal(feed(&f, part), GD_FRAME_MORE);
        /* and the next packet is in step again */
        assert_int_equal(feed(&f, wire), GD_FRAME_PACKET);
        assert_memory_equal(f.buf, "m1000,4", 7);
    }
}

static void a_wrong_checksum_is_bad_whichever_digit_it_is(void **state)
{
    struct gd_frame f;
    char wire[16];

    (void)state;
    gd_frame_init(&f, room, sizeof(room));
    for (unsigned sum = 0; sum < 256; sum++) {
        sprintf(wire, "$g#%02x", sum);
        assert_int_equal(feed(&f, wire), sum == 'g' ? GD_FRAME_PACKET : GD_FRAME_BAD);
        sprintf(wire, "$g#%02X", sum);
        assert_int_equal(feed(&f, wire), sum == 'g' ? GD_FRAME_PACKET : GD_FRAME_BAD);
    }
    assert_int_equal(feed(&f, "$g#z"), GD_FRAME_BAD);
    assert_int_equal(feed(&f, "$g#6z"), GD_FRAME_BAD);
    assert_int_equal(feed(&f, "$}#"), GD_FRAME_BAD);
    assert_int_equal(feed(&f, "$g#67"), GD_FRAME_PACKET);
}

static void a_break_inside_a_packet_is_data(void **state)
{
    struct gd_frame f;

    (void)state;
    gd_frame_init(&f, room, sizeof(room));
    assert_int_equal(feed(&f, "$\x03#03"), GD_FRAME_PACKET);
    assert_int_equal(f.len, 1);
    assert_int_equal(feed(&f, "\x03"), GD_FRAME_BREAK);
}

static void a_packet_too_long_is_told_and_never_stored(void **state)
{
    struct gd_frame f;

    (void)state;
    for (size_t cap = 0; cap < 8; cap++) {
        gd_frame_init(&f, guarded(NULL, cap), cap);
        enum gd_frame_event event;

        gd_frame_feed(&f, (const uint8_t *)"$aaaaaa#46", 10, &event);
        assert_int_equal(event, cap < 6 ? GD_FRAME_LONG : GD_FRAME_PACKET);
        gd_frame_feed(&f, (const uint8_t *)"$#00", 4, &event);
        assert_int_equal(event, GD_FRAME_PACKET);
        assert_int_equal(f.len, 0);
    }
}

static void encoding_over_its_own_source_is_safe_at_the_promised_size(void **state)
{
    static const uint8_t bytes[] = { '#', 'a', '*', 0 };
    uint8_t buf[2 * 300 + GD_FRAME_EXTRA], apart[2 * 300 + GD_FRAME_EXTRA], payload[300];

    (void)state;
    for (size_t b = 0; b < sizeof(bytes); b++) {
        for (size_t n = 0; n <= sizeof(payload); n++) {
            size_t cap = 2 * n + GD_FRAME_EXTRA, len;

            memset(payload, bytes[b], n);
            len = encode(payload, n, apart, cap);
            assert_true(len > 0);
            memcpy(buf + cap - n, payload, n);
            assert_int_equal(gd_frame_encode(buf, cap, buf + cap - n, n), len);
            assert_memory_equal(buf, apart, len);
        }
    }
}

/* The shortest rules that the manual allows, a byte at a time. */
static size_t simply(const uint8_t *src, size_t n, uint8_t *wire)
{
    size_t len = 0;
    uint8_t sum = 0;

    wire[len++] = '$';
    for (size_t i = 0, more; i < n; i += 1 + more) {
        bool special = src[i] && strchr("#$*}", src[i]);

        for (more = 0; i + more + 1 < n && src[i + more + 1] == src[i] && more < 97;)
            more++;
        more = more == '#' - 29 || more == '$' - 29 ? '#' - 29 - 1 : more;
        if (special || more < 3)
            more = 0;
        if (special)
            wire[len++] = '}';
        wire[len++] = special ? src[i] ^ 0x20 : src[i];
        if (more) {
            wire[len++] = '*';
            wire[len++] = (uint8_t)(29 + more);
        }
    }
    for (size_t i = 1; i < len; i++)
        sum = (uint8_t)(sum + wire[i]);
    return len + (size_t)sprintf((char *)wire + len, "#%02x", sum);
}

static void mixtures_are_encoded_as_byte_by_byte(void **state)
{
    static const char *alphabets[] = { "0123456789abcdef", "0a", "a#$*}", "+|~)", NULL };
    uint8_t payload[3000], want[2 * sizeof(payload) + 8], buf[2 * sizeof(payload) + 8];
    uint64_t random = 88172645463325252;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        const char *alphabet = alphabets[round % GD_ARRAY_SIZE(alphabets)];
        size_t n = random % (round % 50 ? 80 : sizeof(payload)), len, cap, limit, fit = 0, need = 0;

        for (size_t i = 0; i < n; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            payload[i] = i && random % 4 == 0 ? payload[i - 1]
                         : alphabet           ? (uint8_t)alphabet[random / 4 % strlen(alphabet)]
                                              : (uint8_t)(random >> 32);
        }
        len = simply(payload, n, want);
        cap = 2 * n + GD_FRAME_EXTRA;
        memcpy(buf + cap - n, payload, n);
        assert_int_equal(gd_frame_encode(buf, cap, buf + cap - n, n), len);
        assert_memory_equal(buf, want, len);
        assert_int_equal(encode(guarded(payload, n), n, buf, len), len);
        assert_memory_equal(buf, want, len);
        assert_int_equal(encode(payload, n, buf, len - 1), 0);
        limit = random / 7 % (n + 2);
        for (; fit < n; fit++) {
            need += payload[fit] && strchr("#$*}", payload[fit]) ? 2 : 1;
            if (need > limit)
                break;
        }
        assert_int_equal(gd_frame_fit(guarded(payload, n), n, limit), fit);
        random += round;
    }
}

static void what_does_not_fit_is_not_sent(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 12; cap++) {
        uint8_t *wire = guarded(NULL, cap);

        assert_int_equal(encode("abc#", 4, wire, cap), cap < 9 ? 0 : 9);
    }
}

static void fit_counts_escapes(void **state)
{
    (void)state;
    assert_int_equal(gd_frame_fit((const uint8_t *)"ab#c", 4, 5), 4);
    assert_int_equal(gd_frame_fit((const uint8_t *)"ab#c", 4, 4), 3);
    assert_int_equal(gd_frame_fit((const uint8_t *)"ab#c", 4, 3), 2);
    assert_int_equal(gd_frame_fit((const uint8_t *)"ab#c", 4, 0), 0);
    assert_int_equal(gd_frame_fit((const uint8_t *)"", 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_in_every_run_length_comes_back),
        cmocka_unit_test(the_manuals_examples_hold),
        cmocka_unit_test(a_packet_may_come_in_any_two_halves),
        cmocka_unit_test(a_truncated_packet_is_no_packet),
        cmocka_unit_test(a_wrong_checksum_is_bad_whichever_digit_it_is),
        cmocka_unit_test(a_break_inside_a_packet_is_data),
        cmocka_unit_test(a_packet_too_long_is_told_and_never_stored),
        cmocka_unit_test(encoding_over_its_own_source_is_safe_at_the_promised_size),
        cmocka_unit_test(mixtures_are_encoded_as_byte_by_byte),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(fit_counts_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
