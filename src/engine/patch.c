/* SPDX-License-Identifier: MIT */
/*
 * Words of guest memory that are, or shall be, breakpoint instructions: the patches under software
 * points and on the guest's vectors, and the words of one run alone. Found by physical address
 * through a hash. Removal compares first: what the guest wrote over is the guest's.
 */
#include "engine/patch.h"

#include <string.h>

#include "base/bits.h"

#define PAGE 4096u

static uint16_t *gpa_head(const struct gd_engine *e, uint64_t gpa)
{
    return &e->cfg.hash[(1u << e->cfg.hash_bits) + gd_hash(e, gpa)];
}

/* Patches are named by index + 1, as the chains have them; 0 is none. */
static struct gd_patch *patch(const struct gd_engine *e, uint16_t i)
{
    return &e->cfg.patches[i - 1];
}

static uint16_t patch_find(const struct gd_engine *e, uint64_t gpa)
{
    uint16_t i = *gpa_head(e, gpa);

    while (i && patch(e, i)->gpa != gpa)
        i = patch(e, i)->next;
    return i;
}

struct gd_patch *gd_patch_at(const struct gd_engine *e, uint64_t gpa)
{
    uint16_t i = patch_find(e, gpa);

    return i && patch(e, i)->planted ? patch(e, i) : NULL;
}

static void patch_touch(struct gd_engine *e, uint16_t i)
{
    struct gd_patch *p = patch(e, i);

    if (p->dirty)
        return;
    p->dirty = true;
    p->dirty_next = e->dirty_patch;
    e->dirty_patch = i;
}

void gd_patch_unref(struct gd_engine *e, uint16_t index)
{
    patch(e, index)->refs--;
    patch_touch(e, index);
}

/* There are as many patches as points, and every patch has a point or is dirty and freed at
 * the next apply, so 0 means only that the table must be applied first. */
static uint16_t patch_get(struct gd_engine *e, uint64_t gpa)
{
    uint16_t i = patch_find(e, gpa), *head = gpa_head(e, gpa);

    if (i)
        return i;
    if (e->free_patch) {
        i = e->free_patch;
        e->free_patch = patch(e, i)->next;
    } else if (e->npatch_used < e->cfg.npoints) {
        i = ++e->npatch_used;
    } else {
        return 0;
    }
    *patch(e, i) = (struct gd_patch){ .gpa = gpa, .next = *head };
    *head = i;
    return i;
}

uint16_t gd_patch_ref(struct gd_engine *e, uint64_t gpa)
{
    uint16_t i = patch_get(e, gpa);

    if (!i)
        return 0;
    patch(e, i)->refs++;
    patch_touch(e, i);
    return i;
}

void gd_patch_recheck(struct gd_engine *e)
{
    for (uint16_t i = 1; i <= e->npatch_used; i++)
        if (patch(e, i)->planted)
            patch_touch(e, i);
}

static void patch_free(struct gd_engine *e, uint16_t i)
{
    struct gd_patch *p = patch(e, i);
    uint16_t *link = gpa_head(e, p->gpa);

    while (*link != i)
        link = &patch(e, *link)->next;
    *link = p->next;
    p->next = e->free_patch;
    e->free_patch = i;
    p->gpa = ~0ULL;
}

static uint8_t *code(struct gd_engine *e, uint64_t gpa)
{
    int err;

    return e->cfg.be->mem(e->cfg.be_ctx, gpa, e->arch->insn_len, true, &err);
}

/* Instruction words of four bytes, as nearly all are, go in one access. */
static void copy_word(const struct gd_engine *e, void *to, const void *from)
{
    if (e->arch->insn_len == 4)
        memcpy(to, from, 4);
    else
        memcpy(to, from, e->arch->insn_len);
}

static bool is_break(const struct gd_engine *e, const uint8_t *p)
{
    return e->arch->insn_len == 4 ? memcmp(p, e->arch->bp_insn, 4) == 0
                                  : memcmp(p, e->arch->bp_insn, e->arch->insn_len) == 0;
}

/*
 * Where words are written, one after the other: those in one page are looked up once, and made known to
 * instruction fetch together.
 */
struct writer {
    struct gd_engine *e;
    uint64_t gpa;          /* of the page */
    uint8_t *page;         /* NULL: none, or not all of it is memory */
    uint8_t *first, *last; /* words written since the last sync(); NULL: none */
};

