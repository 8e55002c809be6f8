/* SPDX-License-Identifier: MIT */
/*
 * Attribution of debug exits, with addresses as imprecise as silicon reports them, and the
 * exceptions that are given to the guest.
 */
#include "support_arm64.h"

#define FAR_NONE ESR_WP_FNV

static struct acpu a;
static struct gd_hw_set set;
static struct gd_event ev;

static int setup(void **state)
{
    (void)state;
    acpu_init(&a);
    memset(&set, 0, sizeof(set));
    a.reg[1] = 0x50000;
    a.reg[GD_ARM64_TCR_EL1] = 16 | 16 << 16;
    return 0;
}

static uint64_t esr(unsigned ec, uint64_t iss)
{
    return (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss;
}

static void event(unsigned ec, uint64_t iss, uint64_t far)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .syndrome = esr(ec, iss), .addr = far };

    gd_cpu_forget(&a.cpu);
    gd_arch_arm64.event(&a.cpu, &x, &set, &ev);
}

static void plan(struct gd_hw_want *w, size_t n)
{
    assert_int_equal(gd_arch_arm64.plan(&a.target, w, n, &set, &a.why), 0);
}

/* ---- what is what ---- */

static void breakpoint_instructions_are_told_by_their_number(void **state)
{
    (void)state;
    event(EC_BRK64, GD_ARM64_BRK_IMM, 0);
    assert_int_equal(ev.kind, GD_EV_SWBP);
    assert_int_equal(ev.pc, A_CODE);
    event(EC_BRK64, 0x800, 0);
    assert_int_equal(ev.kind, GD_EV_FOREIGN);
    event(EC_BKPT32, GD_ARM64_BRK_IMM, 0);
    assert_int_equal(ev.kind, GD_EV_FOREIGN);
    event(EC_SOFTSTP_LOW, 0x22, 0);
    assert_int_equal(ev.kind, GD_EV_STEP);
    event(0x24, 0, 0);
    assert_int_equal(ev.kind, GD_EV_UNKNOWN);
    assert_int_equal(gd_load_le(gd_arch_arm64.bp_insn, 4), 0xd42cec80); /* brk #0x6764 */
}

static void a_breakpoint_is_ours_only_at_its_address(void **state)
{
    struct gd_hw_want w[] = { { .type = GD_HW, .addr = 0xffff800010000004, .len = 4 },
                              { .type = GD_HW, .addr = 0xffff800010000008, .len = 4 } };

    (void)state;
    plan(w, 2);
    a.reg[GD_ARM64_PC] = 0xffff800010000008;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.kind, GD_EV_HWBP);
    assert_int_equal(ev.slots, 2);
    a.reg[GD_ARM64_PC] = 0xffff80001000000c;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 0);
    a.reg[GD_ARM64_PC] = 0xffff800010000004;
    set.b[0].ctrl = 0x1e5; /* EL0 only */
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 0);
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 1);
}

static void linked_breakpoints_are_told_by_their_context(void **state)
{
    struct gd_hw_want w[] = {
        { .type = GD_HW, .addr = A_CODE, .len = 4, .linked = true, .context = 0x111 },
        { .type = GD_HW, .addr = A_CODE, .len = 4, .linked = true, .context = 0x222 },
        { .type = GD_HW, .raw = true, .pair = { 0x2001e7, 0x333 } }
    };

    (void)state;
    plan(w, 2);
    a.reg[GD_ARM64_CONTEXTIDR_EL1] = 0x222;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, w[1].slots);
    a.reg[GD_ARM64_CONTEXTIDR_EL1] = 0x333;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 0);
    plan(&w[2], 1);
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, w[2].slots);
    a.reg[GD_ARM64_CONTEXTIDR_EL1] = 0x334;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 0);
}

