/* SPDX-License-Identifier: MIT */
/*
 * The monitor's reader and editor of device trees beside libfdt: trees that libfdt writes are read alike,
 * what is edited is read by libfdt, and whatever is cut or damaged neither crashes nor leaves the blob
 * (it ends at a guard page).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "monitor/arm64/dt.h"
#include "../support_guard.h"

#define SIZE 4096

/* A machine in little: nodes with and without unit address, lists, empty and odd properties. */
static void sample(void *blob)
{
    assert_int_equal(fdt_create(blob, SIZE), 0);
    assert_int_equal(fdt_add_reservemap_entry(blob, 0x1000, 0x2000), 0);
    assert_int_equal(fdt_finish_reservemap(blob), 0);
    fdt_begin_node(blob, "");
    fdt_property_u32(blob, "#address-cells", 2);
    fdt_property_u32(blob, "#size-cells", 2);
    fdt_begin_node(blob, "chosen");
    fdt_property_string(blob, "bootargs", "quiet");
    fdt_begin_node(blob, "module@1");
    fdt_property(blob, "compatible", "multiboot,kernel\0multiboot,module", 34);
    fdt_property_string(blob, "bootargs", "console=ttyAMA0");
    fdt_begin_node(blob, "inner");
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_begin_node(blob, "module@2");
    fdt_property(blob, "compatible", "multiboot,ramdisk\0multiboot,module", 35);
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_begin_node(blob, "soc");
    fdt_property(blob, "ranges", "", 0);
    fdt_begin_node(blob, "uart@9000000");
    fdt_property(blob, "compatible", "arm,pl011\0arm,primecell", 24);
    fdt_property_u64(blob, "reg", 0x9000000);
    fdt_property(blob, "odd", "abcde", 5);
    fdt_end_node(blob);
    fdt_begin_node(blob, "uart@9040000");
    fdt_property_string(blob, "compatible", "arm,pl0111");
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_end_node(blob);
    assert_int_equal(fdt_finish(blob), 0);
}

static void *fresh(struct dt *t)
{
    static _Alignas(8) uint8_t blob[SIZE];

    memset(blob, 0, sizeof(blob));
    sample(blob);
    assert_true(dt_open(t, blob));
    t->room = SIZE;
    return blob;
}

static const char *name_of(const struct dt *t, uint32_t node)
{
    return (const char *)t->base + node + 4;
}

/* Every node and property of both readers, in order. */
static void same_as_libfdt(const struct dt *t)
{
    int at = -1;
    uint32_t node = 0;

    while ((at = fdt_next_node(t->base, at, NULL)) >= 0) {
        int p, bytes, up = fdt_parent_offset(t->base, at);
        const char *name;

        node = dt_next(t, node);
        assert_int_not_equal(node, 0);
        assert_string_equal(name_of(t, node), fdt_get_name(t->base, at, NULL));
        if (up < 0)
            assert_int_equal(dt_parent(t, node), 0);
        else
            assert_string_equal(name_of(t, dt_parent(t, node)), fdt_get_name(t->base, up, NULL));
        fdt_for_each_property_offset(p, t->base, at)
        {
            const void *value = fdt_getprop_by_offset(t->base, p, &name, &bytes);
            uint32_t n;

            assert_ptr_equal(dt_get(t, node, name, &n), value);
            assert_int_equal(n, bytes);
        }
    }
    assert_int_equal(dt_next(t, node), 0);
}

static void trees_are_read_as_libfdt_reads_them(void **state)
{
    struct dt t;
    void *blob = fresh(&t);

    (void)state;
    assert_int_equal(dt_total(blob), fdt_totalsize(blob));
    same_as_libfdt(&t);
}

