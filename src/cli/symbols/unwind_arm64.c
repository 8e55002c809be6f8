/* SPDX-License-Identifier: MIT */
/*
 * Each function's code is followed along its branches from its first instruction, keeping where the
 * caller's stack pointer, frame pointer and return address are. That gives exact rules at every
 * instruction, prologues and epilogues included. Encodings: Arm ARM C4.1; DWARF 5, 6.4; register
 * numbers: AADWARF64, 4.1.
 *
 * Return addresses are signed on the stack. Every one of them is in the kernel's text, whose upper
 * 16 address bits are ones, so the rules themselves set these bits: no debugger needs to know the
 * masks, and GDB before 14, which strips user addresses only, gets them right too.
 */
#include "unwind_arm64.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

enum { X19 = 19, X29 = 29, LR = 30, SP = 31, PC = 32 };

/* DWARF 5, 7.24 and 7.7.1 */
enum {
    CFA_ADVANCE_LOC = 0x40,
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_ADVANCE_LOC1 = 0x02,
    CFA_ADVANCE_LOC2 = 0x03,
    CFA_ADVANCE_LOC4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_UNDEFINED = 0x07,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_VAL_EXPRESSION = 0x16,
    OP_DEREF = 0x06,
    OP_CONST2U = 0x0a,
    OP_CONST8U = 0x0e,
    OP_MINUS = 0x1c,
    OP_OR = 0x21,
    OP_BREG30 = 0x8e,
};

#define KERNEL_BITS  0xffff000000000000ull
#define CODE_ALIGN   4
#define DATA_ALIGN   8
#define DW_VERSION   3
#define MODULES_SPAN 0x80000000ull /* modules lie in the 2 GiB below the kernel */
#define MAX_FRAME    (1 << 24)
#define MAX_FUNCTION (1u << 18) /* instructions; a longer "function" is a table */

static const struct unwind_row at_entry = { .sp = 0, .fp = UNWIND_UNKNOWN };

/* The rule of AAPCS64 frame records: x29 points to the caller's x29 and the return address. */
static const struct unwind_row by_frame = {
    .sp = UNWIND_UNKNOWN,
    .fp = 16,
    .saved = { [X29 - X19] = 16, [LR - X19] = 8 },
};

/* ---- one instruction ------------------------------------------------------------------------- */

static int32_t sext(uint32_t v, unsigned bits)
{
    return (int32_t)(v << (32 - bits)) >> (32 - bits);
}

static unsigned field(uint32_t insn, unsigned low, unsigned bits)
{
    return insn >> low & ((1u << bits) - 1);
}

static bool known(int32_t v)
{
    return v != UNWIND_UNKNOWN;
}

/* Beyond MAX_FRAME it is no stack frame, whatever the words mean. */
static int32_t plus(int32_t v, int32_t by)
{
    if (!known(v) || v > MAX_FRAME || v < -MAX_FRAME)
        return UNWIND_UNKNOWN;
    return v + by;
}

/* The distance below the CFA of what the instruction's base register points to. */
static int32_t base_of(const struct unwind_row *r, unsigned rn)
{
    if (rn == SP)
        return r->sp;
    return rn == X29 ? r->fp : UNWIND_UNKNOWN;
}

static void save(struct unwind_row *r, unsigned reg, int32_t dist)
{
    if (reg >= X19 && reg <= LR && dist > 0 && r->saved[reg - X19] == 0)
        r->saved[reg - X19] = dist;
}

/*
 * A register gets its caller's value back if it is loaded from where that was saved, dist below the
 * CFA.
 */
static void load(struct unwind_row *r, unsigned reg, int32_t dist)
{
    if (reg < X19 || reg > LR)
        return;
    if (reg == X29)
        r->fp = UNWIND_UNKNOWN;
    if (!known(dist) || dist == r->saved[reg - X19])
        r->saved[reg - X19] = 0;
}

/* [sp], #imm and [sp, #imm]! move the stack pointer; another base does not matter here. */
static void move_base(struct unwind_row *r, unsigned rn, int32_t by)
{
    if (rn == SP)
        r->sp = plus(r->sp, -by);
    else if (rn == X29)
        r->fp = UNWIND_UNKNOWN;
}

