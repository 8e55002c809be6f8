/* SPDX-License-Identifier: MIT */
/*
 * Sessions as a whole, with what transcripts cannot say: raw bytes on the wire, retransmission,
 * buffers that end at a guard page, every truncation and mutation of every packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "client.h"
#include "support_guard.h"

static struct fake f;
static struct client c;

static int fresh(void **state)
{
    (void)state;
    fake_open(&f, 2, true);
    client_open(&c, &f, 0x400, GD_DISCONNECT_RESUME, false);
    return 0;
}

static void stop_now(void)
{
    client_bytes(&c, "\x03", 1);
    fake_run_all(&f, 1000);
    client_pump(&c);
}

static void check_wire(const char *want)
{
    assert_int_equal(c.out_len, strlen(want));
    assert_memory_equal(c.out, want, c.out_len);
    c.out_len = 0;
}

static void an_acknowledgement_and_its_reply_are_one_piece_of_output(void **state)
{
    size_t n;

    (void)state;
    c.stuck = true;
    client_bytes(&c, "$qC#b4", 6);
    gd_session_output(&c.s, &n);
    assert_int_equal(n, strlen("+$QC1#c5"));
    c.stuck = false;
    client_pump(&c);
    check_wire("+$QC1#c5");
}

static void a_refused_reply_is_sent_again_as_often_as_asked(void **state)
{
    (void)state;
    client_bytes(&c, "-", 1);
    check_wire("");
    client_bytes(&c, "$qC#b4", 6);
    check_wire("+$QC1#c5");
    client_bytes(&c, "-", 1);
    check_wire("$QC1#c5");
    client_bytes(&c, "-", 1);
    check_wire("$QC1#c5");
    client_bytes(&c, "$qC#b5", 6);
    check_wire("-");
    client_bytes(&c, "$qC#b4", 6);
    check_wire("+$QC1#c5");
}

static void after_a_packet_without_reply_there_is_nothing_to_send_again(void **state)
{
    (void)state;
    client_say(&c, "?");
    assert_true(client_next(&c));
    client_say(&c, "c");
    check_wire("+");
    stop_now(); /* the stop reply has no acknowledgement before it */
    assert_true(client_next(&c));
    client_say(&c, "c");
    check_wire("+");
    client_bytes(&c, "-", 1);
    check_wire("");
}

static void no_ack_begins_after_its_own_answer(void **state)
{
    (void)state;
    client_bytes(&c, "$QStartNoAckMode#b0", 19);
    check_wire("+$OK#9a");
    client_bytes(&c, "+$qC#b4", 7);
    check_wire("$QC1#c5");
    client_bytes(&c, "-", 1);
    check_wire("");
}

static void input_waits_for_output_and_no_byte_is_lost(void **state)
{
    static const uint8_t two[] = "$qC#b4$qC#b4";
    size_t n, used;

    (void)state;
    used = gd_session_input(&c.s, two, sizeof(two) - 1);
    assert_int_equal(used, 6);
    assert_int_equal(gd_session_input(&c.s, two + used, 6), 0);
    gd_session_output(&c.s, &n);
    gd_session_sent(&c.s, n - 1);
    assert_int_equal(gd_session_input(&c.s, two + used, 6), 0);
    gd_session_sent(&c.s, 1);
    assert_null(gd_session_output(&c.s, &n));
    assert_int_equal(gd_session_input(&c.s, two + used, 6), 6);
}

static void a_stop_that_comes_while_the_acknowledgement_is_unsent_follows_it(void **state)
{
    (void)state;
    c.stuck = true;
    client_say(&c, "s");
    assert_int_equal(c.s.run, RSP_RUNNING);
    fake_run_all(&f, 100);
    gd_session_event(&c.s);
    c.stuck = false;
    client_pump(&c);
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "T05thread:1;core:0;", 19);
    assert_false(client_next(&c));
    assert_null(c.fault);
}

static void event_behind(struct gd_cpu *cpu, const struct gd_exit *x, const struct gd_hw_set *set,
                         struct gd_event *ev)
{
    gd_arch_fake.event(cpu, x, set, ev);
    ev->after = ev->kind == GD_EV_HWBP;
}

static void a_stop_behind_its_breakpoint_is_said_before_it_is_told(void **state)
{
    static struct gd_arch arch;
    char text[128];
    struct gd_out o;

    (void)state;
    arch = gd_arch_fake;
    arch.event = event_behind;
    f.e.arch = &arch;
    client_say(&c, "Z1,10008,4");
    assert_true(client_got(&c, "OK"));
    client_say(&c, "c");
    fake_run_all(&f, 100);
    client_pump(&c);
    gd_out_init(&o, (uint8_t *)text, sizeof(text) - 1);
    gd_put_byte(&o, 'O');
    gd_put_hex_bytes(&o, (const uint8_t *)"guestdbg: vCPU 0: the breakpoint register of 0x10008",
                     52);
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, text, o.len);
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "T05thread:1;core:0;", 19);
}

