/* SPDX-License-Identifier: MIT */
/*
 * Run control: ? vCont c C s S, thread selection, detach and kill, and the stop reply. A resume
 * is answered by exactly one stop reply, which session.c sends when every vCPU has stopped.
 */
#include "rsp/state.h"

#define SIGINT_RSP  2 /* signal numbers of the protocol are GDB's own; these equal Linux's */
#define SIGTRAP_RSP 5

/* ---- threads ---- */

void gd_rsp_put_thread(const struct gd_session *s, struct gd_out *o, unsigned vcpu)
{
    if (s->client.multiprocess)
        gd_put_str(o, "p1.");
    gd_put_hex(o, vcpu + 1);
}

int gd_rsp_thread(struct gd_session *s, struct gd_cur *c, int *tid)
{
    int err = gd_cur_thread(c, tid);

    if (err == GD_E_ARG)
        return gd_rsp_malformed(s, "not a thread id");
    if (err == GD_E_NOTHREAD || (*tid > 0 && !gd_engine_has(rsp_engine(s), (unsigned)*tid - 1)))
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, NULL);
    return GD_OK;
}

int gd_rsp_H(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    bool general = gd_cur_char(c, 'g');
    int tid, err;

    if (!general && !gd_cur_char(c, 'c'))
        return GD_OK;
    err = gd_rsp_thread(s, c, &tid);
    if (err < 0)
        return err;
    if (!gd_cur_end(c))
        return gd_rsp_malformed(s, "not a thread id");
    if (!general)
        s->resume_tid = tid == GD_TID_ANY ? GD_TID_ALL : tid;
    else if (tid > 0)
        s->general = (unsigned)tid - 1;
    gd_put_str(o, "OK");
    return GD_OK;
}

int gd_rsp_T(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    int tid, err = gd_rsp_thread(s, c, &tid);

    if (err < 0)
        return err;
    if (!gd_cur_end(c) || tid <= 0)
        return gd_rsp_malformed(s, "not one thread's id");
    gd_put_str(o, "OK");
    return GD_OK;
}

/* ---- stop replies ---- */

/* GDB goes on silently from a stop with a reason that it has no breakpoint or watchpoint for: one behind
 * its instruction, or one set by `monitor raw`, is told as a trap. */
static bool expected(const struct gd_session *s, const struct gd_stop *stop)
{
    return !stop->after && !(stop->point && rsp_engine(s)->cfg.points[stop->point - 1].want.raw);
}

static void put_reason(const struct gd_session *s, struct gd_out *o, const struct gd_stop *stop)
{
    static const char *const watch[] = {
        [GD_WRITE] = "watch", [GD_READ] = "rwatch", [GD_ACCESS] = "awatch"
    };

    if (!expected(s, stop))
        return;
    if (stop->reason == GD_STOP_SWBREAK && s->client.swbreak)
        gd_put_str(o, "swbreak:;");
    else if (stop->reason == GD_STOP_HWBREAK && s->client.hwbreak)
        gd_put_str(o, "hwbreak:;");
    else if (stop->reason == GD_STOP_WATCH && stop->type >= GD_WRITE && stop->type <= GD_ACCESS)
        gd_put_fmt(o, "%s:%lx;", watch[stop->type], stop->addr);
}

/* Unavailable ones are left out, as a stop reply has no form for them. */
static void put_register(const struct gd_session *s, struct gd_out *o, struct gd_cpu *c,
                         unsigned num)
{
    uint8_t bytes[GD_REG_BYTES], number = (uint8_t)num, *text = o->buf + o->len;
    int n = rsp_arch(s)->reg_get(c, num, bytes);
    size_t digits = 2 * (size_t)n;

    if (n < 0 || n > 8 || o->cap - o->len < digits + 4)
        return;
    gd_rsp_order(s, bytes, (unsigned)n);
    gd_hex_text(text, &number, 1);
    text[2] = ':';
    gd_hex_text(text + 3, bytes, (size_t)n);
    text[3 + digits] = ';';
    o->len += digits + 4;
}

