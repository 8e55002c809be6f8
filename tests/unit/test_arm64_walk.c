/* SPDX-License-Identifier: MIT */
/*
 * The stage-1 walk over tables built here: every granule, start level and leaf level, 48- and
 * 52-bit, both halves, and what hostile or half set up tables give.
 */
#include "support_arm64.h"

#define TABLE(n)    (A_RAM + 0x20000u + 0x10000u * (n)) /* 64 KiB each */
#define VALID_TABLE 3ull
#define AF          (1ull << 10)
#define CONTIG      (1ull << 52)

static struct acpu a;
static struct gd_xlate x;

/* clang-format off */
static const struct {
    const char *name;
    unsigned granule, in_bits; /* address space of the half */
    int first, leaf;           /* levels */
    bool ds;
    uint32_t features;
    uint64_t ips;
    uint64_t va, oa;           /* oa: output address of the leaf */
} maps[] = {
    {"4K 48 page", 12, 48, 0, 3, false, 0, 5, 0x123456789abc, 0x40001000},
    {"4K 48 2M block", 12, 48, 0, 2, false, 0, 5, 0x123456789abc, 0x40200000},
    {"4K 48 1G block", 12, 48, 0, 1, false, 0, 5, 0x123456789abc, 0x80000000},
    {"4K 39 page", 12, 39, 1, 3, false, 0, 2, 0x7123456789, 0x812345000},
    {"4K 39 1G block", 12, 39, 1, 1, false, 0, 2, 0x7123456789, 0xc0000000},
    {"4K 32 page", 12, 32, 1, 3, false, 0, 2, 0xfedcba98, 0x40001000},
    {"4K 30 page", 12, 30, 2, 3, false, 0, 2, 0x3edcba98, 0x40001000},
    {"4K 25 page", 12, 25, 2, 3, false, 0, 2, 0x1dcba98, 0x40001000},
    {"4K 20 page, small tables", 12, 20, 3, 3, false, GD_ARM64_F_TTST, 2, 0xcba98, 0x40001000},
    {"4K 52 page", 12, 52, -1, 3, true, GD_ARM64_F_LPA2_4K, 6, 0xa123456789abc, 0xd000040001000},
    {"4K 52 512G block", 12, 52, -1, 0, true, GD_ARM64_F_LPA2_4K, 6, 0xa123456789abc, 0xc800000000000},
    {"4K 48 page, DS", 12, 48, 0, 3, true, GD_ARM64_F_LPA2_4K, 6, 0x123456789abc, 0xf000040001000},
    {"16K 48 page", 14, 48, 0, 3, false, 0, 5, 0x923456789abc, 0x40004000},
    {"16K 47 page", 14, 47, 1, 3, false, 0, 5, 0x523456789abc, 0x40004000},
    {"16K 47 32M block", 14, 47, 1, 2, false, 0, 5, 0x523456789abc, 0x42000000},
    {"16K 36 page", 14, 36, 2, 3, false, 0, 5, 0x923456789, 0x40004000},
    {"16K 52 64G block", 14, 52, 0, 1, true, GD_ARM64_F_LPA2_16K, 6, 0xa123456789abc, 0x5001000000000},
    {"16K 52 page", 14, 52, 0, 3, true, GD_ARM64_F_LPA2_16K, 6, 0xa123456789abc, 0x7000040004000},
    {"64K 48 page", 16, 48, 1, 3, false, 0, 5, 0x923456789abc, 0x40010000},
    {"64K 42 page", 16, 42, 2, 3, false, 0, 5, 0x23456789abc, 0x40010000},
    {"64K 42 512M block", 16, 42, 2, 2, false, 0, 5, 0x23456789abc, 0x60000000},
    {"64K 48 page, 52-bit output", 16, 48, 1, 3, false, GD_ARM64_F_LPA, 6, 0x923456789abc, 0xb000040010000},
    {"64K 52 page", 16, 52, 1, 3, false, GD_ARM64_F_LPA | GD_ARM64_F_LVA, 6, 0xd123456789abc, 0xb000040010000},
    {"64K 52 4T block", 16, 52, 1, 1, false, GD_ARM64_F_LPA | GD_ARM64_F_LVA, 6, 0xd123456789abc, 0xb040000000000},
};
/* clang-format on */

