/* SPDX-License-Identifier: MIT */
/*
 * PSCI (Arm DEN 0022) between the guest and firmware. Every CPU is started once, at boot, and
 * stays in the monitor; the guest's CPU_ON and CPU_OFF only let it go and take it back, so that
 * a CPU that is off can still be asked to stop, and nothing starts past EL2. Suspend is a
 * wait for interrupt. System calls and what does not concern CPUs go on to firmware.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define PSCI_VERSION           0x84000000u
#define PSCI_CPU_SUSPEND       0x84000001u
#define PSCI_CPU_OFF           0x84000002u
#define PSCI_CPU_ON            0x84000003u
#define PSCI_AFFINITY_INFO     0x84000004u
#define PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define PSCI_SYSTEM_OFF        0x84000008u
#define PSCI_SYSTEM_RESET      0x84000009u
#define PSCI_FEATURES          0x8400000au
#define PSCI_64BIT             0x40000000u
#define SMCCC_VERSION          0x80000000u
#define SMCCC_SVE_HINT         0x10000u /* DEN 0028 1.3: no part of the function's number */

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INTERNAL_FAILURE   (-6)
#define PSCI_INVALID_ADDRESS    (-9)

#define START_MS 2000u

/* ---- the CPUs, once ---- */

bool psci_start_cpus(void)
{
    unsigned failed = 0;

    for (unsigned i = 1; i < ncpus; i++) {
        uint64_t deadline = time_in_ms(START_MS);

        if ((int32_t)smc(PSCI_CPU_ON | PSCI_64BIT, cpus[i].mpidr, (uintptr_t)secondary_entry, i)) {
            failed++;
            continue;
        }
        while (!atomic_load(&cpus[i].up) && time_now() < deadline) {
        }
        failed += !atomic_load(&cpus[i].up);
    }
    return failed == 0;
}

void psci_wait_on(struct cpu *c)
{
    while (atomic_load(&c->power) != POWER_PENDING) {
        if (!run_off_wanted(c))
            run_idle(c);
    }
    atomic_store(&c->power, POWER_ON);
    cpu_el1_reset(c, c->on_entry, c->on_context);
    gic_cpu_reset(c);
    debug_power_on(c);
}

void psci_machine_off(bool reset)
{
    smc(reset ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF, 0, 0, 0);
    stop("firmware did not turn the machine off");
}

/* ---- the guest's calls ---- */

static int64_t cpu_on(uint64_t affinity, uint64_t entry, uint64_t context)
{
    struct cpu *c = cpu_of_mpidr(affinity);
    uint32_t off = POWER_OFF;

    if (!c)
        return PSCI_INVALID_PARAMETERS;
    if (!mmu_is_ram(entry, 4) || gd_overlap(entry, 4, (uintptr_t)image_start, MONITOR_BLOCK))
        return PSCI_INVALID_ADDRESS;
    if (!atomic_load(&c->up))
        return PSCI_INTERNAL_FAILURE;
    /* The slot is claimed first: two CPUs may turn the same one on. */
    if (!atomic_compare_exchange_strong(&c->power, &off, POWER_CLAIMED))
        return off == POWER_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
    c->on_entry = entry;
    c->on_context = context;
    atomic_store(&c->power, POWER_PENDING);
    gic_kick(c);
    return PSCI_SUCCESS;
}

static void cpu_off(struct cpu *c)
{
    control_leave(c);
    run_left(c);
    atomic_store(&c->power, POWER_OFF);
    psci_wait_on(c);
    run_started(c);
}

static int64_t affinity_info(uint64_t affinity, uint64_t level)
{
    struct cpu *c = cpu_of_mpidr(affinity);

    if (!c || level != 0)
        return PSCI_INVALID_PARAMETERS;
    switch (atomic_load(&c->power)) {
    case POWER_ON:
        return 0;
    case POWER_OFF:
        return 1;
    default:
        return 2;
    }
}

static void suspend(struct cpu *c)
{
    if (!gic_guest_pending() && c->nqueue == 0)
        wfi(); /* the interrupt that ends it is taken at the return to the guest */
}

/* Of ours CPU_SUSPEND, CPU_ON and AFFINITY_INFO have a number for 64 bits, too. */
static uint32_t narrow(uint32_t fn)
{
    const uint32_t wide = 1u << 1 | 1u << 3 | 1u << 4;

    return wide >> (fn & 31) & 1 ? fn & ~PSCI_64BIT : fn;
}

static bool supported(uint32_t fn)
{
    switch (narrow(fn)) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
        return true;
    case SMCCC_VERSION: /* before SMCCC 1.1 there is no such call */
        return (int32_t)smc(PSCI_FEATURES, SMCCC_VERSION, 0, 0) != PSCI_NOT_SUPPORTED;
    default:
        return false;
    }
}

static void machine_off(struct cpu *c, bool reset)
{
    control_ended(c, 0);
    psci_machine_off(reset);
}

/* Calls that firmware answers: the architecture's own (errata) and its random numbers. */
static bool passes(uint32_t fn)
{
    uint32_t owner = fn >> 24 & 0x3f, number = fn & 0xffff;

    return (fn & 1u << 31) && (owner == 0 || (owner == 4 && number >= 0x50 && number <= 0x5f));
}

void psci_call(struct cpu *c)
{
    uint64_t *x = c->frame->x;
    uint32_t fn = (uint32_t)x[0] & ~SMCCC_SVE_HINT;
    bool wide = fn & PSCI_64BIT;
    uint64_t a = wide ? x[1] : (uint32_t)x[1], b = wide ? x[2] : (uint32_t)x[2];

    switch (narrow(fn)) {
    case PSCI_VERSION:
        x[0] = smc(PSCI_VERSION, 0, 0, 0);
        break;
    case PSCI_CPU_SUSPEND:
        suspend(c);
        x[0] = PSCI_SUCCESS;
        break;
    case PSCI_CPU_OFF:
        cpu_off(c);
        break;
    case PSCI_CPU_ON:
        x[0] = (uint64_t)cpu_on(a & MPIDR_AFFINITY, b, wide ? x[3] : (uint32_t)x[3]);
        break;
    case PSCI_AFFINITY_INFO:
        x[0] = (uint64_t)affinity_info(a & MPIDR_AFFINITY, b);
        break;
    case PSCI_MIGRATE_INFO_TYPE:
        x[0] = 2; /* no trusted OS that would have to move */
        break;
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
        machine_off(c, fn == PSCI_SYSTEM_RESET);
        break;
    case PSCI_FEATURES:
        x[0] = supported((uint32_t)a) ? 0 : (uint64_t)PSCI_NOT_SUPPORTED;
        break;
    default:
        if (passes(fn))
            smc_frame(x);
        else
            x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
    }
}