static void t32_halves_are_told_apart(void **state)
{
    struct gd_hw_want w[] = { { .type = GD_HW, .addr = 0x8000, .len = 2 },
                              { .type = GD_HW, .addr = 0x8002, .len = 2 } };

    (void)state;
    a.target.features = GD_ARM64_F_EL0_32;
    plan(w, 2);
    a.reg[GD_ARM64_PSTATE] = PSTATE_NRW | 0x20;
    a.reg[GD_ARM64_PC] = 0x8002;
    event(EC_BREAKPT_LOW, 0x22, 0);
    assert_int_equal(ev.slots, 2);
}

/* ---- watchpoints ---- */

struct hit {
    const char *what;
    uint32_t insn; /* 0: cannot be decoded (no RAM at PC) */
    uint64_t iss, far;
    uint16_t slots;
    uint64_t addr, len; /* of the access */
};

/* Watched: slot 0 bytes 0x50010 to 0x50013 (write), slot 1 0x50018 to 0x5001f (access),
 * slot 2 0x50040 to 0x5007f (read), slot 3 0x51000 to 0x51007 (write). x1 = 0x50000. */
/* clang-format off */
static const struct hit hits[] = {
    {"str w0,[x1,#16], exact", 0xb9001020, ESR_WP_WNR, 0x50010, 1, 0x50010, 4},
    {"str x0,[x1,#12], FAR at its start", 0xf800c020, ESR_WP_WNR, 0x5000c, 1, 0x5000c, 8},
    {"stp x0,x2,[x1,#8], FAR 8 below", 0xa9008820, ESR_WP_WNR, 0x50008, 1, 0x50008, 16},
    {"stp q0,q1,[x1], FAR at 16-byte block below", 0xad000420, ESR_WP_WNR, 0x50000, 3, 0x50000, 32},
    {"stp x0,x2,[x1,#16], two at once", 0xa9010820, ESR_WP_WNR, 0x50010, 3, 0x50010, 16},
    {"ldr x0,[x1,#24]", 0xf9400c20, 0, 0x50018, 2, 0x50018, 8},
    {"ldr w0,[x1,#16]: a load beside a write watch", 0xb9401020, 0, 0x50010, 2, 0x50010, 4},
    {"str x0,[x1,#64]: a store beside a read watch", 0xf9002020, ESR_WP_WNR, 0x50040, 2, 0x50040, 8},
    {"ldp x0,x2,[x1,#0x38], FAR below", 0xa9438820, 0, 0x50038, 4, 0x50038, 16},
    {"tagged FAR", 0xb9001020, ESR_WP_WNR, 0x5a00000000050010, 1, 0x50010, 4},
    {"ldadd w2,w0,[x1]: reads and writes", 0xb8220020, 0, 0x50000, 1, 0x50000, 4},
    {"stxr", 0xc8027c20, ESR_WP_WNR, 0x50000, 1, 0x50000, 8},
    {"no FAR, decoded", 0xb9001020, ESR_WP_WNR | FAR_NONE, 0xdead, 1, 0x50010, 4},
    {"dc zva,x1: the whole block", 0xd50b7421, ESR_WP_WNR | ESR_WP_CM, 0x50000, 3, 0x50000, 64},
    {"str x0,[x1,#0x100], beside all: the FAR decides", 0xf9008020, ESR_WP_WNR, 0x50ff0, 8, 0x50100, 8},
    {"undecoded, FAR inside", 0, ESR_WP_WNR, 0x50012, 1, 0x50012, 0},
    {"undecoded, tagged FAR", 0, ESR_WP_WNR, 0x5a00000000050012, 1, 0x50012, 0},
    {"undecoded, FAR below", 0, ESR_WP_WNR, 0x50008, 1, 0x50008, 0},
    {"undecoded, FAR nearer to the other", 0, ESR_WP_WNR, 0x50016, 2, 0x50016, 0},
    {"undecoded load takes the read watch", 0, 0, 0x5003c, 4, 0x5003c, 0},
    {"undecoded, number given", 0, ESR_WP_WNR | FAR_NONE | ESR_WP_WPTV | 3 << 18, 0xdead, 8, 0x51000, 0},
    {"number of a pair that is not ours", 0, ESR_WP_WNR | ESR_WP_WPTV | 9 << 18, 0x50012, 1, 0x50012, 0},
};
/* clang-format on */

