/* SPDX-License-Identifier: MIT */
/*
 * Proves on the present CPU what KVM's debug interface really does, with a VM of one vCPU and one
 * page of code. KVM-HV accepts requests for single step and hardware points and ignores them, and
 * some POWER9 take a DAWR that never hits. The guest runs in real mode with interrupts off, towards an
 * unknown hypercall that stands behind its code and in every vector, so each run ends whatever is broken.
 */
#include "backend/kvm/kvm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/ppc64/ppc64.h"
#include "backend/kvm/onereg.h"

#define RAM_SIZE 0x100000u /* of 64 KiB pages */
#define CODE     0x8000u
#define DATA     0x9000u
#define VECTORS  0x2000u /* below here all is the way out */

#define INSN_SC1 0x44000022u
#define INSN_NOP 0x60000000u
#define UNKNOWN  0xeff0u /* a hypercall number that nobody has */
#define LPCR_64  KVM_REG_PPC_LPCR_64

enum { AT_NOP, AT_HERE = 4, AT_LOAD = 8, AT_BREAK = 12, AT_END = 16, CODE_WORDS = 6 };

static const uint32_t code[CODE_WORDS] = {
    [AT_NOP / 4] = INSN_NOP,         [AT_HERE / 4] = INSN_NOP, /* where CIABR points */
    [AT_LOAD / 4] = 0xe8a40000u, /* ld r5,0(r4): DATA, which is watched */
    [AT_BREAK / 4] = GD_PPC64_BREAK, [AT_END / 4] = INSN_SC1,
    [AT_END / 4 + 1] = 0x4bfffffcu, /* b AT_END */
};

struct scratch {
    int vm, vcpu;
    size_t run_size;
    struct kvm_run *run;
    uint8_t *ram;
    struct kvm_regs regs; /* after the last run */
};

static void tear_down(struct scratch *s)
{
    if (s->run != MAP_FAILED)
        munmap(s->run, s->run_size);
    if (s->vcpu >= 0)
        close(s->vcpu);
    if (s->vm >= 0)
        close(s->vm);
    if (s->ram != MAP_FAILED)
        munmap(s->ram, RAM_SIZE);
}

static void put_word(struct scratch *s, unsigned at, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        s->ram[at + i] = (uint8_t)(word >> 8 * i); /* the guest is little-endian */
    gd_kvmarch_sync_code(s->ram + at, 4);
}

static bool create_vcpu(struct scratch *s, int kvm_fd)
{
    struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
    int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    uint64_t lpcr = 0;

    s->vcpu = ioctl(s->vm, KVM_CREATE_VCPU, 0);
    if (s->vcpu < 0 || size <= 0)
        return false;
    s->run_size = (size_t)size;
    s->run = mmap(NULL, s->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->vcpu, 0);
    if (s->run == MAP_FAILED || ioctl(s->vcpu, KVM_ENABLE_CAP, &papr) != 0 ||
        one_reg_get64(s->vcpu, LPCR_64, &lpcr) != 0)
        return false;
    return one_reg_set64(s->vcpu, LPCR_64, (lpcr & ~LPCR_AIL) | LPCR_ILE) == 0;
}

static bool set_up(struct scratch *s, int kvm_fd)
{
    struct kvm_userspace_memory_region r = { .memory_size = RAM_SIZE };
    struct kvm_ppc_mmuv3_cfg mmu = {
        .flags = KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE,
        .process_table = 0x8000000000000000ull,
    };

    memset(s, 0, sizeof(*s));
    s->vcpu = -1;
    s->run = MAP_FAILED;
    s->vm = ioctl(kvm_fd, KVM_CREATE_VM, 0);
    s->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (s->vm < 0 || s->ram == MAP_FAILED || ioctl(s->vm, KVM_PPC_CONFIGURE_V3_MMU, &mmu) != 0)
        return false;
    for (unsigned at = 0; at < VECTORS; at += 4)
        put_word(s, at, INSN_SC1);
    for (unsigned i = 0; i < CODE_WORDS; i++)
        put_word(s, CODE + 4 * i, code[i]);
    r.userspace_addr = (uintptr_t)s->ram;
    return ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &r) == 0 && create_vcpu(s, kvm_fd);
}

/* Runs from offset at. fence: the vector that holds a breakpoint word, 0 for none. Returns the NIP of
 * the debug exit, 0 for the way out, -1 when KVM fails. */
static int64_t run_from(struct scratch *s, unsigned at, uint64_t msr, uint32_t control,
                        unsigned fence)
{
    struct kvm_guest_debug d;
    struct kvm_regs r = {
        .pc = CODE + at,
        .msr = MSR_SF | MSR_ME | MSR_LE | msr,
        .gpr[3] = UNKNOWN,
        .gpr[4] = DATA,
    };

    memset(&d, 0, sizeof(d));
    d.control = KVM_GUESTDBG_ENABLE | control;
    if (ioctl(s->vcpu, KVM_SET_GUEST_DEBUG, &d) != 0 || ioctl(s->vcpu, KVM_SET_REGS, &r) != 0)
        return -1;
    if (fence)
        put_word(s, fence, GD_PPC64_BREAK);
    s->run->immediate_exit = 0;
    while (ioctl(s->vcpu, KVM_RUN, 0) != 0) {
        if (errno != EINTR && errno != EAGAIN)
            return -1;
        s->run->immediate_exit = 0; /* a signal of the caller's came by */
    }
    if (fence)
        put_word(s, fence, INSN_SC1);
    if (s->run->exit_reason != KVM_EXIT_DEBUG) { /* a hypercall is completed before SET_REGS */
        s->run->immediate_exit = 1;
        ioctl(s->vcpu, KVM_RUN, 0);
    }
    if (ioctl(s->vcpu, KVM_GET_REGS, &s->regs) != 0)
        return -1;
    return s->run->exit_reason == KVM_EXIT_DEBUG ? (int64_t)s->regs.pc : 0;
}

