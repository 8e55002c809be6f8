/* SPDX-License-Identifier: MIT */
/*
 * The guest's registers by the numbers of arch/arm64/arm64.h. General ones live in the exit
 * frame. System and vector registers stay in the CPU while it only serves an exit; a CPU that
 * parks stores all of them, so that the others can read them, and takes back what was changed
 * when it goes on. Vector registers, with all of SVE where there is SVE, are stored and loaded
 * together.
 */
#include <string.h>

#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define ANSWER_MS 2000u

/* Those of user mode, as the others in arch/arm64/arm64.h. */
#define EL0_REGS(X)                                                                                \
    X(GD_ARM64_FPSR, FPSR, 3, 3, 4, 4, 1, 0)                                                       \
    X(GD_ARM64_FPCR, FPCR, 3, 3, 4, 4, 0, 0)                                                       \
    X(GD_ARM64_TPIDR_EL0, TPIDR_EL0, 3, 3, 13, 0, 2, 0)

#define STRING(x)                     #x
#define NAME(op0, op1, crn, crm, op2) STRING(S##op0##_##op1##_C##crn##_C##crm##_##op2)
#define ACCESSORS(num, name, op0, op1, crn, crm, op2, flags)                                       \
    SYSREG(el1_##name, NAME(op0, op1, crn, crm, op2))
/* OSLSR_EL1 and the ID registers are read only; their setters are never called. */
EL0_REGS(ACCESSORS)
GD_ARM64_EL1_REGS(ACCESSORS)
GD_ARM64_OWN_REGS(ACCESSORS)

static bool exists(unsigned num)
{
    switch (num) {
    case GD_ARM64_TCR2_EL1:
        return gd_bits(get_ID_AA64MMFR3_EL1(), 3, 0) != 0;
    case GD_ARM64_GCSCR_EL1:
        return gd_bits(get_ID_AA64PFR1_EL1(), 47, 44) != 0;
    case GD_ARM64_ZCR_EL1:
        return target.sve_vq != 0;
    case GD_ARM64_FPSR:
    case GD_ARM64_FPCR:
    case GD_ARM64_TPIDR_EL0:
    case GD_ARM64_OSLSR_EL1:
    case GD_ARM64_DCZID_EL0:
        return true;
    default:
        return num >= GD_ARM64_EL1_FIRST && num <= GD_ARM64_EL1_LAST;
    }
}

#define GET_CASE(num, name, op0, op1, crn, crm, op2, flags)                                        \
    case num:                                                                                      \
        return get_el1_##name();
#define SET_CASE(num, name, op0, op1, crn, crm, op2, flags)                                        \
    case num:                                                                                      \
        if (!((flags)&GD_ARM64_RO))                                                                \
            set_el1_##name(value);                                                                 \
        break;

static uint64_t live_get(unsigned num)
{
    switch (num) {
        EL0_REGS(GET_CASE)
        GD_ARM64_EL1_REGS(GET_CASE)
        GD_ARM64_OWN_REGS(GET_CASE)
    }
    return 0;
}

static void live_set(unsigned num, uint64_t value)
{
    switch (num) {
        EL0_REGS(SET_CASE)
        GD_ARM64_EL1_REGS(SET_CASE)
        GD_ARM64_OWN_REGS(SET_CASE)
    }
}

/* ---- vectors ---- */

static bool streaming(void)
{
    return gd_bits(get_ID_AA64PFR1_EL1(), 27, 24) && get_SVCR() & SVCR_SM;
}

static void vectors_save(struct cpu *c)
{
    c->streaming = streaming();
    c->vl = target.sve_vq && !c->streaming ? (uint16_t)sve_bytes() : 0;
    if (c->vl)
        sve_save(c->v);
    else
        fp_save(c->v);
}

static void vectors_load(const struct cpu *c)
{
    if (c->vl)
        sve_load(c->v);
    else
        fp_load(c->v);
}

/* Where n bytes of a vector or predicate register lie in c->v. */
static uint8_t *vector(struct cpu *c, unsigned num, size_t n)
{
    unsigned i = num - GD_ARM64_V(0), p = num - GD_ARM64_P(0), size = c->vl ? c->vl : 16;

    if (i < 32 && n <= size)
        return c->v + i * size;
    if (p <= 16 && n <= c->vl / 8u)
        return c->v + 32 * size + p * (size / 8);
    return NULL;
}

void regs_save(struct cpu *c)
{
    for (unsigned n = SYS_FIRST; n < SYS_END; n++)
        c->sys[n - SYS_FIRST] = exists(n) ? live_get(n) : 0;
    vectors_save(c);
    memset(c->sys_dirty, 0, sizeof(c->sys_dirty));
    c->v_dirty = false;
    atomic_store(&c->saved, 1);
}

void regs_restore(struct cpu *c)
{
    atomic_store(&c->saved, 0);
    for (unsigned n = SYS_FIRST; n < SYS_END; n++) {
        if (c->sys_dirty[n - SYS_FIRST])
            live_set(n, c->sys[n - SYS_FIRST]);
    }
    if (c->v_dirty)
        vectors_load(c);
    isb();
}

/* Registers of another CPU are readable once it stored them; it is on its way to that. */
static bool readable(struct cpu *c)
{
    uint64_t deadline;

    if (c == this_cpu() || atomic_load(&c->saved))
        return true;
    deadline = time_in_ms(ANSWER_MS);
    while (!atomic_load(&c->saved)) {
        if (time_now() > deadline)
            return false;
    }
    return true;
}

int regs_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    struct cpu *c = &cpus[vcpu];

    (void)ctx;
    if (vcpu >= ncpus || !readable(c))
        return GD_E_LOST;
    if (debug_reg_get(c, num, value))
        return 0;
    if (num <= 30) {
        *value = c->frame->x[num];
        return 0;
    }
    if (num == GD_ARM64_PC) {
        *value = c->frame->pc;
        return 0;
    }
    if (!exists(num))
        return GD_E_NOREG;
    *value = atomic_load(&c->saved) ? c->sys[num - SYS_FIRST] : live_get(num);
    return 0;
}