static void watch_four(void)
{
    struct gd_hw_want w[] = { { .type = GD_WRITE, .addr = 0x50010, .len = 4 },
                              { .type = GD_ACCESS, .addr = 0x50018, .len = 8 },
                              { .type = GD_READ, .addr = 0x50040, .len = 64 },
                              { .type = GD_WRITE, .addr = 0x51000, .len = 8 } };

    plan(w, 4);
}

static void watch_hits_are_attributed_whatever_the_far(void **state)
{
    (void)state;
    a.reg[GD_ARM64_DCZID_EL0] = 4;
    watch_four();
    for (size_t n = 0; n < GD_ARRAY_SIZE(hits); n++) {
        const struct hit *h = &hits[n];

        acpu_word(&a, A_CODE, h->insn);
        a.reg[GD_ARM64_PC] = h->insn ? A_CODE : 0x1000;
        event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | h->iss, h->far);
        assert_int_equal(ev.kind, GD_EV_WATCH);
        if (ev.slots != h->slots || ev.access.addr != h->addr || ev.access.len != h->len)
            fail_msg("%s: slots %x, access 0x%lx + %lu", h->what, ev.slots,
                     (unsigned long)ev.access.addr, (unsigned long)ev.access.len);
    }
}

static void only_a_store_exclusive_is_marked(void **state)
{
    (void)state;
    watch_four();
    acpu_word(&a, A_CODE, 0xc8027c20);
    event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | ESR_WP_WNR, 0x50000);
    assert_true(ev.access.exclusive);
    acpu_word(&a, A_CODE, 0xc85f7c20); /* ldxr x0, [x1] */
    event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG, 0x50000);
    assert_false(ev.access.exclusive);
}

static void the_guests_own_point_is_masked_where_it_would_not_have_taken_it(void **state)
{
    static const struct {
        uint64_t pstate, mdscr, lock;
        bool masked;
    } rows[] = {
        { PSTATE_M_EL1H, MDSCR_MDE | MDSCR_KDE, 0, false },
        { PSTATE_M_EL1H, MDSCR_MDE, 0, true },
        { PSTATE_M_EL1H | PSTATE_D, MDSCR_MDE | MDSCR_KDE, 0, true },
        { PSTATE_M_EL1H, MDSCR_MDE | MDSCR_KDE, OSLSR_OSLK, true },
        { PSTATE_M_EL0T | PSTATE_D, MDSCR_MDE, 0, false },
        { PSTATE_M_EL0T, MDSCR_MDE, OSLSR_OSLK, true },
        { PSTATE_NRW | PSTATE_M_EL0T, MDSCR_MDE, 0, false },
    };

    (void)state;
    for (size_t n = 0; n < GD_ARRAY_SIZE(rows); n++) {
        a.reg[GD_ARM64_PSTATE] = rows[n].pstate;
        a.reg[GD_ARM64_MDSCR_EL1] = rows[n].mdscr;
        a.reg[GD_ARM64_OSLSR_EL1] = rows[n].lock;
        event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG, 0x50010);
        assert_int_equal(ev.masked, rows[n].masked);
        event(EC_BREAKPT_LOW, 0x22, 0);
        assert_int_equal(ev.masked, rows[n].masked);
        event(EC_BRK64, 0x800, 0); /* an instruction: nothing masks it */
        assert_false(ev.masked);
    }
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H | PSTATE_D;
    watch_four();
    acpu_word(&a, A_CODE, 0xb9001020);
    event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | ESR_WP_WNR, 0x50010); /* ours */
    assert_false(ev.masked);
}

