/* SPDX-License-Identifier: MIT */
/*
 * A small reader of .debug_frame; see cfi.h. Every read is checked against the section's end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfi.h"

struct cursor {
    const uint8_t *p, *end;
};

static uint64_t take(struct cursor *c, unsigned bytes)
{
    uint64_t v = 0;

    assert_true((size_t)(c->end - c->p) >= bytes);
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)*c->p++ << 8 * i;
    return v;
}

static uint64_t uleb(struct cursor *c)
{
    uint64_t v = 0;
    unsigned shift = 0, byte;

    do {
        byte = (unsigned)take(c, 1);
        v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return v;
}

static int64_t sleb(struct cursor *c)
{
    uint64_t v = 0;
    unsigned shift = 0, byte;

    do {
        byte = (unsigned)take(c, 1);
        v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (byte & 0x40)
        v |= ~(uint64_t)0 << shift;
    return (int64_t)v;
}

struct machine {
    uint64_t code_align;
    int64_t data_align;
    uint64_t loc;
    struct cfi_rules now, initial;
};

static void offset(struct machine *m, unsigned reg, uint64_t factored)
{
    assert_true(reg < 33);
    m->now.reg[reg].kind = CFI_OFFSET;
    m->now.reg[reg].offset = (int64_t)factored * m->data_align;
}

static void value_expression(struct machine *m, struct cursor *c)
{
    unsigned reg = (unsigned)uleb(c);

    assert_true(reg < 33);
    m->now.reg[reg].kind = CFI_EXPRESSION;
    m->now.reg[reg].len = uleb(c);
    m->now.reg[reg].expr = c->p;
    assert_true((size_t)(c->end - c->p) >= m->now.reg[reg].len);
    c->p += m->now.reg[reg].len;
}

/* Returns how far the instruction advances the location. */
static uint64_t one(struct machine *m, struct cursor *c)
{
    unsigned op = (unsigned)take(c, 1), low = op & 0x3f;

    switch (op >> 6) {
    case 1:
        return low * m->code_align;
    case 2:
        offset(m, low, uleb(c));
        return 0;
    case 3:
        m->now.reg[low] = m->initial.reg[low];
        return 0;
    default:
        break;
    }
    switch (op) {
    case 0x00:
        break;
    case 0x02:
        return take(c, 1) * m->code_align;
    case 0x03:
        return take(c, 2) * m->code_align;
    case 0x04:
        return take(c, 4) * m->code_align;
    case 0x05:
        low = (unsigned)uleb(c);
        offset(m, low, uleb(c));
        break;
    case 0x07:
        m->now.reg[uleb(c)].kind = CFI_UNDEFINED;
        break;
    case 0x0c:
        m->now.cfa_reg = (unsigned)uleb(c);
        m->now.cfa_offset = uleb(c);
        break;
    case 0x0e:
        m->now.cfa_offset = uleb(c);
        break;
    case 0x16:
        value_expression(m, c);
        break;
    default:
        fail_msg("unknown call frame instruction 0x%x", op);
    }
    return 0;
}

static void read_cie(struct machine *m, struct cursor c)
{
    *m = (struct machine){ 0 };
    c.end = c.p + 4 + take(&c, 4);
    assert_int_equal(take(&c, 4), UINT32_MAX);
    assert_int_equal(take(&c, 1), 3);
    for (unsigned a; (a = (unsigned)take(&c, 1)) != 0;) {
        assert_int_equal(a, 'S');
        m->now.signal = true;
    }
    m->code_align = uleb(&c);
    m->data_align = sleb(&c);
    assert_int_equal(uleb(&c), 30);
    while (c.p < c.end)
        assert_int_equal(one(m, &c), 0);
    m->initial = m->now;
}

static void read_fde(struct machine *m, struct cursor c, uint64_t pc)
{
    while (c.p < c.end) {
        uint64_t by = one(m, &c);

        m->loc += by;
        if (by && m->loc > pc)
            return;
    }
}

struct cfi_rules cfi_at(const uint8_t *section, size_t len, uint64_t pc)
{
    struct cursor all = { section, section + len };
    struct cfi_rules answer = { 0 };

    while (all.p < all.end) {
        uint64_t entry_len = take(&all, 4), start, size;
        struct cursor c = { all.p, all.p + entry_len };
        struct machine m;
        uint64_t cie = take(&c, 4);

        assert_true((size_t)(all.end - all.p) >= entry_len);
        assert_int_equal(entry_len % 8, 0);
        all.p += entry_len;
        if (cie == UINT32_MAX)
            continue;
        start = take(&c, 8);
        size = take(&c, 8);
        if (pc - start >= size)
            continue;
        assert_false(answer.found); /* entries do not overlap */
        read_cie(&m, (struct cursor){ section + cie, section + len });
        m.loc = start;
        read_fde(&m, c, pc);
        answer = m.now;
        answer.found = true;
    }
    return answer;
}

uint64_t cfi_evaluate(const uint8_t *expr, size_t len, uint64_t cfa, uint64_t x30, uint64_t addr,
                      uint64_t word)
{
    struct cursor c = { expr, expr + len };
    uint64_t stack[8] = { cfa };
    unsigned top = 0;

    while (c.p < c.end) {
        unsigned op = (unsigned)take(&c, 1);

        assert_true(top < 7);
        switch (op) {
        case 0x06:
            assert_int_equal(stack[top], addr);
            stack[top] = word;
            break;
        case 0x0a:
            stack[++top] = take(&c, 2);
            break;
        case 0x0e:
            stack[++top] = take(&c, 8);
            break;
        case 0x1c:
            top--;
            stack[top] -= stack[top + 1];
            break;
        case 0x21:
            top--;
            stack[top] |= stack[top + 1];
            break;
        case 0x8e:
            stack[++top] = x30 + (uint64_t)sleb(&c);
            break;
        default:
            fail_msg("unknown operation 0x%x", op);
        }
    }
    return stack[top];
}