/* Expedited: what a g packet would say of general registers, sparing the client that packet, and
 * what it would ask for at every stop by p packets. A GDB that has not read the description (built
 * without XML, or told so) gives the connection up at a register beyond the standard ones. */
static void put_registers(struct gd_session *s, struct gd_out *o, unsigned vcpu)
{
    const struct gd_arch *a = rsp_arch(s);
    struct gd_why why = rsp_engine(s)->why;
    struct gd_cpu *c = gd_engine_cpu(rsp_engine(s), vcpu);

    rsp_engine(s)->why = why; /* what is unavailable is no failure of the client's */
    for (unsigned num = 0; c && num < a->g_count; num++)
        put_register(s, o, c, num);
    for (unsigned n = 0; c && n < a->unwind_count && s->client.described; n++)
        put_register(s, o, c, a->unwind_first + n);
}

static unsigned signal_of(enum gd_reason reason)
{
    switch (reason) {
    case GD_STOP_INTERRUPT:
        return SIGINT_RSP;
    case GD_STOP_HALTED:
        return 0;
    default:
        return SIGTRAP_RSP;
    }
}

void gd_rsp_put_stop(struct gd_session *s, struct gd_out *o, const struct gd_stop *stop)
{
    if (stop->reason == GD_STOP_EXITED) {
        gd_put_byte(o, 'W');
        gd_put_hex_pad(o, stop->addr & 0xff, 2);
        if (s->client.multiprocess)
            gd_put_str(o, ";process:1");
        return;
    }
    gd_put_byte(o, 'T');
    gd_put_hex_pad(o, signal_of(stop->reason), 2);
    gd_put_str(o, "thread:");
    gd_rsp_put_thread(s, o, stop->vcpu);
    gd_put_fmt(o, ";core:%x;", stop->vcpu);
    put_reason(s, o, stop);
    put_registers(s, o, stop->vcpu);
}

/* While the guest stops or runs, the answer is the stop reply that comes of it. */
int gd_rsp_why(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    if (!gd_cur_end(c))
        return GD_OK;
    if (s->run != RSP_STOPPED) {
        s->owe_stop = true;
        return RSP_LATER;
    }
    s->general = s->stop.vcpu < rsp_engine(s)->cfg.nvcpus ? s->stop.vcpu : 0;
    gd_rsp_put_stop(s, o, &s->stop);
    return GD_OK;
}

/* ---- resuming ---- */

/* Lets the guest go with s->actions. If no vCPU is to run there is a stop reply at once. */
static int resume(struct gd_session *s, struct gd_out *o)
{
    struct gd_engine *e = rsp_engine(s);
    bool any = false;
    int err;

    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        any |= s->actions[i].mode != GD_HALT;
    if (!any) {
        s->stop = (struct gd_stop){ .reason = GD_STOP_HALTED, .vcpu = s->general };
        gd_rsp_put_stop(s, o, &s->stop);
        return GD_OK;
    }
    err = gd_engine_resume(e, s->actions);
    if (err < 0)
        return err;
    s->run = RSP_RUNNING;
    s->owe_stop = true;
    if (s->breaks)
        gd_engine_interrupt(e, s->general);
    return RSP_LATER;
}

static int prepare(struct gd_session *s, struct gd_action all)
{
    struct gd_engine *e = rsp_engine(s);

    if (e->cfg.nvcpus > GD_SESSION_VCPUS)
        return gd_why(&e->why, GD_E_UNSUPPORTED, "too many vCPUs for one session");
    for (unsigned i = 0; i < e->cfg.nvcpus; i++)
        s->actions[i] = all;
    return GD_OK;
}

