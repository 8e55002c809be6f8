/* SPDX-License-Identifier: MIT */
/*
 * The engine's contracts on the fake processor, in an order that each test chooses: several vCPUs, and steps.
 * test_engine_breaks.c and test_engine_watch.c have the points, test_engine_ends.c what begins and ends a session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support_engine.h"
/* ---- several vCPUs ---- */

static void two_at_one_breakpoint_are_told_one_by_one_and_counted_once_each(void **state)
{
    unsigned seen = 0;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    engine_both_hit();
    for (unsigned n = 1; n <= 2; n++) {
        struct gd_stop s = engine_stop();

        assert_int_equal(s.reason, GD_STOP_SWBREAK);
        seen |= 1u << s.vcpu;
        assert_int_equal(engine_hits(CODE + 8), n);
        engine_go(GD_RUN);
    }
    assert_int_equal(seen, 3);
}

static void a_hit_that_was_not_told_is_forgotten_with_its_breakpoint(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x40, 4);
    engine_go(GD_RUN);
    engine_both_hit();
    engine_stop();
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(s.vcpu), CODE + 0x40);
}

static void a_finished_step_is_told_before_the_breakpoint_of_another(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_set_pc(0, CODE + 0x100);
    engine_set_pc(1, CODE + 8);
    engine_go_one(0, GD_STEP, GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER); /* 1 is inside and hits ... */
    gd_vcpu_exit(&f.e, 1, &(struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = FAKE_EX_BREAK });
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_PARK);
    /* ... while 0 had been let in just before and finishes */
    atomic_store(&f.vcpus[0].request, 0);
    fake_run(&f, 0, 5);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_STEP);
    assert_int_equal(s.vcpu, 0);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(s.vcpu, 1);
    assert_int_equal(engine_hits(CODE + 8), 1);
}

static void a_second_finished_step_is_told_without_anyone_running(void **state)
{
    struct gd_action a[2] = { { .mode = GD_STEP }, { .mode = GD_STEP } };
    uint64_t executed;
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    assert_int_equal(gd_engine_resume(&f.e, a), 0);
    fake_run(&f, 0, 1); /* not seen to park yet */
    atomic_store(&f.vcpus[1].request, 0);
    f.alone = 0;
    fake_run(&f, 1, 5);
    fake_run(&f, 0, 5);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_STEP);
    executed = f.v[0].executed + f.v[1].executed;
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_STEP);
    assert_int_equal(f.v[0].executed + f.v[1].executed, executed);
}

static void the_stop_of_a_vcpu_that_stays_halted_waits_for_it(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    engine_both_hit();
    s = engine_stop();
    engine_go_one(s.vcpu, GD_STEP, GD_HALT);
    assert_int_equal(engine_stop().vcpu, s.vcpu);
    engine_go_one(s.vcpu, GD_STEP, GD_HALT);
    assert_int_equal(engine_stop().vcpu, s.vcpu);
    assert_int_equal(engine_pc(s.vcpu), CODE + 16);
    engine_go_one(!s.vcpu, GD_RUN, GD_HALT);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(CODE + 8), 2);
}

static void an_interrupt_that_races_with_a_hit_is_one_stop(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    fake_run(&f, 0, 20);
    gd_engine_interrupt(&f.e, 1);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_false(gd_engine_take_stop(&f.e, &s));
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    fake_run_all(&f, 200);
    assert_false(gd_engine_take_stop(&f.e, &s));
    gd_engine_interrupt(&f.e, 1);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_INTERRUPT);
    assert_int_equal(s.vcpu, 1);
}

static void a_pass_over_a_breakpoint_holds_all_others(void **state)
{
    (void)state;
    engine_begin(2);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().vcpu, 0);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
    assert_int_equal(f.ram[8], FAKE_BREAK); /* not lifted before the others are held */
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_int_equal(f.ram[8], FAKE_NOP);
    f.v[0].reg[FAKE_PC] += 4;
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = FAKE_EX_STEP });
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER);
    assert_int_equal(f.ram[8], FAKE_BREAK); /* and back before they go on */
    assert_false(f.v[0].arm.step);
}

static void a_pass_that_another_stop_ends_is_made_up_for_later(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().vcpu, 0);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 16, 4);
    engine_set_pc(1, CODE + 16);
    engine_go(GD_RUN);
    gd_vcpu_enter(&f.e, 0, false);
    gd_vcpu_enter(&f.e, 0, true); /* about to step, when 1, just gone out, is judged */
    gd_vcpu_exit(&f.e, 1, &(struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = FAKE_EX_BREAK });
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_NONE });
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_PARK);
    assert_int_equal(f.ram[8], FAKE_BREAK);
    s = engine_stop();
    assert_int_equal(s.vcpu, 1);
    assert_int_equal(engine_pc(0), CODE + 8);
    engine_go_one(0, GD_RUN, GD_HALT);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 16);
    assert_int_equal(engine_hits(CODE + 8), 1);
}

