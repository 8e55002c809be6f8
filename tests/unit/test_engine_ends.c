/* SPDX-License-Identifier: MIT */
/*
 * The engine's contracts on the fake processor: tables and what is full, resources borrowed
 * from the guest, the ends of a session, lost vCPUs, resets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bits.h"
#include "engine/patch.h"
#include "support_engine.h"

/* ---- tables ---- */

static void a_full_table_is_refused_and_room_is_used_again(void **state)
{
    (void)state;
    engine_begin(1);
    for (unsigned n = 0; n < FAKE_POINTS; n++)
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x100 + 4 * n, 4), 0);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 4, 4), GD_E_FULL);
    assert_int_equal(f.e.why.error, GD_E_FULL);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x100, 4), 0); /* has its place */
    assert_int_equal(gd_engine_remove(&f.e, 0, GD_SW, CODE + 0x120, 4), 0);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 4, 4), 0);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 4);
    assert_int_equal(f.e.nplanted, FAKE_POINTS);
}

/* Points and their words come and go in any order, with and without resumes between. */
static void points_that_come_and_go_leave_no_word_behind(void **state)
{
    uint32_t random = 1;

    (void)state;
    engine_begin(1);
    for (unsigned n = 0; n < 20000; n++) {
        uint64_t at, va;

        random = random * 1664525 + 1013904223;
        at = CODE + 0x200 + 4 * (random >> 8 & 127);
        va = random >> 20 & 1 ? FAKE_HIGH + at : at;
        if (random >> 30)
            gd_engine_remove(&f.e, 0, GD_SW, va, 4);
        else
            assert_true(gd_engine_insert(&f.e, 0, GD_SW, va, 4) != GD_E_ARG);
        if (n % 50)
            continue;
        engine_set_pc(0, CODE);
        engine_go(GD_STEP);
        assert_int_equal(engine_stop().reason, GD_STOP_STEP);
        for (unsigned i = 0; i < 128; i++) {
            uint64_t word = CODE + 0x200 + 4 * i;
            bool wanted = false;

            for (unsigned p = 0; p < f.e.npoint_used; p++)
                wanted |= f.points[p].wanted && f.points[p].want.addr % FAKE_HIGH == word;
            assert_int_equal(f.ram[word - FAKE_RAM] == FAKE_BREAK, wanted);
        }
    }
    assert_true(gd_engine_detach(&f.e, true));
    assert_null(fake_traces(&f));
}

static void full_debug_registers_are_refused_and_freed_ones_used_again(void **state)
{
    (void)state;
    engine_begin(1);
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x100 + 4 * n, 4), 0);
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_WRITE, DATA + 8 * n, 8), 0);
    }
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_HW, CODE + 8, 4), GD_E_NOBREAK);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_READ, DATA + 64, 8), GD_E_NOWATCH);
    gd_engine_remove(&f.e, 0, GD_HW, CODE + 0x104, 4);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_HW, CODE + 8, 4), 0);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_HWBREAK);
    assert_int_equal(engine_pc(0), CODE + 8);
}

static void points_that_went_and_came_back_change_no_debug_register(void **state)
{
    uint64_t generation;

    (void)state;
    engine_begin(1);
    for (unsigned n = 0; n < 3; n++)
        gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x100 + 4 * n, 4);
    engine_go(GD_STEP);
    engine_stop();
    generation = f.e.generation;
    for (unsigned n = 0; n < 3; n++)
        gd_engine_remove(&f.e, 0, GD_HW, CODE + 0x100 + 4 * n, 4);
    for (unsigned n = 3; n-- > 0;) /* and in another order */
        gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x100 + 4 * n, 4);
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(f.e.generation, generation);
}

/* ---- many points ---- */

#define MANY 10000

static struct gd_point many_points[MANY];
static struct gd_patch many_patches[MANY];
static uint16_t many_hash[2 << 14];
static const struct gd_backend *plain;
static unsigned long looks;

static void *counting_mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    looks++;
    return plain->mem(ctx, gpa, len, write, error);
}

