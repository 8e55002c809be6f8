/* SPDX-License-Identifier: MIT */
/*
 * Steps beside interrupts and exceptions, of instructions that read or write what the step borrows, and of
 * those that wait; and what ends an entry besides. Exclusive sequences are in test_arm64_step_exclusive.c.
 */
#include "support_arm64_step.h"

/* ---- interrupts ---- */

static const uint64_t masks[] = { 0, PSTATE_I, PSTATE_F, PSTATE_I | PSTATE_F, PSTATE_A | PSTATE_D };

static void a_pending_interrupt_does_not_take_the_step(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++) {
        set_up_step(state);
        CODE(NOP, B(-1));
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m] | PSTATE_SS;
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m] | PSTATE_SS); /* its own SS is there yet */
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE, EL1H_IRQ_ON | masks[m] | PSTATE_SS);
    }
}

static void with_step_irq_the_handler_is_shown(void **state)
{
    (void)state;
    CODE(NOP);
    s.show_irq = true;
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_int_equal(a.reg[GD_ARM64_PC], A_VBAR + 0x280);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], EL1H_IRQ_ON);
}

/* Only then is the kernel asked for a second set of debug registers, which costs at each entry. */
static void the_guests_own_points_are_kept_out_where_they_are_on(void **state)
{
    (void)state;
    CODE(NOP, NOP);
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_false(s.own_points);
    a.reg[GD_ARM64_MDSCR_EL1] = MDSCR_MDE;
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_true(s.own_points);
}

static void pstate_is_not_read_for_its_flags(void **state)
{
    (void)state;
    CODE(CMP_X0_X0, CMP_X0_X0, DAIFCLR(3), CMP_X0_X0, CMP_X0_X0);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_I | PSTATE_F;
    take_step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_PSTATE));
    take_step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_PSTATE));
    assert_false(s.masked);
    take_step_on();
    stands_at(A_CODE + 12, EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
    take_step_on(); /* the interrupt is there: it must be held */
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PC), A_CODE + 16);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
}

static void what_a_client_writes_to_pstate_counts(void **state)
{
    (void)state;
    CODE(CMP_X0_X0, CMP_X0_X0, CMP_X0_X0);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_I | PSTATE_F;
    take_step_on();
    gd_cpu_set(&a.cpu, GD_ARM64_PSTATE, EL1H_IRQ_ON);
    take_step_on();
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PC), A_CODE + 8);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
    gd_cpu_set(&a.cpu, GD_ARM64_PSTATE, EL1H_IRQ_ON | PSTATE_BTYPE); /* one that ends now */
    take_step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_MODE));
}

/* ---- interrupts that have waited for many steps ---- */

static void set_up_handler(void)
{
    play.once = true;
    s.let_irq = true;
    CODE(NOP, B(-1));
    acpu_word(&a, A_VBAR + 0x280, ERET);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON;
}

static void one_that_waits_is_served_before_the_step(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        set_up_step(state);
        a.target.hw.hold_irq = i / 2; /* by the back end, or by a mask */
        set_up_handler();
        play.pending = i % 2;
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_false(play.pending);
        assert_false(s.let_irq);
        assert_int_equal(play.entries, 2);
    }
}

static void none_is_served_where_the_handler_could_not_come_back(void **state)
{
    static const uint64_t held[] = { EL1H_IRQ_ON | PSTATE_I, PSTATE_M_EL0T };

    for (size_t n = 0; n < GD_ARRAY_SIZE(held); n++) {
        set_up_step(state);
        set_up_handler();
        a.reg[GD_ARM64_PSTATE] = held[n];
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, held[n]);
        assert_true(play.pending);
        assert_true(s.let_irq);
    }
    set_up_step(state);
    set_up_handler();
    s.lift_watch = true;
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_true(play.pending);
}

static int run_once(void)
{
    struct gd_exit x;
    int hit;

    x = run_planted(&hit);
    gd_cpu_forget(&a.cpu);
    return gd_arch_arm64.step_exit(&a.cpu, &s, &x, hit);
}

