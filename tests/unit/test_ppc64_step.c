/* SPDX-License-Identifier: MIT */
/*
 * One step by each strategy, for each kind of instruction: the test plays the processor and KVM-HV
 * (what is traced, what SRR0 and SRR1 hold, which exit comes), the core must arm it rightly and
 * leave the guest as if nobody had stepped.
 */
#include "support_ppc64_step.h"

/* ---- the ordinary instruction ---- */

static void a_traced_instruction_leaves_no_trace(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), (MSR_KERNEL & ~MSR_EE) | MSR_SE);
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xd00));
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void the_fence_stands_on_every_vector_in_both_places(void **state)
{
    static const uint16_t off[] = { 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800,
                                    0x900, 0xa00, 0xc00, 0xd00, 0xf00, 0xf20, 0xf40, 0xf60 };
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    for (size_t i = 0; i < GD_ARRAY_SIZE(off); i++) {
        assert_true(temp_at(off[i]) >= 0);
        assert_int_equal(step.temp[temp_at(off[i])].gpa, off[i]);
        assert_true(temp_at(V(off[i])) >= 0);
        assert_int_equal(step.temp[temp_at(V(off[i]))].gpa, 0x4000u + off[i]);
    }
    assert_true(temp_at(0x100) >= 0 && temp_at(0x200) >= 0);
    assert_true(temp_at(V(0x100)) < 0);
    assert_int_equal(step.ntemp, 34);
}

static void without_ail_or_without_translation_the_real_vector_counts(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_PC] = 0x20000;
    p->reg[GD_PPC64_MSR] = MSR_REAL;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, 0x20004, SRR1_TRACE);
    assert_int_equal(p->reg[GD_PPC64_PC], 0xd00);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, 0x20004, MSR_REAL);
}

/* Where our words are overwritten, or stand elsewhere at once, no trace interrupt may come. */
static void a_store_that_moves_the_trace_vector_is_stepped_without_se(void **state)
{
    static const uint64_t ea[] = {
        P_KERN + 0xd00,   P_KERN + 0xcf9,
        P_KERN + 0xd03,                     /* in real mode */
        P_KERN + 0x4d00,  V(0xcfc),         /* with AIL=3 */
        P_KERN + P_PROC,  P_KERN + P_ROOT0, /* its translation */
        P_KERN + P_LEVEL, P_KERN + P_LEVEL + 7,
    };
    static const uint64_t beside[] = {
        P_KERN + 0xcf8,      P_KERN + 0xd04,       V(0xd04),
        P_KERN + P_PROC + 8, P_KERN + P_ROOT0 + 8, P_KERN + P_LEVEL - 8
    };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(ea) + GD_ARRAY_SIZE(beside); i++) {
        bool moves = i < GD_ARRAY_SIZE(ea);
        struct pcpu *p = fresh();

        p->reg[GD_PPC64_R0 + 4] = moves ? ea[i] : beside[i - GD_ARRAY_SIZE(ea)];
        assert_int_equal(begin(p, STD), GD_STEP_ENTER);
        assert_int_equal(!(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE), moves);
        assert_int_equal(temp_at(P_CODE + 4) >= 0, moves);
        if (!moves || ea[i] - P_KERN >= P_PROC)
            continue;
        p->reg[GD_PPC64_PC] += 4;
        assert_int_equal(hit(p), GD_STEP_DONE);
        assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
        assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE); /* the next one finds our words again */
    }
}

static void until_its_tlbie_neither_are_the_instructions_behind_such_a_store(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_R0 + 4] = P_KERN + P_LEVEL;
    assert_int_equal(begin(p, STD), GD_STEP_ENTER);
    for (unsigned i = 1; i < 64; i++) {
        p->reg[GD_PPC64_PC] += 4;
        assert_int_equal(hit(p), GD_STEP_DONE);
        expect(p, P_CODE + 4ull * i, MSR_KERNEL);
        assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
        assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    }
    p->reg[GD_PPC64_PC] += 4;
    assert_int_equal(hit(p), GD_STEP_DONE);
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
}

static void a_prefixed_instruction_is_eight_bytes(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x06000000), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0xd00, P_CODE + 8, SRR1_TRACE | SRR1_PREFIXED), GD_STEP_DONE);
    expect(p, P_CODE + 8, MSR_KERNEL);
    step.mode = GD_STEP_BREAK;
    p->reg[GD_PPC64_PC] = P_CODE;
    assert_int_equal(begin(p, 0x06000000), GD_STEP_ENTER);
    assert_int_equal(step.temp[0].va, P_CODE + 8); /* never on the suffix */
    assert_true(temp_at(P_CODE + 4) < 0);
}

