/* SPDX-License-Identifier: MIT */
/*
 * Firmware at EL3 of QEMU's virt machine with two security states: interrupts in non-secure group 1, PSCI
 * by SMC as far as the monitor needs it, and one call from which a CPU does not come back.
 */
#define MAILBOX 0x0e000000 /* in secure memory: entry and context of each CPU */
#define TREE    0x48000000
#define MONITOR 0x40200000

        .text
        .globl  _start
_start:
        adr     x0, vectors
        msr     vbar_el3, x0
        mov     x0, #0x535              /* SCR_EL3: NS, FIQ, RES1, HCE, RW */
        msr     scr_el3, x0
        msr     cptr_el3, xzr
        mov     x0, #15
        msr     s3_6_c12_c12_5, x0      /* ICC_SRE_EL3 */
        isb
        mov     x0, #0xff
        msr     s3_0_c4_c6_0, x0        /* ICC_PMR_EL1: none of the non-secure ones is masked */
        mrs     x19, mpidr_el1
        and     x19, x19, #0xff
        mov     x1, #0x080a0000
        add     x1, x1, x19, lsl #17
        str     wzr, [x1, #0x14]        /* GICR_WAKER */
        add     x1, x1, #0x10000
        mov     w0, #-1
        str     w0, [x1, #0x80]         /* GICR_IGROUPR0 */
        cbnz    x19, secondary
        mov     x1, #0x08000000
        mov     w2, #0x32               /* GICD_CTLR: group 1 non-secure, affinity routing in both states */
        str     w2, [x1]
        mov     x3, #0x84
1:      str     w0, [x1, x3]            /* GICD_IGROUPR */
        add     x3, x3, #4
        cmp     x3, #0x100
        b.lo    1b
        ldr     x0, =TREE
        ldr     x1, =MONITOR
        b       down
secondary:
        ldr     x2, =MAILBOX
        add     x2, x2, x19, lsl #4
1:      wfe
        ldr     x1, [x2]
        cbz     x1, 1b
        ldr     x0, [x2, #8]
down:   msr     elr_el3, x1
        mov     x1, #0x3c9              /* EL2, its own stack, all masked */
        msr     spsr_el3, x1
        eret

        .balign 2048
vectors:
        .fill   256, 4, 0x14000000      /* from EL3: stays there */
        mov     w4, #0x84000000         /* PSCI_VERSION */
        cmp     w0, w4
        b.eq    version
        ldr     w4, =0xc4000003         /* CPU_ON */
        cmp     w0, w4
        b.eq    on
        ldr     w4, =0x8000f00d         /* and the one that hangs, after it has said so at x1 */
        cmp     w0, w4
        b.eq    hang
        mov     x0, #-1
        eret
version:
        mov     w0, #0x10001
        eret
hang:   str     x4, [x1]
        dsb     sy
        b       .
on:     ldr     x4, =MAILBOX
        and     x5, x1, #0xff
        add     x4, x4, x5, lsl #4
        str     x3, [x4, #8]
        dsb     sy
        str     x2, [x4]
        dsb     sy
        sev
        mov     x0, #0
        eret
