/* SPDX-License-Identifier: MIT */
/*
 * One step by each strategy, for each kind of instruction: the test plays the processor and KVM-HV
 * (what is traced, what SRR0 and SRR1 hold, which exit comes), the core must arm it rightly and
 * leave the guest as if nobody had stepped.
 */
#include "support_ppc64.h"

#define V(off) (0xc000000000004000ull + (off)) /* a vector under AIL=3 */

#define ADDI  0x38640005u
#define LWARX 0x7c602028u
#define NOP   0x60000000u

static struct pcpu cpu;
static struct gd_step step;

static int begin(struct pcpu *p, uint32_t insn)
{
    uint64_t gpa;
    uint8_t mode = step.mode;
    bool show = step.show_irq, lift = step.lift_watch, seq = step.sequence, let = step.let_irq;

    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    gpa = p->reg[GD_PPC64_PC] == P_USER ? P_UGPA : p->reg[GD_PPC64_PC] & 0xfffffff;
    pcpu_word(p, gpa, insn);
    pcpu_ran(p);
    memset(&step, 0, sizeof(step));
    step.mode = mode;
    step.show_irq = show;
    step.lift_watch = lift;
    step.sequence = seq;
    step.let_irq = let;
    step.pc = p->reg[GD_PPC64_PC];
    return gd_arch_ppc64.step_begin(&p->cpu, &step);
}

static struct pcpu *fresh(void)
{
    pcpu_init(&cpu);
    memset(&step, 0, sizeof(step));
    return &cpu;
}

static int temp_at(uint64_t va)
{
    for (int i = 0; i < step.ntemp; i++)
        if (step.temp[i].va == va)
            return i;
    return -1;
}

/* The vCPU left the guest with a breakpoint at its present PC. */
static int hit(struct pcpu *p)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .addr = p->reg[GD_PPC64_PC] };
    int r;

    pcpu_ran(p);
    r = gd_arch_ppc64.step_exit(&p->cpu, &step, &x, temp_at(p->reg[GD_PPC64_PC]));
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    return r;
}

static int served(struct pcpu *p)
{
    struct gd_exit x = { .kind = GD_EXIT_OTHER };
    int r;

    pcpu_ran(p);
    r = gd_arch_ppc64.step_exit(&p->cpu, &step, &x, -1);
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    return r;
}

static void expect(struct pcpu *p, uint64_t pc, uint64_t msr)
{
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), pc);
    assert_int_equal(p->reg[GD_PPC64_MSR], msr);
}

static void expect_srr(struct pcpu *p, uint64_t srr0, uint64_t srr1)
{
    assert_int_equal(pcpu_reg(p, GD_PPC64_SRR0), srr0);
    assert_int_equal(p->reg[GD_PPC64_SRR1], srr1);
}

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

static void a_prefixed_instruction_is_eight_bytes(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x06000000), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_CODE + 8, SRR1_TRACE | SRR1_PREFIXED);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 8, MSR_KERNEL);
    step.mode = GD_STEP_BREAK;
    p->reg[GD_PPC64_PC] = P_CODE;
    assert_int_equal(begin(p, 0x06000000), GD_STEP_ENTER);
    assert_int_equal(step.temp[0].va, P_CODE + 8); /* never on the suffix */
    assert_true(temp_at(P_CODE + 4) < 0);
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
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x400, 0x77770000, 0x40000000);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, 0x77770000, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_loop_of_one_instruction_is_one_step_that_waits(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x48000000), GD_STEP_DONE); /* b . */
    assert_true(step.waits);
    expect(p, P_CODE, MSR_KERNEL);
    p->reg[GD_PPC64_CTR] = 3;
    assert_int_equal(begin(p, 0x42000000), GD_STEP_DONE); /* bdnz . */
    expect(p, P_CODE, MSR_KERNEL);
    assert_int_equal(p->reg[GD_PPC64_CTR], 2);
}

/* ---- instructions that would show or lose SE ---- */

static void mfmsr_shows_the_guest_its_own_msr(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x7ca000a6), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL);
    assert_int_equal(p->reg[5], MSR_KERNEL);
}

