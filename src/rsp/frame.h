/* SPDX-License-Identifier: MIT */
/*
 * Bytes to packets and back (GDB manual, "Overview" of the remote protocol): checksum, escapes,
 * run-length coding of what we send. Incremental: state lives in the struct, the packet in the
 * buffer handed in, and a call takes any number of bytes.
 */
#ifndef GD_FRAME_H
#define GD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gd_frame {
    uint8_t *buf; /* the packet's payload, escapes undone */
    size_t cap, len;
    uint8_t state;
    uint8_t sum;  /* of the bytes as they arrived */
    uint8_t told; /* checksum digits seen so far */
    bool over;    /* the payload did not fit */
};

enum gd_frame_event {
    GD_FRAME_MORE,   /* all bytes taken, nothing complete */
    GD_FRAME_PACKET, /* buf[0 .. len) is a packet */
    GD_FRAME_BAD,    /* wrong checksum or broken escape */
    GD_FRAME_LONG,   /* well formed, but longer than cap */
    GD_FRAME_BREAK,  /* 0x03 between packets */
    GD_FRAME_ACK,
    GD_FRAME_NACK,
};

void gd_frame_init(struct gd_frame *f, uint8_t *buf, size_t cap);
/* Takes bytes up to the first event; returns how many. The packet stays in buf until the next
 * call. */
size_t gd_frame_feed(struct gd_frame *f, const uint8_t *bytes, size_t n,
                     enum gd_frame_event *event);

#define GD_FRAME_EXTRA 4 /* '$' '#' and two digits */

/* Frames src as a packet in dst, with escapes and run lengths; returns the bytes written, 0 if
 * they do not fit. src may lie in dst's buffer if it ends where that ends and the buffer has
 * room for 2 * n + GD_FRAME_EXTRA bytes. */
size_t gd_frame_encode(uint8_t *dst, size_t cap, const uint8_t *src, size_t n);
/* How many bytes of src take at most limit bytes when escaped. */
size_t gd_frame_fit(const uint8_t *src, size_t n, size_t limit);

#endif
