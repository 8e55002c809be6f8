/* SPDX-License-Identifier: MIT */
/*
 * The guest's console on the host: the terminal in raw mode, nothing, or a file that only takes
 * output. Ctrl-a x leaves; Ctrl-a Ctrl-a sends one Ctrl-a to the guest. The terminal is given back
 * at close, and in a crash.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_kind { CONSOLE_STDIO, CONSOLE_NONE, CONSOLE_FILE };

struct console {
    int in, out; /* -1: none */
    bool raw;
    bool escaped; /* the last byte was Ctrl-a */
    atomic_bool cut;
    atomic_bool told; /* that output was lost */
};

/* Returns 0 or a negative errno (of opening the file). */
int console_open(struct console *c, enum console_kind kind, const char *file);
void console_close(struct console *c);

/* What cannot be written is lost, which standard error hears once. */
void console_write(struct console *c, const uint8_t *bytes, size_t len);
/*
 * The guest ends: output that nobody takes is dropped from now on. Who sleeps in console_write() still needs a
 * signal.
 */
void console_cut(struct console *c);

/*
 * Reads what the user typed, at most len bytes, without the escapes. Returns the number of bytes
 * for the guest, or -1 if the user asked to leave. At the end of input c->in becomes -1.
 */
int console_read(struct console *c, uint8_t *bytes, size_t len);

#endif
