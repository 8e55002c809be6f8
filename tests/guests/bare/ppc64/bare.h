/* SPDX-License-Identifier: MIT */
/* What the guests share: places, hypercalls, and macros. Assembler only. */
/* For assembler, which clang-format takes for C. */
/* clang-format off */
#ifndef BARE_H
#define BARE_H

#define HIGH 0xc000000000000000 /* kernel's view of physical address 0 */

/* Fields of `state`, the handlers' own memory and what they have seen. */
#define S_R10     0x00
#define S_R11     0x08
#define S_CR      0x10
#define S_R9      0x18
#define S_SE_SRR1 0x20 /* SE or'ed from SRR1 of every interrupt but the trace interrupt, from CTR of every scv, */
#define S_SE_CTR  0x28
#define S_SE_MSR  0x30 /* and from the handlers' own MSR */
#define S_TRACES  0x38 /* trace interrupts, and a digest of their SRR0 */
#define S_DIGEST  0x40
#define S_SKIP    0x48 /* not 0: faults are answered by going on behind the instruction */
#define S_COUNT   0x100 /* how often each vector was taken, by vector / 32 */

#define H_PUT_TERM_CHAR     0x58
#define H_SET_MODE          0x31c
#define H_REGISTER_PROC_TBL 0x37c
#define H_RTAS              0xf000

#define MSR_SE 0x400

    /* An address below 2 GiB. */
    .macro addr reg, sym
    lis \reg, (\sym)@h
    ori \reg, \reg, (\sym)@l
    .endm

    /* The same in the kernel's view; holds with translation off as well. */
    .macro high reg, sym
    li \reg, 3
    sldi \reg, \reg, 62
    oris \reg, \reg, (\sym)@h
    ori \reg, \reg, (\sym)@l
    .endm

    /* H_SET_MODE, resource 3: AIL is r4. 3: interrupts come translated, at 0xc000000000004000. */
    .macro set_ail
    li %r3, H_SET_MODE
    li %r5, 3
    li %r6, 0
    li %r7, 0
    sc 1
    cmpdi %r3, 0
    bne stop
    .endm
    .macro ail_3
    li %r4, 3
    set_ail
    .endm

    /* What the handlers have seen of SE, and of trace interrupts; 0: nothing. Changes r3, r4 and r12. */
    .macro seen_of_se reg
    high %r12, state
    ld %r3, S_SE_SRR1(%r12)
    ld %r4, S_SE_CTR(%r12)
    or %r3, %r3, %r4
    ld %r4, S_SE_MSR(%r12)
    or %r3, %r3, %r4
    ld %r4, S_TRACES(%r12)
    or \reg, %r3, %r4
    .endm

#endif
