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
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_A 0x01

/* Of the process' one terminal; not the console's, since a signal's handler must find it. */
static struct termios saved;

static void on_crash(int sig)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    raise(sig); /* by default, now (SA_RESETHAND) */
}

/* What somebody else catches, a sanitizer for one, stays his. */
static void catch_crashes(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER };
        struct sigaction old;

        if (sigaction(signals[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
            old.sa_handler == SIG_DFL)
            sigaction(signals[i], &sa, NULL);
    }
}

static void make_raw(struct console *c)
{
    struct termios t;

    if (!isatty(c->in) || tcgetattr(c->in, &saved) < 0)
        return;
    catch_crashes();
    t = saved;
    t.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    t.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    c->raw = tcsetattr(c->in, TCSANOW, &t) == 0;
}

int console_open(struct console *c, enum console_kind kind, const char *file)
{
    int flags;

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
        /* O_NONBLOCK: a FIFO without a reader is refused, not waited for. */
        c->out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
        if (c->out < 0)
            return -errno;
        flags = fcntl(c->out, F_GETFL);
        fcntl(c->out, F_SETFL, flags & ~O_NONBLOCK);
        break;
    }
    return 0;
}

void console_close(struct console *c)
{
    if (c->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    c->raw = false;
    if (c->out > STDERR_FILENO)
        close(c->out);
    c->in = c->out = -1;
}

void console_cut(struct console *c)
{
    atomic_store(&c->cut, true);
}

static void tell_loss(struct console *c, int error)
{
    if (!atomic_load(&c->cut) && !atomic_exchange(&c->told, true))
        fprintf(stderr, "guestdbg: the guest's console cannot be written: %s; its output is lost\n",
                strerror(error));
}

void console_write(struct console *c, const uint8_t *bytes, size_t len)
{
    while (len > 0 && c->out >= 0) {
        ssize_t n = write(c->out, bytes, len);

        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if ((errno != EAGAIN && errno != EINTR) || atomic_load(&c->cut)) {
            tell_loss(c, errno); /* the reader is gone or asleep; the guest need not care */
            return;
        } else if (errno == EAGAIN) {
            struct pollfd p = { .fd = c->out, .events = POLLOUT };
            poll(&p, 1, -1);
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
