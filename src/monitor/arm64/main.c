/* SPDX-License-Identifier: MIT */
/*
 * From reset to the guest's first instruction: our own MMU, the device tree, every CPU brought
 * to EL2 and kept, the guest's memory map, the kernel entered at EL1.
 */
#include "monitor/arm64/board.h"
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

struct machine machine;
struct cpu cpus[MAX_CPUS];
unsigned ncpus;
struct gd_target target;
uint8_t stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(4096)));

_Noreturn void boot_main(uint64_t where);
_Noreturn void secondary_main(uint64_t index);

static void cpu_init(struct cpu *c)
{
    set_TPIDR_EL2((uintptr_t)c);
    c->frame = (struct frame *)(void *)(stacks[c->index] + STACK_SIZE) - 1;
    cpu_el2_setup(c);
    gic_cpu_init(c);
}

static void find_cpus(void)
{
    uint64_t self = get_MPIDR_EL1() & MPIDR_AFFINITY;

    cpus[ncpus++].mpidr = self; /* the one that boots is CPU 0 */
    for (unsigned i = 0; i < machine.ncpus && ncpus < MAX_CPUS; i++) {
        if (machine.mpidr[i] != self)
            cpus[ncpus++].mpidr = machine.mpidr[i];
    }
    for (unsigned i = 0; i < ncpus; i++)
        cpus[i].index = i;
}

void secondary_main(uint64_t index)
{
    struct cpu *c = &cpus[index];

    cpu_init(c);
    cpu_intersect();
    atomic_store(&c->up, 1);
    while (!atomic_load(&guest_runs))
        wfi();
    gic_poll(c);
    psci_wait_on(c);
    run_started(c);
    guest_resume(c->frame);
}

static _Noreturn void start_guest(struct cpu *c)
{
    atomic_store(&c->power, POWER_ON);
    cpu_el1_reset(c, machine.kernel.base, machine.tree.base);
    debug_power_on(c);
    cache_clean_code(machine.kernel.base, machine.kernel.base + machine.kernel.size);
    atomic_store(&guest_runs, true);
    gic_kick_all();
    run_started(c);
    guest_resume(c->frame);
}

void boot_main(uint64_t where)
{
    mmu_early(where ? where : BOARD_TREE);
    tree_read(where ? where : BOARD_TREE);
    mmu_machine();
    find_cpus();
    gic_init();
    cpu_init(&cpus[0]);
    cpus[0].up = 1;
    cpu_target();
    if (!psci_start_cpus())
        say("some CPUs did not start and stay off");
    tree_modules();
    tree_hand_on();
    run_init();
    control_init();
    if (machine.uart.base)
        say("ready; target remote this line");
    start_guest(&cpus[0]);
}