static int setup(void **state)
{
    (void)state;
    acpu_init(&a);
    a.target.pa_bits = 52;
    a.reg[GD_ARM64_SCTLR_EL1] = SCTLR_M;
    return 0;
}

static void set_tcr(bool high, unsigned granule, unsigned in_bits, uint64_t ips, bool ds)
{
    static const uint64_t tg0[] = { [12] = 0, [14] = 2, [16] = 1 },
                          tg1[] = { [12] = 2, [14] = 1, [16] = 3 };
    uint64_t tsz = 64 - in_bits;

    a.reg[GD_ARM64_TCR_EL1] = ips << 32 | (ds ? TCR_DS : 0) |
                              (high ? tsz << 16 | tg1[granule] << 30 | 1 << 7
                                    : tsz | tg0[granule] << 14 | 1 << 23);
    a.reg[GD_ARM64_TTBR0_EL1] = a.reg[GD_ARM64_TTBR1_EL1] = TABLE(0) | 0xab1ull << 48 | 1;
}

static uint64_t encode_oa(size_t m, uint64_t oa)
{
    if (maps[m].ds)
        return (oa & 0x3ffffffffffffull) | (oa >> 50 & 3) << 8;
    if (maps[m].granule == 16)
        return (oa & 0xffffffffffffull) | (oa >> 48 & 0xf) << 12;
    return oa;
}

static uint64_t entry_at(size_t m, uint64_t va, int level)
{
    unsigned stride = maps[m].granule - 3, shift = maps[m].granule + stride * (unsigned)(3 - level);
    uint64_t va_low = va & (~0ull >> (64 - maps[m].in_bits));

    return TABLE(level - maps[m].first) + 8 * (va_low >> shift & ((1u << stride) - 1));
}

static uint64_t leaf_bits(size_t m)
{
    return maps[m].leaf == 3 ? 3 : 1;
}

static void build(size_t m, uint64_t va)
{
    for (int level = maps[m].first; level < maps[m].leaf; level++)
        acpu_le64(&a, entry_at(m, va, level), TABLE(level - maps[m].first + 1) | VALID_TABLE);
    acpu_le64(&a, entry_at(m, va, maps[m].leaf), encode_oa(m, maps[m].oa) | leaf_bits(m) | CONTIG);
}

static int translate(uint64_t va, enum gd_use use)
{
    gd_cpu_forget(&a.cpu);
    return gd_arch_arm64.translate(&a.cpu, va, use, &x, &a.why);
}

static void every_granule_size_and_level_translates(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(maps); m++)
        for (int high = 0; high < 2; high++) {
            uint64_t va = maps[m].va | (high ? ~0ull << maps[m].in_bits : 0);
            unsigned shift = maps[m].granule + (maps[m].granule - 3) * (unsigned)(3 - maps[m].leaf);

            setup(state);
            a.target.features = maps[m].features;
            set_tcr(high, maps[m].granule, maps[m].in_bits, maps[m].ips, maps[m].ds);
            build(m, va);
            if (translate(va, GD_DATA))
                fail_msg("%s, half %d: error %d", maps[m].name, high, a.why.error);
            assert_int_equal(x.page, 1ull << shift);
            assert_int_equal(x.gpa, maps[m].oa | (va & (x.page - 1)));
            assert_int_equal(x.level, maps[m].leaf);
            assert_true(x.writable && x.executable);
        }
}

static void big_endian_tables_are_read(void **state)
{
    (void)state;
    a.reg[GD_ARM64_SCTLR_EL1] |= SCTLR_EE;
    set_tcr(false, 12, 48, 5, false);
    for (int level = 0; level <= 3; level++) {
        uint64_t d = level == 3 ? 0x40001003 : TABLE(level + 1) | 3;

        acpu_le64(&a, entry_at(0, 0x1234567890, level), __builtin_bswap64(d));
    }
    assert_int_equal(translate(0x1234567890, GD_DATA), 0);
    assert_int_equal(x.gpa, 0x40001890);
}

