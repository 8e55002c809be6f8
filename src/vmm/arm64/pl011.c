/* SPDX-License-Identifier: MIT */
/*
 * PL011 UART; see pl011.h. Section numbers are those of Arm DDI 0183G. Transmission is
 * instantaneous, so the transmit FIFO is always empty. The receive interrupt is raised by every
 * byte, whatever IFLS says: the receive timeout of the real part would deliver it a moment later
 * anyway.
 */
#include "pl011.h"

#include <string.h>

/* 3.2, register summary */
enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    ILPR = 0x20,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48,
    PERIPH_ID = 0xfe0,
};

enum { FR_RXFE = 1 << 4, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7 };               /* 3.3.3 */
enum { INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6, INT_ALL = 0x7ff }; /* 3.3.9 */

#define LCR_FEN    (1 << 4)
#define CR_RESET   0x300
#define IFLS_RESET 0x12

/* 3.3.16 to 3.3.23: UARTPeriphID0-3 of revision r1p5, then UARTPCellID0-3. */
static const uint8_t ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static void update_line(struct pl011 *u)
{
    bool level = (u->raw & u->mask) != 0;

    if (level == u->line)
        return;
    u->line = level;
    u->irq(u->ctx, level);
}

void pl011_reset(struct pl011 *u)
{
    pthread_mutex_lock(&u->lock);
    u->rx_first = u->rx_len = 0;
    u->raw = u->mask = 0;
    u->lcr_h = u->ibrd = u->fbrd = u->ilpr = u->dmacr = 0;
    u->cr = CR_RESET;
    u->ifls = IFLS_RESET;
    update_line(u);
    pthread_mutex_unlock(&u->lock);
}

static unsigned depth(const struct pl011 *u)
{
    return u->lcr_h & LCR_FEN ? PL011_FIFO : 1;
}

static uint16_t take(struct pl011 *u, bool *was_full)
{
    uint8_t byte;

    if (u->rx_len == 0)
        return 0;
    *was_full = u->rx_len >= depth(u);
    byte = u->rx[u->rx_first];
    u->rx_first = (u->rx_first + 1) % PL011_FIFO;
    if (--u->rx_len == 0)
        u->raw &= (uint16_t) ~(INT_RX | INT_RT);
    return byte;
}

static uint16_t flags(const struct pl011 *u)
{
    uint16_t fr = FR_TXFE;

    if (u->rx_len == 0)
        fr |= FR_RXFE;
    if (u->rx_len >= depth(u))
        fr |= FR_RXFF;
    return fr;
}

static uint64_t read_locked(struct pl011 *u, uint64_t offset, bool *was_full)
{
    if (offset >= PERIPH_ID)
        return ids[(offset - PERIPH_ID) / 4];
    switch (offset & ~(uint64_t)3) {
    case DR:
        return take(u, was_full);
    case FR:
        return flags(u);
    case ILPR:
        return u->ilpr;
    case IBRD:
        return u->ibrd;
    case FBRD:
        return u->fbrd;
    case LCR_H:
        return u->lcr_h;
    case CR:
        return u->cr;
    case IFLS:
        return u->ifls;
    case IMSC:
        return u->mask;
    case RIS:
        return u->raw;
    case MIS:
        return u->raw & u->mask;
    case DMACR:
        return u->dmacr;
    default:
        return 0; /* RSR: no error ever happened; the rest is reserved or write-only */
    }
}

uint64_t pl011_read(void *dev, uint64_t offset, unsigned len)
{
    struct pl011 *u = dev;
    bool was_full = false;
    uint64_t value;

    (void)len;
    pthread_mutex_lock(&u->lock);
    value = read_locked(u, offset, &was_full);
    update_line(u);
    pthread_mutex_unlock(&u->lock);
    if (was_full)
        u->room(u->ctx);
    return value;
}

static void write_locked(struct pl011 *u, uint64_t offset, uint16_t value)
{
    switch (offset & ~(uint64_t)3) {
    case DR:
        u->raw |= INT_TX;
        break; /* the FIFO has just drained through its mark */
    case ILPR:
        u->ilpr = value & 0xff;
        break;
    case IBRD:
        u->ibrd = value;
        break;
    case FBRD:
        u->fbrd = value & 0x3f;
        break;
    case LCR_H:
        u->lcr_h = value & 0xff;
        break;
    case CR:
        u->cr = value;
        break;
    case IFLS:
        u->ifls = value & 0x3f;
        break;
    case IMSC:
        u->mask = value & INT_ALL;
        break;
    case ICR:
        u->raw &= (uint16_t)~value;
        break;
    case DMACR:
        u->dmacr = value & 7;
        break;
    default:
        break; /* ECR, and registers that cannot be written */
    }
}

void pl011_write(void *dev, uint64_t offset, uint64_t value, unsigned len)
{
    struct pl011 *u = dev;

    (void)len;
    if (offset == DR)
        u->send(u->ctx, (uint8_t)value);
    pthread_mutex_lock(&u->lock);
    write_locked(u, offset, (uint16_t)value);
    update_line(u);
    pthread_mutex_unlock(&u->lock);
}

size_t pl011_room(struct pl011 *u)
{
    size_t room;

    pthread_mutex_lock(&u->lock);
    room = u->rx_len < depth(u) ? depth(u) - u->rx_len : 0;
    pthread_mutex_unlock(&u->lock);
    return room;
}

void pl011_receive(struct pl011 *u, const uint8_t *bytes, size_t len)
{
    pthread_mutex_lock(&u->lock);
    for (size_t i = 0; i < len && u->rx_len < depth(u); i++) {
        u->rx[(u->rx_first + u->rx_len++) % PL011_FIFO] = bytes[i];
        u->raw |= INT_RX | INT_RT;
    }
    update_line(u);
    pthread_mutex_unlock(&u->lock);
}
