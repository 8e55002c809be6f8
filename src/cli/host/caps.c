/* SPDX-License-Identifier: MIT */
/*
 * guestdbg caps: what the library found out about this host by running its scratch VMs.
 */
#include "../cli.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "../../vmm/vm.h"

static const struct argp_option options[] = {
    { "json", 'j', NULL, 0, "one JSON object instead of text", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *st)
{
    (void)arg;
    if (key != 'j')
        return ARGP_ERR_UNKNOWN;
    *(bool *)st->input = true;
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .doc = "Tests what this host's debug hardware can do for guests.\v"
           "Exit status 0: guests can be debugged here.",
};

int cmd_caps(int argc, char **argv)
{
    static char text[65536];
    bool json = false;
    int fd, err;

    argp_err_exit_status = 1;
    argp_parse(&argp, argc, argv, 0, NULL, &json);
    fd = vm_open_kvm(text, sizeof(text));
    if (fd < 0) {
        fprintf(stderr, "guestdbg: %s\n", text);
        return 1;
    }
    err = gd_kvm_caps(fd, json, text, sizeof(text));
    close(fd);
    fputs(text, stdout);
    return err < 0 ? 1 : 0;
}
