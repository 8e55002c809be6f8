/* SPDX-License-Identifier: MIT */
/*
 * The symbol file. A debugger takes a symbol's kind from the flags of its section, so code between
 * data (.init.text, the identity-mapped text) has to be a section of its own. All are NOBITS: the
 * bytes are the guest's, which patches its text at boot.
 */
#include "symelf.h"

#include <elf.h>
#include <string.h>

#define MAX_SECTIONS 24u
#define NAME_SIZE    16

/* Linker-script marks around code, arch/arm64/kernel/vmlinux.lds.S and arch/powerpc's. */
static const struct {
    const char *from, *to;
} code_marks[] = {
    { "_text", "_etext" },
    { "_stext", "_etext" },
    { "__entry_tramp_text_start", "__entry_tramp_text_end" },
    { "__idmap_text_start", "__idmap_text_end" },
    { "_sinittext", "_einittext" },
    { "__exittext_begin", "__exittext_end" },
};

struct section {
    char name[NAME_SIZE];
    uint64_t start, end;
    bool code;
};

struct layout {
    struct section list[MAX_SECTIONS];
    unsigned count;
};

static void add(struct layout *l, const char *base, unsigned number, uint64_t start, uint64_t end,
                bool code)
{
    struct section *s;
    size_t len = strlen(base);

    if (start >= end || l->count == MAX_SECTIONS)
        return;
    s = &l->list[l->count++];
    *s = (struct section){ .start = start, .end = end, .code = code };
    memcpy(s->name, base, len);
    if (number > 0) {
        s->name[len] = '.';
        s->name[len + 1] = (char)('0' + number % 10);
    }
}

/* Covers the kernel from start to end: code where marks say so, data between. */
static void lay_out(const struct symbols *s, struct layout *l)
{
    uint64_t at = s->start;
    unsigned code = 0, data = 0;

    *l = (struct layout){ 0 };
    while (at < s->end) {
        uint64_t from = s->end, to = s->end;

        for (size_t i = 0; i < sizeof(code_marks) / sizeof(code_marks[0]); i++) {
            uint64_t a = kallsyms_find(s, code_marks[i].from),
                     b = kallsyms_find(s, code_marks[i].to);

            if (a >= at && a < b && a < from && b <= s->end) {
                from = a;
                to = b;
            }
        }
        if (from > at)
            add(l, ".data", data++, at, from, false);
        if (from < to)
            add(l, ".text", code++, from, to, true);
        at = to;
    }
}

static unsigned section_of(const struct layout *l, uint64_t addr)
{
    for (unsigned i = 0; i < l->count; i++)
        if (addr >= l->list[i].start && addr < l->list[i].end)
            return i + 1;
    return SHN_ABS;
}

static void put_symbol(const struct symbol *s, const struct layout *l, struct buf *symtab,
                       struct buf *strtab)
{
    unsigned shndx = section_of(l, s->addr);
    bool local = s->type >= 'a' && s->type <= 'z' && s->type != 'w' && s->type != 'v';
    bool code = symbol_is_code(s) && shndx != SHN_ABS && l->list[shndx - 1].code;

    buf_le(symtab, strtab->len, 4);
    buf_u8(symtab, ELF64_ST_INFO(local ? STB_LOCAL : STB_GLOBAL, code ? STT_FUNC : STT_OBJECT));
    buf_u8(symtab, STV_DEFAULT);
    buf_le(symtab, shndx, 2);
    buf_le(symtab, s->addr, 8);
    buf_le(symtab, s->size, 8);
    buf_put(strtab, s->name, strlen(s->name) + 1);
}

/* ELF wants local symbols first. Returns the index of the first global one. */
static uint32_t put_symbols(const struct symbols *s, const struct layout *l, struct buf *symtab,
                            struct buf *strtab)
{
    struct buf globals = { 0 };
    uint32_t first;