static void paths_lead_to_nodes_with_or_without_unit_address(void **state)
{
    struct dt t;

    (void)state;
    fresh(&t);
    assert_int_equal(dt_path(&t, "/"), dt_next(&t, 0));
    assert_string_equal(name_of(&t, dt_path(&t, "/soc/uart@9040000")), "uart@9040000");
    assert_string_equal(name_of(&t, dt_path(&t, "/soc/uart")), "uart@9000000");
    assert_string_equal(name_of(&t, dt_path(&t, "/chosen/module@1/inner")), "inner");
    assert_int_equal(dt_path(&t, "/soc/uar"), 0);
    assert_int_equal(dt_path(&t, "/soc/inner"), 0);
    assert_int_equal(dt_path(&t, "/soc/uart/none"), 0);
    assert_int_equal(dt_path(&t, "soc"), 0);
}

static void children_come_once_each_without_grandchildren(void **state)
{
    static const char *const names[] = { "module@1", "module@2" };
    struct dt t;
    uint32_t chosen, node = 0;

    (void)state;
    fresh(&t);
    chosen = dt_path(&t, "/chosen");
    for (unsigned i = 0; i < 2; i++) {
        node = dt_child(&t, chosen, node);
        assert_string_equal(name_of(&t, node), names[i]);
    }
    assert_int_equal(dt_child(&t, chosen, node), 0);
    assert_int_equal(dt_child(&t, dt_path(&t, "/chosen/module@2"), 0), 0);
}

static void a_word_is_found_in_a_list_only_as_a_whole(void **state)
{
    struct dt t;
    uint32_t uart;

    (void)state;
    fresh(&t);
    uart = dt_path(&t, "/soc/uart");
    assert_true(dt_lists(&t, uart, "compatible", "arm,pl011"));
    assert_true(dt_lists(&t, uart, "compatible", "arm,primecell"));
    assert_false(dt_lists(&t, uart, "compatible", "arm,prime"));
    assert_false(dt_lists(&t, uart, "compatible", "primecell"));
    assert_false(dt_lists(&t, uart, "none", "arm,pl011"));
    assert_false(dt_lists(&t, uart, "odd", "abcde")); /* no end of string */
    assert_false(dt_lists(&t, dt_path(&t, "/soc/uart@9040000"), "compatible", "arm,pl011"));
}

static void libfdt_reads_what_was_edited(void **state)
{
    struct dt t;
    void *blob = fresh(&t);
    int bytes, at;
    uint32_t node;

    (void)state;
    dt_drop(&t, dt_path(&t, "/chosen/module@1"));
    assert_true(dt_set(&t, dt_path(&t, "/chosen"), "bootargs", "a longer line", 14)); /* replaced */
    assert_true(dt_set(&t, dt_path(&t, "/soc/uart"), "status", "disabled", 9)); /* a new name */
    assert_true(dt_set(&t, dt_path(&t, "/soc/uart"), "odd", "", 0));            /* shorter */
    node = dt_add(&t, dt_next(&t, 0), "reserved-memory");
    assert_true(
        dt_set(&t, node, "#address-cells", "\0\0\0\2", 4)); /* a name that is there already */
    node = dt_add(&t, node, "debug-monitor");
    assert_true(dt_set(&t, node, "no-map", "", 0));
    dt_close(&t);
    assert_int_equal(fdt_check_full(blob, fdt_totalsize(blob)), 0);
    assert_true(fdt_totalsize(blob) < SIZE);
    assert_int_equal(fdt_num_mem_rsv(blob), 1);
    assert_string_equal(fdt_getprop(blob, fdt_path_offset(blob, "/chosen"), "bootargs", &bytes),
                        "a longer line");
    assert_int_equal(bytes, 14);
    assert_true(fdt_path_offset(blob, "/chosen/module@1") < 0);
    assert_true(fdt_path_offset(blob, "/chosen/module@2") > 0);
    at = fdt_path_offset(blob, "/soc/uart@9000000");
    assert_string_equal(fdt_getprop(blob, at, "status", NULL), "disabled");
    assert_non_null(fdt_getprop(blob, at, "odd", &bytes));
    assert_int_equal(bytes, 0);
    assert_string_equal(fdt_getprop(blob, at, "compatible", NULL), "arm,pl011");
    assert_int_equal(fdt_address_cells(blob, fdt_path_offset(blob, "/reserved-memory")), 2);
    assert_non_null(fdt_getprop(blob, fdt_path_offset(blob, "/reserved-memory/debug-monitor"),
                                "no-map", &bytes));
    assert_true(dt_open(&t, blob));
    same_as_libfdt(&t);
}

