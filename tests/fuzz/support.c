/* SPDX-License-Identifier: MIT */
/* See support.h. A fuzzer finds what aborts. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

void require(int ok)
{
    if (!ok)
        abort();
}

void require_no_traces(struct fake *f)
{
    const char *trace = fake_traces(f);

    if (trace)
        fprintf(stderr, "after the client left: %s\n", trace);
    require(!trace);
}

unsigned replies(struct client *c)
{
    unsigned n = 0;

    while (client_next(c))
        n += !(c->packet_len >= 2 && c->packet[0] == 'O' && c->packet[1] != 'K');
    if (c->fault)
        fprintf(stderr, "%s\n", c->fault);
    require(!c->fault);
    return n;
}
