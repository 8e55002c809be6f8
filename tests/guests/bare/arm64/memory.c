/* SPDX-License-Identifier: MIT */
/*
 * Memory for the debugger to look at: stops at looked() with the MMU off, then with 4, 16 and 64 KiB
 * granules and several VA sizes, as far as this CPU has them. Each time two pages of known bytes are
 * mapped next to each other at VIEW, through TTBR0 and TTBR1, in the order second, first.
 */
#include "bare.h"

#define VIEW 0x0000000200000000ULL
#define PAGE 65536

_Alignas(65536) uint8_t pages[2][PAGE];
volatile uint64_t granule_now, bits_now, view_low, view_high;

__attribute__((noinline)) void looked(void)
{
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void finished(void)
{
    __asm__ volatile("" : : : "memory");
}

static void look(unsigned granule, unsigned bits)
{
    uint64_t size = 1ULL << granule;
    uint64_t high = 0ULL - (1ULL << bits) + VIEW;

    mmu_off();
    mmu_on(granule, bits);
    map_page(VIEW, (uint64_t)pages[1]);
    map_page(VIEW + size, (uint64_t)pages[0]);
    map_page(high, (uint64_t)pages[1]);
    map_page(high + size, (uint64_t)pages[0]);
    granule_now = granule;
    bits_now = bits;
    view_low = VIEW;
    view_high = high;
    looked();
}

int main(void)
{
    uint64_t mmfr0 = read_reg(id_aa64mmfr0_el1);

    for (unsigned i = 0; i < PAGE; i++) {
        pages[0][i] = (uint8_t)(i * 7 + 1);
        pages[1][i] = (uint8_t)(i * 13 + 5);
    }
    looked();
    if ((mmfr0 >> 28 & 15) != 15) {
        look(12, 39);
        look(12, 48);
    }
    if (mmfr0 >> 20 & 15)
        look(14, 47);
    if ((mmfr0 >> 24 & 15) != 15)
        look(16, 42);
    finished();
    power_off();
}
