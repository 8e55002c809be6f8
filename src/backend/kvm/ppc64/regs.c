/* SPDX-License-Identifier: MIT */
/*
 * Registers of a POWER vCPU by guestdbg's numbers: those of struct kvm_regs in one block, the others
 * as one-reg identifiers (arch/powerpc/include/uapi/asm/kvm.h). Three have no identifier: CIABR, DAWR
 * and DAWRX as the guest set them are kept by debug.c, the process table was seen in the guest's
 * H_REGISTER_PROC_TBL, and the timebase is the host's and the VM's offset.
 */
#include "backend/kvm/kvm.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "arch/ppc64/ppc64.h"
#include "backend/kvm/onereg.h"

#define FEATURE2_ISA_3_00 0x00800000u /* AT_HWCAP2, arch/powerpc/include/uapi/asm/cputable.h */
#define FEATURE2_ISA_3_1  0x00040000u
#define PA_BITS           52
#define CACHE_LINE        128u

/* ---- struct kvm_regs ---- */

#define BIT(num) (1ull << (num) % 64)
#define CORE                                                                                       \
    (BIT(GD_PPC64_PC) | BIT(GD_PPC64_MSR) | BIT(GD_PPC64_CR) | BIT(GD_PPC64_LR) |                  \
     BIT(GD_PPC64_CTR) | BIT(GD_PPC64_XER))
#define SYSTEM                                                                                     \
    (BIT(GD_PPC64_SRR0) | BIT(GD_PPC64_SRR1) | BIT(GD_PPC64_SPRG0) | BIT(GD_PPC64_SPRG1) |         \
     BIT(GD_PPC64_SPRG2) | BIT(GD_PPC64_SPRG3) | BIT(GD_PPC64_PIDR))

/* By number: r0 to r31; PC to XER, 64 to 69; SRR0 to PIDR among those from 169 on. */
const uint64_t gd_kvmarch_block[GD_REG_WORDS] = { 0xffffffff, CORE, SYSTEM };

int gd_kvmarch_block_get(struct kvm_vcpu *v, uint64_t *values)
{
    struct kvm_regs r;

    if (ioctl(v->fd, KVM_GET_REGS, &r) != 0)
        return GD_E_BACKEND;
    for (unsigned i = 0; i < 32; i++)
        values[GD_PPC64_R0 + i] = r.gpr[i];
    values[GD_PPC64_PC] = r.pc;
    values[GD_PPC64_MSR] = r.msr;
    values[GD_PPC64_CR] = r.cr;
    values[GD_PPC64_LR] = r.lr;
    values[GD_PPC64_CTR] = r.ctr;
    values[GD_PPC64_XER] = r.xer;
    values[GD_PPC64_SRR0] = r.srr0;
    values[GD_PPC64_SRR1] = r.srr1;
    values[GD_PPC64_SPRG0] = r.sprg0;
    values[GD_PPC64_SPRG1] = r.sprg1;
    values[GD_PPC64_SPRG2] = r.sprg2;
    values[GD_PPC64_SPRG3] = r.sprg3;
    values[GD_PPC64_PIDR] = r.pid;
    return 0;
}

/* SPRG4 to SPRG7 are Book E's; KVM does not take the PIDR. */
int gd_kvmarch_block_set(struct kvm_vcpu *v, const uint64_t *values)
{
    struct kvm_regs r = {
        .pc = values[GD_PPC64_PC],
        .msr = values[GD_PPC64_MSR],
        .cr = values[GD_PPC64_CR],
        .lr = values[GD_PPC64_LR],
        .ctr = values[GD_PPC64_CTR],
        .xer = values[GD_PPC64_XER],
        .srr0 = values[GD_PPC64_SRR0],
        .srr1 = values[GD_PPC64_SRR1],
        .sprg0 = values[GD_PPC64_SPRG0],
        .sprg1 = values[GD_PPC64_SPRG1],
        .sprg2 = values[GD_PPC64_SPRG2],
        .sprg3 = values[GD_PPC64_SPRG3],
        .pid = values[GD_PPC64_PIDR],
    };

    for (unsigned i = 0; i < 32; i++)
        r.gpr[i] = values[GD_PPC64_R0 + i];
    return ioctl(v->fd, KVM_SET_REGS, &r) == 0 ? 0 : GD_E_BACKEND;
}

/* ---- one-reg ---- */

/* KVM takes the VSCR from the last word of the quadword that it loads and stores (kvmppc_get_one_reg),
 * where a little-endian host has it in the first: what it says there is not the guest's. */
