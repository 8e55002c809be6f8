/* SPDX-License-Identifier: MIT */
/*
 * Every exception to EL2. What the guest did is served here or given to the engine; what the
 * monitor itself did wrong is reported on the UART and ends it.
 */
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

/* Kinds as entry.S numbers them: 0 to 3 from the guest, 4 to 7 from EL2. */
enum { FROM_GUEST_SYNC, FROM_GUEST_IRQ, FROM_GUEST_FIQ, FROM_GUEST_ERROR, FROM_EL2 };

#define EC_HVC64      0x16u
#define EC_SMC64      0x17u
#define EC_SYSREG     0x18u
#define EC_IABORT_LOW 0x20u
#define EC_DABORT_LOW 0x24u

#define ISS_DABORT_ISV (1ull << 24)
#define ISS_DABORT_SSE (1ull << 21)
#define ISS_DABORT_SF  (1ull << 15)
#define ISS_DABORT_WNR (1ull << 6)
#define ISS_S1PTW      (1ull << 7)
#define FSC_EXTERNAL   0x10ull /* synchronous external abort, not on a walk */

/* In an IT block the next instruction has the next condition: AArch32.ITAdvance(). */
static uint64_t next_in_block(uint64_t pstate)
{
    uint64_t it = (pstate >> 8 & 0xfc) | (pstate >> 25 & 3);

    it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    return (pstate & ~(0xfcull << 8 | 3ull << 25)) | (it & 0xfc) << 8 | (it & 3) << 25;
}

/* As if it had been executed: T32 has instructions of 2 bytes (ESR_EL2.IL = 0), and with FEAT_BTI
 * every instruction that is no branch clears PSTATE.BTYPE. */
static void skip_instruction(struct cpu *c, uint64_t esr)
{
    uint64_t *pstate = &c->frame->pstate;

    c->frame->pc += esr & ESR_IL ? 4 : 2;
    *pstate = *pstate & PSTATE_NRW ? next_in_block(*pstate) : *pstate & ~PSTATE_BTYPE;
    debug_skipped(c);
}

static void give(struct cpu *c, uint64_t esr, const uint64_t *far)
{
    struct gd_cpu *view = run_view(c);

    gd_arm64_take_exception(view, esr, far, c->frame->pc);
    gd_cpu_flush(view);
    debug_skipped(c);
}

static void give_undefined(struct cpu *c)
{
    give(c, ESR_IL, NULL);
}

/* A stage-2 fault is for the guest what a missing device is: an external abort. */
static void give_abort(struct cpu *c, uint64_t esr, uint64_t far)
{
    unsigned ec = ESR_EC(esr);
    bool from_el1 = !(c->frame->pstate & PSTATE_NRW) && PSTATE_EL(c->frame->pstate) == 1;
    uint64_t wnr = ec == EC_DABORT_LOW ? esr & ISS_DABORT_WNR : 0;

    give(c, (uint64_t)(ec + from_el1) << ESR_EC_SHIFT | ESR_IL | wnr | FSC_EXTERNAL, &far);
}

/* ---- device memory that is filtered ---- */

static uint64_t extend(uint64_t value, unsigned size, uint64_t esr)
{
    if (esr & ISS_DABORT_SSE)
        value = (uint64_t)gd_sext(value, size * 8);
    return esr & ISS_DABORT_SF ? value : (uint32_t)value;
}

/* A load or store of one general register that also moves its base is what compilers make of a loop over
 * registers; no syndrome describes it (Arm ARM C4.1.94, immediate post- and pre-indexed, unsigned). With a
 * valid one, and the base in *base; 0 if it is something else. */
static uint64_t moves_base(struct cpu *c, uint64_t esr, uint64_t **base, int64_t *by)
{
    uint32_t w;

    if (gd_cpu_fetch(run_view(c), c->frame->pc, &w) || (w & 0x3fa00400) != 0x38000400 ||
        (w >> 5 & 31) == 31)
        return 0;
    *base = &c->frame->x[w >> 5 & 31];
    *by = gd_sext(w >> 12, 9);
    return esr | ISS_DABORT_ISV | ISS_DABORT_SF | (uint64_t)(w >> 30) << 22 | (w & 31) << 16;
}

