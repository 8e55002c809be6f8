/* SPDX-License-Identifier: MIT */
/*
 * Points as CIABR and DAWR/DAWRX values (Power ISA 3.1 Book III 10.2 to 10.4). Encoding only: the
 * back end loads them, and what the guest had in these registers is kept there meanwhile.
 *
 * A DAWR compares doublewords, so hits beside the watched bytes happen and are passed over silently.
 * A CIABR stops after its instruction: it serves only code that cannot be patched.
 */
#include "arch/ppc64/ppc64.h"

#include <string.h>

#include "base/bits.h"
#include "engine/cpu.h"

#define DWORDS_MAX 64     /* MRD is six bits */
#define BORDER     512ull /* before ISA 3.1 no range crosses a multiple of it */
#define DAWRX_ALL                                                                                  \
    (DAWRX_MRD | DAWRX_HRAMMC | DAWRX_DW | DAWRX_DR | DAWRX_WT | DAWRX_WTI | DAWRX_PNH | DAWRX_PRO)

static uint64_t direction(enum gd_point_type type)
{
    return type == GD_WRITE ? DAWRX_DW : type == GD_READ ? DAWRX_DR : DAWRX_DW | DAWRX_DR;
}

/* Doublewords from addr (aligned) up to last that one DAWR covers. */
static uint64_t piece(const struct gd_target *t, uint64_t addr, uint64_t last)
{
    uint64_t n = (last - addr) / 8 + 1, room = DWORDS_MAX;

    if (!(t->features & GD_PPC64_F_ISA31))
        room = (BORDER - addr % BORDER) / 8;
    return n < room ? n : room;
}

static int check_dawr(const struct gd_target *t, const struct gd_hw_pair *p, struct gd_why *why)
{
    uint64_t allowed = DAWRX_ALL;
    uint64_t dwords = (p->ctrl & DAWRX_MRD) >> DAWRX_MRD_SHIFT;

    if (!(t->features & GD_PPC64_F_ISA31))
        allowed &= ~DAWRX_HRAMMC;
    if (p->ctrl & ~allowed)
        return gd_why(why, GD_E_RESERVED, "DAWRX has bits that a guest may not set");
    if (p->value & 7)
        return gd_why(why, GD_E_RESERVED, "DAWR holds the address of a doubleword");
    if (!(p->ctrl & (DAWRX_DW | DAWRX_DR)) || !(p->ctrl & (DAWRX_PNH | DAWRX_PRO)))
        return gd_why(why, GD_E_RESERVED,
                      "this DAWRX never matches: it needs DW or DR, and PNH or PRO");
    if (p->value + dwords * 8 < p->value)
        return gd_why(why, GD_E_RESERVED, "the range wraps around");
    if (!(t->features & GD_PPC64_F_ISA31) && p->value % BORDER / 8 + dwords >= BORDER / 8)
        return gd_why(why, GD_E_RESERVED, "before ISA 3.1 a range may not cross 512 bytes");
    return 0;
}

/* Takes a free w pair, or one that holds the same already; the last one first, since a guest's own
 * debugger begins with DAWR0, and keeps it as long as we have nothing there. */
static int take_pair(const struct gd_target *t, struct gd_hw_set *set, struct gd_hw_want *w,
                     struct gd_hw_pair p, struct gd_why *why)
{
    if (t->hw.nwatch == 0)
        return gd_why(why, GD_E_NOWATCH, "no DAWR works on this host");
    for (unsigned i = t->hw.nwatch < GD_HW_MAX ? t->hw.nwatch : GD_HW_MAX; i-- > 0;) {
        if (set->w[i].ctrl && (set->w[i].ctrl != p.ctrl || set->w[i].value != p.value))
            continue;
        set->w[i] = p;
        w->slots |= (uint16_t)(1u << i);
        return 0;
    }
    return gd_why_at(why, GD_E_NOWATCH, w->addr, "not enough DAWRs for this range");
}

