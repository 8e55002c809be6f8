/* SPDX-License-Identifier: MIT */
/*
 * Host side of the guest's console. See console.h. Output is written at once and whole, so that the
 * last line before a crash is seen; input is read by the main loop only when the guest has room for
 * it.
 */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define CTRL_A 0x01

static void make_raw(struct console *c)
{
    struct termios t;

    if (!isatty(c->in) || tcgetattr(c->in, &c->saved) < 0)
        return;
    t = c->saved;
    t.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    t.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    c->raw = tcsetattr(c->in, TCSANOW, &t) == 0;
}

int console_open(struct console *c, enum console_kind kind, const char *file)
{
    *c = (struct console){ .in = -1, .out = -1 };
    switch (kind) {
    case CONSOLE_NONE:
        break;
    case CONSOLE_STDIO:
        c->in = STDIN_FILENO;
        c->out = STDOUT_FILENO;
        make_raw(c);
        break;
    case CONSOLE_FILE:
        c->out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (c->out < 0)
            return -errno;
        break;
    }
    return 0;
}

void console_close(struct console *c)
{
    if (c->raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
    c->raw = false;
    if (c->out > STDERR_FILENO)
        close(c->out);
    c->in = c->out = -1;
}

void console_write(struct console *c, const uint8_t *bytes, size_t len)
{
    while (len > 0 && c->out >= 0) {
        ssize_t n = write(c->out, bytes, len);

        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = { .fd = c->out, .events = POLLOUT };
            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return; /* the reader is gone; the guest need not care */
        }
    }
}

int console_read(struct console *c, uint8_t *bytes, size_t len)
{
    ssize_t n = read(c->in, bytes, len);
    int kept = 0;

    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        c->in = -1;
    for (ssize_t i = 0; i < n; i++) {
        uint8_t b = bytes[i];

        if (!c->escaped && b == CTRL_A) {
            c->escaped = true;
            continue;
        }
        if (c->escaped && (b == 'x' || b == 'X'))
            return -1;
        c->escaped = false;
        bytes[kept++] = b;
    }
    return kept;
}
