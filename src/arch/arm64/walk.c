/* SPDX-License-Identifier: MIT */
/*
 * Stage-1 translation of the EL1&0 regime, VMSAv8-64 (Arm ARM D8), from the vCPU's present
 * registers. Reads only: access flags and dirty state are never written. Tables are hostile
 * input: at most five levels, each address checked by the back end, nothing trusted.
 */
#include "arch/arm64/regs.h"
#include "base/bits.h"

/* One walk: what TCR_EL1 says, and where it stands. */
struct walk {
    struct gd_cpu *c;
    struct gd_why *why;
    struct gd_out *out; /* walk_print: a line for each step, else NULL */
    uint64_t va, tcr, table;
    bool high, wide_pa, ds, big_endian, pie, read_only, no_exec;
    unsigned granule; /* bits of a page */
    unsigned in_bits, out_bits;
    int level;
};

static int fail(struct walk *w, int error, const char *detail)
{
    return gd_why_level(w->why, error, w->va, w->level, detail);
}

/* Granule in bits; TG0 and TG1 encode it differently. 0: reserved. */
static unsigned granule_of(uint64_t tcr, bool high)
{
    static const uint8_t tg0[4] = { 12, 16, 14, 0 }, tg1[4] = { 0, 14, 12, 16 };

    return high ? tg1[TCR_TG1(tcr)] : tg0[TCR_TG0(tcr)];
}

/* Is this table size one that the CPU has (Arm ARM D8.2.4)? */
static bool size_ok(const struct walk *w, uint32_t features)
{
    unsigned tsz = 64 - w->in_bits;
    bool large = w->ds || (w->granule == 16 && (features & GD_ARM64_F_LVA));
    unsigned max = !(features & GD_ARM64_F_TTST) ? 39 : w->granule == 16 ? 47 : 48;

    return tsz >= (large ? 12u : 16u) && tsz <= max;
}

static bool tag_ignored(const struct walk *w, enum gd_use use)
{
    return TCR_TBI(w->tcr, w->high) && !(use == GD_FETCH && TCR_TBID(w->tcr, w->high));
}

/* Between the two halves of the address space there is nothing. */
static bool in_gap(const struct walk *w, enum gd_use use)
{
    unsigned top = tag_ignored(w, use) ? 55 : 63;
    uint64_t rest = gd_bits(w->va, top, w->in_bits);

    return rest != (w->high ? gd_bits(~0ull, top, w->in_bits) : 0);
}

static void set_sizes(struct walk *w, uint32_t features)
{
    unsigned ips = gd_arm64_pa_bits(gd_bits(w->tcr, 34, 32));

    w->in_bits = 64 - TCR_TXSZ(w->tcr, w->high);
    w->ds = (w->tcr & TCR_DS) && ((w->granule == 12 && (features & GD_ARM64_F_LPA2_4K)) ||
                                  (w->granule == 14 && (features & GD_ARM64_F_LPA2_16K)));
    w->wide_pa = w->ds || (w->granule == 16 && (features & GD_ARM64_F_LPA) && ips >= 52);
    w->out_bits = w->wide_pa ? (ips < 52 ? ips : 52) : ips < 48 ? ips : 48;
}

/* First table and its level. Below 64 bytes a table with 52-bit addresses cannot begin. */
static void first_table(struct walk *w)
{
    uint64_t ttbr = gd_cpu_reg(w->c, w->high ? GD_ARM64_TTBR1_EL1 : GD_ARM64_TTBR0_EL1);
    int stride = (int)w->granule - 3;
    unsigned bits;

    w->level = 4 - ((int)w->in_bits - 4) / stride;
    bits = w->in_bits - (unsigned)(stride * (3 - w->level)) - w->granule + 3;
    if (w->wide_pa && bits < 6)
        bits = 6;
    w->table = gd_bits(ttbr, 47, bits) << bits;
    if (w->wide_pa)
        w->table |= gd_bits(ttbr, 5, 2) << 48;
}

