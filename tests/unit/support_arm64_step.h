/* SPDX-License-Identifier: MIT */
/*
 * The step, driven by a processor made by hand: a dozen instructions, an exclusive monitor that
 * every debug exception clears, and an interrupt that is always pending. A step must never end
 * in the interrupt's vector, must make progress through exclusives, and must leave no trace.
 */
#ifndef SUPPORT_ARM64_STEP_H
#define SUPPORT_ARM64_STEP_H

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

#define WORD (A_RAM + 0x50000) /* the memory that exclusives use; x1 points here */

extern struct acpu a;
extern struct gd_step s;

/* The processor's state beside a, and what a test asks of it. */
extern struct play {
    bool monitor;         /* the exclusive monitor */
    bool pending;         /* an interrupt is */
    bool once;            /* it goes away when it is taken */
    bool store_hits;      /* there is a watchpoint on the word */
    bool tells_all;       /* ISV also of an instruction that ended in an exception */
    unsigned entries;     /* of the guest, so far */
    unsigned stale_exits; /* to come, before anything was executed */
    unsigned store_fails; /* store-exclusives that fail, to come */
} play;

/* A processor at A_CODE with an interrupt pending, and no step; each test begins so. */
int set_up_step(void **state);
/* Words at A_CODE. */
void code(const uint32_t *w, size_t n);
#define CODE(...)                                                                                  \
    code((const uint32_t[]){ __VA_ARGS__ }, GD_ARRAY_SIZE(((const uint32_t[]){ __VA_ARGS__ })))

/* One entry of the guest: one instruction with step, else up to a debug exception. */
struct gd_exit enter(bool step);
/* The processor takes a synchronous exception (kind 0) or an interrupt (its vector's distance). */
void hw_exception(unsigned kind, uint64_t ret);
struct gd_exit debug_exit(unsigned ec, uint64_t iss);

/* What the engine does: one entry with the step's words planted; index of the one that was hit, -1: none. */
struct gd_exit run_planted(int *hit);
/* A whole step; ends with DONE, OTHER or an error, hardware registers up to date. */
int take_step(void);
int take_step_by(struct gd_exit *last);
/* One instruction in a run of steps: what it keeps stays known, as the engine has it. */
void take_step_on(void);
void stands_at(uint64_t pc, uint64_t pstate);

#define T(name) cmocka_unit_test_setup(name, set_up_step)

#endif
