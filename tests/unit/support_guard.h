/* SPDX-License-Identifier: MIT */
/* Memory that ends at a page nobody may touch: a read or write past its end is a crash. */
#ifndef SUPPORT_GUARD_H
#define SUPPORT_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* n <= 64 KiB bytes right before the guard page; valid until the next call. data NULL: zeros. */
uint8_t *guarded(const void *data, size_t n);

#endif
