/* SPDX-License-Identifier: MIT */
/*
 * A kernel whose interrupt vectors move: H_SET_MODE takes them to 0 and back (AIL), and its tables lead the page of
 * those at 0xc000000000004000, and the one of scv before it, to a copy of them, which counts. In each place every kind
 * of interrupt is taken that does not depend on time. In the end it prints what its handlers saw and counted.
 */
#include "bare.h"

#define KERNEL_2M 0x42000 /* its first entry maps all of memory, or leads to KERNEL_4K */
#define KERNEL_4K 0x47000
#define COPY      0x48000 /* of the pages at 0x3000 and 0x4000 */
#define S_MOVED   0x50    /* interrupts that came by the copy */
#define NOWHERE   0x37000

    .macro doubleword reg, high, low
    lis \reg, (\high)@h
    ori \reg, \reg, (\high)@l
    sldi \reg, \reg, 32
    oris \reg, \reg, (\low)@h
    ori \reg, \reg, (\low)@l
    .endm

    .section .main, "ax"
    .globl main, move_from, move_to, placed, watched, user_exit
main:
    addr %r1, __stack - 128
    /* a table of small pages, which is not in use yet */
    addr %r4, KERNEL_4K
    li %r5, 0
    doubleword %r6, 0xc0000000, 0x18f
    li %r0, 512
    mtctr %r0
1:  sldi %r7, %r5, 12
    or %r7, %r7, %r6
    stdbrx %r7, 0, %r4
    addi %r4, %r4, 8
    addi %r5, %r5, 1
    bdnz 1b
    addr %r4, KERNEL_4K + 3 * 8
    addr %r7, COPY
    or %r7, %r7, %r6
    stdbrx %r7, 0, %r4
    addi %r4, %r4, 8
    addi %r7, %r7, 0x1000
    stdbrx %r7, 0, %r4
    /* the copy: its branches, and no other words begin with their opcode, go to the counting handlers */
    addr %r8, moved_scv
    addr %r9, scv_handler
    subf %r8, %r9, %r8
    li %r4, 0x3000
    addr %r5, COPY
    li %r0, 0x800
    mtctr %r0
2:  cmpldi %r4, 0x4000
    bne 1f
    addr %r8, moved_handler
    addr %r9, handler
    subf %r8, %r9, %r8
1:  lwz %r6, 0(%r4)
    srwi %r7, %r6, 26
    cmpdi %r7, 18
    bne 3f
    add %r6, %r6, %r8
3:  stw %r6, 0(%r5)
    addi %r4, %r4, 4
    addi %r5, %r5, 4
    bdnz 2b
    li %r3, COPY@h
    sldi %r3, %r3, 16
    ori %r3, %r3, COPY@l
    li %r0, 64
    mtctr %r0
4:  dcbst 0, %r3
    sync
    icbi 0, %r3
    addi %r3, %r3, 128
    bdnz 4b
    isync
    li %r15, -1
    high %r3, move_from
    mtsrr0 %r3
    doubleword %r3, 0x80000000, 0x1033
    mtsrr1 %r3
    rfid

move_from: /* the next place: r14 is 0, or 1 for the copy, and 2 more for AIL=3 */
    addi %r15, %r15, 1
    high %r3, places
    lbzx %r14, %r3, %r15
    cmpdi %r14, 255
    beq move_to
    doubleword %r4, 0xc0000000, 0x18f
    andi. %r0, %r14, 1
    beq 1f
    doubleword %r4, 0x80000000, KERNEL_4K + 9
1:  high %r3, KERNEL_2M
    stdbrx %r4, 0, %r3
    ptesync
    li %r3, 0
    li %r4, 0x400 /* all of this process, PID 0, and what is cached of its tables */
    tlbie %r4, %r3, 2, 1, 1
    eieio
    tlbsync
    ptesync
    isync
    srwi %r4, %r14, 1
    mulli %r4, %r4, 3
    set_ail
placed:
    high %r16, page_rw
    std %r15, 256(%r16)
watched:
    li %r17, NOWHERE@h
    sldi %r17, %r17, 16
    ori %r17, %r17, NOWHERE@l
    ld %r3, 0(%r17)
    trap
    .long 0
    li %r0, 0
    sc
    scv 1
    lwarx %r3, 0, %r16
    addi %r3, %r3, 1
    stwcx. %r3, 0, %r16
    lis %r3, 0x3
    mtsrr0 %r3
    doubleword %r3, 0x80000000, 0xd033
    mtsrr1 %r3
    rfid
user_exit: /* by the system call's handler, which AIL=0 has left without translation */
    high %r3, move_from
    mtsrr0 %r3
    doubleword %r3, 0x80000000, 0x1033
    mtsrr1 %r3
    rfid

move_to:
    seen_of_se %r28
    high %r3, 1f
    bl puts
    mr %r3, %r28
    bl put_hex
    high %r12, state
    ld %r28, S_MOVED(%r12)
    high %r3, 2f
    bl puts
    mr %r3, %r28
    bl put_hex
    high %r12, state + S_COUNT
    li %r28, 0
    li %r0, 0x80
    mtctr %r0
5:  ld %r3, 0(%r12)
    mulli %r28, %r28, 31
    add %r28, %r28, %r3
    addi %r12, %r12, 8
    bdnz 5b
    high %r3, 3f
    bl puts
    mr %r3, %r28
    bl put_hex
    b stop
1:  .asciz "seen "
2:  .asciz "moved "
3:  .asciz "digest "
places:
    .byte 0, 2, 3, 2, 3, 1, 3, 0, 1, 2, 255
    .balign 4

    .macro by_copy to
    mtsprg 3, %r12
    high %r12, state
    std %r11, S_R11(%r12)
    ld %r11, S_MOVED(%r12)
    addi %r11, %r11, 1
    std %r11, S_MOVED(%r12)
    ld %r11, S_R11(%r12)
    mfsprg %r12, 3
    b \to
    .endm
moved_handler:
    by_copy handler
moved_scv:
    by_copy scv_handler

    .section .user, "ax"
    addi %r20, %r20, 1
    lis %r21, 0x3
    ori %r21, %r21, 0x6000 /* page_priv */
    ld %r22, 0(%r21)
    std %r20, -0x1000(%r21) /* page_ro */
    trap
    li %r0, 0
    sc
    scv 2
    fadd %f1, %f2, %f3
    li %r0, 0xff
    sc

    .section .page_rw, "aw"
    .globl page_rw
page_rw:
    .section .page_priv, "aw"
    .globl page_priv
page_priv:
