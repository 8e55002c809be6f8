/* SPDX-License-Identifier: MIT */
/*
 * Bytes to frames. The first byte chooses the buffer's size and how the rest is cut in pieces;
 * the cut must not change what is seen, and every packet survives being framed again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rsp/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t events; /* a hash of what came, in order */
    unsigned packets;
};

static void note(struct seen *s, uint32_t value)
{
    s->events = s->events * 31 + value;
}

static void again(const uint8_t *payload, size_t n)
{
    size_t cap = 2 * n + GD_FRAME_EXTRA, len;
    uint8_t *wire = malloc(cap);

    len = wire ? gd_frame_encode(wire, cap, payload, n) : 0;
    if (len < GD_FRAME_EXTRA || wire[0] != '$' || wire[len - 3] != '#')
        abort();
    for (size_t i = 1; i < len - 3; i++)
        if (wire[i] == '$' || wire[i] == '#')
            abort();
    free(wire);
}

static struct seen feed(const uint8_t *data, size_t size, size_t cap, size_t piece)
{
    uint8_t *room = malloc(cap ? cap : 1);
    enum gd_frame_event event;
    struct seen s = { 0 };
    struct gd_frame f;

    gd_frame_init(&f, room, cap);
    for (size_t at = 0; at < size;) {
        size_t n = size - at < piece ? size - at : piece;
        size_t used = gd_frame_feed(&f, data + at, n, &event);

        if (used == 0 || used > n || f.len > cap || (event == GD_FRAME_MORE && used != n))
            abort();
        at += used;
        if (event != GD_FRAME_MORE)
            note(&s, event);
        if (event != GD_FRAME_PACKET)
            continue;
        for (size_t i = 0; i < f.len; i++)
            note(&s, room[i]);
        again(room, f.len);
        s.packets++;
    }
    free(room);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, pieces;

    if (size < 1)
        return 0;
    whole = feed(data + 1, size - 1, data[0] >> 2, SIZE_MAX);
    pieces = feed(data + 1, size - 1, data[0] >> 2, 1u + (data[0] & 3));
    if (whole.events != pieces.events || whole.packets != pieces.packets)
        abort();
    return 0;
}
