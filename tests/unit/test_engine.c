/* SPDX-License-Identifier: MIT */
/*
 * The engine's contracts on the fake processor, in an order that each test chooses: stops,
 * points, steps, watches. test_engine_ends.c has what begins and ends a session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support_engine.h"

/* ---- breakpoints ---- */

static void a_breakpoint_stops_before_its_instruction_and_is_hidden(void **state)
{
    uint32_t word;
    struct gd_stop s;
    size_t done;

    (void)state;
    engine_begin(1);
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_ADDI, 1, 5, 0));
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4), 0);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 8);
    assert_int_equal(f.v[0].reg[1], 0);
    assert_int_equal(f.ram[8], FAKE_BREAK); /* there, and not shown */
    assert_int_equal(gd_engine_read(&f.e, 0, CODE + 8, &word, 4, &done), 0);
    assert_int_equal(word, FAKE_INSN(FAKE_ADDI, 1, 5, 0));
    assert_int_equal(gd_engine_read(&f.e, 0, CODE + 10, &word, 4, &done), 0);
    assert_int_equal(word, 5);
}

static void a_told_hit_is_passed_when_the_vcpu_goes_on(void **state)
{
    (void)state;
    engine_begin(1);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    for (unsigned n = 1; n <= 5; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
        assert_int_equal(engine_hits(CODE + 8), n);
        assert_int_equal(f.v[0].executed, 2 + 9 * (n - 1));
    }
}

static void a_hardware_breakpoint_does_the_same(void **state)
{
    (void)state;
    engine_begin(1);
    engine_loop(8);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_HW, CODE + 8, 4), 0);
    for (unsigned n = 1; n <= 5; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, GD_STOP_HWBREAK);
        assert_int_equal(engine_hits(CODE + 8), n);
        assert_int_equal(f.v[0].executed, 2 + 9 * (n - 1));
    }
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static void a_breakpoint_stepped_onto_is_hit_when_the_vcpu_goes_on(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 4, 4);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(f.v[0].executed, 1);
    assert_int_equal(engine_hits(CODE + 4), 1);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 8);
}

static void a_step_that_meets_a_breakpoint_is_that_breakpoints_hit(void **state)
{
    (void)state;
    engine_begin(1);
    engine_go(GD_STEP);
    engine_stop();
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 4, 4);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 4);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 8);
    assert_int_equal(engine_hits(CODE + 4), 1);
}

static void a_vcpu_moved_onto_a_breakpoint_hits_it(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x20, 4);
    engine_go(GD_RUN);
    engine_stop();
    engine_set_pc(0, CODE + 0x20);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 0x20);
    assert_int_equal(engine_hits(CODE + 0x20), 1);
}

static void ignored_hits_are_counted_and_passed_exactly(void **state)
{
    (void)state;
    engine_begin(2);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    assert_int_equal(gd_engine_ignore(&f.e, CODE + 8, 40), 0);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(CODE + 8), 41);
    assert_true(gd_engine_ignore(&f.e, CODE + 12, 1) < 0); /* never inserted */
}

static void one_word_serves_two_virtual_addresses(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, FAKE_HIGH + CODE + 8, 4);
    engine_set_pc(0, FAKE_HIGH + CODE);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(FAKE_HIGH + CODE + 8), 1);
    assert_int_equal(engine_hits(CODE + 8), 0);
    assert_int_equal(f.e.nplanted, 1);
    gd_engine_remove(&f.e, 0, GD_SW, FAKE_HIGH + CODE + 8, 4);
    engine_set_pc(0, CODE);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static void a_hit_through_another_virtual_address_is_passed_silently(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, FAKE_HIGH + CODE + 0x40, 4);
    engine_set_pc(0, FAKE_HIGH + CODE);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), FAKE_HIGH + CODE + 0x40);
    assert_int_equal(engine_hits(CODE + 8), 0);
    assert_int_equal(f.v[0].executed, 16);
    assert_int_equal(f.vcpus[0].n.false_hits, 1);
}

static void where_memory_cannot_be_written_a_slot_is_taken(void **state)
{
    (void)state;
    engine_begin(1);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, FAKE_ROM + 8, 4), 0);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, 5ULL << 32, 4), 0); /* not mapped yet */
    engine_set_pc(0, FAKE_ROM);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), FAKE_ROM + 8);
    assert_int_equal(f.e.nplanted, 0);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), FAKE_ROM + 12);
}

