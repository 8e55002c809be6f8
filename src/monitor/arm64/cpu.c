/* SPDX-License-Identifier: MIT */
/*
 * What EL2 must set so that a payload at EL1 finds its CPU as if EL2 were not there: the list
 * is that of Linux' arch/arm64/include/asm/el2_setup.h, each entry by the ID register that
 * says it exists. Also the guest's reset state, and the timer of EL2.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

struct cpu *this_cpu(void)
{
    return (struct cpu *)(uintptr_t)get_TPIDR_EL2();
}

struct cpu *cpu_of_mpidr(uint64_t affinity)
{
    for (unsigned i = 0; i < ncpus; i++) {
        if (cpus[i].mpidr == affinity)
            return &cpus[i];
    }
    return NULL;
}

/* SVE and SME: not trapped, longest vectors, all instructions. */
static void vectors_setup(void)
{
    bool sve = gd_bits(get_ID_AA64PFR0_EL1(), 35, 32);
    bool sme = gd_bits(get_ID_AA64PFR1_EL1(), 27, 24);

    set_CPTR_EL2(0x22ffull | (sve ? 0 : 1ull << 8) | (sme ? 0 : 1ull << 12));
    isb();
    if (sve)
        set_ZCR_EL2(0x1ff);
    if (sme) {
        uint64_t id = get_ID_AA64SMFR0_EL1();

        set_SMCR_EL2(0xf | (gd_bit(id, 63) ? 1ull << 31 : 0) |
                     (gd_bits(id, 59, 56) ? 1ull << 30 : 0));
    }
}

/* Fine-grained traps: bits whose names begin with n trap when 0. */
static void fine_traps_setup(void)
{
    unsigned fgt = (unsigned)gd_bits(get_ID_AA64MMFR0_EL1(), 59, 56);

    if (fgt == 0)
        return;
    set_HFGRTR_EL2(0xfff4ull << 48);
    set_HFGWTR_EL2(0xfff4ull << 48);
    set_HFGITR_EL2(0x1full << 55);
    set_HDFGRTR_EL2(0xfull << 59);
    set_HDFGWTR_EL2(0x7ull << 60);
    if (gd_bits(get_ID_AA64PFR0_EL1(), 47, 44)) /* AMU */
        set_HAFGRTR_EL2(0);
    if (fgt >= 2) {
        set_HFGRTR2_EL2(0x7fff);
        set_HFGWTR2_EL2(0x7fff);
        set_HDFGRTR2_EL2(0x1ffffff);
        set_HDFGWTR2_EL2(0x1ffffff);
        set_HFGITR2_EL2(0x2); /* TSBCSYNC traps when 1 */
    }
}

/* HCRX_EL2 enables what would otherwise be undefined at EL1. */
static void hcrx_setup(void)
{
    uint64_t mmfr3 = get_ID_AA64MMFR3_EL1(), v = 0;
    uint64_t ls64 = gd_bits(get_ID_AA64ISAR1_EL1(), 63, 60);

    if (gd_bits(get_ID_AA64MMFR1_EL1(), 43, 40) == 0)
        return;
    if (ls64 >= 1)
        v |= HCRX_ENALS;
    if (ls64 >= 2)
        v |= HCRX_ENASR;
    if (ls64 >= 3)
        v |= HCRX_ENAS0;
    if (gd_bits(get_ID_AA64ISAR2_EL1(), 19, 16)) /* MOPS */
        v |= HCRX_MSCEN;
    if (gd_bits(mmfr3, 3, 0))
        v |= HCRX_TCR2EN;
    if (gd_bits(mmfr3, 7, 4))
        v |= HCRX_SCTLR2EN;
    if (gd_bits(get_ID_AA64PFR1_EL1(), 47, 44))
        v |= HCRX_GCSEN;
    if (gd_bits(mmfr3, 35, 32))
        v |= HCRX_D128EN;
    set_HCRX_EL2(v | HCRX_ENFPM);
}

static uint64_t mdcr_idle(void)
{
    uint64_t dfr0 = get_ID_AA64DFR0_EL1(), v = 0, pmu = gd_bits(dfr0, 11, 8);

    if (pmu != 0 && pmu != 0xf)
        v |= gd_bits(get_PMCR_EL0(), 15, 11); /* HPMN: all counters are the guest's */
    if (gd_bits(dfr0, 35, 32))
        v |= MDCR_E2PB;
    if (gd_bits(dfr0, 47, 44))
        v |= MDCR_E2TB;
    return v;
}

