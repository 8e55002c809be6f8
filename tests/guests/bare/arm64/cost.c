/* SPDX-License-Identifier: MIT */
/*
 * What a trap to EL2 and back costs, in ticks of the counter, which the emulator drives by executed
 * instructions. One pass at once, a second one when the debugger has set go, beside points of the guest's own.
 */
#include "bare.h"

#define TIMES 256

volatile uint64_t go, spins;

static void nothing(void)
{
    __asm__ volatile("" : : : "memory");
}

static void call(void)
{
    psci(0x8400000a, 0x84000001, 0, 0); /* PSCI_FEATURES */
}

static void distributor(void)
{
    (void)*(volatile uint32_t *)0x08000004; /* GICD_TYPER */
}

static void sgi(void)
{
    __asm__ volatile("msr s3_0_c12_c11_5, xzr"); /* ICC_SGI1R_EL1, to nobody */
}

static void mdscr(void)
{
    (void)read_reg(mdscr_el1);
}

static void own_watch(void)
{
    write_reg(dbgwvr0_el1, (uint64_t)&spins);
}

static uint64_t ticks(void (*f)(void))
{
    uint64_t start;

    isb();
    start = read_reg(cntvct_el0);
    for (int i = 0; i < TIMES; i++)
        f();
    isb();
    return read_reg(cntvct_el0) - start;
}

static void pass(const char *name)
{
    static const struct {
        const char *name;
        void (*f)(void);
    } all[] = { { "call", call },
                { "distributor", distributor },
                { "sgi", sgi },
                { "mdscr", mdscr },
                { "own-watch", own_watch } };
    uint64_t base = ticks(nothing);

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        put_string(name);
        put_string(" ");
        put_line(all[i].name,
                 (ticks(all[i].f) - base) * (1000000000 / read_reg(cntfrq_el0)) / TIMES);
    }
}

__attribute__((noinline)) void spin(void)
{
    while (!go)
        spins++;
}

int main(void)
{
    pass("idle");
    put_string("waiting\n");
    spin();
    write_reg(oslar_el1, 0);
    write_reg(dbgbvr1_el1, (uint64_t)power_off);
    write_reg(dbgbcr1_el1, 0x1e7);
    write_reg(dbgwcr0_el1, 0x1ff7);
    write_reg(mdscr_el1, 0xa000); /* MDE, KDE */
    pass("armed");
    put_string("over\n");
    write_reg(mdscr_el1, 0);
    power_off();
}
