/* SPDX-License-Identifier: MIT */
/*
 * Kernels into guest memory: bytes at an address, ELF by its program headers. Every length and
 * address in a file is checked before use; what does not fit is an error that says so.
 */
#include "vm.h"

#include <elf.h>
#include <string.h>

#define INSN 4u

int loader_put(struct vm *vm, const char *what, uint64_t gpa, const void *data, uint64_t len)
{
    void *to = vm_ram(vm, gpa, len);
    uint64_t base = vm->machine->ram_base;

    if (!to)
        return vm_fail(vm,
                       "%s (0x%llx to 0x%llx) does not fit the guest's memory (0x%llx to 0x%llx); "
                       "change --memory or its address",
                       what, (unsigned long long)gpa, (unsigned long long)(gpa + len),
                       (unsigned long long)base, (unsigned long long)(base + vm->cfg->memory));
    memcpy(to, data, len);
    return 0;
}

int loader_flat(struct vm *vm)
{
    uint64_t at = vm->cfg->flat_addr;

    if (at % INSN)
        return vm_fail(vm, "--flat 0x%llx is no multiple of %u, as an instruction's address is",
                       (unsigned long long)at, INSN);
    vm->image = (struct placed){ .start = at, .end = at + vm->kernel.len, .entry = at };
    return loader_put(vm, "the flat kernel", at, vm->kernel.data, vm->kernel.len);
}

bool loader_is_elf(const struct blob *b)
{
    return b->len >= SELFMAG && memcmp(b->data, ELFMAG, SELFMAG) == 0;
}

/* The fields that are looked at, from the other byte order. */

static void turn_header(Elf64_Ehdr *h)
{
    h->e_type = __builtin_bswap16(h->e_type);
    h->e_machine = __builtin_bswap16(h->e_machine);
    h->e_entry = __builtin_bswap64(h->e_entry);
    h->e_phoff = __builtin_bswap64(h->e_phoff);
    h->e_phentsize = __builtin_bswap16(h->e_phentsize);
    h->e_phnum = __builtin_bswap16(h->e_phnum);
}

static void turn_segment(Elf64_Phdr *p)
{
    p->p_type = __builtin_bswap32(p->p_type);
    p->p_offset = __builtin_bswap64(p->p_offset);
    p->p_vaddr = __builtin_bswap64(p->p_vaddr);
    p->p_paddr = __builtin_bswap64(p->p_paddr);
    p->p_filesz = __builtin_bswap64(p->p_filesz);
    p->p_memsz = __builtin_bswap64(p->p_memsz);
}

static bool is_turned(const Elf64_Ehdr *h)
{
    return h->e_ident[EI_DATA] ==
           (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2MSB : ELFDATA2LSB);
}

static int check_elf(struct vm *vm, const struct blob *b, Elf64_Ehdr *h)
{
    const char *path = vm->cfg->kernel;

    if (b->len < sizeof(*h))
        return vm_fail(vm, "%s is truncated: its ELF header is not whole", path);
    memcpy(h, b->data, sizeof(*h));
    if (is_turned(h))
        turn_header(h);
    if (h->e_machine != vm->machine->elf_machine || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        (h->e_ident[EI_DATA] != ELFDATA2LSB && !vm->machine->bi_endian))
        return vm_fail(vm,
                       "%s is an ELF file of another architecture or byte order; this guest is %s",
                       path, vm->machine->arch);
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return vm_fail(vm, "%s is an ELF file that is not linked (type %u); link it first", path,
                       h->e_type);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phoff > b->len ||
        (uint64_t)h->e_phnum * sizeof(Elf64_Phdr) > b->len - h->e_phoff)
        return vm_fail(vm, "%s is truncated or has no program headers", path);
    return 0;
}

/*
 * GNU ld puts the ELF headers into the page before a program that is linked at the start of RAM.
 * QEMU loses such bytes in the hole before RAM; so do we, if they are nothing but headers and
 * zeros.
 */
static void drop_headers(struct vm *vm, const struct blob *b, const Elf64_Ehdr *h, Elf64_Phdr *p)
{
    uint64_t headers = h->e_phoff + (uint64_t)h->e_phnum * sizeof(Elf64_Phdr);
    uint64_t before = vm->machine->ram_base - p->p_paddr;

    if (p->p_offset != 0 || p->p_paddr >= vm->machine->ram_base || before > p->p_filesz ||
        before > b->len)
        return;
    for (uint64_t i = headers; i < before; i++)
        if (b->data[i] != 0)
            return;
    p->p_offset += before;
    p->p_vaddr += before;
    p->p_paddr += before;
    p->p_filesz -= before;
    p->p_memsz -= before;
}

static int put_segment(struct vm *vm, const struct blob *b, const Elf64_Phdr *p)
{
    if (p->p_filesz > p->p_memsz || p->p_offset > b->len || p->p_filesz > b->len - p->p_offset)
        return vm_fail(vm, "%s is truncated: a segment lies past its end", vm->cfg->kernel);
    if (loader_put(vm, "a segment of the kernel", p->p_paddr, b->data + p->p_offset, p->p_filesz) <
        0)
        return -1;
    if (!vm_ram(vm, p->p_paddr, p->p_memsz)) /* RAM is zero already, so .bss only has to fit */
        return vm_fail(
            vm, "the kernel's .bss (up to 0x%llx) does not fit the guest's memory; raise --memory",
            (unsigned long long)(p->p_paddr + p->p_memsz));
    return 0;
}

int loader_elf(struct vm *vm, const struct blob *b, struct placed *out)
{
    bool found = false;
    Elf64_Ehdr h;

    if (check_elf(vm, b, &h) < 0)
        return -1;
    *out = (struct placed){ .start = UINT64_MAX,
                            .entry = h.e_entry,
                            .big_endian = h.e_ident[EI_DATA] == ELFDATA2MSB };
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;

        memcpy(&p, b->data + h.e_phoff + i * sizeof(p), sizeof(p));
        if (is_turned(&h))
            turn_segment(&p);
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        drop_headers(vm, b, &h, &p);
        if (put_segment(vm, b, &p) < 0)
            return -1;
        if (h.e_entry - p.p_vaddr < p.p_memsz) { /* linked high, loaded low */
            out->entry = h.e_entry - p.p_vaddr + p.p_paddr;
            found = true;
        }
        if (p.p_paddr < out->start)
            out->start = p.p_paddr;
        if (p.p_paddr + p.p_memsz > out->end)
            out->end = p.p_paddr + p.p_memsz;
    }
    if (out->end == 0)
        return vm_fail(vm, "%s has nothing to load", vm->cfg->kernel);
    if (out->entry % INSN)
        return vm_fail(vm, "%s begins at 0x%llx, no multiple of %u, as an instruction's address is",
                       vm->cfg->kernel, (unsigned long long)out->entry, INSN);
    if (!found && (h.e_entry < out->start || h.e_entry >= out->end))
        return vm_fail(vm, "%s begins at 0x%llx, where nothing of it is loaded", vm->cfg->kernel,
                       (unsigned long long)h.e_entry);
    return 0;
}
