/* SPDX-License-Identifier: MIT */
/*
 * guestdbg symbols: the listing's parser, the ELF, and the unwind rules that come out of real
 * instruction sequences. The words are what GNU as makes of the instructions in the comments.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "cfi.h"
#include "cli/symbols/symelf.h"
#include "cli/symbols/kallsyms.h"
#include "cli/symbols/unwind_arm64.h"

#define BASE   0xffff800080000000ull
#define SIGNED 0x5a3c800080001234ull
#define PLAIN  0xffff800080001234ull
#define X29    29
#define LR     30
#define SP     31
#define PC     32

/* ---- kallsyms -------------------------------------------------------------------------------- */

static char *copy;

static int parse(const char *text, struct symbols *s, char *err)
{
    free(copy);
    copy = strdup(text);
    return kallsyms_parse(copy, strlen(copy), s, err, 256);
}

static const char listing[] = "ffff800080000000 T _text\r\n"
                              "[    1.5] a console line in between\n"
                              "ffff800080000010 t second\n"
                              "ffff800080000008 T first\n"
                              "ffff800080000008 t alias_of_first\n"
                              "ffff800080000020 D _etext\n"
                              "0000000000000000 A per_cpu_start\n"
                              "ffff800080000030 T _sinittext\n"
                              "ffff800080000030 T start_kernel\n"
                              "ffff800080000040 T _einittext\n"
                              "ffff800080000048 d some_data\n"
                              "ffff80007a000000 t in_a_module\t[module]\n"
                              "ffff800080000060 B _end";

static void listing_is_sorted_and_sized_and_keeps_to_the_kernel(void **state)
{
    struct symbols s;
    char err[256];

    (void)state;
    assert_int_equal(parse(listing, &s, err), 0);
    assert_int_equal(s.start, BASE);
    assert_int_equal(s.end, BASE + 0x60);
    assert_true(s.end_known);
    assert_int_equal(s.count, 9);
    assert_string_equal(s.list[0].name, "_text");
    assert_int_equal(s.list[0].size, 8);
    assert_string_equal(s.list[1].name, "first");
    assert_int_equal(s.list[1].size, 8);
    assert_string_equal(s.list[2].name, "alias_of_first");
    assert_int_equal(s.list[2].size, 8);
    assert_string_equal(s.list[8].name, "some_data");
    assert_int_equal(s.list[8].size, 0x18);
    kallsyms_free(&s);
}

static void listing_without_text_and_end_still_gives_the_image_bounds(void **state)
{
    struct symbols s;
    char err[256];

    (void)state;
    assert_int_equal(parse("ffff800008010000 T _stext\nffff800008cd1234 t last\n", &s, err), 0);
    assert_int_equal(s.start, 0xffff800008000000ull);
    assert_int_equal(s.end, 0xffff800008ce0000ull);
    assert_false(s.end_known);
    kallsyms_free(&s);
}

static void listing_of_zeros_is_refused_with_its_cause(void **state)
{
    char text[40 * 26 + 1] = "", err[256];
    struct symbols s;

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(text, "0000000000000000 T _stext\n");
    assert_int_equal(parse(text, &s, err), -1);
    assert_non_null(strstr(err, "kptr_restrict"));
}

static void what_is_no_listing_is_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "\n\n\n",
                                       "hello\n",
                                       "ffff800080000000 T \n",
                                       "ffff800080000000 T",
                                       "ffff80008000000g T _text\n",
                                       "ffff800080000000  _text\n" };
    struct symbols s;
    char err[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(bad[i], &s, err), -1);
        assert_null(s.list);
    }
}

/* ---- ELF ------------------------------------------------------------------------------------- */

static const Elf64_Shdr *section(const struct buf *b, unsigned i)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)b->data;

    assert_true(i < e->e_shnum);
    assert_true(e->e_shoff + (i + 1) * sizeof(Elf64_Shdr) <= b->len);
    return (const Elf64_Shdr *)(b->data + e->e_shoff) + i;
}

static const char *name_in(const struct buf *b, const Elf64_Shdr *strings, uint32_t at)
{
    assert_true(at < strings->sh_size);
    return (const char *)b->data + strings->sh_offset + at;
}

static const Elf64_Shdr *section_named(const struct buf *b, const char *name)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)b->data;

    for (unsigned i = 0; i < e->e_shnum; i++)
        if (strcmp(name_in(b, section(b, e->e_shstrndx), section(b, i)->sh_name), name) == 0)
            return section(b, i);
    return NULL;
}

