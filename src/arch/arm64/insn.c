/* SPDX-License-Identifier: MIT */
/*
 * Decoding of A64 (Arm ARM C4.1), by one table of patterns: the first that matches wins, so
 * special cases stand before the class they belong to. Borrows nothing; reads registers only
 * in gd_arm64_access() and gd_arm64_successors().
 */
#include "arch/arm64/insn.h"

#include <string.h>

#include "base/bits.h"

typedef struct gd_arm64_insn insn_t;

typedef void decoder(uint32_t w, insn_t *i);

struct branch {
    uint32_t mask, value;
    enum insn_kind kind;
};

struct access {
    uint32_t mask, value;
    decoder *decode;
};

static unsigned field(uint32_t w, unsigned hi, unsigned lo)
{
    return (w >> lo) & ((2u << (hi - lo)) - 1);
}

static int64_t simm(uint32_t w, unsigned hi, unsigned lo, unsigned scale)
{
    return gd_sext(field(w, hi, lo), hi - lo + 1) * (int64_t)scale;
}

/* ---- branches and system ---- */

/* B.cond, BC.cond, CBZ and CBNZ; TBZ and TBNZ; CB<cc>, CBB<cc> and CBH<cc>. */
static int64_t conditional(uint32_t w)
{
    switch (field(w, 30, 25)) {
    case 0x1b:
        return simm(w, 18, 5, 4);
    case 0x3a:
        return simm(w, 13, 5, 4);
    default:
        return simm(w, 23, 5, 4);
    }
}

/* What the kind leaves open. */
static void branch(uint32_t w, insn_t *i)
{
    switch (i->kind) {
    case INSN_B:
        i->offset = simm(w, 25, 0, 4);
        break;
    case INSN_B_COND:
        i->offset = conditional(w);
        break;
    case INSN_BR: /* BR, BLR, RET and their authenticating forms; RETA* use the link register */
        i->pac = !gd_bit(w, 31) || field(w, 15, 10) != 0;
        if (i->pac && (!gd_bit(w, 31) || field(w, 24, 21) == 2))
            i->rn = GD_ARM64_LR;
        break;
    case INSN_ERET:
        i->pac = field(w, 15, 10) != 0;
        break;
    case INSN_DAIFSET:
    case INSN_DAIFCLR:
        i->offset = field(w, 11, 8);
        break;
    case INSN_MEM: /* DC ZVA and DC GZVA; DC IVAC and DC IGDVAC */
        i->rn = (uint8_t)field(w, 4, 0);
        i->len_kind = field(w, 18, 16) == 3 ? LEN_ZVA : LEN_LINE;
        i->write = true;
        break;
    default:
        break;
    }
}

/* ---- loads and stores ---- */

static void direction(insn_t *i, bool load)
{
    i->read = load;
    i->write = !load;
}

static void no_access(insn_t *i)
{
    i->kind = INSN_PLAIN;
    i->len = 0;
    i->read = i->write = false;
}

static void exclusive(uint32_t w, insn_t *i)
{
    i->len = 1u << field(w, 31, 30) << (gd_bit(w, 21) ? 1 : 0);
    direction(i, gd_bit(w, 22));
    i->kind = i->read ? INSN_LDX : INSN_STX;
    if (!gd_bit(w, 21))
        i->rt2 = 31;
}

static void ordered(uint32_t w, insn_t *i)
{
    i->len = 1u << field(w, 31, 30);
    direction(i, gd_bit(w, 22));
}

static void read_write(uint32_t w, insn_t *i)
{
    i->len = 1u << field(w, 31, 30);
    i->read = i->write = true;
}

static void casp(uint32_t w, insn_t *i)
{
    i->len = gd_bit(w, 30) ? 16 : 8;
    i->read = i->write = true;
}

static void atomic128(uint32_t w, insn_t *i)
{
    (void)w;
    i->len = 16;
    i->read = i->write = true;
}

