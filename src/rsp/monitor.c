/* SPDX-License-Identifier: MIT */
/*
 * `monitor COMMAND` (qRcmd): what the protocol has no packet for. A table like that of the
 * packets. Text longer than a packet goes out as console output, generated again for each part
 * with what was sent already skipped, so that it is never held whole.
 */
#include "base/bits.h"
#include "rsp/state.h"

#define STOPPED 1u /* the guest must be stopped */

/* Writes its text to o. A negative enum gd_error: the engine's why has the reason. */
typedef int command(struct gd_session *s, struct gd_cur *args, struct gd_out *o);

struct rsp_command {
    const char *usage, *help; /* usage: the name, then what follows it */
    unsigned flags;
    command *run;
};

static command help, why, slots, walk, stats, step_irq, step_mode, context, ignore, raw, endian,
    phys;

static const struct rsp_command commands[] = {
    { "help", "this list", 0, help },
    { "why", "the reason of the last error", 0, why },
    { "slots", "hardware breakpoints and watchpoints in use", STOPPED, slots },
    { "walk VA", "the translation of an address, level by level", STOPPED, walk },
    { "stats", "counts of exits, steps, hits", STOPPED, stats },
    { "step-irq on|off", "let a step go into interrupt handlers", STOPPED, step_irq },
    { "step-mode auto|native|trace|breakpoint", "how steps are made", STOPPED, step_mode },
    { "context ID|off [ADDR] | show", "hardware points only where the context is ID (hex)", STOPPED,
      context },
    { "ignore ADDR N", "pass over the next N hits of the breakpoint at ADDR", STOPPED, ignore },
    { "raw b|w CTRL VALUE | off", "a hardware register pair as given, in hex", STOPPED, raw },
    { "endian big|little|show", "byte order of registers on the wire", 0, endian },
    { "phys ADDR [LENGTH]", "guest physical memory in hex, 1 to 4096 bytes", STOPPED, phys },
};

/* ---- words ---- */

static bool next_word(struct gd_cur *c, struct gd_cur *word)
{
    while (gd_cur_char(c, ' '))
        ;
    return gd_cur_split(c, ' ', word);
}

static bool no_more(struct gd_cur *c)
{
    struct gd_cur word;

    return !next_word(c, &word);
}

/* A hex number, 0x or not: addresses, context identifiers and register values. */
static bool next_hex(struct gd_cur *c, uint64_t *value)
{
    struct gd_cur word;

    if (!next_word(c, &word))
        return false;
    if (!gd_cur_word(&word, "0x"))
        (void)gd_cur_word(&word, "0X");
    return gd_cur_hex(&word, value) == GD_OK && gd_cur_end(&word);
}

/* A decimal number, or a hex one after 0x: counts. */
static bool next_number(struct gd_cur *c, uint64_t *value)
{
    struct gd_cur word;

    return next_word(c, &word) && gd_cur_number(&word, value) == GD_OK;
}

static int malformed(struct gd_session *s)
{
    return gd_rsp_malformed(s, s->console.command->usage);
}

/* Which of n words the only argument is, or a negative enum gd_error. */
static int one_of(struct gd_session *s, struct gd_cur *args, const char *const *words, int n)
{
    struct gd_cur word;
    int i = n;

    if (next_word(args, &word) && no_more(args))
        for (i = 0; i < n && !gd_cur_is(&word, words[i]);)
            i++;
    return i < n ? i : malformed(s);
}

/* ---- commands ---- */

static int help(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    (void)s;
    (void)args;
    for (size_t i = 0; i < GD_ARRAY_SIZE(commands); i++)
        gd_put_fmt(o, "monitor %s: %s\n", commands[i].usage, commands[i].help);
    return GD_OK;
}

static int why(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    (void)args;
    gd_why_print(&rsp_engine(s)->why, o);
    gd_put_byte(o, '\n');
    return GD_OK;
}

static int slots(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    (void)args;
    gd_engine_print_slots(rsp_engine(s), o);
    return GD_OK;
}

static int stats(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    (void)args;
    gd_engine_print_stats(rsp_engine(s), o);
    return GD_OK;
}

/* The chosen vCPU, if its registers can be had. */
static struct gd_cpu *cpu(struct gd_session *s)
{
    struct gd_vcpu *v = &rsp_engine(s)->cfg.vcpus[s->general];

    return atomic_load(&v->state) == GD_PARKED ? &v->cpu : NULL;
}

static int walk(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    uint64_t va;

    if (!next_hex(args, &va) || !no_more(args))
        return malformed(s);
    if (!cpu(s))
        return gd_why(&rsp_engine(s)->why, GD_E_LOST, NULL);
    if (!rsp_arch(s)->walk_print)
        return gd_why(&rsp_engine(s)->why, GD_E_UNSUPPORTED, NULL);
    rsp_arch(s)->walk_print(cpu(s), va, o);
    return GD_OK;
}