/* The handler switched to another task, which comes to the same instruction first. */
static void another_task_passes_the_instruction(void **state)
{
    uint64_t stack = 0x7000;

    (void)state;
    set_up_handler();
    play.pending = false;
    a.reg[GD_ARM64_SP_EL1] = stack;
    gd_cpu_forget(&a.cpu);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_false(s.use_hw);
    acpu_ran(&a);
    a.reg[GD_ARM64_SP_EL1] = stack + 0x1000;
    gd_cpu_forget(&a.cpu);
    assert_int_equal(run_once(), GD_STEP_ENTER);
    assert_true(s.use_hw);
    assert_int_equal(s.ntemp, 0);
    assert_int_equal(run_once(), GD_STEP_ENTER); /* it has passed */
    assert_int_equal(a.reg[GD_ARM64_PC], A_CODE + 4);
    assert_false(s.use_hw);
    assert_int_equal(s.temp[0].va, A_CODE);
    acpu_ran(&a);
    a.reg[GD_ARM64_SP_EL1] = stack;
    gd_cpu_forget(&a.cpu);
    assert_int_equal(run_once(), GD_STEP_ENTER); /* by B(-1) */
    assert_false(s.let_irq);
    assert_int_equal(run_once(), GD_STEP_DONE);
    acpu_ran(&a);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
}

static void a_back_end_that_holds_interrupts_needs_no_mask(void **state)
{
    (void)state;
    a.target.hw.hold_irq = true;
    play.pending = false;
    CODE(MRS_X5_DAIF);
    gd_cpu_forget(&a.cpu);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_int_equal(acpu_reg(&a, GD_ARM64_PSTATE), EL1H_IRQ_ON);
}

static void mrs_daif_reads_the_guests_own_masks(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++) {
        set_up_step(state);
        CODE(MRS_X5_DAIF);
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
        assert_int_equal(take_step(), GD_STEP_DONE);
        assert_int_equal(a.reg[5], masks[m]);
        stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m]);
    }
}

static void writes_of_daif_leave_what_the_guest_wrote(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++)
        for (uint64_t imm = 0; imm < 16; imm++) {
            set_up_step(state);
            CODE(MSR_DAIF_X5);
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            a.reg[5] = imm << 6;
            assert_int_equal(take_step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | imm << 6);
            set_up_step(state);
            CODE(DAIFSET(imm));
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            assert_int_equal(take_step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m] | imm << 6);
            set_up_step(state);
            CODE(DAIFCLR(imm));
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            assert_int_equal(take_step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | (masks[m] & ~(imm << 6)));
        }
}

static void eret_keeps_the_pstate_it_returns_to(void **state)
{
    (void)state;
    CODE(ERET);
    a.reg[GD_ARM64_ELR_EL1] = A_CODE + 0x40;
    a.reg[GD_ARM64_SPSR_EL1] = PSTATE_M_EL0T | PSTATE_F;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 0x40, PSTATE_M_EL0T | PSTATE_F);
    set_up_step(state); /* and the same to AArch32 */
    CODE(ERET);
    a.reg[GD_ARM64_ELR_EL1] = A_CODE + 0x40;
    a.reg[GD_ARM64_SPSR_EL1] = PSTATE_NRW | PSTATE_F;
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_F;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 0x40, PSTATE_NRW | PSTATE_F);
}

static const struct {
    uint32_t insn;
    uint64_t pstate, vector, ret;
} exceptions[] = {
    { SVC, PSTATE_M_EL0T, 0x400, A_CODE + 4 }, { SVC, PSTATE_M_EL1H, 0x200, A_CODE + 4 },
    { UDF, PSTATE_M_EL1T, 0x000, A_CODE },     { UDF, PSTATE_M_EL1H, 0x200, A_CODE },
    { UDF, PSTATE_NRW, 0x600, A_CODE },        { UDF, PSTATE_M_EL0T | PSTATE_F, 0x400, A_CODE },
};

static void an_exception_saves_the_guests_own_masks(void **state)
{
    for (size_t n = 0; n < GD_ARRAY_SIZE(exceptions); n++) {
        set_up_step(state);
        CODE(exceptions[n].insn);
        a.reg[GD_ARM64_PSTATE] = exceptions[n].pstate;
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_VBAR + exceptions[n].vector, PSTATE_M_EL1H | PSTATE_DAIF);
        assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], exceptions[n].pstate);
        assert_int_equal(a.reg[GD_ARM64_ELR_EL1], exceptions[n].ret);
    }
}

/* What the engine keeps over a step (keeps()): PSTATE, of an instruction that writes no flags. */
static void where_a_step_does_not_tell_an_exception_pc_is_read(void **state)
{
    (void)state;
    a.target.hw.step_tells = false;
    play.tells_all = true;
    play.pending = false;
    CODE(LDR_X0_X1, NOP);
    a.reg[1] = 0;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    take_step_on();
    assert_int_equal(gd_cpu_flush(&a.cpu), 0);
    stands_at(A_VBAR + 0x400, EL1H_IRQ_ON | PSTATE_DAIF);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], PSTATE_M_EL0T);
}

