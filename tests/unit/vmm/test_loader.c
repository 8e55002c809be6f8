/* SPDX-License-Identifier: MIT */
/*
 * ELF kernels: what is loaded where, and that no damaged file does harm. Files lie against a guard
 * page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_vm.h"

#define BODY 64u

struct elf {
    Elf64_Ehdr h;
    Elf64_Phdr p[2];
    uint8_t body[BODY];
};

static struct fake_vm fake;
static uint8_t *page; /* followed by a guard page */

static struct elf good(void)
{
    struct elf e = {
        .h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                            EV_CURRENT },
               .e_type = ET_EXEC,
               .e_machine = EM_AARCH64,
               .e_entry = 0xffff000000080010ull,
               .e_phoff = offsetof(struct elf, p),
               .e_phentsize = sizeof(Elf64_Phdr),
               .e_phnum = 2 },
        .p = { { .p_type = PT_LOAD,
                 .p_offset = offsetof(struct elf, body),
                 .p_vaddr = 0xffff000000080000ull,
                 .p_paddr = FAKE_RAM_BASE + 0x80000,
                 .p_filesz = BODY,
                 .p_memsz = 0x100 },
               { .p_type = PT_NOTE, .p_paddr = 0x1234, .p_filesz = 1 << 30, .p_memsz = 1 << 30 } },
    };

    for (unsigned i = 0; i < BODY; i++)
        e.body[i] = (uint8_t)(i + 1);
    return e;
}

static int load(const void *file, size_t len, struct placed *at)
{
    struct blob b = { .data = page + 0x1000 - len, .len = len };

    memcpy(b.data, file, len);
    fake_vm_clear(&fake);
    return loader_elf(&fake.vm, &b, at);
}

static int load_whole(const struct elf *e, struct placed *at)
{
    return load(e, sizeof(*e), at);
}

static void segments_go_to_their_physical_addresses(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    assert_int_equal(load_whole(&e, &at), 0);
    assert_int_equal(at.start, FAKE_RAM_BASE + 0x80000);
    assert_int_equal(at.end, FAKE_RAM_BASE + 0x80100);
    assert_memory_equal(fake.vm.ram + 0x80000, e.body, BODY);
}

static void a_program_linked_high_is_entered_where_it_was_loaded(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    assert_int_equal(load_whole(&e, &at), 0);
    assert_int_equal(at.entry, FAKE_RAM_BASE + 0x80010);
}

static void an_entry_where_nothing_is_loaded_is_refused(void **state)
{
    static const uint64_t bad[] = { 0, 0xffff000000080100ull, FAKE_RAM_BASE + 0x7ffff,
                                    FAKE_RAM_BASE + 0x80100, UINT64_MAX };
    struct elf e = good();
    struct placed at;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        e.h.e_entry = bad[i];
        assert_int_equal(load_whole(&e, &at), -1);
        assert_non_null(strstr(fake.vm.err, "begins at"));
    }
    e.h.e_entry = FAKE_RAM_BASE + 0x80004; /* physical already */
    assert_int_equal(load_whole(&e, &at), 0);
    assert_int_equal(at.entry, FAKE_RAM_BASE + 0x80004);
}

static void every_truncation_is_refused(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    for (size_t len = 0; len < sizeof(e); len++) {
        assert_int_equal(load(&e, len, &at), -1);
        assert_non_null(strstr(fake.vm.err, "KERNEL"));
    }
}

static void turn(void *field, size_t n)
{
    uint8_t *b = field;

    for (size_t i = 0; i < n / 2; i++) {
        uint8_t t = b[i];

        b[i] = b[n - 1 - i];
        b[n - 1 - i] = t;
    }
}

#define TURN(field) turn(&(field), sizeof(field))

static void a_big_endian_file_is_loaded_where_the_processor_runs_it(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    e.h.e_ident[EI_DATA] = ELFDATA2MSB;
    TURN(e.h.e_type);
    TURN(e.h.e_machine);
    TURN(e.h.e_entry);
    TURN(e.h.e_phoff);
    TURN(e.h.e_phentsize);
    TURN(e.h.e_phnum);
    for (unsigned i = 0; i < 2; i++) {
        TURN(e.p[i].p_type);
        TURN(e.p[i].p_offset);
        TURN(e.p[i].p_vaddr);
        TURN(e.p[i].p_paddr);
        TURN(e.p[i].p_filesz);
        TURN(e.p[i].p_memsz);
    }
    assert_int_equal(load_whole(&e, &at), -1);
    assert_non_null(strstr(fake.vm.err, "byte order"));
    fake.machine.bi_endian = true;
    assert_int_equal(load_whole(&e, &at), 0);
    fake.machine.bi_endian = false;
    assert_true(at.big_endian);
    assert_int_equal(at.start, FAKE_RAM_BASE + 0x80000);
    assert_int_equal(at.end, FAKE_RAM_BASE + 0x80100);
    assert_int_equal(at.entry, FAKE_RAM_BASE + 0x80010);
    assert_memory_equal(fake.vm.ram + 0x80000, e.body, BODY);
    e = good();
    assert_int_equal(load_whole(&e, &at), 0);
    assert_false(at.big_endian);
}

static void another_architecture_is_refused_by_name(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    e.h.e_machine = EM_X86_64;
    assert_int_equal(load_whole(&e, &at), -1);
    assert_non_null(strstr(fake.vm.err, "arm64"));
    e = good();
    e.h.e_ident[EI_CLASS] = ELFCLASS32;
    assert_int_equal(load_whole(&e, &at), -1);
    e = good();
    e.h.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_int_equal(load_whole(&e, &at), -1);
    e = good();
    e.h.e_type = ET_REL;
    assert_int_equal(load_whole(&e, &at), -1);
}