/* All that can be said before the first table is read. */
static int begin(struct walk *w, enum gd_use use)
{
    uint32_t features = w->c->target->features;
    uint64_t tcr2 = features & GD_ARM64_F_TCR2 ? gd_cpu_reg(w->c, GD_ARM64_TCR2_EL1) : 0;

    w->level = GD_NO_LEVEL;
    w->high = gd_bit(w->va, 55);
    if (tcr2 & TCR2_D128)
        return fail(w, GD_E_FORMAT, "128-bit descriptors, TCR2_EL1.D128");
    w->pie = tcr2 & TCR2_PIE;
    if (TCR_EPD(w->tcr, w->high))
        return fail(w, GD_E_UNMAPPED, "walks of this half are disabled, TCR_EL1.EPDx");
    w->granule = granule_of(w->tcr, w->high);
    if (!w->granule)
        return fail(w, GD_E_FORMAT, "reserved granule in TCR_EL1");
    set_sizes(w, features);
    if (!size_ok(w, features))
        return fail(w, GD_E_UNMAPPED, "TCR_EL1.TxSZ is out of range");
    if (in_gap(w, use))
        return fail(w, GD_E_UNMAPPED, "the address is in neither half of the address space");
    first_table(w);
    return 0;
}

static int bad_table(struct walk *w, const char *detail)
{
    if (w->out)
        gd_put_byte(w->out, '\n');
    return fail(w, GD_E_BADTABLE, detail);
}

static int load(struct walk *w, uint64_t *desc)
{
    unsigned low = w->granule + (w->granule - 3) * (unsigned)(3 - w->level);
    unsigned top = low + w->granule - 4;
    uint64_t index, at;

    if (top >= w->in_bits)
        top = w->in_bits - 1;
    index = gd_bits(w->va, top, low);
    at = w->table + index * 8;
    if (w->out)
        gd_put_fmt(w->out, "level %d: table 0x%lx, entry %u", w->level, w->table, (unsigned)index);
    if (at >> w->out_bits)
        return bad_table(w, "the table's address is too large");
    if (gd_cpu_load64(w->c, at, desc))
        return bad_table(w, "the table is not in RAM");
    if (w->big_endian)
        *desc = __builtin_bswap64(*desc);
    if (w->out)
        gd_put_fmt(w->out, " = 0x%lx", *desc);
    return 0;
}

/* Output address of a descriptor whose low bits below lo are attributes. */
static uint64_t output(const struct walk *w, uint64_t desc, unsigned lo)
{
    if (w->ds)
        return gd_bits(desc, 49, lo) << lo | gd_bits(desc, 9, 8) << 50;
    if (w->wide_pa)
        return gd_bits(desc, 47, lo) << lo | gd_bits(desc, 15, 12) << 48;
    return gd_bits(desc, 47, lo) << lo;
}

static bool block_allowed(const struct walk *w)
{
    switch (w->granule) {
    case 12:
        return w->level == 1 || w->level == 2 || (w->level == 0 && w->ds);
    case 14:
        return w->level == 2 || (w->level == 1 && w->ds);
    default:
        return w->level == 2 || (w->level == 1 && w->wide_pa);
    }
}

static bool at_el0(const struct walk *w)
{
    uint64_t pstate = gd_cpu_reg(w->c, GD_ARM64_PSTATE);

    return !PSTATE_EL(pstate) || (pstate & PSTATE_NRW);
}

/* What a table forbids is forbidden to all that is below it (Arm ARM D8.4.1). */
static void hierarchical(struct walk *w, uint64_t desc)
{
    if (TCR_HPD(w->tcr, w->high))
        return;
    w->read_only |= gd_bit(desc, 62);
    w->no_exec |= gd_bit(desc, at_el0(w) ? 60 : 59);
}