static void ldapr(uint32_t w, insn_t *i)
{
    i->len = 1u << field(w, 31, 30);
    i->read = true;
}

static void ls64(uint32_t w, insn_t *i)
{
    i->len = 64;
    direction(i, field(w, 14, 12) == 5);
}

static void ldra(uint32_t w, insn_t *i)
{
    i->index = INDEX_PAC;
    i->len = 8;
    i->read = true;
    i->offset = gd_sext(field(w, 22, 22) << 9 | field(w, 20, 12), 10) * 8;
}

static void literal(uint32_t w, insn_t *i)
{
    unsigned opc = field(w, 31, 30);

    i->index = INDEX_PC;
    i->offset = simm(w, 23, 5, 4);
    i->read = true;
    if (gd_bit(w, 26))
        i->len = 4u << opc;
    else
        i->len = opc == 1 ? 8 : 4;
    if (opc == 3)
        no_access(i); /* PRFM, or unallocated with V */
}

/* Bytes of a SIMD&FP register, 16 for opc<1> with size 0; false: unallocated. */
static bool simd_size(uint32_t w, insn_t *i)
{
    unsigned size = field(w, 31, 30) | field(w, 23, 23) << 2;

    i->len = 1u << size;
    direction(i, gd_bit(w, 22));
    if (size > 4)
        no_access(i);
    return size <= 4;
}

/* size, V and opc of the load/store register group; false: a prefetch, or unallocated. */
static bool reg_size(uint32_t w, insn_t *i)
{
    unsigned size = field(w, 31, 30), opc = field(w, 23, 22);

    if (gd_bit(w, 26))
        return simd_size(w, i);
    i->len = 1u << size;
    direction(i, opc != 0);
    if (size == 3 && opc == 2)
        no_access(i);
    return i->len;
}

static void reg_imm12(uint32_t w, insn_t *i)
{
    if (reg_size(w, i))
        i->offset = (int64_t)field(w, 21, 10) * i->len;
}

static void reg_imm9(uint32_t w, insn_t *i)
{
    if (reg_size(w, i) && field(w, 11, 10) != 1) /* post-index uses the base as it is */
        i->offset = simm(w, 20, 12, 1);
}

static void reg_reg(uint32_t w, insn_t *i)
{
    if (!reg_size(w, i))
        return;
    i->index = INDEX_REG;
    i->option = (uint8_t)field(w, 15, 13);
    if (gd_bit(w, 12))
        for (uint32_t n = i->len; n > 1; n >>= 1)
            i->shift++;
}

static void rcpc_simd(uint32_t w, insn_t *i)
{
    if (simd_size(w, i))
        i->offset = simm(w, 20, 12, 1);
}

static void rcpc_imm9(uint32_t w, insn_t *i)
{
    i->len = 1u << field(w, 31, 30);
    direction(i, field(w, 23, 22) != 0);
    i->offset = simm(w, 20, 12, 1);
}

static void rcpc_pair(uint32_t w, insn_t *i)
{
    i->len = gd_bit(w, 30) ? 16 : 8;
    direction(i, gd_bit(w, 22));
    if (i->write && field(w, 15, 12) == 0)
        i->offset = -(int64_t)i->len; /* STILP pre-decrements */
}

static void rcpc_writeback(uint32_t w, insn_t *i)
{
    i->len = gd_bit(w, 30) ? 8 : 4;
    direction(i, gd_bit(w, 22));
    if (i->write)
        i->offset = -(int64_t)i->len; /* STLR pre-decrements, LDAPR post-increments */
}

static void pair(uint32_t w, insn_t *i)
{
    unsigned opc = field(w, 31, 30), mode = field(w, 24, 23);
    uint32_t each;

    direction(i, gd_bit(w, 22));
    if (gd_bit(w, 26))
        each = opc == 3 ? 16 : 4u << opc;
    else
        each = opc == 0 || (opc == 1 && i->read) ? 4 : 8;
    i->len = 2 * each;
    if (mode != 1)
        i->offset = simm(w, 21, 15, opc == 1 && !gd_bit(w, 26) && i->write ? 16 : each);
}

