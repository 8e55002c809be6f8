/* SPDX-License-Identifier: MIT */
/*
 * System registers as memory, by name: the monitor's sources are compiled with this instead of the
 * instructions of src/monitor/arm64/sysreg.h, and run natively.
 */
#ifndef TEST_SYSREGS_H
#define TEST_SYSREGS_H

#include <stdint.h>

uint64_t *sysreg(const char *name);
extern uint64_t (*sysreg_read)(const char *name, uint64_t have); /* may be NULL */

#define SYSREG(name, encoding)                                                                     \
    static inline uint64_t get_##name(void)                                                        \
    {                                                                                              \
        return sysreg_read ? sysreg_read(#name, *sysreg(#name)) : *sysreg(#name);                  \
    }                                                                                              \
    static inline void set_##name(uint64_t value)                                                  \
    {                                                                                              \
        *sysreg(#name) = value;                                                                    \
    }

static inline void isb(void)
{
}

static inline void dsb(void)
{
}

void wfi(void);

static inline void tlbi_guest(void)
{
}

#endif
