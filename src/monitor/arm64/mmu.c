/* SPDX-License-Identifier: MIT */
/*
 * Two identity maps. EL2's own stage 1: RAM cacheable, everything else device memory. The
 * guest's stage 2: everything but the monitor's block, its UART and the interrupt controller
 * pages that are filtered; the memory type is left to the guest's stage 1. Neither changes after
 * it was turned on, so no entry needs break-before-make. The device tree is read by an
 * early map of EL2's own; the one by what it says has a root of its own, and takes the place of the
 * first as a whole (el2_mmu_on()). Arm ARM D8.2 to D8.6, VMSAv8-64 with the 4 KB granule.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define ENTRIES 512u
#define POOL    30u

#define DESC_VALID (1ull << 0)
#define DESC_TABLE (1ull << 1) /* at level 3: page */
#define DESC_ADDR  0x0000fffffffff000ull
#define DESC_AF    (1ull << 10)
#define DESC_INNER (3ull << 8)

/* EL2 stage 1: AttrIndx 0 device, 1 normal; AP[1] is RES1 */
#define S1_DEVICE (DESC_AF | 1ull << 6 | 1ull << 54)
#define S1_NORMAL (DESC_AF | 1ull << 6 | DESC_INNER | 1ull << 2)
/* Stage 2: read, write, execute; write-back, so that stage 1 decides */
#define S2_ALL (DESC_AF | DESC_INNER | 3ull << 6 | 0xfull << 2)

#define S1_BITS 39u
#define S2_BITS 40u /* at most; two concatenated first tables, D8.2.10 */

static uint64_t s1_early[ENTRIES] __attribute__((aligned(4096)));
uint64_t s1_root[ENTRIES] __attribute__((aligned(4096), used)); /* entry.S */
static uint64_t s2_root[2 * ENTRIES] __attribute__((aligned(8192)));
static uint64_t pool[POOL][ENTRIES] __attribute__((aligned(4096)));
static unsigned pool_used;

unsigned mmu_ipa_bits(void)
{
    unsigned pa = gd_arm64_pa_bits(get_ID_AA64MMFR0_EL1());

    return pa < S2_BITS ? pa : S2_BITS;
}

/* The table behind an entry; a block becomes a table of smaller ones first. */
static uint64_t *table_of(uint64_t *entry, unsigned shift)
{
    uint64_t old = *entry, *table;

    if ((old & 3) == (DESC_VALID | DESC_TABLE))
        return (uint64_t *)(uintptr_t)(old & DESC_ADDR);
    if (pool_used == POOL)
        stop("more translation tables than there is room for: too many separate regions");
    table = pool[pool_used++];
    for (unsigned i = 0; (old & DESC_VALID) && i < ENTRIES; i++)
        table[i] = (old + ((uint64_t)i << (shift - 9))) | (shift - 9 == 12 ? DESC_TABLE : 0);
    *entry = (uint64_t)(uintptr_t)table | DESC_VALID | DESC_TABLE;
    return table;
}

/* Maps [base, base + size) onto itself with attr, 0 = not at all; page by page where nothing
 * larger fits. */
static void map(uint64_t *root, uint64_t base, uint64_t size, uint64_t attr)
{
    uint64_t end = base + size;

    while (base < end) {
        uint64_t *entry = root + (base >> 30);
        unsigned shift = 30;

        while (shift > 12 && ((base & ((1ull << shift) - 1)) || end - base < 1ull << shift)) {
            entry = table_of(entry, shift) + (base >> (shift - 9) & (ENTRIES - 1));
            shift -= 9;
        }
        *entry = attr ? base | attr | DESC_VALID | (shift == 12 ? DESC_TABLE : 0) : 0;
        base += 1ull << shift;
    }
}

/* PARange as TCR_EL2.PS and VTCR_EL2.PS take it without 52-bit addresses. */
static uint64_t pa_size(void)
{
    uint64_t range = gd_bits(get_ID_AA64MMFR0_EL1(), 3, 0);

    return range < 5 ? range : 5;
}

static void normal_pages(uint64_t *root, uint64_t base, uint64_t size)
{
    const uint64_t reach = 1ull << S1_BITS;
    uint64_t first = base & ~0xfffull, end = base + size < reach ? base + size : reach;

    end = (end + 0xfff) & ~0xfffull;
    if (first < end)
        map(root, first, end - first, S1_NORMAL);
}

/* Enough to read the device tree: our own block and 2 MB from the tree on. */
void mmu_early(uint64_t tree)
{
    map(s1_early, 0, 1ull << S1_BITS, S1_DEVICE);
    normal_pages(s1_early, (uintptr_t)image_start, MONITOR_BLOCK);
    normal_pages(s1_early, tree, 0x200000);
    el2_mmu_on(s1_early);
}

bool mmu_reaches(uint64_t base, uint64_t size)
{
    uint64_t last;

    return gd_range_last(base, size, &last) && !(last >> S1_BITS) && !(last >> mmu_ipa_bits());
}

void mmu_hide(uint64_t base, uint64_t size)
{
    uint64_t first = base & ~0xfffull;

    if (!mmu_reaches(base, size))
        stop(NO_GIC); /* read_uart() has seen to the UART */
    map(s2_root, first, ((base + size + 0xfff) & ~0xfffull) - first, 0);
}

void mmu_machine(void)
{
    map(s1_root, 0, 1ull << S1_BITS, S1_DEVICE);
    for (unsigned i = 0; i < machine.nram; i++)
        normal_pages(s1_root, machine.ram[i].base, machine.ram[i].size);
    el2_mmu_on(s1_root);
    map(s2_root, 0, 1ull << mmu_ipa_bits(), S2_ALL);
    mmu_hide((uintptr_t)image_start, MONITOR_BLOCK);
    if (machine.uart.base)
        mmu_hide(machine.uart.base, machine.uart.size);
}

void mmu_cpu(void)
{
    unsigned bits = mmu_ipa_bits();
    uint64_t vtcr = (64 - bits) | 1ull << 6 | 1ull << 8 | 1ull << 10 | 3ull << 12 |
                    pa_size() << 16 | 1ull << 31;

    set_VTCR_EL2(vtcr);
    set_VTTBR_EL2((uintptr_t)s2_root);
    isb();
    tlbi_guest();
}

bool mmu_is_ram(uint64_t base, uint64_t size)
{
    uint64_t last;

    if (!gd_range_last(base, size, &last) || last >> S1_BITS)
        return false;
    for (unsigned i = 0; i < machine.nram; i++) {
        const struct range *r = &machine.ram[i];

        if (base >= r->base && last - r->base < r->size)
            return true;
    }
    return false;
}
