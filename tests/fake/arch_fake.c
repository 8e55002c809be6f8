/* SPDX-License-Identifier: MIT */
/* The made-up processor of arch_fake.h as the engine sees it. */
#include "arch_fake.h"

#include <string.h>

#include "base/bits.h"
#include "engine/cpu.h"

/* ---- registers ---- */

static unsigned reg_size(const struct gd_target *t, unsigned num)
{
    (void)t;
    if (num == FAKE_FLAGS)
        return 4;
    if (num == FAKE_V0)
        return 16;
    return num < FAKE_G_COUNT || num == FAKE_SYS || num == FAKE_CONTEXT ? 8 : 0;
}

static int reg_get(struct gd_cpu *c, unsigned num, uint8_t *bytes)
{
    unsigned n = reg_size(c->target, num);
    uint64_t value;
    int err;

    if (n == 0 || num == FAKE_GONE)
        return gd_why(c->why, GD_E_NOREG, NULL);
    err = n > 8 ? gd_cpu_get_wide(c, num, bytes, n) : gd_cpu_get(c, num, &value);
    if (err)
        return err;
    if (n <= 8)
        gd_store_le(bytes, value, n);
    return (int)n;
}

static int reg_set(struct gd_cpu *c, unsigned num, const uint8_t *bytes)
{
    unsigned n = reg_size(c->target, num);

    if (n == 0 || num == FAKE_GONE)
        return gd_why(c->why, GD_E_NOREG, NULL);
    if (num == FAKE_RO)
        return gd_why(c->why, GD_E_NOREG, "read-only register");
    if (n > 8)
        return gd_cpu_set_wide(c, num, bytes, n);
    return gd_cpu_set(c, num, gd_load_le(bytes, n));
}

static void tdesc(const struct gd_target *t, uint32_t flags, struct gd_out *o)
{
    (void)t;
    gd_put_str(o, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
                  "<architecture>fake</architecture><feature name=\"org.guestdbg.fake.core\">");
    for (unsigned i = 0; i < FAKE_G_COUNT; i++)
        gd_put_fmt(o, "<reg name=\"r%u\" bitsize=\"%u\" regnum=\"%u\"/>", i, 8 * reg_size(t, i), i);
    gd_put_fmt(o, "</feature><feature name=\"org.guestdbg.fake.pauth%s\"/></target>",
               flags & GD_TD_PAUTH_V2 ? "_v2" : "");
}

/* ---- debug registers: ctrl = 1 | type << 4 | length << 8, value = address ---- */

static unsigned free_pair(const struct gd_hw_pair *bank, unsigned n)
{
    unsigned i = 0;

    while (i < n && bank[i].ctrl)
        i++;
    return i;
}

static int plan_one(const struct gd_target *t, struct gd_hw_want *w, struct gd_hw_set *set,
                    struct gd_why *why)
{
    struct gd_hw_pair *bank = w->type == GD_HW ? set->b : set->w;
    unsigned n = w->type == GD_HW ? t->hw.nbreak : t->hw.nwatch, i = free_pair(bank, n);

    if (i == n)
        return gd_why_at(why, w->type == GD_HW ? GD_E_NOBREAK : GD_E_NOWATCH, w->addr, NULL);
    if (w->raw && (w->pair.ctrl & ~0xffffffULL || !(w->pair.ctrl & 1)))
        return gd_why(why, GD_E_RESERVED, NULL);
    if (!w->raw && w->len > 4096)
        return gd_why_at(why, GD_E_UNSUPPORTED, w->addr, "watched range too long");
    bank[i].ctrl = w->raw ? w->pair.ctrl : 1 | (uint64_t)w->type << 4 | w->len << 8;
    bank[i].value = w->raw ? w->pair.value : w->addr;
    w->slots = (uint16_t)(1u << i);
    return 0;
}

static int plan(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                struct gd_hw_set *set, struct gd_why *why)
{
    int err = 0;

    memset(set, 0, sizeof(*set));
    for (size_t i = 0; i < n && !err; i++)
        err = plan_one(t, &wants[i], set, why);
    return err;
}

static unsigned type_of(const struct gd_hw_pair *p)
{
    return (unsigned)gd_bits(p->ctrl, 7, 4);
}

bool fake_break_hits(const struct gd_hw_pair *p, uint64_t pc)
{
    return p->ctrl && p->value == pc;
}

bool fake_watch_hits(const struct gd_hw_pair *p, uint64_t addr, uint64_t len, bool write)
{
    unsigned type = type_of(p);
    bool way = type == GD_ACCESS || type == (write ? GD_WRITE : GD_READ);

    return p->ctrl && way && gd_overlap(p->value, p->ctrl >> 8, addr, len);
}

/* ---- translation ---- */

bool fake_translate(uint64_t va, uint64_t *gpa)
{
    *gpa = va >= FAKE_HIGH ? va - FAKE_HIGH : va;
    return *gpa < 1ULL << 32;
}

static int translate(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                     struct gd_why *why)
{
    (void)c;
    (void)use;
    *x = (struct gd_xlate){ .page = 4096, .writable = true, .executable = true, .level = 2 };
    if (!fake_translate(va, &x->gpa))
        return gd_why_level(why, GD_E_UNMAPPED, va, 2, NULL);
    return 0;
}