static void a_slot_that_stops_behind_is_said_to(void **state)
{
    struct gd_arch arch = gd_arch_fake;
    char text[512] = "";
    struct gd_out o;

    (void)state;
    arch.hbreak_after = arch.hbreak_is_soft = true;
    engine_begin_with(1, &arch, NULL);
    for (unsigned n = 0; n < 2; n++) {
        enum gd_point_type type = n ? GD_HW : GD_SW;

        assert_int_equal(gd_engine_insert(&f.e, 0, type, FAKE_ROM + 8, 4), 0);
        gd_out_init(&o, text, sizeof(text) - 1);
        gd_engine_print_slots(&f.e, &o);
        assert_non_null(strstr(text, "writable memory), stops behind its instruction"));
        gd_engine_remove(&f.e, 0, type, FAKE_ROM + 8, 4);
    }
}

/* ---- registers that travel together ---- */

static const uint64_t block[GD_REG_WORDS] = { 0x0f };
static unsigned gets, sets;

static int block_get(void *ctx, unsigned vcpu, uint64_t *values)
{
    (void)ctx;
    gets++;
    memcpy(values, f.v[vcpu].reg, 4 * sizeof(values[0]));
    return 0;
}

static int block_set(void *ctx, unsigned vcpu, const uint64_t *values)
{
    (void)ctx;
    sets++;
    memcpy(f.v[vcpu].reg, values, 4 * sizeof(values[0]));
    return 0;
}

static int (*plain_get)(void *ctx, unsigned vcpu, unsigned num, uint64_t *value);

static int no_block_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    assert_true(num > 3);
    return plain_get(ctx, vcpu, num, value);
}

static void registers_that_travel_together_are_read_once_and_written_once(void **state)
{
    uint8_t seven[8] = { 7 };
    struct gd_backend be;

    (void)state;
    engine_begin(1);
    plain_get = f.e.cfg.be->reg_get;
    be = *f.e.cfg.be;
    be.reg_get = no_block_get;
    be.block = block;
    be.block_get = block_get;
    be.block_set = block_set;
    engine_anew(&gd_arch_fake, &be);
    for (unsigned n = 0; n < 4; n++)
        f.v[0].reg[n] = 100 + n;
    gets = sets = 0;
    assert_int_equal(gd_engine_reg_set(&f.e, 0, 2, seven), 0); /* none is known yet */
    assert_int_equal(sets, 1);
    assert_int_equal(f.v[0].reg[2], 7);
    gets = 0;
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(engine_reg(0, n), n == 2 ? 7 : 100 + n);
    assert_int_equal(gets, 1);
    engine_go(GD_STEP);
    engine_stop();
    f.v[0].reg[1] = 55; /* as the guest would */
    gets = sets = 0;
    assert_int_equal(engine_reg(0, 1), 55);
    assert_int_equal(engine_reg(0, 3), 103);
    assert_int_equal(gets, 1);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(sets, 0);
}

static void a_client_writes_behind_its_breakpoint(void **state)
{
    uint32_t insn = FAKE_INSN(FAKE_ADDI, 3, 9, 0);
    size_t done;

    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    engine_stop();
    assert_int_equal(gd_engine_write(&f.e, 0, CODE + 8, &insn, 4, &done), 0);
    assert_int_equal(f.ram[8], FAKE_BREAK);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(f.v[0].reg[3], 9);
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_memory_equal(f.ram + 8, &insn, 4);
}