static void ten_thousand_breakpoints_cost_a_stop_no_more_than_one(void **state)
{
    struct gd_engine_config cfg;
    struct gd_backend be;
    struct gd_stop s;

    (void)state;
    fake_open(&f, 1, true);
    plain = f.e.cfg.be;
    be = *plain;
    be.mem = counting_mem;
    cfg = f.e.cfg;
    cfg.be = &be;
    cfg.points = many_points;
    cfg.patches = many_patches;
    cfg.hash = many_hash;
    cfg.hash_bits = 14;
    cfg.npoints = MANY;
    assert_int_equal(gd_engine_init(&f.e, &cfg), 0);
    gd_engine_attach(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    engine_loop(8);
    for (unsigned n = 0; n < MANY - 2; n++)
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x100 + 4 * n, 4), 0);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 16, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    looks = 0;
    for (unsigned n = 0; n < 10; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, n % 2 ? GD_STOP_SWBREAK : GD_STOP_HWBREAK);
    }
    assert_in_range(looks, 1, 10 * 10);
}

/* ---- words that cannot be planted ---- */

static bool gone;

static void *going_mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    if (gone && gd_overlap(gpa, len, CODE + 0x40, 4)) {
        *error = GD_E_NOTRAM;
        return NULL;
    }
    return plain->mem(ctx, gpa, len, write, error);
}

static void a_word_that_cannot_be_planted_refuses_the_resume_until_it_is_removed(void **state)
{
    struct gd_action a = { .mode = GD_RUN };
    struct gd_backend be;

    (void)state;
    engine_begin(1);
    plain = f.e.cfg.be;
    be = *plain;
    be.mem = going_mem;
    gone = false;
    engine_anew(&gd_arch_fake, &be);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x20, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x40, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x60, 4);
    gone = true;
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(gd_engine_resume(&f.e, &a), GD_E_READONLY);
        assert_int_equal(f.e.why.addr, CODE + 0x40);
        assert_true(gd_engine_stopped(&f.e));
    }
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 0x40, 4);
    for (unsigned n = 1; n <= 2; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
        assert_int_equal(engine_pc(0), n == 1 ? CODE + 0x20 : CODE + 0x60);
    }
}

/* ---- while it runs ---- */

static void nothing_is_changed_or_read_while_a_vcpu_runs(void **state)
{
    struct gd_action a = { .mode = GD_RUN };
    uint8_t b[8];
    size_t done;

    (void)state;
    engine_begin(1);
    engine_go(GD_RUN);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_SW, CODE, 4), GD_E_RUNNING);
    assert_int_equal(gd_engine_remove(&f.e, 0, GD_SW, CODE, 4), GD_E_RUNNING);
    assert_int_equal(gd_engine_ignore(&f.e, CODE, 1), GD_E_RUNNING);
    assert_int_equal(gd_engine_read(&f.e, 0, CODE, b, 8, &done), GD_E_RUNNING);
    assert_int_equal(gd_engine_write(&f.e, 0, CODE, b, 8, &done), GD_E_RUNNING);
    assert_int_equal(gd_engine_read_phys(&f.e, CODE, b, 8, &done), GD_E_RUNNING);
    assert_int_equal(gd_engine_reg_get(&f.e, 0, FAKE_PC, b), GD_E_RUNNING);
    assert_int_equal(gd_engine_reg_set(&f.e, 0, FAKE_PC, b), GD_E_RUNNING);
    assert_int_equal(gd_engine_resume(&f.e, &a), GD_E_RUNNING);
    assert_int_equal(gd_engine_reg_get(&f.e, 9, FAKE_PC, b), GD_E_NOTHREAD);
}

static void guest_time_stands_still_from_stop_to_resume(void **state)
{
    struct gd_action none = { .mode = GD_HALT };

    (void)state;
    engine_begin(1);
    assert_true(f.time_held);
    assert_int_equal(gd_engine_resume(&f.e, &none), GD_E_ARG);
    assert_true(f.time_held);
    engine_go(GD_RUN);
    assert_false(f.time_held);
    gd_engine_interrupt(&f.e, 0);
    engine_stop();
    assert_true(f.time_held);
    assert_true(gd_engine_detach(&f.e, true));
    assert_false(f.time_held);
}

