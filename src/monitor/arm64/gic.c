/* SPDX-License-Identifier: MIT */
/*
 * Interrupts. All of them come to EL2 (HCR_EL2.IMO, FMO), are acknowledged here with the
 * priority dropped at once, and go on to the guest through a list register whose HW bit makes
 * the guest's own end-of-interrupt deactivate the physical one. Three are ours: one SGI, the
 * timer of EL2 and the debug UART. Holding interrupts back for a step is leaving
 * ICH_HCR_EL2.En clear. GIC architecture (IHI 0069) chapters 5, 6 and 12.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define GICR_TYPER        0x0008u
#define GICR_TYPER_VLPIS  (1ull << 1)
#define GICR_TYPER_LAST   (1ull << 4)
#define GICR_WAKER        0x0014u
#define GICR_WAKER_SLEEP  (1u << 1)
#define GICR_WAKER_ASLEEP (1u << 2)
#define GICR_SGI_FRAME    0x10000u
#define GICD_ISPENDR      0x200u /* also in the SGI frame */
#define GICR_IGROUPR0     0x10080u
#define GICR_ISENABLER0   0x10100u
#define GICR_IPRIORITYR   0x10400u

#define LR_INTID(lr)    ((uint32_t)(lr))
#define LR_PRIORITY(lr) ((unsigned)((lr) >> 48 & 0xff))
#define LR_GROUP1       (1ull << 60)
#define LR_HW           (1ull << 61)
#define LR_PENDING      (1ull << 62)
#define LR_ACTIVE       (1ull << 63)
#define LR_STATE        (LR_PENDING | LR_ACTIVE)

#define INTID_SPECIAL 1020u /* to 1023; extended PPIs and SPIs lie above (GICv3.1) */
#define INTID_LPI     8192u
#define PMR_ALL       0xffu /* 0xf8 would mask the lowest of 32 priorities, 0xf8 */
#define PMR_OURS      0x10u /* ours have priority 0 */

/* clang-format off */
#define LIST(X) \
    X(0, 12, 0) X(1, 12, 1) X(2, 12, 2) X(3, 12, 3) X(4, 12, 4) X(5, 12, 5) X(6, 12, 6) X(7, 12, 7) \
    X(8, 13, 0) X(9, 13, 1) X(10, 13, 2) X(11, 13, 3) X(12, 13, 4) X(13, 13, 5) X(14, 13, 6) X(15, 13, 7)
/* clang-format on */
#define LR_REG(n, crm, op2) SYSREG(lr##n, "S3_4_C12_C" #crm "_" #op2)
LIST(LR_REG)

static bool two_groups; /* group 0 is ours to use: GICD_CTLR.DS */

static uint64_t lr_get(unsigned i)
{
#define CASE(n, crm, op2)                                                                          \
    case n:                                                                                        \
        return get_lr##n();
    switch (i) {
        LIST(CASE)
    }
#undef CASE
    return 0;
}

static void lr_set(unsigned i, uint64_t v)
{
#define CASE(n, crm, op2)                                                                          \
    case n:                                                                                        \
        set_lr##n(v);                                                                              \
        break;
    switch (i) {
        LIST(CASE)
    }
#undef CASE
}

static unsigned lr_count(void)
{
    unsigned n = (unsigned)(get_ICH_VTR_EL2() & 0x1f) + 1;

    return n < 16 ? n : 16;
}

