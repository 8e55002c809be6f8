/* SPDX-License-Identifier: MIT */
/* What the monitor takes from a device tree (tree.c), and what it can map (mmu.c). libfdt writes the tree. */
#include <stdio.h>

#include <libfdt.h>

#include "support_el2.h"

#define SIZE   4096
#define GIC    0xfee00000ull
#define MEMORY (1ull << 47)

struct board {
    unsigned cells;       /* of an interrupt */
    uint32_t timer, kind; /* the EL2 timer's number and kind */
    uint64_t uart, uart_size;
    uint64_t gicd;
    unsigned nodes; /* of memory */
    uint64_t gap;   /* between these */
};

static _Alignas(8) uint8_t blob[SIZE];

static int setup(void **state)
{
    (void)state;
    el2_reset(1);
    *sysreg("ID_AA64MMFR0_EL1") = 2; /* 40 bits */
    return 0;
}

static void reg(const uint64_t *values, unsigned n)
{
    fdt64_t be[4];

    for (unsigned i = 0; i < n; i++)
        be[i] = cpu_to_fdt64(values[i]);
    fdt_property(blob, "reg", be, (int)(8 * n));
}

static void interrupts(const struct board *b, const uint32_t *kinds, const uint32_t *numbers,
                       unsigned n)
{
    fdt32_t be[16];

    for (unsigned i = 0; i < n; i++) {
        fdt32_t *one = be + i * b->cells;

        one[0] = cpu_to_fdt32(kinds[i]);
        one[1] = cpu_to_fdt32(numbers[i]);
        one[2] = cpu_to_fdt32(4);
        if (b->cells == 4)
            one[3] = cpu_to_fdt32(0);
    }
    fdt_property(blob, "interrupts", be, (int)(4 * b->cells * n));
}

static void node(const char *name, const char *compatible)
{
    fdt_begin_node(blob, name);
    if (compatible)
        fdt_property_string(blob, "compatible", compatible);
}

static void write_tree(const struct board *b)
{
    const uint64_t gic[] = { b->gicd, 0x10000, GIC + 0x100000, 0xc0000 };

    fdt_create(blob, SIZE);
    fdt_finish_reservemap(blob);
    node("", NULL);
    fdt_property_u32(blob, "#address-cells", 2);
    fdt_property_u32(blob, "#size-cells", 2);
    node("aliases", NULL);
    fdt_property_string(blob, "serial1", "/uart");
    fdt_end_node(blob);
    node("timer", "arm,armv8-timer");
    interrupts(b, (const uint32_t[]){ 1, 1, 1, b->kind },
               (const uint32_t[]){ 13, 14, 11, b->timer }, 4);
    fdt_end_node(blob);
    node("uart", "arm,pl011");
    reg((const uint64_t[]){ b->uart, b->uart_size }, 2);
    interrupts(b, (const uint32_t[]){ 0 }, (const uint32_t[]){ 8 }, 1);
    fdt_end_node(blob);
    node("intc", "arm,gic-v3");
    fdt_property_u32(blob, "#interrupt-cells", b->cells);
    reg(gic, 4);
    interrupts(b, (const uint32_t[]){ 1 }, (const uint32_t[]){ 9 }, 1);
    fdt_end_node(blob);
    node("psci", "arm,psci-1.0");
    fdt_property_string(blob, "method", "smc");
    fdt_end_node(blob);
    for (unsigned n = b->nodes; n > 0; n--) { /* the first, and then from the last down */
        unsigned i = n % b->nodes;
        char name[16];

        snprintf(name, sizeof(name), "memory@%x", i);
        node(name, NULL);
        fdt_property_string(blob, "device_type", "memory");
        /* all there is, so that it holds this program, too */
        reg((const uint64_t[]){ i * (MEMORY / b->nodes), MEMORY / b->nodes - b->gap }, 2);
        fdt_end_node(blob);
    }
    node("cpus", NULL);
    fdt_property_u32(blob, "#address-cells", 1);
    fdt_property_u32(blob, "#size-cells", 0);
    node("cpu", NULL);
    fdt_property_string(blob, "device_type", "cpu");
    fdt_property_u32(blob, "reg", 0);
    fdt_end_node(blob);
    fdt_end_node(blob);
    fdt_end_node(blob);
    assert_int_equal(fdt_finish(blob), 0);
}

