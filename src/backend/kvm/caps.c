/* SPDX-License-Identifier: MIT */
/*
 * What this host's KVM can do for a debugger, found by running the architecture's scratch VM once
 * on every kind of CPU in the caller's affinity, and the account of it for people and programs.
 * Moves the calling thread between CPUs and back; touches no guest.
 */
#include "backend/kvm/kvm.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define MAX_CPUS 4096

/* ---- probing ---- */

static struct kvm_kind *kind_of(struct kvm_report *r, unsigned cpu)
{
    uint64_t id = gd_kvmarch_cpu_id(cpu);

    for (unsigned i = 0; i < r->nkinds; i++) {
        if (r->kinds[i].id == id) {
            r->kinds[i].ncpus++;
            return NULL;
        }
    }
    if (r->nkinds == KVM_MAX_KINDS)
        return NULL;
    r->kinds[r->nkinds] = (struct kvm_kind){ .id = id, .cpu = cpu, .ncpus = 1 };
    return &r->kinds[r->nkinds++];
}

static void probe_on(int kvm_fd, struct kvm_kind *k, cpu_set_t *one, size_t size)
{
    CPU_ZERO_S(size, one);
    CPU_SET_S(k->cpu, size, one);
    /* Where a thread may not be moved the test still says what is true of where it is. */
    sched_setaffinity(0, size, one);
    gd_kvmarch_probe(kvm_fd, k);
}

/* What holds on every CPU that was tested. */
static void combine(struct kvm_report *r)
{
    bool first = true;

    for (unsigned i = 0; i < r->nkinds; i++) {
        const struct kvm_kind *k = &r->kinds[i];

        if (first) {
            r->hw = k->hw;
            r->claimed_break = k->claimed_break;
            r->claimed_watch = k->claimed_watch;
            r->guest_points_live = k->guest_points_live;
            r->strategy = k->strategy;
            first = false;
            continue;
        }
        r->hw.nbreak = k->hw.nbreak < r->hw.nbreak ? k->hw.nbreak : r->hw.nbreak;
        r->hw.nwatch = k->hw.nwatch < r->hw.nwatch ? k->hw.nwatch : r->hw.nwatch;
        r->hw.context &= k->hw.context;
        r->hw.step &= k->hw.step;
        r->hw.sw_break &= k->hw.sw_break;
        r->hw.step_tells &= k->hw.step_tells;
        r->guest_points_live &= k->guest_points_live;
        if (k->strategy != r->strategy) /* what needs least holds everywhere */
            r->strategy = k->strategy && r->strategy ? GD_STEP_BREAK : GD_STEP_AUTO;
    }
}

int gd_kvmcaps_probe(int kvm_fd, struct kvm_report *r, char *err, size_t errlen)
{
    size_t size = CPU_ALLOC_SIZE(MAX_CPUS);
    cpu_set_t *mine = CPU_ALLOC(MAX_CPUS), *one = CPU_ALLOC(MAX_CPUS);
    struct utsname u;

    memset(r, 0, sizeof(*r));
    uname(&u);
    snprintf(r->kernel, sizeof(r->kernel), "%s", u.release);
    if (mine && one && sched_getaffinity(0, size, mine) == 0) {
        for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
            struct kvm_kind *k = CPU_ISSET_S(cpu, size, mine) ? kind_of(r, cpu) : NULL;

            if (k)
                probe_on(kvm_fd, k, one, size);
        }
        sched_setaffinity(0, size, mine);
    }
    CPU_FREE(mine);
    CPU_FREE(one);
    combine(r);
    for (unsigned i = 0; i < r->nkinds; i++) {
        if (r->kinds[i].failure[0]) {
            snprintf(err, errlen, "%s", r->kinds[i].failure);
            return GD_E_BACKEND;
        }
    }
    if (r->nkinds)
        return 0;
    snprintf(err, errlen, "the CPUs that may be used cannot be listed");
    return GD_E_BACKEND;
}

int gd_kvmcaps_judge(const struct kvm_report *r, char *err, size_t errlen)
{
    const char *lacks = !r->strategy ? "single step" : !r->hw.sw_break ? "breakpoint exits" : NULL;

    if (!lacks)
        return 0;
    snprintf(err, errlen,
             "KVM of Linux %s accepts guest debugging, but a test guest saw no %s (some kernels "
             "ignore it in protected mode, kvm-arm.mode=protected): guests cannot be debugged here",
             r->kernel, lacks);
    return !r->strategy ? GD_E_NOSTEP : GD_E_UNSUPPORTED;
}

/* ---- the account ---- */

static const char *strategy(unsigned mode)
{
    static const char *const name[] = {
        [GD_STEP_AUTO] = "none",
        [GD_STEP_NATIVE] = "native",
        [GD_STEP_TRACE] = "trace",
        [GD_STEP_BREAK] = "breakpoint",
    };

    return name[mode];
}

static const char *yes(bool b)
{
    return b ? "works" : "MISSING: offered by the kernel, but does nothing";
}

static void put_count(struct gd_out *o, const char *what, unsigned n, unsigned claimed)
{
    gd_put_fmt(o, "  hardware %s: %u", what, n);
    if (n < claimed)
        gd_put_fmt(o, " (MISSING: the kernel says %u)", claimed);
    gd_put_str(o, "\n");
}

static void put_indices(struct gd_out *o, uint16_t map, const char *between)
{
    bool any = false;

    for (unsigned n = 0; n < GD_HW_MAX; n++) {
        if (!(map >> n & 1))
            continue;
        gd_put_fmt(o, "%s%u", any ? between : "", n);
        any = true;
    }
}