static bool data_abort(struct cpu *c, uint64_t esr, uint64_t far)
{
    uint64_t ipa = (get_HPFAR_EL2() >> 4 & 0xffffffffffull) << 12 | (far & 0xfff), value;
    uint64_t *base = &value;
    int64_t by = 0;
    unsigned size, rt;
    bool write = esr & ISS_DABORT_WNR;

    if (esr & ISS_S1PTW || !dist_owns(ipa))
        return false;
    if (!(esr & ISS_DABORT_ISV))
        esr = moves_base(c, esr, &base, &by);
    if (!esr)
        return false;
    size = 1u << (esr >> 22 & 3);
    rt = (unsigned)(esr >> 16 & 31);
    value = write && rt != 31 ? c->frame->x[rt] : 0;
    if (!dist_access(ipa, size, write, &value))
        return false;
    if (!write && rt != 31)
        c->frame->x[rt] = extend(value, size, esr);
    *base += (uint64_t)by;
    skip_instruction(c, esr);
    return true;
}

/* ---- system registers ---- */

static bool gic_register(struct cpu *c, unsigned key, bool write, uint64_t value)
{
    if (!write)
        return false;
    switch (key) {
    case SYSREG_KEY(3, 0, 12, 11, 5):
        gic_guest_sgi(c, value);
        return true;
    case SYSREG_KEY(3, 0, 12, 11, 6): /* SGIs to another security state: none here */
        return true;
    case SYSREG_KEY(3, 0, 12, 11, 7):
        dsb();
        set_ICC_SGI0R_EL1(value); /* ours is of group 1: this cannot make it */
        return true;
    default:
        return false;
    }
}

static void system_register(struct cpu *c, uint64_t esr)
{
    unsigned rt = (unsigned)(esr >> 5 & 31);
    unsigned key = SYSREG_KEY((unsigned)(esr >> 20 & 3), (unsigned)(esr >> 14 & 7),
                              (unsigned)(esr >> 10 & 15), (unsigned)(esr >> 1 & 15),
                              (unsigned)(esr >> 17 & 7));
    bool write = !(esr & 1), done;
    uint64_t value = write && rt != 31 ? c->frame->x[rt] : 0;

    if ((esr >> 20 & 3) == 2)
        done = c->debug.active && debug_access(c, key, write, &value);
    else
        done = gic_register(c, key, write, value);
    if (!done) {
        give_undefined(c);
        return;
    }
    if (!write && rt != 31)
        c->frame->x[rt] = value;
    skip_instruction(c, esr);
}

/* ---- dispatch ---- */

static void synchronous(struct cpu *c)
{
    uint64_t esr = get_ESR_EL2(), far = get_FAR_EL2();
    struct gd_exit x = { .kind = GD_EXIT_OTHER };

    switch (ESR_EC(esr)) {
    case EC_BREAKPT_LOW:
    case EC_SOFTSTP_LOW:
    case EC_WATCHPT_LOW:
    case EC_BKPT32:
    case EC_BRK64:
        run_finish(c, debug_exit(c, esr, far, &x) ? &x : NULL);
        return;
    case EC_SMC64:
        skip_instruction(c, esr);
        psci_call(c);
        break;
    case EC_HVC64:
        debug_skipped(c);
        psci_call(c);
        break;
    case EC_SYSREG:
        system_register(c, esr);
        break;
    case EC_DABORT_LOW:
        if (!data_abort(c, esr, far))
            give_abort(c, esr, far);
        break;
    case EC_IABORT_LOW:
        give_abort(c, esr, far);
        break;
    default:
        give_undefined(c);
    }
    run_finish(c, c->debug.step ? &x : NULL);
}

static _Noreturn void own_exception(const struct frame *f, unsigned kind)
{
    static volatile bool telling;

    while (telling && !uart_fall_back()) /* it would only come here again, for ever */
        wfi();
    telling = true;
    say_x("exception inside the monitor, ESR_EL2 ", get_ESR_EL2(), "");
    say_x("  vector ", kind, "");
    say_x("  ELR_EL2 ", f->pc, "");
    say_x("  FAR_EL2 ", get_FAR_EL2(), "");
    say_x("  x30 ", f->x[30], "");
    stop("this CPU stops");
}

void trap(struct frame *f, unsigned kind)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG,
                         .syndrome = (uint64_t)EC_SOFTSTP_LOW << ESR_EC_SHIFT | ESR_IL |
                                     ESR_DFSC_DEBUG };
    struct cpu *c = this_cpu();

    if (kind >= FROM_EL2 || !c || f != c->frame)
        own_exception(f, kind);
    c->exits++;
    if (kind == FROM_GUEST_SYNC) {
        synchronous(c);
        return;
    }
    if (kind == FROM_GUEST_ERROR)
        own_exception(f, kind);
    gic_poll(c);
    run_finish(c, debug_stepped(c) ? &x : NULL);
}
