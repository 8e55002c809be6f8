/* SPDX-License-Identifier: MIT */
/* What the fuzzers of whole sessions require of a client and its guest. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include "client.h"

void require(int ok);
/* Nothing of the debugger's is left in the guest or in the hardware. */
void require_no_traces(struct fake *f);
/* How many replies came, console output aside; each within PacketSize. */
unsigned replies(struct client *c);

#endif
