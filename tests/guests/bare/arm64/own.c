/* SPDX-License-Identifier: MIT */
/*
 * What a guest finds of its own machine: the OS double lock, a context breakpoint's value, functions of
 * firmware with the hint that SVE is unused, widths of the interrupt controller's registers, a step of
 * its own. It locks, waits until it is told to go on, and looks again while it is debugged.
 */
#include "bare.h"

#define PSCI_VERSION 0x84000000
#define SVE_HINT     0x10000
#define MDSCR_SS     (1UL << 0)
#define MDSCR_KDE    (1UL << 13)
#define MDSCR_MDE    (1UL << 15)
#define SPSR_STEP    (1UL << 21 | 7UL << 6 | 5) /* SS, A, I, F, EL1h */

volatile uint64_t has_lock, locked, version, hinted, unknown, context, breaks_locked, breaks,
    aborts, steps, step_to, tries_stepped, tries_passed;
volatile uint8_t go;

void on_exception(uint64_t kind, struct frame *f)
{
    uint64_t class = f->esr >> 26;

    (void)kind;
    if (class == 0x33) {
        steps++;
        step_to = f->elr;
        write_reg(mdscr_el1, read_reg(mdscr_el1) & ~MDSCR_SS);
        return;
    }
    if (class == 0x31)
        breaks++;
    else if (class == 0x25)
        aborts++;
    else
        power_off();
    f->elr += 4;
}

__asm__(".text\n.globl place, walk, done\n"
        "place: nop\n ret\n"
        "walk: nop\n nop\n ret\n"
        "done: nop\n ret\n");
void place(void);
void done(void);

static void lock(uint64_t value)
{
    write_reg(osdlr_el1, value);
    isb();
}

/* One instruction of walk(), then its exception; the rest as it is. */
static void step(void)
{
    __asm__ volatile("msr daifset, #8");
    write_reg(mdscr_el1, read_reg(mdscr_el1) | MDSCR_SS);
    isb();
    __asm__ volatile("adr x9, walk\n msr elr_el1, x9\n msr spsr_el1, %0\n adr x30, 1f\n eret\n1:"
                     :
                     : "r"(SPSR_STEP)
                     : "x9", "x30", "memory");
}

/* One instruction, the one behind the return. */
static void step_next(void)
{
    __asm__ volatile("msr daifset, #8");
    write_reg(mdscr_el1, read_reg(mdscr_el1) | MDSCR_SS);
    isb();
    __asm__ volatile("adr x9, next\n msr elr_el1, x9\n msr spsr_el1, %0\n eret\n"
                     ".globl next\nnext: nop\n nop"
                     :
                     : "r"(SPSR_STEP)
                     : "x9", "memory");
}

/* How often an addition is tried until its exclusives succeed, 1000 at most. */
static uint64_t tries(void)
{
    static uint32_t word;
    uint64_t n = 0;

    __asm__ volatile("1: add %0, %0, #1\n cmp %0, #1000\n b.eq 2f\n"
                     ".globl exclusive\nexclusive: ldxr w9, [%1]\n add w9, w9, #1\n"
                     "stxr w10, w9, [%1]\n cbnz w10, 1b\n2:"
                     : "+r"(n)
                     : "r"(&word)
                     : "x9", "x10", "cc", "memory");
    return n;
}

/* With its own step on and masked, then with a breakpoint of its own, masked, on the load. */
static void exclusives(void)
{
    extern char exclusive[];

    __asm__ volatile("msr daifset, #8");
    write_reg(mdscr_el1, read_reg(mdscr_el1) | MDSCR_SS);
    isb();
    tries_stepped = tries();
    write_reg(mdscr_el1, read_reg(mdscr_el1) & ~MDSCR_SS);
    write_reg(dbgbvr1_el1, (uint64_t)exclusive);
    isb();
    tries_passed = tries();
    write_reg(dbgbvr1_el1, (uint64_t)place);
    isb();
}

int main(void)
{
    has_lock = (read_reg(id_aa64dfr0_el1) >> 36 & 15) == 0;
    version = psci(PSCI_VERSION, 0, 0, 0);
    hinted = psci(PSCI_VERSION | SVE_HINT, 0, 0, 0);
    unknown = psci(0x84000012 | SVE_HINT, 0, 0, 0); /* SYSTEM_RESET2, which is not passed on */
    write_reg(oslar_el1, 0);
    lock(1);
    put_line("locked", has_lock);
    while (!go)
        ;
    locked = read_reg(osdlr_el1);
    write_reg(dbgbvr1_el1, 0x223);
    context = read_reg(dbgbvr1_el1);
    write_reg(dbgbvr1_el1, (uint64_t)place);
    write_reg(dbgbcr1_el1, 0xfUL << 5 | 3UL << 1 | 1); /* BAS, PMC: EL1 and EL0, E */
    write_reg(mdscr_el1, read_reg(mdscr_el1) | MDSCR_KDE | MDSCR_MDE);
    __asm__ volatile("msr daifclr, #8");
    isb();
    place();
    breaks_locked = breaks;
    lock(0);
    place();
    __asm__ volatile("ldrh w9, [%0]" : : "r"(0x08000000UL) : "x9", "memory"); /* GICD_CTLR */
    __asm__ volatile("ldrb w9, [%0]" : : "r"(0x08000400UL) : "x9", "memory"); /* GICD_IPRIORITYR */
    exclusives();
    step();
    lock(1);
    done();
    lock(0);
    step_next();
    done();
    power_off();
}