static void sync(struct writer *w)
{
    if (w->first)
        w->e->cfg.be->sync_code(w->e->cfg.be_ctx, w->first,
                                (size_t)(w->last - w->first) + w->e->arch->insn_len);
    w->first = w->last = NULL;
}

static uint8_t *word_at(struct writer *w, uint64_t gpa)
{
    int err;

    if (!w->page || gpa - w->gpa >= PAGE) {
        sync(w);
        w->gpa = gpa & ~(uint64_t)(PAGE - 1);
        w->page = w->e->cfg.be->mem(w->e->cfg.be_ctx, w->gpa, PAGE, true, &err);
    }
    return w->page ? w->page + (gpa - w->gpa) : code(w->e, gpa);
}

static void put_word(struct writer *w, uint8_t *p, const uint8_t *word)
{
    copy_word(w->e, p, word);
    if (!w->first || p < w->first)
        w->first = p;
    if (p > w->last)
        w->last = p;
}

static int plant(struct writer *w, uint64_t gpa, uint8_t *saved)
{
    uint8_t *p = word_at(w, gpa);

    if (!p)
        return gd_why_at(&w->e->why, GD_E_READONLY, gpa, "no breakpoint can be planted there");
    copy_word(w->e, saved, p);
    put_word(w, p, w->e->arch->bp_insn);
    return 0;
}

/* The guest may have overwritten the word meanwhile: then what is there now is right. */
static void unplant(struct writer *w, uint64_t gpa, const uint8_t *saved)
{
    uint8_t *p = word_at(w, gpa);

    if (p && is_break(w->e, p))
        put_word(w, p, saved);
}

/* Copies the part of an original word at word_gpa that falls into [gpa, gpa + n). */
static void hide_word(const struct gd_engine *e, uint64_t word_gpa, const uint8_t *saved,
                      uint64_t gpa, uint8_t *buf, size_t n)
{
    for (unsigned i = 0; i < e->arch->insn_len; i++) {
        uint64_t at = word_gpa + i - gpa;

        if (at < n && buf[at] == e->arch->bp_insn[i])
            buf[at] = saved[i];
    }
}

/* Is the whole word still ours? A word that the guest wrote over is shown as it is. */
static bool stands(struct gd_engine *e, uint64_t gpa)
{
    const uint8_t *p = code(e, gpa);

    return p && is_break(e, p);
}

bool gd_patch_lost(struct gd_engine *e, uint16_t index)
{
    const struct gd_patch *p = patch(e, index);

    return p->planted && !stands(e, p->gpa);
}

static uint64_t first_word(const struct gd_engine *e, uint64_t gpa)
{
    return gpa & ~(uint64_t)(e->arch->insn_align - 1);
}

void gd_patch_hide(const struct gd_engine *e, uint64_t gpa, void *buf, size_t n)
{
    struct gd_engine *w = (struct gd_engine *)e;

    for (unsigned i = 0; i < e->ntemp; i++)
        if (gd_overlap(e->temp[i].gpa, e->arch->insn_len, gpa, n))
            hide_word(e, e->temp[i].gpa, e->temp[i].saved, gpa, buf, n);
    if (!e->nplanted)
        return;
    if (n / e->arch->insn_align > e->npatch_used) { /* fewer patches than words: walk them */
        for (unsigned i = 0; i < e->npatch_used; i++) {
            const struct gd_patch *p = &e->cfg.patches[i];

            if (p->planted && gd_overlap(p->gpa, e->arch->insn_len, gpa, n) && stands(w, p->gpa))
                hide_word(e, p->gpa, p->saved, gpa, buf, n);
        }
        return;
    }
    for (uint64_t a = first_word(e, gpa); a < gpa + n; a += e->arch->insn_align) {
        const struct gd_patch *p = gd_patch_at(e, a);

        if (p && stands(w, a))
            hide_word(e, a, p->saved, gpa, buf, n);
    }
}

void gd_patch_store(struct gd_engine *e, uint64_t gpa, uint8_t *p, const void *buf, size_t n)
{
    const uint8_t *from = buf;

    for (size_t i = 0; i < n; i++) {
        uint64_t word = first_word(e, gpa + i);
        struct gd_patch *at = e->nplanted ? gd_patch_at(e, word) : NULL;

        if (at && stands(e, word))
            at->saved[gpa + i - word] = from[i];
        else
            p[i] = from[i];
    }
}

