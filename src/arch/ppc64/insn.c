/* SPDX-License-Identifier: MIT */
/*
 * Instruction classes, next-instruction prediction and exclusive sequences, from the instruction
 * word and the registers that a branch depends on. Power ISA 3.1 Book I 2.4 (branches), Book II 4.6
 * (load and reserve, store conditional), Book III 4.3 (system linkage). Nothing is borrowed.
 */
#include "arch/ppc64/insn.h"

#include "base/bits.h"
#include "engine/cpu.h"

#define SEQ_INSNS 32 /* Linux' longest is ten; GDB looks at sixteen */

#define SPR_SRR0  26
#define SPR_SRR1  27
#define SPR_DPDES 176
#define SPR_TIR   446

static enum ppc_class class19(uint32_t insn)
{
    switch (insn & 0xfc0007feu) {
    case 0x4c000020: /* bclr */
    case 0x4c000420: /* bcctr */
    case 0x4c000460: /* bctar */
        return PPC_BRANCH;
    case 0x4c000024:
        return PPC_RFID;
    case 0x4c0000a4:
        return PPC_RFSCV;
    case 0x4c000124:
        return PPC_RFEBB;
    case 0x4c0002e4:
        return PPC_STOP;
    default:
        return PPC_PLAIN;
    }
}

static enum ppc_class class31(uint32_t insn)
{
    switch (ppc_xo(insn)) {
    case 83:
        return PPC_MFMSR;
    case 146:
        return PPC_MTMSR;
    case 178:
        return PPC_MTMSRD;
    case 467: /* mtspr */
        return ppc_spr(insn) == SPR_SRR0   ? PPC_MTSRR0
               : ppc_spr(insn) == SPR_SRR1 ? PPC_MTSRR1
                                           : PPC_PLAIN;
    case 339: /* mfspr */
        return ppc_spr(insn) == SPR_TIR || ppc_spr(insn) == SPR_DPDES ? PPC_KVM : PPC_PLAIN;
    case 142: /* msgsndp */
    case 174: /* msgclrp */
        return PPC_KVM;
    case 30:
        return PPC_WAIT;
    case 52:  /* lbarx */
    case 116: /* lharx */
    case 20:  /* lwarx */
    case 84:  /* ldarx */
    case 276: /* lqarx */
        return PPC_LARX;
    case 694: /* stbcx. */
    case 726: /* sthcx. */
    case 150: /* stwcx. */
    case 214: /* stdcx. */
    case 182: /* stqcx. */
        return insn & 1 ? PPC_STCX : PPC_PLAIN;
    case 654:
        return insn & 1 ? PPC_TBEGIN : PPC_PLAIN;
    case 686:
        return insn & 1 ? PPC_TEND : PPC_PLAIN;
    default:
        return PPC_PLAIN;
    }
}

enum ppc_class gd_ppc64_classify(uint32_t insn)
{
    switch (insn >> 26) {
    case 1:
        return PPC_PREFIXED;
    case 16:
    case 18:
        return PPC_BRANCH;
    case 17:
        if ((insn & 0xfffff01fu) == 0x44000001)
            return PPC_SCV;
        if ((insn & 0xfffff01fu) == 0x44000002)
            return insn >> 5 & 0x7f ? PPC_HCALL : PPC_SC;
        return PPC_PLAIN;
    case 19:
        return class19(insn);
    case 31:
        return class31(insn);
    default:
        return PPC_PLAIN;
    }
}

bool gd_ppc64_branch(uint32_t insn, uint64_t pc, struct ppc_branch *b)
{
    uint64_t base = insn & 2 ? 0 : pc; /* AA */

    if (gd_ppc64_classify(insn) != PPC_BRANCH)
        return false;
    *b = (struct ppc_branch){ .bo = (uint8_t)ppc_rt(insn),
                              .bi = (uint8_t)ppc_ra(insn),
                              .link = insn & 1 };
    switch (insn >> 26) {
    case 18:
        b->bo = 0x14;
        b->addr = base + (uint64_t)gd_sext(insn & 0x03fffffc, 26);
        break;
    case 16:
        b->addr = base + (uint64_t)gd_sext(insn & 0xfffc, 16);
        break;
    default:
        b->to = ppc_xo(insn) == 16 ? PPC_TO_LR : ppc_xo(insn) == 528 ? PPC_TO_CTR : PPC_TO_TAR;
        break;
    }
    b->always = (b->bo & 0x14) == 0x14;
    return true;
}

uint64_t gd_ppc64_mode_addr(uint64_t msr, uint64_t addr)
{
    return msr & MSR_SF ? addr : (uint32_t)addr;
}

bool gd_ppc64_taken(struct gd_cpu *c, const struct ppc_branch *b)
{
    uint64_t ctr;
    bool ctr_ok = true, cond_ok = true;

    if (!(b->bo & 0x04)) {
        ctr = gd_ppc64_mode_addr(gd_ppc64_msr(c), gd_cpu_reg(c, GD_PPC64_CTR) - 1);
        ctr_ok = (ctr != 0) != ((b->bo & 0x02) != 0);
    }
    if (!(b->bo & 0x10))
        cond_ok = gd_bit(gd_cpu_reg(c, GD_PPC64_CR), 31u - b->bi) == ((b->bo & 0x08) != 0);
    return ctr_ok && cond_ok;
}

uint64_t gd_ppc64_target(struct gd_cpu *c, const struct ppc_branch *b)
{
    static const uint8_t reg[] = {
        [PPC_TO_LR] = GD_PPC64_LR, [PPC_TO_CTR] = GD_PPC64_CTR, [PPC_TO_TAR] = GD_PPC64_TAR
    };
    uint64_t to = b->to == PPC_TO_ADDR ? b->addr : gd_cpu_reg(c, reg[b->to]) & ~3ull;

    return gd_ppc64_mode_addr(gd_ppc64_msr(c), to);
}

