/* SPDX-License-Identifier: MIT */
/*
 * A kernel that traces its own program, by MSR[SE] and then by MSR[BE] in the SRR1 that it returns with, and at last
 * itself. The trace handler counts, and digests where each trace interrupt came from; both are printed.
 */
#include "bare.h"

    .section .main, "ax"
    .globl main, self_from, self_to, user_exit
main:
    ail_3
    high %r1, __stack - 128
    addr %r23, page_rw
    addr %r20, page_priv
    li %r21, 1
    sldi %r21, %r21, 63
    high %r3, self_from
    mtsrr0 %r3
    addi %r3, %r21, 0x1033
    mtsrr1 %r3
    rfid

self_from:
    li %r22, 0
    lis %r3, 0x3
    mtsrr0 %r3
    ori %r4, %r21, 0xd433 /* SE */
    mtsrr1 %r4
    rfid
user_exit:
    addi %r22, %r22, 1
    cmpdi %r22, 1
    bne 1f
    lis %r3, 0x3
    mtsrr0 %r3
    ori %r4, %r21, 0xd233 /* BE */
    mtsrr1 %r4
    rfid
1:  mfmsr %r5
    ori %r6, %r5, 0x400
    mtmsrd %r6
    addi %r7, %r7, 1
    mfmsr %r8
    b 2f
2:  std %r7, 0(%r1)
    mtmsrd %r5
self_to:
    nop
    high %r12, state
    ld %r28, S_TRACES(%r12)
    high %r3, 3f
    bl puts
    mr %r3, %r28
    bl put_hex
    high %r12, state
    ld %r28, S_DIGEST(%r12)
    high %r3, 4f
    bl puts
    mr %r3, %r28
    bl put_hex
    b stop
3:  .asciz "traces "
4:  .asciz "digest "

    .section .user, "ax"
    .globl looped, stored
    li %r3, 4
    mtctr %r3
    li %r5, 0
looped:
    add %r5, %r5, %r3
stored:
    std %r5, 64(%r23)
    bdnz looped
    bl 1f
    ld %r6, 0(%r20) /* a fault, then passed over */
    li %r0, 0
    sc
    nop
    scv 1
    nop
    trap
    .long 0x00dddd00
    b 2f
1:  mfcr %r7
    blr
2:  bne 2b
    paddi %r8, %r5, 0x1000
    li %r0, 0xff
    sc

    .section .page_rw, "aw"
    .globl page_rw
page_rw:
    .section .page_priv, "aw"
    .globl page_priv
page_priv:
