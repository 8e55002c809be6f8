/* SPDX-License-Identifier: MIT */
/*
 * Effective to guest physical addresses: real mode and the guest's radix tree (Power ISA 3.1 Book III
 * 6.7.8 to 6.7.10). The partition-scoped half is the host's and not needed: guest physical memory
 * is what userspace gave to KVM. All tables are big-endian, whatever the guest is. They are hostile
 * input: every level consumes at least five bits, so a walk has at most eight of them.
 */
#include "arch/ppc64/ppc64.h"

#include "base/bits.h"
#include "engine/cpu.h"

#define REAL_MASK 0x0fffffffffffffffull /* real mode ignores the four top bits */

#define PRTB          0x0ffffffffffff000ull /* process table: base and size (2^(12+PRTS) bytes) */
#define PRTS          0x1full
#define PRTS_MAX      24
#define RPDB          0x0fffffffffffff00ull /* root, and directories: base and size (2^n entries) */
#define RPDS          0x1full
#define PTE_V         0x8000000000000000ull
#define PTE_LEAF      0x4000000000000000ull
#define PTE_RPN       0x01fffffffffff000ull
#define PTE_RW        0x2ull
#define PTE_X         0x1ull
#define EA_BITS_MAX   52
#define INDEX_MIN     5 /* Book III 6.7.10: NLS and RPDS are 5 to 16 */
#define INDEX_MAX     16
#define PAGE_BITS_MIN 12

struct walk {
    struct gd_cpu *c;
    struct gd_why *why;
    struct gd_out *out; /* `monitor walk`, or NULL */
    uint64_t va, pid;
    uint64_t base;  /* of the table to be looked up next */
    unsigned bits;  /* of the address not yet translated */
    unsigned index; /* bits that the next table takes */
    int8_t level;
    uint64_t look_at, look_len; /* bytes whose part in the walk is asked for */
    bool looked;                /* they are among those read */
};

static int fail(const struct walk *w, int error, const char *detail)
{
    return gd_why_level(w->why, error, w->va, w->level, detail);
}

/* A doubleword of a table, in its own byte order. */
static int load(struct walk *w, uint64_t gpa, uint64_t *value)
{
    w->looked |= gd_overlap(gpa, 8, w->look_at, w->look_len);
    if (gd_cpu_load64(w->c, gpa, value))
        return fail(w, GD_E_BADTABLE, "a table lies outside of guest memory");
    *value = __builtin_bswap64(*value);
    if (w->out)
        gd_put_fmt(w->out, "  [0x%lx] = 0x%lx\n", gpa, *value);
    return 0;
}

/* Which process's tree, and its root. */
static int find_root(struct walk *w)
{
    uint64_t table = gd_cpu_reg(w->c, GD_PPC64_PROC_TBL), entry, size;
    int err;

    err = gd_ppc64_open(w->c, w->why);
    if (err)
        return err;
    if (w->va >> 62 == 0)
        w->pid = gd_cpu_reg(w->c, GD_PPC64_PIDR) & 0xfffffff;
    else if (w->va >> 62 != 3)
        return fail(w, GD_E_UNMAPPED, "quadrants 1 and 2 are the hypervisor's");
    if (!(table & PRTB))
        return fail(w, GD_E_UNMAPPED, "the guest has registered no process table yet");
    if ((table & PRTS) > PRTS_MAX)
        return fail(w, GD_E_BADTABLE, "the process table's size is out of range");
    size = 1ull << ((table & PRTS) + 12);
    if (w->pid >= size / 16)
        return fail(w, GD_E_UNMAPPED, "the PID lies behind the process table");
    if (w->out)
        gd_put_fmt(w->out, "process table 0x%lx, PID 0x%lx\n", table & PRTB, w->pid);
    err = load(w, (table & PRTB) + w->pid * 16, &entry);
    if (err)
        return err;
    if (!(entry & RPDB))
        return fail(w, GD_E_UNMAPPED, "this PID has no tree");
    w->base = entry & RPDB;
    w->index = (unsigned)(entry & RPDS);
    w->bits = (unsigned)((entry >> 61 & 3) << 3 | (entry >> 5 & 7)) + 31; /* RTS */
    if (w->bits > EA_BITS_MAX)
        return fail(w, GD_E_BADTABLE, "the tree's size (RTS) is out of range");
    if (w->va << 2 >> 2 >> w->bits)
        return fail(w, GD_E_UNMAPPED, "the address is wider than the tree");
    return 0;
}

