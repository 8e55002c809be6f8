/* SPDX-License-Identifier: MIT */
/*
 * vCPUs that do not answer a request to stop, because the VMM serves them for long or the host does not run them: the
 * client goes on without them, and what they did in between must neither stop nor spoil anything when they are back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/patch.h"
#include "support_engine.h"

static struct gd_exit call; /* what vCPU 1 has not come back from */

/* vCPU 1 steps a call that the VMM serves, and is lost at ^C; vCPU 0 stands. */
static void lose_a_stepper(void)
{
    struct gd_stop s;

    engine_begin(2);
    fake_word(&f, CODE + 0x100, FAKE_INSN(FAKE_CALL, 0, 0, 0));
    engine_set_pc(1, CODE + 0x100);
    engine_go_one(1, GD_STEP, GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, true), GD_ENTER_ALONE);
    assert_true(fake_execute(&f, 1, &call));
    assert_int_equal(call.kind, GD_EXIT_OTHER);
    gd_alone_clear(&f.e);
    gd_engine_interrupt(&f.e, 0);
    fake_run(&f, 0, 5);
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
}

static void come_back(void)
{
    gd_vcpu_exit(&f.e, 1, &call);
    fake_run(&f, 1, 5);
}

static void the_end_of_its_step_stops_nobody_after_detach(void **state)
{
    (void)state;
    lose_a_stepper();
    assert_true(gd_engine_detach(&f.e, true));
    come_back();
    assert_true(fake_run(&f, 1, 5));
    assert_true(fake_run(&f, 0, 5));
}

static void the_end_of_its_step_is_not_told_to_who_continued(void **state)
{
    struct gd_stop s;

    (void)state;
    lose_a_stepper();
    engine_go(GD_RUN);
    come_back();
    assert_true(fake_run(&f, 0, 5));
    assert_false(gd_engine_take_stop(&f.e, &s));
}

static void the_end_of_its_step_does_not_stop_others_that_run_without_it(void **state)
{
    (void)state;
    lose_a_stepper();
    engine_go_one(0, GD_RUN, GD_HALT);
    fake_run(&f, 0, 5);
    come_back();
    assert_true(fake_run(&f, 0, 5));
}

static void the_back_end_is_not_told_to_let_it_step(void **state)
{
    (void)state;
    lose_a_stepper();
    engine_go_one(1, GD_RUN, GD_RUN);
    assert_int_equal(f.e.stepper, 2);
    come_back();
}

/* vCPU 1 is inside the guest, alone, over the word at CODE + 8, and is lost there. */
static void lose_in_a_step_over(void)
{
    struct gd_stop s;

    engine_begin(2);
    engine_loop(20);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_set_pc(1, CODE + 8);
    engine_go_one(1, GD_RUN, GD_HALT);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, true), GD_ENTER_ALONE);
    assert_int_not_equal(f.e.lifted_patch, 0);
    gd_engine_interrupt(&f.e, 0);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_PARK);
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
}

static void a_word_planted_anew_meanwhile_is_not_taken_for_the_guests(void **state)
{
    static const struct gd_exit none = { .kind = GD_EXIT_NONE };
    struct gd_stop s;

    (void)state;
    lose_in_a_step_over();
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    gd_vcpu_exit(&f.e, 1, &none);
    gd_engine_interrupt(&f.e, 0);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, true), GD_PARK);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_PARK);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_true(gd_engine_detach(&f.e, true));
    assert_memory_equal(f.ram, f.truth, 64);
}

static void nothing_is_lifted_any_more_after_detach(void **state)
{
    (void)state;
    lose_in_a_step_over();
    assert_true(gd_engine_detach(&f.e, true));
    assert_int_equal(f.e.lifted_patch, 0);
}

static unsigned fence(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t *va, uint64_t *gpa,
                      unsigned max)
{
    (void)c;
    (void)set;
    (void)max;
    va[0] = gpa[0] = CODE + 0x300;
    return 1;
}

static void no_fence_is_left_where_all_were_lost(void **state)
{
    static struct gd_arch arch;
    struct gd_stop s;

    (void)state;
    arch = gd_arch_fake;
    arch.fence = fence;
    engine_begin_with(1, &arch, NULL);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    fake_run(&f, 0, 5);
    assert_int_equal(f.ram[0x300], FAKE_BREAK);
    gd_engine_interrupt(&f.e, 0);
    gd_engine_give_up(&f.e);
    gd_engine_take_stop(&f.e, &s);
    assert_true(gd_engine_detach(&f.e, true));
    assert_int_equal(f.ram[0x300], 0);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_end_of_its_step_stops_nobody_after_detach),
        T(the_end_of_its_step_is_not_told_to_who_continued),
        T(the_end_of_its_step_does_not_stop_others_that_run_without_it),
        T(the_back_end_is_not_told_to_let_it_step),
        T(a_word_planted_anew_meanwhile_is_not_taken_for_the_guests),
        T(nothing_is_lifted_any_more_after_detach),
        T(no_fence_is_left_where_all_were_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