/* STG and relatives: tags are not data, STZG and STZ2G also clear it. */
static void tags(uint32_t w, insn_t *i)
{
    unsigned op1 = field(w, 23, 22), op2 = field(w, 11, 10);

    if (op1 == 0 && op2 == 0) { /* STZGM */
        i->len_kind = LEN_ZVA;
        i->write = true;
    } else if ((op1 == 1 || op1 == 3) && op2 != 0) {
        i->write = true;
        i->len = op1 == 1 ? 16 : 32;
        if (op2 != 1)
            i->offset = simm(w, 20, 12, 16);
    } else {
        no_access(i);
    }
}

static void simd_multiple(uint32_t w, insn_t *i)
{
    /* registers by opcode, Arm ARM C4.1.94 */
    static const uint8_t regs[16] = { 4, 0, 4, 0, 3, 0, 3, 1, 2, 0, 2 };

    i->len = regs[field(w, 15, 12)] * (gd_bit(w, 30) ? 16u : 8u);
    direction(i, gd_bit(w, 22));
}

static void simd_single(uint32_t w, insn_t *i)
{
    unsigned opcode = field(w, 15, 13), scale = opcode >> 1, size = field(w, 11, 10);
    uint32_t each = 1u << scale;

    if (scale == 2 && (size & 1))
        each = 8;
    else if (scale == 3)
        each = 1u << size; /* replicate */
    i->len = each * ((opcode & 1) * 2 + field(w, 21, 21) + 1);
    direction(i, gd_bit(w, 22));
}

static void mops_copy(uint32_t w, insn_t *i)
{
    (void)w;
    i->len_kind = LEN_COPY;
    i->read = i->write = true;
}

static void mops_set(uint32_t w, insn_t *i)
{
    (void)w;
    i->len_kind = LEN_SET;
    i->write = true;
}

/* ---- SVE, contiguous forms; the span of all elements, whatever the predicate ---- */

static void sve_zp(uint32_t w, insn_t *i)
{
    i->len_kind = LEN_VL;
    i->len = gd_bit(w, 14) ? 8 : 1;
    i->offset = gd_sext(field(w, 21, 16) << 3 | field(w, 12, 10), 9) * i->len;
    direction(i, !gd_bit(w, 30));
}

/* Eighths of a vector that an element of 1 << mem bytes in memory fills per 1 << elem in the
 * register. */
static uint32_t eighths(unsigned mem, unsigned elem)
{
    return mem > elem ? 0 : 8u >> (elem - mem);
}

static void sve_contiguous(uint32_t w, insn_t *i, unsigned mem, unsigned elem, bool imm)
{
    i->len_kind = LEN_VL;
    i->len = eighths(mem, elem);
    if (imm) {
        i->offset = simm(w, 19, 16, i->len);
    } else {
        i->index = INDEX_REG;
        i->option = 3;
        i->shift = (uint8_t)mem;
    }
    if (!i->len)
        i->len_kind = LEN_UNKNOWN;
}

static void sve_ld1(uint32_t w, insn_t *i)
{
    /* dtype: memory and register element size, Arm ARM C4.1.34 */
    static const uint8_t mem[16] = { 0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 2, 2, 0, 0, 0, 3 };
    static const uint8_t elem[16] = { 0, 1, 2, 3, 3, 1, 2, 3, 3, 2, 2, 3, 3, 2, 1, 3 };
    unsigned dtype = field(w, 24, 21);

    i->read = true;
    sve_contiguous(w, i, mem[dtype], elem[dtype], gd_bit(w, 13));
}

static void sve_st1(uint32_t w, insn_t *i)
{
    i->write = true;
    sve_contiguous(w, i, field(w, 24, 23), field(w, 22, 21), field(w, 15, 13) == 7);
}