static volatile uint32_t *mmio32(uint64_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

/* ---- start ---- */

static uint64_t find_redistributor(uint64_t mpidr)
{
    uint64_t affinity = (mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000);

    for (unsigned r = 0; r < machine.ngicr; r++) {
        uint64_t at = machine.gicr[r].base, end = at + machine.gicr[r].size, typer;

        while (at < end) {
            typer = *(volatile uint64_t *)(uintptr_t)(at + GICR_TYPER);
            if (typer >> 32 == affinity)
                return at;
            if (typer & GICR_TYPER_LAST)
                break;
            at += typer & GICR_TYPER_VLPIS ? 0x40000 : 0x20000;
        }
    }
    return 0;
}

void gic_init(void)
{
    for (unsigned i = 0; i < ncpus; i++)
        cpus[i].gicr = find_redistributor(cpus[i].mpidr);
    dist_init();
    two_groups = *mmio32(machine.gicd.base) & 1u << 6;
}

static void redistributor_init(struct cpu *c)
{
    uint32_t ours = 1u << OUR_SGI | 1u << machine.timer_irq | 1u << machine.maintenance_irq;
    uint64_t deadline = time_in_ms(1000);
    volatile uint8_t *priority = (volatile uint8_t *)(uintptr_t)(c->gicr + GICR_IPRIORITYR);

    *mmio32(c->gicr + GICR_WAKER) &= ~GICR_WAKER_SLEEP;
    while (*mmio32(c->gicr + GICR_WAKER) & GICR_WAKER_ASLEEP) {
        if (time_now() > deadline)
            stop("a GIC redistributor does not wake up");
    }
    *mmio32(c->gicr + GICR_IGROUPR0) |= ours;
    priority[OUR_SGI] = 0;
    priority[machine.timer_irq] = 0;
    priority[machine.maintenance_irq] = 0;
    *mmio32(c->gicr + GICR_ISENABLER0) = ours;
}

void gic_cpu_init(struct cpu *c)
{
    if (c->gicr == 0)
        stop_x("no GIC redistributor for the CPU with MPIDR ", c->mpidr, "");
    set_ICC_SRE_EL2(0xf);
    isb();
    if (!(get_ICC_SRE_EL2() & 1))
        stop("the GIC's system registers are disabled by firmware");
    redistributor_init(c);
    set_ICC_CTLR_EL1(get_ICC_CTLR_EL1() | ICC_CTLR_EOIMODE);
    set_ICC_BPR1_EL1(0);
    set_ICC_PMR_EL1(PMR_ALL);
    set_ICC_IGRPEN1_EL1(1);
    if (two_groups) {
        set_ICC_BPR0_EL1(0);
        set_ICC_IGRPEN0_EL1(1);
    }
    for (unsigned i = 0; i < lr_count(); i++)
        lr_set(i, 0);
    set_ICH_VMCR_EL2(0);
    set_ICH_HCR_EL2(ICH_HCR_EN);
    isb();
    c->shadow_enabled = false;
}

void gic_route_uart(struct cpu *c)
{
    uint64_t irq = machine.uart_irq, d = machine.gicd.base;

    if (!machine.uart.base)
        return;
    ((volatile uint8_t *)(uintptr_t)(d + 0x400))[irq] = 0;
    *mmio32(d + 0x80 + irq / 32 * 4) |= 1u << irq % 32;
    *mmio32(d + 0xc00 + irq / 16 * 4) &= ~(2u << irq % 16 * 2); /* level */
    *(volatile uint64_t *)(uintptr_t)(d + 0x6000 + irq * 8) = c->mpidr;
    *mmio32(d + 0x100 + irq / 32 * 4) = 1u << irq % 32;
}

/* ---- the guest's interrupts ---- */

/* Its CPU interface as after a reset; what it has acknowledged stays active in the hardware. The 32
 * levels of priority have one word. */
void gic_cpu_reset(struct cpu *c)
{
    gic_give_back(c);
    set_ICH_VMCR_EL2(0);
    set_ICH_AP0R0_EL2(0);
    set_ICH_AP1R0_EL2(0);
}

static void queue_insert(struct cpu *c, uint64_t lr)
{
    unsigned at = c->nqueue;

    while (at > 0 && LR_PRIORITY(c->queue[at - 1]) > LR_PRIORITY(lr)) {
        c->queue[at] = c->queue[at - 1];
        at--;
    }
    c->queue[at] = lr;
    c->nqueue++;
}

/* The same interrupt, already on its way: SGIs and LPIs collapse into one pending state. */
static bool already_there(struct cpu *c, uint32_t intid)
{
    for (unsigned i = 0; i < c->nqueue; i++) {
        if (LR_INTID(c->queue[i]) == intid)
            return true;
    }
    for (unsigned i = 0; i < lr_count(); i++) {
        uint64_t lr = lr_get(i);

        if (lr & LR_STATE && LR_INTID(lr) == intid) {
            /* One of the hardware's was not active, or it had not been acknowledged: the guest has
             * ended it by GICD_ICACTIVER or GICR_ICACTIVER0. */
            lr_set(i, lr & LR_HW ? (lr & ~LR_STATE) | LR_PENDING : lr | LR_PENDING);
            return true;
        }
    }
    return false;
}

void gic_inject(struct cpu *c, uint32_t intid, unsigned priority, bool group1)
{
    uint64_t lr = (uint64_t)intid | (uint64_t)(priority & 0xff) << 48 | LR_PENDING |
                  (group1 ? LR_GROUP1 : 0);

    if (intid >= 16 && intid < INTID_LPI)
        lr |= LR_HW | (uint64_t)intid << 32;
    if (!already_there(c, intid) && c->nqueue < QUEUE_SIZE)
        queue_insert(c, lr);
}

/* Moves what waits into list registers; the most urgent may push a pending one out. */
static void refill(struct cpu *c)
{
    while (c->nqueue) {
        uint64_t lr = c->queue[0], out = 0;
        unsigned at = 16, n = lr_count();

        for (unsigned i = 0; i < n; i++) {
            uint64_t have = lr_get(i);

            if (!(have & LR_STATE)) {
                at = i;
                out = 0;
                break;
            }
            if ((have & LR_STATE) == LR_PENDING && LR_PRIORITY(have) > LR_PRIORITY(lr) &&
                LR_PRIORITY(have) > LR_PRIORITY(out)) {
                at = i;
                out = have;
            }
        }
        if (at == 16)
            return;
        lr_set(at, lr);
        c->nqueue--;
        for (unsigned i = 0; i < c->nqueue; i++)
            c->queue[i] = c->queue[i + 1];
        if (out)
            queue_insert(c, out);
    }
}

static volatile uint32_t *pending(const struct cpu *c, uint32_t intid)
{
    uint64_t frame = intid < 32 ? c->gicr + GICR_SGI_FRAME : machine.gicd.base;

    return mmio32(frame + GICD_ISPENDR + intid / 32 * 4);
}

/* False: this one the hardware cannot have back. */
static bool give_back(struct cpu *c, uint64_t lr)
{
    uint32_t intid = LR_INTID(lr), bit = 1u << intid % 32;

    if (intid == OUR_SGI || intid >= INTID_SPECIAL)
        return false;
    /* What a line asserts is pending by itself, and no longer if it does not. */
    if (!(*pending(c, intid) & bit) && !(intid < 32 && c->lines & bit))
        *pending(c, intid) = bit;
    dsb();
    if (lr & LR_HW)
        set_ICC_DIR_EL1(intid);
    return true;
}

/* What the guest has not acknowledged is pending in the hardware again, so that it finds it there, can
 * withdraw it, disable it, send it elsewhere. What is still due comes anew at the next entry. */
void gic_give_back(struct cpu *c)
{
    unsigned n = c->nqueue;

    for (unsigned i = 0; i < lr_count(); i++) {
        uint64_t lr = lr_get(i);

        if ((lr & LR_STATE) == LR_PENDING && give_back(c, lr))
            lr_set(i, 0);
    }
    c->nqueue = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!give_back(c, c->queue[i]))
            c->queue[c->nqueue++] = c->queue[i];
    }
}

