/* SPDX-License-Identifier: MIT */
/*
 * Two debug register sets per CPU. Idle: MDCR_EL2 traps nothing and the guest owns its debug
 * hardware outright. Active (something of ours is armed): debug exceptions come to EL2 (TDE),
 * the guest's accesses to its registers go to its set in memory, and the hardware holds a
 * merge, ours in the pairs that the guest leaves free. Borrowed: DBGB*, DBGW*, MDSCR_EL1, the
 * OS locks and PSTATE.SS; given back when nothing of ours is armed any more.
 *
 * With TDE the hardware steps and matches at EL1 whatever the guest's KDE and PSTATE.D say, so
 * these are honoured here: the guest's pairs are narrowed to EL0 while KDE is 0, hits it would
 * not have had are passed, and while its own MDSCR_EL1.SS waits for an exception return we
 * step silently until its step counts. Arm ARM D2.3 to D2.12.
 */
#include "arch/arm64/insn.h"
#include "arch/arm64/sequence.h"
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define STEP_SYNDROME                                                                              \
    ((uint64_t)EC_SOFTSTP_LOW << ESR_EC_SHIFT | ESR_IL | ESR_STEP_ISV | ESR_DFSC_DEBUG)
#define LDX_MASK         0x3fc00000u /* LDXR and its kin, Arm ARM C4.1.94 */
#define LDX              0x08400000u
#define BT_CONTEXT_FIRST 2u /* BT of 2 and more compares a context */

/* ---- the registers ---- */

unsigned debug_breaks(void)
{
    return (unsigned)gd_bits(get_ID_AA64DFR0_EL1(), 15, 12) + 1;
}

unsigned debug_watches(void)
{
    return (unsigned)gd_bits(get_ID_AA64DFR0_EL1(), 23, 20) + 1;
}

static bool exists(unsigned n)
{
    return n < WATCH ? n < debug_breaks() : n - WATCH < debug_watches();
}

static void load_pairs(const struct gd_hw_pair *pair)
{
    for (unsigned n = 0; n < PAIRS; n++) {
        if (exists(n))
            debug_pair_set(n, pair[n]);
    }
}

static uint64_t with_ss(uint64_t pstate, bool ss)
{
    return (pstate & ~PSTATE_SS) | (ss ? PSTATE_SS : 0);
}

/* ---- what the guest would have ---- */

/* Are breakpoint, watchpoint and step exceptions enabled where the guest is? D2.4.1 */
static bool deliverable(const struct cpu *c)
{
    const struct debug_regs *g = &c->debug.guest;
    uint64_t ps = c->frame->pstate;

    if (g->oslk || g->dlk)
        return false;
    return ps & PSTATE_NRW || PSTATE_EL(ps) == 0 || (g->mdscr & MDSCR_KDE && !(ps & PSTATE_D));
}

static bool guest_steps(const struct cpu *c)
{
    return c->debug.guest.mdscr & MDSCR_SS && !c->debug.guest.oslk && !c->debug.guest.dlk;
}

/* A pair of the guest as it may be loaded; 0 where it could not fire. */
static uint64_t gate(const struct debug_regs *g, uint64_t ctrl)
{
    if (!(ctrl & DBGCR_E) || !(g->mdscr & MDSCR_MDE) || g->oslk || g->dlk)
        return 0;
    ctrl &= ~DBGCR_HMC;
    if (!(g->mdscr & MDSCR_KDE))
        ctrl &= ~(1ull << 1); /* PMC, PAC: not at EL1 */
    /* For a context that others are linked to PMC says nothing (Arm ARM D2.8.4). */
    return DBGCR_PMC(ctrl) || DBGBCR_BT(ctrl) >= BT_CONTEXT_FIRST ? ctrl : 0;
}

/* ---- merging ---- */

/* The breakpoints or the watchpoints as they will be loaded. */
struct slots {
    struct gd_hw_pair *pair;
    unsigned n;
    bool watch;
    uint16_t lost, taken;  /* pairs of the guest that were pushed out, places of ours */
    uint8_t at[GD_HW_MAX]; /* the place of each of ours */
};