static void an_invalid_entry_names_its_level(void **state)
{
    static const uint64_t bad[] = { 0, 2,
                                    1 }; /* 1: a block where none may be, or a page at level 3 */

    (void)state;
    set_tcr(false, 12, 48, 5, false);
    for (int level = 0; level <= 3; level++)
        for (size_t i = 0; i < 3; i++) {
            if (bad[i] == 1 && (level == 1 || level == 2))
                continue;
            build(0, maps[0].va);
            acpu_le64(&a, entry_at(0, maps[0].va, level), bad[i]);
            assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_UNMAPPED);
            assert_int_equal(a.why.level, level);
            assert_int_equal(a.why.addr, maps[0].va);
        }
}

static void blocks_only_where_the_granule_has_them(void **state)
{
    (void)state;
    set_tcr(false, 14, 48, 5, false); /* 16K: level 1 blocks need DS */
    acpu_le64(&a, TABLE(0), TABLE(1) | 3);
    acpu_le64(&a, TABLE(1), 0x40000001);
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    set_tcr(false, 16, 48, 5, false); /* 64K: level 1 blocks need 52-bit output */
    acpu_le64(&a, TABLE(0), 0x40000001);
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    assert_string_equal(a.why.detail, "reserved descriptor");
}

static void the_gap_and_disabled_halves_are_unmapped(void **state)
{
    (void)state;
    set_tcr(false, 12, 48, 5, false);
    build(0, maps[0].va);
    assert_int_equal(translate(1ull << 48 | maps[0].va, GD_DATA), GD_E_UNMAPPED);
    assert_int_equal(translate(1ull << 54 | maps[0].va, GD_DATA), GD_E_UNMAPPED);
    assert_int_equal(a.why.level, GD_NO_LEVEL);
    assert_int_equal(translate(0xffff000000000000 | maps[0].va, GD_DATA), GD_E_UNMAPPED);
    assert_non_null(strstr(a.why.detail, "EPD"));
    assert_int_equal(a.loads, 0);
}

static void tags_are_ignored_as_tcr_says(void **state)
{
    uint64_t tagged = 0x5aull << 56 | maps[0].va;

    (void)state;
    set_tcr(false, 12, 48, 5, false);
    build(0, maps[0].va);
    assert_int_equal(translate(tagged, GD_DATA), GD_E_UNMAPPED);
    a.reg[GD_ARM64_TCR_EL1] |= 1ull << 37; /* TBI0 */
    assert_int_equal(translate(tagged, GD_DATA), 0);
    assert_int_equal(x.gpa, 0x40001abc);
    assert_int_equal(translate(tagged, GD_FETCH), 0);
    a.reg[GD_ARM64_TCR_EL1] |= 1ull << 51; /* TBID0 */
    assert_int_equal(translate(tagged, GD_FETCH), GD_E_UNMAPPED);
    assert_int_equal(translate(tagged, GD_DATA), 0);
}

static void sizes_beyond_the_cpu_are_refused(void **state)
{
    (void)state;
    set_tcr(false, 12, 52, 6, true); /* DS without FEAT_LPA2 is no DS */
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    assert_non_null(strstr(a.why.detail, "TxSZ"));
    set_tcr(false, 16, 52, 6, false);
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    set_tcr(false, 12, 20, 5, false); /* small tables */
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    a.target.features = GD_ARM64_F_TTST;
    set_tcr(false, 16, 16, 5, false);
    assert_int_equal(translate(0, GD_DATA), GD_E_UNMAPPED);
    a.reg[GD_ARM64_TCR_EL1] = 16 | 3 << 14; /* TG0 reserved */
    assert_int_equal(translate(0, GD_DATA), GD_E_FORMAT);
}

static void d128_is_refused_by_name(void **state)
{
    (void)state;
    set_tcr(false, 12, 48, 5, false);
    build(0, maps[0].va);
    a.reg[GD_ARM64_TCR2_EL1] = TCR2_D128;
    assert_int_equal(translate(maps[0].va, GD_DATA), 0); /* no FEAT_TCR2: the bit is nothing */
    a.target.features = GD_ARM64_F_TCR2;
    assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_FORMAT);
    assert_non_null(strstr(a.why.detail, "D128"));
}