static void mtmsrd_moves_all_but_hv_me_and_le(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[5] = MSR_SF | MSR_HV | MSR_SE | SRR1_CAUSE;
    assert_int_equal(begin(p, 0x7ca00164), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_SF | MSR_SE | MSR_ME | MSR_LE);
}

static void mtmsrd_l_moves_ee_and_ri_only(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[5] = MSR_PR | MSR_SE;
    assert_int_equal(begin(p, 0x7ca10164), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL & ~(MSR_EE | MSR_RI));
}

static void mtmsr_leaves_the_upper_half_alone(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[5] = 0x4000000000000000ull | MSR_RI;
    assert_int_equal(begin(p, 0x7ca00124), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_SF | MSR_ME | MSR_LE | MSR_RI);
}

static void mtmsrd_to_problem_state_turns_interrupts_and_translation_on(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[5] = MSR_SF | MSR_PR;
    assert_int_equal(begin(p, 0x7ca00164), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_SF | MSR_PR | MSR_EE | MSR_IR | MSR_DR | MSR_ME | MSR_LE);
}

static void mtspr_srr_keeps_the_guests_value(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[3] = 0xabc;
    assert_int_equal(begin(p, 0x7c7a03a6), GD_STEP_DONE);
    p->reg[4] = 0xdef;
    assert_int_equal(begin(p, 0x7c9b03a6), GD_STEP_DONE);
    expect_srr(p, 0xabc, 0xdef);
    expect(p, P_CODE + 8, MSR_KERNEL);
}

static void rfid_returns_with_the_msr_that_the_guest_asked_for(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_SRR0] = P_USER + 3;
    p->reg[GD_PPC64_SRR1] = MSR_SF | MSR_PR | MSR_SE | MSR_LE | MSR_HV | SRR1_CAUSE;
    assert_int_equal(begin(p, 0x4c000024), GD_STEP_DONE);
    expect(p, P_USER, MSR_SF | MSR_PR | MSR_SE | MSR_LE | MSR_ME | MSR_EE | MSR_IR | MSR_DR);
}

static void rfid_to_32_bit_mode_truncates_the_address(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_SRR0] = 0x500001000ull;
    p->reg[GD_PPC64_SRR1] = MSR_RI;
    assert_int_equal(begin(p, 0x4c000024), GD_STEP_DONE);
    expect(p, 0x1000, MSR_RI | MSR_ME);
}

static void rfscv_returns_from_lr_and_ctr(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_LR] = P_USER;
    p->reg[GD_PPC64_CTR] = MSR_USER;
    assert_int_equal(begin(p, 0x4c0000a4), GD_STEP_DONE);
    expect(p, P_USER, MSR_USER);
    expect_srr(p, 0x1111, 0x2222);
}

static void sc_enters_the_system_call_handler(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    assert_int_equal(begin(p, 0x44000002), GD_STEP_DONE);
    expect(p, V(0xc00), MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE);
    expect_srr(p, P_USER + 4, MSR_USER);
}

static void sc_from_real_mode_goes_to_the_real_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_PC] = 0x20000;
    p->reg[GD_PPC64_MSR] = MSR_REAL;
    p->reg[GD_PPC64_LPCR] &= ~LPCR_ILE; /* to a big-endian handler */
    assert_int_equal(begin(p, 0x44000002), GD_STEP_DONE);
    expect(p, 0xc00, MSR_SF | MSR_ME);
    expect_srr(p, 0x20004, MSR_REAL);
}

static void scv_enters_its_own_table_with_the_msr_in_ctr(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    assert_int_equal(begin(p, 0x44000021), GD_STEP_DONE); /* scv 1 */
    expect(p, 0xc000000000003020ull, MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE | MSR_EE | MSR_RI);
    assert_int_equal(p->reg[GD_PPC64_LR], P_USER + 4);
    assert_int_equal(p->reg[GD_PPC64_CTR], MSR_USER);
    expect_srr(p, 0x1111, 0x2222);
}

