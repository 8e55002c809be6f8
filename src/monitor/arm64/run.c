/* SPDX-License-Identifier: MIT */
/*
 * Between an exit of the guest and its next entry: the engine's verdicts carried out. An exit
 * that does not concern the debugger costs a few loads here. A CPU that runs alone owns
 * alone_owner; all others then stay in EL2. Also the back end's functions that are about
 * CPUs, memory and time.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define ANSWER_MS  2000u
#define SLICE_MS   1u
#define LOOK_UP_MS 20u /* for one that runs alone */
#define MAX_POINTS 256u
#define HASH_BITS  8u

struct gd_engine engine;
static struct gd_vcpu vcpus[MAX_CPUS];
static struct gd_point points[MAX_POINTS];
static struct gd_patch patches[MAX_POINTS];
static uint16_t hash[2u << HASH_BITS];

static _Atomic uint32_t alone_owner; /* index + 1 */
static _Atomic uint64_t voff;        /* what every CPU's CNTVOFF_EL2 shall be */
static uint64_t held_since;

/* ---- the back end ---- */

/* Of a CPU in the guest nobody else knows it: this one's registers or those it stored. */
static bool caches_off(const struct cpu *c)
{
    const uint64_t on = SCTLR_M | SCTLR_C;

    if (c == this_cpu())
        return ~get_SCTLR_EL1() & on;
    return atomic_load(&c->saved) && atomic_load(&c->power) == POWER_ON &&
           ~c->sys[GD_ARM64_SCTLR_EL1 - SYS_FIRST] & on;
}

/* Our map is cacheable. A guest whose caches are off writes past the lines that we have: they go
 * before we read, and before we write beside what it wrote (Arm ARM B2, "Mismatched memory
 * attributes"). */
static void meet_guest(uint64_t gpa, size_t len)
{
    for (unsigned i = 0; i < ncpus; i++) {
        if (caches_off(&cpus[i])) {
            dcache_clean_invalidate(gpa, gpa + len);
            return;
        }
    }
}

static void *memory(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    (void)ctx;
    (void)write;
    if (gd_overlap(gpa, len, (uintptr_t)image_start, MONITOR_BLOCK) ||
        (machine.uart.base && gd_overlap(gpa, len, machine.uart.base, machine.uart.size)))
        *error = GD_E_HIDDEN;
    else if (!mmu_is_ram(gpa, len))
        *error = gpa >> mmu_ipa_bits() ? GD_E_NOTRAM : GD_E_DEVICE;
    else {
        meet_guest(gpa, len);
        return (void *)(uintptr_t)gpa;
    }
    return NULL;
}

static void sync_code(void *ctx, void *host, size_t len)
{
    (void)ctx;
    cache_clean_code((uintptr_t)host, (uintptr_t)host + len);
}

static int arm(void *ctx, unsigned vcpu, const struct gd_arm *a)
{
    (void)ctx;
    debug_arm(&cpus[vcpu], a);
    return 0;
}

static void kick(void *ctx, unsigned vcpu)
{
    (void)ctx;
    if (&cpus[vcpu] != this_cpu())
        gic_kick(&cpus[vcpu]);
}

static void wake(void *ctx)
{
    (void)ctx;
    gic_kick_all();
}

static void time_hold(void *ctx)
{
    (void)ctx;
    held_since = time_now();
}

static void time_release(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&voff, time_now() - held_since);
}

static const char *state(void *ctx, unsigned vcpu)
{
    (void)ctx;
    return atomic_load(&cpus[vcpu].power) == POWER_OFF ? "off" : "on";
}

static const struct gd_backend backend = {
    .reg_get = regs_get,
    .reg_set = regs_set,
    .wide_get = regs_wide_get,
    .wide_set = regs_wide_set,
    .mem = memory,
    .sync_code = sync_code,
    .arm = arm,
    .kick = kick,
    .wake = wake,
    .notify = control_notify,
    .time_hold = time_hold,
    .time_release = time_release,
    .state = state,
    .describe = debug_describe,
};

void run_init(void)
{
    struct gd_engine_config cfg = {
        .target = &target,
        .be = &backend,
        .vcpus = vcpus,
        .nvcpus = ncpus,
        .points = points,
        .npoints = MAX_POINTS,
        .patches = patches,
        .hash = hash,
        .hash_bits = HASH_BITS,
        .start_halted = machine.wait,
    };

    if (gd_engine_init(&engine, &cfg))
        stop("the debug engine does not start");
}

/* A register cache for what is injected outside the engine. */
struct gd_cpu *run_view(struct cpu *c)
{
    c->view.target = &target;
    c->view.be = &backend;
    c->view.index = c->index;
    c->view.why = &c->view_why;
    gd_cpu_forget(&c->view);
    return &c->view;
}

/* ---- waiting ---- */

static bool wanted(const struct cpu *c)
{
    return gd_vcpu_wanted(&engine, c->index);
}

void run_idle(struct cpu *c)
{
    if (control_here(c))
        control_run(c);
    wfi();
    gic_poll(c);
}