static const Elf64_Sym *symbol_named(const struct buf *b, const char *name)
{
    const Elf64_Shdr *t = section_named(b, ".symtab");
    const Elf64_Sym *list = (const Elf64_Sym *)(b->data + t->sh_offset);

    for (size_t i = 1; i < t->sh_size / sizeof(*list); i++) {
        assert_int_equal(ELF64_ST_BIND(list[i].st_info) == STB_LOCAL, i < t->sh_info);
        if (strcmp(name_in(b, section(b, t->sh_link), list[i].st_name), name) == 0)
            return &list[i];
    }
    return NULL;
}

static void elf_puts_code_into_code_sections_and_local_symbols_first(void **state)
{
    struct buf frame = { 0 }, out = { 0 };
    const Elf64_Sym *init, *data;
    struct symbols s;
    char err[256];

    (void)state;
    assert_int_equal(parse(listing, &s, err), 0);
    buf_le(&frame, 0x1122334455667788, 8);
    symelf_write(&s, EM_AARCH64, 0, &frame, &out);
    assert_false(out.failed);
    init = symbol_named(&out, "start_kernel");
    data = symbol_named(&out, "some_data");
    assert_non_null(init);
    assert_non_null(data);
    assert_int_equal(ELF64_ST_TYPE(init->st_info), STT_FUNC);
    assert_int_equal(init->st_value, BASE + 0x30);
    assert_int_equal(init->st_size, 0x10);
    assert_int_equal(section(&out, init->st_shndx)->sh_flags, SHF_ALLOC | SHF_EXECINSTR);
    assert_int_equal(ELF64_ST_TYPE(data->st_info), STT_OBJECT);
    assert_int_equal(section(&out, data->st_shndx)->sh_flags, SHF_ALLOC | SHF_WRITE);
    assert_non_null(symbol_named(&out, "alias_of_first"));
    assert_null(symbol_named(&out, "in_a_module"));
    assert_int_equal(section_named(&out, ".debug_frame")->sh_size, 8);
    assert_memory_equal(out.data + section_named(&out, ".debug_frame")->sh_offset, frame.data, 8);
    buf_free(&frame);
    buf_free(&out);
    kallsyms_free(&s);
}

/* GDB's calls into the guest return to the entry. */
static void the_entry_is_code_and_not_the_images_header(void **state)
{
    static const char with_header[] = "ffff800080000000 T _text\n"
                                      "ffff800080010000 T _stext\n"
                                      "ffff800080020000 T _etext\n"
                                      "ffff800080030000 B _end\n";
    static const struct {
        const char *text;
        uint64_t entry;
    } row[] = { { with_header, BASE + 0x10000 }, { listing, BASE } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf out = { 0 };
        struct symbols s;
        char err[256];

        assert_int_equal(parse(row[i].text, &s, err), 0);
        symelf_write(&s, EM_AARCH64, 0, NULL, &out);
        assert_false(out.failed);
        assert_int_equal(((const Elf64_Ehdr *)out.data)->e_entry, row[i].entry);
        buf_free(&out);
        kallsyms_free(&s);
    }
}

/* ---- unwind rules ---------------------------------------------------------------------------- */

struct kernel {
    struct symbol list[4];
    struct symbols s;
    struct buf frame;
};