static void scv_that_is_switched_off_traps_natively(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    p->reg[GD_PPC64_FSCR] = 0;
    assert_int_equal(begin(p, 0x44000001), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xf60, P_USER, 0);
    assert_int_equal(hit(p), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xf60));
    expect_srr(p, P_USER, MSR_USER);
}

static void a_wait_ends_at_once_and_lets_others_run(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, 0x7c00003c), GD_STEP_DONE);
    assert_true(step.waits);
    expect(p, P_CODE + 4, MSR_KERNEL);
}

static void privileged_instructions_of_a_program_run_into_the_fence(void **state)
{
    static const uint32_t insns[] = { 0x7ca000a6, 0x4c000024, 0x7c7a03a6, 0x4c0000a4, 0x4c0002e4 };

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(insns); i++) {
        struct pcpu *p = fresh();

        pcpu_user(p);
        assert_int_equal(begin(p, insns[i]), GD_STEP_ENTER);
        assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER | MSR_SE);
        pcpu_interrupt(p, 0x700, P_USER, 0x40000);
        assert_int_equal(hit(p), GD_STEP_DONE);
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
    pcpu_interrupt(p, 0x900, P_CODE + 4, 0);
    assert_int_equal(hit(p), GD_STEP_ENTER);
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
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
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
    pcpu_interrupt(p, 0xd00, V(0x304), SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
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

/* ---- interrupts from outside ---- */

static void a_program_is_stepped_with_the_decrementer_held(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER | MSR_SE);
    assert_true(p->reg[GD_PPC64_DEC_EXPIRY] > p->reg[GD_PPC64_TB] + 0x10000000);
    pcpu_interrupt(p, 0xd00, P_USER + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
}

static void shown_interrupts_are_not_held_and_stop_at_their_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    step.show_irq = true;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_DEC_EXPIRY), 0x1000100);
    pcpu_interrupt(p, 0x900, P_USER, 0);
    assert_int_equal(hit(p), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0x900));
    expect_srr(p, P_USER, MSR_USER);
}

static void an_external_interrupts_handler_is_run_through_and_the_step_made(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x500, P_USER, 0);
    assert_int_equal(hit(p), GD_STEP_ENTER);
    /* the handler sees a guest that nobody steps, and its own decrementer */
    expect_srr(p, P_USER, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    assert_true(step.waits);
    p->reg[GD_PPC64_SRR0] = 0x5555; /* as the handler leaves them */
    p->reg[GD_PPC64_SRR1] = 0x6666;
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
    assert_true(step.ntemp > 30);
    assert_true(temp_at(P_USER) < 0);
    pcpu_interrupt(p, 0xd00, P_USER + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    expect_srr(p, 0x5555, 0x6666);
}

static void interrupts_that_wait_for_a_program_are_served_before_the_instruction(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    step.let_irq = true;
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_USER); /* nothing is borrowed yet */
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    assert_true(step.waits);
    p->reg[GD_PPC64_SRR0] = 0x5555; /* as the handler leaves them */
    p->reg[GD_PPC64_SRR1] = 0x6666;
    assert_int_equal(hit(p), GD_STEP_ENTER); /* it came back, and the instruction is made */
    assert_false(step.let_irq);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
    assert_true(step.ntemp > 30);
    pcpu_interrupt(p, 0xd00, P_USER + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_USER + 4, MSR_USER);
    expect_srr(p, 0x5555, 0x6666);
}

static void interrupts_of_the_kernel_are_not_served_in_a_step(void **state)
{
    (void)state;
    step.let_irq = true;
    assert_int_equal(begin(fresh(), ADDI), GD_STEP_ENTER);
    assert_true(step.ntemp > 30);
    step.let_irq = true;
    assert_int_equal(begin(&cpu, 0x7ca000a6), GD_STEP_DONE);
    assert_true(step.let_irq); /* still due */
}

