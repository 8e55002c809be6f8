/* SPDX-License-Identifier: MIT */
/* Guard pages for the tests of parsers and writers. */
#include "support_guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM 0x10000u

uint8_t *guarded(const void *data, size_t n)
{
    static uint8_t *area;

    if (!area) {
        area = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED || mprotect(area + ROOM, ROOM, PROT_NONE))
            abort();
    }
    if (n > ROOM)
        abort();
    if (data && n)
        memcpy(area + ROOM - n, data, n);
    else
        memset(area + ROOM - n, 0, n);
    return area + ROOM - n;
}