#define VSCR_IS_TRUE (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static uint64_t one_id(unsigned num)
{
    if (num >= GD_PPC64_F0 && num < GD_PPC64_F0 + 32)
        return KVM_REG_PPC_FPR(num - GD_PPC64_F0);
    switch (num) {
    case GD_PPC64_FPSCR:
        return KVM_REG_PPC_FPSCR;
    case GD_PPC64_VSCR:
        return VSCR_IS_TRUE ? KVM_REG_PPC_VSCR : 0;
    case GD_PPC64_VRSAVE:
        return KVM_REG_PPC_VRSAVE;
    case GD_PPC64_DAR:
        return KVM_REG_PPC_DAR;
    case GD_PPC64_DSISR:
        return KVM_REG_PPC_DSISR;
    case GD_PPC64_LPCR:
        return KVM_REG_PPC_LPCR_64;
    case GD_PPC64_FSCR:
        return KVM_REG_PPC_FSCR;
    case GD_PPC64_TAR:
        return KVM_REG_PPC_TAR;
    case GD_PPC64_DEC_EXPIRY:
        return KVM_REG_PPC_DEC_EXPIRY;
    case GD_PPC64_EBBRR:
        return KVM_REG_PPC_EBBRR;
    default:
        return 0;
    }
}

static int one_reg_error(void)
{
    return errno == ENOENT || errno == EINVAL || errno == ENXIO ? GD_E_NOREG : GD_E_BACKEND;
}

/* VSR n < 32 as two doublewords: number 1 (the low one) comes first on a little-endian host. */
#define VSR_LOW (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 1)

static bool is_vsr_low(unsigned num)
{
    return num >= GD_PPC64_VS0H && num < GD_PPC64_VS0H + 32;
}

static int vsr_low(struct kvm_vcpu *v, unsigned num, uint64_t *get, const uint64_t *set)
{
    uint64_t id = KVM_REG_PPC_VSR(num - GD_PPC64_VS0H), pair[2];

    if (one_reg_get(v->fd, id, pair) != 0)
        return one_reg_error();
    if (get)
        *get = pair[VSR_LOW];
    if (!set)
        return 0;
    pair[VSR_LOW] = *set;
    return one_reg_set(v->fd, id, pair) == 0 ? 0 : one_reg_error();
}

/* ---- the guest's timebase ---- */

static uint64_t host_timebase(void)
{
    uint64_t tb;

    __asm__ volatile("mftb %0" : "=r"(tb));
    return tb;
}

static int guest_timebase(int vcpu_fd, uint64_t *tb)
{
    uint64_t offset = 0;

    if (one_reg_get64(vcpu_fd, KVM_REG_PPC_TB_OFFSET, &offset) != 0)
        return GD_E_UNSUPPORTED;
    *tb = host_timebase() + offset;
    return 0;
}

int gd_kvmarch_time_get(int vcpu_fd, uint64_t *t)
{
    return guest_timebase(vcpu_fd, t);
}

/*
 * KVM rounds the offset up to a multiple of 2^24 (KVM_REG_PPC_TB_OFFSET): time goes on at t or up to
 * 33 ms later, never before. One value for all vCPUs, since each has an offset of its own.
 */
int gd_kvmarch_time_set(struct gd_kvm *k, int vcpu_fd, uint64_t t)
{
    uint64_t offset = t - host_timebase();

    (void)vcpu_fd;
    for (unsigned i = 0; i < k->max; i++) {
        if (atomic_load(&k->vcpus[i].added) &&
            one_reg_set64(k->vcpus[i].fd, KVM_REG_PPC_TB_OFFSET, offset) != 0)
            return GD_E_UNSUPPORTED;
    }
    return 0;
}

const char *gd_kvmarch_time_method(void)
{
    return "timebase offset (KVM_REG_PPC_TB_OFFSET), to 33 ms";
}

/* ---- by number ---- */

static int special(struct kvm_vcpu *v, unsigned num, uint64_t *value)
{
    uint64_t expiry = 0, tb;
    struct kvm_sregs s;

    switch (num) {
    case GD_PPC64_PVR:
        if (ioctl(v->fd, KVM_GET_SREGS, &s) != 0)
            return GD_E_BACKEND;
        *value = s.pvr;
        return 0;
    case GD_PPC64_TB:
        return guest_timebase(v->fd, value);
    case GD_PPC64_DEC:
        if (one_reg_get64(v->fd, KVM_REG_PPC_DEC_EXPIRY, &expiry) != 0 ||
            guest_timebase(v->fd, &tb) != 0)
            return GD_E_NOREG;
        *value = expiry - tb;
        return 0;
    case GD_PPC64_PROC_TBL:
        *value = atomic_load(&v->gd->process_table);
        return 0;
    default:
        return GD_E_NOREG;
    }
}

/* The guest changes it by a hypercall that its VMM serves. */
static int lpcr(struct kvm_vcpu *v, uint64_t *value)
{
    uint32_t turn = atomic_load(&v->gd->vmm_turns);

    if (v->lpcr_turn != turn && one_reg_get64(v->fd, KVM_REG_PPC_LPCR_64, &v->lpcr) != 0)
        return one_reg_error();
    v->lpcr_turn = turn;
    *value = v->lpcr;
    return 0;
}

