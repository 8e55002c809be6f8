/* SPDX-License-Identifier: MIT */
/*
 * A client of the remote serial protocol as thin as can be: one write and one read per packet. Where the
 * stub wants acknowledgements they go out in one write with the next packet, which is the best for it.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

void stub_send(struct stub *s, const char *format, ...)
{
    char out[1024] = "+$";
    unsigned char sum = 0;
    va_list ap;
    int from = s->owes_ack ? 0 : 1, n = 2;

    va_start(ap, format);
    n += vsnprintf(out + n, sizeof(out) - 8, format, ap);
    va_end(ap);
    for (int i = 2; i < n; i++)
        sum = (unsigned char)(sum + out[i]);
    n += snprintf(out + n, 4, "#%02x", sum);
    if (write(s->fd, out + from, (size_t)(n - from)) != n - from)
        die("%s: the connection broke", s->name);
    s->owes_ack = false;
}

void stub_break(struct stub *s)
{
    ssize_t n = s->owes_ack ? 2 : 1;

    if (write(s->fd, "+\003" + 2 - n, (size_t)n) != n)
        die("%s: the connection broke", s->name);
    s->owes_ack = false;
}

const char *stub_reply(struct stub *s, size_t *length)
{
    memmove(s->buf, s->buf + s->used, s->have - s->used);
    s->have -= s->used;
    s->used = 0;
    for (;;) {
        char *start = memchr(s->buf, '$', s->have);
        char *end = start ? memchr(start, '#', s->have - (size_t)(start - s->buf)) : NULL;
        ssize_t n;

        if (end && end + 3 <= s->buf + s->have) {
            s->used = (size_t)(end + 3 - s->buf);
            s->owes_ack = s->acks;
            *end = '\0';
            *length = (size_t)(end - start - 1);
            return start + 1;
        }
        n = read(s->fd, s->buf + s->have, sizeof(s->buf) - s->have);
        if (n <= 0)
            die("%s: no reply", s->name);
        s->have += (size_t)n;
    }
}

void stub_ok(struct stub *s)
{
    size_t n;
    const char *reply = stub_reply(s, &n);

    if (strcmp(reply, "OK") != 0)
        die("%s: %s instead of OK", s->name, reply);
}

void stub_stop(struct stub *s)
{
    size_t n;
    const char *reply = stub_reply(s, &n);

    if (strncmp(reply, "T05", 3) != 0 && strncmp(reply, "T02", 3) != 0)
        die("%s: %s instead of a stop", s->name, reply);
}

void stub_set_reg(struct stub *s, unsigned number, uint64_t value)
{
    stub_send(s, "P%x=%016llx", number, (unsigned long long)__builtin_bswap64(value));
    stub_ok(s);
}

void stub_open(struct stub *s, const char *name, const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = 120 };
    const char *reply, *size;
    size_t n;

    s->name = name;
    s->have = s->used = 0;
    s->acks = true;
    s->owes_ack = false;
    s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(s->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        die("%s: cannot connect to %s", name, path);
    stub_send(s, "QStartNoAckMode");
    reply = stub_reply(s, &n);
    s->acks = strcmp(reply, "OK") != 0; /* QEMU's stub does not know it */
    stub_send(s, "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;binary-upload+");
    reply = stub_reply(s, &n);
    size = strstr(reply, "PacketSize=");
    s->packet_size = size ? strtoul(size + 11, NULL, 16) : 0;
    if (s->packet_size < 256)
        die("%s: no PacketSize in %s", name, reply);
    stub_send(s, "?");
    stub_stop(s);
}

void stub_close(struct stub *s)
{
    close(s->fd);
}
