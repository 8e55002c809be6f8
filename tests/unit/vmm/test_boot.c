/* SPDX-License-Identifier: MIT */
/*
 * What an arm64 guest finds in its memory: kernel, initrd and device tree, none in another's way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "fake_vm.h"
#include "vmm/arm64/virt.h"

#define MIB2 0x200000ull

static struct fake_vm fake;
static struct virt virt;

uint64_t virt_mpidr(struct vm *vm, struct vcpu *cpu)
{
    (void)vm;
    return cpu->index;
}

static void set_kernel(const void *data, size_t len)
{
    free(fake.vm.kernel.data);
    fake.vm.kernel = (struct blob){ .data = malloc(len), .len = len };
    memcpy(fake.vm.kernel.data, data, len);
}

static void set_image(uint64_t text_offset, uint64_t image_size, uint64_t flags, size_t len)
{
    uint8_t *image = calloc(1, len);

    for (unsigned i = 0; i < 8; i++) {
        image[8 + i] = (uint8_t)(text_offset >> 8 * i);
        image[16 + i] = (uint8_t)(image_size >> 8 * i);
        image[24 + i] = (uint8_t)(flags >> 8 * i);
    }
    memcpy(image + 56, "ARM\x64", 4);
    set_kernel(image, len);
    free(image);
}

static int load(void)
{
    fake_vm_clear(&fake);
    return virt_load(&fake.vm);
}

static const void *dtb(void)
{
    const void *fdt = vm_ram(&fake.vm, virt.dtb, 0x1000);

    assert_non_null(fdt);
    assert_int_equal(fdt_check_header(fdt), 0);
    assert_true(virt.dtb % 8 == 0);
    return fdt;
}

static uint64_t quad(const void *fdt, const char *path, const char *name, unsigned index)
{
    int len, node = fdt_path_offset(fdt, path);
    const fdt64_t *p;

    assert_true(node >= 0);
    p = fdt_getprop(fdt, node, name, &len);
    assert_non_null(p);
    assert_true(len >= (int)(8 * (index + 1)));
    return fdt64_ld(p + index);
}

static void an_image_goes_2_mib_into_ram_behind_the_device_tree(void **state)
{
    (void)state;
    set_image(0, 0x300000, 0xa, 0x2000);
    assert_int_equal(load(), 0);
    assert_int_equal(fake.vm.image.entry, VIRT_RAM + MIB2);
    assert_int_equal(fake.vm.image.end, VIRT_RAM + MIB2 + 0x300000);
    assert_int_equal(virt.dtb, VIRT_RAM);
    assert_memory_equal(fake.vm.ram + MIB2, fake.vm.kernel.data, 0x2000);
    dtb();
}

static void text_offset_is_honoured_and_old_images_have_theirs(void **state)
{
    (void)state;
    set_image(0x80000, 0x10000, 0, 0x2000);
    assert_int_equal(load(), 0);
    assert_int_equal(fake.vm.image.entry, VIRT_RAM + MIB2 + 0x80000);
    set_image(0, 0, 0, 0x2000);
    assert_int_equal(load(), 0);
    assert_int_equal(fake.vm.image.entry, VIRT_RAM + MIB2 + 0x80000);
}

static void the_initrd_lies_behind_the_kernels_bss_and_chosen_says_where(void **state)
{
    (void)state;
    set_image(0, 0x300000, 0, 0x2000);
    fake.vm.initrd = (struct blob){ .data = (uint8_t *)strdup("initrd contents"), .len = 15 };
    fake.cfg.append = "nokaslr quiet";
    assert_int_equal(load(), 0);
    assert_int_equal(quad(dtb(), "/chosen", "linux,initrd-start", 0), VIRT_RAM + 3 * MIB2);
    assert_int_equal(quad(dtb(), "/chosen", "linux,initrd-end", 0), VIRT_RAM + 3 * MIB2 + 15);
    assert_memory_equal(fake.vm.ram + 3 * MIB2, "initrd contents", 15);
    assert_string_equal(fdt_getprop(dtb(), fdt_path_offset(dtb(), "/chosen"), "bootargs", NULL),
                        "nokaslr quiet");
    file_free(&fake.vm.initrd);
    fake.cfg.append = "";
}

/* An Image whose PE header says that a section ends at `end`. */
static void set_pe_image(size_t len, uint32_t end)
{
    uint8_t *image;

    set_image(0, 0x300000, 0, len);
    image = fake.vm.kernel.data;
    memcpy(image, "MZ", 2);
    image[60] = 64;
    memcpy(image + 64, "PE\0\0", 4);
    image[64 + 6] = 1;   /* sections */
    image[64 + 20] = 16; /* size of the optional header */
    for (unsigned i = 0; i < 4; i++) {
        image[64 + 24 + 16 + 16 + i] = (uint8_t)((end - 0x100) >> 8 * i);
        image[64 + 24 + 16 + 20 + i] = (uint8_t)(0x100 >> 8 * i);
    }
}