/* Rules for one function of n instructions at BASE + 0x1000, and one before it. */
static struct cfi_rules rules(const char *name, const uint32_t *words, size_t n, bool image,
                              size_t at)
{
    uint8_t *text = calloc(1, 0x1000 + 4 * n);
    struct kernel k = {
        .list = { { BASE, 0x1000, "_text", 'T' }, { BASE + 0x1000, 4 * n, name, 't' } },
        .s = { k.list, 2, BASE, BASE + 0x1000 + 4 * n, true },
    };
    struct cfi_rules r;
    static uint8_t *kept; /* the expressions point into it */

    for (size_t i = 0; i < 4 * n; i++)
        text[0x1000 + i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
    unwind_arm64(&k.s, image ? text : NULL, image ? 0x1000 + 4 * n : 0, &k.frame);
    free(text);
    free(kept);
    kept = k.frame.data;
    assert_false(k.frame.failed);
    r = cfi_at(k.frame.data, k.frame.len, BASE + 0x1000 + 4 * at);
    assert_true(r.found);
    return r;
}

static void check_cfa(const struct cfi_rules *r, unsigned reg, uint64_t off)
{
    assert_int_equal(r->cfa_reg, reg);
    assert_int_equal(r->cfa_offset, off);
}

/* The return address is in x30, or dist below the CFA; signed either way, and comes out plain. */
static void check_return(const struct cfi_rules *r, uint64_t dist)
{
    uint64_t cfa = 0xffff800081230000ull, got;

    assert_int_equal(r->reg[LR].kind, CFI_EXPRESSION);
    got = cfi_evaluate(r->reg[LR].expr, r->reg[LR].len, cfa, dist ? 0 : SIGNED, cfa - dist,
                       dist ? SIGNED : 0);
    assert_int_equal(got, PLAIN);
}

static void check_saved(const struct cfi_rules *r, unsigned reg, int64_t off)
{
    assert_int_equal(r->reg[reg].kind, CFI_OFFSET);
    assert_int_equal(r->reg[reg].offset, off);
}

static void check_at_entry(const struct cfi_rules *r)
{
    check_cfa(r, SP, 0);
    check_return(r, 0);
    assert_int_equal(r->reg[X29].kind, CFI_UNSPECIFIED);
}

/* As Debian's GCC writes a function with a stack protector. */
static const uint32_t protector[] = {
    0xd503201f, 0xd503201f, /*  0 nop; nop, for ftrace */
    0xd503233f,             /*  2 paciasp */
    0xd10143ff,             /*  3 sub sp, sp, #0x50 */
    0xd5384103,             /*  4 mrs x3, sp_el0 */
    0xa9027bfd,             /*  5 stp x29, x30, [sp, #32] */
    0x910083fd,             /*  6 add x29, sp, #0x20 */
    0xa90353f3,             /*  7 stp x19, x20, [sp, #48] */
    0x94000002,             /*  8 bl */
    0xb4000080,             /*  9 cbz x0, 13 */
    0xa94353f3,             /* 10 ldp x19, x20, [sp, #48] */
    0xa9427bfd,             /* 11 ldp x29, x30, [sp, #32] */
    0x14000004,             /* 12 b 16 */
    0x94000002,             /* 13 bl */
    0xd4210000,             /* 14 brk #0x800 */
    0xd503201f,             /* 15 nop */
    0x910143ff,             /* 16 add sp, sp, #0x50 */
    0xd50323bf,             /* 17 autiasp */
    0xd65f03c0,             /* 18 ret */
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct cfi_rules protector_at(size_t at)
{
    return rules("f", protector, N(protector), true, at);
}

static void every_instruction_of_a_prologue_has_its_rule(void **state)
{
    struct cfi_rules r;

    (void)state;
    for (size_t i = 0; i <= 3; i++) {
        r = protector_at(i);
        check_at_entry(&r);
    }
    r = protector_at(5);
    check_cfa(&r, SP, 0x50);
    check_return(&r, 0);
    r = protector_at(6);
    check_cfa(&r, SP, 0x50);
    check_return(&r, 0x28);
    check_saved(&r, X29, -0x30);
    r = protector_at(7);
    check_cfa(&r, X29, 0x30);
    check_return(&r, 0x28);
    assert_int_equal(r.reg[19].kind, CFI_UNSPECIFIED);
    r = protector_at(8);
    check_saved(&r, 19, -0x20);
    check_saved(&r, 20, -0x18);
}

static void every_instruction_of_an_epilogue_has_its_rule(void **state)
{
    struct cfi_rules r = protector_at(11);

    (void)state;
    check_cfa(&r, X29, 0x30);
    assert_int_equal(r.reg[19].kind, CFI_UNSPECIFIED);
    r = protector_at(12);
    check_cfa(&r, SP, 0x50);
    check_return(&r, 0);
    assert_int_equal(r.reg[X29].kind, CFI_UNSPECIFIED);
    r = protector_at(16);
    check_cfa(&r, SP, 0x50);
    r = protector_at(17);
    check_at_entry(&r);
    r = protector_at(18);
    check_at_entry(&r);
}

static void code_after_an_epilogue_has_the_bodys_rule_again(void **state)
{
    struct cfi_rules r;

    (void)state;
    for (size_t i = 13; i <= 15; i++) {
        r = protector_at(i);
        check_cfa(&r, X29, 0x30);
        check_return(&r, 0x28);
        check_saved(&r, 19, -0x20);
    }
}

static void write_back_forms_move_the_stack_pointer(void **state)
{
    static const uint32_t words[] = {
        0xa9bd7bfd, /* 0 stp x29, x30, [sp, #-48]! */
        0x910003fd, /* 1 mov x29, sp */
        0xf90013f5, /* 2 str x21, [sp, #32] */
        0xcb2163ff, /* 3 sub sp, sp, x1: a variable amount */
        0x910003bf, /* 4 mov sp, x29 */
        0xa8c37bfd, /* 5 ldp x29, x30, [sp], #48 */
        0xd65f03c0, /* 6 ret */
    };
    struct cfi_rules r = rules("f", words, N(words), true, 1);

    (void)state;
    check_cfa(&r, SP, 48);
    check_return(&r, 40);
    check_saved(&r, X29, -48);
    r = rules("f", words, N(words), true, 4);
    check_cfa(&r, X29, 48);
    check_saved(&r, 21, -16);
    r = rules("f", words, N(words), true, 6);
    check_at_entry(&r);
}

static void single_registers_and_shifted_amounts_count(void **state)
{
    static const uint32_t words[] = {
        0xf81f0ffe, /* 0 str x30, [sp, #-16]! */
        0xd14007ff, /* 1 sub sp, sp, #1, lsl #12 */
        0xd503201f, /* 2 nop */
    };
    struct cfi_rules r = rules("f", words, N(words), true, 1);

    (void)state;
    check_cfa(&r, SP, 16);
    check_return(&r, 16);
    r = rules("f", words, N(words), true, 2);
    check_cfa(&r, SP, 16 + 4096);
    check_return(&r, 16);
}

static void a_register_loaded_from_elsewhere_stays_saved(void **state)
{
    static const uint32_t words[] = {
        0xa9bd7bfd, /* 0 stp x29, x30, [sp, #-48]! */
        0xa90153f3, /* 1 stp x19, x20, [sp, #16] */
        0x910003fd, /* 2 mov x29, sp */
        0xf9401bf3, /* 3 ldr x19, [sp, #48] */
        0xd503201f, /* 4 nop */
    };
    struct cfi_rules r = rules("f", words, N(words), true, 4);

    (void)state;
    check_saved(&r, 19, -32);
}

static void code_behind_a_branch_that_boot_may_remove_keeps_its_rule(void **state)
{
    static const uint32_t words[] = {
        0x14000003, /* 0 b 3: LL/SC, or a NOP where the CPU has CAS */
        0xd503201f, /* 1 nop, reached only then */
        0xd65f03c0, /* 2 ret */
        0xa9bd7bfd, /* 3 stp x29, x30, [sp, #-48]! */
        0x910003fd, /* 4 mov x29, sp */
        0xd61f0020, /* 5 br x1: a switch */
        0xd503201f, /* 6 nop, a case */
    };
    struct cfi_rules r = rules("f", words, N(words), true, 1);

    (void)state;
    check_at_entry(&r);
    r = rules("f", words, N(words), true, 6);
    check_cfa(&r, X29, 48);
}

static void without_the_image_only_the_first_instruction_is_special(void **state)
{
    struct cfi_rules r = rules("f", protector, N(protector), false, 0);

    (void)state;
    check_at_entry(&r);
    for (size_t i = 1; i < N(protector); i++) {
        r = rules("f", protector, N(protector), false, i);
        check_cfa(&r, X29, 16);
        check_saved(&r, X29, -16);
        check_return(&r, 8);
    }
}

static void entries_of_the_kernel_end_a_backtrace(void **state)
{
    static const char *const names[] = { "el0t_64_sync", "ret_from_fork", "__primary_switched",
                                         "el0t_32_irq" };
    struct cfi_rules r;

    (void)state;
    for (size_t i = 0; i < N(names); i++) {
        r = rules(names[i], protector, N(protector), true, 8);
        assert_int_equal(r.reg[LR].kind, CFI_UNDEFINED);
    }
    r = rules("el0t_64_sync_handler", protector, N(protector), true, 8);
    check_return(&r, 0x28);
}

/* Its caller, start_kernel(), is freed while rest_init() is in its last call (13) for ever. */
static void the_idle_thread_has_no_caller_left(void **state)
{
    struct cfi_rules r = rules("rest_init", protector, N(protector), true, 8);

    (void)state;
    check_cfa(&r, X29, 0x30);
    check_return(&r, 0x28);
    r = rules("rest_init", protector, N(protector), true, 12);
    check_return(&r, 0);
    for (size_t i = 13; i < N(protector); i++) {
        r = rules("rest_init", protector, N(protector), true, i);
        assert_int_equal(r.reg[LR].kind, CFI_UNDEFINED);
    }
    r = protector_at(13);
    check_return(&r, 0x28);
}

static void an_exception_leads_back_to_what_it_interrupted(void **state)
{
    static const uint32_t words[] = {
        0xa90007e0, /* 0 stp x0, x1, [sp] */
        0x910543f5, /* 1 add x21, sp, #0x150 */
        0xa9135bfd, /* 2 stp x29, x22, [sp, #304] */
        0x9104c3fd, /* 3 add x29, sp, #0x130 */
        0xa9105ff6, /* 4 stp x22, x23, [sp, #256] */
        0x94000002, /* 5 bl */
        0xd503201f,
    };
    struct cfi_rules r = rules("el1h_64_irq", words, N(words), true, 4);

    (void)state;
    assert_true(r.signal);
    assert_int_equal(r.reg[LR].kind, CFI_UNDEFINED);
    for (size_t i = 5; i < N(words); i++) {
        r = rules("el1h_64_irq", words, N(words), true, i);
        check_cfa(&r, X29, 0x20);
        for (unsigned reg = 0; reg <= LR; reg++)
            check_saved(&r, reg, (int64_t)(8 * reg) - 0x150);
        check_saved(&r, PC, 256 - 0x150);
    }
    r = rules("f", words, N(words), true, 5);
    assert_false(r.signal);
}

static void a_switch_of_stacks_is_marked(void **state)
{
    struct cfi_rules r = rules("call_on_irq_stack", protector, N(protector), true, 8);

    (void)state;
    assert_true(r.signal);
    check_return(&r, 0x28);
}

static void modules_unwind_by_frame_pointer(void **state)
{
    struct kernel k = { .list = { { BASE, 8, "_text", 'T' } },
                        .s = { k.list, 1, BASE, BASE + 8, true } };
    struct cfi_rules r;

    (void)state;
    unwind_arm64(&k.s, NULL, 0, &k.frame);
    r = cfi_at(k.frame.data, k.frame.len, BASE - 0x1234560);
    assert_true(r.found);
    check_cfa(&r, X29, 16);
    check_return(&r, 8);
    r = cfi_at(k.frame.data, k.frame.len, BASE + 8);
    assert_false(r.found);
    buf_free(&k.frame);
}

/* Any bytes may stand in a kernel's text: literal pools, data between functions. */
static void any_code_gives_wellformed_rules(void **state)
{
    uint32_t words[200], seed = 12345;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        for (size_t i = 0; i < N(words); i++) {
            seed = seed * 1664525 + 1013904223;
            words[i] = round % 2 ? seed ^ seed >> 13
                                 : protector[seed >> 8 & 15] ^ (seed >> 30 ? 0 : 1u << (seed & 31));
        }
        assert_true(rules("f", words, N(words), true, round % N(words)).found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_is_sorted_and_sized_and_keeps_to_the_kernel),
        cmocka_unit_test(listing_without_text_and_end_still_gives_the_image_bounds),
        cmocka_unit_test(listing_of_zeros_is_refused_with_its_cause),
        cmocka_unit_test(what_is_no_listing_is_refused),
        cmocka_unit_test(the_entry_is_code_and_not_the_images_header),
        cmocka_unit_test(elf_puts_code_into_code_sections_and_local_symbols_first),
        cmocka_unit_test(every_instruction_of_a_prologue_has_its_rule),
        cmocka_unit_test(every_instruction_of_an_epilogue_has_its_rule),
        cmocka_unit_test(code_after_an_epilogue_has_the_bodys_rule_again),
        cmocka_unit_test(write_back_forms_move_the_stack_pointer),
        cmocka_unit_test(single_registers_and_shifted_amounts_count),
        cmocka_unit_test(a_register_loaded_from_elsewhere_stays_saved),
        cmocka_unit_test(code_behind_a_branch_that_boot_may_remove_keeps_its_rule),
        cmocka_unit_test(without_the_image_only_the_first_instruction_is_special),
        cmocka_unit_test(entries_of_the_kernel_end_a_backtrace),
        cmocka_unit_test(the_idle_thread_has_no_caller_left),
        cmocka_unit_test(an_exception_leads_back_to_what_it_interrupted),
        cmocka_unit_test(a_switch_of_stacks_is_marked),
        cmocka_unit_test(modules_unwind_by_frame_pointer),
        cmocka_unit_test(any_code_gives_wellformed_rules),
    };
    int failed = cmocka_run_group_tests_name("symbols", tests, NULL, NULL);

    free(copy);
    return failed;
}