/* An instruction that shows the guest its CPU interface or ISR_EL1, while it has interrupts masked: it
 * must see the interface on. */
static bool looks(struct cpu *c)
{
    uint32_t w;

    return !(~c->frame->pstate & (PSTATE_I | PSTATE_F)) &&
           !gd_cpu_fetch(run_view(c), c->frame->pc, &w) && w >> 12 == 0xd538c; /* MRS, CRn 12 */
}

void gic_flush(struct cpu *c)
{
    uint64_t hcr = c->hold_irq && !looks(c) ? 0 : ICH_HCR_EN;

    if (c->nqueue) {
        refill(c);
        if (c->nqueue)
            hcr |= ICH_HCR_UIE;
        if (c->nqueue < QUEUE_SIZE)
            set_ICC_PMR_EL1(PMR_ALL);
    }
    if (get_ICH_HCR_EL2() % 16 != hcr)
        set_ICH_HCR_EL2(hcr);
}

bool gic_guest_pending(void)
{
    for (unsigned i = 0; i < lr_count(); i++) {
        if (lr_get(i) & LR_PENDING)
            return true;
    }
    return false;
}

/* ---- acknowledging ---- */

/* Ours: true. */
static bool serve_own(struct cpu *c, uint32_t intid)
{
    if (intid == OUR_SGI) {
        if (atomic_exchange(&c->sgi_shadow, 0) && c->shadow_enabled)
            gic_inject(c, OUR_SGI, c->shadow_priority, true);
    } else if (intid == machine.timer_irq) {
        timer_off();
    } else if (machine.uart.base && intid == machine.uart_irq) {
        uart_interrupts(false, false); /* until control_run() has served it */
        control_notify(NULL);
    } else if (intid == machine.maintenance_irq) {
        set_ICH_HCR_EL2(get_ICH_HCR_EL2() & ~ICH_HCR_UIE); /* gic_flush() refills */
    } else {
        return false;
    }
    return true;
}