static void tables_outside_ram_are_broken_tables(void **state)
{
    (void)state;
    set_tcr(false, 12, 48, 2, false); /* 40 bits out */
    build(0, maps[0].va);
    acpu_le64(&a, entry_at(0, maps[0].va, 1), 0x09000000 | 3); /* a device */
    assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_BADTABLE);
    assert_int_equal(a.why.level, 2);
    acpu_le64(&a, entry_at(0, maps[0].va, 1), 1ull << 44 | 3);
    assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_BADTABLE);
    build(0, maps[0].va);
    acpu_le64(&a, entry_at(0, maps[0].va, 3), 1ull << 44 | 3);
    assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_UNMAPPED);
    a.reg[GD_ARM64_TTBR0_EL1] = 0;
    assert_int_equal(translate(maps[0].va, GD_DATA), GD_E_BADTABLE);
}

static void a_table_that_leads_to_itself_ends(void **state)
{
    (void)state;
    a.target.features = GD_ARM64_F_LPA2_4K;
    set_tcr(false, 12, 52, 6, true);
    for (unsigned n = 0; n < 512; n++)
        acpu_le64(&a, TABLE(0) + 8 * n, TABLE(0) | 3);
    assert_int_equal(translate(0x123456789abc, GD_DATA), 0); /* the table is its own page */
    assert_int_equal(a.loads, 5);
}

static void random_tables_never_leave_ram_or_loop(void **state)
{
    uint64_t r = 88172645463325252ull;

    (void)state;
    for (unsigned n = 0; n < 20000; n++) {
        for (unsigned i = 0; i < 64; i++) {
            r ^= r << 13, r ^= r >> 7, r ^= r << 17;
            gd_store_le(a.ram + (r >> 40) % (A_RAM_SIZE - 8) / 8 * 8,
                        r % 3 ? r : (TABLE(r % 8)) | 3, 8);
        }
        a.target.features = (uint32_t)(r >> 20);
        a.reg[GD_ARM64_TCR_EL1] = r * 0x9e3779b97f4a7c15ull;
        a.reg[GD_ARM64_TCR2_EL1] = 0;
        a.reg[GD_ARM64_TTBR0_EL1] = a.reg[GD_ARM64_TTBR1_EL1] = TABLE(n % 8);
        a.loads = 0;
        translate(r, n & 1 ? GD_DATA : GD_FETCH);
        assert_true(a.loads <= 5);
    }
}

static void permissions_are_those_of_the_guests_level(void **state)
{
    uint64_t at;

    (void)state;
    set_tcr(false, 12, 48, 5, false);
    build(0, maps[0].va);
    at = entry_at(0, maps[0].va, 3);
    acpu_le64(&a, at, 0x40001003 | 1ull << 7 | 1ull << 53); /* read-only, PXN */
    assert_int_equal(translate(maps[0].va, GD_DATA), 0);
    assert_true(!x.writable && !x.executable);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    translate(maps[0].va, GD_DATA);
    assert_true(!x.writable && x.executable);
    acpu_le64(&a, at, 0x40001003 | 1ull << 7 | 1ull << 54 | 1ull << 51); /* UXN, DBM */
    translate(maps[0].va, GD_DATA);
    assert_true(!x.writable && !x.executable);
    a.target.features = GD_ARM64_F_HDBS;
    a.reg[GD_ARM64_TCR_EL1] |= TCR_HD;
    translate(maps[0].va, GD_DATA);
    assert_true(x.writable);
    acpu_le64(&a, entry_at(0, maps[0].va, 1), TABLE(2) | 3 | 1ull << 62); /* APTable */
    translate(maps[0].va, GD_DATA);
    assert_true(!x.writable);
    acpu_le64(&a, at, 0x40001003);
    acpu_le64(&a, entry_at(0, maps[0].va, 1), TABLE(2) | 3 | 1ull << 59); /* PXNTable */
    translate(maps[0].va, GD_DATA);
    assert_true(x.writable && x.executable);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H;
    translate(maps[0].va, GD_DATA);
    assert_true(!x.executable);
    acpu_le64(&a, entry_at(0, maps[0].va, 1), TABLE(2) | 3 | 7ull << 60); /* UXNTable, APTable */
    translate(maps[0].va, GD_DATA);
    assert_true(!x.writable && x.executable);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    translate(maps[0].va, GD_DATA);
    assert_true(!x.executable);
    a.reg[GD_ARM64_TCR_EL1] |= 1ull << 41; /* HPD0 */
    translate(maps[0].va, GD_DATA);
    assert_true(x.writable && x.executable);
}