/* ---- steps ---- */

static void a_step_is_one_instruction_of_one_vcpu(void **state)
{
    (void)state;
    engine_begin(3);
    for (unsigned n = 1; n <= 10; n++) {
        engine_go_one(1, GD_STEP, GD_HALT);
        assert_int_equal(engine_stop().reason, GD_STOP_STEP);
        assert_int_equal(f.v[1].executed, n);
        assert_int_equal(engine_pc(1), CODE + 4 * n);
    }
    assert_int_equal(f.v[0].executed + f.v[2].executed, 0);
}

static void an_instruction_that_the_vmm_finishes_is_one_step(void **state)
{
    (void)state;
    engine_begin(1);
    fake_word(&f, CODE, FAKE_INSN(FAKE_CALL, 0, 0, 0));
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 4);
    assert_int_equal(f.v[0].executed, 1);
}

static void a_range_step_ends_outside_and_steps_at_least_once(void **state)
{
    struct gd_action a = { .mode = GD_RANGE, .start = CODE, .end = CODE + 0x14 };

    (void)state;
    engine_begin(1);
    assert_int_equal(gd_engine_resume(&f.e, &a), 0);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 0x14);
    assert_int_equal(gd_engine_resume(&f.e, &a), 0); /* outside already */
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 0x18);
    a.start = a.end = CODE + 0x18;
    assert_int_equal(gd_engine_resume(&f.e, &a), 0);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 0x1c);
}

static void a_range_that_ends_before_it_begins_is_one_step(void **state)
{
    struct gd_action a = { .mode = GD_RANGE, .start = CODE, .end = CODE - 0x1000 };

    (void)state;
    engine_begin(1);
    assert_int_equal(gd_engine_resume(&f.e, &a), 0);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 4);
}

static void a_range_step_stops_at_a_breakpoint_inside(void **state)
{
    struct gd_action a = { .mode = GD_RANGE, .start = CODE, .end = CODE + 0x24 };

    (void)state;
    engine_begin(1);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 12, 4);
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(gd_engine_resume(&f.e, &a), 0);
        assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
        assert_int_equal(engine_pc(0), CODE + 12);
        assert_int_equal(f.v[0].executed, 3 + 9 * (n - 1));
    }
    gd_engine_interrupt(&f.e, 0);
    engine_stop();
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 12, 4);
    assert_int_equal(gd_engine_resume(&f.e, &a), 0);
    fake_run(&f, 0, 500); /* an endless loop inside the range heeds an interrupt */
    gd_engine_interrupt(&f.e, 0);
    assert_int_equal(engine_stop().reason, GD_STOP_INTERRUPT);
}

static void the_others_get_a_slice_when_one_steps_on_or_waits(void **state)
{
    struct gd_action a[2] = { { .mode = GD_RANGE, .start = CODE, .end = CODE + 0x1000 },
                              { .mode = GD_RUN } };

    (void)state;
    engine_begin(2);
    assert_int_equal(gd_engine_resume(&f.e, a), 0);
    fake_run_all(&f, 2000);
    assert_in_range(f.vcpus[0].n.slices, 2000 / 256, 2000 / 256 + 1);
    assert_true(f.v[1].executed > 0);
    gd_engine_interrupt(&f.e, 0);
    engine_stop();
    fake_word(&f, CODE + 0x800, FAKE_INSN(FAKE_WAIT, 0, 0, 0));
    fake_word(&f, CODE + 0x804, FAKE_INSN(FAKE_JUMP, 0, 0xff, 0xff));
    engine_set_pc(0, CODE + 0x800);
    f.vcpus[0].n.slices = 0;
    assert_int_equal(gd_engine_resume(&f.e, a), 0);
    fake_run_all(&f, 100);
    assert_true(f.vcpus[0].n.slices >= 10);
}

static void a_step_that_the_host_cannot_do_is_refused_by_name(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(1);
    f.target.hw.step = false; /* what the self-test found, whatever the kernel says */
    engine_go(GD_STEP);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_ERROR);
    assert_int_equal(s.error, GD_E_NOSTEP);
    assert_int_equal(f.vcpus[0].why.error, GD_E_NOSTEP);
    assert_non_null(strstr(gd_strerror(s.error), "single-step"));
    assert_int_equal(f.v[0].executed, 0);
    engine_go(GD_RUN); /* everything else goes on */
    fake_run(&f, 0, 10);
    assert_int_equal(f.v[0].executed, 10);
}

