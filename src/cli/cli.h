/* SPDX-License-Identifier: MIT */
/*
 * The command line: one function per command. Each gets its own arguments, argv[0] being the words
 * "guestdbg COMMAND" for messages, and returns the exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cmd_run(int argc, char **argv);
int cmd_caps(int argc, char **argv);
int cmd_symbols(int argc, char **argv);

#endif
