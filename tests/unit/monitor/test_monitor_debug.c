/* SPDX-License-Identifier: MIT */
/* The monitor's two debug register sets (debug.c): what the guest keeps, and what is loaded. */
#include "support_el2.h"

#define DFR0   0x10305006ull /* 6 breakpoints, 2 with contexts, 4 watchpoints; the double lock */
#define NOLOCK (0xfull << 36)
#define USER   0x1e7ull /* DBGBCR: E, at EL1 and EL0, all four bytes */
#define VBAR   0x8000ull

#define MDSCR_OF    SYSREG_KEY(2u, 0u, 0u, 2u, 2u)
#define OSDLR_OF    SYSREG_KEY(2u, 0u, 1u, 3u, 4u)
#define CLAIMSET_OF SYSREG_KEY(2u, 0u, 7u, 8u, 6u)
#define CLAIMCLR_OF SYSREG_KEY(2u, 0u, 7u, 9u, 6u)
#define BVR(n)      SYSREG_KEY(2u, 0u, 0u, (unsigned)(n), 4u)
#define BCR(n)      SYSREG_KEY(2u, 0u, 0u, (unsigned)(n), 5u)
#define WVR(n)      SYSREG_KEY(2u, 0u, 0u, (unsigned)(n), 6u)
#define WCR(n)      SYSREG_KEY(2u, 0u, 0u, (unsigned)(n), 7u)

static struct gd_hw_pair hardware[2 * GD_HW_MAX];
static uint64_t sys[GD_REG_MAX];
static struct gd_hw_set ours;
static struct gd_arm armed;
static struct cpu *const c = &cpus[0];

struct gd_hw_pair debug_pair_get(unsigned n)
{
    return hardware[n];
}

void debug_pair_set(unsigned n, struct gd_hw_pair pair)
{
    hardware[n] = pair;
}

static int get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    (void)ctx;
    (void)vcpu;
    if (!debug_reg_get(c, num, value))
        *value = num <= 30 ? c->frame->x[num] : num == GD_ARM64_PC ? c->frame->pc : sys[num];
    return 0;
}

static int set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    (void)ctx;
    (void)vcpu;
    if (debug_reg_set(c, num, value))
        return 0;
    *(num <= 30 ? &c->frame->x[num] : num == GD_ARM64_PC ? &c->frame->pc : &sys[num]) = value;
    return 0;
}

static void *memory(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    (void)ctx;
    (void)gpa;
    (void)len;
    (void)write;
    *error = GD_E_NOTRAM;
    return NULL;
}

static const struct gd_backend backend = { .reg_get = get, .reg_set = set, .mem = memory };

struct gd_cpu *run_view(struct cpu *cpu)
{
    cpu->view.target = &target;
    cpu->view.be = &backend;
    cpu->view.why = &cpu->view_why;
    gd_cpu_forget(&cpu->view);
    return &cpu->view;
}

static int setup(void **state)
{
    (void)state;
    el2_reset(1);
    memset(hardware, 0, sizeof(hardware));
    memset(sys, 0, sizeof(sys));
    memset(&ours, 0, sizeof(ours));
    *sysreg("ID_AA64DFR0_EL1") = DFR0;
    sys[GD_ARM64_VBAR_EL1] = VBAR;
    target.hw = (struct gd_hw_caps){ .nbreak = 6, .nwatch = 4, .context = 0x30, .step = true };
    c->frame->pstate = PSTATE_M_EL0T;
    c->frame->pc = 0x100;
    armed = (struct gd_arm){ .generation = 1, .set = &ours, .hw = true };
    ours.b[0] = (struct gd_hw_pair){ USER, 0x1000 };
    return 0;
}

static void rearm(void)
{
    armed.generation++;
    debug_arm(c, &armed);
    assert_true(debug_enter(c));
}

static void write_reg(unsigned key, uint64_t value)
{
    assert_true(debug_access(c, key, true, &value));
}

static uint64_t read_reg(unsigned key)
{
    uint64_t value = 0;

    assert_true(debug_access(c, key, false, &value));
    return value;
}

static void the_double_lock_is_the_guests_and_masks_none_of_ours(void **state)
{
    (void)state;
    *sysreg("OSDLR_EL1") = 1;
    rearm();
    assert_int_equal(*sysreg("OSDLR_EL1"), 0);
    assert_int_equal(hardware[0].ctrl, USER);
    assert_int_equal(read_reg(OSDLR_OF), 1);

    write_reg(MDSCR_OF, MDSCR_MDE | MDSCR_KDE);
    write_reg(BVR(1), 0x2000);
    write_reg(BCR(1), USER);
    assert_true(debug_enter(c));
    assert_int_equal(hardware[1].ctrl, 0);
    write_reg(OSDLR_OF, 0);
    assert_true(debug_enter(c));
    assert_int_equal(hardware[1].ctrl, USER);

    write_reg(OSDLR_OF, 1);
    armed.hw = false;
    rearm();
    assert_int_equal(*sysreg("OSDLR_EL1"), 1);
}

static void a_cpu_without_the_double_lock_shows_none(void **state)
{
    (void)state;
    *sysreg("ID_AA64DFR0_EL1") |= NOLOCK;
    rearm();
    write_reg(OSDLR_OF, 1);
    assert_int_equal(read_reg(OSDLR_OF), 0);
}

