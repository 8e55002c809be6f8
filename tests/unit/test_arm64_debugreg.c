/* SPDX-License-Identifier: MIT */
/* The encoder: golden register values, sharing of slots, links, raw pairs, and what is refused. */
#include "support_arm64.h"

static struct gd_target t;
static struct gd_hw_set set;
static struct gd_why why;

static int setup(void **state)
{
    (void)state;
    t = (struct gd_target){ .arch = &gd_arch_arm64,
                            .hw = { .nbreak = 6, .nwatch = 4, .context = 0x30 } };
    return 0;
}

static int plan(struct gd_hw_want *w, size_t n)
{
    return gd_arch_arm64.plan(&t, w, n, &set, &why);
}

static void pair_is(const struct gd_hw_pair *p, uint64_t ctrl, uint64_t value)
{
    assert_int_equal(p->ctrl, ctrl);
    assert_int_equal(p->value, value);
}

static struct gd_hw_want point(enum gd_point_type type, uint64_t addr, uint64_t len)
{
    return (struct gd_hw_want){ .type = type, .addr = addr, .len = len };
}

static struct gd_hw_want raw(bool watch, uint64_t ctrl, uint64_t value)
{
    return (struct gd_hw_want){ .type = watch ? GD_ACCESS : GD_HW,
                                .raw = true,
                                .pair = { ctrl, value } };
}

static void why_says(const char *text)
{
    char buf[200];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    gd_why_print(&why, &o);
    assert_string_equal(gd_out_str(&o), text);
}

static void a_breakpoint_is_kernel_and_user_and_sign_extended(void **state)
{
    struct gd_hw_want w[] = { point(GD_HW, 0xffff800010000000, 4), point(GD_HW, 0x400000, 4),
                              point(GD_HW, 0x0008800010000004, 4),
                              point(GD_HW, 0x0018800010000004, 4) };

    (void)state;
    assert_int_equal(plan(w, 4), 0);
    pair_is(&set.b[0], 0x1e7, 0xffff800010000000);
    pair_is(&set.b[1], 0x1e7, 0x400000);
    pair_is(&set.b[2], 0x1e7, 0x0008800010000004); /* 52-bit user address */
    pair_is(&set.b[3], 0x1e7, 0xfff8800010000004); /* bit 52 is the sign */
    assert_int_equal(w[1].slots, 2);
    pair_is(&set.b[4], 0, 0);
}

static void halves_of_t32_words_need_aarch32(void **state)
{
    struct gd_hw_want w[] = { point(GD_HW, 0x1002, 2), point(GD_HW, 0x1000, 3) };

    (void)state;
    assert_int_equal(plan(w, 1), GD_E_ALIGN);
    t.features = GD_ARM64_F_EL0_32;
    assert_int_equal(plan(w, 2), 0);
    pair_is(&set.b[0], 0x187, 0x1000);
    pair_is(&set.b[1], 0x067, 0x1000);
    w[0].len = 4;
    assert_int_equal(plan(w, 1), GD_E_ALIGN);
}

static void the_seventh_of_six_is_refused_with_the_count(void **state)
{
    struct gd_hw_want w[7];

    (void)state;
    for (unsigned n = 0; n < 7; n++)
        w[n] = point(GD_HW, 0x1000 + 4 * n, 4);
    assert_int_equal(plan(w, 6), 0);
    assert_int_equal(plan(w, 7), GD_E_NOBREAK);
    why_says("all hardware breakpoints are in use for 0x1018 (all 6)");
    w[6].addr = 0x1000; /* one that is there needs no slot */
    assert_int_equal(plan(w, 7), 0);
    assert_int_equal(w[6].slots, w[0].slots);
}

/* clang-format off */
static const struct {
    enum gd_point_type type;
    uint64_t addr, len, ctrl, value;
} one_slot[] = {
    {GD_WRITE, 0x1000, 1, 0x00000037, 0x1000},       {GD_READ, 0x1000, 1, 0x0000002f, 0x1000},
    {GD_ACCESS, 0x1000, 1, 0x0000003f, 0x1000},      {GD_WRITE, 0x1007, 1, 0x00001017, 0x1000},
    {GD_WRITE, 0x1003, 5, 0x00001f17, 0x1000},       {GD_WRITE, 0x1001, 6, 0x00000fd7, 0x1000},
    {GD_WRITE, 0x1004, 4, 0x00001e17, 0x1000},       {GD_WRITE, 0x1000, 8, 0x00001ff7, 0x1000},
    {GD_WRITE, 0x1000, 16, 0x04001ff7, 0x1000},      {GD_WRITE, 0x1040, 64, 0x06001ff7, 0x1040},
    {GD_WRITE, 0x3000, 4096, 0x0c001ff7, 0x3000},    {GD_WRITE, 0x80000000, 1u << 31, 0x1f001ff7, 0x80000000},
    {GD_WRITE, 0x1fffff0000001000, 8, 0x00001ff7, 0xffffff0000001000},
    {GD_WRITE, 0x5a00000000001000, 8, 0x00001ff7, 0x1000},
};
/* clang-format on */