static void walk_print(struct gd_cpu *c, uint64_t va, struct gd_out *o)
{
    uint64_t gpa;

    (void)c;
    if (fake_translate(va, &gpa))
        gd_put_fmt(o, "0x%lx is physical 0x%lx\n", va, gpa);
    else
        gd_put_fmt(o, "0x%lx is not mapped, level 2\n", va);
}

/* ---- exits ---- */

static void access(struct gd_cpu *c, uint64_t pc, struct gd_access *a)
{
    uint32_t insn;

    *a = (struct gd_access){ 0 };
    if (gd_cpu_fetch(c, pc, &insn))
        return;
    a->read = (insn & 0xff) == FAKE_LOAD;
    a->write = (insn & 0xff) == FAKE_STORE;
    if (!a->read && !a->write)
        return;
    a->addr = gd_cpu_reg(c, insn >> 16 & 15);
    a->len = 1u << (insn >> 24 & 3);
}

static uint16_t matching(const struct gd_hw_set *set, const struct gd_event *ev)
{
    uint16_t slots = 0;

    for (unsigned i = 0; i < GD_HW_MAX; i++)
        if (ev->kind == GD_EV_HWBP
                ? fake_break_hits(&set->b[i], ev->pc)
                : fake_watch_hits(&set->w[i], ev->access.addr, ev->access.len, ev->access.write))
            slots |= (uint16_t)(1u << i);
    return slots;
}

static void event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                  struct gd_event *ev)
{
    static const enum gd_event_kind kinds[] = { [FAKE_EX_STEP] = GD_EV_STEP,
                                                [FAKE_EX_BREAK] = GD_EV_SWBP,
                                                [FAKE_EX_HWBREAK] = GD_EV_HWBP,
                                                [FAKE_EX_WATCH] = GD_EV_WATCH };
    uint32_t insn;

    *ev = (struct gd_event){ .kind = GD_EV_UNKNOWN, .pc = gd_cpu_reg(c, FAKE_PC) };
    if (x->kind != GD_EXIT_DEBUG || !x->syndrome || x->syndrome > FAKE_EX_WATCH)
        return;
    ev->kind = kinds[x->syndrome];
    if (ev->kind == GD_EV_SWBP && !gd_cpu_fetch(c, ev->pc, &insn) && (insn & 0xff) == FAKE_BREAK &&
        insn != FAKE_BREAK)
        ev->kind = GD_EV_FOREIGN;
    if (ev->kind == GD_EV_WATCH)
        access(c, ev->pc, &ev->access);
    if (ev->kind == GD_EV_HWBP || ev->kind == GD_EV_WATCH)
        ev->slots = matching(set, ev);
}

static int inject(struct gd_cpu *c, const struct gd_exit *x)
{
    int err = gd_cpu_set(c, FAKE_SYS, gd_cpu_reg(c, FAKE_PC));

    (void)x;
    return err ? err : gd_cpu_set(c, FAKE_PC, FAKE_VECTOR);
}

/* ---- steps ---- */

static int step_begin(struct gd_cpu *c, struct gd_step *s)
{
    if (!c->target->hw.step)
        return gd_why(c->why, GD_E_NOSTEP, NULL);
    if (gd_cpu_fetch(c, s->pc, &s->insn))
        s->insn = 0;
    s->waits = (s->insn & 0xff) == FAKE_WAIT;
    s->use_hw = true;
    return GD_STEP_ENTER;
}

static int step_exit(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    (void)s;
    (void)temp_hit;
    if (x->kind == GD_EXIT_OTHER || (x->kind == GD_EXIT_DEBUG && x->syndrome == FAKE_EX_STEP))
        return GD_STEP_DONE;
    /* Left before anything was executed: enter again. */
    if (x->kind == GD_EXIT_NONE && gd_cpu_reg(c, FAKE_PC) == s->pc)
        return GD_STEP_ENTER;
    return GD_STEP_OTHER;
}

static void step_abort(struct gd_cpu *c, struct gd_step *s)
{
    (void)c;
    (void)s;
}

static bool insn_plain(uint32_t insn)
{
    return (insn & 0xff) != FAKE_CALL;
}

static int context(struct gd_cpu *c, uint64_t *value)
{
    return gd_cpu_get(c, FAKE_CONTEXT, value);
}

const struct gd_arch gd_arch_fake = {
    .name = "fake",
    .insn_len = 4,
    .insn_align = 4,
    .bp_insn = { FAKE_BREAK, 0, 0, 0 },
    .reg_pc = FAKE_PC,
    .reg_sp = FAKE_SP,
    .g_count = FAKE_G_COUNT,
    .unwind_first = FAKE_CONTEXT,
    .unwind_count = 1,
    .bi_endian = true,
    .reg_size = reg_size,
    .reg_get = reg_get,
    .reg_set = reg_set,
    .tdesc = tdesc,
    .plan = plan,
    .translate = translate,
    .event = event,
    .inject = inject,
    .access = access,
    .step_begin = step_begin,
    .step_exit = step_exit,
    .step_abort = step_abort,
    .insn_plain = insn_plain,
    .context = context,
    .walk_print = walk_print,
};
