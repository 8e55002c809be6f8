/* SPDX-License-Identifier: MIT */
/*
 * The data access of one instruction: address, length and direction, from its form and the general
 * registers (Power ISA 3.1 Book I 3.3, 4.6, 6.7, 7.6; Book II 4.6 for larx and stcx.). Cache
 * operations do not match a DAWR, except dcbz, which is a store.
 */
#include "arch/ppc64/insn.h"

#include "base/bits.h"
#include "engine/cpu.h"

#define CACHE_LINE 128 /* dcbz on every POWER8 to POWER10 */

/* Length in bytes; the top bits say what else. */
#define ST  0x80 /* store */
#define ALN 0x40 /* the address is rounded down to the length */
#define LEN 0x3f

static uint64_t gpr(struct gd_cpu *c, unsigned n)
{
    return gd_cpu_reg(c, GD_PPC64_R0 + n);
}

static uint64_t ra_or_0(struct gd_cpu *c, uint32_t insn)
{
    return ppc_ra(insn) ? gpr(c, ppc_ra(insn)) : 0;
}

/* D form, primary opcodes 32 to 55: lwz lwzu lbz lbzu stw stwu stb stbu lhz ... stfdu. The
 * multiples (46, 47) are counted apart. */
static const uint8_t d_form[] = {
    4,      4,      1, 1, ST | 4, ST | 4, ST | 1, ST | 1, 2,      2,      2,      2,
    ST | 2, ST | 2, 0, 0, 4,      4,      8,      8,      ST | 4, ST | 4, ST | 8, ST | 8,
};

/* Opcode 31 by extended opcode; VSX numbers are the ten bits before TX. */
static const struct {
    uint16_t xo;
    uint8_t what;
} x_form[] = {
    { 23, 4 },
    { 55, 4 },
    { 87, 1 },
    { 119, 1 },
    { 279, 2 },
    { 311, 2 },
    { 343, 2 },
    { 375, 2 },
    { 341, 4 },
    { 373, 4 },
    { 21, 8 },
    { 53, 8 },
    { 790, 2 },
    { 534, 4 },
    { 532, 8 },
    { 535, 4 },
    { 567, 4 },
    { 599, 8 },
    { 631, 8 },
    { 855, 4 },
    { 887, 4 },
    { 791, 16 },
    { 151, ST | 4 },
    { 183, ST | 4 },
    { 215, ST | 1 },
    { 247, ST | 1 },
    { 407, ST | 2 },
    { 439, ST | 2 },
    { 149, ST | 8 },
    { 181, ST | 8 },
    { 918, ST | 2 },
    { 662, ST | 4 },
    { 660, ST | 8 },
    { 663, ST | 4 },
    { 695, ST | 4 },
    { 727, ST | 8 },
    { 759, ST | 8 },
    { 983, ST | 4 },
    { 919, ST | 16 },
    /* larx, stcx. */
    { 52, 1 },
    { 116, 2 },
    { 20, 4 },
    { 84, 8 },
    { 276, 16 },
    { 694, ST | 1 },
    { 726, ST | 2 },
    { 150, ST | 4 },
    { 214, ST | 8 },
    { 182, ST | 16 },
    /* vector: the element's address, rounded down */
    { 7, ALN | 1 },
    { 39, ALN | 2 },
    { 71, ALN | 4 },
    { 103, ALN | 16 },
    { 359, ALN | 16 },
    { 135, ST | ALN | 1 },
    { 167, ST | ALN | 2 },
    { 199, ST | ALN | 4 },
    { 231, ST | ALN | 16 },
    { 487, ST | ALN | 16 },
    /* VSX */
    { 588, 8 },
    { 76, 4 },
    { 12, 4 },
    { 781, 1 },
    { 813, 2 },
    { 524, 4 },
    { 844, 16 },
    { 780, 16 },
    { 268, 16 },
    { 812, 16 },
    { 876, 16 },
    { 332, 8 },
    { 364, 4 },
    { 333, 32 },
    { 13, 1 },
    { 45, 2 },
    { 77, 4 },
    { 109, 8 },
    { 716, ST | 8 },
    { 140, ST | 4 },
    { 909, ST | 1 },
    { 941, ST | 2 },
    { 652, ST | 4 },
    { 972, ST | 16 },
    { 908, ST | 16 },
    { 396, ST | 16 },
    { 940, ST | 16 },
    { 1004, ST | 16 },
    { 461, ST | 32 },
    { 141, ST | 1 },
    { 173, ST | 2 },
    { 205, ST | 4 },
    { 237, ST | 8 },
};

static void put(struct gd_access *a, uint64_t addr, uint64_t len, bool store)
{
    *a = (struct gd_access){ .addr = addr, .len = len, .read = !store, .write = store };
}

/* Load or store string, and VSX with length: the count is in a register or the instruction. */
static bool counted(struct gd_cpu *c, uint32_t insn, struct gd_access *a)
{
    uint64_t len, xer = gd_cpu_reg(c, GD_PPC64_XER) & 0x7f, rb = gpr(c, ppc_rb(insn)) >> 56;
    uint64_t index = ra_or_0(c, insn) + gpr(c, ppc_rb(insn));

    switch (ppc_xo(insn)) {
    case 597: /* lswi */
    case 725: /* stswi */
        len = ppc_rb(insn) ? ppc_rb(insn) : 32;
        put(a, ra_or_0(c, insn), len, ppc_xo(insn) == 725);
        return true;
    case 533: /* lswx */
    case 661: /* stswx */
        put(a, index, xer, ppc_xo(insn) == 661);
        return true;
    case 269: /* lxvl, lxvll, stxvl, stxvll */
    case 301:
    case 397:
    case 429:
        put(a, ra_or_0(c, insn), rb < 16 ? rb : 16, ppc_xo(insn) >= 397);
        return true;
    default:
        return false;
    }
}

