/* SPDX-License-Identifier: MIT */
/* The client of client.h. */
#include "client.h"

#include <string.h>

void client_open(struct client *c, struct fake *f, size_t packet_max, enum gd_on_disconnect policy,
                 bool line)
{
    memset(c, 0, offsetof(struct client, rx));
    c->f = f;
    c->cfg = (struct gd_session_config){
        .engine = &f->e,
        .rx = c->rx,
        .rx_size = packet_max + 4,
        .tx = c->tx,
        .tx_size = 2 * packet_max + 8,
        .on_disconnect = policy,
        .line = line,
    };
    gd_session_open(&c->s, &c->cfg);
    gd_session_event(&c->s);
}

static void queue(struct client *c, const uint8_t *bytes, size_t n)
{
    if (n > sizeof(c->in) - c->in_len) {
        c->fault = "input is not taken";
        return;
    }
    memcpy(c->in + c->in_len, bytes, n);
    c->in_len += n;
}

void client_bytes(struct client *c, const void *bytes, size_t n)
{
    queue(c, bytes, n);
    client_pump(c);
}

void client_send(struct client *c, const void *payload, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = payload;
    uint8_t sum = 0, end[3] = { '#' };

    queue(c, (const uint8_t *)"$", 1);
    for (size_t i = 0; i < n; i++) {
        bool escape = p[i] == '#' || p[i] == '$' || p[i] == '}';
        uint8_t pair[2] = { '}', p[i] ^ 0x20 };

        if (escape)
            sum = (uint8_t)(sum + pair[0] + pair[1]);
        else
            sum = (uint8_t)(sum + p[i]);
        queue(c, escape ? pair : p + i, escape ? 2 : 1);
    }
    end[1] = (uint8_t)digits[sum >> 4];
    end[2] = (uint8_t)digits[sum & 15];
    queue(c, end, 3);
    client_pump(c);
}

void client_say(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
}

static bool push(struct client *c)
{
    size_t n = c->piece && c->piece < c->in_len ? c->piece : c->in_len;
    size_t used = n ? gd_session_input(&c->s, c->in, n) : 0;

    if (used > n)
        c->fault = "more input taken than given";
    memmove(c->in, c->in + used, c->in_len - used);
    c->in_len -= used;
    return used > 0;
}

static bool pull(struct client *c)
{
    const uint8_t *bytes;
    size_t n;

    bytes = gd_session_output(&c->s, &n);
    if (!bytes || n == 0 || c->stuck)
        return false;
    if (c->piece && n > c->piece)
        n = c->piece;
    if (n > sizeof(c->out) - c->out_len) {
        c->fault = "endless output";
        return false;
    }
    memcpy(c->out + c->out_len, bytes, n);
    c->out_len += n;
    gd_session_sent(&c->s, n);
    return true;
}

void client_pump(struct client *c)
{
    bool moved;

    do {
        gd_session_event(&c->s);
        moved = push(c);
        moved |= pull(c);
    } while (moved && !c->fault);
}

static void drop(struct client *c, size_t n)
{
    memmove(c->out, c->out + n, c->out_len - n);
    c->out_len -= n;
}

/* Undoes run lengths and escapes of c->out[1 .. end). */
static void decode(struct client *c, size_t end)
{
    c->packet_len = 0;
    for (size_t i = 1; i < end; i++) {
        uint8_t byte = c->out[i];

        if (byte == '*' && i + 1 < end && c->packet_len) {
            unsigned more = c->out[++i] - 29u;

            if (c->out[i] > 126 || c->out[i] < 32 || c->out[i] == '$' || more < 3)
                c->fault = "forbidden run length";
            while (more-- && c->packet_len < sizeof(c->packet)) {
                c->packet[c->packet_len] = c->packet[c->packet_len - 1];
                c->packet_len++;
            }
            continue;
        }
        if (byte == '}' && i + 1 < end)
            byte = c->out[++i] ^ 0x20;
        if (c->packet_len < sizeof(c->packet))
            c->packet[c->packet_len++] = byte;
    }
}

static void check(struct client *c, size_t end)
{
    uint8_t sum = 0;

    for (size_t i = 1; i < end; i++)
        sum = (uint8_t)(sum + c->out[i]);
    if (sum != (gd_hex_digit(c->out[end + 1]) << 4 | gd_hex_digit(c->out[end + 2])))
        c->fault = "wrong checksum";
    if (end - 1 > c->s.packet_max)
        c->fault = "packet over PacketSize";
}

bool client_next(struct client *c)
{
    while (c->out_len && c->out[0] != '$') {
        if (c->out[0] == '-')
            c->nacks++;
        else if (c->out[0] != '+')
            c->fault = "rubbish between packets";
        drop(c, 1);
    }
    for (size_t i = 1; i + 2 < c->out_len; i++) {
        if (c->out[i] != '#')
            continue;
        check(c, i);
        decode(c, i);
        drop(c, i + 3);
        c->packets++;
        if (!c->s.noack)
            client_bytes(c, "+", 1);
        return true;
    }
    return false;
}

bool client_got(struct client *c, const char *text)
{
    return client_next(c) && c->packet_len == strlen(text) &&
           memcmp(c->packet, text, c->packet_len) == 0;
}
