/* SPDX-License-Identifier: MIT */
/* Interrupts on their way to the guest (gic.c), and its accesses to the controller (dist.c). */
#include "support_el2.h"

#define NONE 1023u
#define HW   (1ull << 61)

static uint32_t due = NONE;
static _Alignas(8) uint8_t registers[3 * 0x10000]; /* GICD, and GICR with its SGI frame */
static struct cpu *const c = &cpus[0];

static uint64_t read_hook(const char *name, uint64_t have)
{
    uint32_t intid = due;

    if (strcmp(name, "ICC_IAR1_EL1") != 0)
        return have;
    due = NONE;
    return intid;
}

static int setup(void **state)
{
    (void)state;
    el2_reset(1);
    sysreg_read = read_hook;
    due = NONE;
    machine.timer_irq = 26;
    machine.maintenance_irq = 25;
    machine.gicd.base = (uintptr_t)registers;
    c->gicr = (uintptr_t)registers + 0x10000;
    *sysreg("ICH_VTR_EL2") = 3;
    return 0;
}

static void comes(uint32_t intid)
{
    due = intid;
    gic_poll(c);
    gic_flush(c);
}

static void interrupts_of_the_extended_ranges_are_ended_and_delivered(void **state)
{
    static const uint32_t intids[] = { 16, 1019, 1056, 1119, 4096, 5119 };

    for (unsigned i = 0; i < GD_ARRAY_SIZE(intids); i++) {
        setup(state);
        comes(intids[i]);
        assert_int_equal(*sysreg("ICC_EOIR1_EL1"), intids[i]);
        assert_int_equal((uint32_t)*sysreg("lr0"), intids[i]);
        assert_true(*sysreg("lr0") & HW);
        assert_int_equal(gd_bits(*sysreg("lr0"), 44, 32), intids[i]);
    }
    comes(8192); /* LPI: nothing to deactivate */
    assert_false(*sysreg("lr1") & HW);
    *sysreg("ICC_EOIR1_EL1") = 0;
    comes(1020);
    assert_int_equal(*sysreg("ICC_EOIR1_EL1"), 0);
}

static void one_that_the_guest_ended_by_icactiver_comes_again(void **state)
{
    (void)state;
    comes(27);
    *sysreg("lr0") ^= 3ull << 62; /* acknowledged: active */
    comes(27);
    assert_int_equal(*sysreg("lr0") >> 62, 1);
    assert_int_equal(c->nqueue, 0);
}

static void no_priority_of_the_guests_is_masked(void **state)
{
    (void)state;
    gic_park(true);
    gic_park(false);
    assert_int_equal(*sysreg("ICC_PMR_EL1"), 0xff);
}

static bool takes(uint64_t offset, unsigned size)
{
    uint64_t at = (uintptr_t)registers + offset, value = 0;
    bool read = dist_access(at, size, false, &value);

    assert_int_equal(dist_access(at, size, true, &value), read);
    return read;
}

static void registers_are_accessed_in_their_widths_only(void **state)
{
    static const struct {
        uint32_t offset, size;
        bool takes;
    } cases[] = {
        { 0x0, 4, true },      { 0x0, 1, false },     { 0x0, 2, false },     { 0x0, 8, false },
        { 0x100, 4, true },    { 0x100, 1, false },   { 0x100, 8, false },   { 0x40, 2, true },
        { 0x60, 2, false },    { 0x400, 1, true },    { 0x7ff, 1, true },    { 0xbff, 1, true },
        { 0xc00, 1, false },   { 0x400, 2, false },   { 0x400, 8, false },   { 0x2000, 1, true },
        { 0x2400, 1, false },  { 0x6100, 8, true },   { 0x6100, 4, true },   { 0x6100, 2, false },
        { 0x8000, 8, true },   { 0xa000, 8, false },  { 0x401, 4, false },   { 0xffe8, 4, true },
        { 0x10008, 8, true },  { 0x10070, 8, true },  { 0x10078, 8, true },  { 0x100a0, 8, true },
        { 0x100b0, 8, true },  { 0x10000, 8, false }, { 0x10010, 8, false }, { 0x10070, 4, true },
        { 0x10014, 1, false }, { 0x20100, 4, true },  { 0x20100, 8, false }, { 0x20400, 1, true },
        { 0x2045f, 1, true },  { 0x20460, 1, false }, { 0x20080, 1, false }, { 0x20400, 2, false },
        { 0x10208, 8, false },
    };

    (void)state;
    for (unsigned i = 0; i < GD_ARRAY_SIZE(cases); i++) {
        if (takes(cases[i].offset, cases[i].size) != cases[i].takes)
            fail_msg("%u bytes at %#x", cases[i].size, cases[i].offset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(interrupts_of_the_extended_ranges_are_ended_and_delivered, setup),
        cmocka_unit_test_setup(one_that_the_guest_ended_by_icactiver_comes_again, setup),
        cmocka_unit_test_setup(no_priority_of_the_guests_is_masked, setup),
        cmocka_unit_test_setup(registers_are_accessed_in_their_widths_only, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
