/* SPDX-License-Identifier: MIT */
/*
 * The engine's watchpoints on the fake processor, of memory and of devices, with fences and exclusive sequences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support_engine.h"
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

/* A client that plays a table of accesses puts the PC back to one that it was told of. */
static void a_watched_store_is_told_anew_where_the_client_sets_the_pc_to_it(void **state)
{
    uint8_t pc[8];

    (void)state;
    begin_stores(1);
    assert_int_equal(gd_engine_insert(&f.e, 0, GD_WRITE, DATA, 8), 0);
    for (unsigned n = 0; n < 3; n++) {
        engine_go(GD_RUN);
        assert_int_equal(engine_stop().reason, GD_STOP_WATCH);
        assert_int_equal(gd_engine_reg_get(&f.e, 0, FAKE_PC, pc), sizeof(pc));
        assert_int_equal(gd_engine_reg_set(&f.e, 0, FAKE_PC, pc), 0);
        assert_int_equal(f.ram[DATA - FAKE_RAM], 0);
    }
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

static bool store_to_device_stops(void)
{
    const struct gd_exit store = {
        .kind = GD_EXIT_MMIO, .addr = FAKE_DEVICE, .len = 4, .write = true
    };
    struct gd_stop s;

    fake_word(&f, CODE + 8, FAKE_INSN(FAKE_STORE, 1, 2, 2));
    f.v[0].reg[2] = FAKE_DEVICE;
    engine_set_pc(0, CODE + 8);
    engine_go(GD_RUN);
    assert_int_equal(gd_vcpu_enter(&f.e, 0, false), GD_ENTER);
    gd_vcpu_exit(&f.e, 0, &store);
    gd_vcpu_enter(&f.e, 0, false);
    return gd_engine_take_stop(&f.e, &s);
}

static void a_raw_watchpoint_is_not_hit_by_a_device_access_elsewhere(void **state)
{
    const struct gd_hw_pair pair = { 1 | GD_ACCESS << 4 | 8 << 8, DATA };

    (void)state;
    engine_begin(1);
    assert_int_equal(gd_engine_insert_raw(&f.e, true, pair), 0);
    assert_false(store_to_device_stops());
}

static void a_linked_watchpoint_on_a_device_is_hit_in_its_context_only(void **state)
{
    const uint64_t at = FAKE_DEVICE;

    (void)state;
    for (uint64_t context = 6; context < 9; context++) {
        engine_begin(1);
        assert_int_equal(gd_engine_context(&f.e, true, 7, &at), 0);
        assert_int_equal(gd_engine_insert(&f.e, 0, GD_WRITE, FAKE_DEVICE, 4), 0);
        f.v[0].reg[FAKE_CONTEXT] = context;
        assert_int_equal(store_to_device_stops(), context == 7);
    }
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
        T(a_watched_store_is_told_once_before_it_is_done),
        T(a_watched_store_is_told_anew_where_the_client_sets_the_pc_to_it),
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
        T(a_raw_watchpoint_is_not_hit_by_a_device_access_elsewhere),
        T(a_linked_watchpoint_on_a_device_is_hit_in_its_context_only),
        T(a_watched_device_access_that_cannot_be_undone_is_told_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
