/* SPDX-License-Identifier: MIT */
/*
 * The numbers of arm64: registers by the number that the wire, the engine and every back end
 * use for them, features, and the fields of the Arm Architecture Reference Manual (DDI 0487,
 * "Arm ARM") that this project reads or writes, named as the manual names them.
 */
#ifndef GD_ARM64_H
#define GD_ARM64_H

#include "engine/cpu.h"

/*
 * Raw register numbers: what gd_backend.reg_get, reg_set, wide_get and wide_set are called
 * with. SP (31), VG and the pauth masks are views computed by src/arch/arm64/regs.c and never
 * reach a back end. Numbers up to 90 are those of GDB's features, 128 on is our own feature,
 * from 192 on nothing is shown to a client. A back end that lacks a register returns
 * GD_E_NOREG, which is taken as "does not exist" (value 0).
 */
#define GD_ARM64_X(n)             (n) /* 0..30 */
#define GD_ARM64_LR               30
#define GD_ARM64_SP               31 /* view: SP_EL0 or SP_EL1 by PSTATE */
#define GD_ARM64_PC               32
#define GD_ARM64_PSTATE           33 /* all 64 bits in SPSR format; a client sees 31:0 as cpsr */
#define GD_ARM64_V(n)             (34 + (n)) /* wide: 16 bytes, or the Z register with SVE */
#define GD_ARM64_FPSR             66
#define GD_ARM64_FPCR             67
#define GD_ARM64_P(n)             (68 + (n)) /* wide: 2 * sve_vq bytes */
#define GD_ARM64_FFR              84         /* wide: 2 * sve_vq bytes */
#define GD_ARM64_VG               85         /* view */
#define GD_ARM64_PAUTH_DMASK      86         /* views */
#define GD_ARM64_PAUTH_CMASK      87
#define GD_ARM64_PAUTH_DMASK_HIGH 88
#define GD_ARM64_PAUTH_CMASK_HIGH 89
#define GD_ARM64_TPIDR_EL0        90 /* S3_3_C13_C0_2 */

/*
 * The system registers: X(number, name, op0, op1, CRn, CRm, op2, flags). The encoding is that
 * of MRS/MSR. Under KVM, ELR_EL1, SPSR_EL1, SP_EL0 and SP_EL1 are core registers, and the
 * one-reg identifiers of CNTV_CVAL_EL0 and CNTVCT_EL0 are swapped (uapi/asm/kvm.h).
 */
#define GD_ARM64_RO 1u /* not writable by a client */
/* clang-format off */
#define GD_ARM64_EL1_REGS(X)                                                                     \
    X(128, SCTLR_EL1, 3, 0, 1, 0, 0, 0)                                                          \
    X(129, TCR_EL1, 3, 0, 2, 0, 2, 0)                                                            \
    X(130, TTBR0_EL1, 3, 0, 2, 0, 0, 0)                                                          \
    X(131, TTBR1_EL1, 3, 0, 2, 0, 1, 0)                                                          \
    X(132, MAIR_EL1, 3, 0, 10, 2, 0, 0)                                                          \
    X(133, VBAR_EL1, 3, 0, 12, 0, 0, 0)                                                          \
    X(134, ESR_EL1, 3, 0, 5, 2, 0, 0)                                                            \
    X(135, FAR_EL1, 3, 0, 6, 0, 0, 0)                                                            \
    X(136, ELR_EL1, 3, 0, 4, 0, 1, 0)                                                            \
    X(137, SPSR_EL1, 3, 0, 4, 0, 0, 0)                                                           \
    X(138, SP_EL0, 3, 0, 4, 1, 0, 0)                                                             \
    X(139, SP_EL1, 3, 4, 4, 1, 0, 0)                                                             \
    X(140, TPIDR_EL1, 3, 0, 13, 0, 4, 0)                                                         \
    X(141, TPIDRRO_EL0, 3, 3, 13, 0, 3, 0)                                                       \
    X(142, CONTEXTIDR_EL1, 3, 0, 13, 0, 1, 0)                                                    \
    X(143, CPACR_EL1, 3, 0, 1, 0, 2, 0)                                                          \
    X(144, PAR_EL1, 3, 0, 7, 4, 0, 0)                                                            \
    X(145, AFSR0_EL1, 3, 0, 5, 1, 0, 0)                                                          \
    X(146, AFSR1_EL1, 3, 0, 5, 1, 1, 0)                                                          \
    X(147, AMAIR_EL1, 3, 0, 10, 3, 0, 0)                                                         \
    X(148, CNTKCTL_EL1, 3, 0, 14, 1, 0, 0)                                                       \
    X(149, CNTV_CTL_EL0, 3, 3, 14, 3, 1, 0)                                                      \
    X(150, CNTV_CVAL_EL0, 3, 3, 14, 3, 2, 0)                                                     \
    X(151, MDSCR_EL1, 2, 0, 0, 2, 2, 0)                                                          \
    X(152, MPIDR_EL1, 3, 0, 0, 0, 5, GD_ARM64_RO)                                                \
    X(153, MIDR_EL1, 3, 0, 0, 0, 0, GD_ARM64_RO)