static void what_the_guest_wrote_over_a_breakpoint_stays(void **state)
{
    char text[1024] = "";
    struct gd_out o;
    uint32_t seen;
    size_t done;

    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_STEP);
    engine_stop();
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_ADDI, 2, 1, 0)); /* as the guest's own store would */
    gd_engine_read(&f.e, 0, CODE + 8, &seen, 4, &done);
    assert_int_equal(seen, FAKE_INSN(FAKE_ADDI, 2, 1, 0));
    gd_out_init(&o, text, sizeof(text) - 1);
    gd_engine_print_slots(&f.e, &o);
    assert_non_null(strstr(text, "written over by the guest"));
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static void a_breakpoint_that_the_guest_wrote_over_is_planted_again_on_insertion(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x40, 4);
    engine_go(GD_STEP);
    engine_stop();
    fake_word(&f, CODE + 0x40, FAKE_INSN(FAKE_ADDI, 2, 1, 0));
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 0x40, 4); /* as GDB does at every stop */
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x40, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 0x40);
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 0x40, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(f.v[0].reg[2], 1);
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static void the_guests_own_breakpoint_under_ours_reaches_the_guest(void **state)
{
    (void)state;
    engine_begin(1);
    fake_word(&f, CODE + 8, FAKE_BREAK); /* of our kind */
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), FAKE_VECTOR);
    assert_int_equal(engine_reg(0, FAKE_SYS), CODE + 8);
    assert_int_equal(engine_hits(CODE + 8), 1);
}

static void a_foreign_breakpoint_ends_a_step_at_the_guests_vector(void **state)
{
    (void)state;
    engine_begin(1);
    fake_word(&f, CODE, FAKE_INSN(FAKE_BREAK, 1, 0, 0));
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x80, 4); /* so that such instructions are diverted */
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), FAKE_VECTOR);
    assert_int_equal(f.vcpus[0].n.injected, 1);
}

static int plan_next(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                     struct gd_hw_set *set, struct gd_why *why)
{
    int err = gd_arch_fake.plan(t, wants, n, set, why);

    for (unsigned i = 0; i < 4; i++)
        set->b[i].value += set->b[i].ctrl ? 4 : 0;
    return err;
}

static void a_raw_pair_that_stops_elsewhere_than_its_value_says_is_passed_too(void **state)
{
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    arch.plan = plan_next;
    engine_begin_with(1, &arch, NULL);
    engine_loop(8);
    assert_int_equal(gd_engine_insert_raw(&f.e, false, (struct gd_hw_pair){ 0x411, CODE + 4 }), 0);
    for (unsigned n = 1; n <= 3; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, GD_STOP_HWBREAK);
        assert_int_equal(engine_pc(0), CODE + 8);
        assert_int_equal(engine_hits(CODE + 4), n);
        assert_int_equal(f.v[0].executed, 2 + 9 * (n - 1));
    }
}

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

/* ---- watchpoints ---- */

static void begin_stores(unsigned nvcpus)
{
    engine_begin(nvcpus);
    engine_loop(8);
    fake_word(&f, CODE + 4, FAKE_INSN(FAKE_ADDI, 1, 1, 0));
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_STORE, 1, 2, 3)); /* 8 bytes at r2 */
    for (unsigned i = 0; i < nvcpus; i++)
        f.v[i].reg[2] = DATA + 0x100 * i;
}

static void a_watched_store_is_told_once_before_it_is_done(void **state)
{
    (void)state;
    begin_stores(1);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_WRITE, DATA + 5, 1), 0);
    for (unsigned n = 1; n <= 4; n++) {
        struct gd_stop s;

        engine_go(GD_RUN);
        s = engine_stop();
        assert_int_equal(s.reason, GD_STOP_WATCH);
        assert_true(s.before);
        assert_int_equal(s.addr, DATA + 5); /* in the watched range */
        assert_int_equal(f.ram[DATA - FAKE_RAM], n - 1);
        assert_int_equal(engine_hits(DATA + 5), n);
    }
    engine_go(GD_STEP);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(f.ram[DATA - FAKE_RAM], 4);
}

/* As the debug registers have it: the top bits are none of the address. */
static int plan_untagged(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                         struct gd_hw_set *set, struct gd_why *why)
{
    int err = gd_arch_fake.plan(t, wants, n, set, why);

    for (unsigned i = 0; i < GD_HW_MAX; i++)
        set->w[i].value &= ~0ull >> 8;
    return err;
}

static void a_watchpoint_at_a_tagged_address_is_hit_by_any_tag(void **state)
{
    const uint64_t tagged = 0xabull << 56 | (DATA + 4);
    struct gd_arch arch = gd_arch_fake;
    struct gd_stop s;

    (void)state;
    arch.tag_bits = 8;
    arch.plan = plan_untagged;
    begin_stores(1);
    engine_anew(&arch, NULL);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_WRITE, tagged, 4), 0);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_int_equal(s.addr, tagged); /* as the client knows it */
    gd_engine_remove(&f.e, 0, GD_WRITE, tagged, 4);
    gd_engine_insert(&f.e, 0, GD_WRITE, tagged + 4, 4); /* beside the store */
    engine_go(GD_RUN);
    fake_run_all(&f, 300);
    assert_false(gd_engine_take_stop(&f.e, &s));
}

