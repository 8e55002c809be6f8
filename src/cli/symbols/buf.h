/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer. After a failed allocation it takes nothing more and `failed` says so once,
 * at the end, instead of at every call.
 */
#ifndef CLI_SYMBOLS_BUF_H
#define CLI_SYMBOLS_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len, cap;
    bool failed;
};

void buf_free(struct buf *b);
void buf_put(struct buf *b, const void *data, size_t len);
void buf_zero(struct buf *b, size_t len);
void buf_u8(struct buf *b, unsigned v);
void buf_le(struct buf *b, uint64_t v, unsigned bytes);
void buf_uleb(struct buf *b, uint64_t v);
void buf_sleb(struct buf *b, int64_t v);

/* Overwrites 4 bytes written earlier. */
void buf_patch32(struct buf *b, size_t at, uint32_t v);

#endif
