/* SPDX-License-Identifier: MIT */
/*
 * The filter before the interrupt controller's memory: the guest's accesses to the distributor
 * and to its redistributors trap (stage 2 leaves these pages out) and are made here in its name,
 * except that what belongs to us reads as zero and ignores writes: the debug UART's SPI, the
 * EL2 timer's and the maintenance interrupt's PPI. The guest's SGI with the number of ours has
 * its enable bit and priority kept in struct cpu. The distributor and the redistributors stay
 * on even where the guest turns them off. What is not accessed in one of its widths is an abort, for
 * the guest and not for us. GIC architecture (IHI 0069) chapter 12.
 */
#include "monitor/arm64/monitor.h"

#define GICD_CTLR       0x0000u
#define GICD_CTLR_RWP   (1u << 31)
#define GROUP1          (1u << 1)
#define OUR_CTLR        (1u << 4 | GROUP1)
#define GICD_SETSPI_NSR 0x0040u
#define GICD_CLRSPI_NSR 0x0048u
#define GICD_IROUTER    0x6000u
#define GICR_WAKER      0x0014u
#define GICR_SGI_FRAME  0x10000u
#define FRAME_SIZE      0x10000u

static uint32_t guest_ctlr;

static uint64_t raw_read(uint64_t at, unsigned size)
{
    switch (size) {
    case 1:
        return *(volatile uint8_t *)(uintptr_t)at;
    case 2:
        return *(volatile uint16_t *)(uintptr_t)at;
    case 4:
        return *(volatile uint32_t *)(uintptr_t)at;
    default:
        return *(volatile uint64_t *)(uintptr_t)at;
    }
}

static void raw_write(uint64_t at, unsigned size, uint64_t v)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)(uintptr_t)at = (uint8_t)v;
        break;
    case 2:
        *(volatile uint16_t *)(uintptr_t)at = (uint16_t)v;
        break;
    case 4:
        *(volatile uint32_t *)(uintptr_t)at = (uint32_t)v;
        break;
    default:
        *(volatile uint64_t *)(uintptr_t)at = v;
    }
}

void dist_init(void)
{
    uint64_t d = machine.gicd.base;
    uint64_t deadline = time_in_ms(1000);

    guest_ctlr = (uint32_t)raw_read(d, 4);
    /* Affinity routing and the group of our interrupts; the positions of these bits are the
     * same with and without a second security state as far as we set them. */
    raw_write(d, 4, guest_ctlr | OUR_CTLR);
    while (raw_read(d, 4) & GICD_CTLR_RWP) {
        if (time_now() > deadline)
            stop("the GIC's distributor does not answer");
    }
    if (!(raw_read(d, 4) & 1u << 4))
        stop("the GIC has no affinity routing");
    mmu_hide(d, machine.gicd.size < FRAME_SIZE ? machine.gicd.size : FRAME_SIZE);
    for (unsigned i = 0; i < ncpus; i++) {
        if (cpus[i].gicr)
            mmu_hide(cpus[i].gicr, 2 * FRAME_SIZE);
    }
}

/* ---- fields per interrupt ---- */

enum rule { PLAIN, SET_CLEAR };

/* Register arrays: offset, bits per interrupt. */
static const struct bank {
    uint16_t offset, bits, kind;
} banks[] = {
    { 0x0080, 1, PLAIN },     /* IGROUPR */
    { 0x0100, 1, SET_CLEAR }, /* ISENABLER */
    { 0x0180, 1, SET_CLEAR }, /* ICENABLER */
    { 0x0200, 1, SET_CLEAR }, /* ISPENDR */
    { 0x0280, 1, SET_CLEAR }, /* ICPENDR */
    { 0x0300, 1, SET_CLEAR }, /* ISACTIVER */
    { 0x0380, 1, SET_CLEAR }, /* ICACTIVER */
    { 0x0400, 8, PLAIN },     /* IPRIORITYR */
    { 0x0800, 8, PLAIN },     /* ITARGETSR */
    { 0x0c00, 2, PLAIN },     /* ICFGR */
    { 0x0d00, 1, PLAIN },     /* IGRPMODR */
    { 0x0e00, 2, PLAIN },     /* NSACR */
};

static const struct bank *bank_of(uint64_t offset, uint64_t *first)
{
    for (unsigned i = 0; i < GD_ARRAY_SIZE(banks); i++) {
        uint64_t in = offset - banks[i].offset;

        if (in < 1024u * banks[i].bits / 8) {
            *first = in * 8 / banks[i].bits;
            return &banks[i];
        }
    }
    return NULL;
}

/* The bits of an access of size bytes at interrupt first on that belong to intid. */
static uint64_t field(const struct bank *b, uint64_t first, unsigned size, unsigned intid)
{
    uint64_t n = size * 8ull / b->bits;

    if (intid < first || intid >= first + n)
        return 0;
    return ((1ull << b->bits) - 1) << ((intid - first) * b->bits);
}

/* An access with the bits of mask left as they are. */
static void masked(uint64_t at, unsigned size, bool write, uint64_t *value, uint64_t mask,
                   enum rule rule)
{
    uint64_t have;

    if (!write) {
        *value = raw_read(at, size) & ~mask;
        return;
    }
    have = mask && rule == PLAIN ? raw_read(at, size) & mask : 0;
    raw_write(at, size, (*value & ~mask) | have);
}