/* An instruction that is completed without an entry, and a flag that a step borrows, as arm64 has them. */
static int begin_borrowing(struct gd_cpu *c, struct gd_step *s)
{
    int r = gd_arch_fake.step_begin(c, s);

    if ((s->insn & 0xff) == FAKE_WAIT && !s->breaks) {
        gd_cpu_set(c, FAKE_PC, s->pc + 4);
        return GD_STEP_DONE;
    }
    s->save[0] = gd_cpu_reg(c, FAKE_CONTEXT);
    gd_cpu_set(c, FAKE_CONTEXT, s->save[0] | 0x80);
    return r;
}

static int end_borrowing(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp)
{
    int r = gd_arch_fake.step_exit(c, s, x, temp);

    if (r == GD_STEP_DONE || r == GD_STEP_OTHER)
        gd_cpu_set(c, FAKE_CONTEXT, s->save[0]);
    return r;
}

static void begin_with_borrowing(void)
{
    static struct gd_arch arch;

    arch = gd_arch_fake;
    arch.step_begin = begin_borrowing;
    arch.step_exit = end_borrowing;
    engine_begin_with(1, &arch, NULL);
}

static void a_range_step_meets_a_breakpoint_on_an_instruction_that_is_not_entered(void **state)
{
    const struct gd_action a = { .mode = GD_RANGE, .start = CODE, .end = CODE + 0x20 };

    (void)state;
    for (enum gd_point_type type = GD_SW; type <= GD_HW; type++) {
        begin_with_borrowing();
        fake_word(&f, CODE + 8, FAKE_INSN(FAKE_WAIT, 0, 0, 0));
        assert_int_equal(gd_engine_insert(&f.e, 0, type, CODE + 8, 4), 0);
        assert_int_equal(gd_engine_resume(&f.e, &a), 0);
        engine_stop();
        assert_int_equal(engine_pc(0), CODE + 8);
        assert_int_equal(gd_engine_resume(&f.e, &a), 0); /* and is passed when it was told */
        engine_stop();
        assert_int_equal(engine_pc(0), CODE + 0x20);
        assert_int_equal(engine_hits(CODE + 8), 1);
    }
}

static void a_refused_write_of_a_register_loses_nothing_that_a_step_gave_back(void **state)
{
    const uint8_t zero[8] = { 0 };

    (void)state;
    for (int emulated = 0; emulated < 2; emulated++) {
        begin_with_borrowing();
        if (emulated)
            fake_word(&f, CODE, FAKE_INSN(FAKE_WAIT, 0, 0, 0));
        engine_go(GD_STEP);
        assert_int_equal(engine_stop().reason, GD_STOP_STEP);
        assert_true(gd_engine_reg_set(&f.e, 0, FAKE_RO, zero) < 0);
        assert_int_equal(engine_pc(0), CODE + 4);
        assert_int_equal(engine_reg(0, FAKE_CONTEXT), 0);
    }
}

static void a_vcpu_that_is_lent_has_its_registers_in_the_hardware(void **state)
{
    struct gd_cpu *c = &f.vcpus[0].cpu;

    (void)state;
    engine_begin(1);
    assert_int_equal(gd_cpu_set(c, 1, 5), 0);
    gd_vcpu_lend(&f.e, 0);
    assert_int_equal(f.v[0].reg[1], 5);
    f.v[0].reg[1] = 7; /* whoever has it now */
    assert_int_equal(gd_cpu_reg(c, 1), 7);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_vcpu_that_is_lent_has_its_registers_in_the_hardware),
        T(two_at_one_breakpoint_are_told_one_by_one_and_counted_once_each),
        T(a_hit_that_was_not_told_is_forgotten_with_its_breakpoint),
        T(a_finished_step_is_told_before_the_breakpoint_of_another),
        T(a_second_finished_step_is_told_without_anyone_running),
        T(the_stop_of_a_vcpu_that_stays_halted_waits_for_it),
        T(an_interrupt_that_races_with_a_hit_is_one_stop),
        T(a_pass_over_a_breakpoint_holds_all_others),
        T(a_pass_that_another_stop_ends_is_made_up_for_later),
        T(a_step_is_one_instruction_of_one_vcpu),
        T(an_instruction_that_the_vmm_finishes_is_one_step),
        T(a_range_step_ends_outside_and_steps_at_least_once),
        T(a_range_that_ends_before_it_begins_is_one_step),
        T(a_range_step_stops_at_a_breakpoint_inside),
        T(the_others_get_a_slice_when_one_steps_on_or_waits),
        T(a_step_that_the_host_cannot_do_is_refused_by_name),
        T(a_range_step_meets_a_breakpoint_on_an_instruction_that_is_not_entered),
        T(a_refused_write_of_a_register_loses_nothing_that_a_step_gave_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
