/* SPDX-License-Identifier: MIT */
/*
 * The arm64 machine: memory map and interrupts of QEMU's `virt` (hw/arm/virt.c, base_memmap and
 * a15irqmap), so that what was built for it runs unchanged; and what the files of this folder
 * share.
 */
#ifndef VMM_ARM64_VIRT_H
#define VMM_ARM64_VIRT_H

#include "../vm.h"
#include "pl011.h"

#define VIRT_GICD      0x08000000ull
#define VIRT_GICD_SIZE 0x00010000ull
#define VIRT_GICR      0x080a0000ull
#define VIRT_GICR_EACH 0x00020000ull
#define VIRT_UART      0x09000000ull
#define VIRT_RAM       0x40000000ull
#define VIRT_MAX_CPUS  123u /* redistributors up to the UART */

#define VIRT_UART_SPI 1u
#define VIRT_PMU_PPI  7u
#define VIRT_NR_IRQS  288u /* QEMU's 256 SPIs, and 32 private ones */
#define GIC_SPI_BASE  32u
#define GIC_PPI_BASE  16u

#define VIRT_DTB_MAX 0x200000ull /* Documentation/arch/arm64/booting.rst, 2 */

struct virt {
    struct pl011 uart;
    int gic_fd;
    bool has_pmu, has_abort;
    uint32_t target, features; /* KVM_ARM_VCPU_INIT's: bits KVM_ARM_VCPU_*, all but POWER_OFF */
    uint64_t dtb;
};

/* gic.c */
int gic_create(struct vm *vm);
int gic_ready(struct vm *vm);
int gic_reset(struct vm *vm);
int gic_set_spi(struct vm *vm, unsigned spi, bool level);

/* boot.c: kernel, initrd and device tree into RAM */
int virt_load(struct vm *vm);

/* fdt.c: a device tree of at most VIRT_DTB_MAX bytes, to be freed by the caller */
struct fdt_request {
    uint64_t initrd, initrd_end; /* equal: none */
};
int fdt_make(struct vm *vm, const struct fdt_request *req, struct blob *out);

/* machine.c */
int vcpu_get_reg(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t *value);
uint64_t virt_mpidr(struct vm *vm, struct vcpu *cpu);

#endif
