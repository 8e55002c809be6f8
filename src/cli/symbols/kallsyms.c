/* SPDX-License-Identifier: MIT */
/*
 * Parser of kallsyms listings (kernel/kallsyms.c, s_show): "address type name", and for modules a
 * fourth word. A listing that came over a serial line has carriage returns and perhaps other lines
 * in between; what is not a symbol is passed over.
 */
#include "kallsyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_DIGITS 16
#define FEW_SYMBOLS    16
#define IMAGE_ALIGN    0x200000ull /* of a kernel whose _text is not listed */
#define SEGMENT_ALIGN  0x10000ull

#define FAIL(...) (snprintf(err, errlen, __VA_ARGS__), -1)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Returns false if the line is no symbol of the kernel itself. Ends the name with a zero byte. */
static bool parse_line(char *line, char *end, struct symbol *s)
{
    char *name = line + ADDRESS_DIGITS + 3, *p;

    if (end - line <= ADDRESS_DIGITS + 3 || line[ADDRESS_DIGITS] != ' ' ||
        line[ADDRESS_DIGITS + 2] != ' ')
        return false;
    *s = (struct symbol){ .name = name, .type = line[ADDRESS_DIGITS + 1] };
    for (int i = 0; i < ADDRESS_DIGITS; i++) {
        int digit = hex_digit(line[i]);

        if (digit < 0)
            return false;
        s->addr = s->addr << 4 | (unsigned)digit;
    }
    for (p = name; p < end && *p != '\r'; p++)
        if (*p == '\t' || *p == ' ' || *p == '\0')
            return false;
    *p = '\0';
    return p > name && !strchr("aAUu", s->type);
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name; /* names lie in the listing's order */
}

static size_t count_lines(const char *text, size_t len)
{
    size_t n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

uint64_t kallsyms_find(const struct symbols *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i].name, name) == 0)
            return s->list[i].addr;
    return 0;
}

bool symbol_is_code(const struct symbol *s)
{
    return strchr("tTwW", s->type) != NULL;
}

/* Keeps what lies in the kernel's image and gives each symbol its size. */
static void trim(struct symbols *s)
{
    uint64_t next = s->end;
    size_t kept = 0;

    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].addr >= s->start && s->list[i].addr < s->end)
            s->list[kept++] = s->list[i];
    s->count = kept;
    for (size_t i = kept; i-- > 0;) {
        if (i + 1 < kept && s->list[i + 1].addr != s->list[i].addr)
            next = s->list[i + 1].addr;
        s->list[i].size = next - s->list[i].addr;
    }
}

static int check(struct symbols *s, char *err, size_t errlen)
{
    bool nonzero = false;

    for (size_t i = 0; i < s->count; i++)
        nonzero |= s->list[i].addr != 0;
    if (s->count > FEW_SYMBOLS && !nonzero)
        return FAIL("all addresses in the listing are zero: read /proc/kallsyms as root, with "
                    "kernel.kptr_restrict=0 or 1");
    s->start = kallsyms_find(s, "_text");
    if (!s->start)
        s->start = kallsyms_find(s, "_stext") & ~(IMAGE_ALIGN - 1);
    s->end = kallsyms_find(s, "_end");
    s->end_known = s->end != 0;
    for (size_t i = 0; i < s->count && !s->end_known; i++)
        if (s->list[i].addr >= s->end)
            s->end = (s->list[i].addr | (SEGMENT_ALIGN - 1)) + 1;
    if (!s->start || s->end <= s->start)
        return FAIL("the listing has neither _text nor _stext: it is no kernel's "
                    "/proc/kallsyms, or is not whole");
    return 0;
}

int kallsyms_parse(char *text, size_t len, struct symbols *out, char *err, size_t errlen)
{
    char *end = text + len;

    *out = (struct symbols){ .list = calloc(count_lines(text, len), sizeof(struct symbol)) };
    if (!out->list)
        return FAIL("out of memory");
    for (char *line = text; line < end;) {
        char *eol = memchr(line, '\n', (size_t)(end - line));

        if (!eol)
            eol = end;
        if (parse_line(line, eol, &out->list[out->count]))
            out->count++;
        line = eol + 1;
    }
    if (check(out, err, errlen) < 0) {
        kallsyms_free(out);
        return -1;
    }
    qsort(out->list, out->count, sizeof(out->list[0]), by_address);
    trim(out);
    return 0;
}

void kallsyms_free(struct symbols *s)
{
    free(s->list);
    *s = (struct symbols){ 0 };
}