/*
 * A function that moved its stack pointer by a variable amount finds it again when it loads its
 * frame record: the record's place below the CFA is known.
 */
static void recover_sp(struct unwind_row *r, unsigned reg, int32_t offset)
{
    if (!known(r->sp) && reg >= X19 && reg <= LR && r->saved[reg - X19] > 0)
        r->sp = plus(r->saved[reg - X19], offset);
}

/* LDP and STP of 64-bit registers, C4.1.93. */
static void pair(struct unwind_row *r, uint32_t insn)
{
    unsigned mode = field(insn, 23, 2), rn = field(insn, 5, 5), rt = field(insn, 0, 5),
             rt2 = field(insn, 10, 5);
    bool is_load = insn & 1u << 22, before = mode == 3, after = mode == 1;
    int32_t imm = sext(field(insn, 15, 7), 7) * 8, offset = after ? 0 : imm, at;

    if (is_load && rn == SP && !before)
        recover_sp(r, rt, offset);
    if (before) {
        move_base(r, rn, imm);
        offset = 0;
    }
    at = base_of(r, rn);
    if (is_load) {
        load(r, rt, known(at) ? at - offset : UNWIND_UNKNOWN);
        load(r, rt2, known(at) ? at - offset - 8 : UNWIND_UNKNOWN);
    } else if (known(at)) {
        save(r, rt, at - offset);
        save(r, rt2, at - offset - 8);
    }
    if (after)
        move_base(r, rn, imm);
}

static void single_at(struct unwind_row *r, bool is_load, unsigned rt, unsigned rn, int32_t offset)
{
    int32_t at = base_of(r, rn);

    if (is_load)
        load(r, rt, known(at) ? at - offset : UNWIND_UNKNOWN);
    else if (known(at))
        save(r, rt, at - offset);
}

/* LDR and STR of a 64-bit register, unsigned offset. */
static void single(struct unwind_row *r, uint32_t insn)
{
    single_at(r, insn & 1u << 22, field(insn, 0, 5), field(insn, 5, 5),
              (int32_t)field(insn, 10, 12) * 8);
}

/* The same with write-back: bit 11 says before the access. */
static void single_moving(struct unwind_row *r, uint32_t insn)
{
    unsigned rn = field(insn, 5, 5);
    int32_t imm = sext(field(insn, 12, 9), 9);
    bool before = insn & 1u << 11;

    if (before)
        move_base(r, rn, imm);
    single_at(r, insn & 1u << 22, field(insn, 0, 5), rn, 0);
    if (!before)
        move_base(r, rn, imm);
}

/* ADD and SUB (immediate), 64-bit; MOV to and from SP is an ADD of 0. */
static void add_sub(struct unwind_row *r, uint32_t insn)
{
    unsigned rd = field(insn, 0, 5), rn = field(insn, 5, 5);
    int32_t imm = (int32_t)field(insn, 10, 12) << (insn & 1u << 22 ? 12 : 0), at = base_of(r, rn);
    int32_t to = plus(at, insn & 1u << 30 ? imm : -imm);

    if (rd == SP)
        r->sp = to;
    else if (rd == X29)
        r->fp = r->saved[X29 - X19] > 0 ? to : UNWIND_UNKNOWN;
}

static bool is(uint32_t insn, uint32_t mask, uint32_t value)
{
    return (insn & mask) == value;
}

void unwind_step_arm64(struct unwind_row *r, uint32_t insn)
{
    if (is(insn, 0xfe000000, 0xa8000000) && field(insn, 23, 2) != 0)
        pair(r, insn);
    else if (is(insn, 0xff800000, 0xf9000000))
        single(r, insn);
    else if (is(insn, 0xffa00400, 0xf8000400))
        single_moving(r, insn);
    else if (is(insn, 0xbf800000, 0x91000000))
        add_sub(r, insn);
    else if (is(insn, 0xbfe0001f, 0x8b20001f) || is(insn, 0xff80001f, 0x9200001f))
        r->sp = UNWIND_UNKNOWN; /* ADD, SUB (extended register), AND (immediate) to SP */
}

/* ---- one function ---------------------------------------------------------------------------- */