/* A free place, own index first; the guest's pair there is pushed out if all are taken. */
static unsigned place(struct slots *s, unsigned own, uint16_t allowed)
{
    unsigned at = own;

    if (s->pair[own].ctrl & DBGCR_E) {
        for (unsigned i = 0; i < s->n; i++) {
            if (!(s->pair[i].ctrl & DBGCR_E) && gd_bit(allowed, i)) {
                at = i;
                break;
            }
        }
    }
    while (gd_bit(s->taken, at) || !gd_bit(allowed, at))
        at = (at + 1) % s->n;
    if (s->pair[at].ctrl & DBGCR_E)
        s->lost |= (uint16_t)(1u << at);
    return at;
}

static bool links(const struct slots *s, unsigned i)
{
    uint64_t ctrl = s->pair[i].ctrl;

    return s->watch ? ctrl & DBGWCR_WT : DBGBCR_BT(ctrl) == 1;
}

static void put_ours(struct slots *s, const struct gd_hw_pair *pairs, uint16_t lift, bool contexts)
{
    for (unsigned i = 0; i < s->n; i++) {
        uint64_t ctrl = pairs[i].ctrl;
        bool context = !s->watch && DBGBCR_BT(ctrl) >= BT_CONTEXT_FIRST;
        uint16_t all = (uint16_t)((1u << s->n) - 1);

        if (!(ctrl & DBGCR_E) || gd_bit(lift, i) || context != contexts)
            continue;
        s->at[i] = (uint8_t)place(s, i, context ? target.hw.context : all);
        s->taken |= (uint16_t)(1u << s->at[i]);
        s->pair[s->at[i]] = pairs[i];
    }
}

/* Where links lead: ours to where our context is now. The guest's to a place that is now ours would
 * follow our context and are dropped. */
static void relink(struct slots *s, const struct slots *contexts)
{
    for (unsigned i = 0; i < s->n; i++) {
        uint64_t *ctrl = &s->pair[i].ctrl, lbn = DBGCR_LBN(*ctrl);

        if (!links(s, i))
            continue;
        if (gd_bit(s->taken, i)) {
            *ctrl = (*ctrl & ~(0xfull << DBGCR_LBN_SHIFT)) | (uint64_t)contexts->at[lbn]
                                                                 << DBGCR_LBN_SHIFT;
        } else if (gd_bit(contexts->taken, (unsigned)lbn)) {
            *ctrl = 0;
            s->lost |= (uint16_t)(1u << i);
        }
    }
}

static void load(struct cpu *c)
{
    struct debug *d = &c->debug;
    struct gd_hw_pair merged[PAIRS];
    struct slots b = { .pair = merged, .n = debug_breaks() };
    struct slots w = { .pair = merged + WATCH, .n = debug_watches(), .watch = true };

    for (unsigned n = 0; n < PAIRS; n++) {
        merged[n] = d->guest.pair[n];
        merged[n].ctrl = d->pass || d->nways ? 0 : gate(&d->guest, merged[n].ctrl);
    }
    if (d->hw) {
        put_ours(&b, d->ours.b, d->lift_b, true);
        put_ours(&b, d->ours.b, d->lift_b, false);
        put_ours(&w, d->ours.w, d->lift_w, false);
        relink(&b, &b);
        relink(&w, &b);
    }
    d->lost_b = b.lost;
    d->lost_w = w.lost;
    for (unsigned n = 0, i = 0; i < d->nways; n++) {
        if (!(merged[n].ctrl & DBGCR_E))
            merged[n] = (struct gd_hw_pair){ DBGBCR_BAS_A64 | DBGCR_PMC_EL1_EL0 | DBGCR_E,
                                             d->ways[i++] };
    }
    load_pairs(merged);
    set_MDSCR_EL1((d->guest.mdscr & ~(MDSCR_SS | MDSCR_KDE)) | MDSCR_MDE);
    d->reload = false;
}

/* ---- taking and giving back ---- */