static void an_edit_without_room_is_refused(void **state)
{
    static const uint8_t much[SIZE];
    struct dt t;
    void *blob = fresh(&t);
    uint32_t root = dt_next(&t, 0);

    (void)state;
    t.room = t.end + 8;
    assert_false(dt_set(&t, root, "#size-cells", much, sizeof(much)));
    assert_false(dt_set(&t, root, "a-new-name", "", 0));
    assert_int_equal(dt_add(&t, root, "node"), 0);
    assert_true(
        dt_set(&t, root, "#size-cells", "\0\0\0\1", 4)); /* what fits as before still does */
    dt_close(&t);
    assert_int_equal(fdt_check_full(blob, fdt_totalsize(blob)), 0);
}

/* If it opens, everything is walked. */
static void use(uint8_t *blob)
{
    struct dt t;

    if (dt_total(blob) == 0 || !dt_open(&t, blob))
        return;
    for (uint32_t n = 0; (n = dt_next(&t, n)) != 0;) {
        dt_parent(&t, n);
        dt_child(&t, n, 0);
        dt_lists(&t, n, "compatible", "arm,pl011");
    }
    dt_path(&t, "/soc/uart@9040000");
}

static void a_tree_cut_anywhere_is_refused(void **state)
{
    _Alignas(8) uint8_t blob[SIZE];
    uint32_t total;
    struct dt t;

    (void)state;
    sample(blob);
    total = fdt_totalsize(blob);
    for (uint32_t n = 40; n < total; n++) {
        fdt_set_totalsize(blob, n);
        assert_false(dt_open(&t, guarded(blob, n)));
    }
}

static void damaged_trees_are_refused_or_stay_in_bounds(void **state)
{
    _Alignas(8) uint8_t blob[SIZE], bad[SIZE];
    uint32_t total;

    (void)state;
    sample(blob);
    total = fdt_totalsize(blob);
    for (uint32_t at = 8; at < total; at++) /* every byte but magic and total */
        for (unsigned v = 0; v < 256; v += v < 16 || v >= 240 ? 1 : 28) {
            memcpy(bad, blob, total);
            bad[at] = (uint8_t)v;
            use(guarded(bad, total));
        }
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        memcpy(bad, blob, total);
        for (unsigned n = 0; n < 4; n++)
            bad[8 + (unsigned)rand() % (total - 8)] = (uint8_t)rand();
        use(guarded(bad, total));
    }
}

static void what_the_reader_relies_on_is_checked(void **state)
{
    static const struct {
        uint32_t offset, value;
    } wrong[] = {
        { 0, 0xd00dfeee }, { 4, 39 }, { 8, 57 },          { 8, 0xfffffffc }, { 12, 0xffffffff },
        { 12, 40 },        { 16, 0 }, { 16, 4090 },       { 16, 1 },         { 20, 16 },
        { 24, 18 },        { 32, 0 }, { 32, 0xffffffff }, { 32, 5000 },      { 36, 0xffffffff },
    };
    _Alignas(8) uint8_t blob[SIZE];
    struct dt t;

    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sample(blob);
        fdt32_st(blob + wrong[i].offset, wrong[i].value);
        if (dt_total(blob) && dt_open(&t, blob))
            fail_msg("field %u with %#x is taken", wrong[i].offset, wrong[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_read_as_libfdt_reads_them),
        cmocka_unit_test(paths_lead_to_nodes_with_or_without_unit_address),
        cmocka_unit_test(children_come_once_each_without_grandchildren),
        cmocka_unit_test(a_word_is_found_in_a_list_only_as_a_whole),
        cmocka_unit_test(libfdt_reads_what_was_edited),
        cmocka_unit_test(an_edit_without_room_is_refused),
        cmocka_unit_test(a_tree_cut_anywhere_is_refused),
        cmocka_unit_test(damaged_trees_are_refused_or_stay_in_bounds),
        cmocka_unit_test(what_the_reader_relies_on_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