struct function {
    uint64_t start;
    const uint8_t *text;     /* NULL: not known */
    uint32_t n;              /* instructions */
    uint32_t cie;            /* offset of its CIE in the section */
    struct unwind_row *rows; /* n of them */
    uint8_t *seen;
    uint32_t *todo;
    uint32_t ntodo;
    struct unwind_row body; /* what code that no branch leads to is taken to run with */
    bool have_body;
};

static uint32_t insn_at(const struct function *f, uint32_t i)
{
    return (uint32_t)gd_load_le(f->text + 4 * (size_t)i, 4);
}

static void reach(struct function *f, uint32_t i, const struct unwind_row *r)
{
    if (i >= f->n || f->seen[i])
        return;
    f->seen[i] = 1;
    f->rows[i] = *r;
    f->todo[f->ntodo++] = i;
}

struct flow {
    bool next;      /* goes on with the next instruction */
    bool indirect;  /* to somewhere unknown: a switch, perhaps */
    int32_t branch; /* and by this many instructions, if not 0 */
};

/* C4.1.91: branches. A call goes on. */
static struct flow flow_of(uint32_t insn)
{
    if (is(insn, 0xfc000000, 0x14000000)) /* B */
        return (struct flow){ .branch = sext(field(insn, 0, 26), 26) };
    if (is(insn, 0xff000000, 0x54000000) ||
        is(insn, 0x7e000000, 0x34000000)) /* B.cond, CBZ, CBNZ */
        return (struct flow){ .next = true, .branch = sext(field(insn, 5, 19), 19) };
    if (is(insn, 0x7e000000, 0x36000000)) /* TBZ, TBNZ */
        return (struct flow){ .next = true, .branch = sext(field(insn, 5, 14), 14) };
    if (is(insn, 0xfffffc1f, 0xd61f0000)) /* BR */
        return (struct flow){ .indirect = true };
    if (is(insn, 0xfe000000, 0xd6000000) &&
        !is(insn, 0xfee00000, 0xd6200000)) /* RET, ERET, not BLR */
        return (struct flow){ 0 };
    return (struct flow){ .next = true };
}

static void follow(struct function *f, uint32_t i)
{
    struct unwind_row r = f->rows[i];
    uint32_t insn = insn_at(f, i);
    struct flow flow = flow_of(insn);

    unwind_step_arm64(&r, insn);
    if ((flow.indirect || known(r.fp)) && !f->have_body) {
        f->body = r;
        f->have_body = true;
    }
    if (flow.branch)
        reach(f, i + (uint32_t)flow.branch, &r);
    if (flow.next)
        reach(f, i + 1, &r); /* last, so taken first: straight on before branches */
}

static void follow_all(struct function *f)
{
    while (f->ntodo > 0)
        follow(f, f->todo[--f->ntodo]);
}

/*
 * The row for code that nothing leads to. A branch before it may be one that the kernel replaces by
 * a NOP at boot (alternatives, static keys); else it is a switch's case or out of line.
 */
static const struct unwind_row *guess(const struct function *f, uint32_t i,
                                      const struct unwind_row *entry)
{
    int32_t branch = i > 0 ? flow_of(insn_at(f, i - 1)).branch : 0;

    if (branch && i - 1 + (uint32_t)branch < f->n)
        return &f->rows[i - 1];
    return f->have_body ? &f->body : entry;
}

static void analyse(struct function *f, const struct unwind_row *entry)
{
    memset(f->seen, 0, f->n);
    f->ntodo = 0;
    f->have_body = false;
    reach(f, 0, entry);
    follow_all(f);
    for (uint32_t i = 0; i < f->n; i++) {
        if (!f->seen[i])
            reach(f, i, guess(f, i, entry));
        follow_all(f);
    }
}

/* ---- DWARF ----------------------------------------------------------------------------------- */

/*
 * val_expression for x30: the word at CFA - dist, or x30 itself if dist is 0, with the kernel's
 * bits.
 */
static void put_return_address(struct buf *b, int32_t dist)
{
    buf_u8(b, CFA_VAL_EXPRESSION);
    buf_uleb(b, LR);
    buf_uleb(b, dist ? 15 : 12);
    if (dist) {
        buf_u8(b, OP_CONST2U); /* the CFA is on the stack already */
        buf_le(b, (uint32_t)dist, 2);
        buf_u8(b, OP_MINUS);
        buf_u8(b, OP_DEREF);
    } else {
        buf_u8(b, OP_BREG30);
        buf_sleb(b, 0);
    }
    buf_u8(b, OP_CONST8U);
    buf_le(b, KERNEL_BITS, 8);
    buf_u8(b, OP_OR);
}

