/* SPDX-License-Identifier: MIT */
/* Translation: real mode, radix trees, and trees that are broken or hostile. */
#include "support_ppc64.h"

static struct pcpu cpu;

static struct pcpu *fresh(void)
{
    pcpu_init(&cpu);
    return &cpu;
}

static int data(struct pcpu *p, uint64_t va, struct gd_xlate *x)
{
    pcpu_ran(p);
    return gd_arch_ppc64.translate(&p->cpu, va, GD_DATA, x, &p->why);
}

static void real_mode_ignores_the_top_bits(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_REAL;
    assert_int_equal(data(p, 0xc000000000012345ull, &x), 0);
    assert_int_equal(x.gpa, 0x12345);
    assert_int_equal(x.level, GD_NO_LEVEL);
}

static void fetches_follow_ir_and_accesses_dr(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_PIDR] = 5;
    p->reg[GD_PPC64_MSR] = MSR_REAL | MSR_DR;
    assert_int_equal(data(p, P_USER + 4, &x), 0);
    assert_int_equal(x.gpa, P_UGPA + 4);
    assert_int_equal(gd_arch_ppc64.translate(&p->cpu, P_USER + 4, GD_FETCH, &x, &p->why), 0);
    assert_int_equal(x.gpa, P_USER + 4);
}

static void a_walk_ends_at_a_leaf_of_any_level(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_PIDR] = 5;
    assert_int_equal(data(p, P_KERN + 0x12345, &x), 0);
    assert_int_equal(x.gpa, 0x12345);
    assert_int_equal(x.page, 1ull << 30);
    assert_int_equal(x.level, 2);
    assert_int_equal(data(p, P_USER + 0xfff, &x), 0);
    assert_int_equal(x.gpa, P_UGPA + 0xfff);
    assert_int_equal(x.page, 4096);
    assert_int_equal(x.level, 4);
    assert_true(x.writable && x.executable);
}

static void permissions_are_reported_and_do_not_hinder(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    pcpu_be64(p, P_LEVEL, 0xc000000000000004ull); /* read only, no reference yet */
    assert_int_equal(data(p, P_KERN, &x), 0);
    assert_false(x.writable || x.executable);
}

static void a_64k_tree_has_a_short_last_level(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_PIDR] = 5;
    pcpu_be64(p, P_LEVEL + 0x2000, 0x8000000000000000ull | (P_LEVEL + 0x3000) | 5);
    pcpu_be64(p, P_LEVEL + 0x3008, 0xc000000000000006ull | 0x30000);
    assert_int_equal(data(p, 0x1abcd, &x), 0);
    assert_int_equal(x.gpa, 0x3abcd);
    assert_int_equal(x.page, 0x10000);
}

static void holes_are_unmapped_with_their_level(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_PIDR] = 5;
    assert_int_equal(data(p, 0x11000, &x), GD_E_UNMAPPED);
    assert_int_equal(p->why.level, 4);
    assert_int_equal(data(p, 1ull << 40, &x), GD_E_UNMAPPED);
    assert_int_equal(p->why.level, 1);
    assert_int_equal(p->why.addr, 1ull << 40);
}

static void addresses_outside_of_the_tree_are_unmapped(void **state)
{
    static const uint64_t va[] = { 0x4000000000000000ull, 0x8000000000000000ull,
                                   0x0010000000000000ull, 0xc010000000000000ull };
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_PIDR] = 5;
    for (size_t i = 0; i < GD_ARRAY_SIZE(va); i++)
        assert_int_equal(data(p, va[i], &x), GD_E_UNMAPPED);
    p->reg[GD_PPC64_PIDR] = 6; /* no tree */
    assert_int_equal(data(p, P_USER, &x), GD_E_UNMAPPED);
    p->reg[GD_PPC64_PIDR] = 256; /* behind the table */
    assert_int_equal(data(p, P_USER, &x), GD_E_UNMAPPED);
    p->reg[GD_PPC64_PROC_TBL] = 0;
    assert_int_equal(data(p, P_KERN, &x), GD_E_UNMAPPED);
}

static void a_hash_table_guest_is_refused_by_name(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_LPCR] &= ~LPCR_HR;
    assert_int_equal(data(p, P_KERN, &x), GD_E_FORMAT);
    assert_non_null(strstr(p->why.detail, "HPT"));
    p->reg[GD_PPC64_MSR] = MSR_REAL;
    p->why = (struct gd_why){ 0 };
    assert_int_equal(data(p, 0x1000, &x), GD_E_FORMAT);
    assert_non_null(strstr(p->why.detail, "HPT"));
}

