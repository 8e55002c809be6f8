/* SPDX-License-Identifier: MIT */
/* CIABR and DAWRX values at their borders, what a hit at a vector is, and the standing fence. */
#include "support_ppc64.h"

#define V(off) (0xc000000000004000ull + (off))
#define ANY    (DAWRX_WTI | DAWRX_PNH | DAWRX_PRO)

static struct pcpu cpu;
static struct gd_hw_set set;

static struct pcpu *fresh(void)
{
    pcpu_init(&cpu);
    memset(&set, 0, sizeof(set));
    return &cpu;
}

static int plan(struct pcpu *p, struct gd_hw_want *w, size_t n)
{
    return gd_arch_ppc64.plan(&p->target, w, n, &set, &p->why);
}

/* The last register first: the guest keeps DAWR0 as long as one suffices. */
static void a_range_becomes_doublewords(void **state)
{
    static const struct {
        enum gd_point_type type;
        uint64_t addr, len, dawr, dawrx;
    } row[] = {
        { GD_WRITE, 0x1000, 1, 0x1000, DAWRX_DW | ANY },
        { GD_READ, 0x1007, 1, 0x1000, DAWRX_DR | ANY },
        { GD_ACCESS, 0x1007, 2, 0x1000, 1 << 10 | DAWRX_DR | DAWRX_DW | ANY },
        { GD_WRITE, 0x1000, 8, 0x1000, DAWRX_DW | ANY },
        { GD_WRITE, 0x1004, 8, 0x1000, 1 << 10 | DAWRX_DW | ANY },
        { GD_WRITE, 0x1000, 512, 0x1000, 63 << 10 | DAWRX_DW | ANY },
        { GD_WRITE, 0x11f8, 16, 0x11f8, 1 << 10 | DAWRX_DW | ANY },
        { GD_WRITE, 0xfffffffffffffff8ull, 8, 0xfffffffffffffff8ull, DAWRX_DW | ANY },
    };
    struct pcpu *p = fresh();

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(row); i++) {
        struct gd_hw_want w = { .type = row[i].type, .addr = row[i].addr, .len = row[i].len };

        assert_int_equal(plan(p, &w, 1), 0);
        assert_int_equal(set.w[1].value, row[i].dawr);
        assert_int_equal(set.w[1].ctrl, row[i].dawrx);
        assert_int_equal(set.w[0].ctrl, 0);
        assert_int_equal(w.slots, 2);
    }
}

static void a_range_over_512_bytes_takes_both_and_no_more(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_WRITE, .addr = 0x1001, .len = 512 };

    (void)state;
    assert_int_equal(plan(p, &w, 1), 0);
    assert_int_equal(set.w[1].value, 0x1000);
    assert_int_equal(set.w[1].ctrl >> 10, 63);
    assert_int_equal(set.w[0].value, 0x1200);
    assert_int_equal(set.w[0].ctrl >> 10, 0);
    assert_int_equal(w.slots, 3);
    w.len = 1024;
    assert_int_equal(plan(p, &w, 1), GD_E_NOWATCH);
}

static void before_isa_3_1_a_range_is_split_at_512_bytes(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_WRITE, .addr = 0x11f8, .len = 16 };

    (void)state;
    p->target.features = GD_PPC64_F_ISA30;
    assert_int_equal(plan(p, &w, 1), 0);
    assert_int_equal(set.w[1].value, 0x11f8);
    assert_int_equal(set.w[1].ctrl >> 10, 0);
    assert_int_equal(set.w[0].value, 0x1200);
    p->target.hw.nwatch = 1; /* POWER9 has one */
    assert_int_equal(plan(p, &w, 1), GD_E_NOWATCH);
    w.addr = 0x11f0;
    assert_int_equal(plan(p, &w, 1), 0);
    assert_int_equal(set.w[0].ctrl >> 10, 1);
}

static void equal_points_share_a_register_and_a_third_is_refused(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w[] = { { .type = GD_WRITE, .addr = 0x1000, .len = 4 },
                              { .type = GD_WRITE, .addr = 0x1004, .len = 4 },
                              { .type = GD_READ, .addr = 0x1000, .len = 4 },
                              { .type = GD_READ, .addr = 0x2000, .len = 4 } };

    (void)state;
    assert_int_equal(plan(p, w, 3), 0);
    assert_int_equal(w[0].slots, 2);
    assert_int_equal(w[1].slots, 2);
    assert_int_equal(w[2].slots, 1);
    assert_int_equal(plan(p, w, 4), GD_E_NOWATCH);
}

