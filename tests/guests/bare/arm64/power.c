/* SPDX-License-Identifier: MIT */
/*
 * CPUs that come, go and sleep: CPU 0 starts CPU 1 (counts) and CPU 2 (waits in WFI with interrupts
 * masked, for ever), lets CPU 1 count, asks it to go off, and starts it again, round after round.
 */
#include "bare.h"

volatile uint64_t beats[3], leave, rounds;

__attribute__((noinline)) void before_on(void)
{
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void beat(uint64_t n)
{
    beats[n]++;
}

void secondary_main(uint64_t n)
{
    while (n == 2) {
        beats[2]++;
        __asm__ volatile("wfi");
    }
    while (!leave)
        beat(n);
    psci(0x84000002, 0, 0, 0); /* CPU_OFF */
}

int main(void)
{
    before_on();
    start_cpu(2);
    for (;;) {
        uint64_t seen = beats[1];

        leave = 0;
        before_on();
        start_cpu(1);
        while (beats[1] < seen + 100)
            beat(0);
        leave = 1;
        while (psci(0xc4000004, 1, 0, 0) != 1) /* AFFINITY_INFO: until it is off */
            ;
        rounds++;
    }
}
