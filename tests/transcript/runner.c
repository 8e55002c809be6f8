/* SPDX-License-Identifier: MIT */
/*
 * Runs transcripts against the core and the fake back end. A line each:
 *
 *   # a comment
 *   > PACKET        the client sends this (\xNN is a byte)
 *   < PACKET        the next packet from the session; * stands for anything, \s for a blank at
 *                   either end
 *   = TEXT          the answer to `! monitor COMMAND`, console output and reply together
 *   ! DIRECTIVE     something else happens, see directives[]
 *
 * Each file is run three times: whole packets, byte by byte, and in sevens; what comes of it
 * must not depend on that. At the end, and before every > and !, nothing unexpected may have
 * come.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "client.h"

static struct fake fake;
static struct client client;
static const char *file;
static unsigned line_number;
static size_t packet_max;
static enum gd_on_disconnect policy;
static bool on_line, is_open;
static unsigned vcpus;
static size_t piece;
static bool halted;

static void fail(const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%u: ", file, line_number);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, " (in pieces of %zu)\n", piece);
    exit(1);
}

static char *readable(const uint8_t *p, size_t n)
{
    static char text[8 * CLIENT_PACKET];
    size_t at = 0;

    for (size_t i = 0; i < n && at + 5 < sizeof(text); i++) {
        if (p[i] >= ' ' && p[i] <= '~' && p[i] != '\\')
            text[at++] = (char)p[i];
        else
            at += (size_t)sprintf(text + at, "\\x%02x", p[i]);
    }
    text[at] = 0;
    return text;
}

/* ---- directives ---- */

static void open_session(void)
{
    client_open(&client, &fake, packet_max, policy, on_line);
    client.piece = piece;
    is_open = true;
}

static void set_guest(char *args)
{
    if (sscanf(args, "%u", &vcpus) != 1 || vcpus == 0 || vcpus > FAKE_VCPUS)
        fail("guest wants a number of vCPUs");
    halted = strstr(args, "running") == NULL;
    fake_open(&fake, vcpus, halted);
}

static void set_word(char *args)
{
    unsigned long addr;
    unsigned bytes[4];

    if (sscanf(args, "%lx %2x%2x%2x%2x", &addr, &bytes[0], &bytes[1], &bytes[2], &bytes[3]) != 5)
        fail("word wants an address and eight digits");
    fake_word(&fake, addr, bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24);
}

static void absent(char *args)
{
    fake.absent = strtoull(args, NULL, 16);
}

static void set_reg(char *args)
{
    unsigned vcpu, num;
    unsigned long value;
    uint8_t bytes[GD_REG_BYTES] = { 0 };

    if (sscanf(args, "%u %u %lx", &vcpu, &num, &value) != 3 || vcpu >= vcpus || num >= FAKE_NREGS)
        fail("reg wants vCPU, number and hex value");
    gd_store_le(bytes, value, 8);
    if (gd_engine_reg_set(&fake.e, vcpu, num, bytes) < 0)
        fail("the register cannot be set now");
}

static void run(char *args)
{
    unsigned n = 1000, vcpu;

    if (sscanf(args, "vcpu %u %u", &vcpu, &n) >= 1) {
        if (vcpu >= vcpus)
            fail("no such vCPU");
        fake_run(&fake, vcpu, n);
    } else {
        (void)sscanf(args, "%u", &n);
        fake_run_all(&fake, n);
    }
    if (is_open)
        client_pump(&client);
}

static void connect(char *args)
{
    (void)args;
    open_session();
}

static void settings(char *args)
{
    unsigned long n;

    if (sscanf(args, "packet %lu", &n) == 1)
        packet_max = n;
    else if (!strcmp(args, "line"))
        on_line = true;
    else if (!strcmp(args, "disconnect exit"))
        policy = GD_DISCONNECT_EXIT;
    else if (!strcmp(args, "disconnect stop"))
        policy = GD_DISCONNECT_STOP;
    else if (!strcmp(args, "no step"))
        fake.target.hw.step = false;
    else if (!strcmp(args, "big-endian"))
        client.s.big_endian = true;
    else
        fail("unknown setting");
}

static size_t unescape(char *text, uint8_t *out);

static void raw_bytes(char *args)
{
    uint8_t bytes[4096];

    client_bytes(&client, bytes, unescape(args, bytes));
}

