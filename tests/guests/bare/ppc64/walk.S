/* SPDX-License-Identifier: MIT */
/*
 * A program without time and chance, to be stepped twice and compared: kernel code translated and not, problem state,
 * faults of every kind, system calls, reservations, prefixed instructions. In the end it prints what its handlers saw
 * of MSR[SE], and a digest of all that it computed.
 */
#include "bare.h"

#define TURNS 64
#define NOWHERE 0x37000
#define HOLE_H 0x2000 /* upper half of an address beyond memory */

    /* Into the digest, r17. */
    .macro digest reg
    rotldi %r17, %r17, 7
    xor %r17, %r17, \reg
    .endm

    .macro constant reg, high, low
    lis \reg, (\high)@h
    ori \reg, \reg, (\high)@l
    sldi \reg, \reg, 32
    oris \reg, \reg, (\low)@h
    ori \reg, \reg, (\low)@l
    .endm

    .section .main, "ax"
    .globl main, walk_from, walk_to, user_exit
main:
    ail_3
    constant %r14, 0x01234567, 0x89abcdef
    constant %r21, 0x5851f42d, 0x4c957f2d
    constant %r22, 0x14057b7e, 0xf767814f
    li %r15, TURNS
    li %r17, 0
    high %r1, __stack - 128
    high %r3, walk_from
    mtsrr0 %r3
    constant %r3, 0x80000000, 0x1033
    mtsrr1 %r3
    rfid

walk_from:
    high %r16, page_rw
    addr %r18, NOWHERE
    mulld %r14, %r14, %r21
    add %r14, %r14, %r22
    digest %r14
    bl numbers
    bl reservations
    bl state_register
    bl wrong
    bl floating
    bl prefix

    /* translation off */
    addr %r3, untranslated
    mtsrr0 %r3
    constant %r3, 0x80000000, 0x1003
    mtsrr1 %r3
    rfid
translated:
    /* problem state */
    lis %r3, 0x3
    mtsrr0 %r3
    constant %r3, 0x80000000, 0xd033
    mtsrr1 %r3
    rfid
user_exit: /* by the system call's handler */
    digest %r24
    addi %r15, %r15, -1
    cmpdi %r15, 0
    bne walk_from
walk_to:
    seen_of_se %r28
    high %r3, 1f
    bl puts
    mr %r3, %r28
    bl put_hex
    high %r3, 2f
    bl puts
    mr %r3, %r17
    bl put_hex
    b stop
1:  .asciz "seen "
2:  .asciz "digest "
    .balign 4

numbers:
    mflr %r0
    std %r0, 16(%r1)
    stdu %r1, -64(%r1)
    rldicl %r3, %r14, 22, 62
    addi %r3, %r3, 1
    mtctr %r3
    li %r4, 0
1:  add %r4, %r4, %r14
    addi %r4, %r4, 3
    bdnz 1b
    digest %r4
    andi. %r5, %r14, 0x1000
    beq 2f
    addi %r17, %r17, 5
    b 3f
2:  xori %r17, %r17, 0x55
3:  cmpd %r14, %r4
    mfcr %r5
    isel %r6, %r5, %r4, 1
    digest %r6
    addc %r7, %r14, %r4
    addze %r7, %r7
    digest %r7
    std %r7, 0(%r16)
    lwz %r8, 4(%r16)
    stbu %r8, 9(%r16)
    lhz %r9, 0(%r16)
    digest %r9
    addi %r16, %r16, -9
    bl 4f
    or %r1, %r1, %r1
    or %r2, %r2, %r2
    isync
    sync
    addi %r1, %r1, 64
    ld %r0, 16(%r1)
    mtlr %r0
    blr
4:  mflr %r10
    mtspr 815, %r10
    cmpdi %cr7, %r10, 0
    beqlr %cr7
    bctar 20, 0, 0

reservations:
    addi %r4, %r16, 64
1:  lwarx %r5, 0, %r4
    add %r5, %r5, %r14
    stwcx. %r5, 0, %r4
    bne- 1b
    digest %r5
    addi %r4, %r16, 72
2:  ldarx %r5, 0, %r4
    cmpd %r5, %r14
    bgt- 3f
    stdcx. %r14, 0, %r4
    bne- 2b
    isync
3:  digest %r5
    li %r6, 1