/* A guest has no signals: the number is read, and none is delivered. */
static int skip_signal(struct gd_session *s, struct gd_cur *c)
{
    uint64_t sig;

    if (gd_cur_hex(c, &sig) < 0 || sig > 0xff)
        return gd_rsp_malformed(s, "not a signal number");
    return GD_OK;
}

static int range(struct gd_session *s, struct gd_cur *c, struct gd_action *a)
{
    a->mode = GD_RANGE;
    if (gd_cur_hex(c, &a->start) < 0 || !gd_cur_char(c, ',') || gd_cur_hex(c, &a->end) < 0)
        return gd_rsp_malformed(s, "expected rSTART,END");
    return GD_OK;
}

static int action(struct gd_session *s, struct gd_cur *c, struct gd_action *a)
{
    *a = (struct gd_action){ .mode = GD_HALT };
    if (gd_cur_char(c, 'c') || gd_cur_char(c, 's')) {
        a->mode = c->p[-1] == 'c' ? GD_RUN : GD_STEP;
        return GD_OK;
    }
    if (gd_cur_char(c, 'C') || gd_cur_char(c, 'S')) {
        a->mode = c->p[-1] == 'C' ? GD_RUN : GD_STEP;
        return skip_signal(s, c);
    }
    if (gd_cur_char(c, 'r'))
        return range(s, c, a);
    if (gd_cur_char(c, 't'))
        return GD_OK;
    return gd_rsp_malformed(s, "unknown vCont action");
}

/* One "action[:thread]"; the leftmost that matches a thread has decided already. */
static int apply_part(struct gd_session *s, struct gd_cur *part, bool *decided)
{
    struct gd_action a;
    int tid = GD_TID_ALL;
    int err = action(s, part, &a);

    if (err == GD_OK && gd_cur_char(part, ':'))
        err = gd_rsp_thread(s, part, &tid);
    if (err < 0)
        return err;
    if (!gd_cur_end(part))
        return gd_rsp_malformed(s, "rubbish after a vCont action");
    if (tid == GD_TID_ANY)
        tid = (int)s->general + 1;
    for (unsigned i = 0; i < rsp_engine(s)->cfg.nvcpus; i++) {
        if (decided[i] || (tid != GD_TID_ALL && (unsigned)tid != i + 1))
            continue;
        decided[i] = true;
        s->actions[i] = a;
    }
    return GD_OK;
}

/* vCont;t is the one action that makes sense while the guest runs: it asks for the stop. */
static int halt_running(struct gd_session *s, struct gd_cur *c)
{
    int tid, err = GD_OK;

    if (s->run != RSP_RUNNING || !gd_cur_char(c, 't'))
        return gd_why(&rsp_engine(s)->why, GD_E_RUNNING, NULL);
    if (gd_cur_char(c, ':'))
        err = gd_rsp_thread(s, c, &tid);
    if (err < 0)
        return err;
    if (!gd_cur_end(c))
        return gd_rsp_malformed(s, "vCont;t must stand alone while the guest runs");
    s->halt = true;
    gd_engine_interrupt(rsp_engine(s), s->general);
    return RSP_LATER;
}

int gd_rsp_vcont(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    bool decided[GD_SESSION_VCPUS] = { false };
    struct gd_cur part;
    int err;

    if (s->run != RSP_STOPPED)
        return halt_running(s, c);
    if (s->stop.reason == GD_STOP_EXITED)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the virtual machine has ended");
    if (gd_cur_end(c))
        return gd_rsp_malformed(s, "vCont without an action");
    err = prepare(s, (struct gd_action){ .mode = GD_HALT });
    while (err == GD_OK && gd_cur_split(c, ';', &part))
        err = apply_part(s, &part, decided);
    return err < 0 ? err : resume(s, o);
}

/* GDB uses vCont only if both c and C are listed, and steps over exceptions only with S. */
int gd_rsp_vcont_list(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    (void)s;
    if (gd_cur_end(c))
        gd_put_str(o, "vCont;c;C;s;S;t;r");
    return GD_OK;
}

