/* SPDX-License-Identifier: MIT */
/*
 * The debug UART: an Arm PL011 (DDI 0183). Line settings are left as firmware made them. Also
 * the monitor's own sentences, which go there before and between protocol packets; GDB skips
 * them. A board with another UART replaces this file.
 */
#include "monitor/arm64/board.h"
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define UARTDR              0x00
#define UARTFR              0x18
#define UARTFR_RXFE         (1u << 4)
#define UARTFR_TXFF         (1u << 5)
#define UARTFR_TXFE         (1u << 7)
#define TX_FIFO             16u /* bytes, 32 from revision r1p5 on */
#define UARTLCR_H           0x2c
#define UARTLCR_H_8BIT_FIFO 0x70u
#define UARTCR              0x30
#define UARTCR_ON           0x301u /* UARTEN, TXE, RXE */
#define UARTIMSC            0x38
#define UARTICR             0x44
#define INT_RX              (1u << 4)
#define INT_TX              (1u << 5)
#define INT_RT              (1u << 6) /* bytes wait in a FIFO below its trigger level */

static uint64_t uart = BOARD_EARLY_UART;
_Atomic bool guest_runs;

static volatile uint32_t *reg(unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(uart + offset);
}

void uart_open(uint64_t base)
{
    uart = base;
    *reg(UARTIMSC) = 0;
    *reg(UARTICR) = 0x7ff;
    *reg(UARTLCR_H) = UARTLCR_H_8BIT_FIFO;
    *reg(UARTCR) = UARTCR_ON;
    /* What came before is dropped; QEMU's model takes up a line that it had stopped only at
     * a read of data. */
    (void)*reg(UARTDR);
}

bool uart_fall_back(void)
{
    bool can = uart != BOARD_EARLY_UART && !guest_runs;

    uart = BOARD_EARLY_UART;
    return can;
}

bool uart_get(uint8_t *byte)
{
    if (*reg(UARTFR) & UARTFR_RXFE)
        return false;
    *byte = (uint8_t)*reg(UARTDR);
    return true;
}

size_t uart_put(const uint8_t *bytes, size_t n)
{
    uint32_t flags = *reg(UARTFR);
    size_t room = flags & UARTFR_TXFE ? TX_FIFO : !(flags & UARTFR_TXFF);

    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++)
        *reg(UARTDR) = bytes[i];
    return n;
}

void uart_interrupts(bool rx, bool tx)
{
    *reg(UARTIMSC) = (rx ? INT_RX | INT_RT : 0) | (tx ? INT_TX : 0);
}

/* Characters that mean something to a debugger that waits for an answer are left out. */
static uint8_t harmless(char c)
{
    return c == '-' || c == '+' || c == '$' || c == '#' || c == '%' ? '_' : (uint8_t)c;
}

static void uart_text(const char *s)
{
    for (; *s; s++) {
        uint8_t byte = harmless(*s);

        for (unsigned tries = 0; tries < 1000000 && !uart_put(&byte, 1); tries++) {
        }
    }
}

void say_x(const char *before, uint64_t value, const char *after)
{
    char buf[24];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    gd_put_str(&o, "0x");
    gd_put_hex(&o, value);
    uart_text("guestdbg_el2: ");
    uart_text(before);
    uart_text(gd_out_str(&o));
    uart_text(after);
    uart_text("\r\n");
}

void say(const char *text)
{
    uart_text("guestdbg_el2: ");
    uart_text(text);
    uart_text("\r\n");
}

static _Noreturn void halt(void)
{
    for (;;)
        wfi();
}

/* Nobody may look at the debug UART, so the end is told on the first one too, as long as
 * the guest does not use it. */
static void on_both(const char *before, uint64_t value, const char *after)
{
    uint64_t debug = uart;

    for (unsigned i = 0; i < 2; i++) {
        if (after)
            say_x(before, value, after);
        else
            say(before);
        if (guest_runs || debug == BOARD_EARLY_UART)
            break;
        uart = BOARD_EARLY_UART;
    }
    uart = debug;
}

void stop_x(const char *before, uint64_t value, const char *after)
{
    on_both(before, value, after);
    halt();
}

void stop(const char *text)
{
    on_both(text, 0, NULL);
    halt();
}