static void a_second_set_can_be_asked_for_exact_hits(void **state)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG,
                         .syndrome = esr(EC_WATCHPT_LOW, ESR_WP_WNR | 0x22),
                         .addr = 0x50010 };
    struct gd_access acc;
    bool exact;

    (void)state;
    watch_four();
    acpu_word(&a, A_CODE, 0xb9001020);
    assert_int_equal(gd_arm64_watch_slots(&a.cpu, &x, &set, &acc, &exact), 1);
    assert_true(exact);
    set.w[0].value += 0x100;
    assert_int_equal(gd_arm64_watch_slots(&a.cpu, &x, &set, &acc, &exact), 2);
    assert_false(exact);
    a.reg[GD_ARM64_PC] = 0x1000; /* neither decoded nor an address, and byte 0 is watched */
    gd_cpu_forget(&a.cpu);
    x.syndrome |= FAR_NONE;
    set.w[0].value = 0;
    assert_int_equal(gd_arm64_watch_slots(&a.cpu, &x, &set, &acc, &exact), 1);
    assert_false(exact);
    a.reg[GD_ARM64_PC] = A_CODE;
    gd_cpu_forget(&a.cpu);
    x.syndrome &= ~FAR_NONE;
    set.w[1].ctrl = set.w[3].ctrl = set.w[0].ctrl = 0; /* only the read watch is left */
    assert_int_equal(gd_arm64_watch_slots(&a.cpu, &x, &set, &acc, &exact), 0);
}

static void the_lower_of_two_equally_near_is_taken(void **state)
{
    struct gd_hw_want w[] = { { .type = GD_WRITE, .addr = 0x50014, .len = 1 },
                              { .type = GD_WRITE, .addr = 0x50010, .len = 1 } };

    (void)state;
    plan(w, 2);
    a.reg[GD_ARM64_PC] = 0x1000; /* nothing to decode */
    event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | ESR_WP_WNR, 0x50012);
    assert_int_equal(ev.slots, 1);
}

static void linked_watchpoints_are_told_by_their_context(void **state)
{
    struct gd_hw_want w[] = {
        { .type = GD_WRITE, .addr = 0x50010, .len = 4, .linked = true, .context = 1 },
        { .type = GD_WRITE, .addr = 0x50010, .len = 4, .linked = true, .context = 2 }
    };

    (void)state;
    plan(w, 2);
    acpu_word(&a, A_CODE, 0xb9001020);
    a.reg[GD_ARM64_CONTEXTIDR_EL1] = 2;
    event(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | ESR_WP_WNR, 0x50010);
    assert_int_equal(ev.slots, w[1].slots);
}

/* ---- injection ---- */

static const struct {
    unsigned ec;
    uint64_t pstate;
    unsigned want_ec, vector;
} entries[] = {
    { EC_BRK64, PSTATE_M_EL0T, 0x3c, 0x400 },       { EC_BRK64, PSTATE_M_EL1T, 0x3c, 0x000 },
    { EC_BRK64, PSTATE_M_EL1H, 0x3c, 0x200 },       { EC_BKPT32, PSTATE_NRW, 0x38, 0x600 },
    { EC_BREAKPT_LOW, PSTATE_M_EL0T, 0x30, 0x400 }, { EC_BREAKPT_LOW, PSTATE_M_EL1H, 0x31, 0x200 },
    { EC_BREAKPT_LOW, PSTATE_NRW, 0x30, 0x600 },    { EC_SOFTSTP_LOW, PSTATE_M_EL0T, 0x32, 0x400 },
    { EC_SOFTSTP_LOW, PSTATE_M_EL1T, 0x33, 0x000 }, { EC_WATCHPT_LOW, PSTATE_M_EL0T, 0x34, 0x400 },
    { EC_WATCHPT_LOW, PSTATE_M_EL1H, 0x35, 0x200 }, { EC_WATCHPT_LOW, PSTATE_NRW, 0x34, 0x600 },
};

static void inject(unsigned ec, uint64_t iss)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .syndrome = esr(ec, iss), .addr = 0xfa5 };

    gd_cpu_forget(&a.cpu);
    assert_int_equal(gd_arch_arm64.inject(&a.cpu, &x), 0);
    acpu_ran(&a);
}