static const struct board plain = { 3, 10, 1, 0x9040000, 0x1000, GIC, 1, 0 };

static const char *reads(struct board b)
{
    memset(&machine, 0, sizeof(machine));
    write_tree(&b);
    return STOPS_WITH(tree_read((uintptr_t)blob));
}

static void memory_in_more_nodes_than_there_is_room_for_is_one_where_they_touch(void **state)
{
    struct board b = plain;

    (void)state;
    b.nodes = 16;
    assert_null(reads(b));
    assert_int_equal(machine.nram, 1);
    assert_int_equal(machine.ram[0].base, 0);
    assert_int_equal(machine.ram[0].size, MEMORY);
}

static void memory_in_too_many_separate_nodes_is_said(void **state)
{
    struct board b = plain;

    (void)state;
    b.gap = 4096;
    b.nodes = 8;
    assert_null(reads(b));
    assert_int_equal(machine.nram, 8);
    assert_null(told);
    b.nodes = 9;
    assert_null(reads(b));
    assert_int_equal(machine.nram, 8);
    assert_non_null(told);
    assert_non_null(strstr(told, "more than 8 separate memory ranges"));
}

static void interrupts_are_found_with_three_and_four_cells(void **state)
{
    struct board b = plain;

    (void)state;
    b.timer = 12; /* 10 would be taken for want of any, too */
    for (b.cells = 3; b.cells <= 4; b.cells++) {
        assert_null(reads(b));
        assert_int_equal(machine.timer_irq, 28);
        assert_int_equal(machine.maintenance_irq, 25);
        assert_int_equal(machine.uart_irq, 40);
    }
}

static void a_timer_that_is_no_ppi_is_not_taken(void **state)
{
    struct board b = plain;

    (void)state;
    b.timer = 12;
    assert_null(reads(b));
    assert_int_equal(machine.timer_irq, 28);
    b.timer = 16;
    assert_null(reads(b));
    assert_int_equal(machine.timer_irq, 26);
    b.timer = 0xfffffff0;
    assert_null(reads(b));
    assert_int_equal(machine.timer_irq, 26);
    b.timer = 5;
    for (b.kind = 0; b.kind < 4; b.kind += b.kind ? 1 : 2) { /* SPI, extended SPI and PPI */
        assert_null(reads(b));
        assert_int_equal(machine.timer_irq, 26);
    }
}

static void a_uart_that_cannot_be_reached_or_hidden_is_none(void **state)
{
    struct board b = plain;

    (void)state;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, b.uart);
    b.uart = 1ull << 39;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, 0);
    b.uart = (1ull << 39) - 0x1000;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, b.uart);
    b.uart_size = 0x1001;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, 0);
    b = plain;
    b.uart_size = 0;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, 0);
    b.uart_size = ~0ull;
    assert_null(reads(b));
    assert_int_equal(machine.uart.base, 0);
}

static void a_gic_that_cannot_be_reached_is_said(void **state)
{
    struct board b = plain;

    (void)state;
    b.gicd = 1ull << 39;
    assert_non_null(strstr(reads(b), "out of reach"));
}

static void what_cannot_be_hidden_is_said(void **state)
{
    (void)state;
    assert_null(STOPS_WITH(mmu_hide(0x9040800, 0x1000)));
    assert_null(STOPS_WITH(mmu_hide((1ull << 39) - 1, 1)));
    assert_non_null(STOPS_WITH(mmu_hide(1ull << 39, 0x1000)));
    assert_non_null(STOPS_WITH(mmu_hide(0x9040000, 1ull << 41)));
    assert_non_null(STOPS_WITH(mmu_hide(0x9040000, 0)));
    assert_non_null(STOPS_WITH(mmu_hide(0x9040000, ~0ull)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(memory_in_more_nodes_than_there_is_room_for_is_one_where_they_touch,
                               setup),
        cmocka_unit_test_setup(memory_in_too_many_separate_nodes_is_said, setup),
        cmocka_unit_test_setup(interrupts_are_found_with_three_and_four_cells, setup),
        cmocka_unit_test_setup(a_timer_that_is_no_ppi_is_not_taken, setup),
        cmocka_unit_test_setup(a_uart_that_cannot_be_reached_or_hidden_is_none, setup),
        cmocka_unit_test_setup(a_gic_that_cannot_be_reached_is_said, setup),
        cmocka_unit_test_setup(what_cannot_be_hidden_is_said, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