static void eret_to_a_tagged_address_keeps_the_pstate_it_returns_to(void **state)
{
    (void)state;
    CODE(ERET, NOP);
    a.reg[GD_ARM64_TCR_EL1] = 1ull << 37 /* TBI0 */ | 16 | 16 << 16;
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_I;
    a.reg[GD_ARM64_SPSR_EL1] = PSTATE_M_EL0T;
    a.reg[GD_ARM64_ELR_EL1] = 0x05ull << 56 | (A_CODE + 0x100);
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 0x100, PSTATE_M_EL0T);
}

static void an_exception_that_leads_where_the_instruction_leads_too_changes_pstate(void **state)
{
    struct gd_exit x;
    uint64_t keep[GD_REG_WORDS];

    (void)state;
    acpu_word(&a, A_VBAR + 0x1fc, LDR_X0_X1);
    a.reg[GD_ARM64_PC] = A_VBAR + 0x1fc;
    a.reg[1] = 0;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_int_equal(gd_cpu_flush(&a.cpu), 0);
    gd_arm64_keeps(LDR_X0_X1, keep);
    gd_cpu_forget_but(&a.cpu, keep);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE) & PSTATE_DAIF, PSTATE_I | PSTATE_F);
    a.reg[GD_ARM64_SPSR_EL1] = a.reg[GD_ARM64_PSTATE];
    a.reg[GD_ARM64_ELR_EL1] = A_VBAR + 0x1fc;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H | PSTATE_DAIF;
    a.reg[GD_ARM64_PC] = A_VBAR + 0x200;
    x = debug_exit(EC_SOFTSTP_LOW, 0x22);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), PSTATE_M_EL1H | PSTATE_DAIF);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_SPSR_EL1), EL1H_IRQ_ON);
}

static void a_branch_to_a_vector_is_no_exception(void **state)
{
    (void)state;
    CODE(RET);
    a.reg[30] = A_VBAR + 0x200;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_VBAR + 0x200, EL1H_IRQ_ON);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], 0);
    set_up_step(state); /* but a fault of the instruction before the vector is */
    a.reg[GD_ARM64_VBAR_EL1] = A_VBAR;
    acpu_word(&a, A_VBAR + 0x1fc, LDR_X0_X1);
    a.reg[1] = 0;
    a.reg[GD_ARM64_PC] = A_VBAR + 0x1fc;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_VBAR + 0x200, PSTATE_M_EL1H | PSTATE_DAIF);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], EL1H_IRQ_ON);
}

static void a_fetch_that_faults_is_stepped_to_the_vector(void **state)
{
    struct gd_exit x;

    (void)state;
    a.reg[GD_ARM64_PC] = 0x1000; /* no RAM */
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_true(s.use_hw);
    hw_exception(0, 0x1000);
    x = debug_exit(EC_SOFTSTP_LOW, 0x22);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    assert_int_equal(acpu_reg(&a, GD_ARM64_SPSR_EL1), EL1H_IRQ_ON);
}

/* ---- waiting ---- */

static void waiting_instructions_complete_at_once(void **state)
{
    static const uint32_t words[] = { WFI, WFE, YIELD, WFIT_X5 };

    for (size_t n = 0; n < GD_ARRAY_SIZE(words); n++) {
        set_up_step(state);
        a.target.features = GD_ARM64_F_WFXT;
        CODE(words[n]);
        assert_int_equal(take_step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_true(s.waits);
        assert_int_equal(play.entries, 0);
    }
}

static void waiting_that_may_fault_is_stepped(void **state)
{
    static const uint64_t bits[] = { PSTATE_IL, 1ull << 10, 1ull << 11 }; /* BTYPE */

    for (size_t n = 0; n < GD_ARRAY_SIZE(bits); n++) {
        set_up_step(state);
        CODE(WFI);
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | bits[n];
        assert_int_equal(take_step(), GD_STEP_DONE);
        assert_int_equal(play.entries, 1);
    }
}

static void waiting_that_el1_traps_is_stepped(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t sctlr;
        bool native;
    } rows[] = { { WFI, SCTLR_NTWE, true }, { WFI, SCTLR_NTWI, false },
                 { WFE, SCTLR_NTWI, true }, { WFE, SCTLR_NTWE, false },
                 { YIELD, 0, false },       { WFIT_X5, ~0ull & ~SCTLR_M, true } };

    for (size_t n = 0; n < GD_ARRAY_SIZE(rows); n++) {
        set_up_step(state);
        CODE(rows[n].word);
        a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
        a.reg[GD_ARM64_SCTLR_EL1] = rows[n].sctlr;
        assert_int_equal(take_step(), GD_STEP_DONE);
        assert_int_equal(play.entries, rows[n].native); /* WFIT: no FEAT_WFxT here */
    }
}

/* ---- other exits ---- */

static void a_breakpoint_of_the_guest_is_left_to_the_engine(void **state)
{
    struct gd_exit last;

    (void)state;
    CODE(GD_ARM64_BRK(0x800));
    assert_int_equal(take_step_by(&last), GD_STEP_OTHER);
    stands_at(A_CODE, EL1H_IRQ_ON); /* what is injected now saves the guest's own masks */
}

static void what_userspace_finishes_is_one_step(void **state)
{
    struct gd_exit x = { .kind = GD_EXIT_OTHER };

    (void)state;
    CODE(LDR_X0_X1);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    acpu_ran(&a);
    a.reg[GD_ARM64_PC] += 4; /* the back end completed the access */
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    acpu_ran(&a);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
}

static void a_call_that_resets_the_vcpu_keeps_its_new_pstate(void **state)
{
    struct gd_exit x = { .kind = GD_EXIT_OTHER };

    (void)state;
    CODE(HVC);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_true(s.waits); /* it may last until another vCPU acts */
    acpu_ran(&a);
    a.reg[GD_ARM64_PC] = A_CODE + 0x800;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL1H | PSTATE_DAIF;
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    acpu_ran(&a);
    stands_at(A_CODE + 0x800, PSTATE_M_EL1H | PSTATE_DAIF);
}

static void a_stale_step_exit_is_not_a_step(void **state)
{
    (void)state;
    CODE(NOP, B(0));
    play.stale_exits = 1;
    assert_int_equal(take_step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(play.entries, 2);
    assert_int_equal(take_step(), GD_STEP_DONE); /* a branch to itself is one */
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(play.entries, 3);
    set_up_step(state); /* and it does not go on for ever */
    CODE(NOP);
    play.stale_exits = 100;
    assert_int_equal(take_step(), GD_STEP_DONE);
    assert_true(play.entries < 10);
}

static void a_kick_goes_on_and_abort_puts_things_right(void **state)
{
    struct gd_exit none = { .kind = GD_EXIT_NONE };

    (void)state;
    CODE(MRS_X5_DAIF);
    a.reg[5] = 77;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    acpu_ran(&a);
    assert_int_equal(a.reg[GD_ARM64_PSTATE], EL1H_IRQ_ON | PSTATE_I | PSTATE_F);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &none, -1), GD_STEP_ENTER);
    gd_arch_arm64.step_abort(&a.cpu, &s); /* before the instruction */
    acpu_ran(&a);
    stands_at(A_CODE, EL1H_IRQ_ON);
    assert_int_equal(a.reg[5], 77);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    acpu_ran(&a);
    enter(true);
    gd_arch_arm64.step_abort(&a.cpu, &s); /* after it */
    acpu_ran(&a);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(a.reg[5], 0);
}

static void a_host_without_step_says_so(void **state)
{
    (void)state;
    a.target.hw.step = false;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_E_NOSTEP);
    assert_int_equal(a.why.error, GD_E_NOSTEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_pending_interrupt_does_not_take_the_step),
        T(with_step_irq_the_handler_is_shown),
        T(the_guests_own_points_are_kept_out_where_they_are_on),
        T(pstate_is_not_read_for_its_flags),
        T(what_a_client_writes_to_pstate_counts),
        T(one_that_waits_is_served_before_the_step),
        T(none_is_served_where_the_handler_could_not_come_back),
        T(another_task_passes_the_instruction),
        T(a_back_end_that_holds_interrupts_needs_no_mask),
        T(mrs_daif_reads_the_guests_own_masks),
        T(writes_of_daif_leave_what_the_guest_wrote),
        T(eret_keeps_the_pstate_it_returns_to),
        T(an_exception_saves_the_guests_own_masks),
        T(where_a_step_does_not_tell_an_exception_pc_is_read),
        T(eret_to_a_tagged_address_keeps_the_pstate_it_returns_to),
        T(an_exception_that_leads_where_the_instruction_leads_too_changes_pstate),
        T(a_branch_to_a_vector_is_no_exception),
        T(a_fetch_that_faults_is_stepped_to_the_vector),
        T(waiting_instructions_complete_at_once),
        T(waiting_that_may_fault_is_stepped),
        T(waiting_that_el1_traps_is_stepped),
        T(a_breakpoint_of_the_guest_is_left_to_the_engine),
        T(what_userspace_finishes_is_one_step),
        T(a_call_that_resets_the_vcpu_keeps_its_new_pstate),
        T(a_stale_step_exit_is_not_a_step),
        T(a_kick_goes_on_and_abort_puts_things_right),
        T(a_host_without_step_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