static size_t begin_entry(struct buf *b)
{
    buf_le(b, 0, 4);
    return b->len;
}

static void end_entry(struct buf *b, size_t begin)
{
    buf_zero(b, (begin - b->len) & 7); /* DW_CFA_nop */
    buf_patch32(b, begin - 4, (uint32_t)(b->len - begin));
}

/*
 * Initial rules: CFA = sp, x30 = x30 stripped. Augmentation "S" marks what GDB shows as <signal
 * handler called>: its caller was interrupted and has made no call, or it runs on another stack,
 * which GDB takes for a corrupt one in ordinary frames. Returns the entry's offset.
 */
static uint32_t put_cie(struct buf *b, const char *augmentation)
{
    uint32_t at = (uint32_t)b->len;
    size_t begin = begin_entry(b);

    buf_le(b, UINT32_MAX, 4);
    buf_u8(b, DW_VERSION);
    buf_put(b, augmentation, strlen(augmentation) + 1);
    buf_uleb(b, CODE_ALIGN);
    buf_sleb(b, -DATA_ALIGN);
    buf_uleb(b, LR);
    buf_u8(b, CFA_DEF_CFA);
    buf_uleb(b, SP);
    buf_uleb(b, 0);
    put_return_address(b, 0);
    end_entry(b, begin);
    return at;
}

static size_t begin_fde(struct buf *b, uint32_t cie, uint64_t start, uint64_t len)
{
    size_t begin = begin_entry(b);

    buf_le(b, cie, 4);
    buf_le(b, start, 8);
    buf_le(b, len, 8);
    return begin;
}

static void put_advance(struct buf *b, uint32_t insns)
{
    if (insns == 0)
        return;
    if (insns < 0x40) {
        buf_u8(b, CFA_ADVANCE_LOC | insns);
    } else if (insns < 0x100) {
        buf_u8(b, CFA_ADVANCE_LOC1);
        buf_u8(b, insns);
    } else if (insns < 0x10000) {
        buf_u8(b, CFA_ADVANCE_LOC2);
        buf_le(b, insns, 2);
    } else {
        buf_u8(b, CFA_ADVANCE_LOC4);
        buf_le(b, insns, 4);
    }
}

static bool storable(int32_t dist)
{
    return dist > 0 && dist < 0x10000 && dist % DATA_ALIGN == 0;
}

/*
 * What is written of a row: a CFA by x29 if there is a frame, else by sp, and saved registers that
 * make sense.
 */
static struct unwind_row normal(const struct unwind_row *r)
{
    struct unwind_row n = *r;

    if ((!known(r->fp) || r->fp < 0) && (!known(r->sp) || r->sp < 0))
        return by_frame;
    if (known(r->fp) && r->fp >= 0)
        n.sp = UNWIND_UNKNOWN;
    else
        n.fp = UNWIND_UNKNOWN;
    for (unsigned i = 0; i < UNWIND_SAVED; i++)
        if (!storable(n.saved[i]))
            n.saved[i] = 0;
    return n;
}

static void put_cfa(struct buf *b, const struct unwind_row *now, const struct unwind_row *old)
{
    int32_t offset = known(now->fp) ? now->fp : now->sp;

    if (now->fp == old->fp && now->sp == old->sp)
        return;
    if (known(now->fp) == known(old->fp)) {
        buf_u8(b, CFA_DEF_CFA_OFFSET);
    } else {
        buf_u8(b, CFA_DEF_CFA);
        buf_uleb(b, known(now->fp) ? X29 : SP);
    }
    buf_uleb(b, (uint32_t)offset);
}