/* ---- distributor ---- */

static void dist_ctlr(uint64_t at, bool write, uint64_t *value)
{
    if (write) {
        guest_ctlr = (uint32_t)*value;
        raw_write(at, 4, guest_ctlr | OUR_CTLR);
    } else {
        /* affinity routing cannot be turned off for the guest either */
        *value = (raw_read(at, 4) & ~(uint64_t)GROUP1) | (guest_ctlr & GROUP1);
    }
}

static void distributor(uint64_t offset, unsigned size, bool write, uint64_t *value)
{
    uint64_t at = machine.gicd.base + offset, first = 0, mask = 0;
    const struct bank *b = bank_of(offset, &first);
    uint64_t route = GICD_IROUTER + 8ull * machine.uart_irq;
    bool have_uart = machine.uart.base;

    if (offset == GICD_CTLR && size == 4) {
        dist_ctlr(at, write, value);
        return;
    }
    if (write && have_uart && (offset == GICD_SETSPI_NSR || offset == GICD_CLRSPI_NSR) &&
        (*value & 0x3ff) == machine.uart_irq)
        return;
    if (have_uart && offset >= route && offset < route + 8) {
        if (!write)
            *value = 0;
        return;
    }
    if (b && have_uart)
        mask = field(b, first, size, machine.uart_irq);
    masked(at, size, write, value, mask, b ? (enum rule)b->kind : PLAIN);
}

/* ---- redistributor ---- */

/* The guest's view of the SGI whose number is ours. */
static void shadow_sgi(struct cpu *c, uint64_t offset, uint64_t bit, bool write, uint64_t *value)
{
    unsigned shift = (unsigned)__builtin_ctzll(bit);

    if (offset == 0x100 && write && *value & bit)
        c->shadow_enabled = true;
    else if (offset == 0x180 && write && *value & bit)
        c->shadow_enabled = false;
    else if ((offset == 0x100 || offset == 0x180) && !write)
        *value |= c->shadow_enabled ? bit : 0;
    else if (offset >= 0x400 && offset < 0x410 && write)
        c->shadow_priority = (uint8_t)(*value >> shift);
    else if (offset >= 0x400 && offset < 0x410)
        *value |= (uint64_t)c->shadow_priority << shift;
    else if (offset == 0x80 && !write)
        *value |= bit;
}

static void redistributor(struct cpu *c, uint64_t offset, unsigned size, bool write,
                          uint64_t *value)
{
    uint64_t at = c->gicr + offset, first = 0, mask = 0, sgi;
    const struct bank *b;

    if (offset < GICR_SGI_FRAME) {
        if (!write || offset != GICR_WAKER)
            masked(at, size, write, value, 0, PLAIN);
        return;
    }
    offset -= GICR_SGI_FRAME;
    b = bank_of(offset, &first);
    if (!b) {
        masked(at, size, write, value, 0, PLAIN);
        return;
    }
    sgi = field(b, first, size, OUR_SGI);
    mask = sgi | field(b, first, size, machine.timer_irq) |
           field(b, first, size, machine.maintenance_irq);
    if (sgi && write)
        shadow_sgi(c, offset, sgi, true, value);
    masked(at, size, write, value, mask, (enum rule)b->kind);
    if (sgi && !write)
        shadow_sgi(c, offset, sgi, false, value);
}

static struct cpu *frame_owner(uint64_t ipa)
{
    for (unsigned i = 0; i < ncpus; i++) {
        if (cpus[i].gicr && ipa - cpus[i].gicr < 2 * FRAME_SIZE)
            return &cpus[i];
    }
    return NULL;
}

bool dist_owns(uint64_t ipa)
{
    return ipa - machine.gicd.base < FRAME_SIZE || frame_owner(ipa);
}

/* Other widths are UNPREDICTABLE (IHI 0069, "GIC memory-mapped register access") and may be an external
 * abort, which must not be ours: bytes in priorities and targets, 2 bytes where messages go, 8 bytes
 * in registers of 64 bits. */
static bool has_width(uint64_t offset, unsigned size, bool redist)
{
    /* GICR_TYPER, SETLPIR, CLRLPIR, PROPBASER, PENDBASER, INVLPIR, INVALLR by offset / 8 */
    const uint64_t wide = 1u << 1 | 1u << 8 | 1u << 9 | 1u << 14 | 1u << 15 | 1u << 20 | 1u << 22;

    switch (size) {
    case 1: /* with those of extended PPIs and SPIs */
        return redist ? offset - 0x10400 < 0x60 : offset - 0x400 < 0x800 || offset - 0x2000 < 0x400;
    case 2:
        return !redist && offset - GICD_SETSPI_NSR < 0x20;
    case 8: /* GICD_IROUTER, and those of extended SPIs */
        return redist ? offset < 0x200 && gd_bit(wide, (unsigned)offset / 8)
                      : offset - GICD_IROUTER < 0x4000;
    default:
        return true;
    }
}

bool dist_access(uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
    struct cpu *c = frame_owner(ipa);
    uint64_t offset = ipa - (c ? c->gicr : machine.gicd.base);

    if (ipa & (size - 1) || !has_width(offset, size, c))
        return false;
    gic_give_back(this_cpu());
    if (c)
        redistributor(c, offset, size, write, value);
    else
        distributor(offset, size, write, value);
    return true;
}