static void indexed(struct gd_cpu *c, uint32_t insn, struct gd_access *a)
{
    uint64_t addr = ra_or_0(c, insn) + gpr(c, ppc_rb(insn));
    unsigned xo = ppc_xo(insn);

    if (counted(c, insn, a))
        return;
    if (xo == 1014) { /* dcbz */
        put(a, addr & ~(uint64_t)(CACHE_LINE - 1), CACHE_LINE, true);
        return;
    }
    for (size_t i = 0; i < GD_ARRAY_SIZE(x_form); i++) {
        unsigned len = x_form[i].what & LEN;

        if (x_form[i].xo != xo)
            continue;
        put(a, x_form[i].what & ALN ? addr & ~(uint64_t)(len - 1) : addr, len, x_form[i].what & ST);
        a->exclusive = gd_ppc64_classify(insn) == PPC_STCX;
        return;
    }
}

/* DS and DQ forms: opcodes 6, 56 to 58, 61, 62. */
static void displaced(struct gd_cpu *c, uint32_t insn, struct gd_access *a)
{
    uint64_t ds = ra_or_0(c, insn) + (uint64_t)gd_sext(insn & 0xfffc, 16);
    uint64_t dq = ra_or_0(c, insn) + (uint64_t)gd_sext(insn & 0xfff0, 16);
    unsigned two = insn & 3;

    switch (insn >> 26) {
    case 6: /* lxvp, stxvp */
        if ((insn & 0xf) < 2)
            put(a, dq, 32, insn & 1);
        break;
    case 56: /* lq */
        put(a, dq, 16, false);
        break;
    case 57: /* lfdp, lxsd, lxssp */
        if (two != 1)
            put(a, ds, two == 0 ? 16 : two == 2 ? 8 : 4, false);
        break;
    case 58: /* ld, ldu, lwa */
        if (two != 3)
            put(a, ds, two == 2 ? 4 : 8, false);
        break;
    case 61: /* stfdp, stxsd, stxssp; lxv and stxv by the last three bits */
        if (two == 1)
            put(a, dq, 16, insn & 4);
        else
            put(a, ds, two == 0 ? 16 : two == 2 ? 8 : 4, true);
        break;
    default: /* std, stdu, stq */
        if (two != 3)
            put(a, ds, two == 2 ? 16 : 8, true);
        break;
    }
}

/* MLS and 8LS prefixes (Book I 1.6.3.2): the suffix is a D-form with 34 bits of displacement. */
static void prefixed(struct gd_cpu *c, uint64_t pc, uint32_t prefix, uint32_t insn,
                     struct gd_access *a)
{
    uint64_t d = (uint64_t)gd_sext((uint64_t)(prefix & 0x3ffff) << 16 | (insn & 0xffff), 34);
    uint64_t addr = d + (prefix & 0x00100000 ? pc : ra_or_0(c, insn));
    unsigned op = insn >> 26;
    static const uint8_t mls[] = {
        [32] = 4,      [34] = 1, [36] = ST | 4, [38] = ST | 1, [40] = 2,      [42] = 2,
        [44] = ST | 2, [48] = 4, [50] = 8,      [52] = ST | 4, [54] = ST | 8, [55] = 0
    };
    static const uint8_t ls8[] = {
        [41] = 4,  [42] = 8,  [43] = 4,       [46] = ST | 8,  [47] = ST | 4,
        [50] = 16, [51] = 16, [54] = ST | 16, [55] = ST | 16, [56] = 16,
        [57] = 8,  [58] = 32, [60] = ST | 16, [61] = ST | 8,  [62] = ST | 32
    };
    uint8_t what = 0;

    if (prefix >> 24 == 0x06 && op < sizeof(mls))
        what = mls[op];
    else if (prefix >> 24 == 0x04 && op < sizeof(ls8))
        what = ls8[op];
    if (what)
        put(a, addr, what & LEN, what & ST);
}

void gd_ppc64_access(struct gd_cpu *c, uint64_t pc, struct gd_access *a)
{
    uint32_t insn, suffix;
    unsigned op;

    *a = (struct gd_access){ 0 };
    if (gd_ppc64_fetch(c, pc, &insn))
        return;
    op = insn >> 26;
    if (op == 1) {
        if (!gd_ppc64_fetch(c, pc + 4, &suffix))
            prefixed(c, pc, insn, suffix, a);
    } else if (op == 31) {
        indexed(c, insn, a);
    } else if (op == 46 || op == 47) { /* lmw, stmw */
        put(a, ra_or_0(c, insn) + (uint64_t)gd_sext(insn & 0xffff, 16), 4 * (32 - ppc_rt(insn)),
            op == 47);
    } else if (op >= 32 && op < 32 + sizeof(d_form)) {
        put(a, ra_or_0(c, insn) + (uint64_t)gd_sext(insn & 0xffff, 16), d_form[op - 32] & LEN,
            d_form[op - 32] & ST);
    } else if (op == 6 || (op >= 56 && op <= 58) || op == 61 || op == 62) {
        displaced(c, insn, a);
    }
    if (a->len)
        a->addr = gd_ppc64_mode_addr(gd_ppc64_msr(c), a->addr);
}
