/* SPDX-License-Identifier: MIT */
/* An exclusive sequence, LDXR to STXR and its way back, is one step, whatever happens on the way. */
#include "support_arm64_step.h"

static void an_exclusive_sequence_is_one_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_le64(&a, WORD, 41);
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 42);
    assert_true(s.sequence);
}

static void a_store_that_fails_is_tried_again_in_the_same_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    play.store_fails = 3;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

/* 128 bytes from load to store: further apart no processor promises progress. */
static void the_longest_sequence_is_one_step(void **state)
{
    uint32_t words[35];

    (void)state;
    for (unsigned i = 1; i < 32; i++)
        words[i] = i == 1 ? ADD_X3_X0_1 : ADD_X3_X3_1;
    words[0] = LDXR_X0_X1;
    words[32] = STXR_W2_X3_X1;
    words[33] = CBNZ_W2(-33);
    words[34] = NOP;
    code(words, 35);
    acpu_le64(&a, WORD, 11);
    play.store_fails = 1;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 4 * 34, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 42);
}

static void a_sequence_without_retry_ends_behind_the_store(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, STXR_W2_X3_X1, NOP);
    a.reg[3] = 7;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 7);
}

static void a_compare_that_fails_steps_the_load_alone(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(4), STXR_W2_X3_X1, CBNZ_W2(-3), NOP, NOP);
    acpu_le64(&a, WORD, 5);
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(a.reg[0], 5);
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
}

/* What is loaded decides between two stores, as in LDXR; CBNZ; STXR; CBNZ; B; STXR; CBNZ. */
static void a_second_way_to_a_store_is_one_step_too(void **state)
{
    for (uint64_t first = 0; first < 2; first++) {
        set_up_step(state);
        CODE(LDXR_X0_X1, CBNZ_X0(4), STXR_W2_X3_X1, CBNZ_W2(-3), B(4), ADD_X3_X0_1, STXR_W2_X3_X1,
             CBNZ_W2(-7), NOP);
        acpu_le64(&a, WORD, first);
        a.reg[3] = 9;
        play.store_fails = 1;
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + (first ? 32 : 16), EL1H_IRQ_ON);
        assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), first ? 2 : 9);
        assert_true(s.sequence);
    }
}

static void the_rest_of_a_second_way_is_tried_again_as_a_whole(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(4), STXR_W2_X3_X1, CBNZ_W2(-3), B(4), ADD_X3_X0_1, STXR_W2_X3_X1,
         CBNZ_W2(-7), NOP);
    acpu_le64(&a, WORD, 1);
    a.reg[GD_ARM64_PC] = A_CODE + 24;
    s.sequence = true;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 32, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 2);
}

static void a_taken_lock_does_not_hang_the_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(-1), STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_le64(&a, WORD, 1); /* taken */
    a.reg[3] = 1;
    a.reg[GD_ARM64_PSTATE] |= 1ull << 10; /* PSTATE.BTYPE: a jump led here */
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_true(s.waits); /* the holder gets a slice */
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE, EL1H_IRQ_ON);
    }
    acpu_le64(&a, WORD, 0); /* released */
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void operands_clobbered_on_the_way_are_restored_before_the_run(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X3_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    a.reg[3] = 10;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(a.reg[3], 11); /* added once, though it was stepped and then run */
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 11);
}

static void a_stack_pointer_moved_on_the_way_is_restored_before_the_run(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, SUB_SP_16, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[GD_ARM64_SP_EL1] = A_RAM + 0x1000;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
    assert_int_equal(a.reg[GD_ARM64_SP_EL1], A_RAM + 0x1000 - 16);
}

static void a_load_without_store_is_a_plain_step(void **state)
{
    static const uint32_t ends[] = { RET, SVC, LDXR_X0_X1, WFE, B(2), MRS_X5_DAIF };

    for (size_t n = 0; n < GD_ARRAY_SIZE(ends); n++) {
        set_up_step(state);
        CODE(LDXR_X0_X1, ends[n], STXR_W2_X3_X1, NOP);
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_int_equal(play.entries, 1);
        assert_false(s.sequence);
    }
}

