/* SPDX-License-Identifier: MIT */
/*
 * guestdbg: finds the command that the first argument names and hands the rest to it.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef GUESTDBG_VERSION
#define GUESTDBG_VERSION "unknown"
#endif

static const struct command {
    const char *name, *full, *purpose;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "run", "guestdbg run", "boot a guest under Linux KVM and let a debugger attach", cmd_run },
    { "caps", "guestdbg caps", "test what this host's debug hardware can do for guests", cmd_caps },
    { "symbols", "guestdbg symbols",
      "make an ELF with symbols and unwind rules from a kallsyms listing", cmd_symbols },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
    fputs("Usage: guestdbg COMMAND [OPTION...]\n\n"
          "Debug a virtual machine from outside, with GDB or LLDB and the processor's own debug "
          "hardware.\n\n",
          to);
    for (size_t i = 0; i < NCOMMANDS; i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].purpose);
    fputs("\n`guestdbg COMMAND --help` tells more; guestdbg(1) tells all.\n", to);
}

/* What was printed must have come out; argp's --help leaves by exit(), too. */
static void check_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    fprintf(stderr, "guestdbg: cannot write to standard output: %s\n", strerror(errno));
    _exit(1);
}

/* Else what is opened next would be taken for the terminal. */
static void open_closed_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    static char full[32];

    open_closed_streams();
    atexit(check_output);
    if (argc < 2) {
        usage(stderr);
        return 1;
    }
    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        snprintf(full, sizeof(full), "%s", commands[i].full);
        argv[1] = full;
        return commands[i].run(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("guestdbg " GUESTDBG_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
        usage(stdout);
        return 0;
    }
    fprintf(stderr, "guestdbg: there is no command '%s'; `guestdbg --help` lists them\n", argv[1]);
    return 1;
}
