/* SPDX-License-Identifier: MIT */
/*
 * Reading and unpacking of files; see file.h. Every length in a file is checked before use.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bits.h"

#define MAX_FILE     ((uint64_t)4 << 30)
#define FIRST_BUFFER ((size_t)32 << 20)
#define PIECE        ((size_t)1 << 30) /* zlib counts in 32 bits */
#define GZIP_WINDOW                                                                                \
    (15 + 16) /* zlib.h, inflateInit2: 16 stands for "a gzip header, nothing else" */
#define ZBOOT_HEADER 64u

#define FAIL(...) (snprintf(err, errlen, __VA_ARGS__), -1)

void file_free(struct blob *b)
{
    free(b->data);
    *b = (struct blob){ 0 };
}

/* A full buffer twice as long, or its first. max: what it shall never exceed. */
static bool grow(struct blob *b, size_t *room, size_t first, uint64_t max)
{
    uint64_t want = *room ? (uint64_t)*room * 2 : first;
    uint8_t *p;

    if (want > max)
        want = max;
    if (want <= *room || !(p = realloc(b->data, (size_t)want)))
        return false;
    b->data = p;
    *room = (size_t)want;
    return true;
}

/* To its end: files of /proc do not tell their size. */
static int read_whole(int fd, size_t size, const char *path, const char *what, struct blob *b,
                      char *err, size_t errlen)
{
    size_t room = 0;

    for (;;) {
        ssize_t n;

        if (b->len == room && !grow(b, &room, size + 1, MAX_FILE + 1))
            return FAIL("the %s %s is too big", what, path);
        n = read(fd, b->data + b->len, room - b->len);
        if (n == 0)
            return b->len ? 0 : FAIL("the %s %s is empty", what, path);
        if (n > 0)
            b->len += (size_t)n;
        else if (errno != EINTR)
            return FAIL("cannot read %s: %s", path, strerror(errno));
    }
}

/* O_NONBLOCK: a FIFO is refused, not waited for. */
int file_read(const char *path, const char *what, struct blob *out, char *err, size_t errlen)
{
    int ret, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    *out = (struct blob){ 0 };
    if (fd < 0)
        return FAIL("cannot open the %s %s: %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        ret = FAIL("the %s %s is not a regular file", what, path);
    else if ((uint64_t)st.st_size > MAX_FILE)
        ret = FAIL("the %s %s is too big", what, path);
    else
        ret = read_whole(fd, (size_t)st.st_size, path, what, out, err, errlen);
    close(fd);
    if (ret < 0)
        file_free(out);
    return ret;
}

/* One growing buffer, and zlib's verdict in *verdict. Returns -1 if max bytes are not enough. */
static int inflate_all(z_stream *z, uint64_t max, struct blob *out, int *verdict)
{
    size_t room = 0;

    do {
        size_t piece;

        if (out->len == room && !grow(out, &room, FIRST_BUFFER, max + 1))
            return -1;
        piece = room - out->len < PIECE ? room - out->len : PIECE;
        z->next_out = out->data + out->len;
        z->avail_out = (uInt)piece;
        *verdict = inflate(z, Z_NO_FLUSH);
        out->len += piece - z->avail_out;
    } while (*verdict == Z_OK && z->avail_out == 0);
    return out->len > max ? -1 : 0;
}

static int gunzip(const char *path, uint64_t max, const char *what, const struct blob *in,
                  struct blob *out, char *err, size_t errlen)
{
    z_stream z = { .next_in = in->data, .avail_in = (uInt)in->len };
    int ret, verdict = Z_DATA_ERROR;

    if (in->len > UINT32_MAX || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return FAIL("%s is too big to unpack", path);
    ret = inflate_all(&z, max, out, &verdict);
    inflateEnd(&z);
    if (ret < 0)
        return out->len > max ? FAIL("%s is larger when unpacked than %s", path, what)
                              : FAIL("no memory to unpack %s", path);
    if (verdict == Z_STREAM_END)
        return 0;
    if (verdict == Z_OK || verdict == Z_BUF_ERROR)
        return FAIL("%s is truncated: its gzip data ends early", path);
    return FAIL("%s is damaged: its gzip data does not unpack", path);
}

/*
 * drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg" at 4, payload offset and size at 8,
 * kind at 24.
 */
static int unwrap_zboot(const char *path, const struct blob *b, struct blob *payload, char *err,
                        size_t errlen)
{
    const char *kind = (const char *)b->data + 24;
    uint64_t at = gd_load_le(b->data + 8, 4), len = gd_load_le(b->data + 12, 4);

    if (at > b->len || len > b->len - at)
        return FAIL("%s is truncated: its packed kernel is not whole", path);
    if (strncmp(kind, "gzip", 5) != 0)
        return FAIL("%s is packed with %.8s inside an EFI program; unpack it to a plain Image",
                    path, kind);
    *payload = (struct blob){ .data = b->data + at, .len = (size_t)len };
    return 0;
}

int file_unpack(const char *path, uint64_t max, const char *what, struct blob *b, char *err,
                size_t errlen)
{
    struct blob packed = *b, plain = { 0 };

    if (b->len >= ZBOOT_HEADER && memcmp(b->data, "MZ", 2) == 0 &&
        memcmp(b->data + 4, "zimg", 4) == 0) {
        if (unwrap_zboot(path, b, &packed, err, errlen) < 0)
            return -1;
    } else if (b->len < 2 || b->data[0] != 0x1f || b->data[1] != 0x8b) {
        return 0;
    }
    if (gunzip(path, max, what, &packed, &plain, err, errlen) < 0) {
        file_free(&plain);
        return -1;
    }
    file_free(b);
    *b = plain;
    return 0;
}