static void hostile_tables_are_called_broken(void **state)
{
    const uint64_t rts52 = 2ull << 61 | 5ull << 5;
    const uint64_t bad_entry[] = {
        rts52 | P_ROOT0 | 4,                   /* root smaller than 2^5 */
        rts52 | P_ROOT0 | 17,                  /* larger than 2^16 */
        rts52 | 0xff00000000000ull | 13,       /* outside of memory */
        3ull << 61 | 7ull << 5 | P_ROOT0 | 13, /* wider than 52 bits */
    };
    const uint64_t bad_dir[] = {
        0x8000000000000000ull | P_LEVEL,      /* NLS 0: would never end */
        0x8000000000000000ull | P_LEVEL | 31, /* more bits than are left */
        0x80ffffffffffff00ull | 9,            /* outside of memory */
    };
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(bad_entry); i++) {
        fresh();
        pcpu_be64(p, P_PROC, bad_entry[i]);
        assert_int_equal(data(p, P_KERN, &x), GD_E_BADTABLE);
    }
    for (size_t i = 0; i < GD_ARRAY_SIZE(bad_dir); i++) {
        fresh();
        pcpu_be64(p, P_ROOT0, bad_dir[i]);
        assert_int_equal(data(p, P_KERN, &x), GD_E_BADTABLE);
    }
    fresh(); /* a directory that points to itself ends when the address is used up */
    pcpu_be64(p, P_LEVEL, 0x8000000000000000ull | P_LEVEL | 5);
    assert_int_equal(data(p, P_KERN, &x), GD_E_BADTABLE);
    fresh();
    p->reg[GD_PPC64_PROC_TBL] = 0x8000000000000000ull | P_PROC | 31;
    assert_int_equal(data(p, P_KERN, &x), GD_E_BADTABLE);
    fresh(); /* the process table itself outside of memory */
    p->reg[GD_PPC64_PROC_TBL] = 0x8000000000000000ull | 0x7ff00000;
    assert_int_equal(data(p, P_KERN, &x), GD_E_BADTABLE);
}

static void any_tree_ends_in_eight_levels(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;
    uint64_t seed = 1;

    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        for (unsigned i = 0; i < 4; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            pcpu_be64(p, P_ROOT0 + 8 * i, (seed & 0xcffffffffff0001full) | 0x8000000000000000ull);
        }
        pcpu_be64(p, P_PROC, (2ull << 61 | 5ull << 5) | P_ROOT0 | (5 + n % 12));
        if (data(p, P_KERN, &x) == 0)
            assert_true(x.level <= 8);
    }
}

static void the_walk_is_printed_entry_by_entry(void **state)
{
    struct pcpu *p = fresh();
    char text[1024];
    struct gd_out o;

    (void)state;
    gd_out_init(&o, text, sizeof(text));
    gd_arch_ppc64.walk_print(&p->cpu, P_KERN + 0x1234, &o);
    gd_out_str(&o);
    assert_non_null(strstr(text, "process table 0x80000, PID 0x0"));
    assert_non_null(strstr(text, "[0x90000] = 0x80000000000a0009"));
    assert_non_null(strstr(text, "-> 0x1234, page of 0x40000000 bytes, writable, executable"));
    gd_out_init(&o, text, sizeof(text));
    gd_arch_ppc64.walk_print(&p->cpu, 0x4000000000000000ull, &o);
    assert_non_null(strstr(gd_out_str(&o), "quadrants 1 and 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_mode_ignores_the_top_bits),
        cmocka_unit_test(fetches_follow_ir_and_accesses_dr),
        cmocka_unit_test(a_walk_ends_at_a_leaf_of_any_level),
        cmocka_unit_test(permissions_are_reported_and_do_not_hinder),
        cmocka_unit_test(a_64k_tree_has_a_short_last_level),
        cmocka_unit_test(holes_are_unmapped_with_their_level),
        cmocka_unit_test(addresses_outside_of_the_tree_are_unmapped),
        cmocka_unit_test(a_hash_table_guest_is_refused_by_name),
        cmocka_unit_test(hostile_tables_are_called_broken),
        cmocka_unit_test(any_tree_ends_in_eight_levels),
        cmocka_unit_test(the_walk_is_printed_entry_by_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
