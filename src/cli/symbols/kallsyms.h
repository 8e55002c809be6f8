/* SPDX-License-Identifier: MIT */
/*
 * A kernel's symbols out of a /proc/kallsyms listing. Modules' symbols are left out: where they lie
 * differs from boot to boot.
 */
#ifndef CLI_SYMBOLS_KALLSYMS_H
#define CLI_SYMBOLS_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t addr;
    uint64_t size;    /* up to the next symbol at another address */
    const char *name; /* in the listing's own memory */
    char type;        /* as nm(1) has it */
};

struct symbols {
    struct symbol *list; /* by address, then in the listing's order */
    size_t count;
    uint64_t start, end; /* _text and _end */
    bool end_known;      /* _end is in the listing; else end is after the last symbol */
};

/*
 * Parses text of len bytes in place; it must outlive the result and end with a zero byte at
 * text[len]. Returns 0, or -1 with a sentence in err.
 */
int kallsyms_parse(char *text, size_t len, struct symbols *out, char *err, size_t errlen);
void kallsyms_free(struct symbols *s);

/* The address of a name, 0 if there is none. */
uint64_t kallsyms_find(const struct symbols *s, const char *name);

bool symbol_is_code(const struct symbol *s);

#endif
