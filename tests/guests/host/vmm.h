/* SPDX-License-Identifier: MIT */
/* What the tests' small virtual machine monitors share: a failed call ends them with its reason. */
#ifndef VMM_H
#define VMM_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static inline int check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static inline void *map(size_t size, int flags, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    check(p == MAP_FAILED ? -1 : 0, "mmap");
    return p;
}

#endif
