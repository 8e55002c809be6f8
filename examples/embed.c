/* SPDX-License-Identifier: MIT */
/*
 * A complete small virtual machine monitor for arm64 KVM, and the few lines that give it the
 * debugger: those marked ">>". Its guest counts in memory, writes a line to a serial port and
 * switches itself off.
 *
 *   cc embed.c $(pkg-config --cflags --libs guestdbg) -o embed
 *   ./embed unix:/tmp/embed.sock
 *   gdb-multiarch -ex 'target remote /tmp/embed.sock'
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <guestdbg/guestdbg.h> /* >> */

#define RAM      0x40000000ull
#define RAM_SIZE 0x200000ull
#define SERIAL   0x09000000ull /* a byte written here goes to standard output */

/* The guest: position-independent code, copied to the start of its RAM. */
extern const uint8_t guest_begin[], guest_end[];
__asm__(".pushsection .rodata\n"
        ".globl guest_begin, guest_end\n"
        ".balign 8\n"
        "guest_begin:\n"
        "    mov   x20, #0x40100000\n" /* where it counts */
        "    mov   x0, #0\n"
        "1:  add   x0, x0, #1\n"
        "    str   x0, [x20]\n"
        "    cmp   x0, #1000\n"
        "    b.ne  1b\n"
        "    mov   x21, #0x09000000\n" /* SERIAL */
        "    adr   x1, 3f\n"
        "2:  ldrb  w2, [x1], #1\n"
        "    cbz   w2, 4f\n"
        "    strb  w2, [x21]\n"
        "    b     2b\n"
        "3:  .asciz \"guest: counted to 1000\\n\"\n"
        "    .balign 4\n"
        "4:  movz  x0, #0x8400, lsl #16\n" /* PSCI SYSTEM_OFF */
        "    movk  x0, #8\n"
        "    hvc   #0\n"
        "    b     4b\n"
        "guest_end:\n"
        ".popsection\n");

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int check(int result, const char *what)
{
    if (result < 0)
        die(what);
    return result;
}

static void *map(size_t size, int flags, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

/* RAM with the guest in it. */
static void *add_ram(int vm)
{
    void *ram = map(RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct kvm_userspace_memory_region region = {
        .guest_phys_addr = RAM,
        .memory_size = RAM_SIZE,
        .userspace_addr = (uintptr_t)ram,
    };

    memcpy(ram, guest_begin, (size_t)(guest_end - guest_begin));
    __builtin___clear_cache(ram, (char *)ram + (guest_end - guest_begin));
    check(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    return ram;
}

/* One vCPU at the guest's first instruction, EL1 with everything masked. */
static int add_vcpu(int vm)
{
    int vcpu = check(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    struct kvm_vcpu_init init = { 0 };
    uint64_t entry = RAM;
    struct kvm_one_reg pc = {
        .id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(regs.pc),
        .addr = (uintptr_t)&entry,
    };

    check(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
    init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
    check(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
    check(ioctl(vcpu, KVM_SET_ONE_REG, &pc), "KVM_SET_ONE_REG");
    return vcpu;
}

/* Serves one exit; false at the guest's end. */
static bool serve(struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_MMIO:
        if (run->mmio.is_write && run->mmio.phys_addr == SERIAL)
            putchar(run->mmio.data[0]);
        else if (!run->mmio.is_write)
            memset(run->mmio.data, 0, sizeof(run->mmio.data));
        return true;
    case KVM_EXIT_SYSTEM_EVENT:
        return false;
    default:
        fprintf(stderr, "embed: unexpected exit %u\n", run->exit_reason);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    int kvm = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    int vm = check(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    void *ram = add_ram(vm);
    int vcpu = add_vcpu(vm);
    int size = check(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    struct kvm_run *run = map((size_t)size, MAP_SHARED, vcpu);

    /* >> from here: the debugger */
    const struct gd_mem_slot slot = { .gpa = RAM, .size = RAM_SIZE, .hva = ram };
    const struct gd_kvm_config cfg = {
        .kvm_fd = kvm,
        .vm_fd = vm,
        .max_vcpus = 1,
        .slots = &slot,
        .nslots = 1,
        .wait = true, /* the guest's first instruction waits for the debugger */
    };
    struct gd_kvm *gd;
    char text[256] = "the debugger does not take the vCPU";

    if (gd_kvm_open(&gd, &cfg, text, sizeof(text)) != 0 || gd_kvm_add_vcpu(gd, 0, vcpu, run) != 0 ||
        gd_kvm_listen(gd, argc > 1 ? argv[1] : "tcp:127.0.0.1:1234", 0, text, sizeof(text)) != 0) {
        fprintf(stderr, "embed: %s\n", text);
        return 1;
    }
    fprintf(stderr, "embed: stopped before the first instruction; in GDB: %s\n", text);
    /* >> to here */

    for (;;) {
        int err = gd_kvm_run(gd, 0); /* >> instead of ioctl(vcpu, KVM_RUN, 0) */

        if (err == 0 && !serve(run))
            break;
        if (err != 0 && err != -EINTR) {
            fprintf(stderr, "embed: KVM_RUN: %s\n", strerror(-err));
            return 1;
        }
    }
    gd_kvm_exited(gd, 0); /* >> the debugger says "exited normally" */
    gd_kvm_close(gd);     /* >> */
    return 0;
}
