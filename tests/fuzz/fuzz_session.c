/* SPDX-License-Identifier: MIT */
/*
 * Sequences of packets, stops, ^C, slow readers and disconnects. What must hold: one stop reply
 * for each resume, one answer for each packet, none over PacketSize, and nothing of the debugger
 * left in guest or hardware once the client is gone.
 */
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake f;
static struct client c;
static bool wrote; /* an M or X may have been sent */

static struct {
    const uint8_t *p;
    size_t n;
} in;

static const char *const packets[] = {
    "?",
    "g",
    "p0",
    "pf",
    "p10",
    "p11",
    "P0=0080010000000000",
    "P1=0080010000000000",
    "Pf=0000010000000000",
    "Pf=0001010000000000",
    "m10000,40",
    "m10100,10",
    "M18000,4:01020304",
    "X18010,4:abcd",
    "x10000,100",
    "M10108,4:00000000",
    "Z0,10104,4",
    "z0,10104,4",
    "Z0,10110,4",
    "z0,10110,4",
    "Z0,ffff000000010104,4",
    "z0,ffff000000010104,4",
    "Z1,10108,4",
    "z1,10108,4",
    "Z1,10004,4",
    "Z2,18000,8",
    "z2,18000,8",
    "Z3,18000,4",
    "z3,18000,4",
    "Z4,18004,1",
    "z4,18004,1",
    "Z0,30000,4",
    "Z0,500000000,4",
    "z0,500000000,4",
    "vCont;c",
    "vCont;s:p1.1;c",
    "vCont;s:p1.1",
    "vCont;s:1;s:2",
    "vCont;r10100,10140:p1.1;c:p1.-1",
    "vCont;t",
    "vCont;c:p1.2",
    "c",
    "s",
    "C05",
    "S05",
    "c10100",
    "Hgp1.1",
    "Hgp1.2",
    "Hc1",
    "Hc-1",
    "Tp1.1",
    "vCtrlC",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "QStartNoAckMode",
    "qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;error-message+",
    "qSupported:xmlRegisters=i386,arm;multiprocess+",
    "QEnableErrorStrings",
    "qXfer:features:read:target.xml:0,100",
    "qXfer:threads:read::0,1000",
    "qSearch:memory:10000;200;abc",
    "qCRC:10100,40",
    "qRcmd,68656c70",
    "qRcmd,776879",
    "qRcmd,736c6f7473",
    "qRcmd,7374617473",
    "qRcmd,737465702d697271206f6e",
    /* ignore 10104 1; context 2; context off; raw b 411 10008; raw off */
    "qRcmd,69676e6f72652031303130342031",
    "qRcmd,636f6e746578742032",
    "qRcmd,636f6e74657874206f6666",
    "qRcmd,726177206220343131203130303038",
    "qRcmd,726177206f6666",
    "D",
    "k",
    "vKill;1",
};

/* From 0x10100 on: a loop of every kind of instruction; r1 points to data. */
static const uint32_t program[] = {
    FAKE_INSN(FAKE_ADDI, 0, 1, 0),       FAKE_INSN(FAKE_STORE, 0, 1, 3),
    FAKE_INSN(FAKE_LOAD, 2, 1, 2),       FAKE_INSN(FAKE_CALL, 0, 0, 0),
    FAKE_INSN(FAKE_WAIT, 0, 0, 0),       FAKE_INSN(FAKE_BREAK, 7, 0, 0),
    FAKE_INSN(FAKE_JUMP, 0, 0xfa, 0xff),
};

static uint8_t byte(void)
{
    if (in.n == 0)
        return 0;
    in.n--;
    return *in.p++;
}

/* How many of these are still to come: a stop reply or the answer to a detach, and to a packet that
 * waits for the stop. */
static unsigned owes(void)
{
    return (c.s.owe_stop || (c.s.run == RSP_DETACHING && c.s.answer_detach)) + c.s.held;
}

/* Nothing was asked: only what was owed can have come, and a stop reply only if the guest
 * stands. */
static void after_event(unsigned owed)
{
    bool queued = c.in_len > 0;
    unsigned n;

    client_pump(&c);
    if (c.stuck)
        return;
    n = replies(&c);
    if (queued) /* packets that came behind one that waited */
        return;
    require(n <= owed);
    if (c.s.run == RSP_STOPPED)
        require(n == owed && !c.s.owe_stop && !c.s.hold_stop);
}

/* What the client wrote is the guest's memory from then on. */
static void settle(void)
{
    if (!wrote || c.s.run != RSP_STOPPED || !gd_engine_stopped(&f.e))
        return;
    fake_settle(&f);
    wrote = c.in_len > 0;
}

