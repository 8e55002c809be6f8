/* SPDX-License-Identifier: MIT */
/*
 * Reading and editing a flattened device tree where it lies (Devicetree Specification 0.4, chapter 5),
 * as much of it as the monitor needs: a whole library for it is a tenth of the monitor.
 */
#ifndef DT_H
#define DT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DT_DEPTH 16 /* nodes one inside the other, the root included */

/* Offsets from base. A node is the offset of its first token; 0 is none. Editing moves what lies behind. */
struct dt {
    uint8_t *base;
    uint32_t tokens, names, end; /* structure block, strings block, and where that ends */
    uint32_t room;               /* bytes from base on that edits may fill */
};

/* Bytes that the header claims, or 0 if there is none (of version 17 or one compatible). */
uint32_t dt_total(const void *blob);
/* Checks the whole of it: true, and everything else here can rely on it. All of dt_total() is there to read. */
bool dt_open(struct dt *t, void *blob);
/* Makes the header fit what was edited, without space behind the strings. */
void dt_close(struct dt *t);

/* The next node in the order of the text; 0 begins, at the root. */
uint32_t dt_next(const struct dt *t, uint32_t node);
/* The children of a node: prev is the one before, 0 begins. */
uint32_t dt_child(const struct dt *t, uint32_t parent, uint32_t prev);
uint32_t dt_parent(const struct dt *t, uint32_t node);
/* By an absolute path, whose names may leave out the unit address. */
uint32_t dt_path(const struct dt *t, const char *path);
/* A property's value, NULL if there is none. bytes may be NULL. */
const void *dt_get(const struct dt *t, uint32_t node, const char *name, uint32_t *bytes);
/* Is word one of the strings of a property? */
bool dt_lists(const struct dt *t, uint32_t node, const char *name, const char *word);
/* Number i of the 32-bit values of a property; its length was looked at. */
uint32_t dt_cell(const void *value, uint32_t i);

/* Sets a property anew. False: no room. */
bool dt_set(struct dt *t, uint32_t node, const char *name, const void *value, uint32_t bytes);
/* Adds a node before the other children; 0: no room. */
uint32_t dt_add(struct dt *t, uint32_t parent, const char *name);
void dt_drop(struct dt *t, uint32_t node);

#endif
