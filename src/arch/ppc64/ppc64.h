/* SPDX-License-Identifier: MIT */
/*
 * The numbers of POWER (64-bit Book III-S): registers by the number that the wire, the engine and
 * every back end use for them, features, and the fields of the Power ISA 3.1 that this project reads
 * or writes, named as the manual names them. The manual counts bits from the most significant one;
 * its bit numbers stand in the comments, the values are ordinary C masks.
 */
#ifndef GD_PPC64_H
#define GD_PPC64_H

#include "arch/arch.h"

/*
 * What gd_backend.reg_get, reg_set, wide_get and wide_set are called with. Up to 168 the numbers are
 * those of GDB's features (QEMU uses the same), from 169 on they are our own feature, from 224 on
 * nothing is shown to a client. A back end that lacks a register returns GD_E_NOREG.
 */
enum gd_ppc64_reg {
    GD_PPC64_R0 = 0, /* r0 .. r31 */
    GD_PPC64_PC = 64,
    GD_PPC64_MSR,
    GD_PPC64_CR,
    GD_PPC64_LR,
    GD_PPC64_CTR,
    GD_PPC64_XER,
    GD_PPC64_FPSCR,
    GD_PPC64_F0 = 71,   /* 64 bits: doubleword 0 of VSR n */
    GD_PPC64_VR0 = 103, /* wide, 16 bytes: VSR 32 + n */
    GD_PPC64_VSCR = 135,
    GD_PPC64_VRSAVE = 136,
    GD_PPC64_VS0H = 137, /* 64 bits: doubleword 1 of VSR n, n < 32 */

    /* Own feature, served by `p` only. CIABR, DAWR and DAWRX are the guest's values, whether or not
     * the hardware holds ours at the moment; the back end keeps them. */
    GD_PPC64_SRR0 = 169,
    GD_PPC64_SRR1,
    GD_PPC64_DAR,
    GD_PPC64_DSISR,
    GD_PPC64_SPRG0,
    GD_PPC64_SPRG1,
    GD_PPC64_SPRG2,
    GD_PPC64_SPRG3,
    GD_PPC64_PIDR,
    GD_PPC64_LPCR,
    GD_PPC64_PVR,
    GD_PPC64_FSCR,
    GD_PPC64_TAR,
    GD_PPC64_DEC,
    GD_PPC64_TB,
    GD_PPC64_CIABR,
    GD_PPC64_DAWR0,
    GD_PPC64_DAWRX0,
    GD_PPC64_DAWR1,
    GD_PPC64_DAWRX1,
    GD_PPC64_OWN_END,

    /* Absolute guest timebase at which the decrementer expires (KVM_REG_PPC_DEC_EXPIRY). */
    GD_PPC64_DEC_EXPIRY = 224,
    /* Second doubleword of the partition table entry, as KVM_PPC_CONFIGURE_V3_MMU takes it: what the
     * guest gave to H_REGISTER_PROC_TBL. 0: none registered yet. */
    GD_PPC64_PROC_TBL,
    GD_PPC64_EBBRR,
};

/* gd_target.features. */
#define GD_PPC64_F_ISA30 1u /* POWER9: scv, rfscv, process tables */
#define GD_PPC64_F_ISA31 2u /* POWER10: prefixed instructions, DAWR without the 512-byte rule */

/* Machine State Register, Book III 4.2.1. */
#define MSR_SF  0x8000000000000000ull /* 0: 64-bit mode */
#define MSR_HV  0x1000000000000000ull /* 3 */
#define MSR_TS  0x0000000600000000ull /* 29:30, 01 suspended, 10 transactional */
#define MSR_TSS 0x0000000200000000ull
#define MSR_TST 0x0000000400000000ull
#define MSR_TM  0x0000000100000000ull /* 31 */
#define MSR_S   0x0000000000400000ull /* 41: secure state */
#define MSR_EE  0x8000ull             /* 48 */
#define MSR_PR  0x4000ull             /* 49: problem state */
#define MSR_FP  0x2000ull             /* 50 */
#define MSR_ME  0x1000ull             /* 51 */
#define MSR_SE  0x0400ull             /* 53: trace every instruction */
#define MSR_BE  0x0200ull             /* 54: trace branches */
#define MSR_IR  0x0020ull             /* 58 */
#define MSR_DR  0x0010ull             /* 59 */
#define MSR_RI  0x0002ull             /* 62 */
#define MSR_LE  0x0001ull             /* 63 */

