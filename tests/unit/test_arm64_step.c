/* SPDX-License-Identifier: MIT */
/*
 * The step, driven by a processor made by hand: a dozen instructions, an exclusive monitor that
 * every debug exception clears, and an interrupt that is always pending. A step must never end
 * in the interrupt's vector, must make progress through exclusives, and must leave no trace.
 */
#include "support_arm64.h"

#define LDR_X0_X1     0xf9400020u /* faults if x1 is 0 */
#define NOP           0xd503201fu
#define LDXR_X0_X1    0xc85f7c20u
#define STXR_W2_X3_X1 0xc8027c23u
#define CBNZ_W2(d)    (0x35000002u | ((uint32_t)(d)&0x7ffffu) << 5)
#define CBNZ_X0(d)    (0xb5000000u | ((uint32_t)(d)&0x7ffffu) << 5)
#define ADD_X3_X0_1   0x91000403u
#define ADD_X3_X3_1   0x91000463u
#define B(d)          (0x14000000u | ((uint32_t)(d)&0x3ffffffu))
#define MRS_X5_DAIF   0xd53b4225u
#define MSR_DAIF_X5   0xd51b4225u
#define DAIFSET(n)    (0xd50340dfu | (uint32_t)(n) << 8)
#define DAIFCLR(n)    (0xd50340ffu | (uint32_t)(n) << 8)
#define ERET          0xd69f03e0u
#define SVC           0xd4000001u
#define HVC           0xd4000002u
#define WFI           0xd503207fu
#define WFE           0xd503205fu
#define WFIT_X5       0xd5031025u
#define YIELD         0xd503203fu
#define UDF           0u
#define RET           0xd65f03c0u
#define CMP_X0_X0     0xeb00001fu
#define SUB_SP_16     0xd10043ffu

#define WORD      (A_RAM + 0x50000) /* the memory that exclusives use; x1 points here */
#define EXCEPTION (~0ull)

static struct acpu a;
static struct gd_step s;
static bool monitor, pending, once; /* once: the interrupt goes away when it is taken */
static unsigned entries, stale_exits, store_fails;
static bool store_hits; /* a watchpoint on the word */
static bool tells_all;  /* ISV also of an instruction that ended in an exception */

static int setup(void **state)
{
    (void)state;
    acpu_init(&a);
    memset(&s, 0, sizeof(s));
    monitor = store_hits = once = tells_all = false;
    pending = true;
    entries = stale_exits = store_fails = 0;
    a.reg[1] = WORD;
    a.reg[GD_ARM64_ELR_EL1] = 0x9999;
    return 0;
}

/* ---- the processor ---- */

static void hw_exception(unsigned kind, uint64_t ret)
{
    acpu_exception(&a, ret);
    a.reg[GD_ARM64_PC] += kind;
}

static uint64_t exclusive(uint32_t w, uint64_t pc)
{
    if (w == LDXR_X0_X1) {
        a.reg[0] = gd_load_le(a.ram + (a.reg[1] - A_RAM), 8);
        monitor = true;
    } else {
        a.reg[2] = !monitor || store_fails;
        store_fails -= store_fails != 0;
        if (!a.reg[2])
            gd_store_le(a.ram + (a.reg[1] - A_RAM), a.reg[3], 8);
        monitor = false;
    }
    return pc + 4;
}

