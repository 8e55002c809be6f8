/* SPDX-License-Identifier: MIT */
/*
 * The server thread; server.h has the contract. One poll() over the listening socket, the
 * client, one caller who is being turned away, and an eventfd by which vCPU threads call. What
 * is done between two polls is done under the lock, so that a vCPU thread may do it too.
 */
#include "backend/host/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/host/listen.h"
#include "rsp/state.h"

#define PACKET_SIZE 0x8000 /* room for 16 KiB of memory in hex */
#define PATIENCE_MS 5000
#define FAREWELL_MS 1000 /* for a peer that does not take our last bytes */
#define NEVER       (-1)
#define DEAF_MS     200
#define LOOK_MS     10 /* between looks at the vCPU that attends */
#define NOBODY      (-1)

struct gd_server {
    struct gd_server_config cfg;
    struct gd_listener listener;
    int event_fd, client_fd, late_fd; /* late_fd: a second client that was told no */
    bool started, leaving;            /* leaving: detaching after the client went */
    _Atomic bool quit;
    int64_t wait_end, late_end; /* monotonic milliseconds, NEVER: no deadline */
    int64_t deaf_end;           /* no new client until then: there was no descriptor for one */
    pthread_t thread;
    size_t in_at, in_len; /* bytes of in[] that the session has not taken yet */
    pthread_mutex_t lock; /* of all that is here but started, quit, attendant and attending */
    /* The vCPU that attends, chosen when it parks; it waits for the client, and may be poked. */
    _Atomic int attendant;
    _Atomic bool attending;
    int poke_fd;
    /* lent: the client's bytes are the attendant's, who may be in the guest in between. visits: how
     * often it went there; seen: at the last look. dozing: no look is due until it goes. */
    bool lent, dozing;
    unsigned visits, seen;
    struct gd_session session;
    uint8_t in[4096];
    uint8_t rx[PACKET_SIZE + 4], tx[2 * PACKET_SIZE + 8];
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void call(int fd)
{
    uint64_t one = 1;
    ssize_t n;

    /* It can only fail when the counter is full, and then the thread is awake anyway. */
    n = write(fd, &one, sizeof(one));
    (void)n;
}

void gd_server_notify(struct gd_server *s)
{
    call(s->event_fd);
}

void gd_server_poke(struct gd_server *s)
{
    if (atomic_load(&s->attending))
        call(s->poke_fd);
}

/* ---- the client ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void begin_leaving(struct gd_server *s)
{
    close_fd(&s->client_fd);
    s->leaving = true;
    s->wait_end = NEVER;
    gd_server_poke(s);
}

/* Detaches as far as it goes now; called again at every notify until it is done. */
static void go_on_leaving(struct gd_server *s)
{
    if (!s->leaving || !gd_session_hangup(&s->session))
        return;
    s->leaving = false;
    if (gd_session_want(&s->session) == GD_WANT_EXIT && s->cfg.exit_request)
        s->cfg.exit_request(s->cfg.ctx);
}

/* Writes what the session has to say, as far as the socket takes it. False: the peer is gone. */
static bool send_output(struct gd_server *s)
{
    const uint8_t *out;
    size_t n;

    while ((out = gd_session_output(&s->session, &n)) != NULL && n > 0) {
        ssize_t sent = send(s->client_fd, out, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        gd_session_sent(&s->session, (size_t)sent);
    }
    return true;
}

static bool output_pending(const struct gd_server *s)
{
    size_t n = 0;

    return gd_session_output(&s->session, &n) != NULL && n > 0;
}

/* Moves bytes both ways until input or the socket's room runs out. */
static void serve(struct gd_server *s)
{
    bool alive;

    do {
        alive = send_output(s);
        if (!alive || output_pending(s) || s->in_len == 0)
            break;
        size_t used = gd_session_input(&s->session, s->in + s->in_at, s->in_len);

        s->in_at += used;
        s->in_len -= used;
        if (used == 0 && !output_pending(s))
            break;
    } while (true);
    if (!alive || (!output_pending(s) && gd_session_want(&s->session) != GD_WANT_NOTHING))
        begin_leaving(s);
}

static void read_client(struct gd_server *s)
{
    ssize_t n;

    if (s->in_len > 0)
        return;
    n = recv(s->client_fd, s->in, sizeof(s->in), MSG_DONTWAIT);
    if (n > 0) {
        s->in_at = 0;
        s->in_len = (size_t)n;
        return;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        begin_leaving(s);
}

static void welcome(struct gd_server *s, int fd)
{
    struct gd_session_config cfg = {
        .engine = s->cfg.engine,
        .rx = s->rx,
        .rx_size = sizeof(s->rx),
        .tx = s->tx,
        .tx_size = sizeof(s->tx),
        .on_disconnect = s->cfg.on_disconnect,
    };

    s->client_fd = fd;
    s->in_len = 0;
    gd_session_open(&s->session, &cfg);
}

/* A second client is told why and let go. It has most likely sent its first packet already,
 * and unread bytes at close would take our words away from it: so it closes first, or late. */
static void turn_away(struct gd_server *s, int fd)
{
    static const char no[] = "+$E.another debugger is connected to this guest#bb";
    ssize_t n;

    close_fd(&s->late_fd);
    n = send(fd, no, sizeof(no) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n;
    shutdown(fd, SHUT_WR);
    s->late_fd = fd;
    s->late_end = now_ms() + FAREWELL_MS;
}

static bool hung_up(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLRDHUP };

    return poll(&p, 1, 0) > 0;
}

/* Replies go out at once; a client whose machine or network went away is noticed in the end. */
static void set_up_tcp(int fd)
{
    int on = 1, idle_s = 60, each_s = 10, probes = 6;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &each_s, sizeof(each_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static void accept_client(struct gd_server *s)
{
    int fd;

    /* The next one may be quicker than our look at the last one's end: what that one still
     * said is read first, and the next is accepted when it is gone. */
    if (s->client_fd >= 0 && hung_up(s->client_fd)) {
        if (output_pending(s))
            begin_leaving(s);
        return;
    }
    fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) { /* gone already; or it still waits, and poll() would not */
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            s->deaf_end = now_ms() + DEAF_MS;
        return;
    }
    if (s->listener.path[0] == '\0')
        set_up_tcp(fd);
    if (s->client_fd >= 0)
        turn_away(s, fd);
    else
        welcome(s, fd);
}

static void drain_late(struct gd_server *s)
{
    char rest[512];
    ssize_t n = recv(s->late_fd, rest, sizeof(rest), MSG_DONTWAIT);

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        close_fd(&s->late_fd);
}

/* ---- deadlines ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a == NEVER || (b != NEVER && b < a) ? b : a;
}

static int timeout_ms(const struct gd_server *s)
{
    int64_t end = sooner(s->wait_end, s->deaf_end), left;

    if (s->lent && !s->dozing)
        return LOOK_MS;
    if (s->late_fd >= 0)
        end = sooner(end, s->late_end);
    if (end == NEVER)
        return -1;
    left = end - now_ms();
    return left < 0 ? 0 : (int)left;
}

static void mind_deadlines(struct gd_server *s)
{
    bool waiting = s->leaving || (s->client_fd >= 0 && gd_session_waiting(&s->session));

    if (s->late_fd >= 0 && now_ms() >= s->late_end)
        close_fd(&s->late_fd);
    if (s->deaf_end != NEVER && now_ms() >= s->deaf_end)
        s->deaf_end = NEVER;
    if (!waiting) {
        s->wait_end = NEVER;
        return;
    }
    if (s->wait_end == NEVER)
        s->wait_end = now_ms() + s->cfg.patience_ms;
    if (now_ms() < s->wait_end)
        return;
    s->wait_end = NEVER;
    gd_engine_give_up(s->cfg.engine);
    if (s->client_fd >= 0) {
        gd_session_event(&s->session);
        serve(s);
    }
    go_on_leaving(s);
}

/* ---- a vCPU attends ---- */

bool gd_server_offer(struct gd_server *s, unsigned vcpu)
{
    int none = NOBODY;

    return gd_engine_stopped(s->cfg.engine) &&
           atomic_compare_exchange_strong(&s->attendant, &none, (int)vcpu);
}

/* Is there nothing to do but to wait for the client's next packet? Who changes that pokes us when it
 * sees that we attend; so that is said first. */
static bool only_waits(struct gd_server *s, const struct gd_gate *gate, unsigned vcpu)
{
    atomic_store(&s->attending, true);
    return s->client_fd >= 0 && !s->in_len && !output_pending(s) && !atomic_load(&s->quit) &&
           !gd_gate_cancelled(gate) &&
           atomic_load(&s->cfg.engine->cfg.vcpus[vcpu].state) == GD_PARKED;
}

static void wait_for_client(struct gd_server *s)
{
    uint64_t count;
    ssize_t n;
    struct pollfd p[] = {
        { .fd = s->client_fd, .events = POLLIN },
        { .fd = s->poke_fd, .events = POLLIN },
    };

    pthread_mutex_unlock(&s->lock);
    if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
        p[0].revents = p[1].revents = 0; /* a signal of the VMM's */
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->attending, false);
    if (p[1].revents) {
        n = read(s->poke_fd, &count, sizeof(count));
        (void)n;
    }
    if (p[0].revents && s->client_fd == p[0].fd) {
        read_client(s);
        if (s->client_fd >= 0)
            serve(s);
    }
}

void gd_server_attend(struct gd_server *s, const struct gd_gate *gate, unsigned vcpu)
{
    const struct gd_vcpu *v = &s->cfg.engine->cfg.vcpus[vcpu];

    pthread_mutex_lock(&s->lock);
    s->lent = true;
    if (s->client_fd >= 0) {
        gd_session_event(&s->session);
        serve(s);
    }
    while (only_waits(s, gate, vcpu))
        wait_for_client(s);
    atomic_store(&s->attending, false);
    atomic_store(&s->attendant, NOBODY);
    s->visits++;
    s->lent = s->client_fd >= 0 && !s->in_len && !output_pending(s) &&
              atomic_load(&v->state) == GD_FREE && v->action.mode == GD_STEP;
    if (!s->lent || s->dozing)
        gd_server_notify(s);
    s->dozing = false;
    pthread_mutex_unlock(&s->lock);
}

/* The server thread's look at a client that is lent. */
static void mind_attendant(struct gd_server *s)
{
    bool attending = atomic_load(&s->attending);

    if (!s->lent)
        return;
    s->dozing = attending && s->visits == s->seen;
    /* Too long in the guest for one instruction, or parked for another reason. */
    if (!attending && (s->visits == s->seen || gd_engine_stopped(s->cfg.engine)))
        s->lent = false;
    s->seen = s->visits;
}

/* ---- the thread ---- */

static void wait_events(struct gd_server *s)
{
    uint64_t count;
    int found, timeout = timeout_ms(s);
    /* The next one waits in the backlog. */
    bool deaf = s->leaving || s->deaf_end != NEVER || (s->client_fd >= 0 && s->in_len);
    struct pollfd p[] = {
        { .fd = s->event_fd, .events = POLLIN },
        { .fd = deaf ? -1 : s->listener.fd, .events = POLLIN },
        { .fd = s->lent ? -1 : s->client_fd, .events = POLLIN },
        { .fd = s->late_fd, .events = POLLIN },
    };

    if (s->client_fd >= 0 && output_pending(s))
        p[2].events = POLLOUT;
    else if (
        s->in_len) /* the session waits for the guest; nor does a client who is gone end that */
        p[2].fd = -1;
    pthread_mutex_unlock(&s->lock);
    found = poll(p, sizeof(p) / sizeof(p[0]), timeout);
    pthread_mutex_lock(&s->lock);
    if (found < 0)
        return;
    if (p[0].revents && read(s->event_fd, &count, sizeof(count)) > 0 && s->client_fd >= 0)
        gd_session_event(&s->session);
    if (p[3].revents)
        drain_late(s);
    if (p[2].revents && p[2].events == POLLIN && !s->lent && s->client_fd == p[2].fd)
        read_client(s);
    if (p[1].revents && !s->leaving)
        accept_client(s);
}

/* The VM's end may have to be told yet; a peer that does not read is not waited for. */
static void say_farewell(struct gd_server *s)
{
    struct pollfd p = { .fd = s->client_fd, .events = POLLOUT };

    if (s->client_fd < 0)
        return;
    gd_session_event(&s->session);
    while (send_output(s) && output_pending(s)) {
        if (poll(&p, 1, FAREWELL_MS) <= 0)
            break;
    }
}

static void *server_thread(void *arg)
{
    struct gd_server *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!atomic_load(&s->quit)) {
        wait_events(s);
        mind_attendant(s);
        if (s->client_fd >= 0)
            serve(s);
        go_on_leaving(s);
        mind_deadlines(s);
    }
    say_farewell(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int gd_server_open(struct gd_server **out, const struct gd_server_config *cfg)
{
    struct gd_server *s = calloc(1, sizeof(*s));

    if (!s)
        return GD_E_BACKEND;
    s->cfg = *cfg;
    if (s->cfg.patience_ms == 0)
        s->cfg.patience_ms = PATIENCE_MS;
    s->listener.fd = s->client_fd = s->late_fd = -1;
    s->wait_end = s->deaf_end = NEVER;
    atomic_init(&s->quit, false);
    atomic_init(&s->attendant, NOBODY);
    atomic_init(&s->attending, false);
    s->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->poke_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->event_fd < 0 || s->poke_fd < 0) {
        close_fd(&s->event_fd);
        close_fd(&s->poke_fd);
        free(s);
        return GD_E_BACKEND;
    }
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return 0;
}

int gd_server_listen(struct gd_server *s, const char *where, unsigned flags, char *line, size_t len)
{
    sigset_t all, old;
    int err;

    if (s->started) {
        snprintf(line, len, "the debugger's socket is open already");
        return GD_E_ARG;
    }
    err = gd_listener_open(&s->listener, where, flags & GD_SERVER_REMOTE, line, len);
    if (err)
        return err;
    /* The VMM's signals are for the VMM's threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&s->thread, NULL, server_thread, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        snprintf(line, len, "no thread for the debugger's socket: %s", strerror(err));
        gd_listener_close(&s->listener);
        return GD_E_BACKEND;
    }
    s->started = true;
    return 0;
}

void gd_server_stop(struct gd_server *s)
{
    atomic_store(&s->quit, true);
    gd_server_notify(s);
    gd_server_poke(s);
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
    pthread_mutex_lock(&s->lock);
    gd_listener_close(&s->listener);
    close_fd(&s->client_fd);
    close_fd(&s->late_fd);
    pthread_mutex_unlock(&s->lock);
}

void gd_server_close(struct gd_server *s)
{
    gd_server_stop(s);
    close(s->event_fd);
    close(s->poke_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
