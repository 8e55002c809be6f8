/* SPDX-License-Identifier: MIT */
/*
 * What the loader calls of vm.c, without vCPUs; see fake_vm.h.
 */
#include "fake_vm.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD 0x1000u

void fake_vm_open(struct fake_vm *f)
{
    *f = (struct fake_vm){
        .cfg = { .kernel = "KERNEL", .append = "", .cpus = 1, .memory = FAKE_RAM_SIZE },
        .machine = { .arch = "arm64", .elf_machine = EM_AARCH64, .ram_base = FAKE_RAM_BASE },
    };
    f->vm.cfg = &f->cfg;
    f->vm.machine = &f->machine;
    f->vm.ram = mmap(NULL, FAKE_RAM_SIZE + GUARD, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(f->vm.ram + FAKE_RAM_SIZE, GUARD, PROT_NONE);
}

void fake_vm_close(struct fake_vm *f)
{
    munmap(f->vm.ram, FAKE_RAM_SIZE + GUARD);
}

void fake_vm_clear(struct fake_vm *f)
{
    madvise(f->vm.ram, FAKE_RAM_SIZE, MADV_DONTNEED);
    f->vm.err[0] = '\0';
}

int vm_fail(struct vm *vm, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(vm->err, sizeof(vm->err), fmt, ap);
    va_end(ap);
    return -1;
}

void *vm_ram(struct vm *vm, uint64_t gpa, uint64_t len)
{
    if (gpa < FAKE_RAM_BASE || gpa > FAKE_RAM_BASE + vm->cfg->memory ||
        len > FAKE_RAM_BASE + vm->cfg->memory - gpa)
        return NULL;
    return vm->ram + (gpa - FAKE_RAM_BASE);
}
