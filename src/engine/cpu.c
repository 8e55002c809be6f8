/* SPDX-License-Identifier: MIT */
/*
 * Registers of a stopped vCPU through a write-back cache, and its memory through its own
 * tables. The cache makes a run of steps cheap: a register that is borrowed again before the
 * next entry (PSTATE.I, MSR[SE]) compares equal with the hardware and is not written.
 */
#include "engine/cpu.h"

#include <string.h>

#include "base/bits.h"
#include "engine/patch.h"

#define CODE_PAGE 4096u

static bool test(const uint64_t *map, unsigned n)
{
    return map[n / 64] >> (n % 64) & 1;
}

static void mark(uint64_t *map, unsigned n, bool on)
{
    if (on)
        map[n / 64] |= 1ULL << (n % 64);
    else
        map[n / 64] &= ~(1ULL << (n % 64));
}

/* ---- registers that travel together ---- */

static bool in_block(const struct gd_cpu *c, unsigned n)
{
    return c->be->block && test(c->be->block, n);
}

/* What is still to be written stays so. */
static int get_block(struct gd_cpu *c)
{
    int err = c->be->block_get(c->be_ctx, c->index, c->hw);

    for (unsigned w = 0; w < GD_REG_WORDS && !err; w++) {
        for (uint64_t left = c->be->block[w] & ~c->dirty[w]; left; left &= left - 1) {
            unsigned n = w * 64 + (unsigned)__builtin_ctzll(left);

            c->val[n] = c->hw[n];
        }
        for (uint64_t left = c->be->block[w] & c->dirty[w]; left; left &= left - 1) {
            unsigned n = w * 64 + (unsigned)__builtin_ctzll(left);

            mark(c->dirty, n, c->hw[n] != c->val[n]);
        }
        c->known[w] |= c->be->block[w];
    }
    return err;
}

static int flush_block(struct gd_cpu *c)
{
    bool any = false, all = true;
    int err = 0;

    for (unsigned w = 0; c->be->block && w < GD_REG_WORDS; w++) {
        any |= (c->dirty[w] & c->be->block[w]) != 0;
        all &= (c->be->block[w] & ~c->known[w]) == 0;
    }
    if (!any)
        return 0;
    if (!all)
        err = get_block(c);
    if (!err)
        err = c->be->block_set(c->be_ctx, c->index, c->val);
    for (unsigned w = 0; w < GD_REG_WORDS && !err; w++) {
        for (uint64_t left = c->be->block[w] & c->dirty[w]; left; left &= left - 1) {
            unsigned n = w * 64 + (unsigned)__builtin_ctzll(left);

            c->hw[n] = c->val[n];
        }
        c->dirty[w] &= ~c->be->block[w];
    }
    return err;
}

/* ---- one by one ---- */

int gd_cpu_load(struct gd_cpu *c, unsigned num, uint64_t *value)
{
    int err;

    if (num >= GD_REG_MAX)
        return gd_why(c->why, GD_E_NOREG, NULL);
    err = in_block(c, num) ? get_block(c) : c->be->reg_get(c->be_ctx, c->index, num, &c->hw[num]);
    if (err)
        return gd_why(c->why, err, NULL);
    *value = c->val[num] = c->hw[num];
    mark(c->known, num, true);
    return 0;
}

int gd_cpu_set(struct gd_cpu *c, unsigned num, uint64_t value)
{
    if (num >= GD_REG_MAX)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (!test(c->known, num)) {
        c->hw[num] = ~value; /* unknown, so certainly to be written */
        mark(c->known, num, true);
    }
    c->val[num] = value;
    mark(c->dirty, num, c->hw[num] != value);
    return 0;
}

int gd_cpu_get_wide(struct gd_cpu *c, unsigned num, uint8_t *bytes, size_t n)
{
    int err = c->be->wide_get ? c->be->wide_get(c->be_ctx, c->index, num, bytes, n) : GD_E_NOREG;

    return err ? gd_why(c->why, err, NULL) : 0;
}

int gd_cpu_set_wide(struct gd_cpu *c, unsigned num, const uint8_t *bytes, size_t n)
{
    int err = c->be->wide_set ? c->be->wide_set(c->be_ctx, c->index, num, bytes, n) : GD_E_NOREG;

    return err ? gd_why(c->why, err, NULL) : 0;
}

int gd_cpu_flush(struct gd_cpu *c)
{
    uint64_t any = 0;
    int err;

    for (unsigned w = 0; w < GD_REG_WORDS; w++)
        any |= c->dirty[w];
    if (!any)
        return 0;
    err = flush_block(c);
    if (err)
        return gd_why(c->why, err, NULL);
    for (unsigned w = 0; w < GD_REG_WORDS; w++) {
        for (unsigned n = w * 64; c->dirty[w]; n++) {
            if (!test(c->dirty, n))
                continue;
            err = c->be->reg_set(c->be_ctx, c->index, n, c->val[n]);
            if (err)
                return gd_why(c->why, err, NULL);
            c->hw[n] = c->val[n];
            mark(c->dirty, n, false);
        }
    }
    return 0;
}

