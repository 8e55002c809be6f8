/* SPDX-License-Identifier: MIT */
/*
 * What comes between the beginning and the end of a step: interrupts from outside, which are held, run
 * through or shown; and exclusive sequences, which are one step.
 */
#include "support_ppc64_step.h"

#define LWARX 0x7c602028u
#define NOP   0x60000000u

/* ---- interrupts from outside ---- */

static void a_program_is_stepped_with_the_decrementer_held(void **state)
{
    struct pcpu *p = user();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER | MSR_SE);
    assert_true(p->reg[GD_PPC64_DEC_EXPIRY] > p->reg[GD_PPC64_TB] + 0x10000000);
    assert_int_equal(traced(p, P_USER + 4), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
}

static void shown_interrupts_are_not_held_and_stop_at_their_vector(void **state)
{
    struct pcpu *p = user();

    (void)state;
    step.show_irq = true;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_DEC_EXPIRY), 0x1000100);
    assert_int_equal(run_into(p, 0x900, P_USER, 0), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0x900));
    expect_srr(p, P_USER, MSR_USER);
}

static void an_external_interrupts_handler_is_run_through_and_the_step_made(void **state)
{
    struct pcpu *p = user();

    (void)state;
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0x500, P_USER, 0), GD_STEP_ENTER);
    /* the handler sees a guest that nobody steps, and its own decrementer */
    expect_srr(p, P_USER, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    assert_true(step.waits);
    p->reg[GD_PPC64_SRR0] = 0x5555; /* as the handler leaves them */
    p->reg[GD_PPC64_SRR1] = 0x6666;
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
    assert_true(step.ntemp > 30);
    assert_true(temp_at(P_USER) < 0);
    assert_int_equal(traced(p, P_USER + 4), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    expect_srr(p, 0x5555, 0x6666);
}

static void interrupts_that_wait_for_a_program_are_served_before_the_instruction(void **state)
{
    struct pcpu *p = user();

    (void)state;
    step.let_irq = true;
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER); /* nothing is borrowed yet */
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    assert_true(step.waits);
    p->reg[GD_PPC64_SRR0] = 0x5555; /* as the handler leaves them */
    p->reg[GD_PPC64_SRR1] = 0x6666;
    assert_int_equal(hit(p), GD_STEP_ENTER); /* it came back, and the instruction is made */
    assert_false(step.let_irq);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
    assert_true(step.ntemp > 30);
    assert_int_equal(traced(p, P_USER + 4), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    expect_srr(p, 0x5555, 0x6666);
}

static void interrupts_of_the_kernel_are_not_served_in_a_step(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    step.let_irq = true;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_true(step.ntemp > 30);
    assert_int_equal(traced(p, P_CODE + 4), GD_STEP_DONE);
    step.let_irq = true;
    assert_int_equal(begin(p, 0x7ca000a6), GD_STEP_DONE);
    assert_true(step.let_irq); /* still due */
}

static void another_thread_at_the_return_address_is_passed_over(void **state)
{
    struct pcpu *p = user();

    (void)state;
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0x500, P_USER, 0), GD_STEP_ENTER);
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    p->reg[1] = 0x8000; /* its stack is another */
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER);
    assert_true(temp_at(P_USER + 4) >= 0);
    assert_true(temp_at(P_USER) < 0);
    p->reg[GD_PPC64_PC] = P_USER + 4;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].va, P_USER);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[1] = 0x7000;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
}

/* ---- exclusive sequences ---- */

static void spinlock(struct pcpu *p, uint64_t gpa)
{
    static const uint32_t code[] = { 0x7d001828, 0x7d093879, 0x40820014, 0x7d074838,
                                     0x7d083378, 0x7d00192d, 0x40c2ffe8, NOP };

    for (size_t i = 0; i < GD_ARRAY_SIZE(code); i++)
        pcpu_word(p, gpa + 4 * i, code[i]);
}

static void a_sequence_is_one_step_without_se(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_true(step.sequence);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL & ~MSR_EE);
    assert_int_equal(step.temp[0].va, P_CODE + 0x1c);
    for (unsigned i = 0; i < 7; i++)
        assert_true(temp_at(P_CODE + 4 * i) < 0);
    p->reg[GD_PPC64_PC] = P_CODE + 0x1c;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 0x1c, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_page_fault_inside_a_sequence_stops_at_the_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0x300, P_CODE + 0x14, 0), GD_STEP_DONE);
    expect_srr(p, P_CODE + 0x14, MSR_KERNEL);
}

static void an_interrupted_sequence_of_a_program_is_finished(void **state)
{
    struct pcpu *p = user();

    (void)state;
    spinlock(p, P_UGPA);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0x500, P_USER + 0x10, 0), GD_STEP_ENTER);
    assert_int_equal(step.temp[0].va, P_USER + 0x10);
    p->reg[GD_PPC64_PC] = P_USER + 0x10;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_true(temp_at(P_USER + 0x1c) >= 0);
    assert_true(temp_at(P_USER + 0x10) < 0);
    assert_true(p->reg[GD_PPC64_DEC_EXPIRY] > p->reg[GD_PPC64_TB] + 0x10000000);
    p->reg[GD_PPC64_PC] = P_USER + 0x1c;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_USER + 0x1c, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
}

static void a_store_conditional_runs_its_whole_sequence_again(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_PC] = P_CODE + 0x14;
    assert_int_equal(begin(p, 0x7d00192d), GD_STEP_ENTER);
    assert_true(step.sequence);
    assert_int_equal(step.temp[0].va, P_CODE + 0x1c);
    assert_true(temp_at(P_CODE + 0x18) < 0);
}

static void a_lifted_watchpoint_is_lifted_for_the_whole_sequence(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_PC] = P_CODE + 0xc;
    assert_int_equal(begin(p, 0x7d074838), GD_STEP_ENTER);
    assert_false(step.sequence);
    step.lift_watch = true;
    pcpu_reg(p, 0);
    p->reg[GD_PPC64_MSR] = MSR_KERNEL;
    assert_int_equal(begin(p, 0x7d074838), GD_STEP_ENTER);
    assert_true(step.sequence);
}

static void a_reservation_without_a_store_is_an_ordinary_step(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, LWARX), GD_STEP_ENTER);
    assert_false(step.sequence);
    assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
}

static void a_self_tracing_sequence_is_stepped_one_by_one(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_false(step.sequence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_stepped_with_the_decrementer_held),
        cmocka_unit_test(shown_interrupts_are_not_held_and_stop_at_their_vector),
        cmocka_unit_test(an_external_interrupts_handler_is_run_through_and_the_step_made),
        cmocka_unit_test(interrupts_that_wait_for_a_program_are_served_before_the_instruction),
        cmocka_unit_test(interrupts_of_the_kernel_are_not_served_in_a_step),
        cmocka_unit_test(another_thread_at_the_return_address_is_passed_over),
        cmocka_unit_test(a_sequence_is_one_step_without_se),
        cmocka_unit_test(a_page_fault_inside_a_sequence_stops_at_the_vector),
        cmocka_unit_test(an_interrupted_sequence_of_a_program_is_finished),
        cmocka_unit_test(a_store_conditional_runs_its_whole_sequence_again),
        cmocka_unit_test(a_lifted_watchpoint_is_lifted_for_the_whole_sequence),
        cmocka_unit_test(a_reservation_without_a_store_is_an_ordinary_step),
        cmocka_unit_test(a_self_tracing_sequence_is_stepped_one_by_one),
    };

    return cmocka_run_group_tests_name("step_between", tests, NULL, NULL);
}
