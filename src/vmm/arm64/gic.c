/* SPDX-License-Identifier: MIT */
/*
 * KVM's in-kernel GICv3: creation, and the reset that KVM_ARM_VCPU_INIT does not do. Without it a
 * rebooted guest would find interrupts enabled and pending from its former life. Interface:
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst; register names: Arm IHI 0069.
 */
#include "virt.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * IHI 0069, 12.8 and 12.10; the same offsets in the distributor and in a redistributor's SGI frame
 */
enum {
    CTLR = 0x0000,
    IGROUPR = 0x0080,
    ICENABLER = 0x0180,
    ISPENDR = 0x0200,
    ICACTIVER = 0x0380,
    IPRIORITYR = 0x0400,
    ICFGR = 0x0c00,
    IROUTER = 0x6000,
    SGI_FRAME = 0x10000,
};

/* ICC_*_EL1 as the device attribute has them: op0(2) op1(3) CRn(4) CRm(4) op2(3). */
#define ICC(crn, crm, op2) (3ull << 14 | (crn) << 7 | (crm) << 3 | (op2))
static const uint64_t icc_zero[] = {
    ICC(4ull, 6, 0),   /* PMR */
    ICC(12ull, 8, 4),  /* AP0R0 */
    ICC(12ull, 9, 0),  /* AP1R0 */
    ICC(12ull, 12, 6), /* IGRPEN0 */
    ICC(12ull, 12, 7), /* IGRPEN1 */
};

static int gic_fd(struct vm *vm)
{
    return ((struct virt *)vm->machine_state)->gic_fd;
}

static int set_attr(struct vm *vm, uint32_t group, uint64_t attr, void *value, const char *what)
{
    struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

    if (ioctl(gic_fd(vm), KVM_SET_DEVICE_ATTR, &a) < 0)
        return vm_fail(vm, "KVM's GICv3: cannot set %s: %s", what, strerror(errno));
    return 0;
}

int gic_create(struct vm *vm)
{
    struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

    if (ioctl(vm->fd, KVM_CREATE_DEVICE, &dev) < 0)
        return vm_fail(vm, "this host's KVM offers no GICv3 (%s)", strerror(errno));
    ((struct virt *)vm->machine_state)->gic_fd = (int)dev.fd;
    return 0;
}

int gic_ready(struct vm *vm)
{
    uint64_t dist = VIRT_GICD, redist = VIRT_GICR;
    uint32_t irqs = VIRT_NR_IRQS;

    if (set_attr(vm, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, "the number of interrupts") < 0 ||
        set_attr(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist,
                 "its distributor") < 0 ||
        set_attr(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist,
                 "its redistributors") < 0)
        return -1;
    return set_attr(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "it going");
}

int gic_set_spi(struct vm *vm, unsigned spi, bool level)
{
    struct kvm_irq_level l = {
        .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (GIC_SPI_BASE + spi),
        .level = level,
    };

    return ioctl(vm->fd, KVM_IRQ_LINE, &l);
}

struct bank {
    uint32_t group; /* of the device attribute */
    uint64_t who;   /* a redistributor's vCPU in the attribute's upper half, or 0 */
    uint64_t base;
};

/* Writes value to the registers that hold `bits` bits for each of the interrupts first to end-1. */
static int fill(struct vm *vm, const struct bank *b, uint64_t reg, unsigned bits, unsigned first,
                unsigned end, uint32_t value)
{
    for (unsigned i = first * bits / 8; i < end * bits / 8; i += 4)
        if (set_attr(vm, b->group, b->who | (b->base + reg + i), &value, "a register at reset") < 0)
            return -1;
    return 0;
}

static int reset_bank(struct vm *vm, const struct bank *b, unsigned first, unsigned end)
{
    const struct {
        uint64_t reg;
        unsigned bits;
        uint32_t value;
    } regs[] = {
        { ICENABLER, 1, UINT32_MAX },
        { ICACTIVER, 1, UINT32_MAX },
        { ISPENDR, 1, 0 },
        { IGROUPR, 1, 0 },
        { IPRIORITYR, 8, 0 },
    };

    for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
        if (fill(vm, b, regs[i].reg, regs[i].bits, first, end, regs[i].value) < 0)
            return -1;
    return 0;
}

static int reset_distributor(struct vm *vm)
{
    const struct bank dist = { .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS };
    uint32_t zero = 0;

    if (set_attr(vm, dist.group, CTLR, &zero, "GICD_CTLR at reset") < 0 ||
        reset_bank(vm, &dist, GIC_SPI_BASE, VIRT_NR_IRQS) < 0 ||
        fill(vm, &dist, ICFGR, 2, GIC_SPI_BASE, VIRT_NR_IRQS, 0) < 0)
        return -1;
    return fill(vm, &dist, IROUTER, 64, GIC_SPI_BASE, VIRT_NR_IRQS, 0);
}

static int reset_cpu(struct vm *vm, struct vcpu *cpu)
{
    uint64_t mpidr = virt_mpidr(vm, cpu), zero = 0;
    /* The attribute wants the affinity bytes packed: Aff3.Aff2.Aff1.Aff0 in bits 63:32. */
    uint64_t who = ((mpidr >> 8 & 0xff000000) | (mpidr & 0xffffff)) << 32;
    const struct bank redist = { .group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
                                 .who = who,
                                 .base = SGI_FRAME };

    if (reset_bank(vm, &redist, 0, GIC_SPI_BASE) < 0)
        return -1;
    for (unsigned i = 0; i < sizeof(icc_zero) / sizeof(icc_zero[0]); i++)
        if (set_attr(vm, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, who | icc_zero[i], &zero,
                     "an ICC register") < 0)
            return -1;
    return 0;
}

int gic_reset(struct vm *vm)
{
    if (reset_distributor(vm) < 0)
        return -1;
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        if (reset_cpu(vm, &vm->cpus[i]) < 0)
            return -1;
    return 0;
}