static void monitor(char *args)
{
    static char packet[2 * CLIENT_PACKET];
    size_t at = (size_t)sprintf(packet, "qRcmd,");

    for (; *args; args++)
        at += (size_t)sprintf(packet + at, "%02x", (unsigned char)*args);
    client_say(&client, packet);
}

static void interrupt(char *args)
{
    (void)args;
    client_bytes(&client, "\x03", 1);
}

static void vm_exit(char *args)
{
    gd_engine_vm_exited(&fake.e, atoi(args));
    client_pump(&client);
}

static void give_up(char *args)
{
    (void)args;
    if (!gd_session_waiting(&client.s))
        fail("the session does not wait for anybody");
    gd_engine_give_up(&fake.e);
    client_pump(&client);
}

static void hangup(char *args)
{
    (void)args;
    for (unsigned i = 0; i < 100 && !gd_session_hangup(&client.s); i++)
        fake_run_all(&fake, 1);
    if (!gd_session_hangup(&client.s))
        fail("hang-up does not end");
}

static void want(char *args)
{
    static const char *const names[] = { "nothing", "close", "exit" };
    const char *is = names[gd_session_want(&client.s)];

    if (strcmp(args, is))
        fail("the session wants %s", is);
}

static void waiting(char *args)
{
    if (gd_session_waiting(&client.s) != !strcmp(args, "yes"))
        fail("waiting is not %s", args);
}

static void stands(char *args)
{
    if (gd_engine_stopped(&fake.e) != !strcmp(args, "yes"))
        fail("the guest stands is not %s", args);
}

static void clean(char *args)
{
    const char *trace;

    (void)args;
    trace = fake_traces(&fake);
    if (trace)
        fail("%s", trace);
}

static void nacks(char *args)
{
    if ((unsigned)atoi(args) != client.nacks)
        fail("%u packets were refused", client.nacks);
}

static void pc(char *args)
{
    unsigned vcpu;
    unsigned long value;

    if (sscanf(args, "%u %lx", &vcpu, &value) != 2 || vcpu >= vcpus)
        fail("pc wants a vCPU and an address");
    if (fake.v[vcpu].reg[FAKE_PC] != value)
        fail("the pc is %lx", (unsigned long)fake.v[vcpu].reg[FAKE_PC]);
}

static void memory(char *args)
{
    unsigned long addr;
    unsigned byte;

    if (sscanf(args, "%lx %2x", &addr, &byte) != 2 || addr - FAKE_RAM >= FAKE_RAM_SIZE)
        fail("memory wants an address and a byte");
    if (fake.ram[addr - FAKE_RAM] != byte)
        fail("the byte is %02x", fake.ram[addr - FAKE_RAM]);
}

static void settle(char *args)
{
    (void)args;
    fake_settle(&fake);
}

static void nothing(char *args)
{
    (void)args; /* that nothing came is checked before every line */
}

static const struct {
    const char *name;
    void (*run)(char *args);
    bool before_open;
} directives[] = {
    { "guest", set_guest, true },  /* guest N [running]: N vCPUs */
    { "set", settings, true },     /* set packet N | line | disconnect X | no step | … */
    { "word", set_word, true },    /* word ADDR 8DIGITS: an instruction */
    { "reg", set_reg, true },      /* reg VCPU NUMBER VALUE, while stopped */
    { "absent", absent, true },    /* absent MASK: the vCPUs of these bits are not there yet */
    { "connect", connect, true },  /* a client; else the first > does it */
    { "run", run, true },          /* run [N] | run vcpu V [N]: instructions */
    { "bytes", raw_bytes, false }, /* bytes as they are */
    { "monitor", monitor, false }, /* monitor COMMAND, as qRcmd */
    { "break", interrupt, false }, /* ^C */
    { "exit", vm_exit, false },    /* exit STATUS: the VM ends */
    { "give-up", give_up, false }, /* vCPUs that did not stop are lost */
    { "hangup", hangup, false },   /* the connection is gone */
    { "want", want, false },       /* want nothing|close|exit */
    { "waiting", waiting, false }, /* waiting yes|no */
    { "stands", stands, false },   /* stands yes|no: no vCPU runs */
    { "clean", clean, false },     /* nothing of the debugger is left */
    { "settle", settle, false },   /* what the client wrote counts as the guest's own */
    { "nacks", nacks, false },     /* so many packets were refused */
    { "pc", pc, false },           /* pc VCPU ADDR */
    { "memory", memory, false },   /* memory ADDR BYTE: what really stands there */
    { "nothing", nothing, false }, /* no packet came */
};

