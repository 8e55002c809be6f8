/* SPDX-License-Identifier: MIT */
/*
 * Entry at EL1 with the MMU off, stacks of 16 KiB per CPU, and exception vectors that hand a frame
 * to on_exception(). CPU 0 goes to main(dtb); others come by PSCI through secondary_start.
 */
    .section .text.start, "ax"
    .globl _start, secondary_start, vectors
_start:
    adrp x9, __bss_start
    add x9, x9, :lo12:__bss_start
    adrp x10, __bss_end
    add x10, x10, :lo12:__bss_end
1:  cmp x9, x10
    b.hs 2f
    stp xzr, xzr, [x9], #16
    b 1b
2:  mov x19, x0
    mov x0, #0
    bl set_stack
    mov x0, x19
    bl main
    b power_off

secondary_start: /* x0: CPU number */
    mov x19, x0
    bl set_stack
    mov x0, x19
    bl secondary_main
3:  wfi
    b 3b

set_stack: /* x0: CPU number; clobbers x9 to x11 */
    adrp x9, __stacks
    add x9, x9, :lo12:__stacks
    add x10, x0, #1
    add x9, x9, x10, lsl #14
    msr spsel, #1
    mov sp, x9
    adrp x9, vectors
    add x9, x9, :lo12:vectors
    msr vbar_el1, x9
    mov x9, #(3 << 20) /* CPACR_EL1.FPEN: SIMD is not trapped */
    mrs x11, id_aa64pfr0_el1
    ubfx x11, x11, #32, #4
    cbz x11, 1f
    orr x9, x9, #(3 << 16) /* ZEN */
1:  msr cpacr_el1, x9
    isb
    ret

    .macro entry kind
    .balign 128
    sub sp, sp, #288
    stp x0, x1, [sp]
    mov x0, #\kind
    b common
    .endm

    .balign 2048
vectors:
    .set n, 0
    .rept 16
    entry n
    .set n, n + 1
    .endr

common:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, elr_el1
    mrs x2, spsr_el1
    stp x30, x1, [sp, #240]
    mrs x3, esr_el1
    stp x2, x3, [sp, #256]
    mrs x1, far_el1
    str x1, [sp, #272]
    mov x1, sp
    bl on_exception
    ldp x30, x1, [sp, #240]
    ldr x2, [sp, #256]
    msr elr_el1, x1
    msr spsr_el1, x2
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp]
    add sp, sp, #288
    eret

    .globl psci
psci:   /* psci(function, a, b, c) by HVC */
    hvc #0
    ret
    .globl power_off
power_off:
    movz x0, #0x8400, lsl #16
    movk x0, #8
    hvc #0
    b power_off
