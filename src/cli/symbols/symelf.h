/* SPDX-License-Identifier: MIT */
/*
 * Writes an ELF file that holds nothing but symbols, empty sections for them to lie in, and unwind
 * rules.
 */
#ifndef CLI_SYMBOLS_SYMELF_H
#define CLI_SYMBOLS_SYMELF_H

#include <stdint.h>

#include "buf.h"
#include "kallsyms.h"

/* debug_frame: the section's bytes; NULL or empty: none. Check out->failed afterwards. */
void symelf_write(const struct symbols *s, uint16_t machine, uint32_t flags,
                  const struct buf *debug_frame, struct buf *out);

#endif
