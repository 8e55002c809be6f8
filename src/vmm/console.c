/* SPDX-License-Identifier: MIT */
/*
 * Host side of the guest's console. See console.h. Output is written before the vCPU that made it
 * runs on, so that the last line before a crash is seen; input is read by the main loop only when the
 * guest has room for it.
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

#define CTRL_A    0x01
#define READER_MS 50

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
    pthread_mutex_init(&c->lock, NULL);
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

static void tell_loss(struct console *c, const char *why)
{
    if (!c->told)
        fprintf(stderr, "guestdbg: the guest's console cannot be written: %s; its output is lost\n",
                why);
    c->told = true;
}

void console_close(struct console *c)
{
    if (!console_drain(c))
        tell_loss(c, "nobody reads it");
    if (c->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    c->raw = false;
    if (c->out > STDERR_FILENO)
        close(c->out);
    c->in = c->out = -1;
}

void console_put(struct console *c, const uint8_t *bytes, size_t len)
{
    if (c->out < 0)
        return;
    pthread_mutex_lock(&c->lock);
    if (len > CONSOLE_QUEUE - c->queued) {
        tell_loss(c, "its reader is too far behind");
        len = CONSOLE_QUEUE - c->queued;
    }
    memcpy(c->queue + c->queued, bytes, len);
    c->queued += len;
    pthread_mutex_unlock(&c->lock);
}

/* How many of the queued bytes are done with. The descriptor may be the terminal's, shared and blocking: poll() first. */
static size_t write_some(struct console *c)
{
    struct pollfd p = { .fd = c->out, .events = POLLOUT };
    ssize_t n;

    if (poll(&p, 1, READER_MS) <= 0)
        return 0;
    n = write(c->out, c->queue, c->queued);
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    tell_loss(c, strerror(errno)); /* the reader is gone; the guest need not care */
    return c->queued;
}

bool console_drain(struct console *c)
{
    size_t n;

    if (c->queued == 0)
        return true;
    pthread_mutex_lock(&c->lock);
    n = c->queued ? write_some(c) : 0;
    c->queued -= n;
    memmove(c->queue, c->queue + n, c->queued);
    pthread_mutex_unlock(&c->lock);
    return c->queued == 0;
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
