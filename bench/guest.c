/* SPDX-License-Identifier: MIT */
/*
 * The guest of the benchmarks, for any machine like QEMU's virt: brings up the MMU, starts CPUs 1 to 3
 * where they exist, fills memory for reading, calls ready() and then recurses for ever. The client
 * sends CPU 0 to the loops below by its PC; none of them needs a stack.
 */
#include "../tests/guests/bare/arm64/bare.h"

#define FILL_AT    ((volatile uint64_t *)0x42000000)
#define FILL_WORDS (1u << 18)

uint64_t scratch[8];
volatile long calls;
uint32_t field[10000]; /* words that nobody executes, for breakpoints */

/* work: x0 rounds of seven instructions, x1 = scratch; work_end is behind the last.
 * strikes: calls hit for ever.
 * rounds: a hypercall that KVM itself serves, then 4000 instructions, for ever. */
__asm__(".text\n.globl work, work_end, strikes, hit, rounds\n"
        "work: ldr x2, [x1]\n add x2, x2, #1\n str x2, [x1]\n eor x3, x3, x2\n"
        "add x4, x4, x3, lsl #3\n subs x0, x0, #1\n b.ne work\n"
        "work_end: b work_end\n"
        "strikes: bl hit\n b strikes\n"
        "hit: ret\n"
        "rounds: mov x0, #0x84000000\n hvc #0\n mov x0, #2000\n"
        "1: subs x0, x0, #1\n b.ne 1b\n b rounds\n");
void work(uint64_t n, uint64_t *at);

void secondary_main(uint64_t n)
{
    mmu_on(12, 39);
    work(0, &scratch[n]); /* 2^64 rounds */
}

__attribute__((noinline)) void ready(void)
{
    __asm__ volatile("" : : : "memory");
}

/* What GDB walks through: unoptimised, a line is one run of instructions; next to _start, as in a
 * program of this size. */
#pragma GCC optimize("O0")
#define NEAR __attribute__((section(".text.start")))

NEAR long leaf(long n)
{
    long sum = n * 3 + calls;

    calls = sum + 1;
    return sum;
}

NEAR long deep(long n)
{
    long below = n ? deep(n - 1) : leaf(n);

    calls += below ^ n;
    return below + n;
}

NEAR int main(void)
{
    uint64_t x = 88172645463325252;

    for (unsigned i = 0; i < FILL_WORDS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        FILL_AT[i] = x;
    }
    mmu_on(12, 39);
    for (uint64_t n = 1; n < 4; n++)
        start_cpu(n);
    ready();
    for (;;)
        deep(13);
}
