/* SPDX-License-Identifier: MIT */
/*
 * The limit on POWER: the benchmark guest on one vCPU, and a loop that does nothing but KVM_RUN with MSR[SE] set and
 * one breakpoint word on the trace vector. KVM-HV has no step of its own, so each step ends at that vector, from where
 * NIP and MSR must be set back: KVM_GET_REGS and KVM_SET_REGS are part of the loop. The same with a word on the next
 * instruction instead. No debugger, no socket, no fence on the other vectors.
 */
#include "bench.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define RAM_SIZE   (64u << 20)
#define RAM_MASK   (RAM_SIZE - 1) /* the guest's kernel sees its memory at 0xc000000000000000 */
#define BREAK_WORD 0x00dddd00u
#define TRACE      0x4d00u /* vector, AIL=3 */
#define MSR_RESET  0x8000000000001001ull
#define MSR_SE     0x400ull
#define SRR1_CAUSE 0x783f0000ull
#define LPCR_AIL_3 0x1800000ull
#define LPCR_ILE   0x2000000ull
#define PATB_GR    0x8000000000000000ull
#define H_SET_MODE 0x31cu
#define H_PROC_TBL 0x37cu

static void add_lpcr(struct kvmloop *k, uint64_t bits)
{
    kvmloop_set_one(k, KVM_REG_PPC_LPCR_64, kvmloop_get_one(k, KVM_REG_PPC_LPCR_64) | bits);
}

uint64_t kvmloop_clock(struct kvmloop *k)
{
    return kvmloop_get_one(k, KVM_REG_PPC_TB_OFFSET);
}

void kvmloop_set_clock(struct kvmloop *k, uint64_t value)
{
    kvmloop_set_one(k, KVM_REG_PPC_TB_OFFSET, value);
}

static void set_mmu(struct kvmloop *k, uint64_t process_table)
{
    struct kvm_ppc_mmuv3_cfg mmu = { .flags = KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE,
                                     .process_table = process_table };

    kvmloop_call(k->vm, KVM_PPC_CONFIGURE_V3_MMU, &mmu, "KVM_PPC_CONFIGURE_V3_MMU");
}

/* The guest's calls on its way to ready(): its process table, and AIL=3. */
static void serve(struct kvmloop *k)
{
    const __u64 *a = k->run->papr_hcall.args;

    if (k->run->exit_reason != KVM_EXIT_PAPR_HCALL)
        die("KVM loop: exit %u", k->run->exit_reason);
    if (k->run->papr_hcall.nr == H_PROC_TBL)
        set_mmu(k, PATB_GR | a[1] | a[3]);
    else if (k->run->papr_hcall.nr == H_SET_MODE)
        add_lpcr(k, LPCR_AIL_3);
    k->run->papr_hcall.ret = 0;
}

static __u64 *place(struct kvm_regs *r, unsigned number)
{
    return number == PC ? &r->pc : &r->gpr[number];
}

void kvmloop_set(struct kvmloop *k, unsigned number, uint64_t value)
{
    struct kvm_regs r;

    kvmloop_call(k->vcpu, KVM_GET_REGS, &r, "KVM_GET_REGS");
    *place(&r, number) = value;
    kvmloop_call(k->vcpu, KVM_SET_REGS, &r, "KVM_SET_REGS");
}

uint64_t kvmloop_get(struct kvmloop *k, unsigned number)
{
    struct kvm_regs r;

    kvmloop_call(k->vcpu, KVM_GET_REGS, &r, "KVM_GET_REGS");
    return *place(&r, number);
}

/* Puts a word where the guest fetches it (Power ISA 3.1 Book II 1.8.1); returns what was there. */
static uint32_t put(struct kvmloop *k, uint64_t at, uint32_t word)
{
    uint8_t *p = k->ram + (at & RAM_MASK);
    uint32_t before;

    memcpy(&before, p, 4);
    memcpy(p, &word, 4);
    __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; sync; isync" : : "r"(p) : "memory");
    return before;
}

