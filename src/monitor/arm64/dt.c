/* SPDX-License-Identifier: MIT */
/*
 * The flattened device tree of dt.h. dt_open() goes through all tokens once and takes nothing that
 * leaves the blob or its own block; later walks use the same reader.
 */
#include "monitor/arm64/dt.h"

#include <string.h>

#include "base/bits.h"

#define DT_MAGIC 0xd00dfeedu
#define VERSION  17u
#define LARGEST  0x40000000u /* sums of two offsets fit 32 bits */

/* Offsets of the header's fields, all of 32 bits. */
enum {
    TOTAL = 4,
    TOKENS = 8,
    NAMES = 12,
    RESERVED = 16,
    HAS_VERSION = 20,
    LAST_COMPATIBLE = 24,
    NAMES_SIZE = 32,
    TOKENS_SIZE = 36,
    HEADER = 40,
};

enum { BAD, BEGIN_NODE, END_NODE, PROP, NOP, END = 9 };

/* One token with what it carries. */
struct token {
    uint32_t kind;
    const char *name;
    uint8_t *value;
    uint32_t bytes;
};

static uint32_t load(const void *p)
{
    return (uint32_t)gd_load_be(p, 4);
}

static uint32_t aligned(uint32_t n)
{
    return (n + 3) & ~3u;
}

uint32_t dt_cell(const void *value, uint32_t i)
{
    return load((const uint8_t *)value + 4 * (size_t)i);
}

/* The token at *at, and *at behind it. */
static uint32_t take(const struct dt *t, uint32_t *at, struct token *k)
{
    uint8_t *p = t->base + *at;
    uint32_t left = t->names - *at, used = 4;

    k->kind = left < 4 ? BAD : load(p);
    if (k->kind == BEGIN_NODE) {
        k->name = (const char *)p + 4;
        while (used < left && p[used])
            used++;
        used++;
    } else if (k->kind == PROP) {
        if (left < 12 || load(p + 4) > left - 12 || load(p + 8) >= t->end - t->names)
            return BAD;
        k->bytes = load(p + 4);
        k->name = (const char *)t->base + t->names + load(p + 8);
        k->value = p + 12;
        used = 12 + k->bytes;
    }
    if (aligned(used) > left)
        return BAD;
    *at += aligned(used);
    return k->kind;
}

/* One root, and the tokens end where the strings begin or before. */
static bool whole(const struct dt *t)
{
    uint32_t at = t->tokens;
    unsigned depth = 0, roots = 0;
    struct token k;

    for (;;) {
        switch (take(t, &at, &k)) {
        case BEGIN_NODE:
            roots += depth == 0;
            if (depth++ == DT_DEPTH)
                return false;
            break;
        case END_NODE:
            if (depth-- == 0)
                return false;
            break;
        case PROP:
            if (depth == 0)
                return false;
            break;
        case NOP:
            break;
        case END:
            return depth == 0 && roots == 1;
        default:
            return false;
        }
    }
}

/* The reserved ranges end with an empty one, before the tokens. */
static bool reserved_ends(const uint8_t *base, uint32_t at, uint32_t tokens)
{
    if (at < HEADER || at & 7)
        return false;
    for (; at <= tokens && tokens - at >= 16; at += 16)
        if (gd_load_be(base + at, 8) == 0 && gd_load_be(base + at + 8, 8) == 0)
            return true;
    return false;
}

uint32_t dt_total(const void *blob)
{
    const uint8_t *p = blob;
    uint32_t total = load(p + TOTAL);

    if (load(p) != DT_MAGIC || load(p + HAS_VERSION) < VERSION ||
        load(p + LAST_COMPATIBLE) > VERSION || total < HEADER || total > LARGEST)
        return 0;
    return total;
}

bool dt_open(struct dt *t, void *blob)
{
    const uint8_t *p = blob;
    uint32_t total = dt_total(blob), tokens_size = load(p + TOKENS_SIZE);
    uint32_t names_size = load(p + NAMES_SIZE);

    *t = (struct dt){ blob, load(p + TOKENS), load(p + NAMES), 0, total };
    if (t->tokens & 3 || t->names > total || t->tokens > t->names ||
        tokens_size > t->names - t->tokens || names_size > total - t->names || !names_size)
        return false;
    t->end = t->names + names_size;
    return p[t->end - 1] == 0 && reserved_ends(p, load(p + RESERVED), t->tokens) && whole(t);
}

void dt_close(struct dt *t)
{
    gd_store_be(t->base + TOTAL, t->end, 4);
    gd_store_be(t->base + NAMES, t->names, 4);
    gd_store_be(t->base + NAMES_SIZE, t->end - t->names, 4);
    gd_store_be(t->base + TOKENS_SIZE, t->names - t->tokens, 4);
}

/* ---- reading ---- */

/* The node behind one, and how much deeper it lies in *depth. */
static uint32_t next(const struct dt *t, uint32_t node, int *depth)
{
    uint32_t at = node ? node : t->tokens, here;
    struct token k;

    if (node)
        take(t, &at, &k);
    for (;;) {
        here = at;
        switch (take(t, &at, &k)) {
        case BEGIN_NODE:
            ++*depth;
            return here;
        case END_NODE:
            --*depth;
            break;
        case END:
        case BAD:
            return 0;
        }
    }
}

