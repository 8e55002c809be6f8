/* SPDX-License-Identifier: MIT */
/* Registers as a client sees them, features from ID registers, and the target description. */
#include <stdio.h>

#include "support_arm64.h"

static struct acpu a;
static uint8_t bytes[GD_REG_BYTES];

static int setup(void **state)
{
    (void)state;
    acpu_init(&a);
    return 0;
}

static unsigned size(unsigned num)
{
    return gd_arch_arm64.reg_size(&a.target, num);
}

static int get(unsigned num, uint64_t *value)
{
    int err;

    gd_cpu_forget(&a.cpu);
    err = gd_arch_arm64.reg_get(&a.cpu, num, bytes);
    if (err < 0) {
        *value = 0;
        return err;
    }
    assert_int_equal(err, size(num));
    *value = gd_load_le(bytes, size(num) < 8 ? size(num) : 8);
    return 0;
}

static uint64_t reg(unsigned num)
{
    uint64_t v;

    assert_int_equal(get(num, &v), 0);
    return v;
}

static int put(unsigned num, uint64_t value)
{
    int err;

    gd_store_le(bytes, value, 8);
    gd_cpu_forget(&a.cpu);
    err = gd_arch_arm64.reg_set(&a.cpu, num, bytes);
    acpu_ran(&a);
    return err;
}

static void sizes_follow_the_target(void **state)
{
    (void)state;
    assert_int_equal(size(0), 8);
    assert_int_equal(size(GD_ARM64_SP), 8);
    assert_int_equal(size(GD_ARM64_PSTATE), 4);
    assert_int_equal(size(GD_ARM64_V(31)), 16);
    assert_int_equal(size(GD_ARM64_FPCR), 4);
    assert_int_equal(size(GD_ARM64_P(0)), 0);
    assert_int_equal(size(GD_ARM64_VG), 0);
    assert_int_equal(size(GD_ARM64_PAUTH_DMASK), 0);
    assert_int_equal(size(GD_ARM64_TPIDR_EL0), 8);
    assert_int_equal(size(GD_ARM64_EL1_LAST), 8);
    assert_int_equal(size(GD_ARM64_EL1_LAST + 1), 0);
    assert_int_equal(size(GD_ARM64_TCR2_EL1), 0); /* ours alone */
    assert_int_equal(size(GD_ARM64_DBGBCR(0)), 0);
    a.target.sve_vq = 16;
    a.target.features = GD_ARM64_F_PAUTH;
    assert_int_equal(size(GD_ARM64_V(0)), 256);
    assert_int_equal(size(GD_ARM64_P(15)), 32);
    assert_int_equal(size(GD_ARM64_FFR), 32);
    assert_int_equal(size(GD_ARM64_VG), 8);
    assert_int_equal(size(GD_ARM64_PAUTH_CMASK_HIGH), 8);
    assert_int_equal(reg(GD_ARM64_VG), 32);
}

static void every_writable_register_reads_back(void **state)
{
    unsigned count = 0;

    (void)state;
    a.target.sve_vq = 2;
    for (unsigned n = 0; n < GD_REG_MAX; n++) {
        unsigned bytes_of = size(n);
        uint8_t want[GD_REG_BYTES], got[GD_REG_BYTES];

        if (!bytes_of || n == GD_ARM64_PSTATE || n == GD_ARM64_VG || n == GD_ARM64_MIDR_EL1 ||
            n == GD_ARM64_MPIDR_EL1)
            continue;
        for (unsigned i = 0; i < bytes_of; i++)
            want[i] = (uint8_t)(n * 7 + i * 13 + 1);
        gd_cpu_forget(&a.cpu);
        assert_int_equal(gd_arch_arm64.reg_set(&a.cpu, n, want), 0);
        acpu_ran(&a);
        assert_int_equal(gd_arch_arm64.reg_get(&a.cpu, n, got), bytes_of);
        assert_memory_equal(want, got, bytes_of);
        count++;
    }
    assert_int_equal(count, 33 + 32 + 2 + 17 + 1 + 24);
}

static void sp_follows_el_and_spsel(void **state)
{
    (void)state;
    a.reg[GD_ARM64_SP_EL0] = 0x1000;
    a.reg[GD_ARM64_SP_EL1] = 0x2000;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H;
    assert_int_equal(reg(GD_ARM64_SP), 0x2000);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1T;
    assert_int_equal(reg(GD_ARM64_SP), 0x1000);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    assert_int_equal(put(GD_ARM64_SP, 0x3000), 0);
    assert_int_equal(a.reg[GD_ARM64_SP_EL0], 0x3000);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H;
    assert_int_equal(put(GD_ARM64_SP, 0x4000), 0);
    assert_int_equal(a.reg[GD_ARM64_SP_EL1], 0x4000);
    assert_int_equal(a.reg[GD_ARM64_SP], 0); /* 31 never reaches a back end */
}

