/* SPDX-License-Identifier: MIT */
/*
 * Boots, says so on the console, spoils RAM past its own image, and resets, for ever; once the
 * debugger has set `end`, it powers off instead.
 */
#include "bare.h"

extern char __image_end[];
volatile uint64_t end;

__attribute__((noinline)) void booted(uint64_t left)
{
    put_line("left by the last boot:", left);
}

__attribute__((noinline)) void about_to_leave(void)
{
    __asm__ volatile("" : : : "memory");
}

int main(void)
{
    volatile uint64_t *spare = (uint64_t *)__image_end;

    booted(*spare);
    *spare = 0x1234;
    about_to_leave();
    if (end)
        power_off();
    psci(0x84000009, 0, 0, 0); /* SYSTEM_RESET */
    for (;;)
        ;
}