/* An undefined form: before or after it has counted? */
static void a_bcctr_that_counts_is_stopped_wherever_it_goes(void **state)
{
    static const uint64_t to[] = { P_CODE + 4, P_CODE + 0x100 };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct pcpu *p = fresh();

        step.mode = GD_STEP_BREAK;
        p->reg[GD_PPC64_CTR] = P_CODE + 0x100;
        assert_int_equal(begin(p, 0x4e000420), GD_STEP_ENTER); /* bdnzctr */
        assert_true(temp_at(to[i]) >= 0 && temp_at(to[i]) < 3);
        pcpu_reg(p, 0);
        p->reg[GD_PPC64_PC] = to[i];
        assert_int_equal(hit(p), GD_STEP_DONE);
        expect(p, to[i], MSR_KERNEL);
    }
}

static void the_breakpoint_strategy_never_sets_se(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    step.mode = GD_STEP_BREAK;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL & ~MSR_EE);
    assert_int_equal(step.temp[0].va, P_CODE + 4);
    assert_int_equal(step.temp[0].gpa, 0x20004);
    p->reg[GD_PPC64_PC] = P_CODE + 4;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_jump_to_an_unmapped_page_ends_before_its_fault(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    step.mode = GD_STEP_BREAK;
    p->reg[GD_PPC64_CTR] = 0x77770000;
    assert_int_equal(begin(p, 0x4e800420), GD_STEP_ENTER); /* bctr */
    assert_int_equal(run_into(p, 0x400, 0x77770000, 0x40000000), GD_STEP_DONE);
    expect(p, 0x77770000, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

/* ---- instructions that would show or lose SE ---- */

static void scv_that_is_switched_off_traps_natively(void **state)
{
    struct pcpu *p = user();

    (void)state;
    p->reg[GD_PPC64_FSCR] = 0;
    assert_int_equal(begin(p, 0x44000001), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0xf60, P_USER, 0), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xf60));
    expect_srr(p, P_USER, MSR_USER);
}

static void privileged_instructions_of_a_program_run_into_the_fence(void **state)
{
    static const uint32_t insns[] = { 0x7ca000a6, 0x4c000024, 0x7c7a03a6, 0x4c0000a4, 0x4c0002e4 };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(insns); i++) {
        struct pcpu *p = user();

        assert_int_equal(begin(p, insns[i]), GD_STEP_ENTER);
        assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER | MSR_SE);
        assert_int_equal(run_into(p, 0x700, P_USER, 0x40000), GD_STEP_DONE);
        assert_int_equal(p->reg[GD_PPC64_PC], V(0x700));
        expect_srr(p, P_USER, MSR_USER | 0x40000);
    }
}

/* ---- what is not traced ---- */

static void a_hypercall_stops_behind_itself(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[3] = 0x58; /* H_PUT_TERM_CHAR */
    assert_int_equal(begin(p, 0x44000022), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL & ~MSR_EE);
    assert_int_equal(step.temp[0].va, P_CODE + 4);
    assert_false(step.waits);
    p->reg[GD_PPC64_PC] = P_CODE + 4; /* served by userspace; POWER10 leaves a bit in the MSR */
    p->reg[GD_PPC64_MSR] |= 0x100000;
    assert_int_equal(served(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
}

static void h_cede_keeps_its_interrupts_and_their_handler_is_run_through(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[3] = H_CEDE;
    assert_int_equal(begin(p, 0x44000022), GD_STEP_ENTER);
    assert_true(step.waits);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL);
    p->reg[GD_PPC64_PC] = P_CODE + 4;
    assert_int_equal(run_into(p, 0x900, P_CODE + 4, 0), GD_STEP_ENTER);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].gpa, 0x20004);
    expect_srr(p, P_CODE + 4, MSR_KERNEL);
    p->reg[GD_PPC64_PC] = P_CODE + 4;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
}

static void what_kvm_emulates_stops_behind_itself(void **state)
{
    static const uint32_t insns[] = { 0x7c00191c, 0x7c00195c, 0x7c7e6aa6 };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(insns); i++) {
        struct pcpu *p = fresh();

        assert_int_equal(begin(p, insns[i]), GD_STEP_ENTER);
        assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
        assert_int_equal(step.temp[0].va, P_CODE + 4);
    }
}

