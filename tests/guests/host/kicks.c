/* SPDX-License-Identifier: MIT */
/*
 * A virtual machine monitor that does what the small ones do not: of three vCPUs it has the second one
 * only, it has a use of its own for the signal SIGRTMIN+1, and SIGUSR1 makes it take its vCPU out of
 * the guest and look at its registers: it prints PSTATE and x5, and sets x5.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <guestdbg/guestdbg.h>

#include "vmm.h"

#define RAM      0x40000000ull
#define RAM_SIZE 0x200000ull
#define CORE(name)                                                                                 \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.name))
#define VMMS_X5 0x5555

static const uint32_t guest[] = {
    0xd50342ff, /* msr daifclr, #2 */
    0xd2800025, /* mov x5, #1 */
    0x91000400, /* add x0, x0, #1 */
    0xd503201f, /* nop */
    0x17fffffe, /* b . - 8 */
};

static struct kvm_run *run;

static void on_kick(int sig)
{
    if (sig == SIGUSR1)
        __atomic_store_n(&run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static uint64_t get(int vcpu, uint64_t id)
{
    uint64_t value = 0;
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

    check(ioctl(vcpu, KVM_GET_ONE_REG, &reg), "KVM_GET_ONE_REG");
    return value;
}

static void set(int vcpu, uint64_t id, uint64_t value)
{
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

    check(ioctl(vcpu, KVM_SET_ONE_REG, &reg), "KVM_SET_ONE_REG");
}

static void *add_ram(int vm)
{
    void *ram = map(RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct kvm_userspace_memory_region region = { .guest_phys_addr = RAM,
                                                  .memory_size = RAM_SIZE,
                                                  .userspace_addr = (uintptr_t)ram };

    memcpy(ram, guest, sizeof(guest));
    __builtin___clear_cache(ram, (char *)ram + sizeof(guest));
    check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    return ram;
}

static int add_vcpu(int vm)
{
    int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 1), "KVM_CREATE_VCPU");
    struct kvm_vcpu_init init = { 0 };

    check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    set(vcpu, CORE(pc), RAM);
    return vcpu;
}

int main(int argc, char **argv)
{
    int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    void *ram = add_ram(vm);
    int vcpu = add_vcpu(vm);
    int size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    const struct gd_mem_slot slot = { .gpa = RAM, .size = RAM_SIZE, .hva = ram };
    struct gd_kvm_config cfg = {
        .kvm_fd = kvm, .vm_fd = vm, .max_vcpus = 3, .slots = &slot, .nslots = 1, .wait = true
    };
    struct sigaction sa = { .sa_handler = on_kick };
    struct gd_kvm *gd;
    char text[256] = "the vCPU is not taken";
    int err;

    setvbuf(stdout, NULL, _IOLBF, 0);
    run = map((size_t)size, MAP_SHARED, vcpu);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGRTMIN + 1, &sa, NULL);
    err = gd_kvm_open(&gd, &cfg, text, sizeof(text));
    printf("SIGRTMIN+1: %d %s\n", err, text);
    cfg.kick_signal = SIGRTMIN + 2;
    if (gd_kvm_open(&gd, &cfg, text, sizeof(text)) != 0 || gd_kvm_add_vcpu(gd, 1, vcpu, run) != 0 ||
        gd_kvm_listen(gd, argc > 1 ? argv[1] : "tcp:127.0.0.1:1234", GD_LISTEN_REMOTE, text,
                      sizeof(text)) != 0) {
        printf("%s\n", text);
        return 1;
    }
    printf("%s\n", text);
    while ((err = gd_kvm_run(gd, 1)) == -EINTR) {
        printf("pstate %#llx x5 %#llx\n", (unsigned long long)get(vcpu, CORE(pstate)),
               (unsigned long long)get(vcpu, CORE(regs[5])));
        set(vcpu, CORE(regs[5]), VMMS_X5);
    }
    printf("gd_kvm_run: %d, exit %u\n", err, run->exit_reason);
    gd_kvm_close(gd);
    return 1;
}