int gd_patch_apply(struct gd_engine *e)
{
    struct writer w = { .e = e };
    int err = 0;

    while (e->dirty_patch && !err) {
        uint16_t i = e->dirty_patch;
        struct gd_patch *p = patch(e, i);

        if (p->planted && !stands(e, p->gpa)) { /* the guest wrote over it */
            p->planted = false;
            e->nplanted--;
        }
        if (p->refs && !p->planted) {
            err = plant(&w, p->gpa, p->saved);
            if (err)
                break; /* stays first in the chain: the next resume says so again */
            p->planted = true;
            e->nplanted++;
        } else if (!p->refs && p->planted) {
            unplant(&w, p->gpa, p->saved);
            p->planted = false;
            e->nplanted--;
        }
        p->dirty = false;
        e->dirty_patch = p->dirty_next;
        if (!p->refs)
            patch_free(e, i);
    }
    sync(&w);
    return err;
}

/* ---- words for a run alone ---- */

/* They are planted from the last to the first and taken off in the other order, since two may be the
 * same word: what does not change from step to step, a fence on vectors, comes last and can stay. */

static void temps_off(struct writer *w, unsigned n)
{
    struct gd_engine *e = w->e;

    if (n == 0)
        return; /* nothing is written: the vCPU that was alone may have parked meanwhile */
    for (unsigned i = 0; i < n; i++)
        unplant(w, e->temp[i].gpa, e->temp[i].saved);
    e->ntemp -= n;
    memmove(e->temp, e->temp + n, e->ntemp * sizeof(e->temp[0]));
}

/* How many at the end are planted already. */
static unsigned temps_equal(const struct gd_engine *e, const struct gd_step *s)
{
    unsigned n = 0, max = e->ntemp < s->ntemp ? e->ntemp : s->ntemp;

    while (n < max && e->temp[e->ntemp - 1 - n].gpa == s->temp[s->ntemp - 1 - n].gpa)
        n++;
    return n;
}

static int temps_on(struct writer *w, const struct gd_step *s)
{
    struct gd_engine *e = w->e;
    unsigned more = s->ntemp - e->ntemp;

    memmove(e->temp + more, e->temp, e->ntemp * sizeof(e->temp[0]));
    for (unsigned i = more; i-- > 0;) {
        int err = plant(w, s->temp[i].gpa, e->temp[i].saved);

        if (err) { /* of those that stand, i + 1 is the first */
            e->ntemp = s->ntemp - (i + 1);
            memmove(e->temp, e->temp + i + 1, e->ntemp * sizeof(e->temp[0]));
            temps_off(w, e->ntemp);
            return err;
        }
        e->temp[i].gpa = s->temp[i].gpa;
    }
    e->ntemp = s->ntemp;
    return 0;
}

static void lift_off(struct writer *w)
{
    struct gd_engine *e = w->e;
    struct gd_patch *p;

    if (!e->lifted_patch)
        return;
    p = patch(e, e->lifted_patch);
    e->lifted_patch = 0;
    if (!stands(e, p->gpa)) /* planted anew while the one that was alone counted as lost */
        plant(w, p->gpa, p->saved);
}

int gd_alone_set(struct gd_engine *e, const struct gd_step *step, bool do_lift, uint64_t lift)
{
    uint16_t up = do_lift && gd_patch_at(e, lift) ? patch_find(e, lift) : 0;
    bool same_lift = e->lifted_patch == up;
    unsigned keep = same_lift ? temps_equal(e, step) : 0;
    struct writer w = { .e = e };
    int err;

    if (same_lift && keep == e->ntemp && keep == step->ntemp)
        return 0;
    temps_off(&w, e->ntemp - keep);
    if (!same_lift) {
        lift_off(&w);
        if (up)
            unplant(&w, lift, patch(e, up)->saved);
        e->lifted_patch = up;
    }
    err = temps_on(&w, step);
    sync(&w);
    return err;
}

void gd_alone_clear(struct gd_engine *e)
{
    struct writer w = { .e = e };

    temps_off(&w, e->ntemp);
    lift_off(&w);
    sync(&w);
}
