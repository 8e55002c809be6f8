/* SPDX-License-Identifier: MIT */
/*
 * Entry with translation off, interrupt vectors in both places, handlers that answer every interrupt in a way
 * that does not depend on time, the translation tables, and output by hypercalls.
 *
 * Every handler records MSR[SE] where it finds it: in SRR1, in CTR after scv, and in its own MSR. The word of a
 * fault is passed over; a facility that is off is switched on; a fetch fault returns to LR.
 */
#include "bare.h"

    .section .vectors, "ax"
    .globl _start, entered
_start:
#ifdef __BIG_ENDIAN__ /* entered little-endian: these words do nothing in one order and turn it in the other */
    tdi 0, %r0, 0x48 /* read in the other order: b .+8 */
    b boot
    .long 0xa600607d /* mfmsr r11 */
    .long 0x01006b69 /* xori r11, r11, 1 */
    .long 0x00004039 /* li r10, 0 */
    .long 0x6401417d /* mtmsrd r10, 1 */
    .long 0x05009f42 /* bcl 20, 31, .+4 */
    .long 0xa602487d /* mflr r10 */
    .long 0x18004a39 /* addi r10, r10, 24 */
    .long 0xa6035a7d /* mtsrr0 r10 */
    .long 0xa6037b7d /* mtsrr1 r11 */
    .long 0x2400004c /* rfid */
    .long 0
#endif
entered:
    b boot

    .macro vector base, offset
    .org \base + \offset
    mtsprg 2, %r13
    li %r13, \offset
    b handler
    .endm

    .macro vectors base
    .irp n, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0xa00, 0xc00, 0xd00
    vector \base, \n
    .endr
    .irp n, 0xf00, 0xf20, 0xf40, 0xf60
    vector \base, \n
    .endr
    .endm

    .macro scv_vectors
    .set lev, 0
    .rept 128
    mtsprg 2, %r13
    li %r13, lev
    b scv_handler
    .balign 32
    .set lev, lev + 1
    .endr
    .endm

    vector 0, 0x100
    vector 0, 0x200
    vectors 0
    .org 0x3000
    scv_vectors
    vectors 0x4000
    .org 0x6000

    .section .scv, "ax"
    scv_vectors

    .section .text.start, "ax"
boot:
    addr %r1, __stack - 64
    li %r0, 0x3104 /* FSCR: prefixed instructions, scv, TAR, DSCR */
    mtspr 153, %r0
    li %r0, 1
    mtspr 48, %r0 /* PIDR: the process table's second entry */
    lis %r0, 0x7fff
    mtdec %r0
#ifdef __BIG_ENDIAN__
    li %r3, H_SET_MODE
    li %r4, 0
    li %r5, 4 /* interrupts are taken big-endian */
    li %r6, 0
    li %r7, 0
    sc 1
#endif
    li %r3, H_REGISTER_PROC_TBL
    li %r4, 0x1d /* register, radix, guest's own tlbie */
    addr %r5, process_table
    li %r6, 0
    li %r7, 0
    sc 1
    cmpdi %r3, 0
    bne stop
    isync
    b main
    .globl stop
stop: /* power-off by RTAS, whose arguments are big-endian */
    addr %r4, rtas_power_off
    lis %r3, 0
    ori %r3, %r3, H_RTAS
    sc 1
    b stop

    /* puts(r3): a string. Clobbers r0, r3 to r12, r30, r31. */
    .globl puts, put_hex
puts:
    mflr %r31
    mr %r30, %r3
1:  lbz %r6, 0(%r30)
    cmpdi %r6, 0
    beq 2f
    addi %r30, %r30, 1
    bl put_char
    b 1b
2:  mtlr %r31
    blr

put_char: /* r6 */
    sldi %r6, %r6, 56
    li %r7, 0
    li %r3, H_PUT_TERM_CHAR
    li %r4, 0
    li %r5, 1
    sc 1
    blr

    /* put_hex(r3): sixteen digits and a line's end. Clobbers the same and r29. */
put_hex:
    mflr %r31
    mr %r30, %r3
    li %r29, 16
1:  rotldi %r30, %r30, 4
    clrldi %r6, %r30, 60
    addi %r6, %r6, '0'
    cmpdi %r6, '9'
    ble 2f
    addi %r6, %r6, 'a' - '0' - 10
2:  bl put_char
    addic. %r29, %r29, -1
    bne 1b
    li %r6, 13
    bl put_char
    li %r6, 10
    bl put_char
    mtlr %r31
    blr

    /* ---- handlers ---- */

    /* Counts in r12's table, r13 being 32 times the index. r10 and r11 are free. */
    .macro count
    srdi %r10, %r13, 2
    addi %r10, %r10, S_COUNT
    ldx %r11, %r10, %r12
    addi %r11, %r11, 1
    stdx %r11, %r10, %r12
    .endm

    /* Ors MSR[SE] of \reg into a field. */
    .macro see reg, field
    andi. %r10, \reg, MSR_SE
    ld %r9, \field(%r12)
    or %r9, %r9, %r10
    std %r9, \field(%r12)
    .endm

    .macro save
    mtsprg 3, %r12
    high %r12, state
    std %r11, S_R11(%r12)
    mfcr %r11
    std %r11, S_CR(%r12)
    std %r10, S_R10(%r12)
    std %r9, S_R9(%r12)
    mfmsr %r11
    see %r11, S_SE_MSR
    .endm

    .macro restore
    ld %r11, S_CR(%r12)
    mtcr %r11
    ld %r9, S_R9(%r12)
    ld %r10, S_R10(%r12)
    ld %r11, S_R11(%r12)
    mfsprg %r12, 3
    mfsprg %r13, 2
    .endm

    .globl handler, scv_handler
