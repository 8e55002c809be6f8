/* SPDX-License-Identifier: MIT */
/* Calls of the guest to firmware (psci.c), and the CPUs that the machine has (main.c). */
#include "support_el2.h"

#define VERSION       0x84000000u
#define FEATURES      0x8400000au
#define CPU_ON        0xc4000003u
#define SMCCC_VERSION 0x80000000u
#define SVE_HINT      0x10000u
#define NOT_SUPPORTED ((uint64_t)-1)

_Noreturn void boot_main(uint64_t where);

static bool has_smccc;
static struct cpu *const c = &cpus[0];

uint64_t smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t x)
{
    (void)b;
    (void)x;
    if (fn == VERSION)
        return 0x10001;
    return fn == FEATURES && a == SMCCC_VERSION && has_smccc ? 0 : NOT_SUPPORTED;
}

/* The boot's end. */
void guest_resume(struct frame *f)
{
    (void)f;
    longjmp(stopped, 1);
}

static int setup(void **state)
{
    (void)state;
    el2_reset(2);
    has_smccc = true;
    atomic_store(&cpus[1].up, 1);
    return 0;
}

static uint64_t call(uint32_t fn, uint64_t a, uint64_t b)
{
    c->frame->x[0] = fn;
    c->frame->x[1] = a;
    c->frame->x[2] = b;
    psci_call(c);
    return c->frame->x[0];
}

static void the_sve_hint_is_no_part_of_the_function(void **state)
{
    (void)state;
    assert_int_equal(call(VERSION | SVE_HINT, 0, 0), 0x10001);
    assert_int_equal(call(CPU_ON | SVE_HINT, 1, 0x40000000), 0);
    assert_int_equal(atomic_load(&cpus[1].power), POWER_PENDING);
}

static void smccc_version_is_claimed_where_firmware_has_it(void **state)
{
    (void)state;
    assert_int_equal(call(FEATURES, SMCCC_VERSION, 0), 0);
    has_smccc = false;
    assert_int_equal(call(FEATURES, SMCCC_VERSION, 0), NOT_SUPPORTED);
    assert_int_equal(call(FEATURES, VERSION, 0), 0);
}

static void only_functions_with_wide_arguments_have_a_number_for_64_bits(void **state)
{
    static const uint8_t both[] = { 1, 3, 4 }, narrow[] = { 0, 2, 6, 8, 9, 10 };

    (void)state;
    for (unsigned i = 0; i < sizeof(both); i++)
        assert_int_equal(call(FEATURES, 0xc4000000 + both[i], 0), 0);
    for (unsigned i = 0; i < sizeof(narrow); i++) {
        assert_int_equal(call(FEATURES, 0x84000000 + narrow[i], 0), 0);
        assert_int_equal(call(FEATURES, 0xc4000000 + narrow[i], 0), NOT_SUPPORTED);
        assert_int_equal(call(0xc4000000 + narrow[i], 0, 0), NOT_SUPPORTED);
    }
    assert_int_equal(call(CPU_ON, 1, 0x40000000), 0);
}

static void a_boot_cpu_that_the_tree_does_not_name_is_one_of_the_eight(void **state)
{
    (void)state;
    el2_reset(0);
    *sysreg("MPIDR_EL1") = 0x80000900;
    machine.ncpus = MAX_CPUS;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine.mpidr[i] = i << 8;
    if (setjmp(stopped) == 0)
        boot_main(8);
    assert_int_equal(ncpus, MAX_CPUS);
    assert_int_equal(cpus[0].mpidr, 0x900);
    assert_int_equal(cpus[MAX_CPUS - 1].mpidr, 0x600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_sve_hint_is_no_part_of_the_function, setup),
        cmocka_unit_test_setup(smccc_version_is_claimed_where_firmware_has_it, setup),
        cmocka_unit_test_setup(only_functions_with_wide_arguments_have_a_number_for_64_bits, setup),
        cmocka_unit_test_setup(a_boot_cpu_that_the_tree_does_not_name_is_one_of_the_eight, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
