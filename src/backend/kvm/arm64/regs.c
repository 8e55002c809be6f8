/* SPDX-License-Identifier: MIT */
/*
 * Registers of an arm64 vCPU by guestdbg's raw numbers, as KVM's one-reg identifiers
 * (arch/arm64/include/uapi/asm/kvm.h). Two traps of that ABI: the core register "sp" is SP_EL0,
 * and the identifiers of CNTV_CVAL_EL0 and CNTVCT_EL0 are each other's.
 */
#include "backend/kvm/kvm.h"

#include <errno.h>
#include <string.h>

#include "arch/arm64/arm64.h"
#include "backend/kvm/arm64/onereg.h"

#define SVE_Z_BYTES 256 /* one slice, KVM_ARM64_SVE_VQ_MAX * 16 */
#define SVE_P_BYTES 32

/* The system registers in order of their numbers; core and timer ones are overridden below. */
#define SYS_ID(num, name, op0, op1, crn, crm, op2, flags)                                          \
    [num] = ARM64_SYS_REG((uint64_t)op0, op1, crn, crm, op2) | KVM_REG_ARM64,
static const uint64_t sys_id[GD_REG_MAX] = { GD_ARM64_EL1_REGS(SYS_ID) GD_ARM64_OWN_REGS(SYS_ID) };

/* One-reg identifier of a register up to 64 bits; 0: there is none. */
static uint64_t narrow_id(unsigned num)
{
    if (num <= GD_ARM64_X(30))
        return CORE64(regs.regs[0]) + num * (sizeof(uint64_t) / sizeof(uint32_t));
    if (num >= GD_ARM64_DBGBCR(0) && num <= GD_ARM64_DBGBCR(15))
        return ARM64_SYS_REG(2, 0, 0, num - GD_ARM64_DBGBCR(0), 5) | KVM_REG_ARM64;
    if (num >= GD_ARM64_DBGWCR(0) && num <= GD_ARM64_DBGWCR(15))
        return ARM64_SYS_REG(2, 0, 0, num - GD_ARM64_DBGWCR(0), 7) | KVM_REG_ARM64;
    switch (num) {
    case GD_ARM64_PC:
        return CORE64(regs.pc);
    case GD_ARM64_PSTATE:
        return CORE64(regs.pstate);
    case GD_ARM64_SP_EL0:
        return CORE64(regs.sp);
    case GD_ARM64_SP_EL1:
        return CORE64(sp_el1);
    case GD_ARM64_ELR_EL1:
        return CORE64(elr_el1);
    case GD_ARM64_SPSR_EL1:
        return CORE64(spsr[KVM_SPSR_EL1]);
    case GD_ARM64_FPSR:
        return CORE(KVM_REG_SIZE_U32, fp_regs.fpsr);
    case GD_ARM64_FPCR:
        return CORE(KVM_REG_SIZE_U32, fp_regs.fpcr);
    case GD_ARM64_TPIDR_EL0:
        return ARM64_SYS_REG(3ull, 3, 13, 0, 2) | KVM_REG_ARM64;
    case GD_ARM64_CNTV_CTL_EL0:
        return KVM_REG_ARM_TIMER_CTL | KVM_REG_ARM64;
    case GD_ARM64_CNTV_CVAL_EL0:
        return KVM_REG_ARM_TIMER_CVAL | KVM_REG_ARM64;
    default:
        return num < GD_REG_MAX ? sys_id[num] : 0;
    }
}

static int one_reg_error(void)
{
    return errno == ENOENT || errno == EINVAL ? GD_E_NOREG : GD_E_BACKEND;
}

int gd_kvmarch_reg_get(struct kvm_vcpu *v, unsigned num, uint64_t *value)
{
    uint64_t id = narrow_id(num), wide = 0;

    if (num == GD_ARM64_DCZID_EL0) { /* KVM has no identifier; the guest reads the hardware's */
        __asm__("mrs %0, dczid_el0" : "=r"(*value));
        return 0;
    }
    /* A 32-bit register fills the low half of wide: host and guest data are little-endian. */
    if (!id)
        return GD_E_NOREG;
    if (one_reg_get(v->fd, id, &wide) != 0)
        return one_reg_error();
    *value = wide;
    return 0;
}

int gd_kvmarch_reg_set(struct kvm_vcpu *v, unsigned num, uint64_t value)
{
    uint64_t id = narrow_id(num);

    if (!id)
        return GD_E_NOREG;
    return one_reg_set(v->fd, id, &value) == 0 ? 0 : one_reg_error();
}

/* Identifier and size of a wide register, given the size that the engine asks for: V registers
 * are 16 bytes only without SVE, and KVM refuses their core identifiers with it. */
static uint64_t wide_id(unsigned num, size_t n, size_t *size)
{
    bool vector = num >= GD_ARM64_V(0) && num <= GD_ARM64_V(31);
    unsigned i = num - GD_ARM64_V(0);

    *size = vector ? SVE_Z_BYTES : SVE_P_BYTES;
    if (vector && n <= SVE_Z_BYTES)
        return KVM_REG_ARM64_SVE_ZREG(i, 0);
    if (num >= GD_ARM64_P(0) && num <= GD_ARM64_P(15) && n <= SVE_P_BYTES)
        return KVM_REG_ARM64_SVE_PREG(num - GD_ARM64_P(0), 0);
    if (num == GD_ARM64_FFR && n <= SVE_P_BYTES)
        return KVM_REG_ARM64_SVE_FFR(0);
    return 0;
}