/* One look-up; *leaf says whether the walk ends here. */
static int descend(struct walk *w, uint64_t *entry)
{
    uint64_t i;
    int err;

    if (w->index < INDEX_MIN || w->index > INDEX_MAX || w->bits < w->index + PAGE_BITS_MIN)
        return fail(w, GD_E_BADTABLE, "a table's size is out of range");
    w->level++;
    w->bits -= w->index;
    i = w->va >> w->bits & ((1ull << w->index) - 1);
    err = load(w, w->base + i * 8, entry);
    if (err)
        return err;
    if (!(*entry & PTE_V))
        return fail(w, GD_E_UNMAPPED, NULL);
    w->base = *entry & RPDB;
    w->index = (unsigned)(*entry & RPDS);
    return 0;
}

static int walk(struct walk *w, struct gd_xlate *x)
{
    uint64_t entry, offset;
    int err = find_root(w);

    if (err)
        return err;
    do {
        err = descend(w, &entry);
        if (err)
            return err;
    } while (!(entry & PTE_LEAF));
    x->page = 1ull << w->bits;
    offset = w->va & (x->page - 1);
    x->gpa = (entry & PTE_RPN & ~(x->page - 1)) | offset;
    x->writable = entry & PTE_RW;
    x->executable = entry & PTE_X;
    x->level = w->level;
    x->desc = entry;
    return 0;
}

int gd_ppc64_walk(struct gd_cpu *c, uint64_t va, struct gd_xlate *x, struct gd_why *why)
{
    struct walk w = { .c = c, .why = why, .va = va };

    return walk(&w, x);
}

bool gd_ppc64_is_word(struct gd_cpu *c, uint64_t va, uint64_t gpa, uint64_t len, bool *leads)
{
    struct walk w = { .c = c, .va = va, .look_at = gpa, .look_len = len };
    struct gd_xlate x;
    int err = walk(&w, &x);

    *leads = w.looked;
    return !err && gd_overlap(gpa, len, x.gpa, 4);
}

int gd_ppc64_open(struct gd_cpu *c, struct gd_why *why)
{
    if (gd_ppc64_msr(c) & MSR_S)
        return gd_why(why, GD_E_FORMAT,
                      "a secure guest (MSR[S]=1): its memory and registers are the ultravisor's");
    if (!(gd_cpu_reg(c, GD_PPC64_LPCR) & LPCR_HR))
        return gd_why(why, GD_E_FORMAT,
                      "the guest uses the hashed page table (HPT); only radix is supported");
    return 0;
}

int gd_ppc64_translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                       struct gd_why *why)
{
    uint64_t msr = gd_ppc64_msr(c);
    int err;

    va = msr & MSR_SF ? va : (uint32_t)va;
    if (msr & (use == GD_FETCH ? MSR_IR : MSR_DR))
        return gd_ppc64_walk(c, va, x, why);
    err = gd_ppc64_open(c, why);
    if (err)
        return err;
    *x = (struct gd_xlate){ .gpa = va & REAL_MASK,
                            .page = REAL_MASK + 1,
                            .writable = true,
                            .executable = true,
                            .level = GD_NO_LEVEL };
    return 0;
}

void gd_ppc64_walk_print(struct gd_cpu *c, uint64_t va, struct gd_out *o)
{
    struct gd_why why = { 0 };
    struct walk w = { .c = c, .why = &why, .out = o, .va = va };
    uint64_t msr = gd_ppc64_msr(c);
    struct gd_xlate x;

    if (!(msr & MSR_DR) && !gd_ppc64_open(c, NULL))
        gd_put_fmt(o, "MSR[DR]=0: data addresses are real, 0x%lx\n", va & REAL_MASK);
    if (walk(&w, &x)) {
        gd_why_print(&why, o);
        gd_put_str(o, "\n");
    } else {
        gd_put_fmt(o, "0x%lx -> 0x%lx, page of 0x%lx bytes%s%s\n", va, x.gpa, x.page,
                   x.writable ? ", writable" : "", x.executable ? ", executable" : "");
    }
}
