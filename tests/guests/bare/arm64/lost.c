/* SPDX-License-Identifier: MIT */
/* CPU 0 starts CPU 1 when a debugger lets it. CPU 1 waits until it is told to make a call to firmware that does not
 * return; the firmware writes gone_at, and CPU 0 sees that. */
#include "bare.h"

volatile uint64_t hang, gone_at;
volatile uint64_t stay = 1; /* not in .bss: the debugger may be here before that is cleared */

void secondary_main(uint64_t n)
{
    register uint64_t x0 __asm__("x0") = 0x8000f00d;
    register volatile uint64_t *x1 __asm__("x1") = &gone_at;

    (void)n;
    while (!hang)
        ;
    __asm__ volatile("smc #0" : "+r"(x0), "+r"(x1) : : "memory");
}

__attribute__((noinline)) void gone(void)
{
    __asm__ volatile("" : : : "memory");
}

int main(void)
{
    while (stay)
        ;
    start_cpu(1);
    for (;;) {
        if (gone_at)
            gone();
    }
}
