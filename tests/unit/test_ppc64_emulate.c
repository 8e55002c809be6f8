/* SPDX-License-Identifier: MIT */
/*
 * Instructions that would show or lose MSR[SE], which the core executes itself: the registers before,
 * and all that differ afterwards. Every other register must be as it was.
 */
#include "support_ppc64_step.h"

#define PC   GD_PPC64_PC
#define MSR  GD_PPC64_MSR
#define SRR0 GD_PPC64_SRR0
#define SRR1 GD_PPC64_SRR1
#define LR   GD_PPC64_LR
#define CTR  GD_PPC64_CTR

#define MFMSR_R5    0x7ca000a6u
#define MTMSR_R5    0x7ca00124u
#define MTMSRD_R5   0x7ca00164u
#define MTMSRD_R5_L 0x7ca10164u
#define RFID        0x4c000024u
#define RFSCV       0x4c0000a4u
#define SC          0x44000002u
#define SCV_1       0x44000021u
#define IN_VECTOR   (MSR_SF | MSR_ME | MSR_IR | MSR_DR | MSR_LE)

struct value {
    unsigned reg; /* 0 ends a list: r0 takes no part in these */
    uint64_t value;
};

static const struct row {
    const char *what;
    uint32_t insn;
    bool user, waits;
    struct value before[4];
    struct value after[6]; /* without PC: the next instruction */
} rows[] = {
    { "mfmsr shows the guest its own MSR", MFMSR_R5, .after = { { 5, MSR_KERNEL } } },
    { "mtmsrd moves all but HV, ME and LE", MTMSRD_R5,
      .before = { { 5, MSR_SF | MSR_HV | MSR_SE | SRR1_CAUSE } },
      .after = { { MSR, MSR_SF | MSR_SE | MSR_ME | MSR_LE } } },
    { "mtmsrd with L moves EE and RI only", MTMSRD_R5_L, .before = { { 5, MSR_PR | MSR_SE } },
      .after = { { MSR, MSR_KERNEL & ~(MSR_EE | MSR_RI) } } },
    { "mtmsr leaves the upper half alone", MTMSR_R5,
      .before = { { 5, 0x4000000000000000ull | MSR_RI } },
      .after = { { MSR, MSR_SF | MSR_ME | MSR_LE | MSR_RI } } },
    { "mtmsrd does not set what no MSR has", MTMSRD_R5,
      .before = { { 5, 0x77fffff085000448ull | MSR_SF | MSR_RI } },
      .after = { { MSR, MSR_SF | MSR_ME | MSR_LE | MSR_RI | MSR_SE } } },
    { "mtmsrd to problem state turns interrupts and translation on", MTMSRD_R5,
      .before = { { 5, MSR_SF | MSR_PR } },
      .after = { { MSR, MSR_SF | MSR_PR | MSR_EE | MSR_IR | MSR_DR | MSR_ME | MSR_LE } } },
    { "mtspr SRR0 keeps the guest's value", 0x7c7a03a6, .before = { { 3, 0xabc } },
      .after = { { SRR0, 0xabc } } },
    { "mtspr SRR1 keeps the guest's value", 0x7c9b03a6, .before = { { 4, 0xdef } },
      .after = { { SRR1, 0xdef } } },
    { "rfid returns with the MSR that the guest asked for", RFID,
      .before = { { SRR0, P_USER + 3 },
                  { SRR1, MSR_SF | MSR_PR | MSR_SE | MSR_LE | MSR_HV | SRR1_CAUSE } },
      .after = { { PC, P_USER },
                 { MSR, MSR_SF | MSR_PR | MSR_SE | MSR_LE | MSR_ME | MSR_EE | MSR_IR | MSR_DR } } },
    { "rfid to 32-bit mode truncates the address", RFID,
      .before = { { SRR0, 0x500001000ull }, { SRR1, MSR_RI } },
      .after = { { PC, 0x1000 }, { MSR, MSR_RI | MSR_ME } } },
    { "rfscv returns from LR and CTR", RFSCV, .before = { { LR, P_USER }, { CTR, MSR_USER } },
      .after = { { PC, P_USER }, { MSR, MSR_USER } } },
    { "sc enters the system call handler", SC, .user = true,
      .after = { { PC, V(0xc00) }, { MSR, IN_VECTOR }, { SRR0, P_USER + 4 }, { SRR1, MSR_USER } } },
    { "sc from real mode goes to the real vector, here of a big-endian handler", SC,
      .before = { { PC, 0x20000 }, { MSR, MSR_REAL }, { GD_PPC64_LPCR, LPCR_AIL_3 | LPCR_HR } },
      .after = { { PC, 0xc00 }, { MSR, MSR_SF | MSR_ME }, { SRR0, 0x20004 }, { SRR1, MSR_REAL } } },
    { "scv enters its own table with the MSR in CTR", SCV_1, .user = true,
      .after = { { PC, 0xc000000000003020ull },
                 { MSR, IN_VECTOR | MSR_EE | MSR_RI },
                 { LR, P_USER + 4 },
                 { CTR, MSR_USER } } },
    { "wait ends at once and lets others run", 0x7c00003c, .waits = true },
    { "b . is one step that waits", 0x48000000, .waits = true, .after = { { PC, P_CODE } } },
    { "bdnz . counts once", 0x42000000, .waits = true, .before = { { CTR, 3 } },
      .after = { { PC, P_CODE }, { CTR, 2 } } },

    /* the guest traces itself */
    { "mfmsr is traced", MFMSR_R5, .before = { { MSR, MSR_KERNEL | MSR_SE } },
      .after = { { 5, MSR_KERNEL | MSR_SE },
                 { PC, V(0xd00) },
                 { MSR, IN_VECTOR },
                 { SRR0, P_CODE + 4 },
                 { SRR1, MSR_KERNEL | MSR_SE | SRR1_TRACE } } },
    { "mtmsrd that clears SE is traced, the new value in SRR1", MTMSRD_R5,
      .before = { { MSR, MSR_KERNEL | MSR_SE }, { 5, MSR_KERNEL } },
      .after = { { PC, V(0xd00) },
                 { MSR, IN_VECTOR },
                 { SRR0, P_CODE + 4 },
                 { SRR1, MSR_KERNEL | SRR1_TRACE } } },
    { "mtmsrd that sets SE is not traced", MTMSRD_R5, .before = { { 5, MSR_KERNEL | MSR_SE } },
      .after = { { MSR, MSR_KERNEL | MSR_SE } } },
    { "rfid is never traced", RFID,
      .before = { { MSR, MSR_KERNEL | MSR_SE }, { SRR0, P_CODE + 0x100 }, { SRR1, MSR_KERNEL } },
      .after = { { PC, P_CODE + 0x100 }, { MSR, MSR_KERNEL } } },
    { "sc is never traced, SE in SRR1", SC, .user = true, .before = { { MSR, MSR_USER | MSR_SE } },
      .after = { { PC, V(0xc00) },
                 { MSR, IN_VECTOR },
                 { SRR0, P_USER + 4 },
                 { SRR1, MSR_USER | MSR_SE } } },
};

static void play(const struct row *r)
{
    struct pcpu *p = r->user ? user() : fresh();
    uint64_t want[GD_REG_MAX];

    for (const struct value *v = r->before; v->reg; v++)
        p->reg[v->reg] = v->value;
    memcpy(want, p->reg, sizeof(want));
    want[PC] += 4;
    for (const struct value *v = r->after; v->reg; v++)
        want[v->reg] = v->value;
    if (begin(p, r->insn) != GD_STEP_DONE)
        fail_msg("%s: it was not executed", r->what);
    if (step.waits != r->waits)
        fail_msg("%s: it waits: %d", r->what, step.waits);
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    for (unsigned n = 0; n < GD_REG_MAX; n++)
        if (p->reg[n] != want[n])
            fail_msg("%s: register %u is 0x%llx instead of 0x%llx", r->what, n,
                     (unsigned long long)p->reg[n], (unsigned long long)want[n]);
}

static void an_emulated_instruction_changes_what_it_should_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(rows); i++)
        play(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_emulated_instruction_changes_what_it_should_and_nothing_else),
    };

    return cmocka_run_group_tests_name("emulate", tests, NULL, NULL);
}