static void unknown(uint32_t w, insn_t *i)
{
    (void)w;
    i->len_kind = LEN_UNKNOWN;
    i->read = i->write = true;
}

static void udf(uint32_t w, insn_t *i)
{
    (void)w;
    i->kind = INSN_EXC;
}

/* The first that matches counts; what is met most stands first. */
/* clang-format off */
static const struct branch branches[] = { /* op0 101x: branches, exceptions, system */
    {0x7c000000, 0x14000000, INSN_B},       /* B, BL */
    {0xff000000, 0x54000000, INSN_B_COND},  /* B.cond, BC.cond */
    {0xffc0001f, 0x5500001f, INSN_BR},      /* RETAASPPC, RETABSPPC */
    {0x7e000000, 0x34000000, INSN_B_COND},  /* CBZ, CBNZ */
    {0x7e000000, 0x36000000, INSN_B_COND},  /* TBZ, TBNZ */
    {0x7e000000, 0x74000000, INSN_B_COND},  /* CB<cc>, CBB<cc>, CBH<cc> */
    {0xffff0000, 0xd69f0000, INSN_ERET},    /* ERET, ERETAA, ERETAB */
    {0xfe000000, 0xd6000000, INSN_BR},
    {0xff000000, 0xd4000000, INSN_EXC},
    {0xffffffff, 0xd503203f, INSN_YIELD},
    {0xffffffff, 0xd503205f, INSN_WFE},
    {0xffffffff, 0xd503207f, INSN_WFI},
    {0xffffffc0, 0xd5031000, INSN_WFXT},
    {0xfffff01f, 0xd503201f, INSN_PLAIN},   /* other hints */
    {0xfffff01f, 0xd503301f, INSN_SYSTEM},  /* barriers, CLREX */
    {0xfffff0ff, 0xd50340df, INSN_DAIFSET},
    {0xfffff0ff, 0xd50340ff, INSN_DAIFCLR},
    {0xffffffe0, 0xd53b4220, INSN_MRS_DAIF},
    {0xffffffe0, 0xd51b4220, INSN_MSR_DAIF},
    {0xffffffe0, 0xd50b7420, INSN_MEM},     /* DC ZVA */
    {0xffffffe0, 0xd50b7480, INSN_MEM},     /* DC GZVA */
    {0xffffffe0, 0xd5087620, INSN_MEM},     /* DC IVAC */
    {0xffffffe0, 0xd50876a0, INSN_MEM},     /* DC IGDVAC */
    {0xfff00000, 0xd5300000, INSN_PLAIN},   /* MRS */
    {0xffc00000, 0xd5000000, INSN_SYSTEM},  /* MSR, SYS, SYSL */
};

