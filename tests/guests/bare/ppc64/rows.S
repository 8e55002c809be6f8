/* SPDX-License-Identifier: MIT */
/*
 * Single instructions, each with a name: the test stands the vCPU on one with the registers it wants, steps, and
 * looks. The guest itself does nothing but get ready, and afterwards count whether its memory is what it was.
 */
#include "bare.h"

    .section .main, "ax"
    .globl main, ready, finish, user_exit
main:
ready:
    b ready
user_exit:
    b user_exit

finish: /* sums of the words of all code */
    li %r3, 0
    addr %r4, 0x100
    addr %r5, 0x6000
    bl sum
    addr %r4, 0x17000
    addr %r5, __main_end
    bl sum
    addr %r4, 0x30000
    addr %r5, 0x34000
    bl sum
    mr %r28, %r3
    addr %r3, 1f
    bl puts
    mr %r3, %r28
    bl put_hex
    b stop
1:  .asciz "sum "
    .balign 4

sum: /* r3 += words from r4 to r5, rotated */
    lwz %r6, 0(%r4)
    rotldi %r3, %r3, 1
    add %r3, %r3, %r6
    addi %r4, %r4, 4
    cmpld %r4, %r5
    blt sum
    blr

    .macro row name
    .globl \name
\name:
    .endm


    /* ---- by name, one row each ---- */

row addi
    addi %r3, %r4, 5
row nop_
    nop
row hint /* priority: normal */
    or %r2, %r2, %r2
    addi %r3, %r3, 1
row isync_
    isync
row sync_
    sync
row load
    ld %r3, 8(%r4)
row store
    std %r3, 8(%r4)
row store_update
    stdu %r3, 16(%r4)
row zero_line
    dcbz 0, %r4
row flush_line
    dcbf 0, %r4
row load_vector
    lvx %v0, 0, %r4
row spr_ctr
    mtctr %r4
row spr_lr
    mflr %r3
row spr_sprg
    mtsprg 1, %r4
row get_srr0
    mfsrr0 %r3
row get_srr1
    mfsrr1 %r3
row set_srr0
    mtsrr0 %r4
row set_srr1
    mtsrr1 %r4
row pc_relative
    addpcis %r3, 1

row b_forward
    b elsewhere
row b_link
    bl elsewhere
row b_self
    b b_self
row b_lr
    blr
row b_lr_link
    blrl
row b_ctr
    bctr
row b_tar
    bctar 20, 0, 0
row b_eq
    beq elsewhere
row b_ctr_dec
    bdnz elsewhere
row b_ctr_eq
    bdnzt 2, elsewhere
row b_absolute
    ba 0x18000
row b_next
    bcl 20, 31, .+4
    nop
row elsewhere
    nop
row elsewhere2
    nop

row get_msr
    mfmsr %r6
row set_msr
    mtmsr %r4
row set_msr_l1
    mtmsr %r4, 1
row set_msrd
    mtmsrd %r4
    addi %r3, %r3, 1
row set_msrd_l1
    mtmsrd %r4, 1
row rfid_
    rfid
row rfscv_
    rfscv
row hrfid_
    hrfid
row sc0
    sc
row scv0
    scv 0
row scv3
    scv 3
row scv127
    scv 127
row sc1
    sc 1
    addi %r3, %r3, 1
row trap_
    trap
row trap_not
    tdi 0, %r0, 0x48
row trap_d
    tdi 4, %r4, 7
row illegal
    .long 0
row debug_word /* KVM's breakpoint, but the guest's own */
    .long 0x00dddd00
row get_dec
    mfdec %r3
row set_dec
    mtdec %r4
row tir
    mfspr %r3, 446
row dpdes
    mfspr %r3, 176
row doorbell
    msgsndp %r4
row doorbell_clear
    msgclrp %r4
row stop_
    stop
row set_ebbrr
    mtspr 805, %r4
row rfebb_
    rfebb 0
row wait_
    .long 0x7c00003c
row misaligned
    ldarx %r3, 0, %r4
row fp
    fadd %f1, %f2, %f3
row vec
    vaddubm %v1, %v2, %v3
row vsx
    xxlor %vs1, %vs2, %vs3
row tar
    mfspr %r3, 815

row atomic
1:  lwarx %r3, 0, %r4
    addi %r3, %r3, 1
row atomic_inside
    addi %r5, %r5, 1
row atomic_store
    stwcx. %r3, 0, %r4
    bne- 1b
row atomic_end
    nop
row atomic_lock /* leaves by a branch where the word is taken */
2:  lwarx %r3, 0, %r4
    cmpwi %r3, 0
    bne- elsewhere
    stwcx. %r5, 0, %r4
    bne- 2b
    isync
row atomic_fault
3:  lwarx %r3, 0, %r4
row atomic_fault_at
    ld %r5, 0(%r6)
    stwcx. %r3, 0, %r4
    bne- 3b
row atomic_two /* what is loaded decides between two stores */
4:  lwarx %r3, 0, %r4
    cmpwi %r3, 0
    bne 5f
    stwcx. %r5, 0, %r4
    bne- 4b
    b atomic_two_end
5:  addi %r3, %r3, 1
    stwcx. %r3, 0, %r4
    bne- 4b
row atomic_two_end
    nop
row atomic_lone /* a store conditional without a reservation */
    stdcx. %r3, 0, %r4

    .balign 64
row p_addi
    paddi %r3, %r4, 0x12345678
    nop
row p_load
    pld %r3, 0x10(%r4), 0
row p_store
    pstd %r3, 0x10(%r4), 0
row p_relative
    pla %r3, 0x1000
    nop
    nop


    .section .user, "ax"
row u_addi
    addi %r3, %r4, 5
row u_hint
    or %r2, %r2, %r2
    addi %r3, %r3, 1
row u_load
    ld %r3, 8(%r4)
row u_store
    std %r3, 8(%r4)
row u_branch
    bl u_elsewhere
row u_sc
    sc
row u_scv
    scv 1
row u_mfmsr
    mfmsr %r6
row u_rfid
    rfid
row u_srr0
    mtsrr0 %r4
row u_illegal
    .long 0
row u_debug_word
    .long 0x00dddd00
row u_trap
    trap
row u_fp
    fadd %f1, %f2, %f3
row u_atomic
1:  lwarx %r3, 0, %r4
    addi %r3, %r3, 1
    stwcx. %r3, 0, %r4
    bne- 1b
row u_elsewhere
    nop
    .balign 64
row u_paddi
    paddi %r3, %r4, 0x12345678
    nop

    .section .page_rw, "aw"
    .globl page_rw
page_rw:
    .section .page_ro, "aw"
    .globl page_ro
page_ro:
    .section .page_priv, "aw"
    .globl page_priv
page_priv:
