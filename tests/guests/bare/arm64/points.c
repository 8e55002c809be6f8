/* SPDX-License-Identifier: MIT */
/*
 * A kernel with a breakpoint and a watchpoint of its own, on itself: each round meets both once. Its handler
 * counts them and passes the instruction over. While the debugger has set `masked`, PSTATE.D masks both.
 */
#include "bare.h"

#define MDSCR_KDE (1UL << 13)
#define MDSCR_MDE (1UL << 15)

volatile uint64_t rounds, breaks, watches, watched, masked;

void on_exception(uint64_t kind, struct frame *f)
{
    uint64_t class = f->esr >> 26;

    (void)kind;
    if (class == 0x31)
        breaks++;
    else if (class == 0x35)
        watches++;
    else
        power_off();
    f->elr += 4;
}

__asm__(".text\n.globl again, place\n"
        "again: nop\n ret\n"
        "place: nop\n ret\n");
void again(void);
void place(void);

int main(void)
{
    write_reg(oslar_el1, 0);
    write_reg(dbgbvr0_el1, (uint64_t)place);
    write_reg(dbgbcr0_el1, 0xfUL << 5 | 3UL << 1 | 1); /* BAS, PMC: EL1 and EL0, E */
    write_reg(dbgwvr0_el1, (uint64_t)&watched);
    write_reg(dbgwcr0_el1, 0xffUL << 5 | 2UL << 3 | 3UL << 1 | 1); /* stores */
    write_reg(mdscr_el1, read_reg(mdscr_el1) | MDSCR_KDE | MDSCR_MDE);
    isb();
    for (;;) {
        if (masked)
            __asm__ volatile("msr daifset, #8");
        else
            __asm__ volatile("msr daifclr, #8");
        again();
        place();
        watched = 1;
        rounds++;
    }
}
