/* SPDX-License-Identifier: MIT */
/*
 * Arm PrimeCell UART (PL011, DDI 0183): data, flags, interrupts. Baud rate, modem lines and DMA are
 * registers that keep what was written and do nothing.
 */
#ifndef VMM_ARM64_PL011_H
#define VMM_ARM64_PL011_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL011_SIZE 0x1000
#define PL011_FIFO 16

struct pl011 {
    pthread_mutex_t lock;
    uint8_t rx[PL011_FIFO];
    unsigned rx_first, rx_len;
    uint16_t raw, mask; /* RIS, IMSC */
    uint16_t cr, lcr_h, ibrd, fbrd, ifls, ilpr, dmacr;
    bool line;

    void (*send)(void *ctx, uint8_t byte);
    void (*irq)(void *ctx, bool level);
    void (*room)(void *ctx); /* the receive FIFO was full and is not any more */
    void *ctx;
};

/* The caller sets the callbacks first. */
void pl011_reset(struct pl011 *u);

uint64_t pl011_read(void *u, uint64_t offset, unsigned len);
void pl011_write(void *u, uint64_t offset, uint64_t value, unsigned len);

/* Bytes from the line. Takes pl011_room at most; more are lost, as on the wire. */
size_t pl011_room(struct pl011 *u);
void pl011_receive(struct pl011 *u, const uint8_t *bytes, size_t len);

#endif
