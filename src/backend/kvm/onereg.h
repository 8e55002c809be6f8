/* SPDX-License-Identifier: MIT */
/* KVM_GET_ONE_REG and KVM_SET_ONE_REG (Documentation/virt/kvm/api.rst, 4.68 and 4.69). */
#ifndef GD_KVM_ONEREG_H
#define GD_KVM_ONEREG_H

#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* 0, or -1 with errno. value: as many bytes as the identifier says, in the host's order. */
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

static inline int one_reg_get64(int vcpu_fd, uint64_t id, uint64_t *value)
{
    uint32_t half = 0;
    int err;

    if ((id & KVM_REG_SIZE_MASK) != KVM_REG_SIZE_U32)
        return one_reg_get(vcpu_fd, id, value);
    err = one_reg_get(vcpu_fd, id, &half);
    *value = half;
    return err;
}

static inline int one_reg_set64(int vcpu_fd, uint64_t id, uint64_t value)
{
    uint32_t half = (uint32_t)value;

    if ((id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U32)
        return one_reg_set(vcpu_fd, id, &half);
    return one_reg_set(vcpu_fd, id, &value);
}

#endif
