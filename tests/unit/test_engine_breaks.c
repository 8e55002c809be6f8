/* SPDX-License-Identifier: MIT */
/*
 * The engine's breakpoints on the fake processor: planted, in slots, hit, passed over, hidden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bits.h"
#include "support_engine.h"

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

static unsigned masked;

static void masked_event(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                         struct gd_event *ev)
{
    gd_arch_fake.event(c, x, set, ev);
    if (masked)
        *ev = (struct gd_event){ .kind = GD_EV_HWBP, .pc = ev->pc, .masked = true };
    masked -= masked != 0;
}

static void a_point_of_the_guests_that_it_has_masked_is_passed_over(void **state)
{
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    masked = 2;
    arch.event = masked_event;
    engine_begin(1);
    engine_anew(&arch, NULL);
    engine_loop(4);
    gd_engine_insert(&f.e, 0, GD_HW, CODE + 8, 4);
    engine_go(GD_RUN);
    assert_int_equal(engine_stop().reason, GD_STOP_HWBREAK);
    assert_int_equal(f.vcpus[0].n.step_overs, 2);
    assert_int_equal(f.vcpus[0].n.injected, 0);
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

static unsigned mapping; /* the vCPU whose tables have all addresses */
static unsigned flat;    /* one that does not translate; the others map nothing */

static int translate_by_vcpu(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                             struct gd_why *why)
{
    (void)use;
    *x = (struct gd_xlate){ .gpa = va, .page = 4096, .writable = true, .executable = true };
    x->level = c->index == flat ? GD_NO_LEVEL : 3;
    return c->index == mapping || c->index == flat ? 0
                                                   : gd_why_level(why, GD_E_UNMAPPED, va, 3, NULL);
}

/* Its word would lie where the number of the address says, in memory of whoever is there. */
static void a_vcpu_that_does_not_translate_has_no_say_for_another_one(void **state)
{
    static const struct {
        unsigned of, mapping, flat, planted;
        uint64_t absent;
    } rows[] = {
        { 0, 9, 1, 0, 0 }, /* off, say: the address is unmapped, as before it was asked */
        { 0, 2, 1, 1, 0 }, /* one with tables has it */
        { 1, 9, 1, 1, 0 }, /* its own */
        { 0, 9, 2, 1, 3 }, /* none that translates is there */
        { 0, 2, 9, 0, 4 }, /* one that is not there cannot have it */
    };
    struct gd_arch arch = gd_arch_fake;

    (void)state;
    arch.translate = translate_by_vcpu;
    for (size_t n = 0; n < GD_ARRAY_SIZE(rows); n++) {
        engine_begin_with(3, &arch, NULL);
        mapping = rows[n].mapping;
        flat = rows[n].flat;
        f.absent = rows[n].absent;
        assert_int_equal(gd_engine_insert(&f.e, rows[n].of, GD_SW, CODE, 4), 0);
        assert_int_equal(f.e.npatch_used, rows[n].planted);
    }
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
        T(a_point_of_the_guests_that_it_has_masked_is_passed_over),
        T(a_foreign_breakpoint_ends_a_step_at_the_guests_vector),
        T(a_raw_pair_that_stops_elsewhere_than_its_value_says_is_passed_too),
        T(a_vcpu_that_does_not_translate_has_no_say_for_another_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
