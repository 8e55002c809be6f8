/* SPDX-License-Identifier: MIT */
/*
 * What the bare KVM loops of all architectures share: a machine of one vCPU and some memory with the
 * benchmark guest in it.
 */
#include "bench.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int kvmloop_call(int fd, unsigned long request, void *argument, const char *what)
{
    int r = ioctl(fd, request, argument);

    if (r < 0)
        die("KVM loop: %s failed", what);
    return r;
}

uint64_t kvmloop_get_one(struct kvmloop *k, uint64_t id)
{
    uint64_t value = 0;
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)&value };

    kvmloop_call(k->vcpu, KVM_GET_ONE_REG, &r, "KVM_GET_ONE_REG");
    return value;
}

void kvmloop_set_one(struct kvmloop *k, uint64_t id, uint64_t value)
{
    struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)&value };

    kvmloop_call(k->vcpu, KVM_SET_ONE_REG, &r, "KVM_SET_ONE_REG");
}

void kvmloop_step(struct kvmloop *k, unsigned n)
{
    kvmloop_begin(k);
    while (n--)
        kvmloop_one(k);
    kvmloop_end(k);
}

/* Copies the segments into RAM; returns the entry address. */
uint64_t kvmloop_load(struct kvmloop *k, const char *path, uint64_t ram_at)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    const uint8_t *file;
    const Elf64_Ehdr *head;
    const Elf64_Phdr *p;
    uint64_t entry;

    if (fd < 0 || fstat(fd, &st) != 0)
        die("KVM loop: cannot read %s", path);
    file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        die("KVM loop: cannot map %s", path);
    head = (const void *)file;
    p = (const void *)(file + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (p[i].p_type == PT_LOAD)
            memcpy(k->ram + (p[i].p_paddr - ram_at), file + p[i].p_offset, p[i].p_filesz);
    entry = head->e_entry;
    munmap((void *)(uintptr_t)file, (size_t)st.st_size);
    close(fd);
    return entry;
}

struct kvmloop *kvmloop_make(unsigned long vm_type, uint64_t ram_at, size_t size)
{
    struct kvmloop *k = calloc(1, sizeof(*k));
    struct kvm_userspace_memory_region memory = { .guest_phys_addr = ram_at, .memory_size = size };
    int run_size;

    if (!k)
        die("KVM loop: no memory");
    k->kvm = open("/dev/kvm", O_RDWR);
    if (k->kvm < 0)
        die("KVM loop: no /dev/kvm");
    k->vm = kvmloop_call(k->kvm, KVM_CREATE_VM, (void *)vm_type, "KVM_CREATE_VM");
    k->ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (k->ram == MAP_FAILED)
        die("KVM loop: no memory");
    memory.userspace_addr = (uintptr_t)k->ram;
    kvmloop_call(k->vm, KVM_SET_USER_MEMORY_REGION, &memory, "KVM_SET_USER_MEMORY_REGION");
    k->vcpu = kvmloop_call(k->vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
    run_size = kvmloop_call(k->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    k->run = mmap(NULL, (size_t)run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->vcpu, 0);
    if (k->run == MAP_FAILED)
        die("KVM loop: no kvm_run");
    return k;
}
