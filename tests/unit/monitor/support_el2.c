/* SPDX-License-Identifier: MIT */
/* See support_el2.h. */
#include "support_el2.h"

#define REGS 128

#define REPLACED __attribute__((weak))

REPLACED struct machine machine;
REPLACED struct cpu cpus[MAX_CPUS];
REPLACED unsigned ncpus;
REPLACED struct gd_target target;
struct frame frames[MAX_CPUS];
uint8_t image_start[MONITOR_BLOCK], secondary_entry[4];
_Atomic bool guest_runs;
jmp_buf stopped;
const char *told;
uint64_t (*sysreg_read)(const char *name, uint64_t have);

static struct {
    const char *name;
    uint64_t value;
} regs[REGS];
static unsigned nregs;

uint64_t *sysreg(const char *name)
{
    for (unsigned i = 0; i < nregs; i++) {
        if (strcmp(regs[i].name, name) == 0)
            return &regs[i].value;
    }
    assert_true(nregs < REGS);
    regs[nregs].name = name;
    regs[nregs].value = 0;
    return &regs[nregs++].value;
}

void el2_reset(unsigned n)
{
    nregs = 0;
    sysreg_read = NULL;
    memset(&machine, 0, sizeof(machine));
    memset(cpus, 0, sizeof(cpus));
    memset(frames, 0, sizeof(frames));
    memset(&target, 0, sizeof(target));
    target.arch = &gd_arch_arm64;
    ncpus = n;
    for (unsigned i = 0; i < n; i++) {
        cpus[i].index = i;
        cpus[i].mpidr = i;
        cpus[i].frame = &frames[i];
    }
}

REPLACED void stop(const char *text)
{
    told = text;
    longjmp(stopped, 1);
}

REPLACED void stop_x(const char *before, uint64_t value, const char *after)
{
    (void)value;
    (void)after;
    stop(before);
}

REPLACED void say(const char *text)
{
    told = text;
}

REPLACED void say_x(const char *before, uint64_t value, const char *after)
{
    (void)value;
    (void)after;
    told = before;
}

REPLACED struct cpu *this_cpu(void)
{
    return &cpus[0];
}

REPLACED bool uart_fall_back(void)
{
    return false;
}

REPLACED struct gd_cpu *run_view(struct cpu *c)
{
    return &c->view;
}

REPLACED void gic_cpu_reset(struct cpu *c)
{
    (void)c;
}

REPLACED struct cpu *cpu_of_mpidr(uint64_t affinity)
{
    return affinity < ncpus ? &cpus[affinity] : NULL;
}

REPLACED uint64_t time_now(void)
{
    return 0;
}

REPLACED uint64_t time_in_ms(unsigned ms)
{
    return ms;
}

REPLACED bool mmu_reaches(uint64_t base, uint64_t size)
{
    (void)base;
    return size;
}

REPLACED bool mmu_is_ram(uint64_t base, uint64_t size)
{
    (void)base;
    return size;
}

REPLACED bool debug_stepped(struct cpu *c)
{
    (void)c;
    return false;
}

REPLACED bool debug_exit(struct cpu *c, uint64_t esr, uint64_t far, struct gd_exit *x)
{
    (void)c;
    *x = (struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = esr, .addr = far };
    return false;
}

REPLACED bool debug_access(struct cpu *c, unsigned key, bool write, uint64_t *value)
{
    (void)c;
    (void)key;
    (void)write;
    (void)value;
    return false;
}

REPLACED bool dist_owns(uint64_t ipa)
{
    (void)ipa;
    return false;
}

REPLACED bool dist_access(uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
    (void)ipa;
    (void)size;
    (void)write;
    (void)value;
    return false;
}

REPLACED bool gic_guest_pending(void)
{
    return false;
}

REPLACED bool run_off_wanted(struct cpu *c)
{
    (void)c;
    return false;
}

REPLACED bool psci_start_cpus(void)
{
    return true;
}

REPLACED void smc_frame(uint64_t x[18])
{
    x[0] = 0;
}

#define NOTHING(name, ...)                                                                         \
    REPLACED void name(__VA_ARGS__)                                                                \
    {                                                                                              \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"
NOTHING(cache_clean_code, uint64_t start, uint64_t end)
NOTHING(control_ended, struct cpu *c, int status)
NOTHING(control_init, void)
NOTHING(control_leave, struct cpu *c)
NOTHING(control_notify, void *ctx)
NOTHING(cpu_el1_reset, struct cpu *c, uint64_t entry, uint64_t context)
NOTHING(cpu_el2_setup, struct cpu *c)
NOTHING(cpu_intersect, void)
NOTHING(cpu_target, void)
NOTHING(debug_power_on, struct cpu *c)
NOTHING(debug_skipped, struct cpu *c)
NOTHING(dist_init, void)
NOTHING(el2_mmu_on, const uint64_t *root)
NOTHING(gic_cpu_init, struct cpu *c)
NOTHING(gic_guest_sgi, struct cpu *c, uint64_t value)
NOTHING(gic_init, void)
NOTHING(gic_kick, struct cpu *c)
NOTHING(gic_kick_all, void)
NOTHING(gic_poll, struct cpu *c)
NOTHING(mmu_early, uint64_t tree)
NOTHING(mmu_hide, uint64_t base, uint64_t size)
NOTHING(mmu_machine, void)
NOTHING(psci_call, struct cpu *c)
NOTHING(psci_wait_on, struct cpu *c)
NOTHING(run_finish, struct cpu *c, const struct gd_exit *x)
NOTHING(run_idle, struct cpu *c)
NOTHING(run_init, void)
NOTHING(run_left, struct cpu *c)
NOTHING(run_started, struct cpu *c)
NOTHING(timer_off, void)
NOTHING(tree_hand_on, void)
NOTHING(tree_modules, void)
NOTHING(tree_read, uint64_t where)
NOTHING(uart_interrupts, bool rx, bool tx)
NOTHING(uart_open, uint64_t base)
NOTHING(wfi, void)
