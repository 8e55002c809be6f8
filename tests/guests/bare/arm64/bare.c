/* SPDX-License-Identifier: MIT */
/* See bare.h. No libc; the compiler's own memcpy and memset are provided. */
#include "bare.h"

void *memset(void *p, int c, unsigned long n)
{
    for (volatile char *q = p; n--; q++)
        *q = (char)c;
    return p;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
    volatile char *t = to;

    for (const char *f = from; n--;)
        *t++ = *f++;
    return to;
}

void put_string(const char *s)
{
    for (; *s; s++)
        *UART = (unsigned char)*s;
}

void put_hex(uint64_t v)
{
    for (int i = 60; i >= 0; i -= 4)
        *UART = (unsigned char)"0123456789abcdef"[v >> i & 15];
}

void put_line(const char *s, uint64_t v)
{
    put_string(s);
    put_string(" 0x");
    put_hex(v);
    put_string("\n");
}

void start_cpu(uint64_t n)
{
    extern char secondary_start[];

    psci(0xc4000003, n, (uint64_t)secondary_start, n);
}

__attribute__((weak)) void secondary_main(uint64_t n)
{
    (void)n;
}

__attribute__((weak)) void on_exception(uint64_t kind, struct frame *f)
{
    put_line("exception: vector", kind);
    put_line("  ESR", f->esr);
    put_line("  ELR", f->elr);
    put_line("  FAR", f->far);
    power_off();
}

/* ---- page tables ---- */

extern char __tables[];
static uint64_t next_table;
static uint64_t root[2];
static unsigned granule, va_bits;

#define NORMAL (0u << 2 | 3u << 8 | 1u << 10) /* AttrIndx 0, inner shareable, AF */
#define DEVICE (1u << 2 | 1u << 10)

static uint64_t new_table(void)
{
    uint64_t t = next_table;

    next_table += 1ULL << granule;
    memset((void *)t, 0, 1UL << granule);
    return t;
}

static unsigned stride(void)
{
    return granule - 3;
}

static int first_level(void)
{
    return 4 - (int)((va_bits - 4) / stride());
}

static uint64_t *entry_at(uint64_t table, uint64_t va, int level)
{
    unsigned shift = granule + stride() * (unsigned)(3 - level);
    unsigned bits = level == first_level() ? va_bits - shift : stride();

    return (uint64_t *)table + (va >> shift & ((1ULL << bits) - 1));
}

static void map(uint64_t va, uint64_t pa, int leaf, uint64_t attributes)
{
    uint64_t table = root[va >> 55 & 1];
    int level = first_level();

    for (; level < leaf; level++) {
        uint64_t *e = entry_at(table, va, level);

        if (!(*e & 1))
            *e = new_table() | 3;
        table = *e & 0x0000ffffffffffffULL & ~((1ULL << granule) - 1);
    }
    *entry_at(table, va, leaf) = pa | attributes | (leaf == 3 ? 3 : 1);
}

static void map_and_flush(uint64_t va, uint64_t pa, uint64_t attributes)
{
    map(va, pa, 3, attributes);
    __asm__ volatile("dsb ish; tlbi vmalle1is; dsb ish; isb" : : : "memory");
}

void map_page(uint64_t va, uint64_t pa)
{
    map_and_flush(va, pa, NORMAL);
}

void map_user_page(uint64_t va, uint64_t pa)
{
    map_and_flush(va, pa, NORMAL | 3u << 6); /* AP: read-only, EL0 too */
}

void mmu_off(void)
{
    write_reg(sctlr_el1, read_reg(sctlr_el1) & ~(1ULL | 1 << 2 | 1 << 12));
    isb();
    next_table = 0;
}

void mmu_on(unsigned shift, unsigned bits)
{
    uint64_t block, high = 0ULL - (1ULL << bits);
    uint64_t tg0 = shift == 12   ? 0
                   : shift == 14 ? 2
                                 : 1,
             tg1 = shift == 12   ? 2
                   : shift == 14 ? 1
                                 : 3;

    granule = shift;
    va_bits = bits;
    if (!next_table) {
        next_table = (uint64_t)__tables;
        root[0] = new_table();
        root[1] = new_table();
        block = 1ULL << (granule + stride());
        for (uint64_t a = 0x40000000; a < 0x48000000; a += block) {
            map(a, a, 2, NORMAL);
            map(high + a, a, 2, NORMAL);
        }
        map(0x08000000 & ~(block - 1), 0x08000000 & ~(block - 1), 2, DEVICE);
        map(0x09000000 & ~(block - 1), 0x09000000 & ~(block - 1), 2, DEVICE);
    }
    write_reg(mair_el1, 0x00ff); /* 0: normal write-back, 1: Device-nGnRnE */
    write_reg(tcr_el1, (64 - bits) | (64 - bits) << 16 | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 |
                           tg0 << 14 | 1ULL << 24 | 1ULL << 26 | 3ULL << 28 | tg1 << 30 |
                           2ULL << 32);
    write_reg(ttbr0_el1, root[0]);
    write_reg(ttbr1_el1, root[1]);
    __asm__ volatile("dsb ish; isb; tlbi vmalle1; dsb ish; isb" : : : "memory");
    write_reg(sctlr_el1, read_reg(sctlr_el1) | 1 | 1 << 2 | 1 << 12);
    isb();
}