static void registers_that_the_client_writes_reach_the_vcpu(void **state)
{
    uint8_t b[8];

    (void)state;
    engine_begin(1);
    gd_store_le(b, 41, 8);
    assert_int_equal(gd_engine_reg_set(&f.e, 0, 1, b), 0);
    assert_int_equal(f.v[0].reg[1], 41);
    fake_word(&f, CODE, FAKE_INSN(FAKE_ADDI, 1, 1, 0));
    engine_go(GD_STEP);
    engine_stop();
    assert_int_equal(engine_reg(0, 1), 42);
}

/* ---- contexts ---- */

static const struct gd_point *point_at(uint64_t addr)
{
    for (unsigned i = 0; i < f.e.npoint_used; i++)
        if (f.points[i].wanted && f.points[i].want.addr == addr)
            return &f.points[i];
    return NULL;
}

static void context_rules_hold_for_hardware_points_inserted_later(void **state)
{
    uint64_t here = CODE + 0x40;

    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x20, 4);
    assert_int_equal(gd_engine_context(&f.e, true, 7, NULL), 0);
    assert_int_equal(gd_engine_context(&f.e, true, 9, &here), 0);
    assert_false(point_at(CODE + 0x20)->want.linked);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x20, 4);
    gd_engine_insert(&f.e, 0, GD_HW, here, 4);
    gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x60, 4);
    assert_true(point_at(CODE + 0x20)->want.linked && point_at(CODE + 0x20)->want.context == 7);
    assert_true(point_at(here)->want.linked && point_at(here)->want.context == 9);
    assert_true(point_at(DATA)->want.linked);
    assert_false(point_at(CODE + 0x60)->want.linked);
    assert_int_equal(gd_engine_context(&f.e, false, 0, NULL), 0);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x20, 4);
    assert_false(point_at(CODE + 0x20)->want.linked);
    for (unsigned n = 0; n < GD_CONTEXT_RULES - 1; n++) {
        uint64_t at = DATA + 8 * n;

        assert_int_equal(gd_engine_context(&f.e, true, 1, &at), 0);
    }
    assert_int_equal(gd_engine_context(&f.e, true, 1, NULL), GD_E_FULL);
    f.target.hw.context = 0;
    assert_int_equal(gd_engine_context(&f.e, true, 1, NULL), GD_E_NOCONTEXT);
}

/* ---- detach ---- */

static void set_some_of_each(void)
{
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, FAKE_HIGH + CODE + 0x10, 4);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 0x40, 4);
    gd_engine_insert(&f.e, 0, GD_ACCESS, DATA, 16);
}

static void a_detach_from_a_stopped_guest_leaves_nothing(void **state)
{
    (void)state;
    engine_begin(2);
    set_some_of_each();
    engine_go(GD_RUN);
    engine_both_hit(); /* one of them untold */
    engine_stop();
    assert_true(gd_engine_detach(&f.e, true));
    assert_null(fake_traces(&f));
    fake_run_all(&f, 100);
    assert_false(gd_engine_stopped(&f.e));
    assert_int_equal(f.vcpus[0].n.steps + f.vcpus[1].n.steps, 0);
}

static void a_detach_from_a_running_guest_stops_it_first(void **state)
{
    (void)state;
    engine_begin(2);
    set_some_of_each();
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_remove(&f.e, 0, GD_HW, CODE + 0x40, 4);
    engine_go(GD_RUN);
    fake_run_all(&f, 50);
    assert_false(gd_engine_detach(&f.e, true));
    assert_int_equal(f.e.nplanted, 1);
    fake_run_all(&f, 50);
    assert_true(gd_engine_detach(&f.e, true));
    assert_null(fake_traces(&f));
}

