/* SPDX-License-Identifier: MIT */
/*
 * Whole files in memory, and kernels out of the wrappings they come in. Failures are -1 with a
 * sentence for the user in err.
 */
#ifndef VMM_FILE_FILE_H
#define VMM_FILE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct blob {
    uint8_t *data; /* by malloc */
    size_t len;
};

/* what: the word for the file in messages, "kernel". */
int file_read(const char *path, const char *what, struct blob *out, char *err, size_t errlen);

/*
 * Replaces a kernel that is gzip'd, or packed with gzip inside an EFI zboot program, by the kernel
 * itself; another is left as it is. More than max bytes are an error, "larger when unpacked than" what.
 */
int file_unpack(const char *path, uint64_t max, const char *what, struct blob *b, char *err,
                size_t errlen);

void file_free(struct blob *b);

#endif