static void watchpoints_without_a_working_dawr_are_refused(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_WRITE, .addr = 0x1000, .len = 4 };

    (void)state;
    p->target.hw.nwatch = 0;
    assert_int_equal(plan(p, &w, 1), GD_E_NOWATCH);
    assert_string_equal(p->why.detail, "no DAWR works on this host");
}

static void empty_and_wrapping_ranges_are_refused(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_WRITE, .addr = 0x1000, .len = 0 };

    (void)state;
    assert_int_equal(plan(p, &w, 1), GD_E_ARG);
    w.addr = ~0ull;
    w.len = 2;
    assert_int_equal(plan(p, &w, 1), GD_E_ARG);
    w.addr = 0x1000;
    w.len = 4;
    w.linked = true;
    assert_int_equal(plan(p, &w, 1), GD_E_NOCONTEXT);
}

static void raw_dawrx_values_are_checked(void **state)
{
    static const struct {
        uint64_t ctrl, value;
        bool isa31;
        int result;
    } row[] = {
        { DAWRX_DW | ANY, 0x1000, true, 0 },
        { DAWRX_DW | DAWRX_PRO | DAWRX_WT, 0x1000, true, 0 },
        { DAWRX_DW | ANY | DAWRX_HYP, 0x1000, true, GD_E_RESERVED },
        { DAWRX_DW | ANY | 0x10000, 0x1000, true, GD_E_RESERVED },
        { DAWRX_DW | ANY | DAWRX_HRAMMC, 0x1000, true, 0 },
        { DAWRX_DW | ANY | DAWRX_HRAMMC, 0x1000, false, GD_E_RESERVED },
        { DAWRX_DW | ANY, 0x1001, true, GD_E_RESERVED },
        { ANY, 0x1000, true, GD_E_RESERVED },
        { DAWRX_DR | DAWRX_WTI, 0x1000, true, GD_E_RESERVED },
        { DAWRX_DR | ANY | 1 << 10, 0x11f8, true, 0 },
        { DAWRX_DR | ANY | 1 << 10, 0x11f8, false, GD_E_RESERVED },
        { DAWRX_DR | ANY | 63 << 10, 0x1000, false, 0 },
        { DAWRX_DR | ANY | 1 << 10, 0xfffffffffffffff8ull, true, GD_E_RESERVED },
    };
    struct pcpu *p = fresh();

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(row); i++) {
        struct gd_hw_want w = { .type = GD_ACCESS,
                                .raw = true,
                                .pair = { row[i].ctrl, row[i].value } };

        p->target.features = GD_PPC64_F_ISA30 | (row[i].isa31 ? GD_PPC64_F_ISA31 : 0);
        if (plan(p, &w, 1) != row[i].result)
            fail_msg("row %zu", i);
    }
}

static void ciabr_takes_the_privilege_of_the_address(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_HW, .addr = P_CODE, .len = 4 };
    struct gd_hw_want two[] = { { .type = GD_HW, .addr = P_CODE, .len = 4 },
                                { .type = GD_HW, .addr = P_CODE + 4, .len = 4 } };

    (void)state;
    assert_int_equal(plan(p, &w, 1), 0);
    assert_int_equal(set.b[0].value, P_CODE | 2);
    assert_int_equal(w.slots, 1);
    w.addr = 0x10000;
    assert_int_equal(plan(p, &w, 1), 0);
    assert_int_equal(set.b[0].value, 0x10001);
    w.addr = 0x10002;
    assert_int_equal(plan(p, &w, 1), GD_E_ALIGN);
    assert_int_equal(plan(p, two, 2), GD_E_NOBREAK);
    p->target.hw.nbreak = 0;
    assert_int_equal(plan(p, two, 1), GD_E_NOBREAK);
}