static void a_detach_in_the_midst_of_a_step_leaves_nothing(void **state)
{
    (void)state;
    engine_begin(2);
    set_some_of_each();
    engine_go(GD_RUN);
    engine_both_hit();
    engine_stop();
    engine_go(GD_RUN);
    gd_vcpu_enter(&f.e, 0, false);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_ENTER_ALONE);
    assert_false(gd_engine_detach(&f.e, true));
    gd_vcpu_exit(&f.e, 0, &(struct gd_exit){ .kind = GD_EXIT_NONE });
    assert_int_equal(gd_vcpu_enter(&f.e, 0, true), GD_PARK);
    fake_run(&f, 1, 5);
    assert_true(gd_engine_detach(&f.e, true));
    assert_null(fake_traces(&f));
}

static void a_detach_that_keeps_the_guest_stopped_lets_the_next_client_begin(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    set_some_of_each();
    engine_go(GD_RUN);
    engine_both_hit();
    engine_stop();
    assert_true(gd_engine_detach(&f.e, false));
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
    fake_run_all(&f, 50);
    assert_true(gd_engine_stopped(&f.e));
    gd_engine_attach(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_HALTED);
    assert_false(gd_engine_take_stop(&f.e, &s));
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_hits(CODE + 8), 1);
}

/* ---- the end of the VM ---- */

static void the_end_of_the_vm_is_told_at_once_and_once_to_each_client(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    engine_go(GD_RUN);
    fake_run_all(&f, 20);
    gd_engine_vm_exited(&f.e, 3);
    assert_true(gd_engine_take_stop(&f.e, &s)); /* although both still run */
    assert_int_equal(s.reason, GD_STOP_EXITED);
    assert_int_equal(s.addr, 3);
    assert_false(gd_engine_take_stop(&f.e, &s));
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_detach(&f.e, true));
    gd_engine_attach(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_EXITED);
}

/* ---- lost vCPUs ---- */

static void a_vcpu_that_does_not_answer_does_not_hide_the_stop(void **state)
{
    struct gd_stop s;
    uint8_t b[8];

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    engine_go(GD_RUN);
    fake_run(&f, 0, 50);
    assert_false(gd_engine_take_stop(&f.e, &s));
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(gd_engine_reg_get(&f.e, 1, FAKE_PC, b), GD_E_LOST);
    fake_run(&f, 1, 1); /* at last */
    assert_int_equal(gd_engine_reg_get(&f.e, 1, FAKE_PC, b), 8);
    assert_int_equal(f.v[1].executed, 0);
}

/* ^C, and vCPU 1 does not answer. */
static void lose_vcpu_1(void)
{
    engine_begin(2);
    engine_go(GD_RUN);
    gd_engine_interrupt(&f.e, 0);
    fake_run(&f, 0, 5);
    gd_engine_give_up(&f.e);
}

static void a_lost_vcpu_goes_on_with_the_others(void **state)
{
    (void)state;
    lose_vcpu_1();
    assert_int_equal(engine_stop().reason, GD_STOP_INTERRUPT);
    engine_go(GD_RUN);
    fake_run_all(&f, 50);
    assert_int_equal(f.v[1].executed, 50);
}

/* Its step would never end for the client, who waits for it alone. */
static void a_lost_vcpu_is_not_stepped(void **state)
{
    struct gd_action a[2] = { { .mode = GD_RUN }, { .mode = GD_STEP } };
    struct gd_stop s;

    (void)state;
    lose_vcpu_1();
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(gd_engine_resume(&f.e, a), GD_E_LOST);
    assert_true(gd_engine_stopped(&f.e)); /* nothing was let go */
    fake_run(&f, 1, 1);                   /* there it is again */
    assert_int_equal(gd_engine_resume(&f.e, a), 0);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
}

