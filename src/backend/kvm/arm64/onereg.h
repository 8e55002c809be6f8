/* SPDX-License-Identifier: MIT */
/* KVM_GET_ONE_REG and KVM_SET_ONE_REG of arm64 (Documentation/virt/kvm/api.rst, 4.68). */
#ifndef GD_KVM_ARM64_ONEREG_H
#define GD_KVM_ARM64_ONEREG_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define CORE(size, field) (KVM_REG_ARM64 | (size) | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define CORE64(field)     CORE(KVM_REG_SIZE_U64, field)

/* 0, or -1 with errno. */
static inline int one_reg_get(int vcpu_fd, uint64_t id, void *value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

    return ioctl(vcpu_fd, KVM_GET_ONE_REG, &r);
}

static inline int one_reg_set(int vcpu_fd, uint64_t id, const void *value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

    return ioctl(vcpu_fd, KVM_SET_ONE_REG, &r);
}

static inline int one_reg_set64(int vcpu_fd, uint64_t id, uint64_t value)
{
    return one_reg_set(vcpu_fd, id, &value);
}

#endif
