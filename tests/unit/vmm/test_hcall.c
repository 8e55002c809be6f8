/* SPDX-License-Identifier: MIT */
/*
 * What a POWER guest hears of the machine's mode: where its interrupts are taken, and which page table it may have, on
 * hosts that can do it and on those that cannot. KVM, RTAS and the console are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/ppc64/pseries.h"

#define SET_MODE          0x31cu
#define REGISTER_PROC_TBL 0x37cu
#define PATB_GR           0x8000000000000000ull
#define NCPUS             2u

static struct {
    struct vm_config cfg;
    struct pseries p;
    struct kvm_run run;
    struct vcpu cpus[NCPUS];
    struct vm vm;
    uint64_t lpcr[NCPUS], table;
    unsigned configured;
} t;

int vcpu_lpcr(struct vm *vm, struct vcpu *cpu, uint64_t mask, uint64_t bits)
{
    (void)vm;
    t.lpcr[cpu->index] = (t.lpcr[cpu->index] & ~mask) | (bits & mask);
    return 0;
}

int mmu_configure(struct vm *vm, uint64_t process_table)
{
    (void)vm;
    t.table = process_table;
    t.configured++;
    return 0;
}

void console_line(struct vm *vm)
{
    (void)vm;
}

void console_put(struct console *c, const uint8_t *bytes, size_t len)
{
    (void)c;
    (void)bytes;
    (void)len;
}

void vm_wake(struct vm *vm)
{
    (void)vm;
}

int64_t rtas_serve(struct vm *vm, struct vcpu *cpu, uint64_t gpa)
{
    (void)vm;
    (void)cpu;
    (void)gpa;
    return H_SUCCESS;
}

static void machine(bool ail3)
{
    memset(&t, 0, sizeof(t));
    t.cfg.cpus = NCPUS;
    t.p.ail3 = ail3;
    t.vm.cfg = &t.cfg;
    t.vm.machine_state = &t.p;
    t.vm.cpus = t.cpus;
    for (unsigned i = 0; i < NCPUS; i++) {
        t.cpus[i] = (struct vcpu){ .vm = &t.vm, .index = i, .run = &t.run };
        t.lpcr[i] = LPCR_ILE;
    }
}

static int64_t hcall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    t.run.papr_hcall.nr = nr;
    t.run.papr_hcall.args[0] = a;
    t.run.papr_hcall.args[1] = b;
    t.run.papr_hcall.args[2] = c;
    t.run.papr_hcall.args[3] = d;
    assert_int_equal(hcall_exit(&t.vm, &t.cpus[0]), 0);
    return (int64_t)t.run.papr_hcall.ret;
}

static void expect_lpcr(uint64_t lpcr)
{
    for (unsigned i = 0; i < NCPUS; i++)
        assert_int_equal(t.lpcr[i], lpcr);
}

static void relocated_interrupts_are_given_where_the_host_has_them(void **state)
{
    (void)state;
    machine(true);
    assert_int_equal(hcall(SET_MODE, 3, 3, 0, 0), H_SUCCESS);
    expect_lpcr(LPCR_ILE | LPCR_AIL_3);
    assert_int_equal(hcall(SET_MODE, 0, 3, 0, 0), H_SUCCESS);
    expect_lpcr(LPCR_ILE);
}

static void relocated_interrupts_are_refused_where_the_host_has_none(void **state)
{
    (void)state;
    machine(false);
    assert_int_equal(hcall(SET_MODE, 3, 3, 0, 0), H_UNSUPPORTED_FLAG);
    assert_int_equal(hcall(SET_MODE, 2, 3, 0, 0), H_UNSUPPORTED_FLAG);
    expect_lpcr(LPCR_ILE);
    assert_int_equal(hcall(SET_MODE, 0, 3, 0, 0), H_SUCCESS);
    assert_int_equal(hcall(SET_MODE, 0, 4, 0, 0), H_SUCCESS);
    expect_lpcr(0);
}

static void wrong_arguments_of_set_mode_change_nothing(void **state)
{
    (void)state;
    machine(true);
    assert_int_equal(hcall(SET_MODE, 1, 3, 0, 0), H_UNSUPPORTED_FLAG);
    assert_int_equal(hcall(SET_MODE, 4, 3, 0, 0), H_UNSUPPORTED_FLAG);
    assert_int_equal(hcall(SET_MODE, 3, 3, 1, 0), H_P3);
    assert_int_equal(hcall(SET_MODE, 3, 3, 0, 1), H_P4);
    assert_int_equal(hcall(SET_MODE, 2, 4, 0, 0), H_UNSUPPORTED_FLAG);
    assert_int_equal(hcall(SET_MODE, 0, 9, 0, 0), H_P2);
    expect_lpcr(LPCR_ILE);
}

static void a_process_table_is_registered_for_radix(void **state)
{
    (void)state;
    machine(true);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x1d, 0x40000, 0, 4), H_SUCCESS);
    assert_int_equal(t.table, PATB_GR | 0x40000 | 4);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x1d, 0x40800, 0, 4), H_P2);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x1d, 0x40000, 1, 4), H_P3);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x1d, 0x40000, 0, 25), H_P4);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x3d, 0x40000, 0, 4), H_PARAMETER);
    assert_int_equal(t.configured, 1);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x15, 0, 0, 0), H_SUCCESS);
    assert_int_equal(t.table, PATB_GR);
}

static void a_hashed_page_table_is_refused(void **state)
{
    (void)state;
    machine(true);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x18, 0x40000, 0, 4), H_PARAMETER);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x1a, 0x40000, 0, 4), H_PARAMETER);
    assert_int_equal(hcall(REGISTER_PROC_TBL, 0x10, 0, 0, 0), H_PARAMETER);
    assert_int_equal(t.configured, 0);
    assert_true(t.p.hpt_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relocated_interrupts_are_given_where_the_host_has_them),
        cmocka_unit_test(relocated_interrupts_are_refused_where_the_host_has_none),
        cmocka_unit_test(wrong_arguments_of_set_mode_change_nothing),
        cmocka_unit_test(a_process_table_is_registered_for_radix),
        cmocka_unit_test(a_hashed_page_table_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