static void a_stop_of_a_lost_vcpu_stops_those_that_were_let_go_meanwhile(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    fake_word(&f, CODE + 0x100, FAKE_INSN(FAKE_JUMP, 0, 0, 0)); /* vCPU 0 never stops by itself */
    engine_set_pc(0, CODE + 0x100);
    engine_set_pc(1, CODE + 8);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER);
    gd_engine_interrupt(&f.e, 0);
    fake_run(&f, 0, 1);
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    gd_engine_remove(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 8, 4);
    gd_vcpu_exit(&f.e, 1, &(struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = FAKE_EX_BREAK });
    engine_go(GD_RUN); /* takes back what the lost one had just asked for */
    fake_run(&f, 1, 1);
    assert_false(gd_engine_take_stop(&f.e, &s)); /* but here it is asked again */
    s = engine_stop();
    assert_int_equal(s.reason, GD_STOP_SWBREAK);
    assert_int_equal(s.vcpu, 1);
}

/* vCPU 1 hits a point of this type, but is lost before that can be said, and the client leaves. */
static void lose_a_hit(enum gd_point_type type, unsigned syndrome)
{
    struct gd_stop s;

    engine_begin(2);
    gd_engine_insert(&f.e, 0, type, type <= GD_HW ? CODE + 8 : DATA, 4);
    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_STORE, 1, 2, 2));
    f.v[1].reg[2] = DATA;
    engine_set_pc(1, CODE + 8);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER);
    gd_engine_interrupt(&f.e, 0);
    fake_run(&f, 0, 1);
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_true(gd_engine_detach(&f.e, true));
    gd_vcpu_exit(&f.e, 1, &(struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = syndrome });
    fake_run(&f, 1, 1);
    assert_int_equal(f.v[1].reg[FAKE_PC], CODE + 12); /* not at the guest's vector */
    assert_int_equal(f.vcpus[1].n.injected, 0);
}

static void a_lost_vcpus_hit_of_a_point_that_is_gone_is_not_the_guests(void **state)
{
    (void)state;
    lose_a_hit(GD_SW, FAKE_EX_BREAK);
    lose_a_hit(GD_HW, FAKE_EX_HWBREAK);
    lose_a_hit(GD_WRITE, FAKE_EX_WATCH);
}

static int no_reg(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    (void)ctx;
    (void)num;
    if (vcpu == 1)
        fail_msg("a vCPU that runs was asked for a register");
    *value = 0;
    return 0;
}

static int by_register(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                       struct gd_why *why)
{
    (void)gd_cpu_reg(c, FAKE_SYS);
    return gd_arch_fake.translate(c, va, use, x, why);
}

static void no_register_of_a_lost_vcpu_is_read_for_a_point(void **state)
{
    static struct gd_backend be;
    static struct gd_arch arch;
    struct gd_stop s;

    (void)state;
    arch = gd_arch_fake;
    arch.translate = by_register;
    engine_begin(2);
    be = *f.e.cfg.be;
    engine_anew(&arch, &be);
    engine_go(GD_RUN);
    gd_engine_interrupt(&f.e, 1);
    fake_run(&f, 0, 1);
    gd_engine_give_up(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.vcpu, 0); /* the one that stands, though the client looks at the lost one */
    be.reg_get = no_reg;
    for (enum gd_point_type type = GD_SW; type <= GD_ACCESS; type++)
        assert_int_equal(gd_engine_insert(&f.e, 1, type, CODE + 8, 4), 0);
}

static void time_stands_where_the_guest_is_left_stopped(void **state)
{
    (void)state;
    engine_begin(2);
    engine_go(GD_RUN);
    fake_run_all(&f, 20);
    assert_false(f.time_held);
    assert_false(gd_engine_detach(&f.e, false));
    fake_run_all(&f, 20);
    assert_true(gd_engine_detach(&f.e, false));
    assert_true(gd_engine_stopped(&f.e));
    assert_true(f.time_held);
}

/* ---- reset ---- */