static void permissions(const struct walk *w, uint64_t desc, struct gd_xlate *x)
{
    bool hd = (w->c->target->features & GD_ARM64_F_HDBS) && (w->tcr & TCR_HD);
    bool dirty = hd && gd_bit(desc, 51);

    x->writable = (!gd_bit(desc, 7) || (dirty && !w->pie)) && !w->read_only;
    /* Indirect permissions are not evaluated. */
    x->executable = w->pie || !(gd_bit(desc, at_el0(w) ? 54 : 53) || w->no_exec);
}

static int leaf(struct walk *w, uint64_t desc, struct gd_xlate *x)
{
    unsigned size = w->granule + (w->granule - 3) * (unsigned)(3 - w->level);
    uint64_t oa = output(w, desc, size);

    if (w->out)
        gd_put_str(w->out, w->level == 3 ? ", page\n" : ", block\n");
    if (oa >> w->out_bits)
        return fail(w, GD_E_UNMAPPED, "the output address is too large");
    x->page = 1ull << size;
    x->gpa = oa | (w->va & (x->page - 1));
    x->level = (int8_t)w->level;
    x->desc = desc;
    permissions(w, desc, x);
    return 0;
}

static int walk(struct walk *w, enum gd_use use, struct gd_xlate *x)
{
    int err = begin(w, use);

    while (!err) {
        uint64_t desc;

        err = load(w, &desc);
        if (err)
            break;
        if ((desc & 3) == 3 && w->level == 3)
            return leaf(w, desc, x);
        if ((desc & 3) == 1 && block_allowed(w))
            return leaf(w, desc, x);
        if ((desc & 3) != 3) {
            if (w->out)
                gd_put_str(w->out, ", invalid\n");
            return fail(w, GD_E_UNMAPPED, desc & 1 ? "reserved descriptor" : NULL);
        }
        if (w->out)
            gd_put_str(w->out, ", table\n");
        w->table = output(w, desc, w->granule);
        hierarchical(w, desc);
        w->level++;
    }
    return err;
}

/* MMU off: flat, but an address must fit the physical address space (Arm ARM D8.2.10). */
static int flat(struct walk *w, enum gd_use use, struct gd_xlate *x)
{
    unsigned bits = w->c->target->pa_bits ? w->c->target->pa_bits : 48;
    uint64_t at = w->va;

    w->level = GD_NO_LEVEL;
    w->high = gd_bit(w->va, 55);
    if (tag_ignored(w, use))
        at &= (1ull << 56) - 1;
    if (at >> bits)
        return fail(w, GD_E_UNMAPPED, "beyond the physical address space, the MMU is off");
    *x = (struct gd_xlate){
        .gpa = at, .page = 4096, .writable = true, .executable = true, .level = GD_NO_LEVEL
    };
    return 0;
}

static int translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                     struct gd_why *why, struct gd_out *out)
{
    uint64_t sctlr;
    int err = gd_cpu_get(c, GD_ARM64_SCTLR_EL1, &sctlr);
    struct walk w = { .c = c, .why = why, .out = out, .va = va };

    *x = (struct gd_xlate){ 0 };
    if (err) /* not to be taken for an MMU that is off */
        return gd_why(why, err, NULL);
    w.tcr = gd_cpu_reg(c, GD_ARM64_TCR_EL1);
    w.big_endian = sctlr & SCTLR_EE;
    if (sctlr & SCTLR_M)
        return walk(&w, use, x);
    if (out)
        gd_put_str(out, "the MMU is off\n");
    return flat(&w, use, x);
}

int gd_arm64_translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                       struct gd_why *why)
{
    return translate(c, va, use, x, why, NULL);
}

void gd_arm64_walk_print(struct gd_cpu *c, uint64_t va, struct gd_out *o)
{
    struct gd_xlate x;
    struct gd_why why;

    if (translate(c, va, GD_DATA, &x, &why, o)) {
        gd_why_print(&why, o);
        gd_put_byte(o, '\n');
        return;
    }
    gd_put_fmt(o, "0x%lx -> 0x%lx, mapping of 0x%lx bytes, %s, %s\n", va, x.gpa, x.page,
               x.writable ? "writable" : "read-only",
               x.executable ? "executable" : "not executable");
}
