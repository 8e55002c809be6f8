/* SPDX-License-Identifier: MIT */
#include "support_arm64_step.h"

#define EXCEPTION (~0ull)

struct acpu a;
struct gd_step s;
struct play play;

int set_up_step(void **state)
{
    (void)state;
    acpu_init(&a);
    memset(&s, 0, sizeof(s));
    play = (struct play){ .pending = true };
    a.reg[1] = WORD;
    a.reg[GD_ARM64_ELR_EL1] = 0x9999;
    return 0;
}

/* ---- the processor ---- */

void hw_exception(unsigned kind, uint64_t ret)
{
    acpu_exception(&a, ret);
    a.reg[GD_ARM64_PC] += kind;
}

static uint64_t exclusive(uint32_t w, uint64_t pc)
{
    if (w == LDXR_X0_X1) {
        a.reg[0] = gd_load_le(a.ram + (a.reg[1] - A_RAM), 8);
        play.monitor = true;
    } else {
        a.reg[2] = !play.monitor || play.store_fails;
        play.store_fails -= play.store_fails != 0;
        if (!a.reg[2])
            gd_store_le(a.ram + (a.reg[1] - A_RAM), a.reg[3], 8);
        play.monitor = false;
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

    if (!play.pending || held || (p & (PSTATE_I | PSTATE_F)) == (PSTATE_I | PSTATE_F))
        return false;
    play.pending = !play.once;
    hw_exception(p & PSTATE_I ? 0x100 : 0x80, a.reg[GD_ARM64_PC]);
    return true;
}

struct gd_exit debug_exit(unsigned ec, uint64_t iss)
{
    play.monitor = false;
    return (struct gd_exit){ .kind = GD_EXIT_DEBUG,
                             .syndrome = (uint64_t)ec << ESR_EC_SHIFT | ESR_IL | iss };
}

struct gd_exit enter(bool step)
{
    play.entries++;
    if (play.stale_exits) {
        play.stale_exits--;
        return debug_exit(EC_SOFTSTP_LOW, 0x22);
    }
    for (unsigned n = 0; n < 1000; n++) {
        uint64_t pc = a.reg[GD_ARM64_PC], next;
        uint32_t w;

        if (take_interrupt()) {
            if (step)
                return debug_exit(EC_SOFTSTP_LOW, 0x22);
            continue;
        }
        w = (uint32_t)gd_load_le(a.ram + (pc - A_RAM), 4);
        if ((w & 0xffe0001f) == 0xd4200000)
            return debug_exit(EC_BRK64, w >> 5 & 0xffff);
        if (w == STXR_W2_X3_X1 && play.store_hits && !s.lift_watch)
            return debug_exit(EC_WATCHPT_LOW, ESR_WP_WNR | 0x22);
        next = execute(w, pc);
        if (next != EXCEPTION)
            a.reg[GD_ARM64_PC] = next;
        else if (step && w != SVC)
            a.reg[GD_ARM64_SPSR_EL1] |= PSTATE_SS; /* it did not complete */
        if (step)
            return debug_exit(
                EC_SOFTSTP_LOW,
                0x22 | ((next == EXCEPTION && !play.tells_all) || w == HVC ? 0 : ESR_STEP_ISV));
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

struct gd_exit run_planted(int *hit)
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

int take_step_by(struct gd_exit *last)
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

int take_step(void)
{
    struct gd_exit last;

    return take_step_by(&last);
}

void take_step_on(void)
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

void code(const uint32_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        acpu_word(&a, A_CODE + 4 * i, w[i]);
}

void stands_at(uint64_t pc, uint64_t pstate)
{
    assert_int_equal(a.reg[GD_ARM64_PC], pc);
    assert_int_equal(a.reg[GD_ARM64_PSTATE], pstate);
}