/* Executes w; the next PC. EXCEPTION when it took one. */
static uint64_t execute(uint32_t w, uint64_t pc)
{
    uint64_t p = a.reg[GD_ARM64_PSTATE];

    a.reg[GD_ARM64_PSTATE] = p &= ~PSTATE_BTYPE;
    if (w == LDXR_X0_X1 || w == STXR_W2_X3_X1)
        return exclusive(w, pc);
    if ((w & 0xff000000) == 0x35000000)
        return a.reg[2] ? pc + (uint64_t)gd_sext(w >> 5, 19) * 4 : pc + 4;
    if ((w & 0xff000000) == 0xb5000000)
        return a.reg[0] ? pc + (uint64_t)gd_sext(w >> 5, 19) * 4 : pc + 4;
    if ((w & 0xfc000000) == 0x14000000)
        return pc + (uint64_t)gd_sext(w, 26) * 4;
    if (w == ADD_X3_X0_1)
        a.reg[3] = a.reg[0] + 1;
    else if (w == ADD_X3_X3_1)
        a.reg[3]++;
    else if (w == MRS_X5_DAIF)
        a.reg[5] = p & PSTATE_DAIF;
    else if (w == MSR_DAIF_X5)
        a.reg[GD_ARM64_PSTATE] = (p & ~PSTATE_DAIF) | (a.reg[5] & PSTATE_DAIF);
    else if ((w & 0xfffff0ff) == DAIFSET(0))
        a.reg[GD_ARM64_PSTATE] |= (w >> 8 & 0xf) << 6;
    else if ((w & 0xfffff0ff) == DAIFCLR(0))
        a.reg[GD_ARM64_PSTATE] &= ~(uint64_t)((w >> 8 & 0xf) << 6);
    else if (w == SUB_SP_16)
        a.reg[GD_ARM64_SP_EL1] -= 16;
    else if (w == CMP_X0_X0)
        a.reg[GD_ARM64_PSTATE] |= PSTATE_Z | PSTATE_C;
    else if (w == RET)
        return a.reg[30];
    else if (w == ERET) {
        a.reg[GD_ARM64_PSTATE] = a.reg[GD_ARM64_SPSR_EL1];
        return (uint64_t)gd_sext(a.reg[GD_ARM64_ELR_EL1], 56); /* BranchAddr(): TBI */
    } else if (w == SVC || w == UDF || (w == LDR_X0_X1 && !a.reg[1])) {
        hw_exception(0, w == SVC ? pc + 4 : pc);
        return EXCEPTION;
    }
    return pc + 4;
}

static bool take_interrupt(void)
{
    uint64_t p = a.reg[GD_ARM64_PSTATE];

    /* As the engine tells the back end. */
    bool held = a.target.hw.hold_irq && !s.show_irq && !s.serves;

    if (!pending || held || (p & (PSTATE_I | PSTATE_F)) == (PSTATE_I | PSTATE_F))
        return false;
    pending = !once;
    hw_exception(p & PSTATE_I ? 0x100 : 0x80, a.reg[GD_ARM64_PC]);
    return true;
}

static struct gd_exit debug(unsigned ec, uint64_t iss)
{
    monitor = false;
    return (struct gd_exit){ .kind = GD_EXIT_DEBUG,
                             .syndrome = (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss };
}

/* One entry of the guest: one instruction with step, else up to a debug exception. */
static struct gd_exit enter(bool step)
{
    entries++;
    if (stale_exits) {
        stale_exits--;
        return debug(EC_SOFTSTP_LOW, 0x22);
    }
    for (unsigned n = 0; n < 1000; n++) {
        uint64_t pc = a.reg[GD_ARM64_PC], next;
        uint32_t w;

        if (take_interrupt()) {
            if (step)
                return debug(EC_SOFTSTP_LOW, 0x22);
            continue;
        }
        w = (uint32_t)gd_load_le(a.ram + (pc - A_RAM), 4);
        if ((w & 0xffe0001f) == 0xd4200000)
            return debug(EC_BRK64, w >> 5 & 0xffff);
        if (w == STXR_W2_X3_X1 && store_hits && !s.lift_watch)
            return debug(EC_WATCHPT_LOW, ESR_WP_WNR | 0x22);
        next = execute(w, pc);
        if (next != EXCEPTION)
            a.reg[GD_ARM64_PC] = next;
        else if (step && w != SVC)
            a.reg[GD_ARM64_SPSR_EL1] |= PSTATE_SS; /* it did not complete */
        if (step)
            return debug(EC_SOFTSTP_LOW,
                         0x22 | ((next == EXCEPTION && !tells_all) || w == HVC ? 0 : ESR_STEP_ISV));
    }
    return (struct gd_exit){ .kind = GD_EXIT_NONE };
}

/* ---- what the engine does ---- */

static void swap_words(uint32_t *saved, bool in)
{
    for (unsigned i = 0; i < s.ntemp; i++) {
        uint8_t *p = a.ram + (s.temp[i].gpa - A_RAM);

        if (in)
            saved[i] = (uint32_t)gd_load_le(p, 4);
        gd_store_le(p, in ? GD_ARM64_BRK(GD_ARM64_BRK_IMM) : saved[i], 4);
    }
}

static struct gd_exit run_planted(int *hit)
{
    uint32_t saved[GD_STEP_TEMPS];
    struct gd_exit x;

