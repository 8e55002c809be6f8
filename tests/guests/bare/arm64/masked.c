/* SPDX-License-Identifier: MIT */
/* All CPUs but the first wait for an interrupt with interrupts masked, for ever, as Linux parks those it gives up. */
#include "bare.h"

volatile uint64_t beats[4], sleepers;

void secondary_main(uint64_t n)
{
    __asm__ volatile("msr daifset, #15");
    beats[n]++;
    __atomic_fetch_add(&sleepers, 1, __ATOMIC_SEQ_CST);
    for (;;)
        __asm__ volatile("wfi");
}

int main(void)
{
    for (uint64_t n = 1; n < 4; n++)
        start_cpu(n);
    for (;;)
        beats[0]++;
}
