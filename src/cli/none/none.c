/* SPDX-License-Identifier: MIT */
/*
 * The commands that need KVM, on a host whose guests guestdbg cannot debug: they say so.
 */
#include "../cli.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int refuse(int argc, char **argv)
{
    bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
                             strcmp(argv[1], "--usage") == 0);

    fprintf(
        help ? stdout : stderr,
        "%s: this host is neither arm64 nor POWER; guests are run there, and only `symbols` here%s\n",
        argv[0], help ? "; its options are in guestdbg(1)" : "");
    return help ? 0 : 1;
}

int cmd_run(int argc, char **argv)
{
    return refuse(argc, argv);
}

int cmd_caps(int argc, char **argv)
{
    return refuse(argc, argv);
}