static void cpsr_takes_what_the_guest_can_be_in(void **state)
{
    (void)state;
    a.reg[GD_ARM64_PSTATE] = PSTATE_EXLOCK | PSTATE_M_EL1H | PSTATE_DAIF;
    assert_int_equal(put(GD_ARM64_PSTATE, PSTATE_M_EL0T | PSTATE_Z | 0xc008000), 0);
    assert_int_equal(a.reg[GD_ARM64_PSTATE], PSTATE_EXLOCK | PSTATE_Z); /* reserved bits stay */
    assert_int_equal(put(GD_ARM64_PSTATE, PSTATE_M_EL1T), 0);
    for (unsigned mode = 0; mode < 32; mode++)
        if (mode != 0 && mode != 4 && mode != 5) {
            assert_int_equal(put(GD_ARM64_PSTATE, mode), GD_E_UNSUPPORTED);
            assert_non_null(a.why.detail);
            assert_int_equal(a.reg[GD_ARM64_PSTATE], PSTATE_EXLOCK | PSTATE_M_EL1T);
        }
    a.reg[GD_ARM64_PSTATE] = PSTATE_NRW;
    assert_int_equal(put(GD_ARM64_PSTATE, PSTATE_NRW | 0x20), 0); /* T32 */
    assert_int_equal(put(GD_ARM64_PSTATE, PSTATE_NRW | 3), GD_E_UNSUPPORTED);
    assert_int_equal(put(GD_ARM64_PSTATE, PSTATE_M_EL1H), GD_E_UNSUPPORTED);
}

static void constants_take_their_own_value_only(void **state)
{
    (void)state;
    a.target.sve_vq = 2;
    a.target.features = GD_ARM64_F_PAUTH;
    a.reg[GD_ARM64_MPIDR_EL1] = 0x80000001;
    assert_int_equal(put(GD_ARM64_MPIDR_EL1, 0x80000001), 0);
    assert_int_equal(put(GD_ARM64_MPIDR_EL1, 1), GD_E_UNSUPPORTED);
    assert_int_equal(put(GD_ARM64_VG, 4), 0);
    assert_int_equal(put(GD_ARM64_VG, 8), GD_E_UNSUPPORTED);
    assert_int_equal(put(GD_ARM64_PAUTH_DMASK, 1), GD_E_UNSUPPORTED);
    assert_non_null(a.why.detail);
}

static void pauth_masks_follow_tcr(void **state)
{
    (void)state;
    a.target.features = GD_ARM64_F_PAUTH;
    a.reg[GD_ARM64_TCR_EL1] = 16 | 25 << 16 | 1ull << 37 | 1ull << 51; /* TBI0, TBID0 */
    assert_int_equal(reg(GD_ARM64_PAUTH_DMASK), 0x00ff000000000000);
    assert_int_equal(reg(GD_ARM64_PAUTH_CMASK), 0xffff000000000000);
    assert_int_equal(reg(GD_ARM64_PAUTH_DMASK_HIGH), 0xffffff8000000000);
    assert_int_equal(reg(GD_ARM64_PAUTH_CMASK_HIGH), 0xffffff8000000000);
    a.reg[GD_ARM64_TCR_EL1] = 0; /* before the MMU is set up */
    assert_int_equal(reg(GD_ARM64_PAUTH_CMASK), 0xffff000000000000);
}

static void what_the_back_end_lacks_is_unavailable(void **state)
{
    uint64_t v;

    (void)state;
    a.no_reg[GD_ARM64_PAR_EL1] = true;
    assert_int_equal(get(GD_ARM64_PAR_EL1, &v), GD_E_NOREG);
    assert_int_equal(get(100, &v), GD_E_NOREG);
    assert_int_equal(get(GD_REG_MAX + 5, &v), GD_E_NOREG);
}

