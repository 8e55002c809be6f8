/* SPDX-License-Identifier: MIT */
/*
 * The table of points and the plan made of it. A point is found by address through a hash, so
 * that thousands of them cost nothing at a stop; removal only marks it, because GDB removes and
 * inserts everything at every stop, and the mark is compared with the hardware at resume.
 */
#include "engine/points.h"

#include <string.h>

#include "base/bits.h"
#include "engine/patch.h"

static uint16_t *va_head(const struct gd_engine *e, uint64_t va)
{
    return &e->cfg.hash[gd_hash(e, va)];
}

void gd_points_init(struct gd_engine *e)
{
    memset(e->cfg.hash, 0, (size_t)2 * sizeof(e->cfg.hash[0]) << e->cfg.hash_bits);
    memset(e->cfg.patches, 0, e->cfg.npoints * sizeof(e->cfg.patches[0]));
    for (unsigned i = 0; i < e->cfg.npoints; i++) {
        memset(&e->cfg.points[i].want, 0, sizeof(e->cfg.points[i].want));
        e->cfg.points[i].wanted = e->cfg.points[i].as_hw = false;
        e->cfg.points[i].next_va = e->cfg.points[i].patch = 0;
        e->cfg.points[i].ignore = 0;
        atomic_init(&e->cfg.points[i].hits, 0);
    }
    e->npoint_used = 0;
    if (e->lifted_patch) /* of a lost vCPU; else one that was alone may still look at it */
        e->lifted_patch = 0;
    e->npatch_used = e->free_patch = e->dirty_patch = e->recycle = 0;
    e->nplanted = e->nfence = e->nhw = 0;
    e->any_hw = e->plan_dirty = false;
    memset(&e->set, 0, sizeof(e->set));
}

/* ---- points ---- */

struct gd_point *gd_point_at(struct gd_engine *e, uint64_t va, unsigned mask, struct gd_point *prev)
{
    uint16_t i = prev ? prev->next_va : *va_head(e, va);

    for (; i; i = e->cfg.points[i - 1].next_va) {
        struct gd_point *p = &e->cfg.points[i - 1];

        if (p->wanted && p->want.addr == va && (mask >> p->want.type & 1))
            return p;
    }
    return NULL;
}

static struct gd_point *known(struct gd_engine *e, const struct gd_hw_want *w)
{
    for (uint16_t i = *va_head(e, w->addr); i; i = e->cfg.points[i - 1].next_va) {
        struct gd_point *p = &e->cfg.points[i - 1];

        if (p->want.type == w->type && p->want.addr == w->addr && p->want.len == w->len &&
            p->want.raw == w->raw && (!w->raw || p->want.pair.ctrl == w->pair.ctrl))
            return p;
    }
    return NULL;
}

static void unlink_va(struct gd_engine *e, struct gd_point *p)
{
    uint16_t self = (uint16_t)(p - e->cfg.points + 1), *link = va_head(e, p->want.addr);

    while (*link != self)
        link = &e->cfg.points[*link - 1].next_va;
    *link = p->next_va;
}

/* A point for w: the one the client had there before, a new one, or one it no longer wants. */
static struct gd_point *point_get(struct gd_engine *e, const struct gd_hw_want *w)
{
    struct gd_point *p = known(e, w);
    uint16_t *head = va_head(e, w->addr);

    if (p)
        return p;
    if (e->npoint_used < e->cfg.npoints) {
        p = &e->cfg.points[e->npoint_used++];
    } else {
        for (unsigned n = 0; n < e->cfg.npoints && !p; n++) {
            struct gd_point *q = &e->cfg.points[e->recycle];

            e->recycle = (uint16_t)((e->recycle + 1u) % e->cfg.npoints);
            if (!q->wanted && !q->ignore)
                p = q;
        }
        if (!p)
            return NULL;
        unlink_va(e, p);
    }
    p->want = *w;
    p->wanted = p->as_hw = false;
    p->patch = 0;
    p->ignore = 0;
    atomic_store_explicit(&p->hits, 0, memory_order_relaxed);
    p->next_va = *head;
    *head = (uint16_t)(p - e->cfg.points + 1);
    return p;
}

static bool in_hardware(const struct gd_point *p)
{
    return p->wanted && !p->patch;
}

/* The order is that of the table, so that points that went and came back find their pairs. */
static void hw_add(struct gd_engine *e, const struct gd_point *p)
{
    uint16_t self = (uint16_t)(p - e->cfg.points + 1);
    unsigned at = e->nhw++;

    for (; at && e->hw[at - 1] > self; at--)
        e->hw[at] = e->hw[at - 1];
    e->hw[at] = self;
    e->plan_dirty = true;
}