static void a_watched_store_that_was_not_told_is_counted_once(void **state)
{
    (void)state;
    begin_stores(2);
    f.v[1].reg[2] = DATA;
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    engine_both_hit();
    engine_stop();
    assert_int_equal(engine_hits(DATA), 1);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_WATCH);
    assert_int_equal(engine_hits(DATA), 2);
}

static void an_ignored_watchpoint_does_not_hide_another_one(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_stores(1);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA + 4, 4);
    gd_engine_ignore(&f.e, DATA, 100);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_int_equal(s.addr, DATA + 4);
    assert_int_equal(f.v[0].executed - 3, 0); /* the access has begun, not ended */
}

static void stores_beside_the_watched_bytes_do_not_stop(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_stores(1);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA + 8, 8);
    gd_engine_insert(&f.e, 0, GD_READ, DATA, 8); /* and a store is no load */
    engine_go(GD_RUN);
    fake_run_all(&f, 300);
    assert_false(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(f.vcpus[0].n.exits, 300 / 7 + 1);
}

/* A store-exclusive: only a sequence that begins again at CODE stores, and is run up to a word
 * planted behind it. */
static void exclusive_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                            struct gd_event *ev)
{
    gd_arch_fake.event(c, x, set, ev);
    ev->access.exclusive = ev->kind == GD_EV_WATCH;
}

static int begin_sequence(struct gd_cpu *c, struct gd_step *s)
{
    if (!s->sequence)
        return gd_arch_fake.step_begin(c, s);
    gd_cpu_set(c, FAKE_PC, CODE);
    s->use_hw = false;
    s->ntemp = 1;
    s->temp[0].va = s->temp[0].gpa = CODE + 16;
    return GD_STEP_ENTER;
}

static int end_sequence(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp)
{
    if (s->use_hw)
        return gd_arch_fake.step_exit(c, s, x, temp);
    return temp >= 0 ? GD_STEP_DONE : GD_STEP_OTHER;
}

static void begin_exclusive(unsigned nvcpus)
{
    static struct gd_arch arch;

    begin_stores(nvcpus);
    arch = gd_arch_fake;
    arch.event = exclusive_event;
    arch.step_begin = begin_sequence;
    arch.step_exit = end_sequence;
    engine_anew(&arch, NULL);
}

static void a_watched_exclusive_store_is_told_once_after_its_whole_sequence(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_exclusive(1);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    for (unsigned n = 1; n <= 3; n++) {
        engine_go(GD_RUN);
        s = engine_stop();
        assert_int_equal(s.reason, GD_STOP_WATCH);
        assert_false(s.before);
        assert_int_equal(engine_pc(0), CODE + 16);
        assert_int_equal(engine_hits(DATA), n);
        assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
    }
}

static void a_watched_exclusive_store_is_not_lost_when_its_sequence_is_cut_short(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_exclusive(2);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    fake_run(&f, 0, 3); /* the store, which hits */
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    f.v[0].reg[FAKE_PC] = CODE + 12; /* the store is done; then a kick */
    gd_engine_interrupt(&f.e, 1);
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_NONE });
    s = engine_stop();
    if (s.reason == GD_STOP_INTERRUPT) {
        engine_go(GD_RUN);
        s = engine_stop();
    }
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_int_equal(s.vcpu, 0);
    assert_int_equal(engine_pc(0), CODE + 12);
}

static void a_watched_exclusive_store_is_not_told_after_its_watchpoint_went(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_exclusive(1);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    fake_run(&f, 0, 3);
    gd_engine_interrupt(&f.e, 0);
    assert_int_equal(engine_stop().reason, GD_STOP_INTERRUPT);
    gd_engine_remove(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    fake_run_all(&f, 200);
    assert_false(gd_engine_take_stop(&f.e, &s));
}

static void a_breakpoint_inside_an_exclusive_sequence_is_passed_with_all_of_it(void **state)
{
    (void)state;
    begin_exclusive(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 4, 4);
    gd_engine_ignore(&f.e, CODE + 4, 3);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(CODE + 4), 4);
    assert_int_equal(f.ram[DATA - FAKE_RAM], 3); /* each pass has stored */
    assert_int_equal(f.vcpus[0].n.step_overs, 3);
    engine_go(GD_RUN);
    engine_stop();
    assert_int_equal(f.ram[DATA - FAKE_RAM], 4);
    assert_int_equal(f.v[0].executed, 4 * 9 + 1 + 4);
}

