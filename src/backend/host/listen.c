/* SPDX-License-Identifier: MIT */
/* A listening socket; listen.h has the contract. Numeric addresses only: name look-up pulls
 * shared libraries into static programs, and a debugger's port should not depend on it. */
#include "backend/host/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <guestdbg/error.h>

#define SOCKET_FLAGS (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define BACKLOG      4

struct says {
    char *text;
    size_t len;
};

__attribute__((format(printf, 3, 4))) static int fail(struct says to, int error, const char *fmt,
                                                      ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to.text, to.len, fmt, ap);
    va_end(ap);
    return error;
}

/* Does a process hold the socket of this file? Asked with a socket of another type, which Linux
 * refuses with EPROTOTYPE where there is one (net/unix/af_unix.c unix_find_bsd): a connection would be
 * a debugger that comes and vanishes, upon which the other's guest runs. */
static bool alive(const struct sockaddr_un *sun)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool yes;

    if (fd < 0)
        return true;
    yes = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 || errno != ECONNREFUSED;
    close(fd);
    return yes;
}

static int bind_unix(int fd, const struct sockaddr_un *sun)
{
    struct stat st;

    if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (lstat(sun->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode) || alive(sun)) {
        errno = EADDRINUSE;
        return -1;
    }
    unlink(sun->sun_path);
    return bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
}

/* The path from the root: the printed line is right in any folder, and the file is found at the end. */
static int absolute(struct gd_listener *l, const char *path)
{
    size_t at = 0;

    if (path[0] != '/') {
        if (!getcwd(l->path, sizeof(l->path)))
            return -1;
        at = strlen(l->path);
        if (l->path[at - 1] != '/')
            l->path[at++] = '/';
    }
    if (at + strlen(path) >= sizeof(l->path))
        return -1;
    memcpy(l->path + at, path, strlen(path) + 1);
    return 0;
}

static int open_unix(struct gd_listener *l, const char *path, struct says to)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct stat st;

    if (path[0] == '\0' || strlen(path) >= sizeof(sun.sun_path))
        return fail(to, GD_E_ARG, "unix:%s: a socket path has 1 to %zu characters", path,
                    sizeof(sun.sun_path) - 1);
    memcpy(sun.sun_path, path, strlen(path) + 1);
    if (absolute(l, path) != 0)
        return fail(to, GD_E_ARG, "unix:%s: the working directory cannot be named", path);
    l->fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    /* Linux gives the file the mode of the unbound socket (net/unix/af_unix.c unix_bind_bsd);
     * the second call is for kernels that might not. Nobody connects before listen(). */
    if (l->fd < 0 || fchmod(l->fd, 0600) != 0 || bind_unix(l->fd, &sun) != 0) {
        const char *what = strerror(errno);

        return fail(to, GD_E_BACKEND, "%s: %s%s", path, what,
                    lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode) ? ", by what is no socket" : "");
    }
    if (lstat(path, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    if (chmod(path, 0600) != 0 || listen(l->fd, BACKLOG) != 0)
        return fail(to, GD_E_BACKEND, "%s: %s", path, strerror(errno));
    /* From the root it may be longer than what a debugger can connect to. */
    snprintf(to.text, to.len, "target remote %s",
             strlen(l->path) < sizeof(sun.sun_path) ? l->path : path);
    return 0;
}

/* A numeric address of either family. */
struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t len;
};

static bool parse_address(const char *text, unsigned port, struct address *a)
{
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, text, &a->u.v4.sin_addr) == 1) {
        a->u.v4.sin_family = AF_INET;
        a->u.v4.sin_port = htons((uint16_t)port);
        a->len = sizeof(a->u.v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &a->u.v6.sin6_addr) == 1) {
        a->u.v6.sin6_family = AF_INET6;
        a->u.v6.sin6_port = htons((uint16_t)port);
        a->len = sizeof(a->u.v6);
        return true;
    }
    return false;
}

static bool loopback(const struct address *a)
{
    if (a->u.sa.sa_family == AF_INET)
        return ntohl(a->u.v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&a->u.v6.sin6_addr);
}

/* "ADDRESS:PORT", the address in brackets or not; the last colon parts them. */
static bool parse_tcp(const char *text, struct address *a)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN], *end;
    unsigned long port;
    size_t n;

    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > 65535)
        return false;
    n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n >= sizeof(host))
        return false;
    memcpy(host, text, n);
    host[n] = '\0';
    if (strcmp(host, "localhost") == 0) /* the one name that needs no resolver */
        strcpy(host, "127.0.0.1");
    return parse_address(host, (unsigned)port, a);
}

static void print_tcp(const struct address *a, struct says to)
{
    char host[INET6_ADDRSTRLEN];

    if (a->u.sa.sa_family == AF_INET)
        snprintf(to.text, to.len, "target remote %s:%u",
                 inet_ntop(AF_INET, &a->u.v4.sin_addr, host, sizeof(host)),
                 ntohs(a->u.v4.sin_port));
    else
        snprintf(to.text, to.len, "target remote [%s]:%u",
                 inet_ntop(AF_INET6, &a->u.v6.sin6_addr, host, sizeof(host)),
                 ntohs(a->u.v6.sin6_port));
}

static int open_tcp(struct gd_listener *l, const char *text, bool remote, struct says to)
{
    struct address a;
    int on = 1;

    if (!parse_tcp(text, &a))
        return fail(to, GD_E_ARG, "tcp:%s: not a numeric address and a port, as in 127.0.0.1:1234",
                    text);
    if (!remote && !loopback(&a))
        return fail(to, GD_E_ARG,
                    "tcp:%s: whoever connects controls the guest, so an address other than "
                    "loopback must be allowed expressly",
                    text);
    l->fd = socket(a.u.sa.sa_family, SOCKET_FLAGS, 0);
    if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(l->fd, &a.u.sa, a.len) != 0 || listen(l->fd, BACKLOG) != 0 ||
        getsockname(l->fd, &a.u.sa, &a.len) != 0)
        return fail(to, GD_E_BACKEND, "%s: %s", text, strerror(errno));
    print_tcp(&a, to);
    return 0;
}

int gd_listener_open(struct gd_listener *l, const char *where, bool remote, char *line, size_t len)
{
    struct says to = { line, len };
    int err;

    memset(l, 0, sizeof(*l));
    l->fd = -1;
    if (strncmp(where, "unix:", 5) == 0)
        err = open_unix(l, where + 5, to);
    else if (strncmp(where, "tcp:", 4) == 0)
        err = open_tcp(l, where + 4, remote, to);
    else
        err = fail(to, GD_E_ARG, "%s: neither unix:PATH nor tcp:ADDRESS:PORT", where);
    if (err)
        gd_listener_close(l);
    return err;
}

void gd_listener_close(struct gd_listener *l)
{
    struct stat st;

    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    if (l->ino && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->path);
    l->ino = 0;
}