static int step_irq(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    static const char *const name[] = { "off", "on" };
    int on = one_of(s, args, name, GD_ARRAY_SIZE(name));

    if (on < 0)
        return on;
    rsp_engine(s)->step_irq = on;
    gd_put_fmt(o, "step-irq is %s\n", name[on]);
    return GD_OK;
}

static int step_mode(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    static const char *const name[] = {
        [GD_STEP_AUTO] = "auto",
        [GD_STEP_NATIVE] = "native",
        [GD_STEP_TRACE] = "trace",
        [GD_STEP_BREAK] = "breakpoint",
    };
    struct gd_engine *e = rsp_engine(s);
    bool native = e->cfg.target->hw.step;
    int mode = one_of(s, args, name, GD_ARRAY_SIZE(name));

    if (mode < 0)
        return mode;
    if (mode == GD_STEP_NATIVE ? !native : mode != GD_STEP_AUTO && !rsp_arch(s)->fence)
        return gd_why(&e->why, GD_E_UNSUPPORTED, "this way of stepping does not work here");
    e->step_mode = mode == GD_STEP_AUTO ? e->cfg.step_mode : (enum gd_step_mode)mode;
    gd_put_fmt(o, "step-mode is %s\n", name[e->step_mode]);
    return GD_OK;
}

static int show_context(struct gd_session *s, struct gd_out *o)
{
    const struct gd_engine *e = rsp_engine(s);
    bool any = false;
    uint64_t now;

    for (size_t i = 0; i < GD_CONTEXT_RULES; i++) {
        if (!e->context[i].on)
            continue;
        any = true;
        gd_put_fmt(o, "hardware points%s", e->context[i].has_addr ? " at 0x" : "");
        if (e->context[i].has_addr)
            gd_put_hex(o, e->context[i].addr);
        gd_put_fmt(o, " only where the context is 0x%lx\n", e->context[i].id);
    }
    if (!any)
        gd_put_str(o, "hardware points in every context\n");
    if (cpu(s) && e->arch->context && e->arch->context(cpu(s), &now) == GD_OK)
        gd_put_fmt(o, "vCPU %u is in context 0x%lx\n", s->general, now);
    return GD_OK;
}

static int context(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    struct gd_cur word, all = *args;
    uint64_t id = 0, addr = 0;
    bool off, has_addr;
    int err;

    if (!next_word(&all, &word) || (gd_cur_is(&word, "show") && no_more(&all)))
        return show_context(s, o);
    off = gd_cur_is(&word, "off");
    if (off)
        *args = all;
    else if (!next_hex(args, &id))
        return malformed(s);
    all = *args;
    has_addr = !no_more(&all);
    if (has_addr && (!next_hex(args, &addr) || !no_more(args)))
        return malformed(s);
    err = gd_engine_context(rsp_engine(s), !off, id, has_addr ? &addr : NULL);
    return err < 0 ? err : show_context(s, o);
}

static int ignore(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    uint64_t addr, n;
    int err;

    if (!next_hex(args, &addr) || !next_number(args, &n) || !no_more(args))
        return malformed(s);
    err = gd_engine_ignore(rsp_engine(s), addr, n);
    if (err == GD_OK)
        gd_put_fmt(o, "the next %lu hits at 0x%lx are passed over\n", n, addr);
    return err;
}

static int raw_off(struct gd_session *s, struct gd_out *o)
{
    struct gd_engine *e = rsp_engine(s);
    unsigned removed = 0;

    for (unsigned i = 0; i < e->npoint_used; i++) {
        struct gd_point *p = &e->cfg.points[i];

        if (p->wanted && p->want.raw &&
            gd_engine_remove_raw(e, p->want.type != GD_HW, p->want.pair) == GD_OK)
            removed++;
    }
    gd_put_fmt(o, "%u raw pairs removed\n", removed);
    return GD_OK;
}

static int raw(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    struct gd_hw_pair pair;
    struct gd_cur bank;
    bool watch;
    int err;

    if (!next_word(args, &bank))
        return malformed(s);
    if (gd_cur_is(&bank, "off") && no_more(args))
        return raw_off(s, o);
    watch = gd_cur_is(&bank, "w");
    if ((!watch && !gd_cur_is(&bank, "b")) || !next_hex(args, &pair.ctrl) ||
        !next_hex(args, &pair.value) || !no_more(args))
        return malformed(s);
    err = gd_engine_insert_raw(rsp_engine(s), watch, pair);
    if (err == GD_OK)
        gd_put_fmt(o, "%s pair 0x%lx 0x%lx from the next resume on\n",
                   watch ? "watchpoint" : "breakpoint", pair.ctrl, pair.value);
    return err;
}

static int endian(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    static const char *const name[] = { "little", "big", "show" };
    struct gd_cur none = *args;
    int order = no_more(&none) ? 2 : one_of(s, args, name, GD_ARRAY_SIZE(name));

    if (order < 0)
        return order;
    if (order < 2 && order != s->big_endian && !rsp_arch(s)->bi_endian)
        return gd_why(&rsp_engine(s)->why, GD_E_UNSUPPORTED,
                      "registers of this architecture have one byte order");
    if (order < 2)
        s->big_endian = order;
    gd_put_fmt(o, "registers on the wire are %s-endian\n", name[s->big_endian]);
    return GD_OK;
}