static void another_thread_at_the_return_address_is_passed_over(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    p->reg[1] = 0x7000;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x500, P_USER, 0);
    assert_int_equal(hit(p), GD_STEP_ENTER);
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    p->reg[1] = 0x8000; /* its stack is another */
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER);
    assert_true(temp_at(P_USER + 4) >= 0);
    assert_true(temp_at(P_USER) < 0);
    p->reg[GD_PPC64_PC] = P_USER + 4;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(step.ntemp, 1);
    assert_int_equal(step.temp[0].va, P_USER);
    assert_int_equal(step.temp[0].gpa, P_UGPA);
    p->reg[GD_PPC64_PC] = P_USER;
    p->reg[1] = 0x7000;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(p->reg[GD_PPC64_MSR], MSR_USER | MSR_SE);
}

/* ---- exclusive sequences ---- */

static void spinlock(struct pcpu *p, uint64_t gpa)
{
    static const uint32_t code[] = { 0x7d001828, 0x7d093879, 0x40820014, 0x7d074838,
                                     0x7d083378, 0x7d00192d, 0x40c2ffe8, NOP };

    for (size_t i = 0; i < GD_ARRAY_SIZE(code); i++)
        pcpu_word(p, gpa + 4 * i, code[i]);
}

static void a_sequence_is_one_step_without_se(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_true(step.sequence);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_KERNEL & ~MSR_EE);
    assert_int_equal(step.temp[0].va, P_CODE + 0x1c);
    for (unsigned i = 0; i < 7; i++)
        assert_true(temp_at(P_CODE + 4 * i) < 0);
    p->reg[GD_PPC64_PC] = P_CODE + 0x1c;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 0x1c, MSR_KERNEL);
    expect_srr(p, 0x1111, 0x2222);
}

static void a_page_fault_inside_a_sequence_stops_at_the_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x300, P_CODE + 0x14, 0);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect_srr(p, P_CODE + 0x14, MSR_KERNEL);
}

static void an_interrupted_sequence_of_a_program_is_finished(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    spinlock(p, P_UGPA);
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0x500, P_USER + 0x10, 0);
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_int_equal(step.temp[0].va, P_USER + 0x10);
    p->reg[GD_PPC64_PC] = P_USER + 0x10;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    assert_int_equal(hit(p), GD_STEP_ENTER);
    assert_true(temp_at(P_USER + 0x1c) >= 0);
    assert_true(temp_at(P_USER + 0x10) < 0);
    assert_true(p->reg[GD_PPC64_DEC_EXPIRY] > p->reg[GD_PPC64_TB] + 0x10000000);
    p->reg[GD_PPC64_PC] = P_USER + 0x1c;
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_USER + 0x1c, MSR_USER);
    assert_int_equal(p->reg[GD_PPC64_DEC_EXPIRY], 0x1000100);
}

static void a_store_conditional_runs_its_whole_sequence_again(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_PC] = P_CODE + 0x14;
    assert_int_equal(begin(p, 0x7d00192d), GD_STEP_ENTER);
    assert_true(step.sequence);
    assert_int_equal(step.temp[0].va, P_CODE + 0x1c);
    assert_true(temp_at(P_CODE + 0x18) < 0);
}

static void a_lifted_watchpoint_is_lifted_for_the_whole_sequence(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_PC] = P_CODE + 0xc;
    assert_int_equal(begin(p, 0x7d074838), GD_STEP_ENTER);
    assert_false(step.sequence);
    step.lift_watch = true;
    pcpu_reg(p, 0);
    p->reg[GD_PPC64_MSR] = MSR_KERNEL;
    assert_int_equal(begin(p, 0x7d074838), GD_STEP_ENTER);
    assert_true(step.sequence);
}

static void a_reservation_without_a_store_is_an_ordinary_step(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(begin(p, LWARX), GD_STEP_ENTER);
    assert_false(step.sequence);
    assert_true(pcpu_reg(p, GD_PPC64_MSR) & MSR_SE);
}

/* ---- the guest traces itself ---- */