static void hw_drop(struct gd_engine *e, const struct gd_point *p)
{
    unsigned at = 0;

    while (at < e->nhw && e->cfg.points + e->hw[at] - 1 != p)
        at++;
    if (at == e->nhw)
        return;
    for (e->nhw--; at < e->nhw; at++)
        e->hw[at] = e->hw[at + 1];
    e->plan_dirty = true;
}

static void unwant(struct gd_engine *e, struct gd_point *p)
{
    if (p->patch)
        gd_patch_unref(e, p->patch);
    else
        hw_drop(e, p);
    p->patch = 0;
    p->wanted = false;
}

static void want_hw(struct gd_hw_want *want, const struct gd_hw_want *from)
{
    *want = *from;
    if (want->type == GD_SW)
        want->type = GD_HW;
}

/* Encodes all points in debug registers but skip, and extra (both may be NULL), into set. */
static int plan(struct gd_engine *e, const struct gd_hw_want *extra, const struct gd_point *skip,
                struct gd_hw_set *set)
{
    size_t n = 0;

    for (unsigned i = 0; i < e->nhw; i++)
        if (&e->cfg.points[e->hw[i] - 1] != skip)
            want_hw(&e->wants[n++], &e->cfg.points[e->hw[i] - 1].want);
    if (extra && n == GD_HW_POINTS)
        return gd_why(&e->why, extra->type <= GD_HW ? GD_E_NOBREAK : GD_E_NOWATCH, NULL);
    if (extra)
        want_hw(&e->wants[n++], extra);
    return e->arch->plan(e->cfg.target, e->wants, n, set, &e->why);
}

static int insert_hw(struct gd_engine *e, struct gd_hw_want *w, bool as_hw)
{
    struct gd_point *p = known(e, w);
    struct gd_hw_set tried;
    int err;

    if (p && in_hardware(p) && p->want.linked == w->linked && p->want.context == w->context)
        return 0;
    err = plan(e, w, p, &tried);
    if (err)
        return err;
    if (p && p->wanted) /* another context replaces it; or it was a word, whose page is gone */
        unwant(e, p);
    p = point_get(e, w);
    if (!p)
        return gd_why(&e->why, GD_E_FULL, NULL);
    p->want.linked = w->linked;
    p->want.context = w->context;
    p->wanted = true;
    p->as_hw = as_hw;
    hw_add(e, p);
    return 0;
}

static int insert_sw(struct gd_engine *e, const struct gd_hw_want *w, uint64_t gpa)
{
    struct gd_point *p = point_get(e, w);
    uint16_t patch;

    if (!p)
        return gd_why(&e->why, GD_E_FULL, NULL);
    if (p->wanted && p->patch && e->cfg.patches[p->patch - 1].gpa == gpa)
        return 0;
    if (p->wanted) /* mapped elsewhere, or mapped at last */
        unwant(e, p);
    patch = gd_patch_ref(e, gpa);
    if (!patch && !gd_points_apply(e))
        patch = gd_patch_ref(e, gpa);
    if (!patch)
        return gd_why(&e->why, GD_E_FULL, NULL);
    p->patch = patch;
    p->as_hw = false;
    p->wanted = true;
    return 0;
}

static bool parked(const struct gd_engine *e, unsigned n)
{
    return gd_engine_has(e, n) &&
           atomic_load_explicit(&e->cfg.vcpus[n].state, memory_order_acquire) == GD_PARKED;
}

/* The vCPU, or if it is lost, and its registers cannot be had, the next one that is not. NULL: none. */
static struct gd_cpu *parked_cpu(struct gd_engine *e, unsigned vcpu)
{
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        unsigned n = (vcpu + i) % e->cfg.nvcpus;

        if (parked(e, n))
            return &e->cfg.vcpus[n].cpu;
    }
    return NULL;
}

/* Where va lies for vcpu, or for another one if its present tables do not have it: a vCPU in
 * user mode may run on tables without the kernel (arm64 KPTI). Another one that does
 * not translate, as it is off perhaps, is not asked: it has every address where its number says. */
static int locate(struct gd_engine *e, unsigned vcpu, uint64_t va, struct gd_xlate *x)
{
    int err = GD_E_NOTHREAD;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        unsigned n = (vcpu + i) % e->cfg.nvcpus;
        struct gd_why why = { 0 };
        int got;

        if (!parked(e, n))
            continue;
        got = e->arch->translate(&e->cfg.vcpus[n].cpu, va, GD_FETCH, x, &why);
        if (!got && (err == GD_E_NOTHREAD || x->level != GD_NO_LEVEL))
            return 0;
        if (got && err == GD_E_NOTHREAD) {
            err = got;
            e->why = why;
        }
    }
    return err;
}

#define PAGE            4096u
#define PAGES_LOOKED_AT 16u

/* Where hits go to the guest's own vectors, and those cannot be found, they would be the guest's. */
static bool unfenced(const struct gd_engine *e, int err)
{
    return err == GD_E_FORMAT && e->arch->fence;
}