    swap_words(saved, true);
    acpu_ran(&a);
    x = enter(s.use_hw);
    swap_words(saved, false);
    *hit = -1;
    for (int i = 0; i < s.ntemp; i++)
        if (s.temp[i].va == a.reg[GD_ARM64_PC])
            *hit = i;
    return x;
}

/* A whole step; ends with DONE, OTHER or an error, hardware registers up to date. */
static int step_by(struct gd_exit *last)
{
    int r, hit;

    gd_cpu_forget(&a.cpu);
    s.kind = s.phase = s.ntemp = 0;
    r = gd_arch_arm64.step_begin(&a.cpu, &s);
    for (unsigned n = 0; r == GD_STEP_ENTER && n < 100; n++) {
        *last = run_planted(&hit);
        gd_cpu_forget(&a.cpu);
        r = gd_arch_arm64.step_exit(&a.cpu, &s, last, hit);
    }
    acpu_ran(&a);
    return r;
}

static int step(void)
{
    struct gd_exit last;

    return step_by(&last);
}

/* One instruction in a run of steps: what it keeps stays known, as the engine has it. */
static void step_on(void)
{
    uint64_t keep[GD_REG_WORDS];
    struct gd_exit x;

    s.kind = s.phase = s.ntemp = 0;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_int_equal(gd_cpu_flush(&a.cpu), 0);
    x = enter(true);
    gd_arm64_keeps(s.insn, keep);
    gd_cpu_forget_but(&a.cpu, keep);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
}

static void code(const uint32_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        acpu_word(&a, A_CODE + 4 * i, w[i]);
}

#define CODE(...)                                                                                  \
    code((const uint32_t[]){ __VA_ARGS__ }, GD_ARRAY_SIZE(((const uint32_t[]){ __VA_ARGS__ })))

static void stands_at(uint64_t pc, uint64_t pstate)
{
    assert_int_equal(a.reg[GD_ARM64_PC], pc);
    assert_int_equal(a.reg[GD_ARM64_PSTATE], pstate);
}

/* ---- interrupts ---- */

static const uint64_t masks[] = { 0, PSTATE_I, PSTATE_F, PSTATE_I | PSTATE_F, PSTATE_A | PSTATE_D };

static void a_pending_interrupt_does_not_take_the_step(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++) {
        setup(state);
        CODE(NOP, B(-1));
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m] | PSTATE_SS;
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m] | PSTATE_SS); /* its own SS is there yet */
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE, EL1H_IRQ_ON | masks[m] | PSTATE_SS);
    }
}

static void with_step_irq_the_handler_is_shown(void **state)
{
    (void)state;
    CODE(NOP);
    s.show_irq = true;
    assert_int_equal(step(), GD_STEP_DONE);
    assert_int_equal(a.reg[GD_ARM64_PC], A_VBAR + 0x280);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], EL1H_IRQ_ON);
}

/* Only then is the kernel asked for a second set of debug registers, which costs at each entry. */
static void the_guests_own_points_are_kept_out_where_they_are_on(void **state)
{
    (void)state;
    CODE(NOP, NOP);
    assert_int_equal(step(), GD_STEP_DONE);
    assert_false(s.own_points);
    a.reg[GD_ARM64_MDSCR_EL1] = MDSCR_MDE;
    assert_int_equal(step(), GD_STEP_DONE);
    assert_true(s.own_points);
}

static void pstate_is_not_read_for_its_flags(void **state)
{
    (void)state;
    CODE(CMP_X0_X0, CMP_X0_X0, DAIFCLR(3), CMP_X0_X0, CMP_X0_X0);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_I | PSTATE_F;
    step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_PSTATE));
    step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_PSTATE));
    assert_false(s.masked);
    step_on();
    stands_at(A_CODE + 12, EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
    step_on(); /* the interrupt is there: it must be held */
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PC), A_CODE + 16);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
}