static void raw_ciabr_values_are_checked(void **state)
{
    struct pcpu *p = fresh();
    struct gd_hw_want w = { .type = GD_HW, .raw = true, .pair = { 0, 0x1000 } };

    (void)state;
    assert_int_equal(plan(p, &w, 1), GD_E_RESERVED);
    w.pair.value = 0x1003;
    assert_int_equal(plan(p, &w, 1), GD_E_RESERVED);
    w.pair.value = 0x1002;
    assert_int_equal(plan(p, &w, 1), 0);
    w.pair.ctrl = 1;
    assert_int_equal(plan(p, &w, 1), GD_E_RESERVED);
}

/* ---- hits ---- */

static void event(struct pcpu *p, struct gd_event *ev)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .addr = p->reg[GD_PPC64_PC] };

    pcpu_ran(p);
    gd_arch_ppc64.event(&p->cpu, &x, &set, ev);
}

/* A store of four bytes at ea, stopped by the DAWR. */
static void dawr_hit(struct pcpu *p, uint64_t ea)
{
    pcpu_word(p, 0x20000, 0x90640000); /* stw r3,0(r4) */
    p->reg[4] = ea;
    p->reg[GD_PPC64_DSISR] = DSISR_DAWR | 0x02000000;
    p->reg[GD_PPC64_DAR] = ea;
    pcpu_interrupt(p, 0x300, P_CODE, 0);
}

static void our_watchpoint_is_reported_before_its_access(void **state)
{
    struct pcpu *p = fresh();
    struct gd_event ev;

    (void)state;
    set.w[1] = (struct gd_hw_pair){ DAWRX_DW | ANY, 0x3000 };
    dawr_hit(p, 0x3004);
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_WATCH);
    assert_int_equal(ev.pc, P_CODE);
    assert_int_equal(ev.slots, 2);
    assert_int_equal(ev.access.addr, 0x3004);
    assert_int_equal(ev.access.len, 4);
    assert_true(ev.access.write);
    assert_false(ev.after);
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), P_CODE);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_KERNEL);
}

static void foreign_faults_at_our_fence_stay_at_the_vector(void **state)
{
    struct pcpu *p = fresh();
    struct gd_event ev;

    (void)state;
    set.w[0] = (struct gd_hw_pair){ DAWRX_DW | ANY, 0x3000 };
    dawr_hit(p, 0x3008); /* the guest's own */
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_SWBP);
    assert_int_equal(ev.pc, V(0x300));
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), V(0x300));

    fresh();
    set.w[0] = (struct gd_hw_pair){ DAWRX_DR | ANY, 0x3000 };
    dawr_hit(p, 0x3000); /* the wrong direction */
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_SWBP);

    fresh();
    set.w[0] = (struct gd_hw_pair){ DAWRX_DW | ANY, 0x3000 };
    dawr_hit(p, 0x3000);
    p->reg[GD_PPC64_DSISR] = 0x40000000; /* a page fault */
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_SWBP);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), 0x8000000000001031ull);
}

static void an_undecoded_access_is_judged_by_the_dar(void **state)
{
    struct pcpu *p = fresh();
    struct gd_event ev;

    (void)state;
    set.w[0] = (struct gd_hw_pair){ 1 << 10 | DAWRX_DW | ANY, 0x3000 };
    dawr_hit(p, 0x300f);
    pcpu_word(p, 0x20000, 0x7c0004ac); /* not a load or store to us */
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_WATCH);
    assert_int_equal(ev.access.len, 0);
    assert_int_equal(ev.access.addr, 0x300f);
}

static void ciabr_is_reported_after_its_instruction(void **state)
{
    struct pcpu *p = fresh();
    struct gd_event ev;

    (void)state;
    set.b[0].value = P_CODE | 2;
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE | SRR1_CIABR);
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_HWBP);
    assert_int_equal(ev.slots, 1);
    assert_true(ev.after);
    assert_int_equal(ev.pc, P_CODE + 4);
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), P_CODE + 4);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_KERNEL);

    fresh(); /* QEMU's TCG reports it before */
    set.b[0].value = P_CODE | 2;
    pcpu_interrupt(p, 0xd00, P_CODE, SRR1_TRACE | SRR1_CIABR);
    event(p, &ev);
    assert_false(ev.after);

    fresh(); /* the guest's own trace */
    set.b[0].value = P_CODE | 2;
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE);
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_SWBP);
    assert_int_equal(ev.pc, V(0xd00));
}