static const struct access accesses[] = { /* op0 x1x0: loads and stores */
    {0x3b000000, 0x39000000, reg_imm12},
    {0x3a000000, 0x28000000, pair},
    {0x3fa00000, 0x08000000, exclusive},      /* LDXR, STXR, LDAXR, STLXR */
    {0xbfa00000, 0x88200000, exclusive},      /* LDXP, STXP, ... */
    {0xbfa07c00, 0x08207c00, casp},
    {0x3fa00000, 0x08800000, ordered},        /* LDAR, STLR, LDLAR, STLLR */
    {0x3fa07c00, 0x08a07c00, read_write},     /* CAS */
    {0xbfbf0000, 0x0c000000, simd_multiple},
    {0xbfa00000, 0x0c800000, simd_multiple},  /* post-index */
    {0xbf000000, 0x0d000000, simd_single},
    {0xff200000, 0xd9200000, tags},
    {0xbfa00c00, 0x99000800, rcpc_pair},      /* STILP, LDIAPP */
    {0xbfbffc00, 0x99800800, rcpc_writeback}, /* STLR, LDAPR with write-back */
    {0x3f200c00, 0x19000000, rcpc_imm9},      /* STLUR, LDAPUR */
    {0x3f200c00, 0x1d000800, rcpc_simd},
    {0xff208c00, 0x19200000, atomic128},      /* LDCLRP, LDSETP */
    {0xff20fc00, 0x19208000, atomic128},      /* SWPP */
    {0xfbe00c00, 0x19c00400, mops_set},       /* SET*, SETG* */
    {0xfb200c00, 0x19000400, mops_copy},      /* CPY*, CPYF* */
    {0x3b000000, 0x18000000, literal},
    {0xff200400, 0xf8200400, ldra},           /* LDRAA, LDRAB */
    {0x3ffffc00, 0x38bfc000, ldapr},
    {0xfffffc00, 0xf83fd000, ls64},           /* LD64B */
    {0xfffffc00, 0xf83f9000, ls64},           /* ST64B */
    {0xffe0ec00, 0xf820a000, ls64},           /* ST64BV, ST64BV0 */
    {0xbf20dc00, 0x38209000, unknown},        /* RCWCLR, RCWSET */
    {0xbf20fc00, 0x3820a000, unknown},        /* RCWSWP */
    {0x3f200c00, 0x38200000, read_write},     /* LD<op>, SWP */
    {0x3f200c00, 0x3c200000, unknown},        /* LDF<op>: element size by type */
    {0x3b200c00, 0x38200800, reg_reg},
    {0x3b200000, 0x38000000, reg_imm9},
    {0x0a000000, 0x08000000, unknown},        /* the rest of loads and stores */
};

static const struct access others[] = { /* op0 00x0: SVE, SME, UDF */
    {0xffc0e010, 0x85800000, sve_zp},         /* LDR (predicate) */
    {0xffc0e010, 0xe5800000, sve_zp},         /* STR (predicate) */
    {0xffc0e000, 0x85804000, sve_zp},         /* LDR (vector) */
    {0xffc0e000, 0xe5804000, sve_zp},         /* STR (vector) */
    {0xfe10e000, 0xa400a000, sve_ld1},        /* scalar + immediate */
    {0xfe00e000, 0xa4004000, sve_ld1},        /* scalar + scalar */
    {0xfe10e000, 0xe400e000, sve_st1},
    {0xfe00e000, 0xe4004000, sve_st1},
    {0xfe000000, 0x84000000, unknown},        /* the rest of SVE's memory groups */
    {0xfe000000, 0xa4000000, unknown},
    {0xfe000000, 0xc4000000, unknown},
    {0xfe000000, 0xe4000000, unknown},
    {0xfe000000, 0xe0000000, unknown},        /* SME's */
    {0xffff0000, 0x00000000, udf},
};
/* clang-format on */

/* Data processing, scalar or SIMD (C4.1.1: op0 100x, x101, x111): in no table. */
static bool computes(uint32_t w)
{
    return field(w, 28, 26) == 4 || (gd_bit(w, 27) && gd_bit(w, 25));
}

static bool is_branch(uint32_t w)
{
    return field(w, 28, 26) == 5;
}

static const struct branch *find_branch(uint32_t w)
{
    for (size_t n = 0; n < GD_ARRAY_SIZE(branches); n++)
        if ((w & branches[n].mask) == branches[n].value)
            return &branches[n];
    return NULL;
}

static const struct access *find_access(uint32_t w)
{
    const struct access *p = gd_bit(w, 27) ? accesses : others;
    size_t n = gd_bit(w, 27) ? GD_ARRAY_SIZE(accesses) : GD_ARRAY_SIZE(others);

    for (; n; n--, p++)
        if ((w & p->mask) == p->value)
            return p;
    return NULL;
}

void gd_arm64_decode(uint32_t w, struct gd_arm64_insn *i)
{
    *i = (struct gd_arm64_insn){
        .rt = (uint8_t)field(w, 4, 0),
        .rn = (uint8_t)field(w, 9, 5),
        .rt2 = (uint8_t)field(w, 14, 10),
        .rm = (uint8_t)field(w, 20, 16),
    };
    if (computes(w))
        return;
    if (is_branch(w)) {
        const struct branch *p = find_branch(w);

        i->kind = p ? p->kind : INSN_PLAIN;
        branch(w, i);
    } else {
        const struct access *p = find_access(w);

        if (!p)
            return;
        i->kind = INSN_MEM;
        p->decode(w, i);
    }
}

