/* SPDX-License-Identifier: MIT */
/*
 * What lies in a POWER guest's memory at power-on: an ELF kernel (vmlinux) or flat bytes, the initrd
 * after it, then RTAS and the device tree. The kernel is entered as Linux' Documentation/arch/powerpc/
 * booting.rst has it for a flattened tree: r3 the tree, r5 zero, translation off, little-endian.
 */
#include "pseries.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN_TO 0x10000ull

static uint64_t align(uint64_t v)
{
    return (v + ALIGN_TO - 1) & ~(ALIGN_TO - 1);
}

static int load_kernel(struct vm *vm)
{
    if (vm->cfg->flat)
        return loader_flat(vm);
    if (loader_is_elf(&vm->kernel))
        return loader_elf(vm, &vm->kernel, &vm->image);
    return vm_fail(
        vm,
        "%s is not an ELF file (POWER kernels are vmlinux files); for raw code give --flat ADDR",
        vm->cfg->kernel);
}

int pseries_load(struct vm *vm)
{
    struct pseries *p = pseries(vm);
    struct fdt_request req = { 0 };
    struct blob dtb = { 0 };
    uint64_t end;
    int err;

    if (load_kernel(vm) < 0)
        return -1;
    end = align(vm->image.end);
    if (vm->initrd.data) {
        req.initrd = end;
        req.initrd_end = end + vm->initrd.len;
        end = align(req.initrd_end);
        if (loader_put(vm, "the initrd", req.initrd, vm->initrd.data, vm->initrd.len) < 0)
            return -1;
    }
    p->rtas = end;
    if (end > UINT32_MAX - RTAS_SIZE) /* the tree has its address in one cell */
        return vm_fail(vm, "the kernel and the initrd leave no room below 4 GiB for RTAS");
    if (loader_put(vm, "RTAS", p->rtas, rtas_code, sizeof(rtas_code)) < 0 ||
        fdt_make(vm, &req, &dtb) < 0)
        return -1;
    p->dtb = end + ALIGN_TO;
    err = loader_put(vm, "the device tree", p->dtb, dtb.data, dtb.len);
    free(dtb.data);
    return err;
}