static void what_a_client_writes_to_pstate_counts(void **state)
{
    (void)state;
    CODE(CMP_X0_X0, CMP_X0_X0, CMP_X0_X0);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_I | PSTATE_F;
    step_on();
    gd_cpu_set(&a.cpu, GD_ARM64_PSTATE, EL1H_IRQ_ON);
    step_on();
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PC), A_CODE + 8);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), EL1H_IRQ_ON | PSTATE_Z | PSTATE_C);
    gd_cpu_set(&a.cpu, GD_ARM64_PSTATE, EL1H_IRQ_ON | PSTATE_BTYPE); /* one that ends now */
    step_on();
    assert_false(gd_cpu_knows(&a.cpu, GD_ARM64_MODE));
}

/* ---- interrupts that have waited for many steps ---- */

static void set_up_handler(void)
{
    once = true;
    s.let_irq = true;
    CODE(NOP, B(-1));
    acpu_word(&a, A_VBAR + 0x280, ERET);
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON;
}

static void one_that_waits_is_served_before_the_step(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        setup(state);
        a.target.hw.hold_irq = i / 2; /* by the back end, or by a mask */
        set_up_handler();
        pending = i % 2;
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_false(pending);
        assert_false(s.let_irq);
        assert_int_equal(entries, 2);
    }
}

static void none_is_served_where_the_handler_could_not_come_back(void **state)
{
    static const uint64_t held[] = { EL1H_IRQ_ON | PSTATE_I, PSTATE_M_EL0T };

    for (size_t n = 0; n < GD_ARRAY_SIZE(held); n++) {
        setup(state);
        set_up_handler();
        a.reg[GD_ARM64_PSTATE] = held[n];
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, held[n]);
        assert_true(pending);
        assert_true(s.let_irq);
    }
    setup(state);
    set_up_handler();
    s.lift_watch = true;
    assert_int_equal(step(), GD_STEP_DONE);
    assert_true(pending);
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
    pending = false;
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
    pending = false;
    CODE(MRS_X5_DAIF);
    gd_cpu_forget(&a.cpu);
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    assert_int_equal(acpu_reg(&a, GD_ARM64_PSTATE), EL1H_IRQ_ON);
}

static void mrs_daif_reads_the_guests_own_masks(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++) {
        setup(state);
        CODE(MRS_X5_DAIF);
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
        assert_int_equal(step(), GD_STEP_DONE);
        assert_int_equal(a.reg[5], masks[m]);
        stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m]);
    }
}

static void writes_of_daif_leave_what_the_guest_wrote(void **state)
{
    for (size_t m = 0; m < GD_ARRAY_SIZE(masks); m++)
        for (uint64_t imm = 0; imm < 16; imm++) {
            setup(state);
            CODE(MSR_DAIF_X5);
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            a.reg[5] = imm << 6;
            assert_int_equal(step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | imm << 6);
            setup(state);
            CODE(DAIFSET(imm));
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            assert_int_equal(step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | masks[m] | imm << 6);
            setup(state);
            CODE(DAIFCLR(imm));
            a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | masks[m];
            assert_int_equal(step(), GD_STEP_DONE);
            stands_at(A_CODE + 4, EL1H_IRQ_ON | (masks[m] & ~(imm << 6)));
        }
}

static void eret_keeps_the_pstate_it_returns_to(void **state)
{
    (void)state;
    CODE(ERET);
    a.reg[GD_ARM64_ELR_EL1] = A_CODE + 0x40;
    a.reg[GD_ARM64_SPSR_EL1] = PSTATE_M_EL0T | PSTATE_F;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 0x40, PSTATE_M_EL0T | PSTATE_F);
    setup(state); /* and the same to AArch32 */
    CODE(ERET);
    a.reg[GD_ARM64_ELR_EL1] = A_CODE + 0x40;
    a.reg[GD_ARM64_SPSR_EL1] = PSTATE_NRW | PSTATE_F;
    a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | PSTATE_F;
    assert_int_equal(step(), GD_STEP_DONE);
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
        setup(state);
        CODE(exceptions[n].insn);
        a.reg[GD_ARM64_PSTATE] = exceptions[n].pstate;
        assert_int_equal(step(), GD_STEP_DONE);
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
    tells_all = true;
    pending = false;
    CODE(LDR_X0_X1, NOP);
    a.reg[1] = 0;
    a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
    step_on();
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
    assert_int_equal(step(), GD_STEP_DONE);
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
    x = debug(EC_SOFTSTP_LOW, 0x22);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_PSTATE), PSTATE_M_EL1H | PSTATE_DAIF);
    assert_int_equal(gd_cpu_reg(&a.cpu, GD_ARM64_SPSR_EL1), EL1H_IRQ_ON);
}

