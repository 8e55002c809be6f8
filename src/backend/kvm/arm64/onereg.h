/* SPDX-License-Identifier: MIT */
/* One-reg identifiers of arm64's core registers (arch/arm64/include/uapi/asm/kvm.h). */
#ifndef GD_KVM_ARM64_ONEREG_H
#define GD_KVM_ARM64_ONEREG_H

#include <stddef.h>

#include "backend/kvm/onereg.h"

#define CORE(size, field) (KVM_REG_ARM64 | (size) | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define CORE64(field)     CORE(KVM_REG_SIZE_U64, field)

#endif
