/* SPDX-License-Identifier: MIT */
/*
 * One source of the monitor or a few, with the rest of it replaced: what they call elsewhere does
 * nothing, unless a test has it do something. stop() comes back to the test.
 */
#ifndef SUPPORT_EL2_H
#define SUPPORT_EL2_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

extern jmp_buf stopped;
extern const char *told; /* what stop(), stop_x() or say() said last */
extern struct frame frames[MAX_CPUS];

/* A machine with so many CPUs, all registers 0. Also for cmocka's setup. */
void el2_reset(unsigned n);

/* What a statement stops with, or NULL. */
#define STOPS_WITH(statement)                                                                      \
    (told = NULL, setjmp(stopped) == 0 ? ((void)(statement), (const char *)NULL) : told)

#endif