static void an_image_that_was_cut_is_known_by_its_pe_header(void **state)
{
    (void)state;
    set_pe_image(0x2000, 0x2000);
    assert_int_equal(load(), 0);
    set_pe_image(0x2000, 0x2001);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "truncated"));
    set_pe_image(0x2000, 0xffffffff);
    assert_int_equal(load(), -1);
    fake.vm.kernel.len = 100; /* within the section's header */
    assert_int_equal(load(), -1);
    fake.vm.kernel.len = 70; /* within the PE header */
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "truncated"));
}

static void a_flat_kernel_at_the_start_of_ram_moves_the_device_tree_to_its_end(void **state)
{
    (void)state;
    fake.cfg.flat = true;
    fake.cfg.flat_addr = VIRT_RAM;
    set_kernel("code", 4);
    assert_int_equal(load(), 0);
    assert_int_equal(fake.vm.image.entry, VIRT_RAM);
    assert_memory_equal(fake.vm.ram, "code", 4);
    assert_int_equal(virt.dtb, VIRT_RAM + FAKE_RAM_SIZE - 0x10000);
    dtb();
    fake.cfg.flat_addr = VIRT_RAM + 0x80000;
    assert_int_equal(load(), 0);
    assert_int_equal(virt.dtb, VIRT_RAM);
    fake.cfg.flat = false;
}

/* Down to what --memory allows. */
static void the_device_tree_never_lies_on_the_kernel(void **state)
{
    static uint8_t code[MIB2];

    (void)state;
    fake.cfg.flat = true;
    fake.cfg.flat_addr = VIRT_RAM;
    fake.cfg.memory = MIB2;
    set_kernel("code", 4);
    assert_int_equal(load(), 0);
    assert_memory_equal(fake.vm.ram, "code", 4);
    assert_int_equal(virt.dtb, VIRT_RAM + MIB2 - 0x10000);
    dtb();
    set_kernel(code, sizeof(code));
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "device tree"));
    fake.cfg.flat = false;
    fake.cfg.memory = FAKE_RAM_SIZE;
}

static void the_device_tree_names_memory_and_every_cpu(void **state)
{
    struct vcpu cpus[4] = { { .index = 0 }, { .index = 1 }, { .index = 2 }, { .index = 3 } };

    (void)state;
    set_image(0, 0x300000, 0, 0x2000);
    fake.cfg.cpus = 4;
    fake.vm.cpus = cpus;
    assert_int_equal(load(), 0);
    assert_int_equal(quad(dtb(), "/memory@40000000", "reg", 0), VIRT_RAM);
    assert_int_equal(quad(dtb(), "/memory@40000000", "reg", 1), FAKE_RAM_SIZE);
    assert_int_equal(quad(dtb(), "/cpus/cpu@3", "reg", 0), 3);
    assert_true(fdt_path_offset(dtb(), "/cpus/cpu@4") < 0);
    assert_int_equal(quad(dtb(), "/intc@8000000", "reg", 3), 4 * VIRT_GICR_EACH);
    assert_true(fdt_path_offset(dtb(), "/pmu") < 0);
    virt.has_pmu = true;
    assert_int_equal(load(), 0);
    assert_true(fdt_path_offset(dtb(), "/pmu") >= 0);
    virt.has_pmu = false;
    fake.cfg.cpus = 1;
}

static void what_cannot_be_loaded_is_refused_with_a_sentence(void **state)
{
    (void)state;
    set_kernel("not a kernel at all, and too short for a header of one, is it not", 60);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "--flat"));
    set_image(0, FAKE_RAM_SIZE, 0, 0x2000);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "--memory"));
    set_image(UINT64_MAX - 10, 0x1000, 0, 0x2000);
    assert_int_equal(load(), -1);
    set_image(0, UINT64_MAX, 0, 0x2000);
    assert_int_equal(load(), -1);
    set_image(0, 0x300000, 1, 0x2000);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "big-endian"));
    set_image(0, 0x1000, 0, 0x40000);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(fake.vm.err, "damaged"));
}

static int open_all(void **state)
{
    static struct vcpu one;

    (void)state;
    fake_vm_open(&fake);
    fake.vm.machine_state = &virt;
    fake.vm.cpus = &one;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    free(fake.vm.kernel.data);
    fake_vm_close(&fake);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_goes_2_mib_into_ram_behind_the_device_tree),
        cmocka_unit_test(text_offset_is_honoured_and_old_images_have_theirs),
        cmocka_unit_test(the_initrd_lies_behind_the_kernels_bss_and_chosen_says_where),
        cmocka_unit_test(an_image_that_was_cut_is_known_by_its_pe_header),
        cmocka_unit_test(a_flat_kernel_at_the_start_of_ram_moves_the_device_tree_to_its_end),
        cmocka_unit_test(the_device_tree_never_lies_on_the_kernel),
        cmocka_unit_test(the_device_tree_names_memory_and_every_cpu),
        cmocka_unit_test(what_cannot_be_loaded_is_refused_with_a_sentence),
    };

    return cmocka_run_group_tests_name("boot", tests, open_all, close_all);
}