/* Devices inside the kernel are never seen by a watchpoint, nor by the VMM: a watch on one would
 * stay silent, so it is refused. What does not translate now may later, and is taken. */
static int watchable(struct gd_engine *e, unsigned vcpu, uint64_t addr, uint64_t last)
{
    struct gd_cpu *c = parked_cpu(e, vcpu);

    for (unsigned n = 0; n < PAGES_LOOKED_AT && c; n++) {
        struct gd_xlate x;
        struct gd_why why = { 0 };
        int err = e->arch->translate(c, addr, GD_DATA, &x, &why);

        if (unfenced(e, err)) {
            e->why = why;
            return err;
        }
        if (!err && !e->cfg.be->mem(e->cfg.be_ctx, x.gpa, 1, false, &err) &&
            (err == GD_E_EMULATED || err == GD_E_HIDDEN))
            return gd_why_at(&e->why, err, addr, NULL);
        if ((addr | (PAGE - 1)) >= last)
            break;
        addr = (addr | (PAGE - 1)) + 1;
    }
    return 0;
}

static void apply_context(const struct gd_engine *e, struct gd_hw_want *w)
{
    for (unsigned i = 0; i < GD_CONTEXT_RULES; i++) {
        if (!e->context[i].on || (e->context[i].has_addr && e->context[i].addr != w->addr))
            continue;
        w->linked = true;
        w->context = e->context[i].id;
        if (e->context[i].has_addr)
            return; /* the rule for the address goes before the general one */
    }
}

int gd_engine_insert(struct gd_engine *e, unsigned vcpu, enum gd_point_type type, uint64_t addr,
                     uint64_t len)
{
    struct gd_hw_want w = { .type = type, .addr = addr, .len = len };
    struct gd_xlate x;
    uint64_t last = addr;
    int err;

    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    if ((type == GD_SW || type == GD_HW) && addr % e->arch->insn_align)
        return gd_why_at(&e->why, GD_E_ALIGN, addr, "instructions are aligned");
    if (type != GD_SW && type != GD_HW && !gd_range_last(addr, len, &last))
        return gd_why_at(&e->why, GD_E_ARG, addr, "the watched range is empty or wraps around");
    if (type > GD_HW) {
        err = watchable(e, vcpu, addr, last);
        if (err)
            return err;
    }
    if (type != GD_SW)
        apply_context(e, &w);
    if (type > GD_HW || (type == GD_HW && !e->arch->hbreak_is_soft) || !e->cfg.target->hw.sw_break)
        return insert_hw(e, &w, type == GD_SW);
    err = locate(e, vcpu, addr, &x);
    if (!err && e->cfg.be->mem(e->cfg.be_ctx, x.gpa, e->arch->insn_len, true, &err)) {
        err = e->arch->breakable ? e->arch->breakable(parked_cpu(e, vcpu), addr, x.gpa, &e->why)
                                 : 0;
        return err ? err : insert_sw(e, &w, x.gpa);
    }
    if (unfenced(e, err))
        return err;
    /* Not mapped yet (before the MMU is on) or not writable: a hardware slot, by address. GDB, which
     * has breakpoints of its own in every program, could not go on if that were refused. */
    return insert_hw(e, &w, true);
}

int gd_engine_remove(struct gd_engine *e, unsigned vcpu, enum gd_point_type type, uint64_t addr,
                     uint64_t len)
{
    struct gd_hw_want w = { .type = type, .addr = addr, .len = len };
    struct gd_point *p = known(e, &w);

    (void)vcpu;
    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    if (p && p->wanted)
        unwant(e, p);
    return 0;
}

static void raw_want(struct gd_hw_want *w, bool watch, struct gd_hw_pair pair)
{
    *w = (struct gd_hw_want){
        .type = watch ? GD_ACCESS : GD_HW, .addr = pair.value, .len = 4, .raw = true, .pair = pair
    };
}

int gd_engine_insert_raw(struct gd_engine *e, bool watch, struct gd_hw_pair pair)
{
    struct gd_hw_want w;

    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    raw_want(&w, watch, pair);
    return insert_hw(e, &w, false);
}

int gd_engine_remove_raw(struct gd_engine *e, bool watch, struct gd_hw_pair pair)
{
    struct gd_hw_want w;
    struct gd_point *p;

    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    raw_want(&w, watch, pair);
    p = known(e, &w);
    if (p && p->wanted)
        unwant(e, p);
    return 0;
}

void gd_engine_remove_all(struct gd_engine *e)
{
    for (unsigned i = 0; i < e->npoint_used; i++) {
        struct gd_point *p = &e->cfg.points[i];

        p->ignore = 0;
        if (p->wanted)
            unwant(e, p);
    }
    e->plan_dirty = true;
    memset(e->context, 0, sizeof(e->context));
}