static void put_kind(struct gd_out *o, const struct kvm_kind *k)
{
    gd_put_fmt(o, "CPU kind 0x%lx, %u CPU%s, tested on CPU %u:\n", k->id, k->ncpus,
               k->ncpus == 1 ? "" : "s", k->cpu);
    if (k->failure[0]) {
        gd_put_fmt(o, "  %s\n", k->failure);
        return;
    }
    if (k->step_why[0])
        gd_put_fmt(o, "  single step: strategy %s (%s)\n", strategy(k->strategy), k->step_why);
    else
        gd_put_fmt(o, "  single step: %s\n", yes(k->hw.step));
    if (k->strategy == GD_STEP_NATIVE && !k->hw.step_tells)
        gd_put_str(o, "  a step does not tell an exception: PC is read after each\n");
    gd_put_fmt(o, "  software breakpoints: %s\n", yes(k->hw.sw_break));
    put_count(o, "breakpoints", k->hw.nbreak, k->claimed_break);
    put_count(o, "watchpoints", k->hw.nwatch, k->claimed_watch);
    gd_put_str(o, "  context-aware breakpoints: ");
    put_indices(o, k->hw.context, " ");
    gd_put_str(o, k->hw.context ? "\n" : "none\n");
}

static void put_text(struct gd_out *o, const struct kvm_report *r, const char *verdict)
{
    gd_put_fmt(o, "KVM on Linux %s, %s\n", r->kernel, gd_kvmarch_arch()->name);
    for (unsigned i = 0; i < r->nkinds; i++)
        put_kind(o, &r->kinds[i]);
    if (r->nkinds > 1)
        gd_put_fmt(o, "for a guest that may run on all of them: %u breakpoints, %u watchpoints\n",
                   r->hw.nbreak, r->hw.nwatch);
    gd_put_fmt(o, "guest time while stopped: held through the %s\n", gd_kvmarch_time_method());
    gd_put_str(o, "the guest's own debugging: ");
    gd_kvmarch_own_debug(r, o);
    gd_put_fmt(o, "\n%s\n", verdict[0] ? verdict : "guests can be debugged");
}

static void put_bool(struct gd_out *o, const char *name, bool b)
{
    gd_put_fmt(o, "\"%s\":%s,", name, b ? "true" : "false");
}

/* A JSON string; what is printed here holds no control characters. */
static void put_string(struct gd_out *o, const char *name, const char *value)
{
    gd_put_fmt(o, "\"%s\":\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            gd_put_byte(o, '\\');
        gd_put_byte(o, (uint8_t)*value);
    }
    gd_put_str(o, "\"");
}

static void put_json_hw(struct gd_out *o, const struct gd_hw_caps *hw)
{
    put_bool(o, "step", hw->step);
    put_bool(o, "step_tells_exceptions", hw->step_tells);
    put_bool(o, "software_breakpoints", hw->sw_break);
    gd_put_fmt(o, "\"breakpoints\":%u,\"watchpoints\":%u,\"context_breakpoints\":[", hw->nbreak,
               hw->nwatch);
    put_indices(o, hw->context, ",");
    gd_put_str(o, "]");
}

static void put_json_kind(struct gd_out *o, const struct kvm_kind *k)
{
    gd_put_fmt(o, "{\"id\":\"0x%lx\",\"count\":%u,\"tested_on\":%u,", k->id, k->ncpus, k->cpu);
    gd_put_fmt(o, "\"claimed_breakpoints\":%u,\"claimed_watchpoints\":%u,", k->claimed_break,
               k->claimed_watch);
    put_string(o, "strategy", strategy(k->strategy));
    gd_put_str(o, ",");
    if (k->step_why[0]) {
        put_string(o, "strategy_why", k->step_why);
        gd_put_str(o, ",");
    }
    if (k->failure[0]) {
        put_string(o, "failure", k->failure);
        gd_put_str(o, ",");
    }
    put_json_hw(o, &k->hw);
    gd_put_str(o, "}");
}

static void put_json(struct gd_out *o, const struct kvm_report *r, const char *verdict)
{
    gd_put_str(o, "{");
    put_string(o, "kernel", r->kernel);
    gd_put_str(o, ",");
    put_string(o, "architecture", gd_kvmarch_arch()->name);
    gd_put_str(o, ",");
    put_bool(o, "ok", !verdict[0]);
    if (verdict[0]) {
        put_string(o, "why", verdict);
        gd_put_str(o, ",");
    }
    put_json_hw(o, &r->hw);
    gd_put_str(o, ",");
    put_string(o, "strategy", strategy(r->strategy));
    gd_put_str(o, ",");
    put_string(o, "time", gd_kvmarch_time_method());
    gd_put_str(o, ",\"guest_debug\":\"");
    gd_kvmarch_own_debug(r, o);
    gd_put_str(o, "\",\"cpus\":[");
    for (unsigned i = 0; i < r->nkinds; i++) {
        gd_put_str(o, i ? "," : "");
        put_json_kind(o, &r->kinds[i]);
    }
    gd_put_str(o, "]}\n");
}

int gd_kvm_caps(int kvm_fd, bool json, char *text, size_t len)
{
    struct kvm_report r;
    struct gd_out o;
    char verdict[256] = "";
    int err = gd_kvmcaps_probe(kvm_fd, &r, verdict, sizeof(verdict));

    if (!err)
        err = gd_kvmcaps_judge(&r, verdict, sizeof(verdict));
    gd_out_init(&o, text, len);
    if (json)
        put_json(&o, &r, verdict);
    else
        put_text(&o, &r, verdict);
    gd_out_str(&o);
    return err;
}
