/* SPDX-License-Identifier: MIT */
/*
 * Turns the UART's FIFO off while more is in it than a UART without one holds, and reads on once the
 * debugger has set `go`. Then writes to the UART by an instruction whose data abort has no syndrome.
 */
#include "bare.h"

#define FR    (0x18 / 4)
#define LCR_H (0x2c / 4)
#define RXFE  0x10u
#define FEN   0x10u

volatile uint64_t go;

static uint32_t typed(void)
{
    while (UART[FR] & RXFE)
        ;
    return UART[0];
}

int main(void)
{
    volatile uint32_t *uart = UART;

    UART[LCR_H] = FEN;
    put_string("large\n");
    while (typed() != 'a')
        ;
    while (UART[FR] & RXFE)
        ;
    UART[LCR_H] = 0;
    put_string("small\n");
    while (!go)
        ;
    while (typed() != 'x')
        ;
    put_string("heard x\n");
    __asm__ volatile("str %w1, [%0], #4" : "+r"(uart) : "r"('?') : "memory");
    power_off();
}
