/* SPDX-License-Identifier: MIT */
/*
 * Writing a guest's device tree with libfdt's sequential writer, for every machine's fdt.c: nodes,
 * properties of cells, and one error that sticks. Included by those files alone, hence the short names.
 */
#ifndef VMM_TREE_H
#define VMM_TREE_H

#include <libfdt.h>
#include <stdint.h>
#include <string.h>

/* The first libfdt error sticks; later calls then do nothing. */
struct tree {
    void *fdt;
    int err;
};

static inline void begin(struct tree *t, const char *name)
{
    if (!t->err)
        t->err = fdt_begin_node(t->fdt, name);
}

static inline void end(struct tree *t)
{
    if (!t->err)
        t->err = fdt_end_node(t->fdt);
}

static inline void bytes(struct tree *t, const char *name, const void *value, size_t len)
{
    if (!t->err)
        t->err = fdt_property(t->fdt, name, value, (int)len);
}

static inline void text(struct tree *t, const char *name, const char *value)
{
    bytes(t, name, value, strlen(value) + 1);
}

static inline void cells(struct tree *t, const char *name, const uint32_t *value, size_t n)
{
    fdt32_t be[24];

    for (size_t i = 0; i < n; i++)
        be[i] = cpu_to_fdt32(value[i]);
    bytes(t, name, be, n * sizeof(be[0]));
}

static inline void cell(struct tree *t, const char *name, uint32_t value)
{
    cells(t, name, &value, 1);
}

/* 64-bit values, for addresses and sizes of two cells each. */
static inline void quads(struct tree *t, const char *name, const uint64_t *value, size_t n)
{
    fdt64_t be[8];

    for (size_t i = 0; i < n; i++)
        be[i] = cpu_to_fdt64(value[i]);
    bytes(t, name, be, n * sizeof(be[0]));
}

#define CELLS(t, name, ...)                                                                        \
    cells(t, name, (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)
#define QUADS(t, name, ...)                                                                        \
    quads(t, name, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)
#define LIST(t, name, s) bytes(t, name, s, sizeof(s))

#endif
