/* SPDX-License-Identifier: MIT */
/*
 * The UART as its manual (Arm DDI 0183) and Linux's driver know it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vmm/arm64/pl011.h"

enum {
    DR = 0x00,
    FR = 0x18,
    LCR_H = 0x2c,
    CR = 0x30,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44
};
enum { RX = 0x10, TX = 0x20, RT = 0x40, FEN = 0x10, RXFE = 0x10, RXFF = 0x40, TXFE = 0x80 };

static struct {
    struct pl011 u;
    uint8_t sent[8];
    unsigned nsent, rooms, edges;
    bool level;
} t;

static void send(void *ctx, uint8_t byte)
{
    (void)ctx;
    t.sent[t.nsent++ % 8] = byte;
}

static void irq(void *ctx, bool level)
{
    (void)ctx;
    assert_int_not_equal(level, t.level);
    t.level = level;
    t.edges++;
}

static void room(void *ctx)
{
    (void)ctx;
    t.rooms++;
}

static uint32_t rd(uint64_t reg)
{
    return (uint32_t)pl011_read(&t.u, reg, 4);
}

static void wr(uint64_t reg, uint32_t v)
{
    pl011_write(&t.u, reg, v, 4);
}

static int fresh(void **state)
{
    (void)state;
    t.u = (struct pl011){ .send = send, .irq = irq, .room = room };
    pthread_mutex_init(&t.u.lock, NULL);
    t.nsent = t.rooms = t.edges = 0;
    t.level = false;
    pl011_reset(&t.u);
    return 0;
}

static void the_id_registers_say_pl011(void **state)
{
    static const uint8_t ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd(0xfe0 + 4 * i), ids[i]);
}

static void a_written_byte_is_sent_and_raises_the_transmit_interrupt_until_cleared(void **state)
{
    (void)state;
    wr(IMSC, TX);
    assert_false(t.level);
    wr(DR, 'a');
    assert_int_equal(t.nsent, 1);
    assert_int_equal(t.sent[0], 'a');
    assert_true(t.level);
    assert_int_equal(rd(MIS), TX);
    wr(ICR, TX);
    assert_false(t.level);
    assert_true(rd(FR) & TXFE);
}

static void received_bytes_come_out_in_order_and_the_line_follows(void **state)
{
    (void)state;
    wr(LCR_H, FEN);
    wr(IMSC, RX | RT);
    assert_int_equal(rd(FR) & (RXFE | RXFF), RXFE);
    pl011_receive(&t.u, (const uint8_t *)"xyz", 3);
    assert_true(t.level);
    assert_int_equal(rd(FR) & (RXFE | RXFF), 0);
    assert_int_equal(rd(DR), 'x');
    assert_int_equal(rd(DR), 'y');
    assert_true(t.level);
    assert_int_equal(rd(DR), 'z');
    assert_false(t.level);
    assert_int_equal(rd(FR) & RXFE, RXFE);
    assert_int_equal(t.edges, 2);
}

static void a_masked_interrupt_does_not_reach_the_line(void **state)
{
    (void)state;
    pl011_receive(&t.u, (const uint8_t *)"x", 1);
    assert_int_equal(t.edges, 0);
    assert_int_equal(rd(RIS) & RX, RX);
    assert_int_equal(rd(MIS), 0);
    wr(IMSC, RX);
    assert_true(t.level);
    wr(IMSC, 0);
    assert_false(t.level);
}

static void the_fifo_takes_16_bytes_or_one_and_asks_for_more_when_it_was_full(void **state)
{
    (void)state;
    assert_int_equal(pl011_room(&t.u), 1);
    wr(LCR_H, FEN);
    assert_int_equal(pl011_room(&t.u), 16);
    pl011_receive(&t.u, (const uint8_t *)"0123456789abcdefXY", 18);
    assert_int_equal(pl011_room(&t.u), 0);
    assert_int_equal(rd(FR) & RXFF, RXFF);
    assert_int_equal(rd(DR), '0');
    assert_int_equal(t.rooms, 1);
    assert_int_equal(rd(DR), '1');
    assert_int_equal(t.rooms, 1);
    pl011_receive(&t.u, (const uint8_t *)"gh", 2);
    for (const char *p = "23456789abcdefgh"; *p; p++)
        assert_int_equal(rd(DR), *p);
    assert_int_equal(rd(FR) & RXFE, RXFE);
    assert_int_equal(rd(DR), 0);
}

static void reset_drops_bytes_and_the_line(void **state)
{
    (void)state;
    wr(IMSC, RX);
    wr(LCR_H, FEN);
    pl011_receive(&t.u, (const uint8_t *)"x", 1);
    assert_true(t.level);
    pl011_reset(&t.u);
    assert_false(t.level);
    assert_int_equal(rd(FR) & RXFE, RXFE);
    assert_int_equal(rd(IMSC), 0);
    assert_int_equal(rd(CR), 0x300);
    assert_int_equal(rd(LCR_H), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_id_registers_say_pl011, fresh),
        cmocka_unit_test_setup(
            a_written_byte_is_sent_and_raises_the_transmit_interrupt_until_cleared, fresh),
        cmocka_unit_test_setup(received_bytes_come_out_in_order_and_the_line_follows, fresh),
        cmocka_unit_test_setup(a_masked_interrupt_does_not_reach_the_line, fresh),
        cmocka_unit_test_setup(the_fifo_takes_16_bytes_or_one_and_asks_for_more_when_it_was_full,
                               fresh),
        cmocka_unit_test_setup(reset_drops_bytes_and_the_line, fresh),
    };

    return cmocka_run_group_tests_name("pl011", tests, NULL, NULL);
}
