/* SPDX-License-Identifier: MIT */
/*
 * What a debug exit is, by its syndrome (Arm ARM D24.2.40) and by what was loaded. Nothing is
 * borrowed, registers are only read. A breakpoint belongs to a pair only if address and context
 * match exactly; a watchpoint by the bytes that the instruction touches, because the reported
 * address may lie beside the watched one (Arm ARM D2.10.5).
 */
#include "arch/arm64/event.h"

#include "arch/arm64/insn.h"
#include "arch/arm64/regs.h"
#include "base/bits.h"

/* ---- breakpoints ---- */

static bool context_is(struct gd_cpu *c, const struct gd_hw_pair *p)
{
    return (uint32_t)gd_cpu_reg(c, GD_ARM64_CONTEXTIDR_EL1) == (uint32_t)p->value;
}

static bool level_matches(uint64_t ctrl, uint64_t pstate)
{
    unsigned el = pstate & PSTATE_NRW ? 0 : PSTATE_EL(pstate);

    return DBGCR_PMC(ctrl) & (el ? 1u : 2u);
}

static bool linked_context_is(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t ctrl)
{
    return context_is(c, &set->b[DBGCR_LBN(ctrl)]);
}

static bool breaks(struct gd_cpu *c, const struct gd_hw_set *set, const struct gd_hw_pair *p,
                   uint64_t pc, uint64_t pstate)
{
    unsigned bt = DBGBCR_BT(p->ctrl);
    unsigned half = pstate & PSTATE_NRW ? (pc & 2 ? 0xcu : 0x3u) : 0xfu;

    if (!(p->ctrl & DBGCR_E) || !level_matches(p->ctrl, pstate))
        return false;
    if (bt == 2 || bt == 6)
        return context_is(c, p);
    if (bt > 1 || !(DBGBCR_BAS(p->ctrl) & half))
        return false;
    if ((uint64_t)gd_sext(p->value, 53) != (pc & ~3ull))
        return false;
    return bt == 0 || linked_context_is(c, set, p->ctrl);
}

uint16_t gd_arm64_break_slots(struct gd_cpu *c, const struct gd_hw_set *set)
{
    uint64_t pc = gd_cpu_reg(c, GD_ARM64_PC), pstate = gd_cpu_reg(c, GD_ARM64_PSTATE);
    uint16_t slots = 0;

    for (unsigned n = 0; n < GD_HW_MAX; n++)
        if (breaks(c, set, &set->b[n], pc, pstate))
            slots |= (uint16_t)(1u << n);
    return slots;
}

/* ---- watchpoints ---- */

struct range {
    uint64_t first, last;
};

/* The bytes that a pair watches. */
static struct range watched(const struct gd_hw_pair *p)
{
    unsigned mask = DBGWCR_MASK(p->ctrl), bas = DBGWCR_BAS(p->ctrl), lo = 0, hi = 7;
    uint64_t base = (uint64_t)gd_sext(p->value, 53) & ~7ull;

    if (mask) {
        uint64_t size = 1ull << mask;

        base &= ~(size - 1);
        return (struct range){ base, base + (size - 1) };
    }
    while (lo < 7 && !(bas >> lo & 1))
        lo++;
    while (hi > lo && !(bas >> hi & 1))
        hi--;
    return (struct range){ base + lo, base + hi };
}

static bool watch_on(struct gd_cpu *c, const struct gd_hw_set *set, const struct gd_hw_pair *p,
                     const struct gd_access *a)
{
    unsigned way = (a->read ? 1u : 0) | (a->write ? 2u : 0);

    if (!(p->ctrl & DBGCR_E) || !(DBGWCR_LSC(p->ctrl) & way))
        return false;
    return !(p->ctrl & DBGWCR_WT) || linked_context_is(c, set, p->ctrl);
}

/* Bytes between [a, a+len) and the watched ones, 0 if they share one. */
static uint64_t distance(const struct gd_hw_pair *p, uint64_t addr, uint64_t len)
{
    struct range r = watched(p);
    uint64_t last;

    if (!gd_range_last(addr, len, &last))
        last = addr;
    if (addr > r.last)
        return addr - r.last;
    return last < r.first ? r.first - last : 0;
}

/* All that the bytes touch; if none, the nearest. Ties go to the lowest number. */
static uint16_t by_distance(struct gd_cpu *c, const struct gd_hw_set *set,
                            const struct gd_access *a, uint64_t len, bool *exact)
{
    uint16_t touched = 0, nearest = 0;
    uint64_t best = ~0ull;

    for (unsigned n = 0; n < GD_HW_MAX; n++) {
        uint64_t d;

        if (!watch_on(c, set, &set->w[n], a))
            continue;
        d = distance(&set->w[n], a->addr, len);
        if (d == 0)
            touched |= (uint16_t)(1u << n);
        if (d < best) {
            best = d;
            nearest = (uint16_t)(1u << n);
        }
    }
    *exact = touched;
    return touched ? touched : nearest;
}

/* The hardware's word for the number, where it gives one (FEAT_Debugv8p9, SME). */
static uint16_t by_number(const struct gd_exit *x, const struct gd_hw_set *set)
{
    unsigned n = ESR_WP_WPT(x->syndrome);

    if (!(x->syndrome & ESR_WP_WPTV) || n >= GD_HW_MAX || !(set->w[n].ctrl & DBGCR_E))
        return 0;
    return (uint16_t)(1u << n);
}

