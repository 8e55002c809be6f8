/* SPDX-License-Identifier: MIT */
/* What the bare-metal test guests share: console, CPUs, page tables, exceptions. */
#ifndef BARE_H
#define BARE_H

#include <stdint.h>

#define UART ((volatile uint32_t *)0x09000000)

struct frame {
    uint64_t x[31], elr, spsr, esr, far, pad;
};

void *memset(void *p, int c, unsigned long n);
void put_string(const char *s);
void put_hex(uint64_t v);
void put_line(const char *s, uint64_t v); /* "s 0x...\n" */
uint64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
void power_off(void) __attribute__((noreturn));
void start_cpu(uint64_t n); /* secondary_main(n) runs there */
/* Maps RAM and devices flat, RAM also at +0xffff000000000000 through TTBR1, and turns the MMU on.
 * shift: 12, 14 or 16 (granule), bits: VA bits of both halves. */
void mmu_on(unsigned shift, unsigned bits);
/* Turns the MMU off; mmu_on() then makes new tables. No other CPU may be on. */
void mmu_off(void);
/* Maps one granule-sized page at va to pa in the tables that mmu_on() made. */
void map_page(uint64_t va, uint64_t pa);
/* The same, read-only and executable by EL0 and EL1. */
void map_user_page(uint64_t va, uint64_t pa);
/* kind: index of the vector, 0 to 15. Weak default prints and powers off. */
void on_exception(uint64_t kind, struct frame *f);
void secondary_main(uint64_t n);

#define read_reg(name)                                                                             \
    ({                                                                                             \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #name : "=r"(v_));                                             \
        v_;                                                                                        \
    })
#define write_reg(name, v) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(v)) : "memory")
#define isb()              __asm__ volatile("isb" : : : "memory")

#endif
