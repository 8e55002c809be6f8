/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by virtual address, through the tables of the vCPU chosen by Hg: m M x X
 * qSearch:memory qCRC. Reads may come up short, which the protocol allows, and never make up a
 * byte: what cannot be read is an error with its reason. Planted breakpoints are hidden by the
 * engine.
 */
#include <string.h>

#include "base/bits.h"
#include "rsp/state.h"

uint8_t *gd_rsp_tail(const struct gd_out *o, size_t n)
{
    return o->buf + (o->cap - n);
}

/* "addr,len" up to the end or to `until`. */
static int range(struct gd_session *s, struct gd_cur *c, uint64_t *addr, uint64_t *len, char sep)
{
    if (gd_cur_hex(c, addr) < 0 || !gd_cur_char(c, sep) || gd_cur_hex(c, len) < 0)
        return gd_rsp_malformed(s, "expected address and length");
    return GD_OK;
}

/* Reads at most n bytes, fewer at the end of what is mapped or of the address space. */
static int read_some(struct gd_session *s, uint64_t addr, uint8_t *buf, uint64_t n, size_t *done)
{
    int err;

    if (n && addr + (n - 1) < addr)
        n = 0 - addr;
    *done = 0;
    err = gd_engine_read(rsp_engine(s), s->general, addr, buf, (size_t)n, done);
    return *done ? GD_OK : err;
}

int gd_rsp_m(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    uint8_t *buf;
    size_t n, done;
    int err = range(s, c, &addr, &len, ',');

    if (err < 0)
        return err;
    if (!gd_cur_end(c) || len == 0)
        return gd_rsp_malformed(s, "expected address and a length above 0");
    n = len < o->cap / 2 ? (size_t)len : o->cap / 2;
    buf = gd_rsp_tail(o, n);
    err = read_some(s, addr, buf, n, &done);
    if (err == GD_OK)
        gd_put_hex_bytes(o, buf, done);
    return err;
}

/* Every binary reply begins with 'b' (GDB 16.2, LLDB 21). Older LLDBs ask "x0,0" first and would
 * take unprefixed data only after OK; the 'b' tells them to stay with m. */
int gd_rsp_x(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    size_t done;
    int err = range(s, c, &addr, &len, ',');

    if (err < 0)
        return err;
    if (!gd_cur_end(c))
        return gd_rsp_malformed(s, "expected address and length");
    gd_put_byte(o, 'b');
    if (len == 0)
        return GD_OK;
    if (len > o->cap - o->len)
        len = o->cap - o->len;
    err = read_some(s, addr, o->buf + o->len, len, &done);
    if (err == GD_OK)
        o->len += gd_frame_fit(o->buf + o->len, done, o->cap - o->len);
    return err;
}

static int write_all(struct gd_session *s, uint64_t addr, const uint8_t *data, size_t n,
                     struct gd_out *o)
{
    size_t done;
    int err = GD_OK;

    if (n) {
        if (addr + (n - 1) < addr)
            return gd_rsp_malformed(s, "range beyond the end of the address space");
        err = gd_engine_write(rsp_engine(s), s->general, addr, data, n, &done);
    }
    if (err == GD_OK)
        gd_put_str(o, "OK");
    return err;
}

int gd_rsp_M(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    uint8_t *data;
    int err = range(s, c, &addr, &len, ',');

    if (err < 0)
        return err;
    data = c->p;
    if (!gd_cur_char(c, ':') || gd_cur_left(c) % 2 || len != gd_cur_left(c) / 2 ||
        gd_cur_bytes(c, data, (size_t)len) < 0)
        return gd_rsp_malformed(s, "length and data differ");
    return write_all(s, addr, data, (size_t)len, o);
}

int gd_rsp_X(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    int err = range(s, c, &addr, &len, ',');

    if (err < 0)
        return err;
    if (!gd_cur_char(c, ':') || len != gd_cur_left(c))
        return gd_rsp_malformed(s, "length and data differ");
    return write_all(s, addr, c->p, (size_t)len, o);
}

/* A guest's tables can claim to map the whole address space: what goes through memory ends here. */
#define SPAN_MAX (1ull << 30)

static int too_long(struct gd_session *s)
{
    return gd_rsp_malformed(s, "more than 1 GiB at a time");
}

/* ---- search ---- */

/* Offset of the first pattern in buf, n if there is none. What is compared counts as gone through. Looks
 * for the first byte unlike those before it: memory has long runs, of zeros above all. */
static size_t find(const uint8_t *buf, size_t n, const uint8_t *pattern, size_t len, uint64_t *left)
{
    size_t rare = 0;

    while (rare + 1 < len && pattern[rare] == pattern[0])
        rare++;
    for (size_t i = 0; i + len <= n; i++) {
        if (buf[i + rare] != pattern[rare])
            continue;
        if (memcmp(buf + i, pattern, len) == 0)
            return i;
        *left -= *left < len ? *left : len;
    }
    return n;
}

/* The pattern is binary, whatever the manual says: GDB sends it escaped. */
int gd_rsp_search(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    uint64_t left = SPAN_MAX;
    size_t pattern, n, at;
    int err = range(s, c, &addr, &len, ';');

    if (err < 0)
        return err;
    if (!gd_cur_char(c, ';') || gd_cur_end(c))
        return gd_rsp_malformed(s, "no pattern");
    pattern = gd_cur_left(c);
    if (pattern > o->cap / 2)
        return gd_rsp_malformed(s, "pattern too long");
    if (len && addr + (len - 1) < addr)
        len = 0 - addr;
    while (len >= pattern) {
        if (left < pattern)
            return too_long(s);
        n = len < o->cap ? (size_t)len : o->cap;
        if (n > left)
            n = (size_t)left;
        err = gd_engine_read(rsp_engine(s), s->general, addr, o->buf, n, &at);
        if (err < 0 && at < pattern)
            return err;
        n = at;
        at = find(o->buf, n, c->p, pattern, &left);
        if (at < n) {
            gd_put_fmt(o, "1,%lx", addr + at);
            return GD_OK;
        }
        n -= pattern - 1;
        addr += n;
        len -= n;
        left -= left < n ? left : n;
    }
    gd_put_byte(o, '0');
    return GD_OK;
}

/* ---- checksum ---- */

/* CRC-32 as GDB's compare-sections has it: polynomial 0x04c11db7, most significant bit first,
 * start value all ones, not inverted at the end. Four bits at a time. */
static uint32_t crc32(uint32_t crc, const uint8_t *p, size_t n)
{
    static const uint32_t step[16] = {
        0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
        0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
        0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
    };

    for (size_t i = 0; i < n; i++) {
        crc = crc << 4 ^ step[(crc >> 28 ^ p[i] >> 4) & 15];
        crc = crc << 4 ^ step[(crc >> 28 ^ p[i]) & 15];
    }
    return crc;
}

int gd_rsp_crc(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    uint64_t addr, len;
    uint32_t crc = 0xffffffff;
    size_t n, done;
    int err = range(s, c, &addr, &len, ',');

    if (err < 0)
        return err;
    if (!gd_cur_end(c) || (len && addr + (len - 1) < addr) || o->cap == 0)
        return gd_rsp_malformed(s, "expected address and length");
    if (len > SPAN_MAX)
        return too_long(s);
    while (len) {
        n = len < o->cap ? (size_t)len : o->cap;
        err = gd_engine_read(rsp_engine(s), s->general, addr, o->buf, n, &done);
        if (err < 0)
            return err;
        crc = crc32(crc, o->buf, n);
        addr += n;
        len -= n;
    }
    gd_put_fmt(o, "C%x", crc);
    return GD_OK;
}
