/* SPDX-License-Identifier: MIT */
/* Two CPUs call one function a known number of times; both see each other's progress. */
#include "bare.h"

#define ROUNDS 2000

volatile uint64_t count[2], go, finished;

__attribute__((noinline)) void anvil(uint64_t cpu)
{
    count[cpu]++;
}

static void hammer(uint64_t cpu)
{
    while (!go)
        ;
    for (int i = 0; i < ROUNDS; i++)
        anvil(cpu);
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

__attribute__((noinline)) void done(void)
{
    put_line("counts", count[0] << 32 | count[1]);
}

void secondary_main(uint64_t n)
{
    mmu_on(12, 39);
    hammer(n);
}

int main(void)
{
    mmu_on(12, 39);
    start_cpu(1);
    go = 1;
    hammer(0);
    while (finished != 2)
        ;
    done();
    power_off();
}