static void addresses_and_sizes_that_wrap_or_leave_ram_are_refused(void **state)
{
    static const struct {
        uint64_t paddr, offset, filesz, memsz;
    } bad[] = {
        { 0, 0, 8, 8 },
        { FAKE_RAM_BASE - 1, offsetof(struct elf, body), 8, 8 },
        { FAKE_RAM_BASE + FAKE_RAM_SIZE - 4, offsetof(struct elf, body), 8, 8 },
        { FAKE_RAM_BASE, offsetof(struct elf, body), 8, FAKE_RAM_SIZE + 1 },
        { FAKE_RAM_BASE, offsetof(struct elf, body), 8, UINT64_MAX },
        { FAKE_RAM_BASE, UINT64_MAX, 8, 8 },
        { FAKE_RAM_BASE, UINT64_MAX - 3, 8, 8 },
        { FAKE_RAM_BASE, 0, UINT64_MAX, UINT64_MAX },
        { FAKE_RAM_BASE, offsetof(struct elf, body), 9, 8 },
        { UINT64_MAX - 3, offsetof(struct elf, body), 8, 8 },
    };
    struct placed at;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct elf e = good();

        e.p[0].p_paddr = bad[i].paddr;
        e.p[0].p_offset = bad[i].offset;
        e.p[0].p_filesz = bad[i].filesz;
        e.p[0].p_memsz = bad[i].memsz;
        assert_int_equal(load_whole(&e, &at), -1);
        assert_true(fake.vm.err[0]);
    }
}

static void program_headers_outside_the_file_are_refused(void **state)
{
    static const uint64_t offsets[] = { sizeof(struct elf), sizeof(struct elf) - 100, UINT64_MAX,
                                        UINT64_MAX - 10 };
    struct placed at;
    struct elf e;

    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        e = good();
        e.h.e_phoff = offsets[i];
        assert_int_equal(load_whole(&e, &at), -1);
    }
    e = good();
    e.h.e_phnum = UINT16_MAX;
    assert_int_equal(load_whole(&e, &at), -1);
    e = good();
    e.h.e_phnum = 0;
    assert_int_equal(load_whole(&e, &at), -1);
    e = good();
    e.p[0].p_type = PT_NOTE;
    assert_int_equal(load_whole(&e, &at), -1);
    assert_non_null(strstr(fake.vm.err, "nothing to load"));
}

static void headers_just_before_ram_are_dropped_but_nothing_else_is(void **state)
{
    struct elf e = good();
    struct placed at;

    (void)state;
    e.p[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
                           .p_offset = 0,
                           .p_vaddr = FAKE_RAM_BASE - offsetof(struct elf, body),
                           .p_paddr = FAKE_RAM_BASE - offsetof(struct elf, body),
                           .p_filesz = sizeof(e),
                           .p_memsz = sizeof(e) };
    e.h.e_entry = FAKE_RAM_BASE + 4;
    assert_int_equal(load_whole(&e, &at), 0);
    assert_int_equal(at.start, FAKE_RAM_BASE);
    assert_int_equal(at.entry, FAKE_RAM_BASE + 4);
    assert_memory_equal(fake.vm.ram, e.body, BODY);
    e.p[0].p_vaddr -= 1;
    e.p[0].p_paddr -= 1; /* the body's first byte would be lost */
    assert_int_equal(load_whole(&e, &at), -1);
}

static void an_entry_that_is_no_instructions_address_is_refused(void **state)
{
    struct placed at;
    struct elf e = good();

    (void)state;
    fake_vm_clear(&fake);
    e.h.e_entry += 2;
    assert_int_equal(load_whole(&e, &at), -1);
    assert_non_null(strstr(fake.vm.err, "multiple of 4"));
    fake.vm.kernel = (struct blob){ .data = page, .len = 0x1000 };
    fake.cfg.flat_addr = FAKE_RAM_BASE + 3;
    assert_int_equal(loader_flat(&fake.vm), -1);
    assert_non_null(strstr(fake.vm.err, "multiple of 4"));
    fake.cfg.flat_addr = FAKE_RAM_BASE + 4;
    assert_int_equal(loader_flat(&fake.vm), 0);
    assert_int_equal(fake.vm.image.entry, FAKE_RAM_BASE + 4);
}

static int open_all(void **state)
{
    (void)state;
    fake_vm_open(&fake);
    page = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page + 0x1000, 0x1000, PROT_NONE);
}

static int close_all(void **state)
{
    (void)state;
    fake_vm_close(&fake);
    return munmap(page, 0x2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_go_to_their_physical_addresses),
        cmocka_unit_test(a_program_linked_high_is_entered_where_it_was_loaded),
        cmocka_unit_test(an_entry_where_nothing_is_loaded_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_big_endian_file_is_loaded_where_the_processor_runs_it),
        cmocka_unit_test(another_architecture_is_refused_by_name),
        cmocka_unit_test(addresses_and_sizes_that_wrap_or_leave_ram_are_refused),
        cmocka_unit_test(program_headers_outside_the_file_are_refused),
        cmocka_unit_test(headers_just_before_ram_are_dropped_but_nothing_else_is),
        cmocka_unit_test(an_entry_that_is_no_instructions_address_is_refused),
    };

    return cmocka_run_group_tests_name("loader", tests, open_all, close_all);
}