static void a_branch_to_a_vector_is_no_exception(void **state)
{
    (void)state;
    CODE(RET);
    a.reg[30] = A_VBAR + 0x200;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_VBAR + 0x200, EL1H_IRQ_ON);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], 0);
    setup(state); /* but a fault of the instruction before the vector is */
    a.reg[GD_ARM64_VBAR_EL1] = A_VBAR;
    acpu_word(&a, A_VBAR + 0x1fc, LDR_X0_X1);
    a.reg[1] = 0;
    a.reg[GD_ARM64_PC] = A_VBAR + 0x1fc;
    assert_int_equal(step(), GD_STEP_DONE);
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
    x = debug(EC_SOFTSTP_LOW, 0x22);
    assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, -1), GD_STEP_DONE);
    assert_int_equal(acpu_reg(&a, GD_ARM64_SPSR_EL1), EL1H_IRQ_ON);
}

/* ---- waiting ---- */

static void waiting_instructions_complete_at_once(void **state)
{
    static const uint32_t words[] = { WFI, WFE, YIELD, WFIT_X5 };

    for (size_t n = 0; n < GD_ARRAY_SIZE(words); n++) {
        setup(state);
        a.target.features = GD_ARM64_F_WFXT;
        CODE(words[n]);
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_true(s.waits);
        assert_int_equal(entries, 0);
    }
}

static void waiting_that_may_fault_is_stepped(void **state)
{
    static const uint64_t bits[] = { PSTATE_IL, 1ull << 10, 1ull << 11 }; /* BTYPE */

    for (size_t n = 0; n < GD_ARRAY_SIZE(bits); n++) {
        setup(state);
        CODE(WFI);
        a.reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON | bits[n];
        assert_int_equal(step(), GD_STEP_DONE);
        assert_int_equal(entries, 1);
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
        setup(state);
        CODE(rows[n].word);
        a.reg[GD_ARM64_PSTATE] = PSTATE_M_EL0T;
        a.reg[GD_ARM64_SCTLR_EL1] = rows[n].sctlr;
        assert_int_equal(step(), GD_STEP_DONE);
        assert_int_equal(entries, rows[n].native); /* WFIT: no FEAT_WFxT here */
    }
}

/* ---- exclusives ---- */

static void an_exclusive_sequence_is_one_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_le64(&a, WORD, 41);
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 42);
    assert_true(s.sequence);
}

static void a_store_that_fails_is_tried_again_in_the_same_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    store_fails = 3;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

/* 128 bytes from load to store: further apart no processor promises progress. */
static void the_longest_sequence_is_one_step(void **state)
{
    uint32_t words[35];

    (void)state;
    for (unsigned i = 1; i < 32; i++)
        words[i] = i == 1 ? ADD_X3_X0_1 : ADD_X3_X3_1;
    words[0] = LDXR_X0_X1;
    words[32] = STXR_W2_X3_X1;
    words[33] = CBNZ_W2(-33);
    words[34] = NOP;
    code(words, 35);
    acpu_le64(&a, WORD, 11);
    store_fails = 1;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 4 * 34, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 42);
}

static void a_sequence_without_retry_ends_behind_the_store(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, STXR_W2_X3_X1, NOP);
    a.reg[3] = 7;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 7);
}

static void a_compare_that_fails_steps_the_load_alone(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(4), STXR_W2_X3_X1, CBNZ_W2(-3), NOP, NOP);
    acpu_le64(&a, WORD, 5);
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(a.reg[0], 5);
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
}

