/* SPDX-License-Identifier: MIT */
/*
 * POWER under KVM-HV: set-up of a radix partition, power-on registers, the XICS. vCPUs other than the
 * first stay outside of KVM until the guest starts them (RTAS start-cpu). H_SET_MODE stays with us: a debugger
 * must own CIABR and DAWR.
 */
#include "pseries.h"

#include <dirent.h>
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PATB_GR     0x8000000000000000ull
#define H_SET_DABR  0x28u
#define H_SET_XDABR 0x134u
#define TIMEBASE_HZ 512000000u /* of every processor since POWER6 */
#define ICP_RESET   (0xffull << KVM_REG_PPC_ICP_MFRR_SHIFT | 0xffull << KVM_REG_PPC_ICP_PPRI_SHIFT)
#define SOURCE_RESET                                                                               \
    (0xffull << KVM_XICS_PRIORITY_SHIFT | KVM_XICS_LEVEL_SENSITIVE | KVM_XICS_MASKED)

int vcpu_get(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t *value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

    if (ioctl(cpu->fd, KVM_GET_ONE_REG, &r) < 0)
        return vm_fail(vm, "KVM does not read register 0x%llx: %s", (unsigned long long)id,
                       strerror(errno));
    return 0;
}

int vcpu_set(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t value)
{
    uint64_t v[2] = { value, 0 }; /* some are pairs of an address and a length */
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)v };

    if (ioctl(cpu->fd, KVM_SET_ONE_REG, &r) < 0)
        return vm_fail(vm, "KVM does not write register 0x%llx: %s", (unsigned long long)id,
                       strerror(errno));
    return 0;
}

int vcpu_lpcr(struct vm *vm, struct vcpu *cpu, uint64_t mask, uint64_t bits)
{
    uint64_t lpcr = 0;

    if (cpu->started && !cpu->off && !pthread_equal(cpu->thread, pthread_self())) {
        __atomic_store_n(&cpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
        vm_nudge(cpu);
    }
    if (vcpu_get(vm, cpu, KVM_REG_PPC_LPCR_64, &lpcr) < 0)
        return -1;
    return vcpu_set(vm, cpu, KVM_REG_PPC_LPCR_64, (lpcr & ~mask) | (bits & mask));
}

int vcpu_power_on(struct vm *vm, struct vcpu *cpu, uint64_t entry, uint64_t r3, uint64_t msr)
{
    struct kvm_regs regs = { .pc = entry, .msr = msr, .gpr[3] = r3 };

    /* If it stopped itself, that hypercall is still to be completed, which would change r3. */
    cpu->run->immediate_exit = 1;
    ioctl(cpu->fd, KVM_RUN, 0);
    cpu->run->immediate_exit = 0;
    if (ioctl(cpu->fd, KVM_SET_REGS, &regs) < 0)
        return vm_fail(vm, "KVM does not take vCPU %u's registers: %s", cpu->index,
                       strerror(errno));
    return 0;
}

int mmu_configure(struct vm *vm, uint64_t process_table)
{
    struct kvm_ppc_mmuv3_cfg cfg = {
        .flags = KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE,
        .process_table = process_table,
    };

    return ioctl(vm->fd, KVM_PPC_CONFIGURE_V3_MMU, &cfg) < 0 ? -1 : 0;
}

/* ---- set-up -------------------------------------------------------------------------------------------- */

static int vm_type(struct vm *vm, unsigned long *type)
{
    (void)vm;
    *type = KVM_VM_PPC_HV;
    return 0;
}

static int enable_vm(struct vm *vm, uint32_t cap, uint64_t a0, uint64_t a1)
{
    struct kvm_enable_cap e = { .cap = cap, .args = { a0, a1 } };

    return ioctl(vm->fd, KVM_ENABLE_CAP, &e);
}

/* The timebase's frequency is the host's; its device tree has it in each CPU's node. */
static uint32_t host_timebase(void)
{
    const char *top = "/proc/device-tree/cpus";
    DIR *dir = opendir(top);
    struct dirent *d;
    uint32_t hz = 0;

    while (dir && !hz && (d = readdir(dir))) {
        char path[512];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s/timebase-frequency", top, d->d_name);
        f = fopen(path, "rb");
        if (!f)
            continue;
        if (fread(&hz, sizeof(hz), 1, f) != 1)
            hz = 0;
        fclose(f);
    }
    if (dir)
        closedir(dir);
    return hz ? be32toh(hz) : TIMEBASE_HZ;
}

static int create_xics(struct vm *vm)
{
    struct kvm_create_device dev = { .type = KVM_DEV_TYPE_XICS };

    if (ioctl(vm->fd, KVM_CREATE_DEVICE, &dev) < 0)
        return vm_fail(vm, "KVM has no XICS interrupt controller here: %s", strerror(errno));
    pseries(vm)->xics_fd = (int)dev.fd;
    for (unsigned i = 0; i < RTAS_NTOKENS; i++) {
        struct kvm_rtas_token_args t = { .token = i + 1 };

        if (!rtas_calls[i].in_kernel)
            continue;
        snprintf(t.name, sizeof(t.name), "%s", rtas_calls[i].name);
        if (ioctl(vm->fd, KVM_PPC_RTAS_DEFINE_TOKEN, &t) < 0)
            return vm_fail(vm, "KVM does not serve %s: %s", rtas_calls[i].name, strerror(errno));
    }
    return 0;
}

static int create(struct vm *vm)
{
    struct pseries *p = calloc(1, sizeof(*p));
    struct kvm_ppc_rmmu_info mmu;

    if (!p)
        return vm_fail(vm, "out of memory");
    vm->machine_state = p;
    p->xics_fd = -1;
    pthread_mutex_init(&p->lock, NULL);
    if (ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_MMU_RADIX) <= 0 ||
        ioctl(vm->fd, KVM_PPC_GET_RMMU_INFO, &mmu) < 0 || mmu_configure(vm, PATB_GR) < 0)
        return vm_fail(vm, "this host's KVM runs no radix guests (POWER9 or later is needed)");
    memcpy(p->page_sizes, mmu.ap_encodings, sizeof(p->page_sizes));
    p->ail3 = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_AIL_MODE_3) > 0;
    p->dawr1 = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_DAWR1) > 0 &&
               enable_vm(vm, KVM_CAP_PPC_DAWR1, 0, 0) == 0;
    p->timebase = host_timebase();
    /* On by default, and would change the DAWR under a debugger. */
    enable_vm(vm, KVM_CAP_PPC_ENABLE_HCALL, H_SET_DABR, 0);
    enable_vm(vm, KVM_CAP_PPC_ENABLE_HCALL, H_SET_XDABR, 0);
    return create_xics(vm);
}

