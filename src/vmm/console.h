/* SPDX-License-Identifier: MIT */
/*
 * The guest's console on the host: the terminal in raw mode, nothing, or a file that only takes
 * output. Ctrl-a x leaves; Ctrl-a Ctrl-a sends one Ctrl-a to the guest. The terminal is given back
 * at close, and in a crash.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_kind { CONSOLE_STDIO, CONSOLE_NONE, CONSOLE_FILE };

#define CONSOLE_EXIT  16                   /* bytes that one exit of the guest puts at most */
#define CONSOLE_QUEUE (CONSOLE_EXIT * 128) /* for as many vCPUs */

struct console {
    int in, out; /* -1: none */
    bool raw;
    bool escaped;         /* the last byte was Ctrl-a */
    bool told;            /* that output was lost */
    pthread_mutex_t lock; /* of what follows */
    uint8_t queue[CONSOLE_QUEUE];
    atomic_size_t queued;
};

/* Returns 0 or a negative errno (of opening the file). */
int console_open(struct console *c, enum console_kind kind, const char *file);
void console_close(struct console *c);

/* Takes what the guest says in one exit. Its vCPU says nothing more, and does not run, until it is drained. */
void console_put(struct console *c, const uint8_t *bytes, size_t len);
/*
 * Writes what was put, and waits a moment for a reader who is behind. False if there is more. What can never be
 * written is lost, which standard error hears once.
 */
bool console_drain(struct console *c);

/*
 * Reads what the user typed, at most len bytes, without the escapes. Returns the number of bytes
 * for the guest, or -1 if the user asked to leave. At the end of input c->in becomes -1.
 */
int console_read(struct console *c, uint8_t *bytes, size_t len);

#endif