/* What POWER9 and POWER10 have of it, with VEC, VSX, FE0, FE1 and PMM; the rest of what is written reads as zero. */
#define MSR_THERE                                                                                  \
    (MSR_SF | MSR_HV | MSR_TS | MSR_TM | MSR_S | MSR_EE | MSR_PR | MSR_FP | MSR_ME | MSR_SE |      \
     MSR_BE | MSR_IR | MSR_DR | MSR_RI | MSR_LE | 0x02800904ull)

/* SRR1 at an interrupt: bits 33:36 and 42:47 say why, the rest is the MSR. POWER10 leaves such a bit
 * in the MSR that KVM returns after `sc 1`; it is masked out of every MSR. */
#define SRR1_CAUSE    0x783f0000ull
#define SRR1_TRACE    0x40000000ull /* 33: set at every trace interrupt */
#define SRR1_PREFIXED 0x20000000ull /* 34: the traced instruction was prefixed */
#define SRR1_CIABR    0x00100000ull /* 43: CIABR match */
#define SRR1_PROGILL  0x00080000ull /* 44: illegal instruction */

/* Logical Partitioning Control Register, Book III 2.2. */
#define LPCR_AIL   0x01800000ull /* 39:40 */
#define LPCR_AIL_3 0x01800000ull
#define LPCR_ILE   0x02000000ull /* 38: interrupts go to little-endian code */
#define LPCR_HR    0x00100000ull /* 43: the host (partition) uses radix */

#define FSCR_SCV 0x1000ull /* 51 */

#define DSISR_DAWR 0x00400000u /* 41 */

/* CIABR (SPR 187): 0:61 instruction address, 62:63 privilege. */
#define CIABR_PRIV       0x3ull
#define CIABR_PROBLEM    0x1ull
#define CIABR_SUPERVISOR 0x2ull

/* DAWRX (SPR 188, 189), Book III 10.4. */
#define DAWRX_MRD_SHIFT 10
#define DAWRX_MRD       0xfc00ull /* 48:53: doublewords - 1 */
#define DAWRX_HRAMMC    0x80ull   /* 56: ISA 3.1 */
#define DAWRX_DW        0x40ull   /* 57: stores */
#define DAWRX_DR        0x20ull   /* 58: loads */
#define DAWRX_WT        0x10ull   /* 59: wanted MSR[DR] */
#define DAWRX_WTI       0x08ull   /* 60: whatever MSR[DR] is */
#define DAWRX_HYP       0x04ull   /* 61 */
#define DAWRX_PNH       0x02ull   /* 62: privileged, not hypervisor */
#define DAWRX_PRO       0x01ull   /* 63: problem state */

/* Vectors, Book III 7.5, and where AIL=3 moves them; scv has a table of its own (7.5.16). */
#define VEC_RESET       0x100u
#define VEC_MCHECK      0x200u
#define VEC_DSI         0x300u
#define VEC_ISI         0x400u
#define VEC_ISEG        0x480u
#define VEC_EXTERNAL    0x500u
#define VEC_PROGRAM     0x700u
#define VEC_DECREMENTER 0x900u
#define VEC_DOORBELL    0xa00u
#define VEC_SYSCALL     0xc00u
#define VEC_TRACE       0xd00u
#define VEC_PERFMON     0xf00u
#define VEC_SCV         0x17000u
#define AIL3_BASE       0xc000000000004000ull
#define AIL3_SCV        0xc000000000003000ull