static void destroy(struct vm *vm)
{
    struct pseries *p = pseries(vm);

    if (p->xics_fd >= 0)
        close(p->xics_fd);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static int vcpu_create(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
    struct kvm_enable_cap xics = {
        .cap = KVM_CAP_IRQ_XICS,
        .args = { (uint64_t)pseries(vm)->xics_fd, cpu->index },
    };
    struct kvm_sregs sregs;

    if (ioctl(cpu->fd, KVM_ENABLE_CAP, &papr) < 0 || ioctl(cpu->fd, KVM_ENABLE_CAP, &xics) < 0)
        return vm_fail(vm, "KVM cannot make vCPU %u a partition's: %s", cpu->index,
                       strerror(errno));
    if (ioctl(cpu->fd, KVM_GET_SREGS, &sregs) < 0)
        return vm_fail(vm, "KVM does not tell vCPU %u's processor: %s", cpu->index,
                       strerror(errno));
    pseries(vm)->pvr = sregs.pvr;
    return 0;
}

static int ready(struct vm *vm)
{
    (void)vm;
    return 0;
}

/* ---- power-on and reboot ------------------------------------------------------------------------------- */

/* Nothing of the guest before may be left: the areas that it registered lie in memory that is now clear. */
static int reset_vcpu(struct vm *vm, struct vcpu *cpu)
{
    static const uint64_t zero[] = {
        KVM_REG_PPC_VPA_SLB, KVM_REG_PPC_VPA_DTL, KVM_REG_PPC_VPA_ADDR, KVM_REG_PPC_PID,
        KVM_REG_PPC_CIABR,   KVM_REG_PPC_DAWRX,   KVM_REG_PPC_DAWR,
    };

    for (unsigned i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
        if (vcpu_set(vm, cpu, zero[i], 0) < 0)
            return -1;
    if (pseries(vm)->dawr1 && (vcpu_set(vm, cpu, KVM_REG_PPC_DAWRX1, 0) < 0 ||
                               vcpu_set(vm, cpu, KVM_REG_PPC_DAWR1, 0) < 0))
        return -1;
    if (vcpu_set(vm, cpu, KVM_REG_PPC_ICP_STATE, ICP_RESET) < 0)
        return -1;
    cpu->off = cpu->index > 0;
    return vcpu_lpcr(vm, cpu, LPCR_AIL | LPCR_ILE, vm->image.big_endian ? 0 : LPCR_ILE);
}

static int reset(struct vm *vm)
{
    struct pseries *p = pseries(vm);
    uint64_t source = SOURCE_RESET;
    struct kvm_device_attr attr = {
        .group = KVM_DEV_XICS_GRP_SOURCES,
        .attr = PSERIES_VTY_IRQ,
        .addr = (uintptr_t)&source,
    };

    if (mmu_configure(vm, PATB_GR) < 0)
        return vm_fail(vm, "KVM does not take back the process table: %s", strerror(errno));
    if (ioctl(p->xics_fd, KVM_SET_DEVICE_ATTR, &attr) < 0)
        return vm_fail(vm, "KVM does not take the console's interrupt: %s", strerror(errno));
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        if (reset_vcpu(vm, &vm->cpus[i]) < 0)
            return -1;
    pthread_mutex_lock(&p->lock);
    p->in_at = p->in_len = 0;
    pthread_mutex_unlock(&p->lock);
    return vcpu_power_on(vm, &vm->cpus[0], vm->image.entry, p->dtb,
                         MSR_RESET | (vm->image.big_endian ? 0 : MSR_LE));
}

/* ---- run time ------------------------------------------------------------------------------------------ */

static int other_exit(struct vm *vm, struct vcpu *cpu)
{
    if (cpu->run->exit_reason == KVM_EXIT_PAPR_HCALL)
        return hcall_exit(vm, cpu);
    return vm_fail(vm, "vCPU %u left the guest for a reason that this machine does not know (%u)",
                   cpu->index, cpu->run->exit_reason);
}

/* An RTAS call whose arguments KVM cannot read: its answer is completed like any hypercall's (book3s_hv.c,
 * kvmppc_pseries_do_hcall, "Send the error out to userspace"). */
static bool failed(struct vm *vm, struct vcpu *cpu)
{
    return cpu->run->exit_reason == KVM_EXIT_PAPR_HCALL && cpu->run->papr_hcall.nr == H_RTAS &&
           hcall_exit(vm, cpu) == 0;
}

static int alien_mmio(struct vm *vm, struct vcpu *cpu)
{
    (void)vm;
    memset(cpu->run->mmio.data, 0xff, sizeof(cpu->run->mmio.data));
    return 0;
}

void console_line(struct vm *vm)
{
    struct kvm_irq_level line = { .irq = PSERIES_VTY_IRQ, .level = pseries(vm)->in_len > 0 };

    ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

static size_t console_room(struct vm *vm)
{
    struct pseries *p = pseries(vm);
    size_t room;

    pthread_mutex_lock(&p->lock);
    room = PSERIES_INPUT - p->in_len;
    pthread_mutex_unlock(&p->lock);
    return room;
}

static void console_input(struct vm *vm, const uint8_t *bytes, size_t len)
{
    struct pseries *p = pseries(vm);

    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < len && p->in_len < PSERIES_INPUT; i++)
        p->input[(p->in_at + p->in_len++) % PSERIES_INPUT] = bytes[i];
    console_line(vm);
    pthread_mutex_unlock(&p->lock);
}

const struct machine_ops machine_ops = {
    .arch = "POWER",
    .elf_machine = EM_PPC64,
    .bi_endian = true,
    .ram_base = 0,
    .max_cpus = PSERIES_MAX_CPUS,
    .vm_type = vm_type,
    .create = create,
    .destroy = destroy,
    .vcpu_create = vcpu_create,
    .ready = ready,
    .load = pseries_load,
    .reset = reset,
    .exit = other_exit,
    .alien_mmio = alien_mmio,
    .failed = failed,
    .console_room = console_room,
    .console_input = console_input,
};