int gd_kvmarch_reg_get(struct kvm_vcpu *v, unsigned num, uint64_t *value)
{
    uint64_t id = num < GD_REG_MAX ? one_id(num) : 0;

    if (num >= GD_PPC64_CIABR && num <= GD_PPC64_DAWRX1) {
        *value = v->own[num - GD_PPC64_CIABR];
        return 0;
    }
    if (is_vsr_low(num))
        return vsr_low(v, num, value, NULL);
    if (num == GD_PPC64_LPCR)
        return lpcr(v, value);
    if (!id)
        return special(v, num, value);
    return one_reg_get64(v->fd, id, value) == 0 ? 0 : one_reg_error();
}

int gd_kvmarch_reg_set(struct kvm_vcpu *v, unsigned num, uint64_t value)
{
    uint64_t id = num < GD_REG_MAX ? one_id(num) : 0;

    if (num >= GD_PPC64_CIABR && num <= GD_PPC64_DAWRX1) {
        /* loaded by the next gd_kvmarch_arm(); what KVM would leave out of it is not kept either */
        if (num == GD_PPC64_CIABR)
            value &= (value & CIABR_PRIV) == CIABR_PRIV ? ~CIABR_PRIV : ~0ull;
        else
            value &= num == GD_PPC64_DAWRX0 || num == GD_PPC64_DAWRX1 ? ~DAWRX_HYP : ~7ull;
        v->own[num - GD_PPC64_CIABR] = value;
        return 0;
    }
    if (is_vsr_low(num))
        return vsr_low(v, num, NULL, &value);
    if (!id)
        return GD_E_NOREG;
    return one_reg_set64(v->fd, id, value) == 0 ? 0 : one_reg_error();
}

/* The vector registers, 16 bytes: KVM has them in the host's byte order. */
static int vector(struct kvm_vcpu *v, unsigned num, uint8_t *bytes, size_t n, bool set)
{
    uint8_t whole[16];
    uint64_t id;

    if (num < GD_PPC64_VR0 || num >= GD_PPC64_VR0 + 32 || n != sizeof(whole))
        return GD_E_NOREG;
    id = KVM_REG_PPC_VR(num - GD_PPC64_VR0);
    if (!set && one_reg_get(v->fd, id, whole) != 0)
        return one_reg_error();
    for (unsigned i = 0; i < sizeof(whole); i++) {
        unsigned at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : 15 - i;

        if (set)
            whole[at] = bytes[i];
        else
            bytes[i] = whole[at];
    }
    return set && one_reg_set(v->fd, id, whole) != 0 ? one_reg_error() : 0;
}

int gd_kvmarch_wide_get(struct kvm_vcpu *v, unsigned num, uint8_t *bytes, size_t n)
{
    return vector(v, num, bytes, n, false);
}

int gd_kvmarch_wide_set(struct kvm_vcpu *v, unsigned num, const uint8_t *bytes, size_t n)
{
    uint8_t copy[16] = { 0 };

    memcpy(copy, bytes, n < sizeof(copy) ? n : sizeof(copy));
    return vector(v, num, copy, n, true);
}

/* ---- what the guest's processor is ---- */

int gd_kvmarch_target(struct gd_target *t, int vcpu_fd)
{
    unsigned long has = getauxval(AT_HWCAP2);
    struct kvm_regs regs;

    if (ioctl(vcpu_fd, KVM_GET_REGS, &regs) != 0)
        return GD_E_BACKEND;
    t->features = (has & FEATURE2_ISA_3_00 ? GD_PPC64_F_ISA30 : 0) |
                  (has & FEATURE2_ISA_3_1 ? GD_PPC64_F_ISA31 : 0);
    t->pa_bits = PA_BITS;
    t->sve_vq = 0;
    return 0;
}

/* GCC's __clear_cache does nothing here. Power ISA 3.1 Book II 1.8.1 has the sequence. */
void gd_kvmarch_sync_code(void *host, size_t len)
{
    uintptr_t first = (uintptr_t)host & ~(uintptr_t)(CACHE_LINE - 1), end = (uintptr_t)host + len;

    for (uintptr_t at = first; at < end; at += CACHE_LINE)
        __asm__ volatile("dcbst 0,%0" : : "r"(at) : "memory");
    __asm__ volatile("sync" : : : "memory");
    for (uintptr_t at = first; at < end; at += CACHE_LINE)
        __asm__ volatile("icbi 0,%0" : : "r"(at) : "memory");
    __asm__ volatile("sync; isync" : : : "memory");
}

/* KVM-HV calls every vCPU runnable. One without a thread was not started by the guest yet. */
const char *gd_kvmarch_state(struct kvm_vcpu *v)
{
    return atomic_load(&v->present) ? "on" : "off";
}
