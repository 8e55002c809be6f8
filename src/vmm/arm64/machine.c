/* SPDX-License-Identifier: MIT */
/*
 * arm64 under KVM: vCPU features, power-on registers (Documentation/arch/arm64/booting.rst), exits
 * that are this architecture's own. PSCI, GICv3, the timer and the PMU are KVM's; the UART is ours.
 */
#include "virt.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CORE_REG(name)                                                                             \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(name))
#define REG_MPIDR      ARM64_SYS_REG(3, 0, 0, 0, 5)
#define MPIDR_AFFINITY 0xff00ffffffull
#define PSTATE_RESET   0x3c5ull /* EL1h, DAIF masked */
#define ISS_WNR        0x40u    /* ESR_EL2 of a data abort: it was a write */

static struct virt *state(struct vm *vm)
{
    return vm->machine_state;
}

static int has_cap(struct vm *vm, long cap)
{
    return ioctl(vm->fd, KVM_CHECK_EXTENSION, cap);
}

int vcpu_get_reg(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t *value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

    if (ioctl(cpu->fd, KVM_GET_ONE_REG, &r) < 0)
        return vm_fail(vm, "KVM does not read register 0x%llx: %s", (unsigned long long)id,
                       strerror(errno));
    return 0;
}

static int set_reg(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)&value };

    if (ioctl(cpu->fd, KVM_SET_ONE_REG, &r) < 0)
        return vm_fail(vm, "KVM does not write register 0x%llx: %s", (unsigned long long)id,
                       strerror(errno));
    return 0;
}

uint64_t virt_mpidr(struct vm *vm, struct vcpu *cpu)
{
    uint64_t mpidr = 0;

    vcpu_get_reg(vm, cpu, REG_MPIDR, &mpidr);
    return mpidr & MPIDR_AFFINITY;
}

/*
 * KVM_CREATE_VM's argument is the number of guest-physical address bits, 32 at least (KVM's
 * api.rst, 4.2).
 */
static int vm_type(struct vm *vm, unsigned long *type)
{
    int max = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
    uint64_t end = VIRT_RAM + vm->cfg->memory;
    unsigned long bits = 32;

    if (max <= 0)
        max = 40;
    while (bits < 52 && end > (uint64_t)1 << bits)
        bits++;
    if (bits > (unsigned)max || end > (uint64_t)1 << bits)
        return vm_fail(vm, "this host gives a guest at most %d address bits; use less --memory",
                       max);
    *type = bits;
    return 0;
}

static void uart_send(void *ctx, uint8_t byte)
{
    struct vm *vm = ctx;

    console_put(&vm->console, &byte, 1);
}

static void uart_irq(void *ctx, bool level)
{
    gic_set_spi(ctx, VIRT_UART_SPI, level);
}

static void uart_room(void *ctx)
{
    vm_wake(ctx);
}

static int add_uart(struct vm *vm)
{
    struct pl011 *u = &state(vm)->uart;
    const struct mmio_dev dev = {
        .base = VIRT_UART,
        .size = PL011_SIZE,
        .read = pl011_read,
        .write = pl011_write,
        .dev = u,
    };

    u->send = uart_send;
    u->irq = uart_irq;
    u->room = uart_room;
    u->ctx = vm;
    return vm_add_device(vm, &dev);
}