bool gd_arm64_insn_plain(uint32_t w)
{
    const struct branch *p = is_branch(w) ? find_branch(w) : NULL;

    if (!p)
        return w >> 16; /* UDF */
    return p->kind != INSN_SYSTEM && p->kind != INSN_ERET && p->kind != INSN_EXC;
}

static uint32_t without(uint32_t regs, unsigned n)
{
    return regs & ~(1u << n);
}

#define LOST_ALL 0u

/* X0 to X30 and, as number 31, SP. Destinations stand in one of four fields, those of pairs in the
 * next register too. Left out are classes in which others occur: hints (X16, X17, X30), system
 * instructions, SME, LD64B. */
static uint32_t general_kept(uint32_t w, const insn_t *i)
{
    uint32_t regs = ~0u;

    if (computes(w)) {
        if ((w & 0x5fe00000) == 0x5ac00000) /* one source: PACIA171615 and the like */
            regs = without(without(regs, 17), 30);
        if ((w & 0xff800000) == 0xf3800000) /* AUTIASPPC, AUTIBSPPC */
            regs = without(regs, 30);
        return without(regs, i->rt);
    }
    if (i->kind == INSN_B_COND)
        return regs;
    if (i->kind == INSN_B || i->kind == INSN_BR)
        return without(regs, GD_ARM64_LR);
    if (!gd_bit(w, 27) || gd_bit(w, 25) || i->len >= 64)
        return LOST_ALL;
    for (unsigned n = 0; n < 2; n++) {
        regs = without(regs, (i->rt + n) % 32);
        regs = without(regs, (i->rt2 + n) % 32);
        regs = without(regs, (i->rm + n) % 32);
    }
    return without(regs, i->rn);
}

/* Does the instruction leave NZCV alone, and BTYPE clear? The common ones that do. */
static bool flags_kept(uint32_t w, const insn_t *i)
{
    if (i->kind == INSN_MEM)
        return i->len_kind == LEN_BYTES; /* not MOPS, not RCW* */
    if (!computes(w))
        return i->kind == INSN_B || i->kind == INSN_B_COND;
    switch (w & 0x1f000000) {
    case 0x10000000: /* ADR, ADRP */
    case 0x13000000: /* bit fields, EXTR */
    case 0x1b000000: /* MADD and others of three sources */
        return true;
    case 0x0b000000: /* ADDS, SUBS have bit 29 */
    case 0x11000000:
    case 0x1a000000: /* ADCS, CCMP, RMIF, SUBPS too */
        return !gd_bit(w, 29);
    case 0x0a000000: /* ANDS, BICS have both; so has MOVK */
    case 0x12000000:
        return field(w, 30, 29) != 3;
    default:
        return false;
    }
}

/* Written by nothing but MSR. */
#define BIT(reg) (1ull << (GD_ARM64_##reg % 64))
#define KEPT_EL1                                                                                   \
    (BIT(SCTLR_EL1) | BIT(TCR_EL1) | BIT(TTBR0_EL1) | BIT(TTBR1_EL1) | BIT(MAIR_EL1) |             \
     BIT(VBAR_EL1) | BIT(TPIDR_EL1) | BIT(CONTEXTIDR_EL1) | BIT(MDSCR_EL1))