void cpu_el2_setup(struct cpu *c)
{
    uint64_t hcr = HCR_RW | HCR_VM | HCR_SWIO | HCR_IMO | HCR_FMO | HCR_TSC | HCR_APK | HCR_API;
    uint64_t pfr0 = get_ID_AA64PFR0_EL1(), pfr1 = get_ID_AA64PFR1_EL1();

    if (gd_bits(pfr0, 59, 56)) /* CSV2: SCXTNUM registers */
        hcr |= HCR_ENSCXT;
    if (gd_bits(pfr1, 11, 8) >= 2)
        hcr |= HCR_ATA;
    set_HCR_EL2(hcr);
    isb();
    if (get_HCR_EL2() & HCR_E2H)
        stop("this CPU has HCR_EL2.E2H fixed to 1, which is not supported");
    hcrx_setup();
    vectors_setup();
    fine_traps_setup();
    set_HSTR_EL2(0);
    set_VPIDR_EL2(get_MIDR_EL1());
    set_VMPIDR_EL2(get_MPIDR_EL1());
    set_CNTHCTL_EL2(3); /* the guest reads the physical counter and timer */
    set_CNTVOFF_EL2(0);
    set_MDCR_EL2(mdcr_idle());
    if (gd_bits(get_ID_AA64DFR0_EL1(), 43, 40))
        set_TRFCR_EL2(0);
    if (gd_bits(get_ID_AA64MMFR1_EL1(), 19, 16))
        set_LORC_EL1(0);
    if (gd_bits(pfr0, 43, 40)) {
        set_MPAM2_EL2(0);
        if (gd_bit(get_MPAMIDR_EL1(), 17))
            set_MPAMHCR_EL2(0);
    }
    timer_off();
    mmu_cpu();
    c->voff = 0;
    isb();
}

/* Arm ARM D1.3 and Linux' booting.rst: MMU off, exceptions masked, EL1 with its own stack. */
void cpu_el1_reset(struct cpu *c, uint64_t entry, uint64_t context)
{
    for (unsigned i = 0; i < 31; i++)
        c->frame->x[i] = 0;
    c->frame->x[0] = context;
    c->frame->pc = entry;
    c->frame->pstate = PSTATE_DAIF | PSTATE_M_EL1H;
    set_SCTLR_EL1(0x30d00800);
    set_CPACR_EL1(0);
    set_CNTKCTL_EL1(0);
    set_CNTV_CTL_EL0(0);
    set_CNTP_CTL_EL0(0);
    set_MDSCR_EL1(0);
    isb();
}

void cpu_target(void)
{
    struct gd_arm64_ids id = {
        .pfr0 = get_ID_AA64PFR0_EL1(),
        .pfr1 = get_ID_AA64PFR1_EL1(),
        .mmfr0 = get_ID_AA64MMFR0_EL1(),
        .mmfr1 = get_ID_AA64MMFR1_EL1(),
        .mmfr2 = get_ID_AA64MMFR2_EL1(),
        .mmfr3 = get_ID_AA64MMFR3_EL1(),
        .isar1 = get_ID_AA64ISAR1_EL1(),
        .isar2 = get_ID_AA64ISAR2_EL1(),
    };

    target.arch = &gd_arch_arm64;
    target.features = gd_arm64_features(&id);
    target.pa_bits = (uint8_t)gd_arm64_pa_bits(id.mmfr0);
    target.sve_vq = gd_bits(id.pfr0, 35, 32) ? SVE_MAX / 16 : 0;
    target.hw = (struct gd_hw_caps){ .nbreak = GD_HW_MAX,
                                     .nwatch = GD_HW_MAX,
                                     .context = 0xffff,
                                     .step = true,
                                     .sw_break = true,
                                     .hold_irq = true };
    cpu_intersect();
}

void cpu_intersect(void)
{
    uint64_t dfr0 = get_ID_AA64DFR0_EL1();
    unsigned brps = (unsigned)gd_bits(dfr0, 15, 12) + 1, wrps = (unsigned)gd_bits(dfr0, 23, 20) + 1;
    unsigned ctx = (unsigned)gd_bits(dfr0, 31, 28) + 1;

    if (target.sve_vq && sve_bytes() / 16 < target.sve_vq)
        target.sve_vq = (uint8_t)(sve_bytes() / 16);
    if (target.hw.nbreak > brps)
        target.hw.nbreak = (uint8_t)brps;
    if (target.hw.nwatch > wrps)
        target.hw.nwatch = (uint8_t)wrps;
    target.hw.context &= (uint16_t)(((1u << brps) - 1) & ~((1u << (brps - ctx)) - 1));
}

uint64_t time_now(void)
{
    isb();
    return get_CNTPCT_EL0();
}

uint64_t time_in_ms(unsigned ms)
{
    return time_now() + get_CNTFRQ_EL0() * ms / 1000;
}

void timer_set(uint64_t deadline)
{
    set_CNTHP_CVAL_EL2(deadline);
    set_CNTHP_CTL_EL2(1);
}

void timer_off(void)
{
    set_CNTHP_CTL_EL2(0);
}