static void put_row(struct buf *b, const struct unwind_row *now, const struct unwind_row *old)
{
    put_cfa(b, now, old);
    for (unsigned i = 0; i < UNWIND_SAVED; i++) {
        if (now->saved[i] == old->saved[i])
            continue;
        if (now->saved[i] == 0) {
            buf_u8(b, CFA_RESTORE | (X19 + i));
        } else if (X19 + i == LR) {
            put_return_address(b, now->saved[i]);
        } else {
            buf_u8(b, CFA_OFFSET | (X19 + i));
            buf_uleb(b, (uint32_t)now->saved[i] / DATA_ALIGN);
        }
    }
}

static void put_no_caller(struct buf *b)
{
    buf_u8(b, CFA_UNDEFINED);
    buf_uleb(b, LR);
}

/* last: the instruction from which on there is no caller, or f->n. */
static void put_function(struct buf *b, const struct function *f, uint32_t last)
{
    size_t begin = begin_fde(b, f->cie, f->start, 4 * (uint64_t)f->n);
    struct unwind_row old = at_entry;
    uint32_t at = 0;

    for (uint32_t i = 0; i < last; i++) {
        struct unwind_row now = normal(&f->rows[i]);

        if (memcmp(&now, &old, sizeof(now)) == 0)
            continue;
        put_advance(b, i - at);
        put_row(b, &now, &old);
        at = i;
        old = now;
    }
    if (last < f->n) {
        put_advance(b, last - at);
        put_no_caller(b);
    }
    end_entry(b, begin);
}

/*
 * rest_init() (init/main.c) becomes the boot CPU's idle thread with its last call. Its caller's code
 * is freed soon after, and GDB gives a backtrace up in code that it cannot read, whatever the rules
 * say of it.
 */
static uint32_t without_caller(const struct function *f, const char *name)
{
    uint32_t i = f->n;

    if (strcmp(name, "rest_init") != 0)
        return f->n;
    while (i > 0 && !is(insn_at(f, i - 1), 0xfc000000, 0x94000000)) /* BL */
        i--;
    return i > 0 ? i - 1 : f->n;
}

/*
 * Without the code: the frame pointer's rule after the first instruction, where nothing has been
 * done yet.
 */
static void put_by_frame(struct buf *b, const struct function *f, bool from_first)
{
    size_t begin = begin_fde(b, f->cie, f->start, 4 * (uint64_t)f->n);

    if (!from_first)
        put_advance(b, 1);
    put_row(b, &by_frame, &at_entry);
    end_entry(b, begin);
}

/* Nobody called this code, so a backtrace ends in it. */
static void put_outermost(struct buf *b, const struct function *f)
{
    size_t begin = begin_fde(b, f->cie, f->start, 4 * (uint64_t)f->n);

    put_no_caller(b);
    end_entry(b, begin);
}

/* What entry.S's kernel_entry shows of struct pt_regs, which it makes at sp. */
struct regs_layout {
    int32_t size;   /* ADD X21, SP, #size: the interrupted stack pointer */
    int32_t frame;  /* ADD X29, SP, #frame */
    uint32_t ready; /* the first instruction that finds x29 and the saved PC in place */
};

#define REGS_PC 256 /* offsetof(struct pt_regs, pc), after x0 to x30 and sp */

static bool find_regs(const struct function *f, struct regs_layout *l)
{
    bool pc = false;

    *l = (struct regs_layout){ 0 };
    for (uint32_t i = 0; i < f->n && l->ready == 0; i++) {
        uint32_t insn = insn_at(f, i);

        if (is(insn, 0xffc003ff, 0x910003f5))
            l->size = (int32_t)field(insn, 10, 12);
        if (is(insn, 0xffc003ff, 0x910003fd))
            l->frame = (int32_t)field(insn, 10, 12);
        if (insn == 0xa9105ff6) /* STP X22, X23, [SP, #256]: ELR_EL1 and SPSR_EL1 */
            pc = true;
        if (l->size > 0 && l->frame > 0 && pc)
            l->ready = i + 1;
    }
    return l->ready > 0 && l->size > REGS_PC && l->frame < l->size;
}

/*
 * An exception taken from the kernel: all registers of what it interrupted are in struct pt_regs.
 */
