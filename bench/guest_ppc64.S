/* SPDX-License-Identifier: MIT */
/*
 * The guest of the benchmarks on POWER: translated, vectors by AIL=3, as Linux has them. It comes to `ready` and stays
 * there; the client sends it to the loops by its PC.
 */
#include "../tests/guests/bare/ppc64/bare.h"

#define H_PROD 0xe4

    .section .main, "ax"
    .globl main, ready, user_exit, work, work_end, faults, rounds
main:
    ail_3
    high %r3, ready
    mtsrr0 %r3
    li %r4, 1
    sldi %r4, %r4, 63
    ori %r4, %r4, 0x1033 /* SF, ME, IR, DR, RI, LE */
    mtsrr1 %r4
    rfid
user_exit:
ready:
    b ready

work: /* r3 rounds of seven instructions, r4 = scratch */
    ld %r5, 0(%r4)
    addi %r5, %r5, 1
    std %r5, 0(%r4)
    xor %r6, %r6, %r5
    add %r7, %r7, %r6
    addic. %r3, %r3, -1
    bne work
work_end:
    b work_end

faults: /* for ever: loads from an address that is not mapped, which the handler passes over; r6 counts */
    ld %r5, 0(%r4)
    addi %r6, %r6, 1
    b faults

rounds: /* for ever: a hypercall that KVM itself serves, then 4000 instructions; r6 counts */
    li %r3, H_PROD
    li %r4, 0
    sc 1
    li %r5, 2000
    mtctr %r5
1:  addi %r7, %r7, 1
    bdnz 1b
    addi %r6, %r6, 1
    b rounds

    .section .page_rw, "aw"
    .globl scratch
scratch:
    .zero 64
    .globl field
field: /* words that nobody executes, for breakpoints */
    .zero 64