static void activate(struct cpu *c)
{
    struct debug *d = &c->debug;

    for (unsigned n = 0; n < PAIRS; n++) {
        if (exists(n))
            d->guest.pair[n] = debug_pair_get(n);
    }
    d->guest.mdscr = get_MDSCR_EL1();
    d->guest.oslk = get_OSLSR_EL1() & OSLSR_OSLK;
    /* Both locks mask debug exceptions, TDE or not: AArch64.GenerateDebugExceptionsFrom(). */
    d->guest.dlk = get_OSDLR_EL1() & 1;
    set_OSDLR_EL1(0);
    set_OSLAR_EL1(0);
    d->guest_ss = c->frame->pstate & PSTATE_SS;
    c->frame->pstate &= ~PSTATE_SS;
    set_MDCR_EL2(get_MDCR_EL2() | MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA);
    d->active = d->reload = true;
    d->in_flight = d->pass = false;
    d->ss_mode = SS_OFF;
}

static void deactivate(struct cpu *c)
{
    struct debug *d = &c->debug;

    load_pairs(d->guest.pair);
    set_MDSCR_EL1(d->guest.mdscr);
    set_OSLAR_EL1(d->guest.oslk);
    set_OSDLR_EL1(d->guest.dlk);
    c->frame->pstate = with_ss(c->frame->pstate, d->guest_ss);
    set_MDCR_EL2(get_MDCR_EL2() & ~(MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA));
    d->active = false;
    d->lost_b = d->lost_w = 0;
}

void debug_power_on(struct cpu *c)
{
    struct debug *d = &c->debug;

    /* Debug registers of a CPU that is turned on: disabled, OS lock set (D2.8). */
    d->guest = (struct debug_regs){ .oslk = true };
    d->guest_ss = false;
    if (d->active) {
        d->reload = true;
        d->in_flight = d->pass = false;
        d->ss_mode = SS_OFF;
        return;
    }
    load_pairs(d->guest.pair);
    set_OSDLR_EL1(0);
    set_OSLAR_EL1(1);
}

void debug_arm(struct cpu *c, const struct gd_arm *arm)
{
    struct debug *d = &c->debug;

    if (d->generation != arm->generation || d->hw != arm->hw || d->lift_b != arm->lift_b ||
        d->lift_w != arm->lift_w) {
        d->ours = *arm->set;
        d->generation = arm->generation;
        d->lift_b = arm->lift_b;
        d->lift_w = arm->lift_w;
        d->hw = arm->hw;
        d->reload = true;
    }
    d->sw = arm->sw;
    d->step = arm->step;
    d->hold = arm->hold_irq;
}

/* ---- stepping ---- */

static void inject(struct cpu *c, uint64_t esr, uint64_t far)
{
    struct gd_cpu *view = run_view(c);
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .syndrome = esr, .addr = far };

    gd_arch_arm64.inject(view, &x);
    gd_cpu_flush(view);
    c->debug.guest_ss = false;
    c->debug.in_flight = false;
}

/* Was it an exception return? One within EL1 may lead to the instruction behind it. */
static bool returned(struct cpu *c)
{
    const struct frame *f = c->frame;
    struct gd_arm64_insn i;
    uint32_t w;

    if (PSTATE_EL(f->pstate) < c->debug.from_el || f->pc != c->debug.from_pc + 4)
        return true;
    if (gd_cpu_fetch(run_view(c), c->debug.from_pc, &w))
        return false;
    gd_arm64_decode(w, &i);
    return i.kind == INSN_ERET;
}

/* One instruction was executed under PSTATE.SS, whoever wanted that. */
static void completed(struct cpu *c)
{
    struct debug *d = &c->debug;

    d->in_flight = false;
    d->reload |= d->pass;
    d->pass = false;
    if (d->ss_mode == SS_GUEST)
        d->guest_ss = false;
    else if (d->ss_mode == SS_SILENT && deliverable(c))
        /* DebugExceptionReturnSS(): PSTATE.SS comes from SPSR_EL1 */
        d->guest_ss = returned(c) && get_SPSR_EL1() & PSTATE_SS;
}