static void direct(char *text)
{
    size_t n = strcspn(text, " ");
    char *args = text + n + (text[n] == ' ');

    for (size_t i = 0; i < GD_ARRAY_SIZE(directives); i++) {
        if (strlen(directives[i].name) != n || memcmp(directives[i].name, text, n))
            continue;
        if (!directives[i].before_open && !is_open)
            open_session();
        directives[i].run(args);
        return;
    }
    fail("unknown directive %s", text);
}

/* ---- lines ---- */

static size_t unescape(char *text, uint8_t *out)
{
    size_t n = 0;
    unsigned byte;

    while (*text) {
        if (text[0] == '\\' && text[1] == 's') {
            out[n++] = ' ';
            text += 2;
        } else if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
            out[n++] = (uint8_t)byte;
            text += 4;
        } else {
            out[n++] = (uint8_t)*text++;
        }
    }
    return n;
}

/* Does text match a pattern in which * stands for anything? */
static bool glob(const char *pattern, const char *text)
{
    const char *star = NULL, *back = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            back = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

static void quiet(void)
{
    if (!is_open)
        return;
    if (client_next(&client))
        fail("unexpected: %s", readable(client.packet, client.packet_len));
    if (client.fault)
        fail("%s", client.fault);
}

static void expect(const char *pattern)
{
    if (!client_next(&client))
        fail("no packet came");
    if (!glob(pattern, readable(client.packet, client.packet_len)))
        fail("got: %s", readable(client.packet, client.packet_len));
}

static void expect_text(const char *pattern)
{
    static uint8_t text[CLIENT_PACKET];
    size_t n = 0;
    bool more = true;

    while (more) {
        if (!client_next(&client))
            fail("no packet came");
        if (client.packet_len == 2 && !memcmp(client.packet, "OK", 2))
            break;
        more = client.packet_len && client.packet[0] == 'O';
        struct gd_cur c = { client.packet + more, client.packet + client.packet_len };
        size_t part = gd_cur_left(&c) / 2;

        if (part > sizeof(text) - n || gd_cur_left(&c) % 2 || gd_cur_bytes(&c, text + n, part) < 0)
            fail("not hex: %s", readable(client.packet, client.packet_len));
        n += part;
    }
    if (!glob(pattern, readable(text, n)))
        fail("got: %s", readable(text, n));
}

static void one_line(char *text)
{
    static uint8_t bytes[CLIENT_PACKET * 2];

    text[strcspn(text, "\n")] = 0;
    if (text[0] == 0 || text[0] == '#')
        return;
    if (text[1] != ' ' && text[1] != 0)
        fail("a line begins with >, <, =, ! or #");
    if (text[0] != '<' && text[0] != '=')
        quiet();
    if (text[0] == '>') {
        if (!is_open)
            open_session();
        client_send(&client, bytes, unescape(text + 2, bytes));
    } else if (text[0] == '<') {
        expect(text[1] ? text + 2 : "");
    } else if (text[0] == '=') {
        expect_text(text[1] ? text + 2 : "");
    } else if (text[0] == '!') {
        direct(text + 2);
    } else {
        fail("a line begins with >, <, =, ! or #");
    }
}

static void play(const char *name, size_t in_pieces)
{
    static char text[4 * CLIENT_PACKET];
    FILE *f = fopen(name, "r");

    if (!f) {
        perror(name);
        exit(1);
    }
    file = name;
    line_number = 0;
    piece = in_pieces;
    packet_max = 0x1000;
    policy = GD_DISCONNECT_RESUME;
    on_line = is_open = false;
    vcpus = 1;
    fake_open(&fake, 1, true);
    while (fgets(text, sizeof(text), f)) {
        line_number++;
        one_line(text);
    }
    quiet();
    fclose(f);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        for (size_t in_pieces = 0; in_pieces < 8; in_pieces = in_pieces * 6 + 1)
            play(argv[i], in_pieces);
    return argc < 2;
}