static void a_breakpoint_word_is_a_software_breakpoint(void **state)
{
    struct pcpu *p = fresh();
    struct gd_event ev;
    struct gd_exit other = { .kind = GD_EXIT_OTHER };

    (void)state;
    event(p, &ev);
    assert_int_equal(ev.kind, GD_EV_SWBP);
    assert_int_equal(ev.pc, P_CODE);
    gd_arch_ppc64.event(&p->cpu, &other, &set, &ev);
    assert_int_equal(ev.kind, GD_EV_UNKNOWN);
}

static void a_foreign_word_becomes_a_program_interrupt(void **state)
{
    struct pcpu *p = fresh();
    struct gd_exit x = { .kind = GD_EXIT_DEBUG };

    (void)state;
    pcpu_user(p);
    assert_int_equal(gd_arch_ppc64.inject(&p->cpu, &x), 0);
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), V(0x700));
    assert_int_equal(p->reg[GD_PPC64_SRR0], P_USER);
    assert_int_equal(p->reg[GD_PPC64_SRR1], MSR_USER | 0x80000);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE);
}

static int breakable(struct pcpu *p, uint64_t gpa)
{
    return gd_arch_ppc64.breakable(&p->cpu, P_KERN + gpa, gpa, &p->why);
}

static void no_breakpoint_parts_a_prefixed_instruction(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_word(p, 0x20000, 0x06000000); /* paddi r3,r4,0x12345678 */
    pcpu_word(p, 0x20004, 0x38641234);
    pcpu_word(p, 0x2003c, 0x06000000); /* data: no prefix ends a block of 64 bytes */
    assert_int_equal(breakable(p, 0x20000), 0);
    assert_int_equal(breakable(p, 0x20004), GD_E_UNSUPPORTED);
    assert_int_equal(breakable(p, 0x20008), 0);
    assert_int_equal(breakable(p, 0x20040), 0);
    p->target.features = GD_PPC64_F_ISA30;
    assert_int_equal(breakable(p, 0x20004), 0);
    p->target.features |= GD_PPC64_F_ISA31;
    p->reg[GD_PPC64_MSR] &= ~MSR_LE;
    pcpu_ran(p);
    assert_int_equal(breakable(p, 0x20004), 0);
    pcpu_word(p, 0x20000, 0x00000006);
    pcpu_word(p, 0x20004, 0x34126438);
    assert_int_equal(breakable(p, 0x20004), GD_E_UNSUPPORTED);
}

/* Compilers put a table behind a function, whose last byte counts the parameters in floating-point registers. */
static void a_function_behind_data_takes_a_breakpoint(void **state)
{
    static const struct {
        uint32_t data, insn;
        bool pair;
    } rows[] = {
        { 0x04000000, 0x3c4c0002, false }, /* addis r2,r12,2 */
        { 0x04000180, 0x7c0802a6, false }, /* mflr r0 */
        { 0x06000000, 0x7c0802a6, false }, { 0x05000000, 0x3c4c0002, false },
        { 0x06f00000, 0x38641234, false }, /* no type of prefix */
        { 0x04000000, 0xf4640010, true },  /* pstd */
        { 0x05000000, 0x80640000, true },  /* xxspltidp and its like */
        { 0x07000000, 0x7c0802a6, true },  /* pnop */
        { 0x07900000, 0xec000000, true },  /* pmxv... */
    };
    struct pcpu *p = fresh();

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pcpu_word(p, 0x20000, rows[i].data);
        pcpu_word(p, 0x20004, rows[i].insn);
        assert_int_equal(breakable(p, 0x20004), rows[i].pair ? GD_E_UNSUPPORTED : 0);
    }
}

/* ---- the standing fence ---- */