uint32_t dt_next(const struct dt *t, uint32_t node)
{
    int depth = 0;

    return next(t, node, &depth);
}

uint32_t dt_child(const struct dt *t, uint32_t parent, uint32_t prev)
{
    int depth = prev != 0; /* below the parent */
    uint32_t node = prev ? prev : parent;

    do
        node = next(t, node, &depth);
    while (node && depth > 1);
    return depth == 1 ? node : 0;
}

uint32_t dt_parent(const struct dt *t, uint32_t node)
{
    uint32_t way[DT_DEPTH + 1] = { 0 }, at = 0;
    int depth = 0;

    do {
        at = next(t, at, &depth);
        way[depth] = at;
    } while (at && at != node);
    return at ? way[depth - 1] : 0;
}

/* Is the node's name that of n characters at name, with its unit address or without? */
static bool is_named(const struct dt *t, uint32_t node, const char *name, size_t n)
{
    struct token k;

    take(t, &node, &k);
    return strlen(k.name) >= n && memcmp(k.name, name, n) == 0 &&
           (k.name[n] == 0 || k.name[n] == '@');
}

uint32_t dt_path(const struct dt *t, const char *path)
{
    uint32_t node = dt_next(t, 0);

    while (node && *path == '/' && path[1]) {
        const char *name = ++path;
        uint32_t child = 0;

        while (*path && *path != '/')
            path++;
        do
            child = dt_child(t, node, child);
        while (child && !is_named(t, child, name, (size_t)(path - name)));
        node = child;
    }
    return *path && path[1] ? 0 : node;
}

/* A property of the node, from *at, where it lies, to *behind. */
static bool find(const struct dt *t, uint32_t node, const char *name, struct token *k, uint32_t *at,
                 uint32_t *behind)
{
    size_t n = strlen(name) + 1;

    take(t, &node, k);
    for (*at = *behind = node; take(t, behind, k) == PROP || k->kind == NOP; *at = *behind)
        if (k->kind == PROP && strlen(k->name) + 1 == n && memcmp(k->name, name, n) == 0)
            return true;
    *behind = *at;
    return false;
}

const void *dt_get(const struct dt *t, uint32_t node, const char *name, uint32_t *bytes)
{
    uint32_t at, behind;
    struct token k;

    if (!node || !find(t, node, name, &k, &at, &behind))
        return NULL;
    if (bytes)
        *bytes = k.bytes;
    return k.value;
}

bool dt_lists(const struct dt *t, uint32_t node, const char *name, const char *word)
{
    uint32_t left, n = (uint32_t)strlen(word) + 1;
    const char *s = dt_get(t, node, name, &left);

    while (s && left >= n) {
        if (memcmp(s, word, n) == 0)
            return true;
        while (left && *s++) /* to the next string */
            left--;
        left -= left != 0;
    }
    return false;
}

/* ---- editing ---- */

/* Makes old bytes of the structure block, at at, into new ones. */
static bool replace(struct dt *t, uint32_t at, uint32_t old, uint32_t new)
{
    uint8_t *p = t->base + at;

    if (new > old &&new - old > t->room - t->end)
        return false;
    memmove(p + new, p + old, t->end - at - old);
    memset(p, 0, new);
    t->names += new - old;
    t->end += new - old;
    return true;
}

/* The offset of a property's name in the strings block, where it is added if need be; -1: no room. */
static int64_t name_offset(struct dt *t, const char *name)
{
    uint32_t n = (uint32_t)strlen(name) + 1, at = t->names;

    for (; at < t->end; at += (uint32_t)strlen((char *)t->base + at) + 1)
        if (t->end - at >= n && memcmp(t->base + at, name, n) == 0)
            return at - t->names;
    if (n > t->room - t->end)
        return -1;
    memcpy(t->base + t->end, name, n);
    t->end += n;
    return at - t->names;
}

bool dt_set(struct dt *t, uint32_t node, const char *name, const void *value, uint32_t bytes)
{
    uint32_t at, behind;
    int64_t offset = name_offset(t, name);
    struct token k;
    uint8_t *p;

    if (offset < 0 || bytes > t->room)
        return false;
    find(t, node, name, &k, &at, &behind);
    if (!replace(t, at, behind - at, 12 + aligned(bytes)))
        return false;
    p = t->base + at;
    gd_store_be(p, PROP, 4);
    gd_store_be(p + 4, bytes, 4);
    gd_store_be(p + 8, (uint64_t)offset, 4);
    memcpy(p + 12, value, bytes);
    return true;
}

uint32_t dt_add(struct dt *t, uint32_t parent, const char *name)
{
    uint32_t at, behind, n = (uint32_t)strlen(name) + 1;
    struct token k;

    find(t, parent, "", &k, &at, &behind);
    if (!replace(t, at, 0, 8 + aligned(n)))
        return 0;
    gd_store_be(t->base + at, BEGIN_NODE, 4);
    memcpy(t->base + at + 4, name, n);
    gd_store_be(t->base + at + 4 + aligned(n), END_NODE, 4);
    return at;
}

void dt_drop(struct dt *t, uint32_t node)
{
    uint32_t behind = node;
    unsigned depth = 0;
    struct token k;

    do {
        take(t, &behind, &k);
        depth += k.kind == BEGIN_NODE;
        depth -= k.kind == END_NODE;
    } while (depth);
    replace(t, node, behind - node, 0);
}