bool debug_stepped(struct cpu *c)
{
    struct debug *d = &c->debug;

    if (!d->active || !d->in_flight || c->frame->pstate & PSTATE_SS)
        return false;
    completed(c);
    return d->step;
}

void debug_skipped(struct cpu *c)
{
    if (c->debug.active && c->debug.in_flight)
        completed(c);
    c->frame->pstate &= ~PSTATE_SS;
}

/* Steps that nobody is to see would break an exclusive sequence. It runs freely instead, to a breakpoint
 * at each way out, where the guest's, which are masked, need not be. Not if too few registers are left:
 * of the vectors, which come last, one is enough. */
static void find_ways(struct cpu *c, bool silent)
{
    struct debug *d = &c->debug;
    unsigned was = d->nways, left = debug_breaks();
    struct gd_arm64_sequence q;
    struct gd_cpu *view;
    struct gd_step s;
    uint32_t w;

    d->nways = 0;
    d->reload |= was != 0;
    if (!silent)
        return;
    view = run_view(c);
    if ((!was && (gd_cpu_fetch(view, c->frame->pc, &w) || (w & LDX_MASK) != LDX)) ||
        !gd_arm64_sequence_find(view, c->frame->pc, &q) || !gd_arm64_sequence_plant(view, &s, &q))
        return;
    for (unsigned i = 0; d->hw && i < GD_HW_MAX; i++)
        left -= d->ours.b[i].ctrl & DBGCR_E;
    if (left > WAYS)
        left = WAYS;
    if (s.ntemp > left + 3)
        return;
    while (d->nways < s.ntemp && d->nways < left) {
        d->ways[d->nways] = s.temp[d->nways].va;
        d->nways++;
    }
    d->pass = false;
    d->reload = true;
}

static void step_state(struct cpu *c)
{
    struct debug *d = &c->debug;
    bool want = d->step || (!d->nways && (d->pass || d->ss_mode != SS_OFF));
    uint64_t mdscr = get_MDSCR_EL1();

    if (want != (bool)(mdscr & MDSCR_SS))
        set_MDSCR_EL1(want ? mdscr | MDSCR_SS : mdscr & ~MDSCR_SS);
    if (want && !d->in_flight) {
        d->from_el = (uint8_t)PSTATE_EL(c->frame->pstate);
        d->from_pc = c->frame->pc;
    }
    c->frame->pstate = with_ss(c->frame->pstate, want);
    d->in_flight = want;
}

bool debug_enter(struct cpu *c)
{
    struct debug *d = &c->debug;
    bool need = d->sw || d->hw || d->step, silent;

    c->hold_irq = d->hold || d->pass;
    if (!need && !d->active)
        return true;
    if (need != d->active) {
        if (!need) {
            deactivate(c);
            return true;
        }
        activate(c);
    }
    /* The guest's step is pending: MDSCR_EL1.SS, and PSTATE.SS used up. */
    if (guest_steps(c) && deliverable(c) && !d->guest_ss && !d->pass) {
        inject(c, STEP_SYNDROME, 0);
        if (d->step)
            return false;
    }
    d->ss_mode = !guest_steps(c) ? SS_OFF : deliverable(c) ? SS_GUEST : SS_SILENT;
    silent = d->pass || d->ss_mode == SS_SILENT;
    if (silent || d->nways)
        find_ways(c, silent && !d->step);
    if (d->reload)
        load(c);
    step_state(c);
    isb();
    return true;
}

/* ---- debug exceptions ---- */

/* Neither ours nor, as the guest has masked them, the guest's: one instruction without its
 * pairs. */
static void pass_by(struct cpu *c)
{
    c->debug.pass = c->debug.reload = true;
}