static void every_range_of_one_register_is_exact(void **state)
{
    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(one_slot); n++) {
        struct gd_hw_want w = point(one_slot[n].type, one_slot[n].addr, one_slot[n].len);

        assert_int_equal(plan(&w, 1), 0);
        pair_is(&set.w[0], one_slot[n].ctrl, one_slot[n].value);
        pair_is(&set.w[1], 0, 0);
        assert_int_equal(w.slots, 1);
    }
}

static bool watches_byte(uint64_t addr)
{
    for (unsigned n = 0; n < GD_HW_MAX; n++) {
        uint64_t c = set.w[n].ctrl;
        unsigned mask = DBGWCR_MASK(c);

        if (c && mask ? addr >> mask == set.w[n].value >> mask
                      : c && (addr & ~7ull) == set.w[n].value && (DBGWCR_BAS(c) >> (addr & 7) & 1))
            return true;
    }
    return false;
}

static void with_slots_enough_exactly_the_range_is_watched(void **state)
{
    (void)state;
    t.hw.nwatch = 16;
    for (uint64_t off = 0; off < 16; off++)
        for (uint64_t len = 1; len <= 64; len++) {
            struct gd_hw_want w = point(GD_WRITE, 0x1000 + off, len);

            assert_int_equal(plan(&w, 1), 0);
            for (uint64_t b = 0xf80; b < 0x1100; b++)
                assert_int_equal(watches_byte(b), b - (0x1000 + off) < len);
        }
}

static void with_few_slots_the_whole_range_is_watched(void **state)
{
    (void)state;
    for (unsigned slots = 1; slots <= 4; slots++)
        for (uint64_t off = 0; off < 16; off++)
            for (uint64_t len = 1; len <= 4096; len += len < 70 ? 1 : 671) {
                struct gd_hw_want w = point(GD_WRITE, 0x12340 + off, len);

                t.hw.nwatch = (uint8_t)slots;
                assert_int_equal(plan(&w, 1), 0);
                for (uint64_t b = w.addr; b < w.addr + len; b++)
                    assert_true(watches_byte(b));
            }
}

static void a_wide_range_leaves_a_slot_to_each_later_point(void **state)
{
    struct gd_hw_want w[] = { point(GD_WRITE, 0x1001, 100), point(GD_READ, 0x2000, 8),
                              point(GD_READ, 0x3000, 8), point(GD_READ, 0x4000, 8),
                              point(GD_READ, 0x5000, 8) };

    (void)state;
    assert_int_equal(plan(w, 1), 0);
    assert_int_equal(w[0].slots, 0xf);
    assert_int_equal(plan(w, 3), 0);
    assert_int_equal(w[0].slots, 0x3);
    assert_int_equal(plan(w, 4), 0);
    assert_int_equal(w[0].slots, 0x1);
    pair_is(&set.w[0], 0x07001ff7, 0x1000);
    w[0].len = 23; /* three pieces, which alone would fit */
    assert_int_equal(plan(w, 1), 0);
    assert_int_equal(w[0].slots, 0x7);
    assert_int_equal(plan(w, 4), 0);
    assert_int_equal(w[0].slots, 0x1);
    assert_int_equal(plan(w, 5), GD_E_NOWATCH);
    why_says("all hardware watchpoints are in use for 0x5000 (all 4)");
}

/* What was OK when a point was set, which is then the last of the table, must fit when its place is another. */
static void a_set_of_ranges_fits_in_any_order_or_in_none(void **state)
{
    const struct gd_hw_want one[] = { point(GD_WRITE, 0x7ffffff8, 16), /* in two blocks of 2 GiB */
                                      point(GD_WRITE, 0x2000, 8), point(GD_WRITE, 0x3005, 14) };

    (void)state;
    for (unsigned first = 0; first < 3; first++)
        for (unsigned way = 1; way < 3; way++) {
            struct gd_hw_want w[] = { one[first], one[(first + way) % 3],
                                      one[(first + 2 * way) % 3] };

            assert_int_equal(plan(w, 3), 0);
        }
}