static void features_come_from_id_registers(void **state)
{
    struct gd_arm64_ids none = { .mmfr0 = 0xff000005 }; /* 0xf: neither 4K nor 64K */
    struct gd_arm64_ids max = { .pfr0 = 0x22,
                                .pfr1 = 1 | 2 << 4 | 3 << 8,
                                .mmfr0 = 0x10200006,
                                .mmfr1 = 2 | 1 << 20,
                                .mmfr2 = 1 << 4 | 1 << 16 | 1 << 28,
                                .mmfr3 = 1,
                                .isar1 = 1 << 4,
                                .isar2 = 2 };

    (void)state;
    assert_int_equal(gd_arm64_features(&none), 0);
    assert_int_equal(gd_arm64_features(&max),
                     GD_ARM64_F_EL0_32 | GD_ARM64_F_BTI | GD_ARM64_F_SSBS | GD_ARM64_F_MTE |
                         GD_ARM64_F_LPA | GD_ARM64_F_LPA2_4K | GD_ARM64_F_LPA2_16K |
                         GD_ARM64_F_HDBS | GD_ARM64_F_PAN | GD_ARM64_F_UAO | GD_ARM64_F_LVA |
                         GD_ARM64_F_TTST | GD_ARM64_F_TCR2 | GD_ARM64_F_PAUTH | GD_ARM64_F_WFXT);
    assert_int_equal(gd_arm64_pa_bits(5), 48);
    assert_int_equal(gd_arm64_pa_bits(6), 52);
}

/* ---- the description ---- */

static char xml[40000];

static const char *describe(uint32_t client)
{
    struct gd_out o;

    gd_out_init(&o, xml, sizeof(xml));
    gd_arch_arm64.tdesc(&a.target, client, &o);
    assert_false(o.cut);
    return gd_out_str(&o);
}

/* Every register of the description has the size that is served, and every served one is in it. */
static void description_agrees_with_sizes(const char *text)
{
    bool seen[GD_REG_MAX] = { false };

    for (const char *p = strstr(text, "<reg "); p; p = strstr(p + 1, "<reg ")) {
        unsigned bits = 0, num = 0;

        assert_int_equal(sscanf(strstr(p, "bitsize="), "bitsize=\"%u\" regnum=\"%u\"", &bits, &num),
                         2);
        assert_int_equal(bits, 8 * size(num));
        assert_false(seen[num]);
        seen[num] = true;
    }
    for (unsigned n = 0; n < GD_REG_MAX; n++)
        assert_int_equal(seen[n], size(n) != 0);
}

static void the_description_has_what_is_served_and_nothing_else(void **state)
{
    const char *t;

    (void)state;
    t = describe(0);
    description_agrees_with_sizes(t);
    assert_non_null(strstr(t, "org.gnu.gdb.aarch64.fpu"));
    assert_null(strstr(t, "org.gnu.gdb.aarch64.sve"));
    assert_null(strstr(t, "pauth"));
    assert_non_null(
        strstr(t, "name=\"VBAR_EL1\" bitsize=\"64\" regnum=\"133\" type=\"int\" group=\"system\""));
    assert_non_null(strstr(t, "name=\"x30\" bitsize=\"64\" regnum=\"30\""));
    a.target.features = GD_ARM64_F_PAUTH;
    a.target.sve_vq = 4;
    t = describe(0);
    description_agrees_with_sizes(t);
    assert_null(strstr(t, "org.gnu.gdb.aarch64.fpu"));
    assert_non_null(strstr(t, "\"org.gnu.gdb.aarch64.pauth\""));
    t = describe(GD_TD_PAUTH_V2);
    assert_non_null(strstr(t, "\"org.gnu.gdb.aarch64.pauth_v2\""));
    assert_non_null(strstr(t, "<vector id=\"vecz_q_u\" type=\"uint128\" count=\"4\"/>"));
    /* the names by which LLDB before 20 knows vectors */
    assert_non_null(strstr(t, "<reg name=\"z31\" bitsize=\"512\" regnum=\"65\" type=\"vec"));
    assert_non_null(strstr(t, "<reg name=\"p15\" bitsize=\"64\" regnum=\"83\" type=\"vec"));
    /* $z0.q.u[1], as with GDB's own description */
    assert_non_null(strstr(t, "<field name=\"q\" type=\"vecz_q\"/>"));
    assert_non_null(strstr(t, "<union id=\"vecz_q\"><field name=\"u\" type=\"vecz_q_u\"/>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes_follow_the_target, setup),
        cmocka_unit_test_setup(every_writable_register_reads_back, setup),
        cmocka_unit_test_setup(sp_follows_el_and_spsel, setup),
        cmocka_unit_test_setup(cpsr_takes_what_the_guest_can_be_in, setup),
        cmocka_unit_test_setup(constants_take_their_own_value_only, setup),
        cmocka_unit_test_setup(pauth_masks_follow_tcr, setup),
        cmocka_unit_test_setup(what_the_back_end_lacks_is_unavailable, setup),
        cmocka_unit_test_setup(features_come_from_id_registers, setup),
        cmocka_unit_test_setup(the_description_has_what_is_served_and_nothing_else, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