bool debug_exit(struct cpu *c, uint64_t esr, uint64_t far, struct gd_exit *x)
{
    struct debug *d = &c->debug;
    unsigned ec = ESR_EC(esr);
    struct gd_event ev = { .kind = GD_EV_UNKNOWN };

    *x = (struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = esr, .addr = far };
    if (ec == EC_SOFTSTP_LOW) {
        completed(c);
        return d->step;
    }
    if (ec != EC_BREAKPT_LOW && ec != EC_WATCHPT_LOW)
        return true;
    gd_arch_arm64.event(run_view(c), x, &d->ours, &ev);
    if (d->hw && ev.slots & ~(ec == EC_BREAKPT_LOW ? d->lift_b : d->lift_w))
        return true;
    if (d->nways)
        return false;
    if (!deliverable(c) || !(d->guest.mdscr & MDSCR_MDE)) {
        pass_by(c);
        return false;
    }
    inject(c, esr, far);
    x->kind = GD_EXIT_OTHER; /* a step of ours ends at the guest's vector */
    return d->step;
}

/* ---- the guest's accesses ---- */

static void write_mdscr(struct cpu *c, uint64_t value)
{
    struct debug *d = &c->debug;

    if ((d->guest.mdscr ^ value) & ~MDSCR_SS)
        d->reload = true;
    d->guest.mdscr = value;
}

static bool pair_access(struct cpu *c, unsigned n, unsigned op2, bool write, uint64_t *value)
{
    struct gd_hw_pair *pair = &c->debug.guest.pair[n];
    uint64_t *reg = op2 & 1 ? &pair->ctrl : &pair->value;

    if (!exists(n))
        return false;
    if (write) {
        /* DBGBVR is kept whole: a context has a use for bits 1:0, too (DBGBVR<n>_EL1, fields). */
        *reg = *value & ~(op2 == 5 ? DBGBCR_RES0 : op2 == 6 ? 3 : op2 == 7 ? DBGWCR_RES0 : 0);
        c->debug.reload = true;
    } else {
        *value = *reg;
    }
    return true;
}

bool debug_access(struct cpu *c, unsigned key, bool write, uint64_t *value)
{
    struct debug_regs *g = &c->debug.guest;
    unsigned op2 = key & 7, crm = key >> 3 & 15;

    if ((key & ~0x7fu) == SYSREG_KEY(2u, 0u, 0u, 0u, 0u) && op2 >= 4)
        return pair_access(c, op2 < 6 ? crm : WATCH + crm, op2, write, value);
    switch (key) {
    case SYSREG_KEY(2, 0, 0, 2, 2): /* MDSCR_EL1 */
        if (write)
            write_mdscr(c, *value);
        else
            *value = g->mdscr;
        return true;
    case SYSREG_KEY(2, 0, 1, 0, 4): /* OSLAR_EL1 */
        c->debug.reload |= g->oslk != (*value & 1);
        g->oslk = *value & 1;
        return write;
    case SYSREG_KEY(2, 0, 1, 1, 4): /* OSLSR_EL1 */
        *value = get_OSLSR_EL1() | (g->oslk ? OSLSR_OSLK : 0);
        return !write;
    case SYSREG_KEY(2, 0, 7, 14, 6): /* DBGAUTHSTATUS_EL1 */
        *value = get_DBGAUTHSTATUS_EL1();
        return !write;
    case SYSREG_KEY(2, 0, 1, 0, 0): /* MDRAR_EL1 */
    case SYSREG_KEY(2, 3, 0, 1, 0): /* MDCCSR_EL0 */
        *value = 0;
        return !write;
    case SYSREG_KEY(2, 0, 1, 3, 4): /* OSDLR_EL1; RAZ/WI without FEAT_DoubleLock */
        if (!write)
            *value = g->dlk;
        else if (gd_bits(get_ID_AA64DFR0_EL1(), 39, 36) == 0)
            g->dlk = *value & 1;
        c->debug.reload |= write;
        return true;
    case SYSREG_KEY(2, 0, 7, 8, 6): /* DBGCLAIMSET_EL1: the tags stay the guest's */
        write ? set_DBGCLAIMSET_EL1(*value) : (void)(*value = get_DBGCLAIMSET_EL1());
        return true;
    case SYSREG_KEY(2, 0, 7, 9, 6): /* DBGCLAIMCLR_EL1 */
        write ? set_DBGCLAIMCLR_EL1(*value) : (void)(*value = get_DBGCLAIMCLR_EL1());
        return true;
    case SYSREG_KEY(2, 0, 0, 0, 2): /* OSDTRRX_EL1 */
    case SYSREG_KEY(2, 0, 0, 2, 0): /* MDCCINT_EL1 */
    case SYSREG_KEY(2, 0, 0, 3, 2): /* OSDTRTX_EL1 */
    case SYSREG_KEY(2, 0, 0, 6, 2): /* OSECCR_EL1 */
    case SYSREG_KEY(2, 0, 1, 4, 4): /* DBGPRCR_EL1 */
    case SYSREG_KEY(2, 3, 0, 4, 0): /* DBGDTR_EL0 */
    case SYSREG_KEY(2, 3, 0, 5, 0): /* DBGDTRRX_EL0, DBGDTRTX_EL0 */
        if (!write)
            *value = 0;
        return true;
    default:
        return false;
    }
}