int regs_set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    struct cpu *c = &cpus[vcpu];

    (void)ctx;
    if (vcpu >= ncpus || !readable(c))
        return GD_E_LOST;
    if (debug_reg_set(c, num, value))
        return 0;
    if (num <= 30) {
        c->frame->x[num] = value;
        return 0;
    }
    if (num == GD_ARM64_PC) {
        c->frame->pc = value;
        return 0;
    }
    if (!exists(num))
        return GD_E_NOREG;
    if (!atomic_load(&c->saved)) {
        live_set(num, value);
        isb();
        return 0;
    }
    c->sys[num - SYS_FIRST] = value;
    c->sys_dirty[num - SYS_FIRST] = true;
    return 0;
}

int regs_wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n)
{
    struct cpu *c = &cpus[vcpu];
    const uint8_t *v;

    (void)ctx;
    if (vcpu >= ncpus || !readable(c))
        return GD_E_LOST;
    if (!atomic_load(&c->saved))
        vectors_save(c);
    v = vector(c, num, n);
    if (!v)
        return GD_E_NOREG;
    memcpy(bytes, v, n);
    return 0;
}

int regs_wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n)
{
    struct cpu *c = &cpus[vcpu];
    uint8_t *v;

    (void)ctx;
    if (vcpu >= ncpus || !readable(c))
        return GD_E_LOST;
    if (!atomic_load(&c->saved))
        vectors_save(c);
    v = vector(c, num, n);
    if (!v || c->streaming) /* a V register written there would clear the rest of its vector */
        return GD_E_NOREG;
    memcpy(v, bytes, n);
    if (atomic_load(&c->saved))
        c->v_dirty = true;
    else
        vectors_load(c);
    return 0;
}