static int plan_watch(const struct gd_target *t, struct gd_hw_set *set, struct gd_hw_want *w,
                      struct gd_why *why)
{
    uint64_t last, at = w->addr & ~7ull;
    int err;

    if (w->raw) {
        err = check_dawr(t, &w->pair, why);
        return err ? err : take_pair(t, set, w, w->pair, why);
    }
    if (!gd_range_last(w->addr, w->len, &last))
        return gd_why_at(why, GD_E_ARG, w->addr, "an empty range, or one that wraps around");
    for (;;) {
        uint64_t n = piece(t, at, last);
        struct gd_hw_pair p = {
            (n - 1) << DAWRX_MRD_SHIFT | direction(w->type) | DAWRX_WTI | DAWRX_PNH | DAWRX_PRO, at
        };

        err = take_pair(t, set, w, p, why);
        if (err || last - at < n * 8)
            return err;
        at += n * 8;
    }
}

static int plan_break(const struct gd_target *t, struct gd_hw_set *set, struct gd_hw_want *w,
                      struct gd_why *why)
{
    uint64_t value = w->pair.value, priv = value & CIABR_PRIV;

    if (t->hw.nbreak == 0)
        return gd_why_at(why, GD_E_NOBREAK, w->addr, "no CIABR works on this host");
    if (w->raw && (w->pair.ctrl || (priv != CIABR_PROBLEM && priv != CIABR_SUPERVISOR)))
        return gd_why(why, GD_E_RESERVED,
                      "CIABR's PRIV is 1 (problem) or 2 (supervisor) in a guest");
    if (!w->raw) {
        if (w->addr & 3)
            return gd_why_at(why, GD_E_ALIGN, w->addr, "instructions are word-aligned");
        /* The comparison has one privilege: kernels live in quadrant 3, programs in quadrant 0. */
        value = w->addr | (w->addr >> 62 == 3 ? CIABR_SUPERVISOR : CIABR_PROBLEM);
    }
    if (set->b[0].value && set->b[0].value != value)
        return gd_why_at(why, GD_E_NOBREAK, w->addr, "there is one CIABR");
    set->b[0].value = value;
    w->slots = 1;
    return 0;
}

int gd_ppc64_plan(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                  struct gd_hw_set *set, struct gd_why *why)
{
    memset(set, 0, sizeof(*set));
    for (size_t i = 0; i < n; i++)
        wants[i].slots = 0;
    for (size_t i = 0; i < n; i++) {
        struct gd_hw_want *w = &wants[i];
        int err;

        if (w->linked)
            return gd_why(why, GD_E_NOCONTEXT, "POWER's debug registers do not compare the PID");
        err = w->type == GD_HW ? plan_break(t, set, w, why) : plan_watch(t, set, w, why);
        if (err)
            return err;
    }
    return 0;
}

void gd_ppc64_guest_debug(struct gd_cpu *c, struct gd_out *o)
{
    static const char *const name[] = { "dawr0", "dawr1" };
    uint64_t msr = gd_ppc64_msr(c), ciabr = gd_cpu_reg(c, GD_PPC64_CIABR);

    gd_put_fmt(o, "guest: MSR[SE]=%u MSR[BE]=%u", msr & MSR_SE ? 1u : 0u, msr & MSR_BE ? 1u : 0u);
    if (ciabr & CIABR_PRIV)
        gd_put_fmt(o, " ciabr=0x%lx", ciabr);
    for (unsigned i = 0; i < c->target->hw.nwatch && i < 2; i++) {
        uint64_t x = gd_cpu_reg(c, GD_PPC64_DAWRX0 + 2 * i);

        if (x & (DAWRX_DW | DAWRX_DR))
            gd_put_fmt(o, " %s=0x%lx/0x%lx", name[i], gd_cpu_reg(c, GD_PPC64_DAWR0 + 2 * i), x);
    }
    gd_put_byte(o, '\n');
}