uint64_t gd_ppc64_next(struct gd_cpu *c, uint64_t pc, uint32_t insn)
{
    struct ppc_branch b;

    if (gd_ppc64_branch(insn, pc, &b) && gd_ppc64_taken(c, &b))
        return gd_ppc64_target(c, &b);
    if (gd_ppc64_classify(insn) == PPC_RFEBB)
        return gd_ppc64_mode_addr(gd_ppc64_msr(c), gd_cpu_reg(c, GD_PPC64_EBBRR) & ~3ull);
    return gd_ppc64_mode_addr(gd_ppc64_msr(c), pc + ppc_len(insn));
}

/* ---- exclusive sequences ---- */

static bool inside(const struct ppc_seq *q, uint64_t addr)
{
    return addr >= q->start && addr <= q->end;
}

static bool add_exit(struct ppc_seq *q, uint64_t addr)
{
    for (unsigned i = 0; i < q->nexits; i++)
        if (q->exit[i] == addr)
            return true;
    if (q->nexits == PPC_SEQ_EXITS)
        return false;
    q->exit[q->nexits++] = addr;
    return true;
}

/* Finds q->end on the way from an instruction of the sequence: false if something there has no place in one. */
static bool find_end(struct gd_cpu *c, struct ppc_seq *q, uint64_t at)
{
    uint32_t insn;
    struct ppc_branch b;
    enum ppc_class last;

    if (gd_ppc64_fetch(c, q->start, &insn))
        return false;
    last = gd_ppc64_classify(insn) == PPC_TBEGIN ? PPC_TEND : PPC_STCX;
    if (at == q->start)
        at += ppc_len(insn);
    for (; at - q->start <= 4 * SEQ_INSNS; at += ppc_len(insn)) {
        enum ppc_class k;

        if (gd_ppc64_fetch(c, at, &insn))
            return false;
        k = gd_ppc64_classify(insn);
        if (k == last) {
            q->end = at;
            /* the retry branch belongs to the sequence: its fall-through is the way out */
            if (!gd_ppc64_fetch(c, at + 4, &insn) && gd_ppc64_branch(insn, at + 4, &b) &&
                !b.always && !b.link && b.to == PPC_TO_ADDR && inside(q, b.addr))
                q->end = at + 4;
            return true;
        }
        if (k == PPC_BRANCH ? insn & 1 : k != PPC_PLAIN && k != PPC_PREFIXED)
            return false;
    }
    return false;
}

/* The ways out of start to end. */
static bool find_exits(struct gd_cpu *c, struct ppc_seq *q)
{
    uint32_t insn;
    struct ppc_branch b;

    q->nexits = 0;
    for (uint64_t at = q->start; at <= q->end; at += ppc_len(insn)) {
        uint64_t to;

        if (gd_ppc64_fetch(c, at, &insn))
            return false;
        if (!gd_ppc64_branch(insn, at, &b))
            continue;
        to = gd_ppc64_target(c, &b);
        if (!inside(q, to) && !add_exit(q, to))
            return false;
    }
    return add_exit(q, q->end + 4);
}

/* Makes the sequence longer where what was loaded decides between two stores: by the first way out
 * that leads on to another store. */
static bool extend(struct gd_cpu *c, struct ppc_seq *q)
{
    for (unsigned i = 0; i < q->nexits; i++) {
        struct ppc_seq longer = *q;

        if (q->exit[i] > q->end + 4 && find_end(c, &longer, q->exit[i]) && find_exits(c, &longer)) {
            *q = longer;
            return true;
        }
    }
    return false;
}

bool gd_ppc64_seq_at(struct gd_cpu *c, uint64_t start, struct ppc_seq *q)
{
    *q = (struct ppc_seq){ .start = start };
    if (!find_end(c, q, start) || !find_exits(c, q))
        return false;
    while (extend(c, q)) {
    }
    return true;
}

bool gd_ppc64_seq_around(struct gd_cpu *c, uint64_t pc, struct ppc_seq *q)
{
    for (uint64_t at = pc - 4; at < pc && pc - at <= 4 * SEQ_INSNS; at -= 4) {
        uint32_t insn;

        if (gd_ppc64_fetch(c, at, &insn))
            return false;
        if (gd_ppc64_classify(insn) == PPC_LARX)
            return gd_ppc64_seq_at(c, at, q) && inside(q, pc);
    }
    return false;
}

/* ---- range stepping ---- */

/* Changes what an address means, or where instructions come from. */
static bool context_changing(uint32_t insn)
{
    enum ppc_class k = gd_ppc64_classify(insn);

    if (k >= PPC_MTMSR)
        return true;
    switch (insn >> 26) {
    case 19:
        return (insn & 0xfc0007feu) == 0x4c00012c; /* isync */
    case 31:
        switch (ppc_xo(insn)) {
        case 982: /* icbi */
        case 274: /* tlbiel */
        case 306: /* tlbie */
        case 402: /* slbmte */
        case 434: /* slbie */
        case 498: /* slbia */
        case 598: /* sync */
            return true;
        case 467: /* mtspr; LR and CTR aside */
            return ppc_spr(insn) != 8 && ppc_spr(insn) != 9;
        default:
            return false;
        }
    default:
        return false;
    }
}

bool gd_ppc64_insn_plain(uint32_t insn)
{
    /* The guest's byte order is not known here: either reading must be harmless. */
    return !context_changing(insn) && !context_changing(__builtin_bswap32(insn));
}
