/* SPDX-License-Identifier: MIT */
/*
 * A VM without KVM: RAM in an array with a guard page after it, and the error sentence.
 */
#ifndef TEST_FAKE_VM_H
#define TEST_FAKE_VM_H

#include "vmm/vm.h"

#define FAKE_RAM_BASE 0x40000000ull
#define FAKE_RAM_SIZE 0x1000000ull

struct fake_vm {
    struct vm_config cfg;
    struct machine_ops machine;
    struct vm vm;
};

void fake_vm_open(struct fake_vm *f);
void fake_vm_close(struct fake_vm *f);

/* Clears RAM and the sentence. */
void fake_vm_clear(struct fake_vm *f);

#endif
