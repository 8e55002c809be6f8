/* SPDX-License-Identifier: MIT */
/*
 * Files and their wrappings: gzip, EFI zboot, neither; whole, cut short and damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "vmm/file/file.h"

#define PLAIN_LEN 100000u
#define NO_LIMIT  ((uint64_t)1 << 30)

static uint8_t plain[PLAIN_LEN];
static struct blob packed;
static char err[256];

static struct blob clone(const struct blob *b, size_t len)
{
    struct blob c = { .data = malloc(len ? len : 1), .len = len };

    memcpy(c.data, b->data, len);
    return c;
}

static void gzip_is_unpacked(void **state)
{
    struct blob b = clone(&packed, packed.len);

    (void)state;
    assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), 0);
    assert_int_equal(b.len, PLAIN_LEN);
    assert_memory_equal(b.data, plain, PLAIN_LEN);
    file_free(&b);
}

static void what_is_not_packed_stays_as_it_is(void **state)
{
    struct blob b = clone(&(struct blob){ plain, PLAIN_LEN }, PLAIN_LEN);
    uint8_t *before = b.data;

    (void)state;
    assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), 0);
    assert_ptr_equal(b.data, before);
    assert_int_equal(b.len, PLAIN_LEN);
    file_free(&b);
}

static void gzip_cut_short_is_named_truncated_at_every_length(void **state)
{
    (void)state;
    for (size_t len = 2; len < packed.len; len += len < 40 || len + 40 > packed.len ? 1 : 9973) {
        struct blob b = clone(&packed, len);

        assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), -1);
        assert_non_null(strstr(err, "truncated"));
        file_free(&b);
    }
}

static void damaged_gzip_is_named_damaged(void **state)
{
    struct blob b = clone(&packed, packed.len);

    (void)state;
    b.data[b.len / 2] ^= 0x55;
    assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "damaged"));
    file_free(&b);
}

static void unpacking_stops_at_the_limit(void **state)
{
    struct blob b = clone(&packed, packed.len);

    (void)state;
    assert_int_equal(file_unpack("F", PLAIN_LEN - 1, "ROOM", &b, err, sizeof(err)), -1);
    assert_string_equal(err, "F is larger when unpacked than ROOM");
    assert_int_equal(file_unpack("F", PLAIN_LEN, "ROOM", &b, err, sizeof(err)), 0);
    file_free(&b);
}

static struct blob zboot(const char *kind, uint32_t at, uint32_t len)
{
    struct blob b = { .data = calloc(1, 64 + packed.len), .len = 64 + packed.len };

    memcpy(b.data, "MZ\0\0zimg", 8);
    for (unsigned i = 0; i < 4; i++) {
        b.data[8 + i] = (uint8_t)(at >> 8 * i);
        b.data[12 + i] = (uint8_t)(len >> 8 * i);
    }
    memcpy(b.data + 24, kind, strlen(kind));
    memcpy(b.data + 64, packed.data, packed.len);
    return b;
}

static void zboot_with_gzip_is_unpacked_and_other_kinds_are_named(void **state)
{
    struct blob b = zboot("gzip", 64, (uint32_t)packed.len);

    (void)state;
    assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), 0);
    assert_int_equal(b.len, PLAIN_LEN);
    assert_memory_equal(b.data, plain, PLAIN_LEN);
    file_free(&b);
    b = zboot("zstd22", 64, (uint32_t)packed.len);
    assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "zstd22"));
    file_free(&b);
}

static void zboot_whose_payload_leaves_the_file_is_refused(void **state)
{
    static const struct {
        uint32_t at, len;
    } bad[] = { { 65, 0 }, { UINT32_MAX, 1 }, { 64, UINT32_MAX }, { 1, UINT32_MAX } };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct blob b = zboot("gzip", bad[i].at, i == 0 ? (uint32_t)packed.len : bad[i].len);

        assert_int_equal(file_unpack("F", NO_LIMIT, "ROOM", &b, err, sizeof(err)), -1);
        assert_non_null(strstr(err, "truncated"));
        file_free(&b);
    }
}

static void files_that_cannot_be_used_are_named_with_the_cause(void **state)
{
    char path[] = "/tmp/test_file_XXXXXX";
    int fd = mkstemp(path);
    struct blob b;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(file_read(path, "kernel", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "empty"));
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_int_equal(file_read(path, "kernel", &b, err, sizeof(err)), 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "abc", 3);
    file_free(&b);
    unlink(path);
    assert_int_equal(file_read(path, "kernel", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "No such file"));
    assert_int_equal(file_read("/", "initrd", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "initrd / is not a regular file"));
    assert_int_equal(mkfifo(path, 0600), 0); /* waits for nobody */
    assert_int_equal(file_read(path, "kernel", &b, err, sizeof(err)), -1);
    assert_non_null(strstr(err, "not a regular file"));
    unlink(path);
}

static void a_file_of_proc_is_read_though_its_size_is_zero(void **state)
{
    struct blob b;

    (void)state;
    assert_int_equal(file_read("/proc/self/status", "listing", &b, err, sizeof(err)), 0);
    assert_true(b.len > 100);
    assert_memory_equal(b.data, "Name:", 5);
    file_free(&b);
}

static int pack(void **state)
{
    z_stream z = { 0 };
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < PLAIN_LEN; i++) {
        seed = seed * 1664525 + 1013904223;
        plain[i] = (uint8_t)(seed >> 28);
    }
    packed.data = malloc(PLAIN_LEN);
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -1;
    z.next_in = plain;
    z.avail_in = PLAIN_LEN;
    z.next_out = packed.data;
    z.avail_out = PLAIN_LEN;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        return -1;
    packed.len = z.total_out;
    return deflateEnd(&z);
}

static int unpack(void **state)
{
    (void)state;
    file_free(&packed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_is_unpacked),
        cmocka_unit_test(what_is_not_packed_stays_as_it_is),
        cmocka_unit_test(gzip_cut_short_is_named_truncated_at_every_length),
        cmocka_unit_test(damaged_gzip_is_named_damaged),
        cmocka_unit_test(unpacking_stops_at_the_limit),
        cmocka_unit_test(zboot_with_gzip_is_unpacked_and_other_kinds_are_named),
        cmocka_unit_test(zboot_whose_payload_leaves_the_file_is_refused),
        cmocka_unit_test(files_that_cannot_be_used_are_named_with_the_cause),
        cmocka_unit_test(a_file_of_proc_is_read_though_its_size_is_zero),
    };

    return cmocka_run_group_tests_name("file", tests, pack, unpack);
}
