/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer; see buf.h. LEB128: DWARF 5, 7.6.
 */
#include "buf.h"

#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ 0 };
}

static bool room(struct buf *b, size_t len)
{
    size_t cap = b->cap ? b->cap : 4096;
    uint8_t *p;

    if (b->failed)
        return false;
    while (cap - b->len < len)
        cap *= 2;
    if (cap == b->cap)
        return true;
    p = realloc(b->data, cap);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->data = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    if (len == 0 || !room(b, len))
        return;
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_zero(struct buf *b, size_t len)
{
    if (len == 0 || !room(b, len))
        return;
    memset(b->data + b->len, 0, len);
    b->len += len;
}

void buf_u8(struct buf *b, unsigned v)
{
    uint8_t byte = (uint8_t)v;

    buf_put(b, &byte, 1);
}

void buf_le(struct buf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_u8(b, v >> 8 * i & 0xff);
}

void buf_uleb(struct buf *b, uint64_t v)
{
    do {
        uint8_t byte = v & 0x7f;

        v >>= 7;
        buf_u8(b, byte | (v ? 0x80 : 0));
    } while (v);
}

void buf_sleb(struct buf *b, int64_t v)
{
    bool more = true;

    while (more) {
        uint8_t byte = v & 0x7f;

        v = v < 0 ? ~(~v >> 7) : v >> 7;
        more = !((v == 0 && !(byte & 0x40)) || (v == -1 && (byte & 0x40)));
        buf_u8(b, byte | (more ? 0x80 : 0));
    }
}

void buf_patch32(struct buf *b, size_t at, uint32_t v)
{
    if (b->failed)
        return;
    for (unsigned i = 0; i < 4; i++)
        b->data[at + i] = (uint8_t)(v >> 8 * i);
}