void gd_arm64_keeps(uint32_t w, uint64_t keep[GD_REG_WORDS])
{
    uint32_t general;
    insn_t i;

    gd_arm64_decode(w, &i);
    general = general_kept(w, &i);
    memset(keep, 0, GD_REG_WORDS * sizeof(*keep));
    if (general == LOST_ALL)
        return;
    keep[0] = without(general, GD_ARM64_SP); /* a view, the stack pointers are below */
    if (flags_kept(w, &i))
        keep[0] |= BIT(PSTATE);
    keep[GD_ARM64_SCTLR_EL1 / 64] = KEPT_EL1;
    if (general >> GD_ARM64_SP)
        keep[GD_ARM64_SP_EL0 / 64] |= BIT(SP_EL0) | BIT(SP_EL1);
    keep[GD_ARM64_TCR2_EL1 / 64] = BIT(TCR2_EL1) | BIT(OSLSR_EL1) | BIT(DCZID_EL0) | BIT(CTR_EL0);
    if (keep[0] & BIT(PSTATE) || computes(w))
        keep[GD_ARM64_MODE / 64] |= BIT(MODE);
}

/* ---- with registers ---- */

uint64_t gd_arm64_operand(struct gd_cpu *c, unsigned n)
{
    return n == 31 ? 0 : gd_cpu_reg(c, n);
}

uint64_t gd_arm64_base(struct gd_cpu *c, unsigned n)
{
    bool spx = gd_cpu_reg(c, GD_ARM64_PSTATE) & 1;

    return gd_cpu_reg(c, n != 31 ? n : spx ? GD_ARM64_SP_EL1 : GD_ARM64_SP_EL0);
}

uint64_t gd_arm64_strip(struct gd_cpu *c, uint64_t addr)
{
    bool high = gd_bit(addr, 55);
    unsigned tsz = TCR_TXSZ(gd_cpu_reg(c, GD_ARM64_TCR_EL1), high);
    uint64_t top = ~(~0ULL >> (tsz < 12 ? 16 : tsz)); /* TCR_EL1 not set up yet: 48 bits */

    return high ? addr | top : addr & ~top;
}

bool gd_arm64_calls_out(uint32_t insn)
{
    return (insn & 0xffe0001f) == 0xd4000002 || (insn & 0xffe0001f) == 0xd4000003;
}

/* As AArch64.BranchAddr() has it: without a signature, and without a tag that fetches ignore. */
static uint64_t branch_target(struct gd_cpu *c, uint64_t to, bool pac)
{
    bool high = gd_bit(to, 55);
    uint64_t tcr;

    if (pac)
        return gd_arm64_strip(c, to);
    if (to >> 56 == 0 || to >> 56 == 0xff)
        return to; /* nearly always: TCR_EL1 need not be read */
    tcr = gd_cpu_reg(c, GD_ARM64_TCR_EL1);
    return TCR_TBI(tcr, high) && !TCR_TBID(tcr, high) ? (uint64_t)gd_sext(to, 56) : to;
}

int gd_arm64_successors(struct gd_cpu *c, uint64_t pc, uint32_t insn, const struct gd_arm64_insn *i,
                        uint64_t next[2])
{
    switch (i->kind) {
    case INSN_B:
        next[0] = pc + (uint64_t)i->offset;
        return 1;
    case INSN_B_COND:
        next[0] = pc + 4;
        next[1] = pc + (uint64_t)i->offset;
        return 2;
    case INSN_BR:
        next[0] = branch_target(c, gd_arm64_operand(c, i->rn), i->pac);
        return 1;
    case INSN_ERET:
        next[0] = branch_target(c, gd_cpu_reg(c, GD_ARM64_ELR_EL1), i->pac);
        return 1;
    case INSN_EXC:
        next[0] = pc + 4;
        return gd_arm64_calls_out(insn);
    default:
        next[0] = pc + 4;
        return 1;
    }
}

static uint64_t extend(uint64_t x, unsigned option)
{
    if (option == 2) /* UXTW */
        return (uint32_t)x;
    if (option == 6) /* SXTW */
        return (uint64_t)gd_sext(x, 32);
    return x;
}

