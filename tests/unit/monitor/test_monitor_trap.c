/* SPDX-License-Identifier: MIT */
/* Exceptions to EL2 (trap.c). */
#include "support_el2.h"

#define FROM_GUEST 0
#define FROM_EL2   4
#define SMC        (0x17ull << ESR_EC_SHIFT | ESR_IL)
#define LOAD       (0x24ull << ESR_EC_SHIFT | 1 << 24) /* DABORT_LOW with ISV, into x0 */

static struct cpu *const c = &cpus[0];
static unsigned said;

bool dist_owns(uint64_t ipa)
{
    (void)ipa;
    return true;
}

bool dist_access(uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
    (void)ipa;
    (void)size;
    *value = 0x12;
    return !write;
}

void run_finish(struct cpu *cpu, const struct gd_exit *x)
{
    (void)cpu;
    (void)x;
}

struct gd_cpu *run_view(struct cpu *cpu)
{
    return &cpu->view;
}

/* A UART that is not there. */
void say_x(const char *before, uint64_t value, const char *after)
{
    (void)value;
    (void)before;
    (void)after;
    if (++said == 100)
        longjmp(stopped, 1);
    trap(c->frame, FROM_EL2);
}

void wfi(void)
{
    longjmp(stopped, 1);
}

static int setup(void **state)
{
    (void)state;
    el2_reset(1);
    c->frame->pc = 0x1000;
    return 0;
}

static void exits(uint64_t esr, uint64_t pstate)
{
    c->frame->pc = 0x1000;
    c->frame->pstate = pstate;
    *sysreg("ESR_EL2") = esr;
    trap(c->frame, FROM_GUEST);
}

static void an_emulated_instruction_leaves_no_branch_type(void **state)
{
    (void)state;
    exits(SMC, PSTATE_M_EL1H | PSTATE_BTYPE);
    assert_int_equal(c->frame->pc, 0x1004);
    assert_int_equal(c->frame->pstate, PSTATE_M_EL1H);
    exits(LOAD | ESR_IL, PSTATE_M_EL1H | PSTATE_BTYPE | PSTATE_C);
    assert_int_equal(c->frame->x[0], 0x12);
    assert_int_equal(c->frame->pstate, PSTATE_M_EL1H | PSTATE_C);
}

static void a_t32_instruction_has_its_own_length_and_moves_its_it_block_on(void **state)
{
    const uint64_t t32 = PSTATE_NRW | 1 << 5;

    (void)state;
    exits(LOAD, t32);
    assert_int_equal(c->frame->pc, 0x1002);
    assert_int_equal(c->frame->pstate, t32);
    exits(LOAD | ESR_IL, t32);
    assert_int_equal(c->frame->pc, 0x1004);
    /* ITTE EQ is 0000 0110: cond 0000, then mask 0110; the next is 0000 1100, then it ends. */
    exits(LOAD, t32 | 0x04 << 8 | 2ull << 25);
    assert_int_equal(c->frame->pstate, t32 | 0x0c << 8);
    exits(LOAD, t32 | 0x08 << 8);
    assert_int_equal(c->frame->pstate, t32);
}

static void no_uart_is_no_endless_exception(void **state)
{
    (void)state;
    if (setjmp(stopped) == 0)
        trap(c->frame, FROM_EL2);
    assert_int_equal(said, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_emulated_instruction_leaves_no_branch_type, setup),
        cmocka_unit_test_setup(a_t32_instruction_has_its_own_length_and_moves_its_it_block_on,
                               setup),
        cmocka_unit_test_setup(no_uart_is_no_endless_exception, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