uint16_t gd_arm64_watch_slots(struct gd_cpu *c, const struct gd_exit *x,
                              const struct gd_hw_set *set, struct gd_access *a, bool *exact)
{
    bool write = x->syndrome & ESR_WP_WNR, has_far = !(x->syndrome & ESR_WP_FNV);
    uint16_t slots;

    gd_arm64_access(c, gd_cpu_reg(c, GD_ARM64_PC), write, a);
    if (a->len) {
        slots = by_distance(c, set, a, a->len, exact);
        if (*exact)
            return slots;
    } else {
        a->read = !write;
        a->write = write;
        a->addr = has_far ? (uint64_t)gd_sext(x->addr, 56) : 0;
    }
    slots = by_number(x, set);
    *exact = slots;
    if (slots || a->len || has_far) {
        struct gd_access far = *a;

        if (has_far)
            far.addr = (uint64_t)gd_sext(x->addr, 56);
        if (!slots)
            slots = by_distance(c, set, &far, 1, exact);
        return slots;
    }
    /* No address at all: right if there is but one that could have fired. */
    slots = by_distance(c, set, a, 1, exact);
    *exact = false;
    return slots;
}

static void watch_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                        struct gd_event *ev)
{
    bool exact;

    ev->kind = GD_EV_WATCH;
    ev->slots = gd_arm64_watch_slots(c, x, set, &ev->access, &exact);
    if (!ev->access.len && (x->syndrome & ESR_WP_FNV) && ev->slots)
        for (unsigned n = 0; n < GD_HW_MAX; n++) /* some address inside, for want of a better */
            if (ev->slots >> n & 1)
                ev->access.addr = watched(&set->w[n]).first;
}

/* Debug exceptions that go to EL2, as all do while a debugger has planted something, are taken from EL1 whatever
 * PSTATE.D, MDSCR_EL1.KDE and the OS lock say (Arm ARM D2.3); those that stay in EL1 are not. */
static bool masked(struct gd_cpu *c)
{
    uint64_t pstate = gd_cpu_reg(c, GD_ARM64_PSTATE);

    if (gd_cpu_reg(c, GD_ARM64_OSLSR_EL1) & OSLSR_OSLK)
        return true;
    if (pstate & PSTATE_NRW || PSTATE_EL(pstate) == 0)
        return false;
    return pstate & PSTATE_D || !(gd_cpu_reg(c, GD_ARM64_MDSCR_EL1) & MDSCR_KDE);
}

void gd_arm64_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                    struct gd_event *ev)
{
    *ev = (struct gd_event){ .kind = GD_EV_UNKNOWN, .pc = gd_cpu_reg(c, GD_ARM64_PC) };
    if (x->kind != GD_EXIT_DEBUG)
        return;
    switch (ESR_EC(x->syndrome)) {
    case EC_SOFTSTP_LOW:
        ev->kind = GD_EV_STEP;
        break;
    case EC_BRK64:
        ev->kind = ESR_BRK_IMM(x->syndrome) == GD_ARM64_BRK_IMM ? GD_EV_SWBP : GD_EV_FOREIGN;
        break;
    case EC_BKPT32:
        ev->kind = GD_EV_FOREIGN;
        break;
    case EC_BREAKPT_LOW:
        ev->kind = GD_EV_HWBP;
        ev->slots = gd_arm64_break_slots(c, set);
        ev->masked = !ev->slots && masked(c);
        break;
    case EC_WATCHPT_LOW:
        watch_event(c, x, set, ev);
        ev->masked = !ev->slots && masked(c);
        break;
    default:
        break;
    }
}

void gd_arm64_insn_access(struct gd_cpu *c, uint64_t pc, struct gd_access *a)
{
    gd_arm64_access(c, pc, true, a);
}

/* ---- the guest's own debugging ---- */

static unsigned enabled(struct gd_cpu *c, unsigned first)
{
    struct gd_why *why = c->why, ignored;
    unsigned n, count = 0;
    uint64_t ctrl;

    c->why = &ignored; /* the first that does not exist is no failure */
    for (n = 0; n < GD_HW_MAX && !gd_cpu_get(c, first + n, &ctrl); n++)
        count += ctrl & DBGCR_E;
    c->why = why;
    return count;
}

void gd_arm64_guest_debug(struct gd_cpu *c, struct gd_out *o)
{
    uint64_t mdscr = gd_cpu_reg(c, GD_ARM64_MDSCR_EL1);
    bool locked = gd_cpu_reg(c, GD_ARM64_OSLSR_EL1) & OSLSR_OSLK;
    unsigned b = enabled(c, GD_ARM64_DBGBCR(0)), w = enabled(c, GD_ARM64_DBGWCR(0));

    if (!(mdscr & (MDSCR_SS | MDSCR_MDE)) && !b && !w)
        return;
    gd_put_fmt(o, "the guest debugs itself: %u breakpoint%s, %u watchpoint%s", b, b == 1 ? "" : "s",
               w, w == 1 ? "" : "s");
    if (!(mdscr & MDSCR_MDE) && (b || w))
        gd_put_str(o, " (switched off, MDSCR_EL1.MDE is clear)");
    if (mdscr & MDSCR_SS)
        gd_put_str(o, ", single step");
    if (locked)
        gd_put_str(o, ", but its OS lock is on");
    gd_put_byte(o, '\n');
}

int gd_arm64_context(struct gd_cpu *c, uint64_t *value)
{
    return gd_cpu_get(c, GD_ARM64_CONTEXTIDR_EL1, value);
}