static void the_guests_own_step_is_left_at_its_trace_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    p->reg[GD_PPC64_MSR] = MSR_USER | MSR_SE;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_USER + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
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
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect_srr(p, P_CODE + 4, MSR_KERNEL | MSR_SE | SRR1_TRACE);
}

static void the_guests_branch_trace_fires_on_branches_only(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_BE;
    assert_int_equal(begin(p, 0x48000010), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_CODE + 0x10, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0xd00));
    expect_srr(p, P_CODE + 0x10, MSR_KERNEL | MSR_BE | SRR1_TRACE);

    p = fresh();
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_BE;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE);
    assert_int_equal(hit(p), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL | MSR_BE);
}

static void emulated_instructions_trace_where_the_hardware_would(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    assert_int_equal(begin(p, 0x7ca000a6), GD_STEP_DONE); /* mfmsr: traced */
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), V(0xd00));
    assert_int_equal(p->reg[5], MSR_KERNEL | MSR_SE);
    expect_srr(p, P_CODE + 4, MSR_KERNEL | MSR_SE | SRR1_TRACE);

    p = fresh(); /* mtmsrd that clears SE: traced, the new value in SRR1 */
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    p->reg[5] = MSR_KERNEL;
    assert_int_equal(begin(p, 0x7ca00164), GD_STEP_DONE);
    expect_srr(p, P_CODE + 4, MSR_KERNEL | SRR1_TRACE);

    p = fresh(); /* mtmsrd that sets it: not traced */
    p->reg[5] = MSR_KERNEL | MSR_SE;
    assert_int_equal(begin(p, 0x7ca00164), GD_STEP_DONE);
    expect(p, P_CODE + 4, MSR_KERNEL | MSR_SE);

    p = fresh(); /* rfid: never traced */
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    p->reg[GD_PPC64_SRR0] = P_CODE + 0x100;
    p->reg[GD_PPC64_SRR1] = MSR_KERNEL;
    assert_int_equal(begin(p, 0x4c000024), GD_STEP_DONE);
    expect(p, P_CODE + 0x100, MSR_KERNEL);

    p = fresh(); /* sc: never traced, SE in SRR1 */
    pcpu_user(p);
    p->reg[GD_PPC64_MSR] = MSR_USER | MSR_SE;
    assert_int_equal(begin(p, 0x44000002), GD_STEP_DONE);
    expect_srr(p, P_USER + 4, MSR_USER | MSR_SE);
}

static void a_self_tracing_sequence_is_stepped_one_by_one(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    spinlock(p, 0x20000);
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | MSR_SE;
    assert_int_equal(begin(p, 0x7d001828), GD_STEP_ENTER);
    assert_false(step.sequence);
}

static void the_guests_own_ciabr_hit_is_left_at_its_vector(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_CIABR] = P_CODE | CIABR_SUPERVISOR;
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
    pcpu_interrupt(p, 0xd00, P_CODE + 4, SRR1_TRACE | SRR1_CIABR);
    assert_int_equal(hit(p), GD_STEP_DONE);
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
    pcpu_interrupt(p, 0x300, P_CODE, 0);
    assert_int_equal(hit(p), GD_STEP_OTHER);
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
    pcpu_interrupt(p, 0x300, P_CODE, 0);
    assert_int_equal(hit(p), GD_STEP_DONE);
    assert_int_equal(p->reg[GD_PPC64_PC], V(0x300));
}

/* ---- giving up ---- */