/* The old forms: Hc names a thread that goes alone; else all run, and s steps the current one. */
static unsigned old_thread(const struct gd_session *s)
{
    return s->resume_tid > 0 ? (unsigned)s->resume_tid - 1 : s->general;
}

static int old_resume(struct gd_session *s, struct gd_out *o, enum gd_mode mode)
{
    int err = prepare(s, (struct gd_action){ .mode = s->resume_tid > 0 ? GD_HALT : GD_RUN });

    if (err < 0)
        return err;
    s->actions[old_thread(s)].mode = mode;
    return resume(s, o);
}

/* An address after c or s: the PC is set first. */
static int set_pc(struct gd_session *s, struct gd_cur *c)
{
    unsigned pc = rsp_arch(s)->reg_pc;
    uint8_t bytes[GD_REG_BYTES] = { 0 };
    uint64_t addr;

    if (gd_cur_end(c))
        return GD_OK;
    if (gd_cur_hex(c, &addr) < 0 || !gd_cur_end(c))
        return gd_rsp_malformed(s, "not an address");
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(addr >> (8 * i));
    return gd_engine_reg_set(rsp_engine(s), old_thread(s), pc, bytes);
}

static int old(struct gd_session *s, struct gd_cur *c, struct gd_out *o, enum gd_mode mode,
               bool with_signal)
{
    int err = with_signal ? skip_signal(s, c) : GD_OK;

    if (err == GD_OK && with_signal && !gd_cur_end(c) && !gd_cur_char(c, ';'))
        err = gd_rsp_malformed(s, "rubbish after the signal");
    if (err == GD_OK)
        err = set_pc(s, c);
    return err < 0 ? err : old_resume(s, o, mode);
}

int gd_rsp_c(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return old(s, c, o, GD_RUN, false);
}

int gd_rsp_C(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return old(s, c, o, GD_RUN, true);
}

int gd_rsp_s(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return old(s, c, o, GD_STEP, false);
}

int gd_rsp_S(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    return old(s, c, o, GD_STEP, true);
}

int gd_rsp_vctrlc(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    if (!gd_cur_end(c))
        return GD_OK;
    gd_rsp_interrupt(s);
    gd_put_str(o, "OK");
    return GD_OK;
}

/* ---- the end ---- */

/* ";pid" or nothing; there is one process. A GDB that does not speak of processes makes a number up
 * for vKill. */
static int one_process(struct gd_session *s, struct gd_cur *c)
{
    uint64_t pid;

    if (gd_cur_end(c))
        return GD_OK;
    if (!gd_cur_char(c, ';') || gd_cur_hex(c, &pid) < 0 || !gd_cur_end(c))
        return gd_rsp_malformed(s, "not a process id");
    if (pid != 1 && s->client.multiprocess)
        return gd_why(&rsp_engine(s)->why, GD_E_NOTHREAD, "the process is 1");
    return GD_OK;
}

int gd_rsp_D(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    int err = one_process(s, c);

    (void)o;
    if (err < 0)
        return err;
    gd_rsp_detach(s, true, true, GD_WANT_CLOSE);
    return RSP_LATER;
}

/* Kill is what LLDB sends when it merely quits: the guest dies only by its owner's policy. */
static int kill(struct gd_session *s, bool answer)
{
    enum gd_on_disconnect policy = s->cfg.on_disconnect;

    gd_rsp_detach(s, policy == GD_DISCONNECT_RESUME, answer,
                  policy == GD_DISCONNECT_EXIT ? GD_WANT_EXIT : GD_WANT_CLOSE);
    return RSP_LATER;
}

int gd_rsp_k(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    (void)o;
    return gd_cur_end(c) ? kill(s, false) : GD_OK;
}

int gd_rsp_vkill(struct gd_session *s, struct gd_cur *c, struct gd_out *o)
{
    int err = one_process(s, c);

    (void)o;
    return err < 0 ? err : kill(s, true);
}