int gd_engine_ignore(struct gd_engine *e, uint64_t addr, uint64_t n)
{
    int found = 0;

    if (!gd_engine_stopped(e))
        return gd_why(&e->why, GD_E_RUNNING, NULL);
    for (uint16_t i = *va_head(e, addr); i; i = e->cfg.points[i - 1].next_va) {
        struct gd_point *p = &e->cfg.points[i - 1];

        if (p->want.addr == addr) {
            p->ignore = n;
            atomic_store_explicit(&p->hits, 0, memory_order_relaxed);
            found++;
        }
    }
    return found ? 0 : gd_why_at(&e->why, GD_E_ARG, addr, "no point was ever inserted there");
}

int gd_engine_context(struct gd_engine *e, bool on, uint64_t id, const uint64_t *addr)
{
    struct gd_context_rule *slot = NULL;

    if (on && !e->cfg.target->hw.context)
        return gd_why(&e->why, GD_E_NOCONTEXT, NULL);
    for (unsigned i = 0; i < GD_CONTEXT_RULES; i++) {
        struct gd_context_rule *r = &e->context[i];

        if (r->on && r->has_addr == !!addr && (!addr || r->addr == *addr)) {
            slot = r;
            break;
        }
        if (!r->on && !slot)
            slot = r;
    }
    if (!slot)
        return gd_why(&e->why, GD_E_FULL, NULL);
    *slot = (struct gd_context_rule){ on, !!addr, id, addr ? *addr : 0 };
    return 0;
}

/* ---- the plan ---- */

static int apply_set(struct gd_engine *e)
{
    struct gd_hw_set set;
    int err = plan(e, NULL, NULL, &set);

    if (err)
        return err;
    for (unsigned i = 0; i < e->nhw; i++)
        e->cfg.points[e->hw[i] - 1].want.slots = e->wants[i].slots;
    e->any_hw = e->nhw != 0;
    if (memcmp(&set, &e->set, sizeof(set))) {
        e->set = set;
        e->generation++;
    }
    e->plan_dirty = false;
    return 0;
}

static unsigned fence_words(struct gd_engine *e, struct gd_cpu *c, uint64_t *gpa)
{
    uint64_t va[GD_FENCE_MAX];

    return e->any_hw ? e->arch->fence(c, &e->set, va, gpa, GD_FENCE_MAX) : 0;
}

/* Where debug events reach the guest's own vectors, words stand planted there as long as a
 * hardware point is armed. They are patches like any other. */
static int apply_fence(struct gd_engine *e, struct gd_cpu *c)
{
    uint64_t gpa[GD_FENCE_MAX];
    unsigned n = fence_words(e, c, gpa);

    for (unsigned i = 0; i < e->nfence; i++)
        gd_patch_unref(e, e->fence[i]);
    e->nfence = 0;
    for (unsigned i = 0; i < n; i++) {
        uint16_t p = gd_patch_ref(e, gpa[i]);

        if (!p)
            return gd_why(&e->why, GD_E_FULL, NULL);
        e->fence[e->nfence++] = p;
    }
    return 0;
}

bool gd_points_fence_moved(struct gd_engine *e, struct gd_cpu *c)
{
    uint64_t gpa[GD_FENCE_MAX];

    if (!e->any_hw || !e->arch->fence)
        return false;
    if (fence_words(e, c, gpa) != e->nfence)
        return true;
    for (unsigned i = 0; i < e->nfence; i++)
        if (e->cfg.patches[e->fence[i] - 1].gpa != gpa[i])
            return true;
    return false;
}

int gd_points_move_fence(struct gd_engine *e, struct gd_cpu *c)
{
    int err = apply_fence(e, c);

    return err ? err : gd_patch_apply(e);
}

int gd_points_settle(struct gd_engine *e)
{
    return e->plan_dirty ? apply_set(e) : 0;
}

int gd_points_apply(struct gd_engine *e)
{
    struct gd_cpu *c = parked_cpu(e, 0);
    int err = gd_points_settle(e);

    if (!err && e->arch->fence && (c || !e->any_hw))
        err = apply_fence(e, c);
    return err ? err : gd_patch_apply(e);
}

void gd_engine_reset(struct gd_engine *e)
{
    gd_alone_clear(e);
    gd_patch_recheck(e);
    (void)gd_patch_apply(e); /* what fails stays to be done, and the next resume says so */
    /* Registers are new, and no instruction is half stepped any more. */
    for (unsigned i = 0; i < e->cfg.nvcpus; i++) {
        struct gd_vcpu *v = &e->cfg.vcpus[i];

        gd_cpu_forget(&v->cpu);
        gd_cpu_drop_page(&v->cpu);
        v->stepping = v->step_over = v->told = v->told_watch = v->delivered = false;
    }
}