static void a_low_priority_lets_the_others_run(void **state)
{
    (void)state;
    assert_int_equal(begin(fresh(), 0x7c421378), GD_STEP_ENTER); /* or 2,2,2: medium */
    assert_false(step.waits);
    assert_int_equal(begin(fresh(), 0x7ffffb78), GD_STEP_ENTER); /* or 31,31,31 */
    assert_true(step.waits);
}

static void a_priority_hint_stops_behind_itself(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x7c421378), GD_STEP_ENTER); /* or r2,r2,r2 */
    assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    assert_int_equal(step.temp[0].va, P_CODE + 4);
}

static void what_leads_out_of_its_page_stops_where_it_leads(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x48000010), GD_STEP_ENTER); /* b .+16 */
    assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    p = fresh();
    assert_int_equal(begin(p, 0x48001000), GD_STEP_ENTER); /* b .+4096 */
    assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    assert_int_equal(step.temp[0].va, P_CODE + 4096);
}

static void a_device_access_is_one_step(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x80640010), GD_STEP_ENTER); /* lwz */
    pcpu_reg(p, 0);
    p->reg[GD_PPC64_PC] = P_CODE + 4; /* KVM moved on and userspace completed; no trace */
    p->reg[3] = 0x1234;
    assert_int_equal(served(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
    assert_int_equal(p->reg[3], 0x1234);
}

static void rfebb_stops_where_it_goes(void **state)
{
    struct pcpu *p = user();

    (void)state;
    p->reg[GD_PPC64_EBBRR] = P_USER + 0x40;
    assert_int_equal(begin(p, 0x4c000924), GD_STEP_ENTER);
    assert_int_equal(step.temp[0].va, P_USER + 0x40);
    assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
}

static void at_the_trace_vector_no_trace_is_taken(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_PC] = V(0xd00);
    p->reg[GD_PPC64_MSR] = MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE;
    assert_int_equal(begin(p, 0x7db243a6), GD_STEP_ENTER); /* mtsprg 2,r13: in ram at 0x4d00 */
    assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    assert_int_equal(step.temp[0].va, V(0xd04));
    assert_true(temp_at(V(0xd00)) < 0);
    assert_true(temp_at(0xd00) >= 0);
    p->reg[GD_PPC64_PC] = V(0xd04);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect_srr(p, 0x1111, 0x2222);
}

static void any_other_vector_is_traced_with_its_own_word_free(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_PC] = V(0x300);
    p->reg[GD_PPC64_MSR] = MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE;
    assert_int_equal(begin(p, 0x7db243a6), GD_STEP_ENTER);
    assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
    assert_true(temp_at(V(0x300)) < 0);
    assert_int_equal(traced(p, V(0x304)), GD_STEP_DONE);
    expect(p, V(0x304), MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE);
}

/* ---- interrupts of the instruction ---- */

static void an_exception_stops_at_its_vector_with_the_guests_msr_in_srr1(void **state)
{
    static const struct {
        unsigned vector;
        uint64_t cause;
    } row[] = { { 0x700, 0x20000 },    { 0x700, 0x80000 }, { 0x300, 0 }, { 0x380, 0 },
                { 0x400, 0x40000000 }, { 0x480, 0 },       { 0x600, 0 }, { 0x800, 0 },
                { 0xf20, 0 },          { 0xf40, 0 },       { 0xf60, 0 }, { 0x100, 0 } };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(row); i++) {
        for (uint8_t mode = GD_STEP_TRACE; mode <= GD_STEP_BREAK; mode++) {
            struct pcpu *p = fresh();

            step.mode = mode;
            assert_int_equal(begin(p, 0x7fe00008), GD_STEP_ENTER);
            pcpu_reg(p, 0);
            pcpu_interrupt(p, row[i].vector, P_CODE, row[i].cause);
            if (row[i].vector == 0x100) /* stays where it is under every AIL */
                p->reg[GD_PPC64_PC] = 0x100;
            assert_int_equal(hit(p), GD_STEP_DONE);
            assert_int_equal(p->reg[GD_PPC64_PC] & 0xfff, row[i].vector);
            expect_srr(p, P_CODE, MSR_KERNEL | row[i].cause);
        }
    }
}

/* ---- the guest traces itself ---- */

static void the_guests_own_step_is_left_at_its_trace_vector(void **state)
{
    struct pcpu *p = user();

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_USER | MSR_SE;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(traced(p, P_USER + 4), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xd00));
    expect_srr(p, P_USER + 4, MSR_USER | MSR_SE | SRR1_TRACE);
}