/* Served by the back end for our own use; all but OSLSR_EL1 may be missing. DCZID_EL0 may be
 * the host's own, EL0 can read it. */
#define GD_ARM64_OWN_REGS(X)                                                                     \
    X(192, TCR2_EL1, 3, 0, 2, 0, 3, 0)                                                           \
    X(193, GCSCR_EL1, 3, 0, 2, 5, 0, 0)                                                          \
    X(194, OSLSR_EL1, 2, 0, 1, 1, 4, GD_ARM64_RO)                                                \
    X(195, DCZID_EL0, 3, 3, 0, 0, 7, GD_ARM64_RO)                                                \
    X(196, CTR_EL0, 3, 3, 0, 0, 1, GD_ARM64_RO)                                                  \
    X(198, ZCR_EL1, 3, 0, 1, 2, 0, 0)

#define GD_ARM64_REG_ENUM(num, name, op0, op1, crn, crm, op2, flags) GD_ARM64_##name = (num),
enum gd_arm64_reg {
    GD_ARM64_EL1_REGS(GD_ARM64_REG_ENUM) GD_ARM64_OWN_REGS(GD_ARM64_REG_ENUM) GD_ARM64_EL1_FIRST =
        128,
    GD_ARM64_EL1_LAST = 153,
};
#undef GD_ARM64_REG_ENUM
/* clang-format on */

/* Of no back end, only in a run of steps: PSTATE as it was known last, its flags perhaps changed since. */
#define GD_ARM64_MODE 197

/* The guest's own debug registers, S2_0_C0_Cn_5 and S2_0_C0_Cn_7, n below the counts of its
 * ID_AA64DFR0_EL1. */
#define GD_ARM64_DBGBCR(n) (208 + (n))
#define GD_ARM64_DBGWCR(n) (224 + (n))

/* gd_target.features, set by gd_arm64_features() from the guest's ID registers. */
#define GD_ARM64_F_PAUTH    (1u << 0) /* FEAT_PAuth: addresses may be signed */
#define GD_ARM64_F_MTE      (1u << 1) /* FEAT_MTE2: PSTATE.TCO */
#define GD_ARM64_F_EL0_32   (1u << 2) /* EL0 can use AArch32 */
#define GD_ARM64_F_PAN      (1u << 3) /* FEAT_PAN */
#define GD_ARM64_F_UAO      (1u << 4) /* FEAT_UAO */
#define GD_ARM64_F_SSBS     (1u << 5) /* FEAT_SSBS */
#define GD_ARM64_F_NMI      (1u << 6) /* FEAT_NMI: PSTATE.ALLINT */
#define GD_ARM64_F_GCS      (1u << 7) /* FEAT_GCS: PSTATE.EXLOCK */
#define GD_ARM64_F_LPA      (1u << 8) /* FEAT_LPA: 52-bit output with 64K granule */
#define GD_ARM64_F_LPA2_4K  (1u << 9) /* FEAT_LPA2 for stage 1, 4K granule */
#define GD_ARM64_F_LPA2_16K (1u << 10)
#define GD_ARM64_F_LVA      (1u << 11) /* FEAT_LVA: 52-bit input with 64K granule */
#define GD_ARM64_F_TTST     (1u << 12) /* FEAT_TTST: small tables, TxSZ above 39 */
#define GD_ARM64_F_HDBS     (1u << 13) /* FEAT_HAFDBS with dirty state: DBM */
#define GD_ARM64_F_BTI      (1u << 14) /* FEAT_BTI: PSTATE.BTYPE */
#define GD_ARM64_F_TCR2     (1u << 15) /* FEAT_TCR2: TCR2_EL1 exists */
#define GD_ARM64_F_WFXT     (1u << 16) /* FEAT_WFxT */