    buf_zero(symtab, sizeof(Elf64_Sym));
    buf_u8(strtab, 0);
    for (size_t i = 0; i < s->count; i++) {
        char t = s->list[i].type;
        bool local = t >= 'a' && t <= 'z' && t != 'w' && t != 'v';

        put_symbol(&s->list[i], l, local ? symtab : &globals, strtab);
    }
    first = (uint32_t)(symtab->len / sizeof(Elf64_Sym));
    buf_put(symtab, globals.data, globals.len);
    symtab->failed |= globals.failed;
    buf_free(&globals);
    return first;
}

struct writer {
    struct buf *out;
    struct buf names; /* .shstrtab */
    Elf64_Shdr headers[MAX_SECTIONS + 8];
    unsigned count;
};

static Elf64_Shdr *put_section(struct writer *w, const char *name, uint32_t type,
                               const struct buf *body)
{
    Elf64_Shdr *h = &w->headers[w->count++];

    buf_zero(w->out, -w->out->len & 7);
    *h = (Elf64_Shdr){ .sh_name = (uint32_t)w->names.len,
                       .sh_type = type,
                       .sh_offset = w->out->len,
                       .sh_addralign = 1 };
    buf_put(&w->names, name, strlen(name) + 1);
    if (body) {
        h->sh_size = body->len;
        buf_put(w->out, body->data, body->len);
    }
    return h;
}

static void put_spaces(struct writer *w, const struct layout *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        const struct section *s = &l->list[i];
        Elf64_Shdr *h = put_section(w, s->name, SHT_NOBITS, NULL);

        h->sh_flags = SHF_ALLOC | (s->code ? SHF_EXECINSTR : SHF_WRITE);
        h->sh_addr = s->start;
        h->sh_size = s->end - s->start;
        h->sh_addralign = 4;
    }
}

static void put_header(struct writer *w, uint64_t entry, uint16_t machine, uint32_t flags)
{
    Elf64_Ehdr e = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_entry = entry,
        .e_flags = flags,
        .e_ehsize = sizeof(e),
        .e_shentsize = sizeof(Elf64_Shdr),
    };

    buf_zero(w->out, -w->out->len & 7);
    e.e_shoff = w->out->len;
    e.e_shnum = (Elf64_Half)w->count;
    e.e_shstrndx = (Elf64_Half)(w->count - 1);
    buf_put(w->out, w->headers, w->count * sizeof(w->headers[0]));
    if (!w->out->failed)
        memcpy(w->out->data, &e, sizeof(e));
}

/*
 * Where GDB lets a function that it calls in the guest return to. That has to be code: between _text
 * and _stext arm64 has its Image header, which it maps without permission to execute.
 */
static uint64_t entry_of(const struct symbols *s)
{
    uint64_t stext = kallsyms_find(s, "_stext");

    return stext > s->start && stext < s->end ? stext : s->start;
}

/*
 * Structures go out as they lie in memory: both this program and its files are little-endian
 * 64-bit.
 */
void symelf_write(const struct symbols *s, uint16_t machine, uint32_t flags,
                  const struct buf *debug_frame, struct buf *out)
{
    struct writer w = { .out = out, .count = 1 };
    struct buf symtab = { 0 }, strtab = { 0 };
    struct layout l;
    Elf64_Shdr *h;
    uint32_t first;

    lay_out(s, &l);
    first = put_symbols(s, &l, &symtab, &strtab);
    buf_zero(out, sizeof(Elf64_Ehdr));
    buf_u8(&w.names, 0);
    put_spaces(&w, &l);
    if (debug_frame && debug_frame->len > 0)
        put_section(&w, ".debug_frame", SHT_PROGBITS, debug_frame)->sh_addralign = 8;
    h = put_section(&w, ".symtab", SHT_SYMTAB, &symtab);
    h->sh_link = w.count;
    h->sh_info = first;
    h->sh_entsize = sizeof(Elf64_Sym);
    h->sh_addralign = 8;
    put_section(&w, ".strtab", SHT_STRTAB, &strtab);
    h = put_section(&w, ".shstrtab", SHT_STRTAB, NULL);
    h->sh_size = w.names.len;
    buf_put(out, w.names.data, w.names.len);
    put_header(&w, entry_of(s), machine, flags);
    out->failed |= symtab.failed || strtab.failed || w.names.failed;
    buf_free(&symtab);
    buf_free(&strtab);
    buf_free(&w.names);
}