static void a_kernel_that_traces_itself_finds_its_ee_in_srr1(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), (MSR_KERNEL & ~MSR_EE) | MSR_SE);
    assert_int_equal(traced(p, P_CODE + 4), GD_STEP_DONE);
    expect_srr(p, P_CODE + 4, MSR_KERNEL | MSR_SE | SRR1_TRACE);
}

static void the_guests_branch_trace_fires_on_branches_only(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_BE;
    assert_int_equal(begin(p, 0x48000010), GD_STEP_ENTER);
    assert_int_equal(traced(p, P_CODE + 0x10), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xd00));
    expect_srr(p, P_CODE + 0x10, MSR_KERNEL | MSR_BE | SRR1_TRACE);

    p = fresh();
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_BE;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(traced(p, P_CODE + 4), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL | MSR_BE);
}

static void the_guests_own_ciabr_hit_is_left_at_its_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_CIABR] = P_CODE | CIABR_SUPERVISOR;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(run_into(p, 0xd00, P_CODE + 4, SRR1_TRACE | SRR1_CIABR), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xd00));
    expect_srr(p, P_CODE + 4, MSR_KERNEL | SRR1_TRACE | SRR1_CIABR);
}

/* ---- what is not the step's ---- */

static void a_word_that_is_not_of_the_step_is_given_back_clean(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, GD_PPC64_BREAK), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    assert_int_equal(hit(p), GD_STEP_OTHER);
    expect(p, P_CODE, MSR_KERNEL);
}

static void our_watchpoint_in_a_step_is_left_for_the_event(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x90640010), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    p->reg[GD_PPC64_DSISR] = DSISR_DAWR;
    p->reg[GD_PPC64_DAR] = 0x3000;
    assert_int_equal(run_into(p, 0x300, P_CODE, 0), GD_STEP_OTHER);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0x300));
    expect_srr(p, P_CODE, MSR_KERNEL);
}

static void the_guests_own_watchpoint_in_a_step_is_its_interrupt(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_DAWR0] = 0x3000;
    p->reg[GD_PPC64_DAWRX0] = DAWRX_DW | DAWRX_PNH | DAWRX_WTI;
    assert_int_equal(begin(p, 0x90640010), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    p->reg[GD_PPC64_DSISR] = DSISR_DAWR;
    p->reg[GD_PPC64_DAR] = 0x3004;
    assert_int_equal(run_into(p, 0x300, P_CODE, 0), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0x300));
}

/* ---- giving up ---- */

static void a_step_given_up_before_its_instruction_leaves_nothing(void **state)
{
    struct pcpu *p = user();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    gd_cpu_flush(&p->cpu);
    pcpu_ran(p);
    gd_arch_ppc64.step_abort(&p->cpu, &step);
    expect(p, P_USER, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_step_given_up_at_its_trace_vector_is_complete(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE);
    gd_arch_ppc64.step_abort(&p->cpu, &step);
    expect(p, P_CODE + 4, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_step_given_up_at_another_vector_leaves_no_se_in_srr1(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x300, P_CODE, 0);
    gd_arch_ppc64.step_abort(&p->cpu, &step);
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), V(0x300));
    expect_srr(p, P_CODE, MSR_KERNEL);
}

/* ---- refusals and choices ---- */

static void the_native_step_is_used_where_it_works_and_refused_elsewhere(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    step.mode = GD_STEP_NATIVE;
    assert_int_equal(begin(p, ADDI), GD_E_NOSTEP);
    p->target.hw.step = true;
    step.mode = GD_STEP_AUTO;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_true(step.use_hw);
    assert_int_equal(step.ntemp, 0);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL);
    p->reg[GD_PPC64_PC] += 4;
    assert_int_equal(hit(p), GD_STEP_DONE);
    step.mode = GD_STEP_TRACE; /* still to be had by name */
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_false(step.use_hw);
}

static void without_breakpoint_exits_there_is_no_step(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->target.hw.sw_break = false;
    assert_int_equal(begin(p, ADDI), GD_E_NOSTEP);
    expect(p, P_CODE, MSR_KERNEL);
}

/* In real mode and with AIL=0 as well: an instruction that cannot be read might show MSR[SE]. */
static void a_hash_table_guest_is_refused_by_name(void **state)
{
    static const uint64_t msr[] = { MSR_KERNEL, MSR_USER, MSR_REAL };

    (void)state;
    for (unsigned i = 0; i < 2 * GD_ARRAY_SIZE(msr); i++) {
        struct pcpu *p = fresh();

        p->reg[GD_PPC64_MSR] = msr[i / 2];
        p->reg[GD_PPC64_LPCR] &= i & 1 ? ~LPCR_HR : ~(LPCR_HR | LPCR_AIL);
        assert_int_equal(begin(p, ADDI), GD_E_FORMAT);
        assert_non_null(strstr(p->why.detail, "HPT"));
        expect(p, P_CODE, msr[i / 2]);
    }
}