static void run(struct kvmloop *k)
{
    kvmloop_call(k->vcpu, KVM_RUN, NULL, "KVM_RUN");
    if (k->run->exit_reason != KVM_EXIT_DEBUG)
        die("KVM loop: exit %u", k->run->exit_reason);
}

/* All vectors in both places, as guestdbg plants them for a step; except the trace vector in use. */
static void fence(struct kvmloop *k, bool on)
{
    static const uint16_t vector[] = { 0x300, 0x380, 0x400, 0x480, 0x500, 0x600,
                                       0x700, 0x800, 0x900, 0xa00, 0xc00, 0xd00,
                                       0xf00, 0xf20, 0xf40, 0xf60, 0x100, 0x200 };
    static uint32_t saved[2 * sizeof(vector) / sizeof(vector[0])];
    unsigned n = sizeof(vector) / sizeof(vector[0]);

    for (unsigned i = 0; i < 2 * n - 2; i++) {
        uint64_t at = i < n ? vector[i] : 0x4000u + vector[i - n];

        if (at == TRACE)
            continue;
        if (on)
            saved[i] = put(k, at, BREAK_WORD);
        else
            put(k, at, saved[i]);
    }
}

static struct kvm_regs regs; /* those of a run of steps by trace */

static void by_trace(struct kvmloop *k)
{
    regs.msr |= MSR_SE;
    kvmloop_call(k->vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
    if (k->with_fence)
        fence(k, true);
    run(k);
    if (k->with_fence)
        fence(k, false);
    kvmloop_call(k->vcpu, KVM_GET_REGS, &regs, "KVM_GET_REGS");
    regs.pc = regs.srr0;
    regs.msr = regs.srr1 & ~(SRR1_CAUSE | MSR_SE);
}

/* All of work()'s instructions go on but its last, which closes the loop. */
static void by_break(struct kvmloop *k)
{
    uint64_t first = at("work"), last = first + 4 * (INSNS_PER_ROUND - 1);
    struct kvm_regs r;
    uint64_t to;
    uint32_t word;

    kvmloop_call(k->vcpu, KVM_GET_REGS, &r, "KVM_GET_REGS");
    to = r.pc == last ? first : r.pc + 4;
    word = put(k, to, BREAK_WORD);
    run(k);
    put(k, to, word);
}

void kvmloop_begin(struct kvmloop *k)
{
    if (k->by_break)
        return;
    k->word = put(k, TRACE, BREAK_WORD);
    kvmloop_call(k->vcpu, KVM_GET_REGS, &regs, "KVM_GET_REGS");
}

void kvmloop_one(struct kvmloop *k)
{
    if (k->by_break)
        by_break(k);
    else
        by_trace(k);
}

void kvmloop_end(struct kvmloop *k)
{
    if (k->by_break)
        return;
    kvmloop_call(k->vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
    put(k, TRACE, k->word);
}

struct kvmloop *kvmloop_open(const char *elf, uint64_t ready)
{
    struct kvmloop *k = kvmloop_make(KVM_VM_PPC_HV, 0, RAM_SIZE);
    struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
    struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP };
    struct kvm_regs r = { .msr = MSR_RESET };
    uint32_t word;

    set_mmu(k, PATB_GR);
    kvmloop_call(k->vcpu, KVM_ENABLE_CAP, &papr, "KVM_CAP_PPC_PAPR");
    add_lpcr(k, LPCR_ILE);
    r.pc = kvmloop_load(k, elf, 0);
    kvmloop_call(k->vcpu, KVM_SET_REGS, &r, "KVM_SET_REGS");
    kvmloop_call(k->vcpu, KVM_SET_GUEST_DEBUG, &d, "KVM_SET_GUEST_DEBUG");
    word = put(k, ready, BREAK_WORD);
    for (;;) {
        kvmloop_call(k->vcpu, KVM_RUN, NULL, "KVM_RUN");
        if (k->run->exit_reason == KVM_EXIT_DEBUG)
            break;
        serve(k);
    }
    if (kvmloop_get(k, PC) != ready)
        die("KVM loop: the guest did not come to ready()");
    put(k, ready, word);
    return k;
}