/* ---- device accesses ---- */

static int undone;

static int undo(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
    undone++;
    return 0;
}

static int cannot_undo(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
    return GD_E_BACKEND;
}

static uint64_t fence_at;

static unsigned one_fence_word(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t *va,
                               uint64_t *gpa, unsigned max)
{
    (void)c;
    (void)set;
    (void)max;
    va[0] = gpa[0] = fence_at;
    return 1;
}

static void the_fence_of_a_watchpoint_moves_with_the_vectors_of_the_guest(void **state)
{
    static struct gd_arch arch;

    (void)state;
    arch = gd_arch_fake;
    arch.fence = one_fence_word;
    fence_at = CODE + 0x800;
    engine_begin_with(2, &arch, NULL);
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_CALL, 0, 0, 0));
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_RUN);
    fake_run(&f, 0, 20);
    assert_int_equal(f.ram[0x800], FAKE_BREAK);
    fence_at = CODE + 0x900;
    fake_run(&f, 1, 2); /* no exit yet */
    assert_int_equal(f.ram[0x800], FAKE_BREAK);
    fake_run(&f, 1, 20);
    assert_int_equal(f.ram[0x800], FAKE_NOP);
    assert_int_equal(f.ram[0x900], FAKE_BREAK);
    fake_run(&f, 0, 20);
    assert_int_equal(f.ram[0x900], FAKE_BREAK);
    gd_engine_interrupt(&f.e, 0);
    assert_int_equal(engine_stop().reason, GD_STOP_INTERRUPT);
    gd_engine_remove(&f.e, 0, GD_WRITE, DATA, 8);
    engine_go(GD_STEP);
    engine_stop();
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static unsigned events, passes;

/* At the fence's word: an access of ours to DATA, undone. */
static void event_at_fence(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                           struct gd_event *ev)
{
    (void)x;
    (void)set;
    events++;
    gd_cpu_set(c, FAKE_PC, CODE + 8);
    *ev = (struct gd_event){ .kind = GD_EV_WATCH,
                             .pc = CODE + 8,
                             .slots = 1,
                             .access = { .addr = DATA, .len = 8, .write = true } };
}

static int begin_at_store(struct gd_cpu *c, struct gd_step *s)
{
    (void)c;
    assert_true(s->lift_watch);
    return GD_STEP_ENTER;
}

/* With ours lifted the guest's own watchpoint is hit: it stands at its vector. */
static int end_at_fence(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    (void)s;
    (void)x;
    (void)temp_hit;
    gd_cpu_set(c, FAKE_PC, fence_at);
    return GD_STEP_DONE;
}

static bool pass_fence(struct gd_cpu *c)
{
    passes++;
    gd_cpu_set(c, FAKE_PC, fence_at + 4);
    return true;
}

static void a_watchpoint_of_the_guest_on_the_same_access_reaches_its_handler(void **state)
{
    static const struct gd_exit debug = { .kind = GD_EXIT_DEBUG };
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    arch.fence = one_fence_word;
    arch.event = event_at_fence;
    arch.step_begin = begin_at_store;
    arch.step_exit = end_at_fence;
    arch.pass = pass_fence;
    fence_at = CODE + 0x800;
    engine_begin_with(1, &arch, NULL);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    gd_engine_ignore(&f.e, DATA, 1000);
    engine_go(GD_RUN);
    for (unsigned n = 1; n <= 2; n++) {
        assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER);
        f.v[0].reg[FAKE_PC] = fence_at; /* ours is hit */
        gd_vcpu_exit(&f.e, 0, &debug);
        assert_int_equal(events, n);
        assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
        assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
        gd_vcpu_exit(&f.e, 0, &debug);
        assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER);
        gd_vcpu_exit(&f.e, 0, &debug); /* the word of the fence at the guest's vector */
        assert_int_equal(events, n);
        assert_int_equal(passes, n);
        assert_int_equal(engine_hits(DATA), n);
    }
}