static void packet_size_is_told_in_hex_and_is_kept(void **state)
{
    static char big[0x500];

    (void)state;
    client_say(&c, "qSupported:qRelocInsn+");
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "PacketSize=400;", 15);
    memset(big, '0', sizeof(big));
    memcpy(big, "m10000,", 7);
    big[0x3fe] = '4';
    client_send(&c, big, 0x3ff);
    assert_true(client_got(&c, "00000000"));
    big[0x3fe] = '0';
    big[0x3ff] = '4';
    client_send(&c, big, 0x400);
    assert_true(client_got(&c, "00000000"));
    client_send(&c, big, 0x401);
    assert_false(client_next(&c));
    assert_int_equal(c.nacks, 1);
    client_say(&c, "m10000,400");
    assert_true(client_next(&c));
    assert_int_equal(c.packet_len, 0x400);
    assert_null(c.fault);
}

static void binary_memory_that_needs_escapes_stays_within_packet_size(void **state)
{
    (void)state;
    memset(f.ram, '#', 0x1000);
    client_say(&c, "x10000,400");
    assert_true(client_next(&c));
    assert_int_equal(c.packet_len, 1 + 0x3ff / 2);
    assert_int_equal(c.packet[0], 'b');
    assert_null(c.fault);
}

static void memory_is_found_across_the_pieces_of_a_search(void **state)
{
    char packet[64];

    (void)state;
    for (size_t at = 0x3f0; at < 0x410; at++) {
        memset(f.ram, 0, FAKE_RAM_SIZE);
        memcpy(f.ram + at, "needle", 6);
        client_say(&c, "qSearch:memory:10000;1000;needle");
        snprintf(packet, sizeof(packet), "1,%zx", (size_t)FAKE_RAM + at);
        assert_true(client_got(&c, packet));
    }
}

/* As a guest's table that leads to itself has it: the whole address space, in 64 KiB of RAM. */
static int everywhere(struct gd_cpu *cpu, uint64_t va, enum gd_use use, struct gd_xlate *x,
                      struct gd_why *why)
{
    return gd_arch_fake.translate(cpu, FAKE_RAM + va % FAKE_RAM_SIZE, use, x, why);
}

/* GDB ignores the reason, and goes on, where it has no breakpoint at the PC. */
static void a_breakpoint_told_behind_its_instruction_has_no_reason(void **state)
{
    struct gd_stop stop = { .reason = GD_STOP_HWBREAK };
    uint8_t bytes[0x400];

    (void)state;
    client_say(&c, "qSupported:hwbreak+");
    assert_true(client_next(&c));
    for (unsigned after = 0; after < 2; after++) {
        struct gd_out o;

        stop.after = after;
        gd_out_init(&o, bytes, sizeof(bytes));
        gd_rsp_put_stop(&c.s, &o, &stop);
        gd_put_byte(&o, 0);
        assert_memory_equal(bytes, "T05", 3);
        assert_int_equal(strstr((char *)bytes, "hwbreak") == NULL, after);
    }
}

/* The dearest memory to search: each other byte begins what may be the pattern. */
static void say_costly_search(void)
{
    char packet[0x300] = "qSearch:memory:0;10000000;";
    size_t n = strlen(packet);

    memset(packet + n, 'a', 0x200);
    for (size_t i = 0; i < 0x1ff; i += 2)
        packet[n + i] = 'b';
    for (size_t i = 0; i < FAKE_RAM_SIZE; i++)
        f.ram[i] = i % 2 ? 'a' : 'b';
    packet[n + 0x1ff] = 'c';
    client_send(&c, packet, n + 0x200);
}

static void a_search_of_all_that_a_table_claims_to_map_ends(void **state)
{
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    arch.translate = everywhere;
    f.target.arch = &arch;
    fake_engine(&f, true);
    client_open(&c, &f, CLIENT_PACKET, GD_DISCONNECT_RESUME, false);
    client_say(&c, "qSearch:memory:0;ffffffffffffffff;needle");
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "E.malformed request (more than 1 GiB", 36);
    client_say(&c, "qSearch:memory:0;40000000;needle");
    assert_true(client_got(&c, "0"));
    say_costly_search();
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "E.malformed request (more than 1 GiB", 36);
    client_say(&c, "qCRC:0,40000001");
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "E.malformed request (more than 1 GiB", 36);
}

static void a_read_at_the_end_of_the_address_space_is_short(void **state)
{
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    arch.translate = everywhere;
    f.target.arch = &arch;
    fake_engine(&f, true);
    client_open(&c, &f, 0x400, GD_DISCONNECT_RESUME, false);
    client_say(&c, "mfffffffffffffffc,8");
    assert_true(client_got(&c, "00000000"));
    client_say(&c, "xffffffffffffffff,8");
    assert_true(client_next(&c));
    assert_int_equal(c.packet_len, 2);
}