static void with_the_mmu_off_addresses_are_physical(void **state)
{
    (void)state;
    a.reg[GD_ARM64_SCTLR_EL1] = 0;
    a.target.pa_bits = 40;
    assert_int_equal(translate(0x40001234, GD_FETCH), 0);
    assert_int_equal(x.gpa, 0x40001234);
    assert_int_equal(x.level, GD_NO_LEVEL);
    assert_int_equal(translate(1ull << 40, GD_DATA), GD_E_UNMAPPED);
    assert_int_equal(translate(0xffff800010000000, GD_DATA), GD_E_UNMAPPED);
}

static void print(uint64_t va, const char *text)
{
    char buf[1000];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    gd_cpu_forget(&a.cpu);
    gd_arch_arm64.walk_print(&a.cpu, va, &o);
    assert_string_equal(gd_out_str(&o), text);
}

static void monitor_walk_shows_every_level(void **state)
{
    (void)state;
    set_tcr(false, 12, 39, 2, false);
    acpu_le64(&a, TABLE(0) + 8, TABLE(1) | 3);
    acpu_le64(&a, TABLE(1) + 16, 0x40200001 | 1ull << 7 | AF);
    print(0x40401234,
          "level 1: table 0x40020000, entry 1 = 0x40030003, table\n"
          "level 2: table 0x40030000, entry 2 = 0x40200481, block\n"
          "0x40401234 -> 0x40201234, mapping of 0x200000 bytes, read-only, executable\n");
    print(0x80000000, "level 1: table 0x40020000, entry 2 = 0x0, invalid\n"
                      "no stage-1 translation for 0x80000000 at level 1\n");
    a.target.features = GD_ARM64_F_LPA; /* TTBR[5:2] are address bits 51:48 */
    set_tcr(false, 16, 43, 6, false);
    a.reg[GD_ARM64_TTBR0_EL1] = TABLE(0) | 0x3c;
    print(0,
          "level 1: table 0xf000040020000, entry 0\n"
          "the guest's translation table is broken at 0x0 at level 1 (the table is not in RAM)\n");
    a.reg[GD_ARM64_SCTLR_EL1] = 0;
    print(0x40000000, "the MMU is off\n"
                      "0x40000000 -> 0x40000000, mapping of 0x1000 bytes, writable, executable\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_granule_size_and_level_translates, setup),
        cmocka_unit_test_setup(big_endian_tables_are_read, setup),
        cmocka_unit_test_setup(an_invalid_entry_names_its_level, setup),
        cmocka_unit_test_setup(blocks_only_where_the_granule_has_them, setup),
        cmocka_unit_test_setup(the_gap_and_disabled_halves_are_unmapped, setup),
        cmocka_unit_test_setup(tags_are_ignored_as_tcr_says, setup),
        cmocka_unit_test_setup(sizes_beyond_the_cpu_are_refused, setup),
        cmocka_unit_test_setup(d128_is_refused_by_name, setup),
        cmocka_unit_test_setup(tables_outside_ram_are_broken_tables, setup),
        cmocka_unit_test_setup(a_table_that_leads_to_itself_ends, setup),
        cmocka_unit_test_setup(random_tables_never_leave_ram_or_loop, setup),
        cmocka_unit_test_setup(permissions_are_those_of_the_guests_level, setup),
        cmocka_unit_test_setup(with_the_mmu_off_addresses_are_physical, setup),
        cmocka_unit_test_setup(monitor_walk_shows_every_level, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
