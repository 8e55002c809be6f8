/* SPDX-License-Identifier: MIT */
/* Registers as a client sees them, and the target description. */
#include "support_ppc64.h"

#include <stdio.h>

static struct pcpu cpu;

static struct pcpu *fresh(void)
{
    pcpu_init(&cpu);
    return &cpu;
}

static void sizes_are_those_of_gdbs_features(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, 0), 8);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, 32), 0);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_PC), 8);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_CR), 4);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_XER), 4);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_F0 + 31), 8);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_VR0), 16);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_VR0 + 31), 16);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_VS0H), 8);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_DEC_EXPIRY), 0);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_DAWR1), 8);
    p->target.hw.nwatch = 1;
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, GD_PPC64_DAWR1), 0);
    assert_int_equal(gd_arch_ppc64.reg_size(&p->target, 255), 0);
}

static void values_go_through_in_little_endian_bytes(void **state)
{
    struct pcpu *p = fresh();
    uint8_t b[16], w[16] = { 1, 2, 3 };

    (void)state;
    p->reg[3] = 0x1122334455667788ull;
    p->reg[GD_PPC64_CR] = 0x24000042;
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, 3, b), 8);
    assert_int_equal(b[0], 0x88);
    assert_int_equal(b[7], 0x11);
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, GD_PPC64_CR, b), 4);
    assert_int_equal(gd_load_le(b, 4), 0x24000042);
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, GD_PPC64_VR0 + 3, w), 0);
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, GD_PPC64_VR0 + 3, b), 16);
    assert_memory_equal(b, w, 16);
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, 40, b), GD_E_NOREG);
}

static void the_msr_shows_and_takes_no_cause_bits(void **state)
{
    struct pcpu *p = fresh();
    uint8_t b[8];

    (void)state;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL | 0x100000; /* POWER10 behind sc 1 */
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, GD_PPC64_MSR, b), 8);
    assert_int_equal(gd_load_le(b, 8), MSR_KERNEL);
    gd_store_le(b, MSR_SF | MSR_HV | MSR_S | SRR1_CAUSE | MSR_RI | 0x00fffff885000048ull, 8);
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, GD_PPC64_MSR, b), 0);
    assert_int_equal(pcpu_reg(p, GD_PPC64_MSR), MSR_SF | MSR_RI | MSR_ME);
}

static void what_cannot_be_written_is_refused(void **state)
{
    struct pcpu *p = fresh();
    uint8_t b[8] = { 2 };

    (void)state;
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, GD_PPC64_PC, b), GD_E_ALIGN);
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, GD_PPC64_LPCR, b), GD_E_UNSUPPORTED);
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, GD_PPC64_PIDR, b), GD_E_UNSUPPORTED);
    assert_int_equal(gd_arch_ppc64.reg_set(&p->cpu, 33, b), GD_E_NOREG);
    p->no_reg[GD_PPC64_TAR] = true;
    assert_int_equal(gd_arch_ppc64.reg_get(&p->cpu, GD_PPC64_TAR, b), GD_E_NOREG);
}

static char text[32768];

static void describe(struct pcpu *p)
{
    struct gd_out o;

    gd_out_init(&o, text, sizeof(text));
    gd_arch_ppc64.tdesc(&p->target, 0, &o);
    gd_out_str(&o);
    assert_false(o.cut);
}

static unsigned count(const char *what)
{
    unsigned n = 0;

    for (const char *s = strstr(text, what); s; s = strstr(s + 1, what))
        n++;
    return n;
}

static void the_description_has_gdbs_features_and_every_register_once(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    describe(p);
    assert_non_null(strstr(text, "<architecture>powerpc:common64</architecture>"));
    assert_int_equal(count("org.gnu.gdb.power.core"), 1);
    assert_int_equal(count("org.gnu.gdb.power.fpu"), 1);
    assert_int_equal(count("org.gnu.gdb.power.altivec"), 1);
    assert_int_equal(count("org.gnu.gdb.power.vsx"), 1);
    assert_int_equal(count("org.guestdbg.power.os"), 1);
    assert_non_null(
        strstr(text, "<reg name=\"pc\" bitsize=\"64\" regnum=\"64\" type=\"code_ptr\""));
    assert_non_null(strstr(text, "<reg name=\"vs31h\" bitsize=\"64\" regnum=\"168\""));
    assert_non_null(strstr(text, "<reg name=\"sprg3\" bitsize=\"64\" regnum=\"176\""));
    for (unsigned n = 0; n < GD_REG_MAX; n++) {
        char num[32];

        (void)snprintf(num, sizeof(num), "regnum=\"%u\"", n);
        assert_int_equal(count(num), gd_arch_ppc64.reg_size(&p->target, n) ? 1 : 0);
    }
    assert_int_equal(count("<feature"), count("</feature>"));
}

/* GDB writes all others back after a call of a function, and gives the call up where that is refused. */
static void registers_that_cannot_be_written_are_not_to_be_restored(void **state)
{
    struct pcpu *p = fresh();
    const uint8_t value[16] = { 0 };

    (void)state;
    describe(p);
    for (unsigned n = 0; n < GD_REG_MAX; n++) {
        char num[32];
        const char *at;
        bool kept;

        (void)snprintf(num, sizeof(num), "regnum=\"%u\"", n);
        at = strstr(text, num);
        if (!at)
            continue;
        kept = strstr(at, "save-restore=\"no\"") && strstr(at, "save-restore") < strchr(at, '\n');
        assert_int_equal(kept, gd_arch_ppc64.reg_set(&p->cpu, n, value) == GD_E_UNSUPPORTED);
    }
    assert_int_equal(count("save-restore"), 5);
}

static void registers_of_absent_hardware_are_not_described(void **state)
{
    struct pcpu *p = fresh();

    (void)state;
    p->target.hw.nwatch = 0;
    describe(p);
    assert_int_equal(count("dawr"), 0);
}

static void the_guests_own_debugging_is_told(void **state)
{
    struct pcpu *p = fresh();
    struct gd_out o;

    (void)state;
    p->reg[GD_PPC64_MSR] |= MSR_SE;
    p->reg[GD_PPC64_CIABR] = 0x1002;
    p->reg[GD_PPC64_DAWR1] = 0x3000;
    p->reg[GD_PPC64_DAWRX1] = DAWRX_DW | DAWRX_PNH;
    gd_out_init(&o, text, sizeof(text));
    gd_arch_ppc64.guest_debug(&p->cpu, &o);
    assert_string_equal(gd_out_str(&o),
                        "guest: MSR[SE]=1 MSR[BE]=0 ciabr=0x1002 dawr1=0x3000/0x42\n");
}

static void the_context_is_the_pid(void **state)
{
    struct pcpu *p = fresh();
    uint64_t v;

    (void)state;
    pcpu_user(p);
    assert_int_equal(gd_arch_ppc64.context(&p->cpu, &v), 0);
    assert_int_equal(v, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_gdbs_features),
        cmocka_unit_test(values_go_through_in_little_endian_bytes),
        cmocka_unit_test(the_msr_shows_and_takes_no_cause_bits),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(the_description_has_gdbs_features_and_every_register_once),
        cmocka_unit_test(registers_of_absent_hardware_are_not_described),
        cmocka_unit_test(registers_that_cannot_be_written_are_not_to_be_restored),
        cmocka_unit_test(the_guests_own_debugging_is_told),
        cmocka_unit_test(the_context_is_the_pid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