void gd_cpu_forget_but(struct gd_cpu *c, const uint64_t keep[GD_REG_WORDS])
{
    for (unsigned w = 0; w < GD_REG_WORDS; w++) {
        c->known[w] &= ~c->dirty[w] & keep[w];
        c->dirty[w] = 0;
    }
}

void gd_cpu_forget(struct gd_cpu *c)
{
    memset(c->known, 0, sizeof(c->known));
    memset(c->dirty, 0, sizeof(c->dirty));
}

void gd_cpu_learn(struct gd_cpu *c, unsigned num, uint64_t value)
{
    c->hw[num] = c->val[num] = value;
    mark(c->known, num, true);
    mark(c->dirty, num, false);
}

void gd_cpu_forget_reg(struct gd_cpu *c, unsigned num)
{
    if (!test(c->dirty, num) && !in_block(c, num)) /* of a block, all that is known was read */
        mark(c->known, num, false);
}

void gd_cpu_drop_page(struct gd_cpu *c)
{
    c->page_len = 0;
}

/* ---- memory ---- */

static uint8_t *ram(struct gd_cpu *c, uint64_t gpa, size_t n, bool write)
{
    int err = GD_E_NOTRAM;
    uint8_t *p = c->be->mem(c->be_ctx, gpa, n, write, &err);

    if (!p)
        gd_why_at(c->why, err, gpa, NULL);
    return p;
}

int gd_cpu_read_phys(struct gd_cpu *c, uint64_t gpa, void *buf, size_t n)
{
    const uint8_t *p = ram(c, gpa, n, false);

    if (!p)
        return c->why->error;
    memcpy(buf, p, n);
    if (c->engine)
        gd_patch_hide(c->engine, gpa, buf, n);
    return 0;
}

int gd_cpu_write_phys(struct gd_cpu *c, uint64_t gpa, const void *buf, size_t n)
{
    uint8_t *p = ram(c, gpa, n, true);

    if (!p)
        return c->why->error;
    if (c->engine)
        gd_patch_store(c->engine, gpa, p, buf, n);
    else
        memcpy(p, buf, n);
    c->be->sync_code(c->be_ctx, p, n);
    return 0;
}

int gd_cpu_load64(struct gd_cpu *c, uint64_t gpa, uint64_t *value)
{
    const uint8_t *p;
    uint64_t raw;

    if (gpa % 8)
        return gd_why_at(c->why, GD_E_BADTABLE, gpa, "not aligned");
    p = ram(c, gpa, 8, false);
    if (!p)
        return c->why->error;
    /* One load: another vCPU may write the descriptor while this one walks. */
    raw = __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
    *value = gd_load_le((const uint8_t *)&raw, 8);
    return 0;
}

static int find_page(struct gd_cpu *c, uint64_t va)
{
    struct gd_xlate x;
    int err;

    c->page_len = 0;
    err = c->target->arch->translate(c, va, GD_FETCH, &x, c->why);
    if (err)
        return err;
    c->page_va = va & ~(uint64_t)(CODE_PAGE - 1);
    c->page_gpa = x.gpa - (va - c->page_va);
    c->page = c->be->mem(c->be_ctx, c->page_gpa, CODE_PAGE, false, &err);
    c->page_len = CODE_PAGE;
    return 0;
}

int gd_cpu_fetch(struct gd_cpu *c, uint64_t va, uint32_t *insn)
{
    uint64_t at = va - c->page_va;
    uint8_t word[4];
    int err = 0;

    if (at >= c->page_len || c->page_len - at < sizeof(word)) {
        err = find_page(c, va);
        at = va - c->page_va;
    }
    if (err)
        return err;
    if (!c->page) { /* memory begins or ends within the page */
        err = gd_cpu_read_phys(c, c->page_gpa + at, word, sizeof(word));
    } else {
        memcpy(word, c->page + at, sizeof(word));
        if (c->engine)
            gd_patch_hide(c->engine, c->page_gpa + at, word, sizeof(word));
    }
    if (!err)
        *insn = (uint32_t)gd_load_le(word, sizeof(word));
    return err;
}

/* Moves n bytes at va piece by piece, no piece crossing a mapping or a 4 KiB boundary, so that
 * the end of a memory slot is found by the byte. */
static int move(struct gd_cpu *c, uint64_t va, void *in, const void *out, size_t n, size_t *done)
{
    size_t at = 0;
    int err = 0;

    while (at < n && !err) {
        struct gd_xlate x;
        size_t piece = CODE_PAGE - (size_t)((va + at) % CODE_PAGE);

        if (piece > n - at)
            piece = n - at;
        err = c->target->arch->translate(c, va + at, GD_DATA, &x, c->why);
        if (err)
            break;
        err = in ? gd_cpu_read_phys(c, x.gpa, (uint8_t *)in + at, piece)
                 : gd_cpu_write_phys(c, x.gpa, (const uint8_t *)out + at, piece);
        if (!err)
            at += piece;
    }
    *done = at;
    return err;
}

int gd_cpu_read(struct gd_cpu *c, uint64_t va, void *buf, size_t n, size_t *done)
{
    return move(c, va, buf, NULL, n, done);
}

int gd_cpu_write(struct gd_cpu *c, uint64_t va, const void *buf, size_t n, size_t *done)
{
    return move(c, va, NULL, buf, n, done);
}