/* Block of 4 << log2 words' bytes around the base; unknown if the register cannot be had. */
static void block(struct gd_cpu *c, const insn_t *i, unsigned reg, unsigned lo, struct gd_access *a)
{
    uint64_t id, at = gd_arm64_operand(c, i->rn);

    if (gd_cpu_get(c, reg, &id))
        return;
    a->len = 4ull << gd_bits(id, lo + 3, lo);
    a->addr = at & ~(a->len - 1);
}

/* What FEAT_MOPS still has to do: the prologue leaves the option in PSTATE.C (0 is option A,
 * with the count negative and the address at the end), direction in N. Arm ARM C6.2.76. */
static void mops(struct gd_cpu *c, uint32_t w, const insn_t *i, unsigned reg, struct gd_access *a)
{
    bool set = i->len_kind == LEN_SET;
    bool prologue = set ? field(w, 15, 14) == 0 : field(w, 23, 22) == 0;
    uint64_t n = gd_arm64_operand(c, i->rn), at = gd_arm64_operand(c, reg);
    uint64_t flags = gd_cpu_reg(c, GD_ARM64_PSTATE);

    if (!prologue && !(flags & PSTATE_C) && gd_bit(n, 63)) {
        a->addr = at + n;
        a->len = 0 - n;
        return;
    }
    if (n >> 55)
        n = (1ull << 55) - 1; /* the prologue saturates */
    a->addr = !prologue && (flags & PSTATE_C) && (flags & PSTATE_N) && !set ? at - n : at;
    a->len = n;
}

/* An eighth of the vector length in bytes. The guest may have chosen a shorter one than it could have
 * (ZCR_EL1.LEN); Linux does so for programs, whose default is 64 bytes. */
static uint64_t vector_eighth(struct gd_cpu *c)
{
    uint64_t vq = c->target->sve_vq, zcr;

    if (!gd_cpu_get(c, GD_ARM64_ZCR_EL1, &zcr) && (zcr & 0xf) + 1 < vq)
        vq = (zcr & 0xf) + 1;
    return 2 * vq;
}

static void range_of(struct gd_cpu *c, uint64_t pc, uint32_t w, const insn_t *i, bool write,
                     struct gd_access *a)
{
    uint64_t unit = i->len_kind == LEN_VL ? vector_eighth(c) : 1;

    switch (i->len_kind) {
    case LEN_ZVA:
        block(c, i, GD_ARM64_DCZID_EL0, 0, a);
        return;
    case LEN_LINE:
        block(c, i, GD_ARM64_CTR_EL0, 16, a);
        return;
    case LEN_COPY:
        a->read = !write;
        a->write = write;
        mops(c, w, i, write ? i->rt : i->rm, a);
        return;
    case LEN_SET:
        mops(c, w, i, i->rt, a);
        return;
    case LEN_UNKNOWN:
        return;
    default:
        break;
    }
    a->len = i->len * unit;
    a->addr = i->index == INDEX_PC ? pc : gd_arm64_base(c, i->rn);
    if (i->index == INDEX_PAC)
        a->addr = gd_arm64_strip(c, a->addr);
    if (i->index == INDEX_REG)
        a->addr += extend(gd_arm64_operand(c, i->rm), i->option) << i->shift;
    a->addr += (uint64_t)i->offset * unit;
}

void gd_arm64_access(struct gd_cpu *c, uint64_t pc, bool write, struct gd_access *a)
{
    struct gd_arm64_insn i;
    uint32_t w;

    *a = (struct gd_access){ 0 };
    if ((gd_cpu_reg(c, GD_ARM64_PSTATE) & PSTATE_NRW) || gd_cpu_fetch(c, pc, &w))
        return;
    gd_arm64_decode(w, &i);
    if (i.kind != INSN_MEM && i.kind != INSN_LDX && i.kind != INSN_STX)
        return;
    a->read = i.read;
    a->write = i.write;
    a->exclusive = i.kind == INSN_STX;
    range_of(c, pc, w, &i, write, a);
    a->addr = (uint64_t)gd_sext(a->addr, 56); /* the tag is no part of the address */
}