static bool breaks_in_software(struct scratch *s)
{
    uint32_t word = 0;

    return one_reg_get(s->vcpu, KVM_REG_PPC_DEBUG_INST, &word) == 0 && word == GD_PPC64_BREAK &&
           run_from(s, AT_HERE, 0, KVM_GUESTDBG_USE_SW_BP, 0) == CODE + AT_BREAK;
}

static bool steps(struct scratch *s)
{
    return ioctl(s->vm, KVM_CHECK_EXTENSION, KVM_CAP_PPC_GUEST_DEBUG_SSTEP) > 0 &&
           run_from(s, AT_NOP, 0, KVM_GUESTDBG_SINGLESTEP, 0) == CODE + AT_HERE &&
           run_from(s, AT_HERE, 0, KVM_GUESTDBG_SINGLESTEP, 0) == CODE + AT_LOAD;
}

/* MSR[SE], and the word on the trace vector, catch one instruction and nothing else is changed. */
static bool traces(struct scratch *s)
{
    return run_from(s, AT_NOP, MSR_SE, KVM_GUESTDBG_USE_SW_BP, VEC_TRACE) == VEC_TRACE &&
           s->regs.srr0 == CODE + AT_HERE && s->regs.srr1 & SRR1_TRACE && s->regs.srr1 & MSR_SE &&
           !(s->regs.msr & MSR_SE);
}

static bool watches(struct scratch *s, unsigned n)
{
    uint64_t addr = n ? KVM_REG_PPC_DAWR1 : KVM_REG_PPC_DAWR, dsisr = 0;
    uint64_t ctrl = n ? KVM_REG_PPC_DAWRX1 : KVM_REG_PPC_DAWRX;
    bool hit;

    if (one_reg_set64(s->vcpu, addr, DATA) != 0 ||
        one_reg_set64(s->vcpu, ctrl, DAWRX_DR | DAWRX_WTI | DAWRX_PNH | DAWRX_PRO) != 0)
        return false;
    hit = run_from(s, AT_NOP, 0, KVM_GUESTDBG_USE_SW_BP, VEC_DSI) == VEC_DSI &&
          s->regs.srr0 == CODE + AT_LOAD &&
          one_reg_get64(s->vcpu, KVM_REG_PPC_DSISR, &dsisr) == 0 && dsisr & DSISR_DAWR;
    one_reg_set64(s->vcpu, ctrl, 0);
    return hit;
}

static bool breaks(struct scratch *s)
{
    bool hit;

    if (one_reg_set64(s->vcpu, KVM_REG_PPC_CIABR, (CODE + AT_HERE) | CIABR_SUPERVISOR) != 0)
        return false;
    hit = run_from(s, AT_NOP, 0, KVM_GUESTDBG_USE_SW_BP, VEC_TRACE) == VEC_TRACE &&
          s->regs.srr1 & SRR1_CIABR;
    one_reg_set64(s->vcpu, KVM_REG_PPC_CIABR, 0);
    return hit;
}

static void choose(struct kvm_kind *k)
{
    k->strategy = k->hw.step ? GD_STEP_NATIVE : k->trace ? GD_STEP_TRACE : GD_STEP_BREAK;
    if (!k->hw.sw_break && !k->hw.step)
        k->strategy = GD_STEP_AUTO;
    snprintf(k->step_why, sizeof(k->step_why), "%s; the test guest's MSR[SE] %s",
             k->claimed_step ? k->hw.step
                                   ? "KVM_CAP_PPC_GUEST_DEBUG_SSTEP is offered and works"
                                   : "KVM_CAP_PPC_GUEST_DEBUG_SSTEP is offered but does nothing"
                             : "KVM_CAP_PPC_GUEST_DEBUG_SSTEP is 0",
             k->trace ? "stops at the word on its trace vector" : "does not trace");
}

static void try_all(struct scratch *s, struct kvm_kind *k)
{
    k->claimed_step = ioctl(s->vm, KVM_CHECK_EXTENSION, KVM_CAP_PPC_GUEST_DEBUG_SSTEP) > 0;
    k->claimed_break = 1;
    k->claimed_watch = ioctl(s->vm, KVM_CHECK_EXTENSION, KVM_CAP_PPC_DAWR1) > 0 ? 2 : 1;
    k->hw.sw_break = breaks_in_software(s);
    k->hw.step = steps(s);
    k->trace = k->hw.sw_break && traces(s);
    while (k->hw.sw_break && k->hw.nwatch < k->claimed_watch && watches(s, k->hw.nwatch))
        k->hw.nwatch++;
    k->hw.nbreak = k->hw.sw_break && breaks(s);
    choose(k);
}

void gd_kvmarch_probe(int kvm_fd, struct kvm_kind *k)
{
    struct scratch s;

    if (set_up(&s, kvm_fd))
        try_all(&s, k);
    else
        snprintf(k->failure, sizeof(k->failure),
                 "KVM does not make the test's small guest (radix, so POWER9 or later): %s",
                 strerror(errno));
    tear_down(&s);
}

/* The processor version; all processors of a POWER host are of one kind. */
uint64_t gd_kvmarch_cpu_id(unsigned cpu)
{
    uint64_t pvr;

    (void)cpu;
    __asm__("mfspr %0,287" : "=r"(pvr)); /* emulated by Linux for its programs */
    return pvr;
}