scv_handler:
    save
    mfctr %r11
    see %r11, S_SE_CTR
    addi %r3, %r3, 2
    restore
    rfscv

handler:
    save
    count
    cmpdi %r13, 0xd00
    beq trace
    mfsrr1 %r11
    see %r11, S_SE_SRR1
    cmpdi %r13, 0xc00
    beq system_call
    cmpdi %r13, 0x400
    beq fetch
    cmpdi %r13, 0x480
    beq fetch
    cmpdi %r13, 0x500
    beq done
    cmpdi %r13, 0x900
    beq decrementer
    cmpdi %r13, 0xa00
    beq done
    lis %r10, 0
    ori %r10, %r10, 0x2000 /* MSR[FP] */
    cmpdi %r13, 0x800
    beq facility
    lis %r10, 0x200 /* MSR[VEC] */
    cmpdi %r13, 0xf20
    beq facility
    lis %r10, 0x80 /* MSR[VSX] */
    cmpdi %r13, 0xf40
    beq facility
    /* over the word; the guest's programs lie at their physical addresses */
    mfsrr0 %r11
    clrldi %r10, %r11, 4
    li %r9, 3
    sldi %r9, %r9, 62
    or %r10, %r10, %r9
    lwz %r10, 0(%r10)
    srwi %r10, %r10, 26
    addi %r11, %r11, 4
    cmpdi %r10, 1
    bne 1f
    addi %r11, %r11, 4
1:  mtsrr0 %r11
done:
    restore
    rfid

trace:
    ld %r11, S_TRACES(%r12)
    addi %r11, %r11, 1
    std %r11, S_TRACES(%r12)
    ld %r11, S_DIGEST(%r12)
    mulli %r11, %r11, 31
    mfsrr0 %r10
    add %r11, %r11, %r10
    std %r11, S_DIGEST(%r12)
    b done

system_call:
    addi %r3, %r3, 1
    cmpdi %r0, 0xff
    bne done
    restore
    b user_exit

fetch:
    mflr %r11
    mtsrr0 %r11
    b done

decrementer:
    lis %r11, 0x7fff
    mtdec %r11
    b done

facility:
    mfsrr1 %r11
    or %r11, %r11, %r10
    mtsrr1 %r11
    b done

    .section .state, "aw"
    .globl state
state:
    .org 0x800
    .balign 64
rtas_power_off:
    .byte 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1 /* token, arguments, results */
    .zero 20

    /* ---- translation (Power ISA 3.1 Book III 6.7.10): the kernel sees physical 0 at HIGH by a 2 MiB page ---- */

    .macro be64 high, low
    .byte ((\high) >> 24) & 255, ((\high) >> 16) & 255, ((\high) >> 8) & 255, (\high) & 255
    .byte ((\low) >> 24) & 255, ((\low) >> 16) & 255, ((\low) >> 8) & 255, (\low) & 255
    .endm

    .set TABLES, 0x40000
    .set KERNEL_1G, TABLES + 0x1000
    .set KERNEL_2M, TABLES + 0x2000
    .set USER_1G, TABLES + 0x3000
    .set USER_2M, TABLES + 0x4000
    .set USER_4K, TABLES + 0x5000
    .set KERNEL_TREE, TABLES + 0x10000
    .set USER_TREE, TABLES + 0x20000
    .set LEAF, 0xc0000000 /* V, L */
    .set TREE, 0x80000000 /* V */
    .set KERNEL, 0x18f /* R, C, privileged, read, write, execute */
    .set READ, 0x184
    .set WRITE, 0x186
    .set EXECUTE, 0x185

    .section .tables, "aw"
    .globl process_table
process_table: /* trees of 52 bits, roots of 13 */
    be64 0x40000000, KERNEL_TREE + 0xad
    be64 0, 0
    be64 0x40000000, USER_TREE + 0xad
    be64 0, 0
    .org KERNEL_1G - TABLES
    be64 TREE, KERNEL_2M + 9
    .org KERNEL_2M - TABLES
    be64 LEAF, KERNEL
    .org USER_1G - TABLES
    be64 TREE, USER_2M + 9
    .org USER_2M - TABLES
    be64 TREE, USER_4K + 9
    .org USER_4K - TABLES + 0x30 * 8
    be64 LEAF, 0x30000 + EXECUTE
    be64 LEAF, 0x31000 + EXECUTE
    be64 LEAF, 0x32000 + EXECUTE
    be64 LEAF, 0x33000 + EXECUTE
    be64 LEAF, 0x34000 + WRITE
    be64 LEAF, 0x35000 + READ
    be64 LEAF, 0x36000 + KERNEL
    .org KERNEL_TREE - TABLES
    be64 TREE, KERNEL_1G + 9
    .org USER_TREE - TABLES
    be64 TREE, USER_1G + 9
    .org USER_TREE + 0x10000 - TABLES