static void ranges_that_make_no_sense_are_refused(void **state)
{
    struct gd_hw_want empty = point(GD_WRITE, 0x1000, 0);
    struct gd_hw_want wraps = point(GD_WRITE, 0xfffffffffffffff8, 16);
    struct gd_hw_want huge = point(GD_WRITE, 0x7fffffff, 1ull << 40);
    struct gd_hw_want astride = point(GD_WRITE, 0x7ffffff8, 16);

    (void)state;
    assert_int_equal(plan(&empty, 1), GD_E_ARG);
    assert_int_equal(plan(&wraps, 1), GD_E_ARG);
    assert_int_equal(plan(&huge, 1), GD_E_NOWATCH);
    assert_int_equal(plan(&astride, 1), 0);
    t.hw.nwatch = 1; /* 2 GiB is the most that one register covers */
    assert_int_equal(plan(&astride, 1), GD_E_NOWATCH);
    t.hw.nwatch = 0;
    assert_int_equal(plan(&(struct gd_hw_want){ .type = GD_WRITE, .addr = 0x1000, .len = 8 }, 1),
                     GD_E_NOWATCH);
    why_says("all hardware watchpoints are in use for 0x1000 (this guest has none)");
}

static struct gd_hw_want linked(enum gd_point_type type, uint64_t addr, uint64_t context)
{
    return (struct gd_hw_want){
        .type = type, .addr = addr, .len = 4, .linked = true, .context = context
    };
}

static void linked_points_share_the_highest_context_aware_register(void **state)
{
    struct gd_hw_want w[] = { point(GD_HW, 0x1000, 4), linked(GD_HW, 0x2000, 0x222),
                              linked(GD_WRITE, 0x3000, 0x222), linked(GD_HW, 0x2000, 0x333) };

    (void)state;
    assert_int_equal(plan(w, 4), 0);
    pair_is(&set.b[0], 0x1e7, 0x1000);
    pair_is(&set.b[1], 0x1501e7, 0x2000);
    pair_is(&set.b[2], 0x1401e7, 0x2000);
    pair_is(&set.b[5], 0x3001e7, 0x222);
    pair_is(&set.b[4], 0x3001e7, 0x333);
    pair_is(&set.w[0], 0x1501f7, 0x3000);
    assert_int_equal(w[1].slots, 2); /* the context's own register never fires */
    w[2].context = 0x444;
    assert_int_equal(plan(w, 4), GD_E_NOCONTEXT);
    why_says("no context-aware breakpoint register is free (each distinct context takes one)");
}

static void contexts_follow_the_mask_common_to_all_cpus(void **state)
{
    struct gd_hw_want w[] = { linked(GD_HW, 0x2000, 1), linked(GD_HW, 0x2000, 2) };

    (void)state;
    t.hw.nbreak = 4;
    t.hw.context = 0x0c;
    assert_int_equal(plan(w, 2), 0);
    assert_int_equal(set.b[3].ctrl, 0x3001e7);
    assert_int_equal(set.b[2].ctrl, 0x3001e7);
    t.hw.context = 0x3c; /* 4 and 5 exist on some CPUs only */
    assert_int_equal(plan(w, 2), 0);
    assert_int_equal(set.b[4].ctrl | set.b[5].ctrl, 0);
    t.hw.context = 0; /* {4, 5} on one kind, {2, 3} on the other */
    assert_int_equal(plan(w, 1), GD_E_NOCONTEXT);
    t.hw.context = 0x0c;
    w[0].context = 1ull << 32;
    assert_int_equal(plan(w, 1), GD_E_ARG);
}

static void addresses_may_take_context_aware_registers_that_are_free(void **state)
{
    struct gd_hw_want w[6];

    (void)state;
    for (unsigned n = 0; n < 5; n++)
        w[n] = point(GD_HW, 0x1000 + 4 * n, 4);
    w[5] = linked(GD_WRITE, 0x3000, 7);
    assert_int_equal(plan(w, 6), 0);
    assert_int_equal(w[4].slots, 0x10);
    assert_int_equal(set.b[5].ctrl, 0x3001e7);
}