static void put_exception(struct buf *b, const struct function *f)
{
    struct regs_layout l;
    size_t begin;

    if (!f->text || !find_regs(f, &l)) {
        put_by_frame(b, f, true);
        return;
    }
    begin = begin_fde(b, f->cie, f->start, 4 * (uint64_t)f->n);
    buf_u8(b, CFA_DEF_CFA_OFFSET);
    buf_uleb(b, (uint32_t)l.size);
    put_no_caller(b);
    put_advance(b, l.ready);
    buf_u8(b, CFA_DEF_CFA);
    buf_uleb(b, X29);
    buf_uleb(b, (uint32_t)(l.size - l.frame));
    for (unsigned reg = 0; reg <= LR; reg++) {
        buf_u8(b, CFA_OFFSET | reg);
        buf_uleb(b, ((uint32_t)l.size - 8 * reg) / DATA_ALIGN);
    }
    buf_u8(b, CFA_OFFSET_EXTENDED);
    buf_uleb(b, PC);
    buf_uleb(b, ((uint32_t)l.size - REGS_PC) / DATA_ALIGN);
    end_entry(b, begin);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

/*
 * arch/arm64/kernel/head.S and entry.S: where the hardware, the firmware or a context switch
 * enters.
 */
static const char *const entries[] = {
    "_text",
    "primary_entry",
    "__primary_switch",
    "__primary_switched",
    "secondary_entry",
    "secondary_holding_pen",
    "secondary_startup",
    "__secondary_switched",
    "__secondary_switch",
    "__secondary_too_slow",
    "ret_from_fork",
    "ret_to_user",
    "vectors",
    "__bad_stack",
    "tramp_vectors",
    "__bp_harden_el1_vectors",
};

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_outermost(const char *name)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        if (strcmp(name, entries[i]) == 0)
            return true;
    /* From user space; the functions in C that they call are named the same with _handler. */
    return begins(name, "el0t_") && !strstr(name, "_handler");
}

static bool is_kernel_exception(const char *name)
{
    return (begins(name, "el1h_") || begins(name, "el1t_")) && !strstr(name, "_handler");
}

struct kernel {
    uint64_t base;
    const uint8_t *text;
    size_t len;
    uint32_t plain, signal; /* the two CIEs */
};

static void put_symbol(struct function *f, const struct symbol *sym, const struct kernel *k,
                       struct buf *out)
{
    uint64_t at = sym->addr - k->base, n = sym->size / 4;
    bool exception = is_kernel_exception(sym->name);

    if (n == 0 || n > UINT32_MAX || sym->addr % 4 != 0)
        return;
    f->start = sym->addr;
    f->n = (uint32_t)n;
    f->cie = exception || strcmp(sym->name, "call_on_irq_stack") == 0 ? k->signal : k->plain;
    f->text = k->text && at <= k->len && 4 * n <= k->len - at && n <= MAX_FUNCTION ? k->text + at
                                                                                   : NULL;
    if (is_outermost(sym->name)) {
        put_outermost(out, f);
    } else if (exception) {
        put_exception(out, f);
    } else if (strcmp(sym->name, "ret_to_kernel") == 0) {
        put_by_frame(out, f, true);
    } else if (!f->text) {
        put_by_frame(out, f, false);
    } else {
        analyse(f, strstr(sym->name, ".cold") ? &by_frame : &at_entry);
        put_function(out, f, without_caller(f, sym->name));
    }
}

void unwind_arm64(const struct symbols *s, const uint8_t *text, size_t len, struct buf *out)
{
    struct function f = {
        .rows = malloc(MAX_FUNCTION * sizeof(f.rows[0])),
        .seen = malloc(MAX_FUNCTION),
        .todo = malloc(MAX_FUNCTION * sizeof(f.todo[0])),
        .start = s->start - MODULES_SPAN,
        .n = MODULES_SPAN / 4,
    };
    struct kernel k = { .base = s->start, .text = text, .len = len };
    uint64_t last = 0;

    if (!f.rows || !f.seen || !f.todo)
        out->failed = true;
    k.plain = f.cie = put_cie(out, "");
    k.signal = put_cie(out, "S");
    put_by_frame(out, &f, true);
    for (size_t i = 0; i < s->count && !out->failed; i++) {
        if (!symbol_is_code(&s->list[i]) || s->list[i].addr == last)
            continue;
        last = s->list[i].addr;
        put_symbol(&f, &s->list[i], &k, out);
    }
    free(f.rows);
    free(f.seen);
    free(f.todo);
}