struct gd_arm64_ids {
    uint64_t pfr0, pfr1, mmfr0, mmfr1, mmfr2, mmfr3, isar1, isar2; /* ID_AA64<name>_EL1 */
};
/* GD_ARM64_F_* of the ID registers that the guest sees; unknown ones are 0. */
uint32_t gd_arm64_features(const struct gd_arm64_ids *id);
/* Physical address bits of ID_AA64MMFR0_EL1.PARange. */
unsigned gd_arm64_pa_bits(uint64_t mmfr0);

/*
 * The breakpoint instruction that we plant: BRK #0x6764. Linux uses 4 to 7, 0x100, 0x400,
 * 0x401, 0x800, 0x900 to 0x9ff, 0x5500 to 0x55ff and 0x8000 to 0x83ff (asm/brk-imm.h), GDB
 * and LLDB 0, compilers 1, 1000 and 0xc470 to 0xc473, Windows 0xf000 on.
 */
#define GD_ARM64_BRK_IMM  0x6764u
#define GD_ARM64_BRK(imm) (0xd4200000u | (uint32_t)(imm) << 5)

/* PSTATE as SPSR_EL1 has it, Arm ARM C5.2.20 (exception from AArch64 state). */
#define PSTATE_M_MASK     0xfull
#define PSTATE_M_EL0T     0x0ull
#define PSTATE_M_EL1T     0x4ull
#define PSTATE_M_EL1H     0x5ull
#define PSTATE_NRW        (1ull << 4)
#define PSTATE_F          (1ull << 6)
#define PSTATE_I          (1ull << 7)
#define PSTATE_A          (1ull << 8)
#define PSTATE_D          (1ull << 9)
#define PSTATE_DAIF       (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)
#define PSTATE_BTYPE      (3ull << 10)
#define PSTATE_SSBS       (1ull << 12)
#define PSTATE_ALLINT     (1ull << 13)
#define PSTATE_IL         (1ull << 20)
#define PSTATE_SS         (1ull << 21)
#define PSTATE_PAN        (1ull << 22)
#define PSTATE_UAO        (1ull << 23)
#define PSTATE_DIT        (1ull << 24)
#define PSTATE_TCO        (1ull << 25)
#define PSTATE_V          (1ull << 28)
#define PSTATE_C          (1ull << 29)
#define PSTATE_Z          (1ull << 30)
#define PSTATE_N          (1ull << 31)
#define PSTATE_EXLOCK     (1ull << 34)
#define PSTATE_EL(pstate) ((unsigned)((pstate) >> 2 & 3)) /* of AArch64 state */

/* ESR_ELx, Arm ARM D24.2.40. */
#define ESR_EC(esr)      ((unsigned)((esr) >> 26 & 0x3f))
#define ESR_EC_SHIFT     26
#define ESR_EC_MASK      (0x3full << ESR_EC_SHIFT)
#define ESR_IL           (1ull << 25)
#define EC_BREAKPT_LOW   0x30u /* + 1: taken without a change of Exception level */
#define EC_SOFTSTP_LOW   0x32u
#define EC_WATCHPT_LOW   0x34u
#define EC_BKPT32        0x38u
#define EC_BRK64         0x3cu
#define ESR_DFSC_DEBUG   0x22ull
#define ESR_BRK_IMM(esr) ((unsigned)((esr)&0xffff))
#define ESR_STEP_ISV     (1ull << 24)
#define ESR_STEP_EX      (1ull << 6)
#define ESR_WP_WNR       (1ull << 6)
#define ESR_WP_CM        (1ull << 8)
#define ESR_WP_FNV       (1ull << 10)
#define ESR_WP_FNP       (1ull << 15)
#define ESR_WP_WPF       (1ull << 16)
#define ESR_WP_WPTV      (1ull << 17)
#define ESR_WP_WPT(esr)  ((unsigned)((esr) >> 18 & 0x3f))

