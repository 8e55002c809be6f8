/* SPDX-License-Identifier: MIT */
/*
 * Reset, exception vectors and the few things that need an instruction of their own. The image
 * begins with the header of an arm64 Linux Image, so that any loader of such kernels (QEMU's
 * -kernel, U-Boot's booti) hands over the device tree in x0. The guest's general registers,
 * PC and PSTATE go to a frame at the top of this CPU's stack on every exit and come back from
 * there on every entry; nothing else of the guest is touched here.
 *
 * The vector table is the image's first 2 KB. Header and reset stand in the place of its first four vectors,
 * those for SP_EL0, which EL2 never selects; routines stand behind the few instructions of each of the others.
 */
#include "monitor/arm64/board.h"

#define FRAME 272

        .globl  board_load              /* the linker script's */
        .set    board_load, BOARD_LOAD

        /* Vector n of the table; the assembler refuses a routine that does not fit before it. */
        .macro  vector n, kind
        .org    vectors + 128 * \n
        sub     sp, sp, #FRAME
        stp     x0, x1, [sp]
        mov     x1, #\kind
        b       enter
        .endm

        .macro  q_pairs op
        \op     q0, q1, [x0, #0]
        \op     q2, q3, [x0, #32]
        \op     q4, q5, [x0, #64]
        \op     q6, q7, [x0, #96]
        \op     q8, q9, [x0, #128]
        \op     q10, q11, [x0, #160]
        \op     q12, q13, [x0, #192]
        \op     q14, q15, [x0, #224]
        \op     q16, q17, [x0, #256]
        \op     q18, q19, [x0, #288]
        \op     q20, q21, [x0, #320]
        \op     q22, q23, [x0, #352]
        \op     q24, q25, [x0, #384]
        \op     q26, q27, [x0, #416]
        \op     q28, q29, [x0, #448]
        \op     q30, q31, [x0, #480]
        .endm

        .section .text.head, "ax"
        .globl  image_start, vectors
image_start:
vectors:
        b       reset
        .long   0
        .quad   0                       /* text_offset: at the 2 MB boundary itself */
        .quad   image_size
        .quad   2                       /* little endian, 4 KB, anywhere */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

        .globl  _start
_start:
reset:
        mov     x19, x0
        mrs     x1, CurrentEL
        cmp     x1, #(2 << 2)
        b.ne    wrong_el
        adr     x20, image_start        /* must run where it is linked */
        ldr     x2, =image_start
        cmp     x20, x2
        b.ne    wrong_el
        msr     daifset, #15
        bl      el2_plain

        /* No stale lines over what is about to be written without caches. */
        mov     x0, x20
        adr     x1, image_end
        bl      dcache_clean_invalidate
        adr     x0, bss_start
1:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    1b
        mov     x0, x20
        bl      dcache_clean_invalidate

        adr     x0, stacks + STACK_SIZE - FRAME
        mov     sp, x0                  /* the guest's frame lies on top */
        mov     x0, x19
        bl      boot_main
0:      wfi
        b       0b

        /* Not at EL2 or not where we belong: no UART is known to be reachable. */
wrong_el:
        ldr     x1, =BOARD_EARLY_UART
        adr     x2, wrong_text
1:      ldrb    w3, [x2], #1
        cbz     w3, 0b
        str     w3, [x1]
        b       1b
        .ltorg

        /* Z0 to Z31, P0 to P15 and FFR one after the other, by the vector length of EL2 */
        .arch_extension sve
        .globl  sve_save
sve_save:
        addvl   x1, x0, #16
        addvl   x1, x1, #16
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        str     z\n, [x0, #\n, mul vl]
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        str     p\n, [x1, #\n, mul vl]
        .endr
        rdffr   p0.b
        str     p0, [x1, #16, mul vl]
        ldr     p0, [x1]
        ret

        .globl  sve_bytes
sve_bytes:
        rdvl    x0, #1
        ret

        vector  4, 4                    /* from EL2 itself: an error of ours */
enter:
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x2, elr_el2
        mrs     x3, spsr_el2
        stp     x30, x2, [sp, #240]
        str     x3, [sp, #256]
        mov     x0, sp
        bl      trap
        b       leave

        vector  5, 5
        .globl  guest_resume
guest_resume:
        mov     sp, x0
leave:
        ldr     x3, [sp, #256]
        ldp     x30, x2, [sp, #240]
        msr     elr_el2, x2
        msr     spsr_el2, x3
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldp     x0, x1, [sp]
        add     sp, sp, #FRAME
        eret
        dsb     nsh                     /* no speculation past the return */
        isb

        vector  6, 6
        /* smc_frame(x): registers 0 to 17 in and out; SMCCC may change all of these */
        .globl  smc_frame
smc_frame:
        stp     x30, x19, [sp, #-16]!
        mov     x19, x0
        ldp     x2, x3, [x19, #16]
        ldp     x4, x5, [x19, #32]
        ldp     x6, x7, [x19, #48]
        ldp     x8, x9, [x19, #64]
        ldp     x10, x11, [x19, #80]
        ldp     x12, x13, [x19, #96]
        ldp     x14, x15, [x19, #112]
        ldp     x16, x17, [x19, #128]
        ldp     x0, x1, [x19]
        smc     #0
        stp     x0, x1, [x19]
        stp     x2, x3, [x19, #16]
        stp     x4, x5, [x19, #32]
        stp     x6, x7, [x19, #48]
        stp     x8, x9, [x19, #64]
        stp     x10, x11, [x19, #80]
        stp     x12, x13, [x19, #96]
        stp     x14, x15, [x19, #112]
        stp     x16, x17, [x19, #128]
        ldp     x30, x19, [sp], #16
        ret

        vector  7, 7
        .globl  fp_save
fp_save:
        q_pairs stp
        ret

        .globl  smc
smc:
        smc     #0
        ret

        vector  8, 0                    /* from the guest, AArch64 */
        .globl  fp_load
fp_load:
        q_pairs ldp
        ret

        vector  9, 1
        /* A known EL2: nothing from the loader's MMU, FP usable. */
el2_plain:
        msr     spsel, #1
        mov     x0, #(1 << 31)          /* HCR_EL2.RW, E2H = 0 */
        msr     hcr_el2, x0
        isb
        mov     x0, #0x0830             /* SCTLR_EL2 RES1, MMU and caches off */
        movk    x0, #0x30c5, lsl #16
        msr     sctlr_el2, x0
        mov     x0, #0x33ff
        msr     cptr_el2, x0
        adr     x0, vectors
        msr     vbar_el2, x0
        isb
        ret

        vector  10, 2
        /* el2_mmu_on(root): EL2's own map. Between the one before and this one translation is off, which
         * is break-before-make (Arm ARM D8, "Using break-before-make") for the map that one runs by:
         * nothing from M = 0 to M = 1 reads or writes memory. */
        .globl  el2_mmu_on
el2_mmu_on:
        mov     x1, #0x0830             /* as in el2_plain: M, C and I off */
        movk    x1, #0x30c5, lsl #16
        msr     sctlr_el2, x1
        isb
        mov     x1, #0xff04             /* attributes: 0 nGnRE, 1 write-back */
        msr     mair_el2, x1
        mrs     x1, id_aa64mmfr0_el1
        and     x1, x1, #15
        mov     x2, #5                  /* 48 bits at most */
        cmp     x1, x2
        csel    x1, x1, x2, lo
        mov     x2, #0x3519             /* 39 bits, write-back walks, inner shareable */
        movk    x2, #0x8080, lsl #16
        orr     x1, x2, x1, lsl #16
        msr     tcr_el2, x1
        msr     ttbr0_el2, x0
        dsb     sy                      /* the tables are complete */
        tlbi    alle2
        dsb     sy
        isb
        mov     x1, #0x1835             /* I, C, M */
        movk    x1, #0x30c5, lsl #16
        msr     sctlr_el2, x1
        isb
        ret

        vector  11, 3
        /* dcache_clean_invalidate(start, end): to memory, for who looks there without caches. x1 stays. */
        .globl  dcache_clean_invalidate
dcache_clean_invalidate:
        mrs     x2, ctr_el0
        ubfx    x2, x2, #16, #4
        mov     x3, #4
        lsl     x3, x3, x2
        sub     x2, x3, #1
        bic     x0, x0, x2
1:      dc      civac, x0
        add     x0, x0, x3
        cmp     x0, x1
        b.lo    1b
        dsb     sy
        ret

        /* cache_clean_code(start, end): instruction fetch sees what was written, with caches and without */
        .globl  cache_clean_code
cache_clean_code:
        mov     x4, x30
        bl      dcache_clean_invalidate
        ic      ialluis                 /* any virtual alias, on every CPU */
        dsb     sy
        isb
        ret     x4

        vector  12, 0                   /* from the guest, AArch32 EL0 */
        /* PSCI CPU_ON comes here with x0 = struct cpu's index, MMU off. */
        .globl  secondary_entry
secondary_entry:
        msr     daifset, #15
        mov     x19, x0
        bl      el2_plain
        adr     x0, s1_root
        bl      el2_mmu_on              /* before data is touched: what it must see lies in caches */
        adr     x1, stacks + STACK_SIZE - FRAME
        mov     x2, #STACK_SIZE
        madd    x1, x19, x2, x1
        mov     sp, x1
        mov     x0, x19
        bl      secondary_main
0:      wfi
        b       0b

        vector  13, 1
wrong_text:
        .asciz  "guestdbg-el2: this must start at EL2, at its load address (QEMU: -M virt,virtualization=on)\r\n"

        vector  14, 2
        vector  15, 3

        .globl  sve_load
sve_load:
        addvl   x1, x0, #16
        addvl   x1, x1, #16
        ldr     p0, [x1, #16, mul vl]
        wrffr   p0.b
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        ldr     p\n, [x1, #\n, mul vl]
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        ldr     z\n, [x0, #\n, mul vl]
        .endr
        ret

        .macro  each_pair do
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \do     b, \n
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \do     w, \n
        .endr
        .endm

        .macro  get_pair bank, n
        mrs     x0, dbg\bank\()cr\n\()_el1
        mrs     x1, dbg\bank\()vr\n\()_el1
        ret
        .endm

        .macro  set_pair bank, n
        msr     dbg\bank\()vr\n\()_el1, x2
        msr     dbg\bank\()cr\n\()_el1, x1
        ret
        .endm

        .globl  debug_pair_get
debug_pair_get:
        adr     x1, 1f
        mov     w2, #12                 /* bytes of each */
        umaddl  x1, w0, w2, x1
        br      x1
1:      each_pair get_pair

        .globl  debug_pair_set
debug_pair_set:
        adr     x3, 1f
        mov     w4, #12
        umaddl  x3, w0, w4, x3
        br      x3
1:      each_pair set_pair

        .section .note.GNU-stack, "", %progbits