static void every_debug_exception_reaches_el1_as_the_hardware_has_it(void **state)
{
    for (size_t n = 0; n < GD_ARRAY_SIZE(entries); n++) {
        uint64_t old = entries[n].pstate | PSTATE_N | PSTATE_C | PSTATE_DIT | PSTATE_SS;

        setup(state);
        a.reg[GD_ARM64_PSTATE] = old;
        a.reg[GD_ARM64_FAR_EL1] = 0x1234;
        a.reg[GD_ARM64_VBAR_EL1] = A_VBAR | 0x7ff; /* low bits are RES0 */
        inject(entries[n].ec, 7);
        assert_int_equal(a.reg[GD_ARM64_ESR_EL1], esr(entries[n].want_ec, 7));
        assert_int_equal(a.reg[GD_ARM64_ELR_EL1], A_CODE);
        assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], old);
        assert_int_equal(a.reg[GD_ARM64_PC], A_VBAR + entries[n].vector);
        assert_int_equal(a.reg[GD_ARM64_FAR_EL1], entries[n].ec == EC_WATCHPT_LOW ? 0xfa5 : 0x1234);
        assert_int_equal(a.reg[GD_ARM64_PSTATE],
                         PSTATE_M_EL1H | PSTATE_DAIF | PSTATE_N | PSTATE_C | PSTATE_DIT);
    }
}

static void far_is_left_alone_where_the_hardware_gave_none(void **state)
{
    (void)state;
    a.reg[GD_ARM64_FAR_EL1] = 0x1234;
    inject(EC_WATCHPT_LOW, ESR_DFSC_DEBUG | ESR_WP_FNV);
    assert_int_equal(a.reg[GD_ARM64_FAR_EL1], 0x1234);
}

static const struct {
    uint32_t features;
    uint64_t sctlr, gcscr, old, set, clear;
} pstates[] = {
    { GD_ARM64_F_PAN, 0, 0, 5, PSTATE_PAN, 0 },
    { GD_ARM64_F_PAN, SCTLR_SPAN, 0, 5, 0, PSTATE_PAN },
    { GD_ARM64_F_PAN, SCTLR_SPAN, 0, 5 | PSTATE_PAN, PSTATE_PAN, 0 },
    { 0, 0, 0, 5, 0, PSTATE_PAN },
    { GD_ARM64_F_SSBS, SCTLR_DSSBS, 0, 5, PSTATE_SSBS, 0 },
    { GD_ARM64_F_SSBS, 0, 0, 5 | PSTATE_SSBS, 0, PSTATE_SSBS },
    { GD_ARM64_F_MTE, 0, 0, 5, PSTATE_TCO, 0 },
    { 0, 0, 0, 5, 0, PSTATE_TCO },
    { GD_ARM64_F_NMI, 0, 0, 5, PSTATE_ALLINT, 0 },
    { GD_ARM64_F_NMI, SCTLR_SPINTMASK, 0, 5, 0, PSTATE_ALLINT },
    { GD_ARM64_F_GCS, 0, GCSCR_EXLOCKEN, 5, PSTATE_EXLOCK, 0 },
    { GD_ARM64_F_GCS, 0, GCSCR_EXLOCKEN, 0, 0, PSTATE_EXLOCK },
    { 0, 0, 0, 5 | PSTATE_BTYPE | PSTATE_IL | PSTATE_UAO | PSTATE_SS, 0,
      PSTATE_BTYPE | PSTATE_IL | PSTATE_UAO | PSTATE_SS },
};

