/* SPDX-License-Identifier: MIT */
/*
 * What a debug exit is. KVM-HV knows one kind only, the breakpoint word; CIABR and DAWR hits go to
 * the guest's own vectors, where a word of the fence stands while they are loaded.
 *
 * Borrowed from the guest: SRR0, SRR1, DAR and DSISR, which such a hit overwrites as it would on bare
 * hardware. They are dead wherever an interrupt may be taken (MSR[RI]=1), and are not given back.
 */
#include "arch/ppc64/insn.h"

#include "base/bits.h"
#include "engine/cpu.h"

unsigned gd_ppc64_fence(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t *va, uint64_t *gpa,
                        unsigned max)
{
    const uint16_t offset[] = {
        set->w[0].ctrl || set->w[1].ctrl ? VEC_DSI : 0,
        set->b[0].value & CIABR_PRIV ? VEC_TRACE : 0,
    };
    struct gd_xlate x;
    unsigned n = 0;

    for (unsigned i = 0; i < GD_ARRAY_SIZE(offset); i++) {
        if (!offset[i])
            continue;
        if (n < max) {
            va[n] = gpa[n] = offset[i];
            n++;
        }
        if (n < max && !gd_ppc64_walk(c, AIL3_BASE + offset[i], &x, NULL)) {
            va[n] = AIL3_BASE + offset[i];
            gpa[n++] = x.gpa;
        }
    }
    return n;
}

/* The w pairs that an access, or if it is unknown the reported address, falls into. */
static uint16_t matching(const struct gd_hw_set *set, const struct gd_access *a, uint64_t dar)
{
    uint16_t slots = 0;

    for (unsigned i = 0; i < GD_HW_MAX; i++) {
        uint64_t len = (((set->w[i].ctrl & DAWRX_MRD) >> DAWRX_MRD_SHIFT) + 1) * 8;
        uint64_t way = (a->read ? DAWRX_DR : 0) | (a->write ? DAWRX_DW : 0);

        if (!set->w[i].ctrl)
            continue;
        if (a->len ? (set->w[i].ctrl & way) && gd_overlap(a->addr, a->len, set->w[i].value, len)
                   : dar - set->w[i].value < len)
            slots |= (uint16_t)(1u << i);
    }
    return slots;
}

/* At the data storage vector: undone if the access was watched by us. */
static bool watch_hit(struct gd_cpu *c, const struct gd_hw_set *set, struct gd_event *ev)
{
    uint64_t msr = gd_cpu_reg(c, GD_PPC64_MSR), dar = gd_cpu_reg(c, GD_PPC64_DAR);
    uint64_t srr0 = gd_cpu_reg(c, GD_PPC64_SRR0);
    struct gd_access a;
    uint16_t slots;

    if (!(gd_cpu_reg(c, GD_PPC64_DSISR) & DSISR_DAWR))
        return false;
    /* the access is decoded in the state that made it */
    gd_cpu_set(c, GD_PPC64_MSR, gd_cpu_reg(c, GD_PPC64_SRR1) & ~SRR1_CAUSE);
    gd_ppc64_access(c, srr0, &a);
    slots = matching(set, &a, dar);
    if (!slots) {
        gd_cpu_set(c, GD_PPC64_MSR, msr);
        return false;
    }
    if (!a.len)
        a.addr = dar;
    gd_cpu_set(c, GD_PPC64_PC, srr0);
    *ev = (struct gd_event){ .kind = GD_EV_WATCH, .pc = srr0, .slots = slots, .access = a };
    return true;
}

/* At the trace vector: undone if our CIABR fired. */
static bool break_hit(struct gd_cpu *c, const struct gd_hw_set *set, struct gd_event *ev)
{
    uint64_t srr0 = gd_cpu_reg(c, GD_PPC64_SRR0), srr1 = gd_cpu_reg(c, GD_PPC64_SRR1);

    if (!(srr1 & SRR1_CIABR))
        return false;
    gd_cpu_set(c, GD_PPC64_PC, srr0);
    gd_cpu_set(c, GD_PPC64_MSR, srr1 & ~SRR1_CAUSE);
    /* QEMU's TCG fires before the instruction, silicon after it. */
    *ev = (struct gd_event){
        .kind = GD_EV_HWBP, .pc = srr0, .slots = 1, .after = srr0 != (set->b[0].value & ~CIABR_PRIV)
    };
    return true;
}

void gd_ppc64_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                    struct gd_event *ev)
{
    uint64_t pc = gd_cpu_reg(c, GD_PPC64_PC);
    unsigned vector = gd_ppc64_vector_at(pc);

    *ev = (struct gd_event){ .kind = x->kind == GD_EXIT_DEBUG ? GD_EV_SWBP : GD_EV_UNKNOWN,
                             .pc = pc };
    if (x->kind != GD_EXIT_DEBUG || !set)
        return;
    if (vector == VEC_DSI && (set->w[0].ctrl || set->w[1].ctrl) && watch_hit(c, set, ev))
        return;
    if (vector == VEC_TRACE && set->b[0].value & CIABR_PRIV)
        break_hit(c, set, ev);
}

/* Are these two words one instruction (Book I 1.6.3, by prefix types), not a word of data and another one? */
static bool is_prefixed(uint32_t prefix, uint32_t suffix)
{
    unsigned op = suffix >> 26;

    switch (prefix >> 24) {
    case 0x04: /* 8LS */
        return !(prefix & 0x00ec0000) && op >= 41 && op <= 62;
    case 0x05: /* 8RR */
        return !(prefix & 0x00f00000) && op >= 32 && op <= 34;
    case 0x06: /* MLS */
        return !(prefix & 0x00ec0000) && (op == 14 || (op >= 32 && op <= 54));
    case 0x07: /* MRR: pnop before anything, and the outer products */
        return !(prefix & 0x00f00000) || ((prefix & 0x00f00000) == 0x00900000 && op == 59);
    default:
        return false;
    }
}

/* Between a prefix and its suffix (Book I 1.6.3; never across 64 bytes) the word would make one illegal instruction
 * of both, which is the guest's program interrupt and no exit. */
int gd_ppc64_breakable(struct gd_cpu *c, uint64_t va, uint64_t gpa, struct gd_why *why)
{
    uint32_t prefix, insn;
    uint8_t words[8];

    if (!(c->target->features & GD_PPC64_F_ISA31) || va % 64 == 0 ||
        gd_cpu_read_phys(c, gpa - 4, words, sizeof(words)))
        return 0;
    prefix = (uint32_t)gd_load_le(words, 4);
    insn = (uint32_t)gd_load_le(words + 4, 4);
    if (!(gd_ppc64_msr(c) & MSR_LE)) {
        prefix = __builtin_bswap32(prefix);
        insn = __builtin_bswap32(insn);
    }
    if (!is_prefixed(prefix, insn))
        return 0;
    return gd_why_at(why, GD_E_UNSUPPORTED, va, "the second word of a prefixed instruction");
}