#define PHYS_LINE 16
#define PHYS_MAX  4096

static int phys(struct gd_session *s, struct gd_cur *args, struct gd_out *o)
{
    uint8_t line[PHYS_LINE];
    uint64_t addr, len = PHYS_LINE;
    struct gd_cur rest;
    size_t n, done;
    int err;

    if (!next_hex(args, &addr))
        return malformed(s);
    rest = *args;
    if (!no_more(&rest) && (!next_number(args, &len) || !no_more(args)))
        return malformed(s);
    if (len == 0 || len > PHYS_MAX || addr + (len - 1) < addr)
        return malformed(s);
    for (; len; addr += n, len -= n) {
        n = len < PHYS_LINE ? (size_t)len : PHYS_LINE;
        err = gd_engine_read_phys(rsp_engine(s), addr, line, n, &done);
        if (err < 0)
            return err;
        gd_put_fmt(o, "0x%lx:", addr);
        for (size_t i = 0; i < n; i++) {
            gd_put_byte(o, ' ');
            gd_put_hex_pad(o, line[i], 2);
        }
        gd_put_byte(o, '\n');
    }
    return GD_OK;
}

/* ---- the packet ---- */

/* Is it the first word of usage? */
static bool names(const struct gd_cur *word, const char *usage)
{
    struct gd_cur c = *word;

    while (*usage && gd_cur_char(&c, *usage))
        usage++;
    return gd_cur_end(&c) && (*usage == ' ' || *usage == 0);
}

static const struct rsp_command *find(const struct gd_cur *name)
{
    for (size_t i = 0; i < GD_ARRAY_SIZE(commands); i++)
        if (names(name, commands[i].usage))
            return &commands[i];
    return NULL;
}

static int check(struct gd_session *s, const struct rsp_command *row)
{
    if (!row)
        return gd_rsp_malformed(s, "no such monitor command; see monitor help");
    if (!(row->flags & STOPPED))
        return GD_OK;
    if (s->run != RSP_STOPPED)
        return gd_why(&rsp_engine(s)->why, GD_E_RUNNING, NULL);
    if (s->stop.reason == GD_STOP_EXITED)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the virtual machine has ended");
    return GD_OK;
}

/* One packet's worth of the pending command's text into o: 'O' and hex if more follows, else
 * plain hex, or OK if nothing is left. */
static int part(struct gd_session *s, struct gd_out *o)
{
    const struct rsp_command *row = s->console.command;
    size_t room = o->cap ? (o->cap - 1) / 2 : 0;
    struct gd_cur args = s->console.args;
    struct gd_out text;
    int err;

    gd_out_window(&text, gd_rsp_tail(o, room), room, s->console.skip);
    err = row->run(s, &args, &text);
    s->console.skip += text.len;
    if (err < 0 || !text.cut || !text.len)
        s->console.command = NULL;
    else
        gd_put_byte(o, 'O');
    if (err == GD_OK && !text.len)
        gd_put_str(o, "OK");
    else if (err == GD_OK)
        gd_put_hex_bytes(o, text.buf, text.len);
    return err;
}

/* Clients that do not know E.text here get the sentence as the command's output. */
static int explain(struct gd_session *s, struct gd_out *o, int err)
{
    uint8_t buf[256];
    struct gd_out text;

    if (s->client.error_message || s->client.error_strings)
        return err;
    if (rsp_engine(s)->why.error != err)
        gd_why(&rsp_engine(s)->why, err, NULL);
    gd_out_init(&text, buf, sizeof(buf));
    gd_why_print(&rsp_engine(s)->why, &text);
    if (text.len == sizeof(buf))
        text.len--;
    gd_put_byte(&text, '\n');
    gd_rsp_begin(s, o);
    gd_put_hex_bytes(o, text.buf, text.len);
    return GD_OK;
}

int gd_rsp_monitor(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    struct gd_cur text = { c->p, c->p + gd_cur_left(c) / 2 }, name = { c->p, c->p };
    int err;

    if (gd_cur_left(c) % 2 || gd_cur_bytes(c, text.p, (size_t)(text.end - text.p)) < 0)
        return gd_rsp_malformed(s, "command is not hex");
    if (!next_word(&text, &name))
        name.p = name.end; /* no word: no such command */
    s->console.command = find(&name);
    s->console.args = text;
    s->console.skip = 0;
    err = check(s, s->console.command);
    if (err < 0)
        s->console.command = NULL;
    else
        err = part(s, o);
    return err < 0 ? explain(s, o, err) : GD_OK;
}

void gd_rsp_console_next(struct gd_session *s)
{
    struct gd_out o;
    int err;

    gd_rsp_begin(s, &o);
    err = part(s, &o);
    if (err < 0)
        err = explain(s, &o, err);
    if (err < 0) {
        gd_rsp_begin(s, &o);
        gd_rsp_put_error(s, &o, RSP_PLAIN_ERROR, err);
    }
    gd_rsp_send(s, &o);
}