static void a_step_given_up_before_its_instruction_leaves_nothing(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    pcpu_user(p);
    assert_int_equal(begin(p, ADDI), GD_STEP_ENTER);
    pcpu_reg(p, 0);
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

static void a_hash_table_guest_with_relocated_vectors_is_refused_by_name(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->reg[GD_PPC64_LPCR] &= ~LPCR_HR;
    assert_int_equal(begin(p, ADDI), GD_E_FORMAT);
    assert_non_null(strstr(p->why.detail, "HPT"));
    expect(p, P_CODE, MSR_KERNEL);
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
        cmocka_unit_test(a_prefixed_instruction_is_eight_bytes),
        cmocka_unit_test(the_breakpoint_strategy_never_sets_se),
        cmocka_unit_test(a_jump_to_an_unmapped_page_ends_before_its_fault),
        cmocka_unit_test(a_loop_of_one_instruction_is_one_step_that_waits),
        cmocka_unit_test(mfmsr_shows_the_guest_its_own_msr),
        cmocka_unit_test(mtmsrd_moves_all_but_hv_me_and_le),
        cmocka_unit_test(mtmsrd_l_moves_ee_and_ri_only),
        cmocka_unit_test(mtmsr_leaves_the_upper_half_alone),
        cmocka_unit_test(mtmsrd_to_problem_state_turns_interrupts_and_translation_on),
        cmocka_unit_test(mtspr_srr_keeps_the_guests_value),
        cmocka_unit_test(rfid_returns_with_the_msr_that_the_guest_asked_for),
        cmocka_unit_test(rfid_to_32_bit_mode_truncates_the_address),
        cmocka_unit_test(rfscv_returns_from_lr_and_ctr),
        cmocka_unit_test(sc_enters_the_system_call_handler),
        cmocka_unit_test(sc_from_real_mode_goes_to_the_real_vector),
        cmocka_unit_test(scv_enters_its_own_table_with_the_msr_in_ctr),
        cmocka_unit_test(scv_that_is_switched_off_traps_natively),
        cmocka_unit_test(a_wait_ends_at_once_and_lets_others_run),
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
        cmocka_unit_test(a_program_is_stepped_with_the_decrementer_held),
        cmocka_unit_test(shown_interrupts_are_not_held_and_stop_at_their_vector),
        cmocka_unit_test(an_external_interrupts_handler_is_run_through_and_the_step_made),
        cmocka_unit_test(interrupts_that_wait_for_a_program_are_served_before_the_instruction),
        cmocka_unit_test(interrupts_of_the_kernel_are_not_served_in_a_step),
        cmocka_unit_test(another_thread_at_the_return_address_is_passed_over),
        cmocka_unit_test(a_sequence_is_one_step_without_se),
        cmocka_unit_test(a_page_fault_inside_a_sequence_stops_at_the_vector),
        cmocka_unit_test(an_interrupted_sequence_of_a_program_is_finished),
        cmocka_unit_test(a_store_conditional_runs_its_whole_sequence_again),
        cmocka_unit_test(a_lifted_watchpoint_is_lifted_for_the_whole_sequence),
        cmocka_unit_test(a_reservation_without_a_store_is_an_ordinary_step),
        cmocka_unit_test(the_guests_own_step_is_left_at_its_trace_vector),
        cmocka_unit_test(a_kernel_that_traces_itself_finds_its_ee_in_srr1),
        cmocka_unit_test(the_guests_branch_trace_fires_on_branches_only),
        cmocka_unit_test(emulated_instructions_trace_where_the_hardware_would),
        cmocka_unit_test(a_self_tracing_sequence_is_stepped_one_by_one),
        cmocka_unit_test(the_guests_own_ciabr_hit_is_left_at_its_vector),
        cmocka_unit_test(a_word_that_is_not_of_the_step_is_given_back_clean),
        cmocka_unit_test(our_watchpoint_in_a_step_is_left_for_the_event),
        cmocka_unit_test(the_guests_own_watchpoint_in_a_step_is_its_interrupt),
        cmocka_unit_test(a_step_given_up_before_its_instruction_leaves_nothing),
        cmocka_unit_test(a_step_given_up_at_its_trace_vector_is_complete),
        cmocka_unit_test(a_step_given_up_at_another_vector_leaves_no_se_in_srr1),
        cmocka_unit_test(the_native_step_is_used_where_it_works_and_refused_elsewhere),
        cmocka_unit_test(without_breakpoint_exits_there_is_no_step),
        cmocka_unit_test(a_hash_table_guest_with_relocated_vectors_is_refused_by_name),
        cmocka_unit_test(a_secure_guest_is_refused_by_name),
        cmocka_unit_test(vectors_outside_of_memory_leave_the_breakpoint_strategy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
