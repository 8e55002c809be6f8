/* SPDX-License-Identifier: MIT */
/* CPU 1 counts until it is told to make a call to firmware that does not return; CPU 0 sees that. */
#include "bare.h"

volatile uint64_t beats, hang;

void secondary_main(uint64_t n)
{
    (void)n;
    while (!hang)
        beats++;
    __asm__ volatile("mov x0, #0xf00d; movk x0, #0x8000, lsl #16; smc #0" : : : "x0", "memory");
}

__attribute__((noinline)) void gone(void)
{
    __asm__ volatile("" : : : "memory");
}

int main(void)
{
    uint64_t seen = 0;

    start_cpu(1);
    for (;;) {
        for (volatile int i = 0; i < 100000; i++)
            ;
        if (hang && seen == beats)
            gone();
        seen = beats;
    }
}
