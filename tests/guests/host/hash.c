/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine monitor of a kind that guestdbg does not serve, with its debugger in it: its POWER guest uses
 * the hashed page table, or, with "secure", has MSR[S]. The guest counts, and says the end by a hypercall.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <guestdbg/guestdbg.h>

#include "vmm.h"

#define RAM_SIZE 0x4000000ull
#define START    0x10000ull
#define COUNT    0x20000ull
#define MSR_REAL 0x8000000000001001ull /* SF, ME, LE */
#define MSR_S    0x0000000000400000ull
#define PATB_GR  0x8000000000000000ull

static const uint32_t guest[] = {
    0x3c800002, /* lis r4, COUNT@h */
    0x38600000, /* li r3, 0 */
    0x38630001, /* addi r3, r3, 1 */
    0xf8640000, /* std r3, 0(r4) */
    0x2c2303e8, /* cmpdi r3, 1000 */
    0x4082fff4, /* bne .-12 */
    0x38600000, /* li r3, 0 */
    0x6063f000, /* ori r3, r3, 0xf000 */
    0x44000022, /* sc 1 */
    0x48000000, /* b . */
};

static int add_vcpu(int vm, bool secure)
{
    int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
    struct kvm_regs regs = { .pc = START, .msr = MSR_REAL | (secure ? MSR_S : 0) };

    check(ioctl(vcpu, KVM_ENABLE_CAP, &papr), "KVM_CAP_PPC_PAPR");
    check(ioctl(vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
    return vcpu;
}

int main(int argc, char **argv)
{
    bool secure = argc > 2 && strcmp(argv[2], "secure") == 0;
    int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    int vm = check(ioctl(kvm, KVM_CREATE_VM, KVM_VM_PPC_HV), "KVM_CREATE_VM");
    uint8_t *ram = map(RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct kvm_userspace_memory_region region = { .memory_size = RAM_SIZE,
                                                  .userspace_addr = (uintptr_t)ram };
    struct kvm_ppc_mmuv3_cfg mmu = {
        .flags = secure ? KVM_PPC_MMUV3_RADIX | KVM_PPC_MMUV3_GTSE : 0,
        .process_table = secure ? PATB_GR : 0,
    };
    const struct gd_mem_slot slot = { .size = RAM_SIZE, .hva = ram };
    struct gd_kvm_config cfg = {
        .kvm_fd = kvm, .vm_fd = vm, .max_vcpus = 1, .slots = &slot, .nslots = 1, .wait = true
    };
    char text[256] = "the debugger does not take the vCPU";
    struct kvm_run *run;
    struct gd_kvm *gd;
    uint64_t count;
    int vcpu, err;

    memcpy(ram + START, guest, sizeof(guest));
    check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    check(ioctl(vm, KVM_PPC_CONFIGURE_V3_MMU, &mmu), "KVM_PPC_CONFIGURE_V3_MMU");
    vcpu = add_vcpu(vm, secure);
    run = map((size_t)check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE"),
              MAP_SHARED, vcpu);
    if (gd_kvm_open(&gd, &cfg, text, sizeof(text)) != 0 || gd_kvm_add_vcpu(gd, 0, vcpu, run) != 0 ||
        gd_kvm_listen(gd, argv[1], GD_LISTEN_REMOTE, text, sizeof(text)) != 0) {
        fprintf(stderr, "hash: %s\n", text);
        return 1;
    }
    fprintf(stderr, "hash: %s\n", text);
    do
        err = gd_kvm_run(gd, 0);
    while (err == -EINTR);
    memcpy(&count, ram + COUNT, sizeof(count));
    fprintf(stderr, "hash: error %d, exit %u, counted to %llu\n", err, run->exit_reason,
            (unsigned long long)count);
    gd_kvm_exited(gd, 0);
    gd_kvm_close(gd);
    return err != 0 || run->exit_reason != KVM_EXIT_PAPR_HCALL;
}