static void a_taken_lock_does_not_hang_the_step(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(-1), STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_le64(&a, WORD, 1); /* taken */
    a.reg[3] = 1;
    a.reg[GD_ARM64_PSTATE] |= 1ull << 10; /* PSTATE.BTYPE: a jump led here */
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_true(s.waits); /* the holder gets a slice */
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE, EL1H_IRQ_ON);
    }
    acpu_le64(&a, WORD, 0); /* released */
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void operands_clobbered_on_the_way_are_restored_before_the_run(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X3_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    a.reg[3] = 10;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(a.reg[3], 11); /* added once, though it was stepped and then run */
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 11);
}

static void a_stack_pointer_moved_on_the_way_is_restored_before_the_run(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, SUB_SP_16, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[GD_ARM64_SP_EL1] = A_RAM + 0x1000;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
    assert_int_equal(a.reg[GD_ARM64_SP_EL1], A_RAM + 0x1000 - 16);
}

static void a_load_without_store_is_a_plain_step(void **state)
{
    static const uint32_t ends[] = { RET, SVC, LDXR_X0_X1, WFE, B(2), MRS_X5_DAIF };

    for (size_t n = 0; n < GD_ARRAY_SIZE(ends); n++) {
        setup(state);
        CODE(LDXR_X0_X1, ends[n], STXR_W2_X3_X1, NOP);
        assert_int_equal(step(), GD_STEP_DONE);
        stands_at(A_CODE + 4, EL1H_IRQ_ON);
        assert_int_equal(entries, 1);
        assert_false(s.sequence);
    }
}

static void all_ways_out_are_planted(void **state)
{
    static const uint64_t ways[] = { A_CODE + 28,    A_CODE + 64,    A_CODE - 40,   A_VBAR + 0x200,
                                     A_VBAR + 0x280, A_VBAR + 0x300, A_VBAR + 0x380 };
    struct gd_exit last;

    (void)state;
    CODE(LDXR_X0_X1, CBNZ_X0(15), NOP, CBNZ_X0(-13), STXR_W2_X3_X1, NOP, CBNZ_W2(-6), NOP);
    assert_int_equal(step_by(&last), GD_STEP_DONE);
    stands_at(A_CODE + 28, EL1H_IRQ_ON);
    assert_int_equal(s.ntemp, GD_ARRAY_SIZE(ways));
    for (size_t w = 0; w < GD_ARRAY_SIZE(ways); w++) {
        bool found = false;

        for (unsigned i = 0; i < s.ntemp; i++)
            found |= s.temp[i].va == ways[w];
        assert_true(found);
    }
}

static void a_fault_in_the_sequence_ends_at_the_vector(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, UDF, STXR_W2_X3_X1, CBNZ_W2(-3));
    acpu_word(&a, A_CODE + 4, NOP);
    gd_cpu_forget(&a.cpu);
    s.kind = 0;
    assert_int_equal(gd_arch_arm64.step_begin(&a.cpu, &s), GD_STEP_ENTER);
    while (s.use_hw) {
        int hit;
        struct gd_exit x = run_planted(&hit);

        gd_cpu_forget(&a.cpu);
        assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, hit), GD_STEP_ENTER);
    }
    acpu_ran(&a); /* the run: the store faults */
    assert_int_equal(a.reg[GD_ARM64_PSTATE], EL1H_IRQ_ON | PSTATE_I | PSTATE_F);
    hw_exception(0, A_CODE + 8);
    for (int i = 0; i < s.ntemp; i++)
        if (s.temp[i].va == A_VBAR + 0x200) {
            struct gd_exit x = debug(EC_BRK64, GD_ARM64_BRK_IMM);

            assert_int_equal(gd_arch_arm64.step_exit(&a.cpu, &s, &x, i), GD_STEP_DONE);
        }
    acpu_ran(&a);
    stands_at(A_VBAR + 0x200, PSTATE_M_EL1H | PSTATE_DAIF);
    assert_int_equal(a.reg[GD_ARM64_SPSR_EL1], EL1H_IRQ_ON);
}