/* SCTLR_EL1, Arm ARM D24.2.175. */
#define SCTLR_M         (1ull << 0)
#define SCTLR_A         (1ull << 1)
#define SCTLR_NTWI      (1ull << 16)
#define SCTLR_NTWE      (1ull << 18)
#define SCTLR_SPAN      (1ull << 23)
#define SCTLR_E0E       (1ull << 24)
#define SCTLR_EE        (1ull << 25)
#define SCTLR_DSSBS     (1ull << 44)
#define SCTLR_SPINTMASK (1ull << 62)

/* TCR_EL1, Arm ARM D24.2.194. x: 0 for TTBR0, 1 for TTBR1. */
#define TCR_TXSZ(tcr, x) ((unsigned)((tcr) >> ((x) ? 16 : 0) & 0x3f))
#define TCR_EPD(tcr, x)  ((bool)((tcr) >> ((x) ? 23 : 7) & 1))
#define TCR_TG0(tcr)     ((unsigned)((tcr) >> 14 & 3))
#define TCR_TG1(tcr)     ((unsigned)((tcr) >> 30 & 3))
#define TCR_TBI(tcr, x)  ((bool)((tcr) >> ((x) ? 38 : 37) & 1))
#define TCR_TBID(tcr, x) ((bool)((tcr) >> ((x) ? 52 : 51) & 1))
#define TCR_HPD(tcr, x)  ((bool)((tcr) >> ((x) ? 42 : 41) & 1))
#define TCR_HD           (1ull << 40)
#define TCR_DS           (1ull << 59)
#define TCR2_PIE         (1ull << 1)
#define TCR2_D128        (1ull << 5)

#define GCSCR_EXLOCKEN (1ull << 6)

/* MDSCR_EL1, Arm ARM D24.3.20, and OSLSR_EL1. */
#define MDSCR_SS   (1ull << 0)
#define MDSCR_TDCC (1ull << 12)
#define MDSCR_KDE  (1ull << 13)
#define MDSCR_MDE  (1ull << 15)
#define OSLSR_OSLK (1ull << 1)

/* DBGBCR<n>_EL1 and DBGWCR<n>_EL1, Arm ARM D24.3.2 and D24.3.11. */
#define DBGCR_E                  (1ull << 0)
#define DBGCR_PMC(c)             ((unsigned)((c) >> 1 & 3)) /* PAC of a watchpoint */
#define DBGCR_PMC_EL1_EL0        (3ull << 1)
#define DBGCR_HMC                (1ull << 13)
#define DBGCR_SSC(c)             ((unsigned)((c) >> 14 & 3))
#define DBGCR_LBN(c)             ((unsigned)((c) >> 16 & 0xf))
#define DBGCR_LBN_SHIFT          16
#define DBGBCR_BAS(c)            ((unsigned)((c) >> 5 & 0xf))
#define DBGBCR_BAS_A64           (0xfull << 5)
#define DBGBCR_BT(c)             ((unsigned)((c) >> 20 & 0xf))
#define DBGBCR_BT_LINKED_ADDR    (1ull << 20)
#define DBGBCR_BT_LINKED_CONTEXT (3ull << 20)
#define DBGBCR_RES0              0xffffffffff001e18ull /* before FEAT_Debugv8p9, FEAT_ABLE and FEAT_RME */
#define DBGWCR_LSC(c)            ((unsigned)((c) >> 3 & 3))
#define DBGWCR_LSC_LOAD          (1ull << 3)
#define DBGWCR_LSC_STORE         (2ull << 3)
#define DBGWCR_BAS(c)            ((unsigned)((c) >> 5 & 0xff))
#define DBGWCR_BAS_SHIFT         5
#define DBGWCR_WT                (1ull << 20)
#define DBGWCR_MASK(c)           ((unsigned)((c) >> 24 & 0x1f))
#define DBGWCR_MASK_SHIFT        24
#define DBGWCR_RES0              0xffffffffe0e00000ull

/* Takes an exception from the present state to EL1 as AArch64.TakeException does (Arm ARM
 * J1.1.2): SPSR_EL1, ELR_EL1 = ret, ESR_EL1 = esr (EC already that of EL1), FAR_EL1 when
 * far is not NULL, PSTATE, PC = VBAR_EL1 + 0 for a synchronous exception. */
int gd_arm64_take_exception(struct gd_cpu *c, uint64_t esr, const uint64_t *far, uint64_t ret);

#endif
