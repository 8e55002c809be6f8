/* SPDX-License-Identifier: MIT */
/*
 * guestdbg symbols: a kallsyms listing, and if given the kernel it is of, to a small ELF with
 * symbols and unwind rules. Distribution kernels come without either, and their debug packages are
 * a gigabyte.
 */
#include "cli.h"

#include <argp.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../vmm/file/file.h"
#include "base/bits.h"
#include "symbols/symelf.h"
#include "symbols/unwind_arm64.h"

#define PPC64_ABI_V2 2u /* e_flags, OpenPOWER ELF V2 ABI */
#define IMAGE_MAX    ((uint64_t)1 << 30)
#define IMAGE_HEADER 64u /* Documentation/arch/arm64/booting.rst, 4 */
#define IMAGE_MAGIC  "ARM\x64"
#define ERR_MAX      256

enum { OPT_ARCH = 0x100, OPT_IMAGE };

static const struct argp_option options[] = {
    { "arch", OPT_ARCH, "arm64|ppc64le", 0, "what the kernel runs on (arm64)", 0 },
    { "image", OPT_IMAGE, "FILE", 0,
      "the kernel of the listing, an arm64 Image, plain or gzip'd: makes the unwind rules "
      "exact at every instruction",
      0 },
    { 0 },
};

struct args {
    const char *kallsyms, *out, *image;
    bool ppc64;
};

static error_t parse(int key, char *arg, struct argp_state *st)
{
    struct args *a = st->input;

    switch (key) {
    case OPT_ARCH:
        a->ppc64 = strcmp(arg, "ppc64le") == 0;
        if (!a->ppc64 && strcmp(arg, "arm64") != 0)
            argp_error(st, "--arch is arm64 or ppc64le, not '%s'", arg);
        break;
    case OPT_IMAGE:
        a->image = arg;
        break;
    case ARGP_KEY_ARG:
        if (st->arg_num > 1)
            argp_error(st, "'%s' is one argument too many", arg);
        *(st->arg_num == 0 ? &a->kallsyms : &a->out) = arg;
        break;
    case ARGP_KEY_END:
        if (!a->out)
            argp_error(st, "KALLSYMS and OUT.elf are both needed");
        if (a->image && a->ppc64)
            argp_error(st,
                       "--image is for arm64; ppc64le's kernels carry unwind rules of their own");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "KALLSYMS OUT.elf",
    .doc =
        "Makes a small ELF with a kernel's symbols, and for arm64 unwind rules, from a copy of its "
        "/proc/kallsyms.\v"
        "In GDB: `symbol-file OUT.elf`. The addresses are those of the boot that the listing comes "
        "from; with `nokaslr` they are the same at every boot.",
};

/*
 * arch/arm64/kernel/head.S: the second word of an Image that is also an EFI program branches to
 * primary_entry.
 */
static bool entry_matches(const uint8_t *image, const struct symbols *s)
{
    uint64_t entry = kallsyms_find(s, "primary_entry");
    uint32_t word = (uint32_t)gd_load_le(image + 4, 4);

    return !entry || word >> 26 != 5 || entry - s->start == 4 + 4 * (uint64_t)(word & 0x3ffffff);
}

static int check_image(const char *path, const struct blob *b, const struct symbols *s, char *err)
{
    uint64_t size;

    if (b->len < IMAGE_HEADER || memcmp(b->data + 56, IMAGE_MAGIC, 4) != 0) {
        snprintf(err, ERR_MAX, "%s is not an arm64 Linux Image", path);
        return -1;
    }
    size = gd_load_le64(b->data + 16);
    if ((s->end_known ? size != s->end - s->start : size < s->end - s->start) ||
        !entry_matches(b->data, s)) {
        snprintf(err, ERR_MAX, "%s and the listing are of different kernels", path);
        return -1;
    }
    return 0;
}

/* An output that would truncate what it was made from. */
static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && S_ISREG(sa.st_mode) &&
           sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int write_file(const char *path, const struct buf *b, char *err)
{
    FILE *f = fopen(path, "wb");
    struct stat st;
    bool ok, file;

    if (!f) {
        snprintf(err, ERR_MAX, "cannot create %s: %s", path, strerror(errno));
        return -1;
    }
    file = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
    ok = fwrite(b->data, 1, b->len, f) == b->len;
    if (fclose(f) != 0 || !ok) {
        snprintf(err, ERR_MAX, "cannot write %s: %s", path, strerror(errno));
        if (file) /* and no device that root may remove */
            remove(path);
        return -1;
    }
    return 0;
}

/* The parser wants a zero byte after the text. */
static int read_listing(const char *path, struct blob *b, struct symbols *s, char *err)
{
    uint8_t *p;

    if (file_read(path, "listing", b, err, ERR_MAX) < 0)
        return -1;
    p = realloc(b->data, b->len + 1);
    if (!p) {
        snprintf(err, ERR_MAX, "out of memory");
        return -1;
    }
    b->data = p;
    p[b->len] = '\0';
    return kallsyms_parse((char *)p, b->len, s, err, ERR_MAX);
}

static int make(const struct args *a, char *err)
{
    struct blob listing = { 0 }, image = { 0 };
    struct buf frame = { 0 }, out = { 0 };
    struct symbols s = { 0 };
    int ret;

    if (same_file(a->kallsyms, a->out) || (a->image && same_file(a->image, a->out))) {
        snprintf(err, ERR_MAX, "%s is to be read; write to another file", a->out);
        return -1;
    }
    ret = read_listing(a->kallsyms, &listing, &s, err);
    if (ret == 0 && a->image) {
        ret = file_read(a->image, "kernel", &image, err, ERR_MAX);
        if (ret == 0)
            ret = file_unpack(a->image, IMAGE_MAX, "any Image is taken to be, 1 GiB", &image, err,
                              ERR_MAX);
        if (ret == 0)
            ret = check_image(a->image, &image, &s, err);
    }
    if (ret == 0) {
        if (!a->ppc64)
            unwind_arm64(&s, image.data, image.len, &frame);
        symelf_write(&s, a->ppc64 ? EM_PPC64 : EM_AARCH64, a->ppc64 ? PPC64_ABI_V2 : 0, &frame,
                     &out);
        if (frame.failed || out.failed) {
            snprintf(err, ERR_MAX, "out of memory");
            ret = -1;
        } else {
            ret = write_file(a->out, &out, err);
        }
    }
    kallsyms_free(&s);
    file_free(&listing);
    file_free(&image);
    buf_free(&frame);
    buf_free(&out);
    return ret;
}

int cmd_symbols(int argc, char **argv)
{
    struct args a = { 0 };
    char err[ERR_MAX] = "";

    argp_err_exit_status = 1;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (make(&a, err) < 0) {
        fprintf(stderr, "guestdbg: %s\n", err);
        return 1;
    }
    return 0;
}