/* clang-format off */
static const struct {
    bool watch;
    uint64_t ctrl, value;
    int error;
} raws[] = {
    {false, 0x1e7, 0xffff800010000000, 0},
    {false, 0x1e3, 0x1000, 0},
    {false, 0x1e5, 0x1000, 0},
    {false, 0x2001e7, 5, 0},                       /* unlinked context */
    {false, 0x7001e7, 5, 0},
    {false, 0x1e6, 0x1000, GD_E_RESERVED},         /* not enabled */
    {false, 0x1e1, 0x1000, GD_E_RESERVED},         /* PMC 0 */
    {false, 0x21e7, 0x1000, GD_E_RESERVED},        /* HMC */
    {false, 0x41e7, 0x1000, GD_E_RESERVED},        /* SSC */
    {false, 0x1e7, 0x1002, GD_E_RESERVED},         /* address bits */
    {false, 0x1e7, 0x0010000000000000, GD_E_RESERVED},
    {false, 0x127, 0x1000, GD_E_RESERVED},         /* BAS 9 */
    {false, 0x10001e7, 0x1000, GD_E_RESERVED},     /* MASK before FEAT_ABLE */
    {false, 0x8001e7, 0, GD_E_RESERVED},           /* VMID */
    {false, 0x4001e7, 0x1000, GD_E_RESERVED},      /* mismatch */
    {false, 0x2001e7, 1ull << 32, GD_E_RESERVED},
    {false, 0x200067, 5, GD_E_RESERVED},
    {false, 0x1101e7, 0x1000, GD_E_RESERVED},      /* linked to nothing */
    {true, 0x1ff7, 0x1000, 0},
    {true, 0x04001fff, 0x1010, 0},
    {true, 0x1fe7, 0x1000, GD_E_RESERVED},         /* LSC 0 */
    {true, 0x0017, 0x1000, GD_E_RESERVED},         /* BAS 0 */
    {true, 0x00b7, 0x1000, GD_E_RESERVED},         /* BAS 101 */
    {true, 0x01001ff7, 0x1000, GD_E_RESERVED},     /* MASK 1 */
    {true, 0x04000ff7, 0x1000, GD_E_RESERVED},     /* MASK with BAS 0x7f */
    {true, 0x04001ff7, 0x1008, GD_E_RESERVED},     /* address below MASK */
    {true, 0x1f7, 0x1004, GD_E_RESERVED},          /* deprecated WVR[2] */
    {true, 0x201ff7, 0x1000, GD_E_RESERVED},
    {true, 0x101ff7, 0x1000, GD_E_RESERVED},       /* linked to nothing */
};
/* clang-format on */

static void raw_pairs_are_taken_as_they_are_or_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(raws); n++) {
        struct gd_hw_want w = raw(raws[n].watch, raws[n].ctrl, raws[n].value);

        if (plan(&w, 1) != raws[n].error)
            fail_msg("row %zu: %d", n, why.error);
        if (raws[n].error)
            assert_non_null(why.detail);
        else
            pair_is(raws[n].watch             ? &set.w[0]
                    : DBGBCR_BT(raws[n].ctrl) ? &set.b[5]
                                              : &set.b[0],
                    raws[n].ctrl, raws[n].value);
    }
}

static void raw_links_lead_to_a_raw_context(void **state)
{
    struct gd_hw_want w[] = { raw(false, 0x1501e7, 0x1000), raw(true, 0x151ff7, 0x2000),
                              raw(false, 0x3001e7, 0x222), raw(false, 0x2001e7, 0x333) };

    (void)state;
    assert_int_equal(plan(w, 3), 0);
    pair_is(&set.b[5], 0x3001e7, 0x222);
    w[0].pair.ctrl = 0x1401e7; /* to an unlinked context */
    assert_int_equal(plan(w, 4), GD_E_RESERVED);
    why_says("the raw value is a reserved or unpredictable combination (LBN names a register "
             "without a linked context)");
    for (unsigned n = 0; n < GD_HW_MAX; n++)
        assert_int_equal(set.b[n].ctrl | set.w[n].ctrl, 0); /* nothing half done */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_breakpoint_is_kernel_and_user_and_sign_extended, setup),
        cmocka_unit_test_setup(halves_of_t32_words_need_aarch32, setup),
        cmocka_unit_test_setup(the_seventh_of_six_is_refused_with_the_count, setup),
        cmocka_unit_test_setup(every_range_of_one_register_is_exact, setup),
        cmocka_unit_test_setup(with_slots_enough_exactly_the_range_is_watched, setup),
        cmocka_unit_test_setup(with_few_slots_the_whole_range_is_watched, setup),
        cmocka_unit_test_setup(a_wide_range_leaves_a_slot_to_each_later_point, setup),
        cmocka_unit_test_setup(a_set_of_ranges_fits_in_any_order_or_in_none, setup),
        cmocka_unit_test_setup(ranges_that_make_no_sense_are_refused, setup),
        cmocka_unit_test_setup(linked_points_share_the_highest_context_aware_register, setup),
        cmocka_unit_test_setup(contexts_follow_the_mask_common_to_all_cpus, setup),
        cmocka_unit_test_setup(addresses_may_take_context_aware_registers_that_are_free, setup),
        cmocka_unit_test_setup(raw_pairs_are_taken_as_they_are_or_refused, setup),
        cmocka_unit_test_setup(raw_links_lead_to_a_raw_context, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