static void all_ways_out_are_planted(void **state)
{
    static const uint64_t ways[] = { A_CODE + 28,    A_CODE + 64,    A_CODE - 40,   A_VBAR + 0x200,
                                     A_VBAR + 0x280, A_VBAR + 0x300, A_VBAR + 0x380 };
    struct gd_exit last;

    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(15), NOP, CBNZ_X0(-13), STXR_W2_X3_X1, NOP, CBNZ_W2(-6), NOP);
    assert_int_equal(take_step_by(&last), GD_STEP_DONE);
    stands_at(A_CODE + 28, EL1H_IRQ_ON);
    assert_int_equal(s.ntemp, GD_ARRAY_SIZE(ways));
    for (size_t w = 0; w < GD_ARRAY_SIZE(ways); w++) {
        bool found = false;

        for (unsigned i = 0; i < s.ntemp; i++)
            found |= s.temp[i].va == ways[w];
        assert_true(found);
    }
}

static void a_fault_in_the_sequence_ends_at_the_vector(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, UDF, STXR_W2_X3_X1, CBNZ_W2(-3));
    acpu_word(&a, A_CODE + 4, NOP);
    gd_cpu_forget(&a.cpu);
    s.kind = 0;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    while (s.use_hw) {
        int hit;
        struct gd_exit x = run_planted(&hit);

        gd_cpu_forget(&a.cpu);
        assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, hit), GD_STEP_ENTER);
    }
    acpu_ran(&a); /* the run: the store faults */
    assert_int_equal(a.reg[GD_ARM64_PSTATE], EL1H_IRQ_ON | PSTATE_I | PSTATE_F);
    hw_exception(0, A_CODE + 8);
    for (int i = 0; i < s.ntemp; i++)
        if (s.temp[i].va == A_VBAR + 0x200) {
            struct gd_exit x = debug_exit(EC_BRK64, GD_ARM64_BRK_IMM);

            assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, i), GD_STEP_DONE);
        }
    acpu_ran(&a);
    stands_at(A_VBAR + 0x200, PSTATE_M_EL1H | PSTATE_DAIF);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], EL1H_IRQ_ON);
}

static void a_watched_store_is_told_and_then_run_on(void **state)
{
    struct gd_exit last;

    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    play.store_hits = true;
    assert_int_equal(take_step_by(&last), GD_STEP_OTHER);
    assert_int_equal(ESR_EC(last.syndrome), EC_WATCHPT_LOW);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    s.lift_watch = s.sequence = true; /* the engine: the rest, with the point lifted */
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void a_wait_before_the_load_is_a_way_out(void **state)
{
    (void)state;
    CODE(WFE, LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[GD_ARM64_PC] = A_CODE + 4;
    play.store_fails = 1;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE, EL1H_IRQ_ON);
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void a_sequence_that_never_comes_to_its_load_is_left(void **state)
{
    (void)state;
    /* x0 is not 0: the branch between the exclusives leads to itself */
    CODE(LDXR_X0_X1, NOP, CBNZ_X0(0), STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[0] = 1;
    a.reg[GD_ARM64_PC] = A_CODE + 4;
    s.sequence = true;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    assert_in_range(play.entries, 2, 80);
}

static void run_on_outside_a_sequence_is_a_plain_step(void **state)
{
    (void)state;
    CODE(NOP, NOP);
    s.sequence = true;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_false(s.sequence);
}

static void a_breakpoint_inside_a_sequence_is_not_the_steps(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, NOP, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_word(&a, A_CODE + 4, GD_ARM64_BRK(0x800)); /* the guest's own; ends the sequence */
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(take_step(), GD_STEP_OTHER);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_exclusive_sequence_is_one_step),
        T(a_store_that_fails_is_tried_again_in_the_same_step),
        T(the_longest_sequence_is_one_step),
        T(a_sequence_without_retry_ends_behind_the_store),
        T(a_compare_that_fails_steps_the_load_alone),
        T(a_second_way_to_a_store_is_one_step_too),
        T(the_rest_of_a_second_way_is_tried_again_as_a_whole),
        T(a_taken_lock_does_not_hang_the_step),
        T(operands_clobbered_on_the_way_are_restored_before_the_run),
        T(a_stack_pointer_moved_on_the_way_is_restored_before_the_run),
        T(a_load_without_store_is_a_plain_step),
        T(all_ways_out_are_planted),
        T(a_fault_in_the_sequence_ends_at_the_vector),
        T(a_watched_store_is_told_and_then_run_on),
        T(a_wait_before_the_load_is_a_way_out),
        T(a_sequence_that_never_comes_to_its_load_is_left),
        T(run_on_outside_a_sequence_is_a_plain_step),
        T(a_breakpoint_inside_a_sequence_is_not_the_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
