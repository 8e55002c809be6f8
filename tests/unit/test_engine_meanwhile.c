/* SPDX-License-Identifier: MIT */
/*
 * What changes under the engine's hands while a vCPU stands or steps: code that moves, words that
 * the guest writes over, others that must get on, registers that the hardware changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support_engine.h"

/* ---- code that moves ---- */

#define OTHER 0x4000 /* where the page of CODE lies later */

static uint64_t moved;

static int moving(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                  struct gd_why *why)
{
    int err = gd_arch_fake.translate(c, va, use, x, why);

    if (va - CODE < FAKE_PAGE)
        x->gpa += moved;
    return err;
}

static void begin_moving(unsigned nvcpus)
{
    static struct gd_arch arch;

    arch = gd_arch_fake;
    arch.translate = moving;
    moved = 0;
    engine_begin_with(nvcpus, &arch, NULL);
    for (unsigned n = 0; n < 16; n++)
        fake_word(&f, CODE + OTHER + 4 * n, FAKE_INSN(FAKE_WAIT, n, 0, 0));
    engine_go_one(0, GD_STEP, GD_HALT);
    engine_stop();
    assert_int_equal(f.vcpus[0].step.insn, FAKE_NOP);
}

static void code_that_another_vcpu_moved_while_this_one_stood_is_looked_for_again(void **state)
{
    (void)state;
    begin_moving(2);
    engine_go_one(1, GD_STEP, GD_HALT);
    engine_stop();
    moved = OTHER; /* by that step of vCPU 1's */
    engine_go_one(0, GD_STEP, GD_HALT);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE); /* the others are held yet */
    assert_int_equal(f.vcpus[0].step.insn & 0xff, FAKE_WAIT);
}

static void code_that_another_vcpu_moves_before_this_one_is_alone_is_looked_for_again(void **state)
{
    (void)state;
    begin_moving(2);
    engine_go_one(0, GD_STEP, GD_RUN);
    fake_run(&f, 1, 3);
    moved = OTHER;
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER_ALONE);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_int_equal(f.vcpus[0].step.insn & 0xff, FAKE_WAIT);
}

static void an_instruction_that_may_move_code_ends_what_is_known_of_it(void **state)
{
    (void)state;
    begin_moving(1);
    fake_word(&f, CODE + 4, FAKE_INSN(FAKE_CALL, 0, 0, 0)); /* not plain */
    engine_go_one(0, GD_STEP, GD_HALT);
    engine_stop();
    moved = OTHER;
    engine_go_one(0, GD_STEP, GD_HALT);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_int_equal(f.vcpus[0].step.insn & 0xff, FAKE_WAIT);
}