static void much_to_escape(const struct gd_target *t, uint32_t flags, struct gd_out *o)
{
    (void)t;
    (void)flags;
    for (unsigned i = 0; i < 5000; i++)
        gd_put_byte(o, i % 3 ? '#' : (uint8_t)('a' + i % 26));
}

static void a_document_that_needs_escapes_arrives_whole(void **state)
{
    static uint8_t text[5000], want[5000];
    struct gd_arch arch = gd_arch_fake;
    char packet[64];
    struct gd_out o;
    size_t at = 0;

    (void)state;
    gd_out_init(&o, want, sizeof(want));
    much_to_escape(NULL, 0, &o);
    arch.tdesc = much_to_escape;
    f.target.arch = &arch;
    fake_engine(&f, true);
    client_open(&c, &f, 0x400, GD_DISCONNECT_RESUME, false);
    do {
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,3ff", at);
        client_say(&c, packet);
        assert_true(client_next(&c));
        assert_in_range(c.packet_len - 1, 1, sizeof(text) - at);
        memcpy(text + at, c.packet + 1, c.packet_len - 1);
        at += c.packet_len - 1;
    } while (c.packet[0] == 'm');
    assert_int_equal(at, sizeof(text));
    assert_memory_equal(text, want, at);
    assert_null(c.fault);
}

/* ---- G ---- */

static void a_refused_G_changes_no_register_at_all(void **state)
{
    char text[1024];
    struct gd_out o;
    uint8_t was[0x400];
    size_t n;

    (void)state;
    client_say(&c, "g");
    assert_true(client_next(&c));
    memcpy(was, c.packet, c.packet_len);
    n = c.packet_len;
    gd_out_init(&o, text, sizeof(text));
    gd_put_byte(&o, 'G');
    for (size_t i = 0; i + 16 < n; i++) /* all change, and r18 cannot */
        gd_put_byte(&o, was[i] == 'x' ? 'x' : '5');
    gd_put_str(&o, "0000000000000000");
    client_send(&c, text, o.len);
    assert_true(client_next(&c));
    assert_memory_equal(c.packet, "E.no such register", 18);
    client_say(&c, "g");
    assert_true(client_next(&c));
    assert_int_equal(c.packet_len, n);
    assert_memory_equal(c.packet, was, n);
    gd_out_init(&o, text, sizeof(text));
    gd_put_byte(&o, 'G');
    gd_put_bytes(&o, was, n);
    text[1] = '9';
    client_send(&c, text, o.len);
    assert_true(client_got(&c, "OK"));
    client_say(&c, "p0");
    assert_true(client_got(&c, "9000000000000000"));
}

/* ---- hostile packets ---- */

static const char *const packets[] = {
    "?",
    "g",
    "G00000000000000000000000000000000",
    "p1f",
    "P1=0100000000000000",
    "m10000,40",
    "M18000,4:01020304",
    "x10000,40",
    "X18000,4:abcd",
    "Z0,10010,4",
    "z0,10010,4",
    "Z2,18000,4;X4,00000000;cmds:0",
    "vCont?",
    "vCont;s:p1.1;c:p1.-1",
    "vCont;r10000,10040:1;S05:p1.2;C01;t",
    "c10000",
    "C05;10000",
    "s10004",
    "S05;10004",
    "Hgp1.1",
    "Hc-1",
    "Tp1.1",
    "vCtrlC",
    "qSupported:multiprocess+;swbreak+;xmlRegisters=i386;QThreadOptions+",
    "QStartNoAckMode",
    "QEnableErrorStrings",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "qAttached:1",
    "qSymbol::",
    "qXfer:features:read:target.xml:0,ffb",
    "qXfer:threads:read::0,1000",
    "qSearch:memory:10000;100;abc",
    "qCRC:10000,100",
    "qRcmd,68656c70",
    "qRcmd,776879",
    "qRcmd,736c6f7473",
    "qRcmd,77616c6b2031303030302020",
    "qRcmd,7374617473",
    "qRcmd,737465702d697271206f6e",
    "qRcmd,636f6e74657874203261203130303030",
    "qRcmd,69676e6f7265203130303030203120",
    "qRcmd,7261772062203431312031303030",
    "qRcmd,656e6469616e20626967",
    "qRcmd,7068797320313030303020323020",
    "D;1",
    "k",
    "vKill;1",
};

/* Gives the session a payload that ends at the guard page and lets everything that follows from
 * it happen. */