static void a_watched_store_is_told_and_then_run_on(void **state)
{
    struct gd_exit last;

    (void)state;
    CODE(LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    store_hits = true;
    assert_int_equal(step_by(&last), GD_STEP_OTHER);
    assert_int_equal(ESR_EC(last.syndrome), EC_WATCHPT_LOW);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    s.lift_watch = s.sequence = true; /* the engine: the rest, with the point lifted */
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 16, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void a_wait_before_the_load_is_a_way_out(void **state)
{
    (void)state;
    CODE(WFE, LDXR_X0_X1, ADD_X3_X0_1, STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[GD_ARM64_PC] = A_CODE + 4;
    store_fails = 1;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE, EL1H_IRQ_ON);
    assert_int_equal(step(), GD_STEP_DONE);
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 20, EL1H_IRQ_ON);
    assert_int_equal(gd_load_le(a.ram + (WORD - A_RAM), 8), 1);
}

static void a_sequence_that_never_comes_to_its_load_is_left(void **state)
{
    (void)state;
    /* x0 is not 0: the branch between the exclusives leads to itself */
    CODE(LDXR_X0_X1, NOP, CBNZ_X0(0), STXR_W2_X3_X1, CBNZ_W2(-4), NOP);
    a.reg[0] = 1;
    a.reg[GD_ARM64_PC] = A_CODE + 4;
    s.sequence = true;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 8, EL1H_IRQ_ON);
    assert_in_range(entries, 2, 80);
}

static void run_on_outside_a_sequence_is_a_plain_step(void **state)
{
    (void)state;
    CODE(NOP, NOP);
    s.sequence = true;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_false(s.sequence);
}

static void a_breakpoint_inside_a_sequence_is_not_the_steps(void **state)
{
    (void)state;
    CODE(LDXR_X0_X1, NOP, STXR_W2_X3_X1, CBNZ_W2(-3), NOP);
    acpu_word(&a, A_CODE + 4, GD_ARM64_BRK(0x800)); /* the guest's own; ends the sequence */
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(step(), GD_STEP_OTHER);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
}

/* ---- other exits ---- */

static void a_breakpoint_of_the_guest_is_left_to_the_engine(void **state)
{
    struct gd_exit last;

    (void)state;
    CODE(GD_ARM64_BRK(0x800));
    assert_int_equal(step_by(&last), GD_STEP_OTHER);
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
    stale_exits = 1;
    assert_int_equal(step(), GD_STEP_DONE);
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(entries, 2);
    assert_int_equal(step(), GD_STEP_DONE); /* a branch to itself is one */
    stands_at(A_CODE + 4, EL1H_IRQ_ON);
    assert_int_equal(entries, 3);
    setup(state); /* and it does not go on for ever */
    CODE(NOP);
    stale_exits = 100;
    assert_int_equal(step(), GD_STEP_DONE);
    assert_true(entries < 10);
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

#define T(name) cmocka_unit_test_setup(name, setup)

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
        T(an_exclusive_sequence_is_one_step),
        T(a_store_that_fails_is_tried_again_in_the_same_step),
        T(the_longest_sequence_is_one_step),
        T(a_sequence_without_retry_ends_behind_the_store),
        T(a_compare_that_fails_steps_the_load_alone),
        T(a_taken_lock_does_not_hang_the_step),
        T(operands_clobbered_on_the_way_are_restored_before_the_run),
        T(a_stack_pointer_moved_on_the_way_is_restored_before_the_run),
        T(a_load_without_store_is_a_plain_step),
        T(all_ways_out_are_planted),
        T(a_fault_in_the_sequence_ends_at_the_vector),
        T(a_watched_store_is_told_and_then_run_on),
        T(a_wait_before_the_load_is_a_way_out),
        T(a_sequence_that_never_comes_to_its_load_is_left),
        T(run_on_outside_a_sequence_is_a_plain_step),
        T(a_breakpoint_inside_a_sequence_is_not_the_steps),
        T(a_breakpoint_of_the_guest_is_left_to_the_engine),
        T(what_userspace_finishes_is_one_step),
        T(a_call_that_resets_the_vcpu_keeps_its_new_pstate),
        T(a_stale_step_exit_is_not_a_step),
        T(a_kick_goes_on_and_abort_puts_things_right),
        T(a_host_without_step_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
