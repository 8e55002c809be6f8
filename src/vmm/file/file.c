/* SPDX-License-Identifier: MIT */
/*
 * Reading and unpacking of files; see file.h. Every length in a file is checked before use.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_FILE     ((uint64_t)4 << 30)
#define FIRST_BUFFER ((size_t)32 << 20)
#define GZIP_WINDOW                                                                                \
    (15 + 16) /* zlib.h, inflateInit2: 16 stands for "a gzip header, nothing else" */
#define ZBOOT_HEADER 64u

#define FAIL(...) (snprintf(err, errlen, __VA_ARGS__), -1)

void file_free(struct blob *b)
{
    free(b->data);
    *b = (struct blob){ 0 };
}

static int read_whole(int fd, const char *path, struct blob *b, char *err, size_t errlen)
{
    size_t have = 0;

    while (have < b->len) {
        ssize_t n = read(fd, b->data + have, b->len - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL("cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            return FAIL("cannot read %s: it became shorter meanwhile", path);
        have += (size_t)n;
    }
    return 0;
}

int file_read(const char *path, const char *what, struct blob *out, char *err, size_t errlen)
{
    int ret, fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    *out = (struct blob){ 0 };
    if (fd < 0)
        return FAIL("cannot open the %s %s: %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        ret = FAIL("the %s %s is not a regular file", what, path);
    } else if (st.st_size == 0) {
        ret = FAIL("the %s %s is empty", what, path);
    } else if ((uint64_t)st.st_size > MAX_FILE || !(out->data = malloc((size_t)st.st_size))) {
        ret = FAIL("the %s %s is too big", what, path);
    } else {
        out->len = (size_t)st.st_size;
        ret = read_whole(fd, path, out, err, errlen);
    }
    close(fd);
    if (ret < 0)
        file_free(out);
    return ret;
}

/* One growing buffer, and zlib's verdict in *verdict. Returns -1 if max bytes are not enough. */
static int inflate_all(z_stream *z, uint64_t max, struct blob *out, int *verdict)
{
    do {
        size_t cap = out->len ? out->len * 2 : FIRST_BUFFER;
        uint8_t *p;

        if (out->len > max || !(p = realloc(out->data, cap)))
            return -1;
        out->data = p;
        z->next_out = p + out->len;
        z->avail_out = (uInt)(cap - out->len);
        *verdict = inflate(z, Z_NO_FLUSH);
        out->len = cap - z->avail_out;
    } while (*verdict == Z_OK && z->avail_out == 0);
    return out->len > max ? -1 : 0;
}

static int gunzip(const char *path, uint64_t max, const struct blob *in, struct blob *out,
                  char *err, size_t errlen)
{
    z_stream z = { .next_in = in->data, .avail_in = (uInt)in->len };
    int ret, verdict = Z_DATA_ERROR;

    if (in->len > UINT32_MAX || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return FAIL("%s is too big to unpack", path);
    ret = inflate_all(&z, max, out, &verdict);
    inflateEnd(&z);
    if (ret < 0)
        return FAIL("%s is larger than the guest's memory when unpacked; give it more --memory",
                    path);
    if (verdict == Z_STREAM_END)
        return 0;
    if (verdict == Z_OK || verdict == Z_BUF_ERROR)
        return FAIL("%s is truncated: its gzip data ends early", path);
    return FAIL("%s is damaged: its gzip data does not unpack", path);
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg" at 4, payload offset and size at 8,
 * kind at 24.
 */
static int unwrap_zboot(const char *path, const struct blob *b, struct blob *payload, char *err,
                        size_t errlen)
{
    const char *kind = (const char *)b->data + 24;
    uint64_t at = le32(b->data + 8), len = le32(b->data + 12);

    if (at > b->len || len > b->len - at)
        return FAIL("%s is truncated: its packed kernel is not whole", path);
    if (strncmp(kind, "gzip", 5) != 0)
        return FAIL("%s is packed with %.8s inside an EFI program; unpack it to a plain Image",
                    path, kind);
    *payload = (struct blob){ .data = b->data + at, .len = (size_t)len };
    return 0;
}

int file_unpack(const char *path, uint64_t max, struct blob *b, char *err, size_t errlen)
{
    struct blob packed = *b, plain = { 0 };

    if (b->len >= ZBOOT_HEADER && memcmp(b->data, "MZ", 2) == 0 &&
        memcmp(b->data + 4, "zimg", 4) == 0) {
        if (unwrap_zboot(path, b, &packed, err, errlen) < 0)
            return -1;
    } else if (b->len < 2 || b->data[0] != 0x1f || b->data[1] != 0x8b) {
        return 0;
    }
    if (gunzip(path, max, &packed, &plain, err, errlen) < 0) {
        file_free(&plain);
        return -1;
    }
    file_free(b);
    *b = plain;
    return 0;
}