static void pstate_of_the_handler_follows_the_features(void **state)
{
    for (size_t n = 0; n < GD_ARRAY_SIZE(pstates); n++) {
        setup(state);
        a.target.features = pstates[n].features;
        a.reg[GD_ARM64_SCTLR_EL1] = pstates[n].sctlr;
        a.reg[GD_ARM64_GCSCR_EL1] = pstates[n].gcscr;
        a.reg[GD_ARM64_PSTATE] = pstates[n].old;
        inject(EC_BRK64, 0);
        if ((a.reg[GD_ARM64_PSTATE] & pstates[n].set) != pstates[n].set ||
            (a.reg[GD_ARM64_PSTATE] & pstates[n].clear))
            fail_msg("row %zu: 0x%lx", n, (unsigned long)a.reg[GD_ARM64_PSTATE]);
    }
}

static void what_is_no_debug_exception_is_not_injected(void **state)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .syndrome = esr(0x24, 0) };

    (void)state;
    assert_int_equal(gd_arch_arm64.inject(&a.cpu, &x), GD_E_UNSUPPORTED);
    assert_int_equal(acpu_reg(&a, GD_ARM64_PC), A_CODE);
}

/* ---- the guest's own debugging ---- */

static void guest_debug(const char *text)
{
    char buf[200];
    struct gd_out o;

    gd_out_init(&o, buf, sizeof(buf));
    gd_cpu_forget(&a.cpu);
    gd_arch_arm64.guest_debug(&a.cpu, &o);
    assert_string_equal(gd_out_str(&o), text);
}

static void the_guests_own_debugging_is_told(void **state)
{
    uint64_t context;

    (void)state;
    for (unsigned n = 6; n < 16; n++)
        a.no_reg[GD_ARM64_DBGBCR(n)] = true;
    guest_debug("");
    a.reg[GD_ARM64_DBGBCR(1)] = 0x1e7;
    guest_debug("the guest debugs itself: 1 breakpoint, 0 watchpoints (switched off, "
                "MDSCR_EL1.MDE is clear)\n");
    a.reg[GD_ARM64_MDSCR_EL1] = MDSCR_MDE | MDSCR_SS;
    a.reg[GD_ARM64_DBGWCR(0)] = a.reg[GD_ARM64_DBGWCR(15)] = 0x1ff7;
    a.reg[GD_ARM64_OSLSR_EL1] = OSLSR_OSLK;
    guest_debug("the guest debugs itself: 1 breakpoint, 2 watchpoints, single step, but its OS "
                "lock is on\n");
    assert_int_equal(a.why.error, 0);
    a.reg[GD_ARM64_CONTEXTIDR_EL1] = 77;
    gd_cpu_forget(&a.cpu);
    assert_int_equal(gd_arch_arm64.context(&a.cpu, &context), 0);
    assert_int_equal(context, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(breakpoint_instructions_are_told_by_their_number, setup),
        cmocka_unit_test_setup(a_breakpoint_is_ours_only_at_its_address, setup),
        cmocka_unit_test_setup(linked_breakpoints_are_told_by_their_context, setup),
        cmocka_unit_test_setup(t32_halves_are_told_apart, setup),
        cmocka_unit_test_setup(watch_hits_are_attributed_whatever_the_far, setup),
        cmocka_unit_test_setup(only_a_store_exclusive_is_marked, setup),
        cmocka_unit_test_setup(the_guests_own_point_is_masked_where_it_would_not_have_taken_it,
                               setup),
        cmocka_unit_test_setup(a_second_set_can_be_asked_for_exact_hits, setup),
        cmocka_unit_test_setup(the_lower_of_two_equally_near_is_taken, setup),
        cmocka_unit_test_setup(linked_watchpoints_are_told_by_their_context, setup),
        cmocka_unit_test_setup(every_debug_exception_reaches_el1_as_the_hardware_has_it, setup),
        cmocka_unit_test_setup(far_is_left_alone_where_the_hardware_gave_none, setup),
        cmocka_unit_test_setup(pstate_of_the_handler_follows_the_features, setup),
        cmocka_unit_test_setup(what_is_no_debug_exception_is_not_injected, setup),
        cmocka_unit_test_setup(the_guests_own_debugging_is_told, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