static void a_secure_guest_is_refused_by_name(void **state)
{
    struct pcpu *p = fresh();
    struct gd_xlate x;

    (void)state;
    p->reg[GD_PPC64_MSR] |= MSR_S;
    assert_int_equal(begin(p, ADDI), GD_E_FORMAT);
    assert_non_null(strstr(p->why.detail, "secure"));
    expect(p, P_CODE, MSR_KERNEL | MSR_S);
    assert_int_equal(gd_ppc64_translate(&p->cpu, P_CODE, GD_DATA, &x, &p->why), GD_E_FORMAT);
}

static void vectors_outside_of_memory_leave_the_breakpoint_strategy(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_PC] = 0x20000;
    p->reg[GD_PPC64_MSR] = MSR_REAL;
    p->reg[GD_PPC64_PROC_TBL] = 0;
    p->ram_from = 0x10000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].va, 0x20004);
    assert_false(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traced_instruction_leaves_no_trace),
        cmocka_unit_test(the_fence_stands_on_every_vector_in_both_places),
        cmocka_unit_test(without_ail_or_without_translation_the_real_vector_counts),
        cmocka_unit_test(a_store_that_moves_the_trace_vector_is_stepped_without_se),
        cmocka_unit_test(until_its_tlbie_neither_are_the_instructions_behind_such_a_store),
        cmocka_unit_test(a_prefixed_instruction_is_eight_bytes),
        cmocka_unit_test(a_bcctr_that_counts_is_stopped_wherever_it_goes),
        cmocka_unit_test(the_breakpoint_strategy_never_sets_se),
        cmocka_unit_test(a_jump_to_an_unmapped_page_ends_before_its_fault),
        cmocka_unit_test(scv_that_is_switched_off_traps_natively),
        cmocka_unit_test(privileged_instructions_of_a_program_run_into_the_fence),
        cmocka_unit_test(a_hypercall_stops_behind_itself),
        cmocka_unit_test(h_cede_keeps_its_interrupts_and_their_handler_is_run_through),
        cmocka_unit_test(what_kvm_emulates_stops_behind_itself),
        cmocka_unit_test(a_priority_hint_stops_behind_itself),
        cmocka_unit_test(a_low_priority_lets_the_others_run),
        cmocka_unit_test(what_leads_out_of_its_page_stops_where_it_leads),
        cmocka_unit_test(a_device_access_is_one_step),
        cmocka_unit_test(rfebb_stops_where_it_goes),
        cmocka_unit_test(at_the_trace_vector_no_trace_is_taken),
        cmocka_unit_test(any_other_vector_is_traced_with_its_own_word_free),
        cmocka_unit_test(an_exception_stops_at_its_vector_with_the_guests_msr_in_srr1),
        cmocka_unit_test(the_guests_own_step_is_left_at_its_trace_vector),
        cmocka_unit_test(a_kernel_that_traces_itself_finds_its_ee_in_srr1),
        cmocka_unit_test(the_guests_branch_trace_fires_on_branches_only),
        cmocka_unit_test(the_guests_own_ciabr_hit_is_left_at_its_vector),
        cmocka_unit_test(a_word_that_is_not_of_the_step_is_given_back_clean),
        cmocka_unit_test(our_watchpoint_in_a_step_is_left_for_the_event),
        cmocka_unit_test(the_guests_own_watchpoint_in_a_step_is_its_interrupt),
        cmocka_unit_test(a_step_given_up_before_its_instruction_leaves_nothing),
        cmocka_unit_test(a_step_given_up_at_its_trace_vector_is_complete),
        cmocka_unit_test(a_step_given_up_at_another_vector_leaves_no_se_in_srr1),
        cmocka_unit_test(the_native_step_is_used_where_it_works_and_refused_elsewhere),
        cmocka_unit_test(without_breakpoint_exits_there_is_no_step),
        cmocka_unit_test(a_hash_table_guest_is_refused_by_name),
        cmocka_unit_test(a_secure_guest_is_refused_by_name),
        cmocka_unit_test(vectors_outside_of_memory_leave_the_breakpoint_strategy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
