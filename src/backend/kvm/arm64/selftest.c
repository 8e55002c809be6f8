/* SPDX-License-Identifier: MIT */
/*
 * Proves on the present CPU what KVM's debug interface really does, with a VM of one vCPU and one
 * page of code. Capabilities are not enough: in protected mode some kernels offer single step and
 * hardware points and then ignore them. The guest can only run towards a store to a device, on
 * every path and in every exception vector, so that each run ends whatever is broken.
 */
#include "backend/kvm/kvm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arm64/arm64.h"
#include "backend/kvm/arm64/onereg.h"

#define RAM      0x10000u
#define RAM_SIZE 0x10000u
#define DATA     (RAM + 0x8000u)
#define VECTORS  (RAM + 0x1000u) /* 2 KiB, filled with the way out */
#define DEVICE   0x4000000u      /* nothing there: an access leaves to us */

enum { AT_NOP, AT_HERE = 4, AT_LOAD = 8, AT_BRK = 12, AT_END = 16, AT_UDF = 24, CODE_WORDS = 7 };

static const uint32_t code[CODE_WORDS] = {
    [AT_NOP / 4] = 0xd503201f,                     /* nop */
    [AT_HERE / 4] = 0xd503201f,                    /* nop, where breakpoints are set */
    [AT_LOAD / 4] = 0xf9400001,                    /* ldr x1, [x0]: DATA, which is watched */
    [AT_BRK / 4] = GD_ARM64_BRK(GD_ARM64_BRK_IMM), /* brk */
    [AT_END / 4] = 0xf9000041,                     /* str x1, [x2]: DEVICE */
    [AT_END / 4 + 1] = 0x17ffffff,                 /* b AT_END */
    [AT_UDF / 4] = 0x00000000,                     /* udf #0 */
};

#define CONTEXT    0x222u /* what linked breakpoints look for */
#define BCR_ADDR   0x1e7u /* E, EL1 and EL0, all four bytes */
#define WCR_LOAD_8 (0xffu << DBGWCR_BAS_SHIFT | DBGWCR_LSC_LOAD | DBGCR_PMC_EL1_EL0 | DBGCR_E)

struct scratch {
    int vm, vcpu;
    size_t run_size;
    struct kvm_run *run;
    uint8_t *ram;
    struct kvm_guest_debug debug; /* of the next run */
    uint64_t data;                /* what AT_LOAD loads from */
};

static void tear_down(struct scratch *s)
{
    if (s->run != MAP_FAILED)
        munmap(s->run, s->run_size);
    if (s->ram != MAP_FAILED)
        munmap(s->ram, RAM_SIZE);
    if (s->vcpu >= 0)
        close(s->vcpu);
    if (s->vm >= 0)
        close(s->vm);
}

/* An address space that every host offers: 40 bits where it can, else what it has. */
static int create_vm(int kvm_fd)
{
    int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

    return ioctl(kvm_fd, KVM_CREATE_VM, KVM_VM_TYPE_ARM_IPA_SIZE(bits > 0 && bits < 40 ? bits : 0));
}

static bool create_vcpu(struct scratch *s, int kvm_fd)
{
    struct kvm_vcpu_init init;
    int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    s->vcpu = ioctl(s->vm, KVM_CREATE_VCPU, 0);
    if (s->vcpu < 0 || size <= 0)
        return false;
    s->run_size = (size_t)size;
    s->run = mmap(NULL, s->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
    memset(&init, 0, sizeof(init));
    return s->run != MAP_FAILED && ioctl(s->vm, KVM_ARM_PREFERRED_TARGET, &init) == 0 &&
           ioctl(s->vcpu, KVM_ARM_VCPU_INIT, &init) == 0;
}

static bool set_up(struct scratch *s, int kvm_fd)
{
    struct kvm_userspace_memory_region r = {
        .guest_phys_addr = RAM,
        .memory_size = RAM_SIZE,
    };

    memset(s, 0, sizeof(*s));
    s->data = DATA;
    s->vcpu = -1;
    s->run = MAP_FAILED;
    s->vm = create_vm(kvm_fd);
    s->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->vm < 0 || s->ram == MAP_FAILED)
        return false;
    memcpy(s->ram, code, sizeof(code));
    for (unsigned at = VECTORS - RAM; at < VECTORS - RAM + 0x800; at += 8)
        memcpy(s->ram + at, &code[AT_END / 4], 8);
    gd_kvmarch_sync_code(s->ram, RAM_SIZE);
    r.userspace_addr = (uintptr_t)s->ram;
    return ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &r) == 0 && create_vcpu(s, kvm_fd);
}

static int sys_set(const struct scratch *s, unsigned op0, unsigned crn, unsigned crm, unsigned op2,
                   uint64_t value)
{
    return one_reg_set64(s->vcpu, ARM64_SYS_REG((uint64_t)op0, 0, crn, crm, op2) | KVM_REG_ARM64,
                         value);
}

static uint64_t pc_of(const struct scratch *s)
{
    uint64_t pc = 0;

    one_reg_get(s->vcpu, CORE64(regs.pc), &pc);
    return pc;
}

/* Runs from offset at with s->debug and the given context. Returns the exit's exception class,
 * 0 for the end at the device, -1 when KVM fails. */
static int run_from(struct scratch *s, unsigned at, uint64_t context)
{
    const struct kvm_guest_debug off = { .control = 0 };
    int err = 0;

    err |= ioctl(s->vcpu, KVM_SET_GUEST_DEBUG, &off);
    err |= ioctl(s->vcpu, KVM_SET_GUEST_DEBUG, &s->debug);
    err |= one_reg_set64(s->vcpu, CORE64(regs.pc), RAM + at);
    err |= one_reg_set64(s->vcpu, CORE64(regs.pstate), PSTATE_DAIF | PSTATE_M_EL1H);
    err |= one_reg_set64(s->vcpu, CORE64(regs.regs[0]), s->data);
    err |= one_reg_set64(s->vcpu, CORE64(regs.regs[2]), DEVICE);
    err |= sys_set(s, 3, 12, 0, 0, VECTORS);
    err |= sys_set(s, 3, 13, 0, 1, context);
    if (err)
        return -1;
    s->run->immediate_exit = 0;
    while (ioctl(s->vcpu, KVM_RUN, 0) != 0) {
        if (errno != EINTR && errno != EAGAIN)
            return -1;
        s->run->immediate_exit = 0; /* a signal of the caller's came by */
    }
    if (s->run->exit_reason == KVM_EXIT_DEBUG)
        return (int)ESR_EC(s->run->debug.arch.hsr);
    /* The store is completed before registers are set again. */
    s->run->immediate_exit = 1;
    ioctl(s->vcpu, KVM_RUN, 0);
    return 0;
}

static void arm_only(struct scratch *s, uint32_t control)
{
    memset(&s->debug, 0, sizeof(s->debug));
    s->debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | control;
}

static bool steps(struct scratch *s)
{
    arm_only(s, KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW);
    return run_from(s, AT_NOP, 0) == EC_SOFTSTP_LOW && pc_of(s) == RAM + AT_HERE &&
           run_from(s, AT_HERE, 0) == EC_SOFTSTP_LOW && pc_of(s) == RAM + AT_LOAD;
}

/* Is ESR_ELx.ISV clear for an instruction that ended in an exception? The architecture allows both. An unaligned
 * address is one with SCTLR_EL1.A (that MMU-off memory is Device's would do, but QEMU does not have it in guests). */
static bool tells_exception(struct scratch *s, unsigned at, uint64_t data)
{
    const uint64_t sctlr = KVM_REG_ARM64 | ARM64_SYS_REG(3, 0, 1, 0, 0);
    uint64_t value;
    bool tells;

    if (one_reg_get(s->vcpu, sctlr, &value) || one_reg_set64(s->vcpu, sctlr, value | SCTLR_A))
        return false;
    arm_only(s, KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW);
    s->data = data;
    tells = run_from(s, at, 0) == EC_SOFTSTP_LOW && pc_of(s) == VECTORS + 0x200 &&
            !(s->run->debug.arch.hsr & ESR_STEP_ISV);
    s->data = DATA;
    one_reg_set64(s->vcpu, sctlr, value);
    return tells;
}

static bool breaks_in_software(struct scratch *s)
{
    arm_only(s, 0);
    return run_from(s, AT_NOP, 0) == EC_BRK64 && pc_of(s) == RAM + AT_BRK;
}

static bool breaks(struct scratch *s, unsigned n)
{
    arm_only(s, KVM_GUESTDBG_USE_HW);
    s->debug.arch.dbg_bcr[n] = BCR_ADDR;
    s->debug.arch.dbg_bvr[n] = RAM + AT_HERE;
    return run_from(s, AT_NOP, 0) == EC_BREAKPT_LOW && pc_of(s) == RAM + AT_HERE;
}