/* ---- what the engine asks ---- */

bool debug_reg_get(struct cpu *c, unsigned num, uint64_t *value)
{
    struct debug *d = &c->debug;
    const struct debug_regs *g = &d->guest;
    unsigned pair = num - GD_ARM64_DBGBCR(0); /* those of DBGWCR follow */

    if (num == GD_ARM64_PSTATE) {
        *value = c->frame->pstate;
        if (d->active)
            *value = with_ss(*value, d->guest_ss);
        return true;
    }
    if (d->active && (num == GD_ARM64_MDSCR_EL1 || num == GD_ARM64_OSLSR_EL1)) {
        *value = num == GD_ARM64_MDSCR_EL1 ? g->mdscr : 8 | (g->oslk ? OSLSR_OSLK : 0);
        return true;
    }
    if (pair >= PAIRS || !exists(pair) || (!d->active && c != this_cpu()))
        return false;
    *value = d->active ? g->pair[pair].ctrl : debug_pair_get(pair).ctrl;
    return true;
}

bool debug_reg_set(struct cpu *c, unsigned num, uint64_t value)
{
    struct debug *d = &c->debug;

    if (num == GD_ARM64_PSTATE) {
        if (d->active) {
            d->guest_ss = value & PSTATE_SS;
            value = with_ss(value, c->frame->pstate & PSTATE_SS);
        }
        c->frame->pstate = value;
        return true;
    }
    if (num == GD_ARM64_MDSCR_EL1 && d->active) {
        write_mdscr(c, value);
        return true;
    }
    return num == GD_ARM64_OSLSR_EL1;
}

static void bits(struct gd_out *o, uint16_t set)
{
    bool any = false;

    for (unsigned i = 0; i < GD_HW_MAX; i++) {
        if (gd_bit(set, i)) {
            gd_put_fmt(o, any ? ",%u" : "%u", i);
            any = true;
        }
    }
    if (!any)
        gd_put_str(o, "none");
}

static uint16_t enabled(const struct gd_hw_pair *pair)
{
    uint16_t set = 0;

    for (unsigned i = 0; i < GD_HW_MAX; i++)
        set |= (uint16_t)((pair[i].ctrl & DBGCR_E) << i);
    return set;
}

void debug_describe(void *ctx, struct gd_out *o)
{
    (void)ctx;
    for (unsigned i = 0; i < ncpus; i++) {
        const struct debug *d = &cpus[i].debug;

        gd_put_fmt(o, "CPU %u: ", i);
        if (!d->active) {
            gd_put_str(o, "nothing of ours is loaded; the guest owns all its debug registers\n");
            continue;
        }
        gd_put_str(o, "the guest holds breakpoints ");
        bits(o, enabled(d->guest.pair));
        gd_put_str(o, ", watchpoints ");
        bits(o, enabled(d->guest.pair + WATCH));
        if (d->lost_b || d->lost_w) {
            gd_put_str(o, "; suspended for want of registers: breakpoints ");
            bits(o, d->lost_b);
            gd_put_str(o, ", watchpoints ");
            bits(o, d->lost_w);
        }
        gd_put_byte(o, '\n');
    }
}
