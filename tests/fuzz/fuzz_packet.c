/* SPDX-License-Identifier: MIT */
/*
 * One packet's payload, to a session that has been greeted by one of several clients. Whatever
 * it says there is one answer or none, within PacketSize, and the guest is unharmed after the
 * connection is gone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake f;
static struct client c;

static const char *const greetings[] = {
    "?",
    "qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;xmlRegisters=i386",
    "qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;QThreadOptions+;error-message+",
    "qSupported:xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *payload;
    unsigned n;

    if (size < 1 || size > 0x1000)
        return 0;
    fake_open(&f, 1 + (data[0] >> 4), true);
    client_open(&c, &f, data[0] & 8 ? 0x1000 : 0x120, GD_DISCONNECT_RESUME, data[0] & 4);
    client_say(&c, greetings[data[0] & 3]);
    require(replies(&c) == 1);
    payload = malloc(size); /* exactly as long, for AddressSanitizer's sake */
    require(payload != NULL);
    memcpy(payload, data + 1, size - 1);
    gd_rsp_packet(&c.s, payload, size - 1);
    client_pump(&c);
    n = replies(&c);
    require(n <= 1);
    if (c.s.run == RSP_RUNNING) {
        require(n == 0);
        client_bytes(&c, "\x03", 1);
        fake_run_all(&f, 100);
        client_pump(&c);
        require(replies(&c) == 1);
        require(c.s.run == RSP_STOPPED);
    }
    if (c.s.run == RSP_STOPPED)
        fake_settle(&f);
    free(payload);
    for (unsigned i = 0; i < 1000 && !gd_session_hangup(&c.s); i++)
        fake_run_all(&f, 1);
    require(c.s.run == RSP_CLOSED);
    require_no_traces(&f);
    return 0;
}
