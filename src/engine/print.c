/* SPDX-License-Identifier: MIT */
/* The engine's account of itself: `monitor slots` and `monitor stats`. */
#include "engine/engine.h"

#include "engine/patch.h"
#include "engine/points.h"

static const char *const type_name[] = { "break", "hbreak", "watch", "rwatch", "awatch" };

static void print_slots_of(struct gd_engine *e, const struct gd_point *p, struct gd_out *o)
{
    if (p->patch) {
        gd_put_str(o, " planted in memory");
        if (gd_patch_lost(e, p->patch))
            gd_put_str(o, ", and written over by the guest");
        return;
    }
    gd_put_str(o, p->want.type <= GD_HW ? " in breakpoint register" : " in watchpoint register");
    for (unsigned n = 0; n < GD_HW_MAX; n++)
        if (p->want.slots >> n & 1)
            gd_put_fmt(o, " %u", n);
    if (p->as_hw)
        gd_put_str(o, " (its address did not translate to writable memory)");
    if (p->want.type <= GD_HW && e->arch->hbreak_after)
        gd_put_str(o, ", stops behind its instruction");
    if (p->want.linked)
        gd_put_fmt(o, ", only in context %lu", p->want.context);
    if (p->want.raw)
        gd_put_fmt(o, ", raw control 0x%lx", p->want.pair.ctrl);
}

static void print_point(struct gd_engine *e, const struct gd_point *p, struct gd_out *o)
{
    gd_put_fmt(o, "%s 0x%lx", type_name[p->want.type], p->want.addr);
    if (p->want.type > GD_HW)
        gd_put_fmt(o, " length %lu", p->want.len);
    gd_put_str(o, ":");
    print_slots_of(e, p, o);
    gd_put_str(o, "\n");
}

static unsigned taken(const struct gd_hw_pair *pairs)
{
    unsigned n = 0;

    for (unsigned i = 0; i < GD_HW_MAX; i++)
        n += pairs[i].ctrl || pairs[i].value;
    return n;
}

void gd_engine_print_slots(struct gd_engine *e, struct gd_out *o)
{
    const struct gd_hw_caps *hw = &e->cfg.target->hw;

    gd_points_settle(e); /* a refusal of the whole plan is told at the next resume */
    gd_put_fmt(o, "hardware breakpoints: %u, %u used\n", hw->nbreak, taken(e->set.b));
    gd_put_fmt(o, "hardware watchpoints: %u, %u used\n", hw->nwatch, taken(e->set.w));
    gd_put_str(o, "context-aware breakpoint registers:");
    for (unsigned n = 0; n < GD_HW_MAX; n++)
        if (hw->context >> n & 1)
            gd_put_fmt(o, " %u", n);
    gd_put_fmt(o, "%s\nsoftware breakpoints planted: %u\n", hw->context ? "" : " none",
               e->nplanted);
    for (unsigned i = 0; i < e->npoint_used; i++)
        if (e->cfg.points[i].wanted)
            print_point(e, &e->cfg.points[i], o);
    if (e->cfg.be->describe)
        e->cfg.be->describe(e->cfg.be_ctx, o);
    for (unsigned i = 0; e->arch->guest_debug && i < e->cfg.nvcpus; i++)
        if (gd_engine_has(e, i) && atomic_load(&e->cfg.vcpus[i].state) == GD_PARKED)
            e->arch->guest_debug(&e->cfg.vcpus[i].cpu, o);
}

void gd_engine_print_stats(struct gd_engine *e, struct gd_out *o)
{
    struct gd_counts t = { 0 };

    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        const struct gd_counts *n = &e->cfg.vcpus[i].n;

        t.exits += n->exits;
        t.steps += n->steps;
        t.step_overs += n->step_overs;
        t.false_hits += n->false_hits;
        t.injected += n->injected;
        t.slices += n->slices;
    }
    gd_put_fmt(o, "exits judged: %lu\nsteps: %lu\nsteps over a point: %lu\n", t.exits, t.steps,
               t.step_overs);
    gd_put_fmt(o, "false hits passed over: %lu\ngiven to the guest: %lu\n", t.false_hits,
               t.injected);
    gd_put_fmt(o, "slices given to other vCPUs: %lu\n", t.slices);
    for (unsigned i = 0; i < e->npoint_used; i++) {
        struct gd_point *p = &e->cfg.points[i];
        uint64_t hits = atomic_load(&p->hits);

        if (p->wanted || hits)
            gd_put_fmt(o, "%s 0x%lx: %lu hits%s\n", type_name[p->want.type], p->want.addr, hits,
                       hits < p->ignore ? ", being ignored" : "");
    }
}