static void only_what_is_armed_needs_a_standing_word(void **state)
{
    struct pcpu *p = fresh();
    uint64_t va[8], gpa[8];

    (void)state;
    assert_int_equal(gd_arch_ppc64.fence(&p->cpu, &set, va, gpa, 8), 0);
    set.w[0] = (struct gd_hw_pair){ DAWRX_DW | ANY, 0x3000 };
    assert_int_equal(gd_arch_ppc64.fence(&p->cpu, &set, va, gpa, 8), 2);
    assert_int_equal(va[0], 0x300);
    assert_int_equal(gpa[0], 0x300);
    assert_int_equal(va[1], V(0x300));
    assert_int_equal(gpa[1], 0x4300);
    set.b[0].value = P_CODE | 2;
    assert_int_equal(gd_arch_ppc64.fence(&p->cpu, &set, va, gpa, 8), 4);
    assert_int_equal(gpa[3], 0x4d00);
    assert_int_equal(gd_arch_ppc64.fence(&p->cpu, &set, va, gpa, 3), 3);
    p->reg[GD_PPC64_PROC_TBL] = 0; /* before the guest has translation */
    pcpu_ran(p);
    assert_int_equal(gd_arch_ppc64.fence(&p->cpu, &set, va, gpa, 8), 2);
}

static void the_first_instructions_of_linux_vectors_are_passed(void **state)
{
    static const struct {
        uint32_t insn;
        uint64_t pc;
        unsigned reg;
        uint64_t value;
    } row[] = {
        { 0x7db243a6, V(0x304), GD_PPC64_SPRG0 + 2, 0xd }, /* mtsprg 2,r13 */
        { 0x7da903a6, V(0x304), GD_PPC64_CTR, 0xd },       /* mtctr r13 */
        { 0x7da96b78, V(0x304), 9, 0xd },                  /* mr r9,r13 */
        { 0x7db242a6, V(0x304), 13, 0x77 },                /* mfsprg r13,2 */
        { 0x08000048, V(0x304), 13, 0xd },                 /* tdi 0,r0,0x48 */
        { 0x60000000, V(0x304), 13, 0xd },                 /* nop */
        { 0x48000100, V(0x400), 13, 0xd },                 /* b .+0x100 */
    };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(row); i++) {
        struct pcpu *p = fresh();

        p->reg[GD_PPC64_PC] = V(0x300);
        p->reg[13] = 0xd;
        p->reg[GD_PPC64_SPRG0 + 2] = 0x77;
        pcpu_word(p, 0x4300, row[i].insn);
        assert_true(gd_arch_ppc64.pass(&p->cpu));
        assert_int_equal(pcpu_reg(p, GD_PPC64_PC), row[i].pc);
        assert_int_equal(p->reg[row[i].reg], row[i].value);
    }
}

static void anything_else_is_left_to_a_step(void **state)
{
    static const uint32_t insns[] = { 0x90640000, 0x7c7403a6, 0x0be00000, 0x7ca000a6, 0x60630001 };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(insns); i++) {
        struct pcpu *p = fresh();

        pcpu_word(p, 0x20000, insns[i]);
        assert_false(gd_arch_ppc64.pass(&p->cpu));
        assert_int_equal(pcpu_reg(p, GD_PPC64_PC), P_CODE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_becomes_doublewords),
        cmocka_unit_test(a_range_over_512_bytes_takes_both_and_no_more),
        cmocka_unit_test(before_isa_3_1_a_range_is_split_at_512_bytes),
        cmocka_unit_test(equal_points_share_a_register_and_a_third_is_refused),
        cmocka_unit_test(watchpoints_without_a_working_dawr_are_refused),
        cmocka_unit_test(empty_and_wrapping_ranges_are_refused),
        cmocka_unit_test(raw_dawrx_values_are_checked),
        cmocka_unit_test(ciabr_takes_the_privilege_of_the_address),
        cmocka_unit_test(raw_ciabr_values_are_checked),
        cmocka_unit_test(our_watchpoint_is_reported_before_its_access),
        cmocka_unit_test(foreign_faults_at_our_fence_stay_at_the_vector),
        cmocka_unit_test(an_undecoded_access_is_judged_by_the_dar),
        cmocka_unit_test(ciabr_is_reported_after_its_instruction),
        cmocka_unit_test(a_breakpoint_word_is_a_software_breakpoint),
        cmocka_unit_test(a_foreign_word_becomes_a_program_interrupt),
        cmocka_unit_test(no_breakpoint_parts_a_prefixed_instruction),
        cmocka_unit_test(a_function_behind_data_takes_a_breakpoint),
        cmocka_unit_test(only_what_is_armed_needs_a_standing_word),
        cmocka_unit_test(the_first_instructions_of_linux_vectors_are_passed),
        cmocka_unit_test(anything_else_is_left_to_a_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
