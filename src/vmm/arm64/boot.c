/* SPDX-License-Identifier: MIT */
/*
 * What lies in an arm64 guest's memory at power-on: a Linux Image, an ELF or flat bytes; the initrd
 * after it; the device tree at the start of RAM, where bare-metal programs for QEMU's `virt` look
 * for it, or at the end if the kernel itself lies there.
 */
#include "virt.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define MIB2         0x200000ull
#define PAGE_MAX     0x10000ull
#define IMAGE_HEADER 64          /* Documentation/arch/arm64/booting.rst, 4 */
#define IMAGE_MAGIC  0x644d5241u /* "ARM\x64" at 56 */
#define OLD_OFFSET   0x80000ull  /* text_offset of kernels before 3.17, whose image_size is 0 */

static uint64_t align(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

/*
 * image_size counts what is not in the file, so it cannot tell a file that was cut. An Image with
 * an EFI stub is a PE program as well, and that header can: each section names the bytes it has in
 * the file (Microsoft's "PE Format", COFF File Header and Section Table).
 */
static bool is_cut(const struct blob *k)
{
    enum { COFF = 24, SECTION = 40, RAW_SIZE = 16, RAW_OFFSET = 20 };
    uint64_t pe = gd_load_le(k->data + 60, 4), table, count;

    if (memcmp(k->data, "MZ", 2) != 0 || pe > k->len)
        return false;
    if (k->len - pe < COFF)
        return true;
    if (memcmp(k->data + pe, "PE\0\0", 4) != 0)
        return false;
    count = gd_load_le(k->data + pe + 6, 2);
    table = pe + COFF + gd_load_le(k->data + pe + 20, 2);
    if (table + count * SECTION > k->len)
        return true;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *s = k->data + table + i * SECTION;

        if (gd_load_le(s + RAW_OFFSET, 4) + gd_load_le(s + RAW_SIZE, 4) > k->len)
            return true;
    }
    return false;
}

static int load_image(struct vm *vm)
{
    const struct blob *k = &vm->kernel;
    uint64_t offset, size, at;

    if (k->len < IMAGE_HEADER || gd_load_le(k->data + 56, 4) != IMAGE_MAGIC)
        return vm_fail(
            vm, "%s is neither an arm64 Linux Image nor an ELF file; for raw code give --flat ADDR",
            vm->cfg->kernel);
    offset = gd_load_le(k->data + 8, 8);
    size = gd_load_le(k->data + 16, 8);
    if (size == 0) {
        offset = OLD_OFFSET;
        size = k->len;
    }
    if (gd_load_le(k->data + 24, 8) & 1)
        return vm_fail(vm, "%s is a big-endian kernel; guestdbg runs little-endian ones",
                       vm->cfg->kernel);
    if (is_cut(k))
        return vm_fail(vm, "%s is truncated: a part of it lies past its end", vm->cfg->kernel);
    /*
     * image_size counts .bss too, and the linker pads the file to less than a page short of its
     * data.
     */
    if (size < k->len && k->len - size > PAGE_MAX)
        return vm_fail(vm, "%s is damaged: it is longer than its header says", vm->cfg->kernel);
    if (offset >= vm->cfg->memory || size > vm->cfg->memory)
        return vm_fail(vm, "%s needs %llu MiB and does not fit the guest's memory; raise --memory",
                       vm->cfg->kernel, (unsigned long long)(size >> 20));
    at = VIRT_RAM + MIB2 + offset; /* QEMU's place for it: the device tree has the first 2 MiB */
    if (!vm_ram(vm, at, size))
        return vm_fail(vm, "%s needs %llu MiB and does not fit the guest's memory; raise --memory",
                       vm->cfg->kernel, (unsigned long long)(size >> 20));
    vm->image = (struct placed){ .start = at, .end = at + size, .entry = at };
    return loader_put(vm, "the kernel", at, k->data, k->len);
}

static int load_kernel(struct vm *vm)
{
    if (vm->cfg->flat)
        return loader_flat(vm);
    if (loader_is_elf(&vm->kernel))
        return loader_elf(vm, &vm->kernel, &vm->image);
    return load_image(vm);
}

static int place_dtb(struct vm *vm, uint64_t used_end, const struct blob *dtb)
{
    struct virt *v = vm->machine_state;
    uint64_t ram_end = VIRT_RAM + vm->cfg->memory;

    v->dtb = VIRT_RAM;
    if (vm->image.start < VIRT_RAM + dtb->len) {
        v->dtb = (ram_end - dtb->len) & ~(PAGE_MAX - 1);
        if (v->dtb < used_end)
            return vm_fail(
                vm, "the guest's memory has no room left for its device tree; raise --memory");
    }
    return loader_put(vm, "the device tree", v->dtb, dtb->data, dtb->len);
}

int virt_load(struct vm *vm)
{
    struct fdt_request req = { 0 };
    struct blob dtb = { 0 };
    uint64_t end;
    int err;

    if (load_kernel(vm) < 0)
        return -1;
    end = vm->image.end;
    if (vm->initrd.data) {
        req.initrd = align(end, MIB2);
        req.initrd_end = end = req.initrd + vm->initrd.len;
        if (loader_put(vm, "the initrd", req.initrd, vm->initrd.data, vm->initrd.len) < 0)
            return -1;
    }
    if (fdt_make(vm, &req, &dtb) < 0)
        return -1;
    err = place_dtb(vm, end, &dtb);
    free(dtb.data);
    return err;
}