static void begin_device(int (*how)(void *, unsigned))
{
    static struct gd_backend be;

    begin_stores(1);
    f.v[0].reg[2] = FAKE_DEVICE + 0x10;
    f.v[0].reg[FAKE_PC] = CODE + 8;
    be = *f.e.cfg.be;
    be.undo_mmio = how;
    undone = 0;
    engine_anew(&gd_arch_fake, &be);
    gd_engine_insert(&f.e, 0, GD_WRITE, FAKE_DEVICE + 0x10, 4);
}

static const struct gd_exit device_store = {
    .kind = GD_EXIT_MMIO, .addr = FAKE_DEVICE + 0x10, .len = 8, .write = true
};

static void a_watched_device_access_is_told_before_the_device_sees_it(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_device(undo);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER);
    assert_int_equal(gd_vcpu_exit(&f.e, 0, &device_store), GD_AGAIN);
    assert_int_equal(undone, 1);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_true(s.before);
    engine_go(GD_RUN); /* now the access itself */
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_exit(&f.e, 0, &device_store), GD_NOT_DEBUG);
    f.v[0].reg[FAKE_PC] += 4;
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_OTHER });
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER);
    assert_int_equal(undone, 1);
    assert_int_equal(engine_hits(FAKE_DEVICE + 0x10), 1);
}

static void a_watched_device_access_that_cannot_be_undone_is_told_after_it(void **state)
{
    struct gd_stop s;

    (void)state;
    begin_device(cannot_undo);
    engine_go(GD_STEP);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_exit(&f.e, 0, &device_store), GD_NOT_DEBUG);
    f.v[0].reg[FAKE_PC] += 4;
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_OTHER });
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_PARK);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_false(s.before);
    assert_int_equal(engine_hits(FAKE_DEVICE + 0x10), 1);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_breakpoint_stops_before_its_instruction_and_is_hidden),
        T(a_told_hit_is_passed_when_the_vcpu_goes_on),
        T(a_hardware_breakpoint_does_the_same),
        T(a_breakpoint_stepped_onto_is_hit_when_the_vcpu_goes_on),
        T(a_step_that_meets_a_breakpoint_is_that_breakpoints_hit),
        T(a_vcpu_moved_onto_a_breakpoint_hits_it),
        T(ignored_hits_are_counted_and_passed_exactly),
        T(one_word_serves_two_virtual_addresses),
        T(a_hit_through_another_virtual_address_is_passed_silently),
        T(where_memory_cannot_be_written_a_slot_is_taken),
        T(a_slot_that_stops_behind_is_said_to),
        T(registers_that_travel_together_are_read_once_and_written_once),
        T(a_client_writes_behind_its_breakpoint),
        T(what_the_guest_wrote_over_a_breakpoint_stays),
        T(a_breakpoint_that_the_guest_wrote_over_is_planted_again_on_insertion),
        T(the_guests_own_breakpoint_under_ours_reaches_the_guest),
        T(a_foreign_breakpoint_ends_a_step_at_the_guests_vector),
        T(a_raw_pair_that_stops_elsewhere_than_its_value_says_is_passed_too),
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
        T(a_watched_store_is_told_once_before_it_is_done),
        T(a_watchpoint_at_a_tagged_address_is_hit_by_any_tag),
        T(a_watched_store_that_was_not_told_is_counted_once),
        T(an_ignored_watchpoint_does_not_hide_another_one),
        T(stores_beside_the_watched_bytes_do_not_stop),
        T(a_watched_exclusive_store_is_told_once_after_its_whole_sequence),
        T(a_watched_exclusive_store_is_not_lost_when_its_sequence_is_cut_short),
        T(a_watched_exclusive_store_is_not_told_after_its_watchpoint_went),
        T(a_breakpoint_inside_an_exclusive_sequence_is_passed_with_all_of_it),
        T(the_fence_of_a_watchpoint_moves_with_the_vectors_of_the_guest),
        T(a_watchpoint_of_the_guest_on_the_same_access_reaches_its_handler),
        T(a_watched_device_access_is_told_before_the_device_sees_it),
        T(a_watched_device_access_that_cannot_be_undone_is_told_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
