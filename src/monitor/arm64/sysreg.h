/* SPDX-License-Identifier: MIT */
/*
 * System registers of EL2 and of the guest as inline functions get_NAME() and set_NAME(), by
 * encoding so that no assembler needs to know them, and the bits that the monitor uses. Names
 * and fields are those of the Arm Architecture Reference Manual (DDI 0487) and the GIC
 * architecture (IHI 0069).
 */
#ifndef GD_SYSREG_H
#define GD_SYSREG_H

#include <stdint.h>

#ifndef SYSREG /* the unit tests have registers of their own (tests/unit/monitor/sysregs.h) */
#define SYSREG(name, encoding)                                                                     \
    static inline uint64_t get_##name(void)                                                        \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mrs %0, " encoding : "=r"(value)::"memory");                             \
        return value;                                                                              \
    }                                                                                              \
    static inline void set_##name(uint64_t value)                                                  \
    {                                                                                              \
        __asm__ volatile("msr " encoding ", %0" ::"r"(value) : "memory");                          \
    }

static inline void isb(void)
{
    __asm__ volatile("isb" ::: "memory");
}

static inline void dsb(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

static inline void wfi(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

/* What the guest's translations left in the TLB of this CPU. */
static inline void tlbi_guest(void)
{
    __asm__ volatile("tlbi vmalls12e1\n\tdsb sy\n\tisb" ::: "memory");
}
#endif

/* EL2's own */
SYSREG(TPIDR_EL2, "S3_4_C13_C0_2")
SYSREG(ESR_EL2, "S3_4_C5_C2_0")
SYSREG(FAR_EL2, "S3_4_C6_C0_0")
SYSREG(HPFAR_EL2, "S3_4_C6_C0_4")

/* Its control of EL1 */
SYSREG(HCR_EL2, "S3_4_C1_C1_0")
#define HCR_VM     (1ull << 0)
#define HCR_SWIO   (1ull << 1)
#define HCR_FMO    (1ull << 3)
#define HCR_IMO    (1ull << 4)
#define HCR_TSC    (1ull << 19)
#define HCR_RW     (1ull << 31)
#define HCR_E2H    (1ull << 34)
#define HCR_APK    (1ull << 40)
#define HCR_API    (1ull << 41)
#define HCR_ENSCXT (1ull << 53)
#define HCR_ATA    (1ull << 56)
SYSREG(HCRX_EL2, "S3_4_C1_C2_2")
#define HCRX_ENASR    (1ull << 2)
#define HCRX_ENALS    (1ull << 1)
#define HCRX_ENAS0    (1ull << 0)
#define HCRX_MSCEN    (1ull << 11)
#define HCRX_TCR2EN   (1ull << 14)
#define HCRX_SCTLR2EN (1ull << 15)
#define HCRX_ENFPM    (1ull << 23)
#define HCRX_GCSEN    (1ull << 22)
#define HCRX_D128EN   (1ull << 17)
SYSREG(VTCR_EL2, "S3_4_C2_C1_2")
SYSREG(VTTBR_EL2, "S3_4_C2_C1_0")
SYSREG(VPIDR_EL2, "S3_4_C0_C0_0")
SYSREG(VMPIDR_EL2, "S3_4_C0_C0_5")
SYSREG(CPTR_EL2, "S3_4_C1_C1_2")
SYSREG(HSTR_EL2, "S3_4_C1_C1_3")
SYSREG(ZCR_EL2, "S3_4_C1_C2_0")
SYSREG(SMCR_EL2, "S3_4_C1_C2_6")
SYSREG(SVCR, "S3_3_C4_C2_2")
#define SVCR_SM (1ull << 0)
SYSREG(TRFCR_EL2, "S3_4_C1_C2_1")
SYSREG(CNTHCTL_EL2, "S3_4_C14_C1_0")
SYSREG(CNTVOFF_EL2, "S3_4_C14_C0_3")
SYSREG(CNTHP_CTL_EL2, "S3_4_C14_C2_1")
SYSREG(CNTHP_CVAL_EL2, "S3_4_C14_C2_2")
SYSREG(CNTFRQ_EL0, "S3_3_C14_C0_0")
SYSREG(CNTPCT_EL0, "S3_3_C14_C0_1")
SYSREG(MPAM2_EL2, "S3_4_C10_C5_0")
SYSREG(MPAMHCR_EL2, "S3_4_C10_C4_0")
SYSREG(MPAMIDR_EL1, "S3_0_C10_C4_4")
SYSREG(LORC_EL1, "S3_0_C10_C4_3")
SYSREG(HFGRTR_EL2, "S3_4_C1_C1_4")
SYSREG(HFGWTR_EL2, "S3_4_C1_C1_5")
SYSREG(HFGITR_EL2, "S3_4_C1_C1_6")
SYSREG(HDFGRTR_EL2, "S3_4_C3_C1_4")
SYSREG(HDFGWTR_EL2, "S3_4_C3_C1_5")
SYSREG(HAFGRTR_EL2, "S3_4_C3_C1_6")
SYSREG(HFGRTR2_EL2, "S3_4_C3_C1_2")
SYSREG(HFGWTR2_EL2, "S3_4_C3_C1_3")
SYSREG(HDFGRTR2_EL2, "S3_4_C3_C1_0")
SYSREG(HDFGWTR2_EL2, "S3_4_C3_C1_1")
SYSREG(HFGITR2_EL2, "S3_4_C3_C1_7")

/* Identification */
SYSREG(MIDR_EL1, "S3_0_C0_C0_0")
SYSREG(MPIDR_EL1, "S3_0_C0_C0_5")
SYSREG(ID_AA64PFR0_EL1, "S3_0_C0_C4_0")
SYSREG(ID_AA64PFR1_EL1, "S3_0_C0_C4_1")
SYSREG(ID_AA64SMFR0_EL1, "S3_0_C0_C4_5")
SYSREG(ID_AA64DFR0_EL1, "S3_0_C0_C5_0")
SYSREG(ID_AA64ISAR1_EL1, "S3_0_C0_C6_1")
SYSREG(ID_AA64ISAR2_EL1, "S3_0_C0_C6_2")
SYSREG(ID_AA64MMFR0_EL1, "S3_0_C0_C7_0")
SYSREG(ID_AA64MMFR1_EL1, "S3_0_C0_C7_1")
SYSREG(ID_AA64MMFR2_EL1, "S3_0_C0_C7_2")
SYSREG(ID_AA64MMFR3_EL1, "S3_0_C0_C7_3")

/* EL1 state that is set at a CPU's start */
SYSREG(SCTLR_EL1, "S3_0_C1_C0_0")
#define SCTLR_C (1ull << 2)
SYSREG(CPACR_EL1, "S3_0_C1_C0_2")
SYSREG(CNTKCTL_EL1, "S3_0_C14_C1_0")
SYSREG(CNTV_CTL_EL0, "S3_3_C14_C3_1")
SYSREG(CNTP_CTL_EL0, "S3_3_C14_C2_1")
SYSREG(PMCR_EL0, "S3_3_C9_C12_0")
SYSREG(SPSR_EL1, "S3_0_C4_C0_0")

/* Debug */
SYSREG(MDCR_EL2, "S3_4_C1_C1_1")
#define MDCR_TDE   (1ull << 8)
#define MDCR_TDA   (1ull << 9)
#define MDCR_TDOSA (1ull << 10)
#define MDCR_TDRA  (1ull << 11)
#define MDCR_E2PB  (3ull << 12)
#define MDCR_E2TB  (3ull << 24)
SYSREG(MDSCR_EL1, "S2_0_C0_C2_2")
SYSREG(OSLAR_EL1, "S2_0_C1_C0_4")
SYSREG(OSLSR_EL1, "S2_0_C1_C1_4")
SYSREG(OSDLR_EL1, "S2_0_C1_C3_4")
SYSREG(DBGAUTHSTATUS_EL1, "S2_0_C7_C14_6")
SYSREG(DBGCLAIMSET_EL1, "S2_0_C7_C8_6")
SYSREG(DBGCLAIMCLR_EL1, "S2_0_C7_C9_6")

/* GIC CPU interface. At EL2 these are the physical ones, whatever HCR_EL2 says. */
SYSREG(ICC_SRE_EL2, "S3_4_C12_C9_5")
SYSREG(ICC_PMR_EL1, "S3_0_C4_C6_0")
SYSREG(ICC_IAR0_EL1, "S3_0_C12_C8_0")
SYSREG(ICC_EOIR0_EL1, "S3_0_C12_C8_1")
SYSREG(ICC_IAR1_EL1, "S3_0_C12_C12_0")
SYSREG(ICC_EOIR1_EL1, "S3_0_C12_C12_1")
SYSREG(ICC_DIR_EL1, "S3_0_C12_C11_1")
SYSREG(ICC_RPR_EL1, "S3_0_C12_C11_3")
SYSREG(ICC_SGI1R_EL1, "S3_0_C12_C11_5")
SYSREG(ICC_SGI0R_EL1, "S3_0_C12_C11_7")
SYSREG(ICC_BPR0_EL1, "S3_0_C12_C8_3")
SYSREG(ICC_BPR1_EL1, "S3_0_C12_C12_3")
SYSREG(ICC_CTLR_EL1, "S3_0_C12_C12_4")
#define ICC_CTLR_EOIMODE (1ull << 1)
SYSREG(ICC_IGRPEN0_EL1, "S3_0_C12_C12_6")
SYSREG(ICC_IGRPEN1_EL1, "S3_0_C12_C12_7")
SYSREG(ICH_HCR_EL2, "S3_4_C12_C11_0")
#define ICH_HCR_EN  (1ull << 0)
#define ICH_HCR_UIE (1ull << 1)
SYSREG(ICH_AP0R0_EL2, "S3_4_C12_C8_0")
SYSREG(ICH_AP1R0_EL2, "S3_4_C12_C9_0")
SYSREG(ICH_VTR_EL2, "S3_4_C12_C11_1")
SYSREG(ICH_VMCR_EL2, "S3_4_C12_C11_7")

/* A register by its five numbers, as bits 20:5 of the MRS instruction and bits of the
 * syndrome of a trapped access order them. */
#define SYSREG_KEY(op0, op1, crn, crm, op2)                                                        \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#endif