/* Hypercalls that wait for others or in which interrupts belong to the guest (PAPR 14.5). */
#define H_CEDE         0xe0u
#define H_CONFER       0xe4u
#define H_ENTER_NESTED 0xf804u

/* The instruction that KVM reports as a breakpoint (KVM_REG_PPC_DEBUG_INST): illegal, and the same
 * bytes in either order. */
#define GD_PPC64_BREAK 0x00dddd00u

/* ---- between the files of this folder ---- */

/* MSR without what an interrupt cause may have left in it. */
uint64_t gd_ppc64_msr(struct gd_cpu *c);
/* The instruction at va in the byte order of the present MSR[LE]. */
int gd_ppc64_fetch(struct gd_cpu *c, uint64_t va, uint32_t *insn);

/* Where an interrupt with this offset goes from MSR msr, and the MSR its handler starts with. */
uint64_t gd_ppc64_vector(struct gd_cpu *c, uint64_t msr, unsigned offset);
uint64_t gd_ppc64_handler_msr(struct gd_cpu *c, uint64_t msr, unsigned offset);
/* Takes an interrupt as the hardware would: SRR0, SRR1, MSR and NIP. */
void gd_ppc64_interrupt(struct gd_cpu *c, unsigned offset, uint64_t srr0, uint64_t cause);
/* Offset of the interrupt vector that va is, 0 if it is none. */
unsigned gd_ppc64_vector_at(uint64_t va);
/* Offsets of all interrupt vectors that a guest has at 0, or relocated to AIL3_BASE. */
const uint16_t *gd_ppc64_vectors(bool relocated, unsigned *n);

/* GD_E_FORMAT and a sentence if the guest is a secure one, or uses a hashed page table, where nothing that is
 * needed for words on its vectors can be translated. why may be NULL. */
int gd_ppc64_open(struct gd_cpu *c, struct gd_why *why);
/* The walk of va through the guest's radix tree, whatever the MSR says. why may be NULL. */
int gd_ppc64_walk(struct gd_cpu *c, uint64_t va, struct gd_xlate *x, struct gd_why *why);
/* Is part of the word at va in these bytes of guest memory? *leads: do they say where that lies? */
bool gd_ppc64_is_word(struct gd_cpu *c, uint64_t va, uint64_t gpa, uint64_t len, bool *leads);

unsigned gd_ppc64_reg_size(const struct gd_target *t, unsigned num);
bool gd_ppc64_reg_read_only(unsigned num);
int gd_ppc64_reg_get(struct gd_cpu *c, unsigned num, uint8_t *bytes);
int gd_ppc64_reg_set(struct gd_cpu *c, unsigned num, const uint8_t *bytes);
void gd_ppc64_tdesc(const struct gd_target *t, uint32_t client_flags, struct gd_out *o);
int gd_ppc64_plan(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                  struct gd_hw_set *set, struct gd_why *why);
void gd_ppc64_guest_debug(struct gd_cpu *c, struct gd_out *o);
int gd_ppc64_translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                       struct gd_why *why);
int gd_ppc64_context(struct gd_cpu *c, uint64_t *value);
void gd_ppc64_walk_print(struct gd_cpu *c, uint64_t va, struct gd_out *o);
void gd_ppc64_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                    struct gd_event *ev);
unsigned gd_ppc64_fence(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t *va, uint64_t *gpa,
                        unsigned max);
bool gd_ppc64_pass(struct gd_cpu *c);
int gd_ppc64_breakable(struct gd_cpu *c, uint64_t va, uint64_t gpa, struct gd_why *why);
int gd_ppc64_inject(struct gd_cpu *c, const struct gd_exit *x);
void gd_ppc64_access(struct gd_cpu *c, uint64_t pc, struct gd_access *a);
int gd_ppc64_step_begin(struct gd_cpu *c, struct gd_step *s);
int gd_ppc64_step_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit);
void gd_ppc64_step_abort(struct gd_cpu *c, struct gd_step *s);

#endif