static void say(const void *payload, size_t n)
{
    enum rsp_run before = c.s.run;
    bool queued = c.in_len > 0 || c.stuck || c.s.held;
    unsigned owed = owes(), got;

    wrote |= n && (*(const char *)payload == 'M' || *(const char *)payload == 'X');
    client_send(&c, payload, n);
    settle();
    if (queued || c.stuck)
        return;
    got = replies(&c);
    if (before == RSP_STOPPED && c.s.run == RSP_STOPPED)
        require(got == 1);
    else if (before == RSP_STOPPED)
        require(got <= (c.s.run == RSP_CLOSED));
    else
        require(got <= 1u + owed);
}

static void raw(void)
{
    uint8_t bytes[256];
    size_t n = byte();

    for (size_t i = 0; i < n; i++)
        bytes[i] = byte();
    wrote = true;
    client_bytes(&c, bytes, n);
    settle();
    if (!c.stuck)
        (void)replies(&c);
}

static void made_up(void)
{
    uint8_t bytes[256];
    size_t n = byte();

    for (size_t i = 0; i < n; i++)
        bytes[i] = byte();
    say(bytes, n);
}

/* A known packet with one byte changed. */
static void nearly(void)
{
    char text[128];
    size_t n;

    strcpy(text, packets[byte() % GD_ARRAY_SIZE(packets)]);
    n = strlen(text);
    text[byte() % n] = (char)byte();
    say(text, n);
}

static void run(bool all)
{
    unsigned owed = owes();
    unsigned n = 1 + byte();

    if (all)
        fake_run_all(&f, n);
    else
        fake_run(&f, byte() % f.nvcpus, n);
    after_event(owed);
}

static void unstick(void)
{
    c.stuck = false;
    client_pump(&c);
    settle();
    (void)replies(&c);
}

static void leave(void)
{
    c.stuck = false;
    for (unsigned i = 0; i < 1000 && !gd_session_hangup(&c.s); i++)
        fake_run_all(&f, 1);
    require(c.s.run == RSP_CLOSED);
    require(!f.e.attached && f.e.nplanted == 0);
    if (wrote) /* and the guest has not stopped since: no telling what its memory should be */
        memcpy(f.truth, f.ram, sizeof(f.truth));
    wrote = false;
    require_no_traces(&f);
}

static void come(void)
{
    uint8_t how = byte();

    client_open(&c, &f, how & 4 ? 0x1000 : 0x180,
                how & 3 ? GD_DISCONNECT_RESUME : GD_DISCONNECT_STOP, how & 8);
    c.piece = how >> 5;
}

/* A vCPU that is given up finishes the step that it was asked for; only those that run freely
 * are given up here. */
static bool all_run_freely(void)
{
    for (unsigned i = 0; i < f.nvcpus; i++)
        if (atomic_load(&f.vcpus[i].state) == GD_FREE &&
            (f.vcpus[i].action.mode != GD_RUN || f.vcpus[i].step_over))
            return false;
    return true;
}

static void one(void)
{
    unsigned owed = owes();

    switch (byte() & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: {
        const char *p = packets[byte() % GD_ARRAY_SIZE(packets)];

        say(p, strlen(p));
        break;
    }
    case 5:
        nearly();
        break;
    case 6:
        made_up();
        break;
    case 7:
        raw();
        break;
    case 8:
    case 9:
        run(true);
        break;
    case 10:
    case 11:
        run(false);
        break;
    case 12:
        client_bytes(&c, "\x03", 1);
        after_event(owed);
        break;
    case 13:
        c.stuck = true;
        break;
    case 14:
        unstick();
        break;
    case 15:
        if (byte() & 1) {
            leave();
            come();
        } else if (gd_session_waiting(&c.s) && all_run_freely()) {
            gd_engine_give_up(&f.e);
            after_event(owed);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how;

    in.p = data;
    in.n = size;
    how = byte();
    wrote = false;
    fake_open(&f, 1 + (how & 3), how & 4);
    f.code_locked = true;
    for (size_t i = 0; i < GD_ARRAY_SIZE(program); i++)
        fake_word(&f, FAKE_RAM + 0x100 + 4 * i, program[i]);
    for (unsigned i = 0; i < f.nvcpus; i++) {
        f.v[i].reg[FAKE_PC] = FAKE_RAM + 0x100;
        f.v[i].reg[1] = FAKE_RAM + FAKE_RAM_SIZE / 2;
    }
    come();
    while (in.n)
        one();
    leave();
    return 0;
}