static bool is_parked(const struct cpu *c)
{
    return atomic_load(&vcpus[c->index].state) == GD_PARKED;
}

/* Until the engine lets the CPU go. It stores all its registers for the others to read. */
static void park(struct cpu *c)
{
    regs_save(c);
    gic_park(true);
    while (is_parked(c)) {
        if (control_here(c))
            control_run(c);
        if (is_parked(c))
            run_idle(c);
    }
    gic_park(false);
    regs_restore(c);
}

/* Its own stop counts, too: the step that turned it off. */
bool run_off_wanted(struct cpu *c)
{
    if (!wanted(c) && !is_parked(c) && vcpus[c->index].stop.reason == GD_STOP_NONE)
        return false;
    if (gd_vcpu_enter(&engine, c->index, false) == GD_PARK)
        park(c);
    return true;
}

/* ---- running alone ---- */

static void release(struct cpu *c)
{
    if (!c->alone)
        return;
    c->alone = false;
    atomic_store(&alone_owner, 0);
    gic_kick_all();
}

static void wait_for_owner(struct cpu *c)
{
    gic_park(true);
    while (atomic_load(&alone_owner) && !wanted(c))
        run_idle(c);
    gic_park(false);
}

/* Makes all others leave the guest. A CPU that does not answer in time is not waited for any
 * longer: it hangs in firmware, and the debugger must not hang with it. */
static void hold_others(struct cpu *c)
{
    uint32_t nobody = 0;
    uint64_t deadline;

    if (!atomic_compare_exchange_strong(&alone_owner, &nobody, c->index + 1)) {
        wait_for_owner(c);
        return;
    }
    deadline = time_in_ms(ANSWER_MS);
    gic_kick_all();
    for (unsigned i = 0; i < ncpus; i++) {
        while (&cpus[i] != c && atomic_load(&cpus[i].in_guest) && time_now() < deadline &&
               atomic_load(&vcpus[i].state) != GD_LOST) {
        }
    }
    c->alone = true;
}

static void slice(struct cpu *c)
{
    uint64_t end = time_in_ms(SLICE_MS);

    gic_park(true);
    timer_set(end);
    while (time_now() < end && !wanted(c))
        run_idle(c);
    timer_off();
    gic_park(false);
}

/* ---- verdicts ---- */

/* The guest may be entered: published first, then looked whether anyone wants us out. */
static bool may_enter(struct cpu *c)
{
    atomic_store(&c->in_guest, 1);
    if (c->alone || (!atomic_load(&alone_owner) && !wanted(c)))
        return true;
    atomic_store(&c->in_guest, 0);
    wait_for_owner(c);
    return false;
}

static void decide(struct cpu *c)
{
    for (;;) {
        switch (gd_vcpu_enter(&engine, c->index, c->alone)) {
        case GD_ENTER:
            release(c);
            if (may_enter(c))
                return;
            break;
        case GD_ENTER_ALONE:
            if (c->alone && may_enter(c))
                return;
            if (!c->alone)
                hold_others(c);
            break;
        case GD_PARK:
            release(c);
            park(c);
            break;
        case GD_SLICE:
            release(c);
            slice(c);
            break;
        }
    }
}

static void tell(struct cpu *c, const struct gd_exit *x)
{
    gd_vcpu_left(&engine, c->index, x);
    atomic_store(&c->in_guest, 0);
    decide(c);
}

/* Last before the return: debug hardware, time, interrupts. */
static void load_guest(struct cpu *c)
{
    static const struct gd_exit other = { .kind = GD_EXIT_OTHER };
    uint64_t v;

    while (!debug_enter(c)) /* a step of ours ends at the guest's vector */
        tell(c, &other);
    v = atomic_load_explicit(&voff, memory_order_relaxed);
    if (c->voff != v) {
        set_CNTVOFF_EL2(v);
        c->voff = v;
    }
    gic_flush(c);
    if (c->alone && !c->debug.hold && !c->debug.step)
        timer_set(time_in_ms(LOOK_UP_MS)); /* a handler may wait for one of the others */
}

void run_finish(struct cpu *c, const struct gd_exit *x)
{
    static const struct gd_exit nothing = { .kind = GD_EXIT_NONE };

    if (control_here(c))
        control_run(c);
    if (x || c->alone || wanted(c) || atomic_load(&alone_owner))
        tell(c, x ? x : &nothing);
    load_guest(c);
}

/* The CPU leaves the guest for good (CPU_OFF): a run alone of its ends. */
void run_left(struct cpu *c)
{
    static const struct gd_exit other = { .kind = GD_EXIT_OTHER };

    gd_vcpu_left(&engine, c->index, &other);
    atomic_store(&c->in_guest, 0);
    release(c);
}

void run_started(struct cpu *c)
{
    static const struct gd_exit nothing = { .kind = GD_EXIT_NONE };

    gd_vcpu_left(&engine, c->index, &nothing);
    decide(c);
    load_guest(c);
}
