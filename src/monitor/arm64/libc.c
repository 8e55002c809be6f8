/* SPDX-License-Identifier: MIT */
/*
 * The few functions of the C library that the compiler and libfdt call. Debian's libfdt.a is
 * built with the stack protector, hence its two symbols. Plain loops: nothing here is hot.
 */
#include <string.h>

#include "monitor/arm64/monitor.h"

size_t strnlen(const char *s, size_t max); /* POSIX, not C11 */
void __stack_chk_fail(void);
uintptr_t __stack_chk_guard = 0x5d1f00aa0dc3ull;

void __stack_chk_fail(void)
{
    stop("the stack of a library function was overwritten");
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0) {
        for (; n >= 8; n -= 8, t += 8, f += 8)
            *(uint64_t *)(void *)t = *(const uint64_t *)(const void *)f;
    }
    while (n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (t <= f)
        return memcpy(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint8_t *t = to;

    while (n--)
        *t++ = (uint8_t)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
    const uint8_t *p = s;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == (uint8_t)byte)
            return (void *)(uintptr_t)(p + i);
    }
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

char *strchr(const char *s, int c)
{
    return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
    for (size_t n = strlen(s) + 1; n-- > 0;) {
        if (s[n] == (char)c)
            return (char *)(uintptr_t)(s + n);
    }
    return NULL;
}