static uint64_t simd_id(unsigned num)
{
    unsigned i = num - GD_ARM64_V(0);

    if (num < GD_ARM64_V(0) || num > GD_ARM64_V(31))
        return 0;
    return CORE(KVM_REG_SIZE_U128, fp_regs.vregs[0]) + i * (16 / sizeof(uint32_t));
}

/* KVM has one register at a time. */
const uint64_t gd_kvmarch_block[GD_REG_WORDS] = { 0 };

int gd_kvmarch_block_get(struct kvm_vcpu *v, uint64_t *values)
{
    (void)v;
    (void)values;
    return GD_E_NOREG;
}

int gd_kvmarch_block_set(struct kvm_vcpu *v, const uint64_t *values)
{
    (void)v;
    (void)values;
    return GD_E_NOREG;
}

int gd_kvmarch_wide_get(struct kvm_vcpu *v, unsigned num, uint8_t *bytes, size_t n)
{
    uint8_t whole[SVE_Z_BYTES] = { 0 };
    size_t size = 16;
    uint64_t id = n == 16 ? simd_id(num) : 0;

    if (!id || one_reg_get(v->fd, id, whole) != 0) {
        id = wide_id(num, n, &size);
        if (!id)
            return GD_E_NOREG;
        if (one_reg_get(v->fd, id, whole) != 0)
            return one_reg_error();
    }
    memcpy(bytes, whole, n);
    return 0;
}

int gd_kvmarch_wide_set(struct kvm_vcpu *v, unsigned num, const uint8_t *bytes, size_t n)
{
    uint8_t whole[SVE_Z_BYTES] = { 0 };
    size_t size = 16;
    uint64_t id = n == 16 ? simd_id(num) : 0;

    if (n > sizeof(whole))
        return GD_E_NOREG;
    memcpy(whole, bytes, n);
    if (id && one_reg_set(v->fd, id, whole) == 0)
        return 0;
    id = wide_id(num, n, &size);
    if (!id)
        return GD_E_NOREG;
    return one_reg_set(v->fd, id, whole) == 0 ? 0 : one_reg_error();
}

/* ---- what the guest's processor is ---- */

static uint64_t id_reg(int vcpu_fd, unsigned crm, unsigned op2)
{
    uint64_t value = 0;

    one_reg_get(vcpu_fd, ARM64_SYS_REG(3ull, 0, 0, crm, op2) | KVM_REG_ARM64, &value);
    return value;
}

/* The largest vector length that was given to the vCPU, in 128-bit words; 0 without SVE. */
static uint8_t sve_vq(int vcpu_fd)
{
    uint64_t map[KVM_ARM64_SVE_VLS_WORDS] = { 0 };

    if (one_reg_get(vcpu_fd, KVM_REG_ARM64_SVE_VLS, map) != 0)
        return 0;
    for (unsigned vq = KVM_ARM64_SVE_VQ_MAX; vq >= KVM_ARM64_SVE_VQ_MIN; vq--) {
        unsigned bit = vq - KVM_ARM64_SVE_VQ_MIN;

        if (map[bit / 64] >> (bit % 64) & 1)
            return vq <= SVE_Z_BYTES / 16 ? (uint8_t)vq : SVE_Z_BYTES / 16;
    }
    return 0;
}

int gd_kvmarch_target(struct gd_target *t, int vcpu_fd)
{
    const struct gd_arm64_ids ids = {
        .pfr0 = id_reg(vcpu_fd, 4, 0),
        .pfr1 = id_reg(vcpu_fd, 4, 1),
        .mmfr0 = id_reg(vcpu_fd, 7, 0),
        .mmfr1 = id_reg(vcpu_fd, 7, 1),
        .mmfr2 = id_reg(vcpu_fd, 7, 2),
        .mmfr3 = id_reg(vcpu_fd, 7, 3),
        .isar1 = id_reg(vcpu_fd, 6, 1),
        .isar2 = id_reg(vcpu_fd, 6, 2),
    };
    uint64_t pc;

    /* Registers of a vCPU that KVM_ARM_VCPU_INIT has not seen are refused. */
    if (one_reg_get(vcpu_fd, CORE64(regs.pc), &pc) != 0)
        return GD_E_BACKEND;
    t->features = gd_arm64_features(&ids);
    t->pa_bits = (uint8_t)gd_arm64_pa_bits(ids.mmfr0);
    t->sve_vq = sve_vq(vcpu_fd);
    return 0;
}

/* ---- the guest's clock: its virtual counter, which all vCPUs of a VM share ---- */

#define CNTVCT (KVM_REG_ARM_TIMER_CNT | KVM_REG_ARM64)

int gd_kvmarch_time_get(int vcpu_fd, uint64_t *t)
{
    return one_reg_get(vcpu_fd, CNTVCT, t) == 0 ? 0 : GD_E_UNSUPPORTED;
}

int gd_kvmarch_time_set(struct gd_kvm *k, int vcpu_fd, uint64_t t)
{
    (void)k;
    return one_reg_set(vcpu_fd, CNTVCT, &t) == 0 ? 0 : GD_E_UNSUPPORTED;
}

const char *gd_kvmarch_time_method(void)
{
    return "virtual counter (KVM_REG_ARM_TIMER_CNT)";
}

/* Not "running": GDB writes that of a thread which is not stopped. */
const char *gd_kvmarch_state(struct kvm_vcpu *v)
{
    struct kvm_mp_state mp;

    if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) != 0)
        return "on";
    switch (mp.mp_state) {
    case KVM_MP_STATE_STOPPED:
        return "off";
    case KVM_MP_STATE_SUSPENDED:
        return "suspended";
    default:
        return "on";
    }
}