static void a_reset_plants_again_where_memory_was_replaced(void **state)
{
    (void)state;
    engine_begin(1);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x40, 4);
    gd_engine_insert(&f.e, 0, GD_SW, CODE + 0x1000, 4);
    engine_go(GD_RUN);
    fake_run(&f, 0, 5);
    fake_word(&f, CODE + 0x40, FAKE_INSN(FAKE_ADDI, 4, 4, 0)); /* reloaded; the other is not */
    f.v[0].reg[FAKE_PC] = CODE + 0x20;
    gd_engine_reset(&f.e);
    assert_int_equal(engine_stop().reason, GD_STOP_SWBREAK);
    assert_int_equal(engine_pc(0), CODE + 0x40);
    assert_true(gd_engine_detach(&f.e, true));
    assert_memory_equal(f.ram, f.truth, FAKE_RAM_SIZE);
}

static void a_reset_forgets_registers_and_half_made_steps(void **state)
{
    (void)state;
    engine_begin(1);
    engine_pc(0); /* in the cache */
    engine_go(GD_STEP);
    gd_vcpu_enter(&f.e, 0, false);
    gd_vcpu_enter(&f.e, 0, true);
    f.alone = 0;
    f.v[0].reg[FAKE_PC] = CODE + 0x80;
    gd_engine_reset(&f.e);
    assert_int_equal(engine_stop().reason, GD_STOP_STEP);
    assert_int_equal(engine_pc(0), CODE + 0x84);
}

static void a_vcpu_that_is_turned_off_ends_its_step(void **state)
{
    struct gd_stop s;

    (void)state;
    engine_begin(2);
    engine_go_one(1, GD_STEP, GD_RUN);
    gd_vcpu_enter(&f.e, 1, false);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, true), GD_ENTER_ALONE);
    gd_alone_clear(&f.e);
    f.alone = 0;
    f.v[1].reg[FAKE_PC] = CODE + 0x80; /* the call that turns it off is behind it */
    gd_vcpu_off(&f.e, 1);
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_PARK);
    fake_run(&f, 0, 1);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_STEP);
    assert_int_equal(s.vcpu, 1);
    assert_int_equal(engine_pc(1), CODE + 0x80);
    assert_null(fake_traces(&f));
    engine_go(GD_RUN); /* it is on again, and nothing is left to step */
    assert_int_equal(gd_vcpu_enter(&f.e, 1, false), GD_ENTER);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_table_is_refused_and_room_is_used_again),
        T(points_that_come_and_go_leave_no_word_behind),
        T(full_debug_registers_are_refused_and_freed_ones_used_again),
        T(points_that_went_and_came_back_change_no_debug_register),
        T(ten_thousand_breakpoints_cost_a_stop_no_more_than_one),
        T(a_word_that_cannot_be_planted_refuses_the_resume_until_it_is_removed),
        T(nothing_is_changed_or_read_while_a_vcpu_runs),
        T(guest_time_stands_still_from_stop_to_resume),
        T(registers_that_the_client_writes_reach_the_vcpu),
        T(context_rules_hold_for_hardware_points_inserted_later),
        T(a_detach_from_a_stopped_guest_leaves_nothing),
        T(a_detach_from_a_running_guest_stops_it_first),
        T(a_detach_in_the_midst_of_a_step_leaves_nothing),
        T(a_detach_that_keeps_the_guest_stopped_lets_the_next_client_begin),
        T(the_end_of_the_vm_is_told_at_once_and_once_to_each_client),
        T(a_vcpu_that_does_not_answer_does_not_hide_the_stop),
        T(a_lost_vcpu_goes_on_with_the_others),
        T(a_lost_vcpu_is_not_stepped),
        T(a_stop_of_a_lost_vcpu_stops_those_that_were_let_go_meanwhile),
        T(a_lost_vcpus_hit_of_a_point_that_is_gone_is_not_the_guests),
        T(no_register_of_a_lost_vcpu_is_read_for_a_point),
        T(time_stands_where_the_guest_is_left_stopped),
        T(a_reset_plants_again_where_memory_was_replaced),
        T(a_reset_forgets_registers_and_half_made_steps),
        T(a_vcpu_that_is_turned_off_ends_its_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
