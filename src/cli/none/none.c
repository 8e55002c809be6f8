/* SPDX-License-Identifier: MIT */
/*
 * The commands that need KVM, on a host whose guests guestdbg cannot debug: they say so.
 */
#include "../cli.h"

#include <stdio.h>

static int refuse(const char *command)
{
    fprintf(
        stderr,
        "%s: this host is neither arm64 nor POWER; guests are run there, and only `symbols` here\n",
        command);
    return 1;
}

int cmd_run(int argc, char **argv)
{
    (void)argc;
    return refuse(argv[0]);
}

int cmd_caps(int argc, char **argv)
{
    (void)argc;
    return refuse(argv[0]);
}