static void give(const uint8_t *payload, size_t n)
{
    unsigned before;

    if (c.s.run == RSP_CLOSED)
        (void)fresh(NULL);
    before = c.packets;
    gd_rsp_packet(&c.s, guarded(payload, n), n);
    client_pump(&c);
    while (client_next(&c))
        ;
    if (c.s.run == RSP_RUNNING) {
        before = c.packets;
        stop_now();
        while (client_next(&c))
            ;
        assert_int_equal(c.s.run, RSP_STOPPED);
        assert_int_equal(c.packets, before + 1); /* one stop reply for one resume */
    } else if (n && payload[0] != 'k') {
        assert_true(c.packets > before); /* every other packet has an answer */
    }
    assert_null(c.fault);
}

static void every_truncation_of_every_packet_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(packets); i++)
        for (size_t n = 0; n <= strlen(packets[i]); n++)
            give((const uint8_t *)packets[i], n);
}

static void every_packet_with_any_one_byte_changed_is_answered(void **state)
{
    static const uint8_t bytes[] = { 0,   0x03, ' ', '#', '$', '*', '+', ',', '-',  '.',  '0', ':',
                                     ';', '=',  'f', 'g', 'p', 't', 'x', '}', 0x7f, 0x80, 0xff };
    uint8_t payload[256];

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(packets); i++) {
        size_t n = strlen(packets[i]);

        for (size_t at = 0; at < n; at++) {
            for (size_t b = 0; b < sizeof(bytes); b++) {
                memcpy(payload, packets[i], n);
                payload[at] = bytes[b];
                give(payload, n);
            }
        }
    }
}

static void every_packet_with_a_number_that_wraps_is_answered(void **state)
{
    static const char *const numbers[] = { "ffffffffffffffff",
                                           "7fffffffffffffff",
                                           "8000000000000000",
                                           "10000000000000000",
                                           "ffffffff",
                                           "80000000",
                                           "0",
                                           "-1" };
    char payload[512];

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(packets); i++) {
        for (size_t at = 1; packets[i][at]; at++) {
            size_t digits = strspn(packets[i] + at, "0123456789abcdef");

            for (size_t b = 0; digits && b < GD_ARRAY_SIZE(numbers); b++) {
                int n = snprintf(payload, sizeof(payload), "%.*s%s%s", (int)at, packets[i],
                                 numbers[b], packets[i] + at + digits);

                give((const uint8_t *)payload, (size_t)n);
            }
        }
    }
}

static void any_buffer_sizes_are_survived(void **state)
{
    static struct gd_session s;
    static uint8_t rx[64], tx[128];
    size_t n;

    (void)state;
    for (size_t size = 0; size < 64; size++) {
        struct gd_session_config cfg = {
            .engine = &f.e, .rx = rx, .rx_size = size, .tx = tx, .tx_size = 2 * size
        };

        fake_open(&f, 2, true);
        gd_session_open(&s, &cfg);
        for (size_t i = 0; i < GD_ARRAY_SIZE(packets); i++) {
            uint8_t payload[128];

            if (strlen(packets[i]) > s.packet_max || s.run != RSP_STOPPED)
                gd_session_event(&s);
            memcpy(payload, packets[i], strlen(packets[i]));
            gd_rsp_packet(&s, payload, strlen(packets[i]));
            while (gd_session_output(&s, &n))
                gd_session_sent(&s, n);
            gd_session_event(&s);
            if (s.run == RSP_RUNNING) {
                gd_engine_interrupt(&f.e, 0);
                fake_run_all(&f, 100);
                gd_session_event(&s);
            }
            while (gd_session_output(&s, &n))
                gd_session_sent(&s, n);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_acknowledgement_and_its_reply_are_one_piece_of_output),
        TEST(a_refused_reply_is_sent_again_as_often_as_asked),
        TEST(after_a_packet_without_reply_there_is_nothing_to_send_again),
        TEST(no_ack_begins_after_its_own_answer),
        TEST(input_waits_for_output_and_no_byte_is_lost),
        TEST(a_stop_that_comes_while_the_acknowledgement_is_unsent_follows_it),
        TEST(a_stop_behind_its_breakpoint_is_said_before_it_is_told),
        TEST(packet_size_is_told_in_hex_and_is_kept),
        TEST(binary_memory_that_needs_escapes_stays_within_packet_size),
        TEST(memory_is_found_across_the_pieces_of_a_search),
        TEST(a_breakpoint_told_behind_its_instruction_has_no_reason),
        TEST(a_search_of_all_that_a_table_claims_to_map_ends),
        TEST(a_read_at_the_end_of_the_address_space_is_short),
        TEST(a_document_that_needs_escapes_arrives_whole),
        TEST(a_refused_G_changes_no_register_at_all),
        TEST(every_truncation_of_every_packet_is_answered),
        TEST(every_packet_with_any_one_byte_changed_is_answered),
        TEST(every_packet_with_a_number_that_wraps_is_answered),
        TEST(any_buffer_sizes_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