static void a_breakpoint_goes_with_the_page_that_its_address_names_now(void **state)
{
    (void)state;
    begin_moving(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x20, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(f.ram[0x20], FAKE_BREAK);
    moved = OTHER;
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x20, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(f.ram[0x20], FAKE_NOP);
    assert_int_equal(f.ram[OTHER + 0x20], FAKE_BREAK);
    assert_int_equal(f.e.nplanted, 1);
    assert_true(gd_engine_detach(&f.e, true));
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

/* ---- words that the guest writes over ---- */

static void what_the_guest_wrote_over_a_told_breakpoint_is_executed_and_kept(void **state)
{
    (void)state;
    engine_begin(1);
    engine_loop(8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    engine_stop();
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_ADDI, 2, 1, 0)); /* another vCPU's or a device's store */
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(f.v[0].reg[2], 1);
    assert_true(gd_engine_detach(&f.e, true));
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

/* ---- others that must get on ---- */

static int begin_waiting(struct gd_cpu *c, struct gd_step *s)
{
    int r = gd_arch_fake.step_begin(c, s);

    s->waits = true;
    return r;
}

static int never_over(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit)
{
    (void)c;
    (void)s;
    (void)x;
    (void)temp_hit;
    return GD_STEP_ENTER;
}

static void the_others_get_a_slice_within_a_step_that_waits_for_them(void **state)
{
    static struct gd_arch arch;

    (void)state;
    arch = gd_arch_fake;
    arch.step_begin = begin_waiting;
    arch.step_exit = never_over;
    engine_begin_with(2, &arch, NULL);
    engine_go_one(0, GD_STEP, GD_RUN);
    fake_run_all(&f, 100);
    assert_true(f.v[1].executed > 0);
    assert_int_equal(f.vcpus[0].n.steps, 0);
}

/* ---- points side by side ---- */

/* As a processor has it whose context is not that of the first watchpoint. */
static void only_the_second(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                            struct gd_event *ev)
{
    gd_arch_fake.event(c, x, set, ev);
    ev->slots &= 2;
}

static void a_linked_watchpoint_is_hit_only_where_the_hardware_says_so(void **state)
{
    static struct gd_arch arch;
    struct gd_stop s;

    (void)state;
    arch = gd_arch_fake;
    arch.event = only_the_second;
    engine_begin_with(1, &arch, NULL);
    fake_word(&f, CODE + 4, FAKE_INSN(FAKE_STORE, 1, 2, 3));
    f.v[0].reg[2] = DATA;
    gd_engine_context(&f.e, true, 5, &(uint64_t){ DATA });
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8); /* in context 5 */
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA + 4, 1);
    engine_go(GD_RUN);
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_WATCH);
    assert_int_equal(s.addr, DATA + 4);
    assert_int_equal(engine_hits(DATA), 0);
}

static void a_point_that_hits_are_ignored_for_keeps_its_place_in_a_full_table(void **state)
{
    const uint64_t at = CODE + 8;

    (void)state;
    engine_begin(1);
    engine_loop(4);
    gd_engine_insert(&f.e, 0, GD_SW, at, 4);
    gd_engine_ignore(&f.e, at, 3);
    gd_engine_remove(&f.e, 0, GD_SW, at, 4); /* as GDB does at every stop */
    for (unsigned n = 1; n < FAKE_POINTS; n++)
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x800 + 4 * n, 4), 0);
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 0x804, 4);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x700, 4), 0);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, at, 4), 0);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(at), 4);
}

/* ---- registers ---- */

static void what_was_not_flushed_is_forgotten_even_where_the_hardware_kept_it(void **state)
{
    static const uint64_t all[GD_REG_WORDS] = { ~0ull, ~0ull, ~0ull, ~0ull };
    struct gd_cpu *c = &f.vcpus[0].cpu;

    (void)state;
    engine_begin(1);
    assert_int_equal(gd_cpu_reg(c, 3), 0);
    gd_cpu_set(c, 3, 7);
    gd_cpu_forget_but(c, all);
    assert_int_equal(gd_cpu_reg(c, 3), 0);
    f.v[0].reg[4] = 1;
    assert_int_equal(gd_cpu_reg(c, 4), 1);
    f.v[0].reg[4] = 2;
    gd_cpu_forget_but(c, all);
    assert_int_equal(gd_cpu_reg(c, 4), 1); /* kept: not read again */
    gd_cpu_forget(c);
    assert_int_equal(gd_cpu_reg(c, 4), 2);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(code_that_another_vcpu_moved_while_this_one_stood_is_looked_for_again),
        T(code_that_another_vcpu_moves_before_this_one_is_alone_is_looked_for_again),
        T(an_instruction_that_may_move_code_ends_what_is_known_of_it),
        T(a_breakpoint_goes_with_the_page_that_its_address_names_now),
        T(what_the_guest_wrote_over_a_told_breakpoint_is_executed_and_kept),
        T(the_others_get_a_slice_within_a_step_that_waits_for_them),
        T(a_linked_watchpoint_is_hit_only_where_the_hardware_says_so),
        T(a_point_that_hits_are_ignored_for_keeps_its_place_in_a_full_table),
        T(what_was_not_flushed_is_forgotten_even_where_the_hardware_kept_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
