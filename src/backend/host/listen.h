/* SPDX-License-Identifier: MIT */
/* A listening socket by its "unix:PATH" or "tcp:ADDRESS:PORT" name. */
#ifndef GD_LISTEN_H
#define GD_LISTEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct gd_listener {
    int fd;              /* non-blocking, close-on-exec; -1: none */
    char path[PATH_MAX]; /* absolute, "" for TCP */
    dev_t dev;           /* the socket file, to remove no other one */
    ino_t ino;
};

/* Opens it. line: "target remote ..." for it, or one sentence on failure; cut off at len. Unix sockets get
 * mode 0600 before anyone can connect; a dead socket file is replaced, a live one is not.
 * GD_E_ARG, GD_E_BACKEND. */
int gd_listener_open(struct gd_listener *l, const char *where, bool remote, char *line, size_t len);
/* Closes it and removes its socket file. */
void gd_listener_close(struct gd_listener *l);

#endif
