/* SPDX-License-Identifier: MIT */
/*
 * Exclusive sequences: from the load-exclusive to behind the store-exclusive and its retry
 * branch. Each debug exception clears the exclusive monitor, so a sequence is run in one go, up
 * to words planted at every way out. Reads code only; step.c decides when.
 */
#include "arch/arm64/sequence.h"

#include "arch/arm64/insn.h"
#include "arch/arm64/regs.h"

/* Instructions from load- to store-exclusive: beyond 128 bytes no processor promises progress either
 * (Arm ARM B2.12.5). */
#define SCAN 32

static bool fetch(struct gd_cpu *c, uint64_t va, struct gd_arm64_insn *i)
{
    uint32_t w;

    if (gd_cpu_fetch(c, va, &w))
        return false;
    gd_arm64_decode(w, i);
    return true;
}

/* Instructions that a sequence cannot contain for us to know all its ways out, or that read
 * or change the interrupt masks. */
static bool breaks_sequence(const struct gd_arm64_insn *i)
{
    switch (i->kind) {
    case INSN_BR:
    case INSN_ERET:
    case INSN_EXC:
    case INSN_WFI:
    case INSN_WFE:
    case INSN_WFXT:
    case INSN_MRS_DAIF:
    case INSN_MSR_DAIF:
    case INSN_DAIFSET:
    case INSN_DAIFCLR:
        return true;
    default:
        return false;
    }
}

/* The load-exclusive at or before pc. */
static bool find_load(struct gd_cpu *c, uint64_t pc, uint64_t *load)
{
    struct gd_arm64_insn i;

    for (unsigned n = 0; n <= SCAN; n++) {
        uint64_t va = pc - 4ull * n;

        if (!fetch(c, va, &i) || breaks_sequence(&i))
            return false;
        if (i.kind == INSN_LDX) {
            *load = va;
            return true;
        }
    }
    return false;
}

/* The store-exclusive that follows pc, after the load; other ways from the load may have their own. */
static bool find_store(struct gd_cpu *c, uint64_t load, uint64_t pc, uint64_t *store)
{
    struct gd_arm64_insn i;

    for (uint64_t va = pc > load ? pc : load + 4; va - load <= 4 * SCAN; va += 4) {
        if (!fetch(c, va, &i) || breaks_sequence(&i) || i.kind == INSN_B || i.kind == INSN_LDX)
            return false;
        if (i.kind == INSN_STX) {
            *store = va;
            return true;
        }
    }
    return false;
}

static bool plain_between(struct gd_cpu *c, uint64_t from, uint64_t to)
{
    struct gd_arm64_insn i;

    for (; from < to; from += 4)
        if (!fetch(c, from, &i) || breaks_sequence(&i))
            return false;
    return true;
}

/* The branch that tries again, if one follows soon: the sequence reaches to behind it, and
 * begins where it leads to. */
static void include_retry(struct gd_cpu *c, struct gd_arm64_sequence *q)
{
    struct gd_arm64_insn i;

    for (uint64_t va = q->end; va < q->end + 16; va += 4) {
        uint64_t target;

        if (!fetch(c, va, &i) || breaks_sequence(&i))
            return;
        if (i.kind != INSN_B && i.kind != INSN_B_COND)
            continue;
        target = va + (uint64_t)i.offset;
        if (target <= q->start && q->start - target <= 4 * SCAN) {
            /* A WFE before the load (a lock waits there) is a way out, not a part. */
            if (plain_between(c, target, q->start))
                q->start = target;
            q->end = va + 4;
        }
        return;
    }
}

/* Plants a word at va for this run. What does not translate cannot be reached without an
 * exception, and the vectors are planted. */
static bool plant(struct gd_cpu *c, struct gd_step *s, uint64_t va)
{
    struct gd_xlate x;

    for (unsigned n = 0; n < s->ntemp; n++)
        if (s->temp[n].va == va)
            return true;
    if (s->ntemp == GD_STEP_TEMPS)
        return false;
    if (!gd_arm64_translate(c, va, GD_FETCH, &x, c->why)) {
        s->temp[s->ntemp].va = va;
        s->temp[s->ntemp].gpa = x.gpa;
        s->ntemp++;
    }
    return true;
}

/* Vectors of the present Exception level: synchronous, and the asynchronous kinds for what
 * cannot be held (SError) or shall not be. */
static bool plant_vectors(struct gd_cpu *c, struct gd_step *s)
{
    uint64_t p = gd_cpu_reg(c, GD_ARM64_PSTATE);
    uint64_t vbar = gd_cpu_reg(c, GD_ARM64_VBAR_EL1) & ~0x7ffull;
    bool ok = true;

    vbar += !PSTATE_EL(p) ? 0x400 : p & 1 ? 0x200 : 0;
    for (unsigned n = 0; n < 4; n++)
        ok = plant(c, s, vbar + 0x80 * n) && ok;
    return ok;
}

/* All ways out of the sequence: its end, and every direct branch that leaves it. */
static bool plant_exits(struct gd_cpu *c, struct gd_step *s, const struct gd_arm64_sequence *q)
{
    bool ok = plant(c, s, q->end);

    for (uint64_t va = q->start; va < q->end && ok; va += 4) {
        struct gd_arm64_insn i;
        uint64_t target;

        if (!fetch(c, va, &i) || breaks_sequence(&i))
            return false;
        target = va + (uint64_t)i.offset;
        if ((i.kind == INSN_B || i.kind == INSN_B_COND) && target - q->start >= q->end - q->start)
            ok = plant(c, s, target);
    }
    return ok && plant_vectors(c, s);
}

bool gd_arm64_sequence_find(struct gd_cpu *c, uint64_t pc, struct gd_arm64_sequence *q)
{
    if (!find_load(c, pc, &q->load) || !find_store(c, q->load, pc, &q->store))
        return false;
    q->start = q->load;
    q->end = q->store + 4;
    include_retry(c, q);
    return true;
}

bool gd_arm64_sequence_plant(struct gd_cpu *c, struct gd_step *s, const struct gd_arm64_sequence *q)
{
    s->ntemp = 0;
    if (plant_exits(c, s, q))
        return true;
    s->ntemp = 0;
    return false;
}
