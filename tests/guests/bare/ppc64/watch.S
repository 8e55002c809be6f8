/* SPDX-License-Identifier: MIT */
/*
 * Accesses of every kind to the doublewords of one page, each at a label of its own that the test knows, round after
 * round: from the kernel, then from its program. `turn` is passed before each round; r21, the value stored, is another
 * one each time.
 */
#include "bare.h"

    .section .main, "ax"
    .globl main, turn, user_exit
main:
    ail_3
    high %r1, __stack - 128
    high %r23, page_rw
    addr %r24, page_rw
    addr %r20, 0x01010101
    rldimi %r20, %r20, 32, 0
    mr %r21, %r20
    high %r3, turn
    mtsrr0 %r3
    li %r4, 1
    sldi %r4, %r4, 63
    ori %r22, %r4, 0x1033
    mtsrr1 %r22
    rfid

    .macro at name, insn:vararg
    .globl \name
\name:
    \insn
    .endm

turn:
    nop
    at k_stb, stb %r21, 0(%r23)
    at k_stb7, stb %r21, 7(%r23)
    at k_sth, sth %r21, 2(%r23)
    at k_stw, stw %r21, 4(%r23)
    at k_std, std %r21, 8(%r23)
    li %r5, 5
    at k_std_odd, stdx %r21, %r5, %r23
    addi %r5, %r23, 16
    at k_stdu, stdu %r21, 8(%r5)
    li %r5, 2
    at k_stwx, stwx %r21, %r5, %r23
    at k_stdbrx, stdbrx %r21, 0, %r23
    at k_lbz, lbz %r6, 3(%r23)
    at k_lha, lha %r6, 6(%r23)
    at k_lwz, lwz %r6, 4(%r23)
    at k_ld, ld %r6, 0(%r23)
    at k_ld_next, ld %r6, 8(%r23)
    li %r5, 3
    at k_lhzx, lhzx %r6, %r5, %r23
    li %r5, 32
    at k_stvx, stvx %v0, %r5, %r23
    li %r5, 256
    at k_dcbz, dcbz %r5, %r23
    addi %r7, %r23, 64
    at k_larx, ldarx %r6, 0, %r7
    add %r6, %r6, %r20
    at k_stcx, stdcx. %r6, 0, %r7
    bne k_larx
    at k_over, nop
    add %r21, %r21, %r20
    addr %r3, program
    mtsrr0 %r3
    ori %r4, %r22, 0xc033
    mtsrr1 %r4
    rfid
user_exit:
    b turn

    .section .user, "ax"
program:
    at u_stb, stb %r21, 1(%r24)
    at u_std, std %r21, 0(%r24)
    at u_lwz, lwz %r6, 4(%r24)
    li %r0, 0xff
    sc

    .section .page_rw, "aw"
    .balign 128
    .globl page_rw
page_rw:
    .section .page_priv, "aw"
    .globl page_priv
page_priv:
    .quad 0
