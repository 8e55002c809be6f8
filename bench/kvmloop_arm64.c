/* SPDX-License-Identifier: MIT */
/*
 * The limit on arm64: the benchmark guest on one vCPU with a GICv3, and a loop that does nothing but KVM_RUN with
 * single step on. No debugger, no socket, no look at the guest between two steps.
 */
#include "bench.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define RAM      0x40000000ull
#define RAM_SIZE (64u << 20)
#define GICD     0x08000000ull
#define GICR     0x080a0000ull
#define BRK      0xd4200000u

static void set_gic(int device, unsigned group, uint64_t number, uint64_t value)
{
    struct kvm_device_attr a = { .group = group, .attr = number, .addr = (uintptr_t)&value };

    if (group == KVM_DEV_ARM_VGIC_GRP_CTRL)
        a.addr = 0;
    kvmloop_call(device, KVM_SET_DEVICE_ATTR, &a, "KVM_SET_DEVICE_ATTR");
}

/* What guestdbg run gives its vCPUs, as far as it bears on a world switch. */
static void init_vcpu(struct kvmloop *k)
{
    struct kvm_vcpu_init init = { 0 };
    int sve = KVM_ARM_VCPU_SVE;

    kvmloop_call(k->vm, KVM_ARM_PREFERRED_TARGET, &init, "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    if (ioctl(k->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    if (ioctl(k->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0)
        init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
    kvmloop_call(k->vcpu, KVM_ARM_VCPU_INIT, &init, "KVM_ARM_VCPU_INIT");
    if (init.features[0] & 1u << KVM_ARM_VCPU_SVE)
        kvmloop_call(k->vcpu, KVM_ARM_VCPU_FINALIZE, &sve, "KVM_ARM_VCPU_FINALIZE");
}

static void add_gic(struct kvmloop *k)
{
    struct kvm_create_device gic = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

    kvmloop_call(k->vm, KVM_CREATE_DEVICE, &gic, "KVM_CREATE_DEVICE");
    set_gic((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, GICD);
    set_gic((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR);
    set_gic((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

static uint64_t reg_id(unsigned number)
{
    return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (uint64_t)number * 2;
}

void kvmloop_set(struct kvmloop *k, unsigned number, uint64_t value)
{
    kvmloop_set_one(k, reg_id(number), value);
}

uint64_t kvmloop_get(struct kvmloop *k, unsigned number)
{
    return kvmloop_get_one(k, reg_id(number));
}

uint64_t kvmloop_clock(struct kvmloop *k)
{
    return kvmloop_get_one(k, KVM_REG_ARM_TIMER_CNT);
}

void kvmloop_set_clock(struct kvmloop *k, uint64_t value)
{
    kvmloop_set_one(k, KVM_REG_ARM_TIMER_CNT, value);
}

static void debug(struct kvmloop *k, uint32_t control)
{
    struct kvm_guest_debug d = { .control = control };

    kvmloop_call(k->vcpu, KVM_SET_GUEST_DEBUG, &d, "KVM_SET_GUEST_DEBUG");
}

void kvmloop_begin(struct kvmloop *k)
{
    (void)k;
}

void kvmloop_one(struct kvmloop *k)
{
    kvmloop_call(k->vcpu, KVM_RUN, NULL, "KVM_RUN");
    if (k->run->exit_reason != KVM_EXIT_DEBUG)
        die("KVM loop: exit %u", k->run->exit_reason);
}

void kvmloop_end(struct kvmloop *k)
{
    (void)k;
}

struct kvmloop *kvmloop_open(const char *elf, uint64_t ready)
{
    struct kvmloop *k = kvmloop_make(0, RAM, RAM_SIZE);
    uint32_t word, brk = BRK;

    init_vcpu(k);
    add_gic(k);
    kvmloop_set(k, PC, kvmloop_load(k, elf, RAM));
    memcpy(&word, k->ram + (ready - RAM), 4);
    memcpy(k->ram + (ready - RAM), &brk, 4);
    debug(k, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP);
    kvmloop_step(k, 1);
    if (kvmloop_get(k, PC) != ready)
        die("KVM loop: the guest did not come to ready()");
    memcpy(k->ram + (ready - RAM), &word, 4);
    debug(k, 0);
    debug(k, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
    return k;
}