static bool acknowledge(struct cpu *c, bool group1)
{
    uint32_t intid = (uint32_t)(group1 ? get_ICC_IAR1_EL1() : get_ICC_IAR0_EL1());
    unsigned priority;

    dsb();
    if (intid >= INTID_SPECIAL && intid < INTID_SPECIAL + 4)
        return false;
    priority = (unsigned)get_ICC_RPR_EL1() & 0xff;
    if (group1)
        set_ICC_EOIR1_EL1(intid);
    else
        set_ICC_EOIR0_EL1(intid);
    isb();
    if (serve_own(c, intid)) {
        set_ICC_DIR_EL1(intid);
        return true;
    }
    if (intid < 16)
        set_ICC_DIR_EL1(intid);
    else if (intid < 32) /* still pending while it is active: its line is asserted */
        c->lines = (c->lines & ~(1u << intid)) | (*pending(c, intid) & 1u << intid);
    gic_inject(c, intid, priority, group1);
    if (c->nqueue == QUEUE_SIZE)
        set_ICC_PMR_EL1(PMR_OURS);
    return true;
}

void gic_poll(struct cpu *c)
{
    while (acknowledge(c, true)) {
    }
    while (two_groups && acknowledge(c, false)) {
    }
}

void gic_park(bool parked)
{
    set_ICC_PMR_EL1(parked ? PMR_OURS : PMR_ALL);
    isb();
}

/* ---- SGIs ---- */

static void send(uint64_t value)
{
    dsb();
    set_ICC_SGI1R_EL1(value);
    isb();
}

void gic_kick(struct cpu *c)
{
    uint64_t m = c->mpidr, aff0 = m & 0xff;

    send((m >> 32 & 0xff) << 48 | aff0 / 16 << 44 | (m >> 16 & 0xff) << 32 |
         (uint64_t)OUR_SGI << 24 | (m >> 8 & 0xff) << 16 | 1ull << aff0 % 16);
}

void gic_kick_all(void)
{
    send(1ull << 40 | (uint64_t)OUR_SGI << 24);
}

/* The guest sends an SGI. The one number that is ours is delivered by a flag and our own. */
void gic_guest_sgi(struct cpu *c, uint64_t value)
{
    bool all = gd_bit(value, 40);

    if (gd_bits(value, 27, 24) != OUR_SGI) {
        send(value);
        return;
    }
    for (unsigned i = 0; i < ncpus; i++) {
        uint64_t m = cpus[i].mpidr;
        bool named = (m >> 32 & 0xff) == gd_bits(value, 55, 48) &&
                     (m >> 16 & 0xff) == gd_bits(value, 39, 32) &&
                     (m >> 8 & 0xff) == gd_bits(value, 23, 16) &&
                     (m & 0xff) / 16 == gd_bits(value, 47, 44) && gd_bit(value, m & 15);

        if (all ? &cpus[i] == c : !named)
            continue;
        atomic_store(&cpus[i].sgi_shadow, 1);
        gic_kick(&cpus[i]);
    }
}