static bool watches(struct scratch *s, unsigned n)
{
    arm_only(s, KVM_GUESTDBG_USE_HW);
    s->debug.arch.dbg_wcr[n] = WCR_LOAD_8;
    s->debug.arch.dbg_wvr[n] = DATA;
    return run_from(s, AT_NOP, 0) == EC_WATCHPT_LOW && pc_of(s) == RAM + AT_LOAD;
}

/* Does pair n, as a linked context breakpoint, let pair other hit in its context and only there? */
static bool links(struct scratch *s, unsigned n, unsigned other)
{
    arm_only(s, KVM_GUESTDBG_USE_HW);
    s->debug.arch.dbg_bcr[n] = DBGBCR_BT_LINKED_CONTEXT | BCR_ADDR;
    s->debug.arch.dbg_bvr[n] = CONTEXT;
    s->debug.arch.dbg_bcr[other] = DBGBCR_BT_LINKED_ADDR | n << DBGCR_LBN_SHIFT | BCR_ADDR;
    s->debug.arch.dbg_bvr[other] = RAM + AT_HERE;
    return run_from(s, AT_NOP, CONTEXT) == EC_BREAKPT_LOW && pc_of(s) == RAM + AT_HERE &&
           run_from(s, AT_NOP, CONTEXT + 1) == EC_BRK64;
}

/* With software breakpoints of ours only: do the guest's own hardware points still hit (Linux
 * before 6.14), or are they suspended too? */
static bool own_points_live(struct scratch *s)
{
    bool live;

    arm_only(s, 0);
    if (sys_set(s, 2, 0, 0, 4, RAM + AT_HERE) || sys_set(s, 2, 0, 0, 5, BCR_ADDR) ||
        sys_set(s, 2, 0, 2, 2, MDSCR_MDE | MDSCR_KDE))
        return false;
    live = run_from(s, AT_NOP, 0) == EC_BREAKPT_LOW;
    sys_set(s, 2, 0, 2, 2, 0);
    sys_set(s, 2, 0, 0, 5, 0);
    return live;
}

static unsigned claims(const struct scratch *s, int cap)
{
    int n = ioctl(s->vm, KVM_CHECK_EXTENSION, cap);

    return n < 0 ? 0 : n > GD_HW_MAX ? GD_HW_MAX : (unsigned)n;
}

static void try_all(struct scratch *s, struct kvm_kind *k)
{
    k->claimed_step = claims(s, KVM_CAP_SET_GUEST_DEBUG) > 0;
    k->claimed_break = (uint8_t)claims(s, KVM_CAP_GUEST_DEBUG_HW_BPS);
    k->claimed_watch = (uint8_t)claims(s, KVM_CAP_GUEST_DEBUG_HW_WPS);
    k->hw.step = steps(s);
    k->strategy = k->hw.step ? GD_STEP_NATIVE : GD_STEP_AUTO;
    k->hw.step_tells = k->hw.step && tells_exception(s, AT_UDF, DATA) &&
                       tells_exception(s, AT_LOAD, DATA + 1);
    k->hw.sw_break = breaks_in_software(s);
    /* Pairs are numbered without gaps, so the first that fails ends the count. */
    while (k->hw.nbreak < k->claimed_break && breaks(s, k->hw.nbreak))
        k->hw.nbreak++;
    while (k->hw.nwatch < k->claimed_watch && watches(s, k->hw.nwatch))
        k->hw.nwatch++;
    for (unsigned n = 0; n < k->hw.nbreak && k->hw.nbreak > 1; n++) {
        if (links(s, n, n == 0))
            k->hw.context |= (uint16_t)(1u << n);
    }
    k->guest_points_live = own_points_live(s);
}

void gd_kvmarch_probe(int kvm_fd, struct kvm_kind *k)
{
    struct scratch s;

    if (set_up(&s, kvm_fd))
        try_all(&s, k);
    else
        snprintf(k->failure, sizeof(k->failure), "KVM does not make the test's small guest: %s",
                 strerror(errno));
    tear_down(&s);
}

uint64_t gd_kvmarch_cpu_id(unsigned cpu)
{
    char path[96], text[32] = "";
    unsigned long long id = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/regs/identification/midr_el1", cpu);
    f = fopen(path, "re");
    if (!f)
        return 0;
    if (fgets(text, sizeof(text), f) && sscanf(text, "%llx", &id) != 1)
        id = 0;
    fclose(f);
    return id;
}