4:  lbarx %r7, 0, %r4
    add %r7, %r7, %r6
    stbcx. %r7, 0, %r4
    bne- 4b
    stwcx. %r6, 0, %r4 /* without a reservation */
    mfcr %r7
    digest %r7
    blr

state_register:
    mfmsr %r6
    digest %r6
    ori %r7, %r6, 0x8000
    mtmsrd %r7, 1
    nop
    mfmsr %r8
    mtmsrd %r6, 1
    digest %r8
    ori %r7, %r6, 0x2000
    mtmsrd %r7
    mfmsr %r8
    digest %r8
    mtmsrd %r6
    mtsrr0 %r14
    li %r7, MSR_SE
    andc %r7, %r17, %r7
    mtsrr1 %r7
    nop
    mfsrr0 %r7
    mfsrr1 %r8
    digest %r7
    digest %r8
    mtsprg 0, %r14
    mfsprg %r7, 0
    blr

wrong: /* each is passed over, but for the fetch, which comes back here */
    mflr %r0
    std %r0, 16(%r1)
    ld %r3, 0(%r18)
    std %r3, 8(%r18)
    li %r4, 1
    sldi %r4, %r4, 62
    lwz %r3, 0(%r4)
    addi %r4, %r16, 1
    ldarx %r3, 0, %r4
    trap
    .long 0
    .long 0x00dddd00
    tdi 4, %r15, 7
    mtctr %r18
    bctrl
    addi %r4, %r16, 64
1:  lwarx %r5, 0, %r4
    ld %r6, 0(%r18) /* a fault inside: the reservation is lost */
    addi %r5, %r5, 1
    stwcx. %r5, 0, %r4
    sc
    scv 2
    mfctr %r4
    digest %r4
    digest %r3
    ld %r0, 16(%r1)
    mtlr %r0
    blr

floating: /* the facility's interrupt switches it on, and the instruction runs again */
    fadd %f1, %f1, %f1
    mfmsr %r6
    digest %r6
    vaddubm %v1, %v2, %v3
    mfmsr %r6
    digest %r6
    xxlor %vs1, %vs2, %vs3
    mfmsr %r6
    digest %r6
    li %r7, 0x2000
    oris %r7, %r7, 0x280
    andc %r6, %r6, %r7
    mtmsrd %r6
    blr

prefix: /* illegal on POWER9, and passed over */
    paddi %r3, %r14, 0x12345678
    digest %r3
    pstd %r3, 0x50(%r16)
    pld %r4, 0x50(%r16)
    digest %r4
    pld %r4, 0(%r18)
    pla %r5, 0x100
    blr

untranslated:
    lis %r4, HOLE_H
    lwz %r3, 0(%r4)
    digest %r3
    std %r14, 8(%r4)
    sc
    scv 5
    trap
    .long 0x00dddd00
    mfmsr %r5
    digest %r5
    addr %r4, page_rw
    ld %r6, 0(%r4)
    digest %r6
    high %r3, translated
    mtsrr0 %r3
    constant %r3, 0x80000000, 0x1033
    mtsrr1 %r3
    rfid

    .section .user, "ax"
user:
    addr %r23, page_rw
    addr %r20, page_priv
    li %r24, 0
    rldicl %r3, %r14, 30, 61
    addi %r3, %r3, 2
    mtctr %r3
1:  add %r24, %r24, %r14
    std %r24, 128(%r23)
    bdnz 1b
    addi %r4, %r23, 136
2:  ldarx %r5, 0, %r4
    addi %r5, %r5, 1
    stdcx. %r5, 0, %r4
    bne- 2b
    add %r24, %r24, %r5
    ld %r3, 0(%r20)
    std %r3, 0(%r18)
    mtctr %r18
    bctrl
    li %r0, 0
    li %r3, 100
    sc
    add %r24, %r24, %r3
    scv 1
    add %r24, %r24, %r3
    mfmsr %r6
    mtsrr0 %r6
    rfid
    trap
    .long 0
    .long 0x00dddd00
    fadd %f1, %f1, %f1
    fadd %f1, %f1, %f1
    paddi %r24, %r24, 0x1000
    or %r31, %r31, %r31
    li %r0, 0xff
    sc

    .section .page_rw, "aw"
    .globl page_rw
page_rw:
    .section .page_priv, "aw"
    .globl page_priv
page_priv:
