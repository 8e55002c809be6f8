/* SPDX-License-Identifier: MIT */
/*
 * The encoder of breakpoint and watchpoint registers (Arm ARM D2.8 to D2.10). It only fills a
 * gd_hw_set, nothing is written to hardware. Context breakpoints take the highest context-aware
 * registers, addresses the lowest free ones, so that raw pairs keep their places.
 */
#include <string.h>

#include "arch/arm64/regs.h"
#include "base/bits.h"

#define MASK_MAX   31 /* largest DBGWCR.MASK: 2 GiB */
#define MAX_PIECES 32

/* Any EL1 or EL0, either security state, with or without EL3 (Arm ARM table D2-9). */
#define COMMON       (DBGCR_E | DBGCR_PMC_EL1_EL0)
#define CONTEXT_CTRL (COMMON | DBGBCR_BAS_A64 | DBGBCR_BT_LINKED_CONTEXT)

/* The breakpoint or the watchpoint registers. */
struct bank {
    struct gd_hw_pair *pair;
    uint16_t all, used;
    int full; /* the error if none is free */
};

struct planner {
    const struct gd_target *t;
    struct gd_why *why;
    struct bank b, w;
    unsigned watches_left; /* wants after the present one, each needs a slot */
};

static uint16_t first_bits(unsigned n)
{
    return (uint16_t)(n >= GD_HW_MAX ? 0xffff : (1u << n) - 1);
}

static unsigned count(uint16_t set)
{
    unsigned n = 0;

    for (; set; set >>= 1)
        n += set & 1;
    return n;
}

/* With how many there are, as the end of the sentence. */
static int none_free(const struct planner *p, const struct bank *bank, uint64_t addr)
{
    static const char all[GD_HW_MAX][7] = {
        "all 1", "all 2",  "all 3",  "all 4",  "all 5",  "all 6",  "all 7",  "all 8",
        "all 9", "all 10", "all 11", "all 12", "all 13", "all 14", "all 15", "all 16",
    };
    unsigned n = count(bank->all);

    return gd_why_at(p->why, bank->full, addr, n ? all[n - 1] : "this guest has none");
}

static bool same(const struct gd_hw_pair *a, const struct gd_hw_pair *b)
{
    return a->ctrl == b->ctrl && a->value == b->value;
}

/* A register for the pair among those of allowed: one that holds the same already, else the
 * lowest or highest free one. Its number, which slots has then, too, or -1. */
static int place(struct bank *bank, uint16_t allowed, bool high, struct gd_hw_pair pair,
                 uint16_t *slots)
{
    int found = -1;

    for (int n = 0; n < GD_HW_MAX; n++) {
        bool used = bank->used >> n & 1;

        if (used && same(&bank->pair[n], &pair)) {
            found = n;
            break;
        }
        if (!used && allowed >> n & 1 && (high || found < 0))
            found = n;
    }
    if (found >= 0) {
        bank->used |= (uint16_t)(1u << found);
        bank->pair[found] = pair;
        *slots |= (uint16_t)(1u << found);
    }
    return found;
}

/* ---- contexts ---- */

static int place_context(struct planner *p, struct gd_hw_pair pair, uint16_t *slots)
{
    uint16_t allowed = p->t->hw.context & p->b.all;

    if (place(&p->b, allowed, true, pair, slots) >= 0)
        return 0;
    return gd_why(p->why, GD_E_NOCONTEXT,
                  allowed ? "each distinct context takes one"
                          : "on the CPUs of the guest none is context-aware everywhere");
}

/* Adds the link to a control word; the context's register was placed before. */
static uint64_t link_to(const struct planner *p, const struct gd_hw_want *w, uint64_t type)
{
    struct gd_hw_pair context = { CONTEXT_CTRL, (uint32_t)w->context };

    if (!w->linked)
        return 0;
    for (unsigned n = 0; n < GD_HW_MAX; n++)
        if ((p->b.used >> n & 1) && same(&p->b.pair[n], &context))
            return type | (uint64_t)n << DBGCR_LBN_SHIFT;
    return 0; /* not reached: contexts are placed first */
}

/* ---- addresses ---- */

static int plan_break(struct planner *p, struct gd_hw_want *w)
{
    bool half = (p->t->features & GD_ARM64_F_EL0_32) && (w->len == 2 || w->len == 3);
    struct gd_hw_pair pair = { COMMON | link_to(p, w, DBGBCR_BT_LINKED_ADDR), 0 };

    if (w->addr & (half ? 1 : 3))
        return gd_why_at(p->why, GD_E_ALIGN, w->addr, "an instruction is 4 bytes, aligned");
    pair.value = (uint64_t)gd_sext(w->addr & ~3ull, 53);
    pair.ctrl |= !half ? DBGBCR_BAS_A64 : w->addr & 2 ? 0xcull << 5 : 0x3ull << 5;
    return place(&p->b, p->b.all, false, pair, &w->slots) < 0 ? none_free(p, &p->b, w->addr) : 0;
}

struct piece {
    uint64_t addr, len;
};

/* Cuts [addr, last] into what one register can watch: bytes of a doubleword, or an aligned
 * power of two from 8 bytes to 2 GiB. 0 if that takes more than MAX_PIECES. */
static unsigned cut(uint64_t addr, uint64_t last, struct piece *out)
{
    unsigned n = 0;

    for (;;) {
        uint64_t len = 8 - (addr & 7), left = last - addr;

        if (len > left)
            len = left + 1; /* only below 8 */
        if (!(addr & 7) && left >= 7)
            while (len < 1ull << MASK_MAX && !(addr & (2 * len - 1)) && left >= 2 * len - 1)
                len *= 2;
        if (n == MAX_PIECES)
            return 0;
        out[n++] = (struct piece){ addr, len };
        if (len > left)
            return n;
        addr += len;
    }
}

/* The aligned power of two, at least a doubleword, around two neighbours; len 0: too large. */
static struct piece join(const struct piece *a, const struct piece *b)
{
    uint64_t last = b->addr + (b->len - 1);

    for (unsigned k = 3; k <= MASK_MAX; k++)
        if ((a->addr ^ last) >> k == 0)
            return (struct piece){ a->addr >> k << k, 1ull << k };
    return (struct piece){ 0, 0 };
}

/* Puts block in place of v[at], v[at + 1] and all others inside it. */
static unsigned replace(struct piece *v, unsigned n, unsigned at, struct piece block)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < n; i++) {
        if (i == at)
            v[kept++] = block;
        else if (v[i].addr - block.addr >= block.len)
            v[kept++] = v[i];
    }
    return kept;
}

/* Widens until at most max pieces are left, each time where least is added; the engine passes
 * over hits in between. 0 if it cannot be done. */
static unsigned widen(struct piece *v, unsigned n, unsigned max)
{
    while (n > max) {
        struct piece best = { 0, 0 };
        unsigned at = 0;

        for (unsigned i = 0; i + 1 < n; i++) {
            struct piece j = join(&v[i], &v[i + 1]);

            if (j.len && (!best.len || j.len < best.len)) {
                best = j;
                at = i;
            }
        }
        if (!best.len)
            return 0;
        n = replace(v, n, at, best);
    }
    return n;
}

static struct gd_hw_pair watch_pair(const struct piece *v, uint64_t ctrl)
{
    unsigned mask = 0;

    while (v->len > 8 && 1ull << mask < v->len)
        mask++;
    ctrl |= (uint64_t)mask << DBGWCR_MASK_SHIFT;
    ctrl |= (v->len >= 8 ? 0xffull : ((1ull << v->len) - 1) << (v->addr & 7)) << DBGWCR_BAS_SHIFT;
    return (struct gd_hw_pair){ ctrl, v->addr & ~7ull };
}

static int plan_watch(struct planner *p, struct gd_hw_want *w)
{
    uint64_t addr = (uint64_t)gd_sext(w->addr, 53), last;
    uint64_t ctrl = COMMON | link_to(p, w, DBGWCR_WT);
    unsigned n, free = count(p->w.all & (uint16_t)~p->w.used), later = p->watches_left;
    struct piece v[MAX_PIECES];

    if (!gd_range_last(addr, w->len, &last))
        return gd_why_at(p->why, GD_E_ARG, w->addr, "the watched range is empty or wraps around");
    if (w->type != GD_WRITE)
        ctrl |= DBGWCR_LSC_LOAD;
    if (w->type != GD_READ)
        ctrl |= DBGWCR_LSC_STORE;
    n = cut(addr, last, v);
    if (!n) { /* too many even to look at: all in one */
        v[0] = join(&(struct piece){ addr, 1 }, &(struct piece){ last, 1 });
        n = v[0].len != 0;
    }
    if (n > 1 && n + later > free)
        n = widen(v, n, free > later ? free - later : 1);
    if (!n)
        return gd_why_at(p->why, GD_E_NOWATCH, w->addr,
                         "the range needs more watchpoints than are free");
    for (unsigned i = 0; i < n; i++) {
        if (place(&p->w, p->w.all, false, watch_pair(&v[i], ctrl), &w->slots) < 0)
            return none_free(p, &p->w, w->addr);
    }
    return 0;
}

/* ---- raw pairs ---- */

/* NULL, or what is wrong with a value that both kinds of register share. */
static const char *raw_common(uint64_t ctrl, uint64_t res0)
{
    if (ctrl & res0)
        return "reserved control bits are set";
    if (!(ctrl & DBGCR_E))
        return "the enable bit is clear";
    if ((ctrl & DBGCR_HMC) || DBGCR_SSC(ctrl))
        return "HMC and SSC must be 0";
    if (!DBGCR_PMC(ctrl))
        return "PMC or PAC 0 is reserved";
    return NULL;
}

static const char *raw_address(uint64_t addr, uint64_t low)
{
    if (addr & low || (uint64_t)gd_sext(addr, 53) != addr)
        return "the address must be aligned and sign-extended from bit 52";
    return NULL;
}

static bool is_context(uint64_t ctrl)
{
    return DBGBCR_BT(ctrl) >= 2;
}

static const char *raw_break(const struct gd_hw_pair *pair)
{
    const char *bad = raw_common(pair->ctrl, DBGBCR_RES0);
    unsigned bas = DBGBCR_BAS(pair->ctrl), bt = DBGBCR_BT(pair->ctrl);

    if (bad)
        return bad;
    if (bt > 3 && bt != 6 && bt != 7)
        return "BT must be 0 to 3, 6 or 7"; /* no mismatch, VMID or CONTEXTIDR_EL2 */
    if (bt >= 2) {
        if (bas != 0xf)
            return "BAS of a context breakpoint must be 0xf";
        return pair->value >> 32 ? "a context identifier has 32 bits" : NULL;
    }
    if (bas != 0xf && bas != 0x3 && bas != 0xc)
        return "BAS must be 0xf, 0x3 or 0xc";
    return raw_address(pair->value, 3);
}

static const char *raw_watch(const struct gd_hw_pair *pair)
{
    const char *bad = raw_common(pair->ctrl, DBGWCR_RES0);
    unsigned bas = DBGWCR_BAS(pair->ctrl), mask = DBGWCR_MASK(pair->ctrl);
    unsigned run = bas + (bas & (0u - bas)); /* one bit, beyond the ones, if they are one run */

    if (bad)
        return bad;
    if (!DBGWCR_LSC(pair->ctrl))
        return "LSC 0 is reserved";
    if (!bas || (run & (run - 1)))
        return "BAS must be one run of ones";
    if (mask == 1 || mask == 2)
        return "MASK 1 and 2 are reserved";
    if (mask && (bas != 0xff || (pair->value & ((1ull << mask) - 1))))
        return "MASK needs BAS 0xff and clear low address bits";
    return raw_address(pair->value, 7);
}

static int plan_raw(struct planner *p, struct gd_hw_want *w)
{
    bool watch = w->type != GD_HW;
    const char *bad = watch ? raw_watch(&w->pair) : raw_break(&w->pair);
    struct bank *bank = watch ? &p->w : &p->b;

    if (bad)
        return gd_why(p->why, GD_E_RESERVED, bad);
    if (!watch && is_context(w->pair.ctrl))
        return place_context(p, w->pair, &w->slots);
    if (place(bank, bank->all, false, w->pair, &w->slots) < 0)
        return none_free(p, bank, w->pair.value);
    return 0;
}

/* A raw link must lead to a register that now holds an enabled linked context; anything else
 * is CONSTRAINED UNPREDICTABLE (Arm ARM D2.8.3.1). */
static int check_link(const struct planner *p, const struct gd_hw_want *w)
{
    unsigned lbn = DBGCR_LBN(w->pair.ctrl);
    bool linked = w->type != GD_HW ? (w->pair.ctrl & DBGWCR_WT) != 0 : DBGBCR_BT(w->pair.ctrl) == 1;

    if (!w->raw || !linked)
        return 0;
    if ((p->b.used >> lbn & 1) && is_context(p->b.pair[lbn].ctrl) &&
        (DBGBCR_BT(p->b.pair[lbn].ctrl) & 1))
        return 0;
    return gd_why(p->why, GD_E_RESERVED, "LBN names a register without a linked context");
}

/* ---- the plan ---- */

/* Order of placement: what has fewest places to go first. */
enum pass { RAW_CONTEXTS, CONTEXTS, RAW, ADDRESSES, PASSES };

static enum pass pass_of(const struct gd_hw_want *w)
{
    if (!w->raw)
        return ADDRESSES;
    return w->type == GD_HW && is_context(w->pair.ctrl) ? RAW_CONTEXTS : RAW;
}

/* The fewest registers that a watched range takes: one for each 2 GiB that it lies in. */
static unsigned needs(const struct gd_hw_want *w)
{
    uint64_t first = w->addr >> MASK_MAX, last = (w->addr + (w->len - 1)) >> MASK_MAX;

    return last - first < GD_HW_MAX ? (unsigned)(last - first) + 1 : GD_HW_MAX;
}

static int plan_one(struct planner *p, struct gd_hw_want *w, enum pass pass)
{
    struct gd_hw_pair context = { CONTEXT_CTRL, (uint32_t)w->context };
    uint16_t slots = 0; /* the want has those of its address only */

    if (pass == CONTEXTS && !w->raw && w->linked) {
        if (w->context >> 32)
            return gd_why(p->why, GD_E_ARG, "a context identifier has 32 bits");
        return place_context(p, context, &slots);
    }
    if (pass_of(w) != pass)
        return 0;
    if (w->raw)
        return plan_raw(p, w);
    if (w->type == GD_HW)
        return plan_break(p, w);
    p->watches_left -= needs(w);
    return plan_watch(p, w);
}

int gd_arm64_plan(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                  struct gd_hw_set *set, struct gd_why *why)
{
    struct planner p = {
        .t = t,
        .why = why,
        .b = { .pair = set->b, .all = first_bits(t->hw.nbreak), .full = GD_E_NOBREAK },
        .w = { .pair = set->w, .all = first_bits(t->hw.nwatch), .full = GD_E_NOWATCH },
    };
    int err = 0;

    memset(set, 0, sizeof(*set));
    for (size_t i = 0; i < n; i++) {
        wants[i].slots = 0;
        p.watches_left += wants[i].type != GD_HW && !wants[i].raw ? needs(&wants[i]) : 0;
    }
    for (int pass = 0; pass < PASSES && !err; pass++)
        for (size_t i = 0; i < n && !err; i++)
            err = plan_one(&p, &wants[i], (enum pass)pass);
    for (size_t i = 0; i < n && !err; i++)
        err = check_link(&p, &wants[i]);
    if (err)
        memset(set, 0, sizeof(*set));
    return err;
}