static int create(struct vm *vm)
{
    struct kvm_enable_cap nisv = { .cap = KVM_CAP_ARM_NISV_TO_USER };
    struct kvm_vcpu_init init;
    struct virt *v = calloc(1, sizeof(*v));

    if (!v)
        return vm_fail(vm, "out of memory");
    vm->machine_state = v;
    v->gic_fd = -1;
    pthread_mutex_init(&v->uart.lock, NULL);
    if (ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init) < 0)
        return vm_fail(vm, "KVM knows no vCPU type for this processor: %s", strerror(errno));
    v->target = init.target;
    v->features = 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (has_cap(vm, KVM_CAP_ARM_PMU_V3) > 0) {
        v->has_pmu = true;
        v->features |= 1u << KVM_ARM_VCPU_PMU_V3;
    }
    if (has_cap(vm, KVM_CAP_ARM_SVE) > 0)
        v->features |= 1u << KVM_ARM_VCPU_SVE;
    if (has_cap(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
        has_cap(vm, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0)
        v->features |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    v->has_abort = has_cap(vm, KVM_CAP_ARM_INJECT_EXT_DABT) > 0;
    if (has_cap(vm, KVM_CAP_ARM_NISV_TO_USER) > 0 && ioctl(vm->fd, KVM_ENABLE_CAP, &nisv) < 0)
        return vm_fail(vm, "KVM refuses to report undecodable accesses: %s", strerror(errno));
    if (gic_create(vm) < 0)
        return -1;
    return add_uart(vm);
}

static void destroy(struct vm *vm)
{
    struct virt *v = state(vm);

    if (v->gic_fd >= 0)
        close(v->gic_fd);
    pthread_mutex_destroy(&v->uart.lock);
    free(v);
}

static int init_vcpu(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_vcpu_init init = { .target = state(vm)->target,
                                  .features = { state(vm)->features } };

    if (cpu->index > 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
    if (ioctl(cpu->fd, KVM_ARM_VCPU_INIT, &init) < 0)
        return vm_fail(vm, "KVM cannot initialise vCPU %u: %s", cpu->index, strerror(errno));
    return 0;
}

static int vcpu_create(struct vm *vm, struct vcpu *cpu)
{
    int sve = KVM_ARM_VCPU_SVE;

    if (init_vcpu(vm, cpu) < 0)
        return -1;
    if ((state(vm)->features & 1u << KVM_ARM_VCPU_SVE) &&
        ioctl(cpu->fd, KVM_ARM_VCPU_FINALIZE, &sve) < 0)
        return vm_fail(vm, "KVM cannot give vCPU %u its SVE registers: %s", cpu->index,
                       strerror(errno));
    return 0;
}

/*
 * Documentation/virt/kvm/devices/vcpu.rst, 1: the interrupt first, then INIT, after the GIC's own.
 */
static int pmu_ready(struct vm *vm, struct vcpu *cpu)
{
    int intid = GIC_PPI_BASE + VIRT_PMU_PPI;
    struct kvm_device_attr irq = {
        .group = KVM_ARM_VCPU_PMU_V3_CTRL,
        .attr = KVM_ARM_VCPU_PMU_V3_IRQ,
        .addr = (uintptr_t)&intid,
    };
    struct kvm_device_attr init = { .group = KVM_ARM_VCPU_PMU_V3_CTRL,
                                    .attr = KVM_ARM_VCPU_PMU_V3_INIT };

    if (ioctl(cpu->fd, KVM_SET_DEVICE_ATTR, &irq) < 0 ||
        ioctl(cpu->fd, KVM_SET_DEVICE_ATTR, &init) < 0)
        return vm_fail(vm, "KVM cannot set up the PMU of vCPU %u: %s", cpu->index, strerror(errno));
    return 0;
}

static int ready(struct vm *vm)
{
    if (gic_ready(vm) < 0)
        return -1;
    for (unsigned i = 0; state(vm)->has_pmu && i < vm->cfg->cpus; i++)
        if (pmu_ready(vm, &vm->cpus[i]) < 0)
            return -1;
    return 0;
}

static int reset(struct vm *vm)
{
    struct vcpu *boot = &vm->cpus[0];

    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        if (init_vcpu(vm, &vm->cpus[i]) < 0)
            return -1;
    if (gic_reset(vm) < 0)
        return -1;
    pl011_reset(&state(vm)->uart);
    if (set_reg(vm, boot, CORE_REG(regs.regs[0]), state(vm)->dtb) < 0 ||
        set_reg(vm, boot, CORE_REG(regs.pc), vm->image.entry) < 0)
        return -1;
    return set_reg(vm, boot, CORE_REG(regs.pstate), PSTATE_RESET);
}

/*
 * A synchronous external abort, as an access to nothing gives on a real bus (KVM's api.rst, 4.31).
 */
static int alien_mmio(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_vcpu_events e;

    if (!state(vm)->has_abort) {
        memset(cpu->run->mmio.data, 0, sizeof(cpu->run->mmio.data));
        return 0;
    }
    memset(&e, 0, sizeof(e));
    if (ioctl(cpu->fd, KVM_GET_VCPU_EVENTS, &e) < 0)
        return vm_fail(vm, "KVM does not tell vCPU %u's pending events: %s", cpu->index,
                       strerror(errno));
    e.exception.ext_dabt_pending = 1;
    if (ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &e) < 0)
        return vm_fail(vm, "KVM does not abort vCPU %u's access: %s", cpu->index, strerror(errno));
    return 0;
}

static int other_exit(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_run *run = cpu->run;

    if (run->exit_reason != KVM_EXIT_ARM_NISV)
        return vm_fail(vm,
                       "vCPU %u left the guest for a reason that this machine does not know (%u)",
                       cpu->index, run->exit_reason);
    vm_report_alien(vm, run->arm_nisv.fault_ipa, run->arm_nisv.esr_iss & ISS_WNR);
    return alien_mmio(vm, cpu);
}

static size_t console_room(struct vm *vm)
{
    return pl011_room(&state(vm)->uart);
}

static void console_input(struct vm *vm, const uint8_t *bytes, size_t len)
{
    pl011_receive(&state(vm)->uart, bytes, len);
}

static size_t in_kernel(unsigned cpus, struct gd_mem_slot *slots, size_t max)
{
    const struct gd_mem_slot gic[] = {
        { .gpa = VIRT_GICD, .size = VIRT_GICD_SIZE },
        { .gpa = VIRT_GICR, .size = VIRT_GICR_EACH * cpus },
    };

    if (max < 2)
        return 0;
    memcpy(slots, gic, sizeof(gic));
    return 2;
}

const struct machine_ops machine_ops = {
    .arch = "arm64",
    .elf_machine = EM_AARCH64,
    .ram_base = VIRT_RAM,
    .max_cpus = VIRT_MAX_CPUS,
    .in_kernel = in_kernel,
    .vm_type = vm_type,
    .create = create,
    .destroy = destroy,
    .vcpu_create = vcpu_create,
    .ready = ready,
    .load = virt_load,
    .reset = reset,
    .exit = other_exit,
    .alien_mmio = alien_mmio,
    .console_room = console_room,
    .console_input = console_input,
};