static void a_context_of_the_guest_keeps_all_its_bits(void **state)
{
    (void)state;
    rearm();
    write_reg(BVR(5), 0x223);
    assert_int_equal(read_reg(BVR(5)), 0x223);
    write_reg(WVR(0), 0x223);
    assert_int_equal(read_reg(WVR(0)), 0x220);
}

static void a_link_to_a_context_that_was_pushed_out_does_not_follow_ours(void **state)
{
    (void)state;
    rearm();
    write_reg(MDSCR_OF, MDSCR_MDE | MDSCR_KDE);
    write_reg(BCR(5), DBGBCR_BT_LINKED_CONTEXT | USER);
    write_reg(WCR(0), 1ull << 20 | 5ull << 16 | 0xff << 5 | 3 << 3 | 7); /* linked to 5 */
    assert_true(debug_enter(c));
    assert_true(hardware[GD_HW_MAX].ctrl & DBGCR_E);
    for (unsigned i = 0; i < 6; i++)
        ours.b[i] = (struct gd_hw_pair){ USER, 0x1000 + 4 * i };
    rearm();
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(hardware[i].ctrl, USER);
    assert_int_equal(hardware[GD_HW_MAX].ctrl, 0);
    assert_int_equal(c->debug.lost_b, 1 << 5);
    assert_int_equal(c->debug.lost_w, 1);
}

static void a_context_that_is_linked_to_is_loaded_whatever_its_pmc(void **state)
{
    const uint64_t context = DBGBCR_BT_LINKED_CONTEXT | DBGBCR_BAS_A64 | DBGCR_E;

    (void)state;
    rearm();
    write_reg(MDSCR_OF, MDSCR_MDE);
    write_reg(BCR(5), context);
    assert_true(debug_enter(c));
    assert_int_equal(hardware[5].ctrl, context);
}

static void a_link_to_what_the_guest_leaves_free_does_not_follow_ours(void **state)
{
    (void)state;
    ours.b[5] = (struct gd_hw_pair){ DBGBCR_BT_LINKED_CONTEXT | USER, 7 };
    rearm();
    write_reg(MDSCR_OF, MDSCR_MDE | MDSCR_KDE);
    write_reg(BCR(1), DBGBCR_BT_LINKED_ADDR | 5ull << DBGCR_LBN_SHIFT | USER);
    assert_true(debug_enter(c));
    assert_int_equal(hardware[1].ctrl, 0);
}

static void claim_tags_stay_the_guests(void **state)
{
    (void)state;
    *sysreg("DBGCLAIMSET_EL1") = 0xff;
    *sysreg("DBGCLAIMCLR_EL1") = 5;
    rearm();
    assert_int_equal(read_reg(CLAIMSET_OF), 0xff);
    assert_int_equal(read_reg(CLAIMCLR_OF), 5);
    write_reg(CLAIMSET_OF, 2);
    assert_int_equal(*sysreg("DBGCLAIMSET_EL1"), 2);
}

/* The guest's own step is over and its exception is due, when the engine wants the next
 * instruction: that one is not executed, and what is is not taken for it. */
static void a_due_step_of_the_guests_ends_the_engines_at_the_vector(void **state)
{
    (void)state;
    armed.hw = false;
    armed.step = true;
    rearm();
    write_reg(MDSCR_OF, MDSCR_SS);
    c->debug.guest_ss = c->debug.in_flight = false;
    c->frame->pstate = PSTATE_M_EL0T;
    c->frame->pc = 0x200;
    assert_false(debug_enter(c));
    assert_int_equal(c->frame->pc, VBAR + 0x400);
    assert_int_equal(sys[GD_ARM64_ELR_EL1], 0x200);

    /* The next one is the vector's, whatever came between, and told as such. */
    assert_true(debug_enter(c));
    assert_true(c->frame->pstate & PSTATE_SS);
    c->frame->pc += 4;
    c->frame->pstate &= ~PSTATE_SS;
    assert_true(debug_stepped(c));
}

static void a_due_step_of_the_guests_is_injected_when_the_engine_does_not_step(void **state)
{
    (void)state;
    rearm();
    write_reg(MDSCR_OF, MDSCR_SS);
    c->debug.guest_ss = c->debug.in_flight = false;
    c->frame->pstate = PSTATE_M_EL0T;
    assert_true(debug_enter(c));
    assert_int_equal(c->frame->pc, VBAR + 0x400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_double_lock_is_the_guests_and_masks_none_of_ours, setup),
        cmocka_unit_test_setup(a_cpu_without_the_double_lock_shows_none, setup),
        cmocka_unit_test_setup(a_context_of_the_guest_keeps_all_its_bits, setup),
        cmocka_unit_test_setup(a_link_to_a_context_that_was_pushed_out_does_not_follow_ours, setup),
        cmocka_unit_test_setup(a_context_that_is_linked_to_is_loaded_whatever_its_pmc, setup),
        cmocka_unit_test_setup(a_link_to_what_the_guest_leaves_free_does_not_follow_ours, setup),
        cmocka_unit_test_setup(claim_tags_stay_the_guests, setup),
        cmocka_unit_test_setup(a_due_step_of_the_guests_ends_the_engines_at_the_vector, setup),
        cmocka_unit_test_setup(a_due_step_of_the_guests_is_injected_when_the_engine_does_not_step,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
