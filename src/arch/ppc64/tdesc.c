/* SPDX-License-Identifier: MIT */
/*
 * The target description: GDB's four features for POWER with VSX (GDB manual G.5.14), numbers
 * pinned by regnum, and our own group for what an operating system's developer asks first. It says
 * nothing of the byte order; GDB takes that from the program file or `set endian`.
 */
#include "arch/ppc64/ppc64.h"

static const char *const vec128 = "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
                                  "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
                                  "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
                                  "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
                                  "<union id=\"vec128\">"
                                  "<field name=\"uint128\" type=\"uint128\"/>"
                                  "<field name=\"v4_float\" type=\"v4f\"/>"
                                  "<field name=\"v4_int32\" type=\"v4i32\"/>"
                                  "<field name=\"v8_int16\" type=\"v8i16\"/>"
                                  "<field name=\"v16_int8\" type=\"v16i8\"/>"
                                  "</union>\n";

/* Registers, or runs of them named by a number between name and tail. */
struct run {
    const char *name, *tail;
    uint8_t num, count; /* count 0: one register without a number in its name */
    uint16_t bits;
    const char *type, *group;
};

static const struct run core[] = {
    { "r", "", GD_PPC64_R0, 32, 64, "uint64", "general" },
    { "pc", "", GD_PPC64_PC, 0, 64, "code_ptr", "general" },
    { "msr", "", GD_PPC64_MSR, 0, 64, "uint64", "general" },
    { "cr", "", GD_PPC64_CR, 0, 32, "uint32", "general" },
    { "lr", "", GD_PPC64_LR, 0, 64, "code_ptr", "general" },
    { "ctr", "", GD_PPC64_CTR, 0, 64, "uint64", "general" },
    { "xer", "", GD_PPC64_XER, 0, 32, "uint32", "general" },
    { 0 },
};

static const struct run fpu[] = {
    { "f", "", GD_PPC64_F0, 32, 64, "ieee_double", "float" },
    { "fpscr", "", GD_PPC64_FPSCR, 0, 64, "int", "float" },
    { 0 },
};

static const struct run altivec[] = {
    { "vr", "", GD_PPC64_VR0, 32, 128, "vec128", "vector" },
    { "vscr", "", GD_PPC64_VSCR, 0, 32, "int", "vector" },
    { "vrsave", "", GD_PPC64_VRSAVE, 0, 32, "int", "vector" },
    { 0 },
};

static const struct run vsx[] = {
    { "vs", "h", GD_PPC64_VS0H, 32, 64, "uint64", "vector" },
    { 0 },
};

static const struct run own[] = {
    { "srr0", "", GD_PPC64_SRR0, 0, 64, "code_ptr", "system" },
    { "srr1", "", GD_PPC64_SRR1, 0, 64, "uint64", "system" },
    { "dar", "", GD_PPC64_DAR, 0, 64, "data_ptr", "system" },
    { "dsisr", "", GD_PPC64_DSISR, 0, 32, "uint32", "system" },
    { "sprg", "", GD_PPC64_SPRG0, 4, 64, "uint64", "system" },
    { "pidr", "", GD_PPC64_PIDR, 0, 64, "uint64", "system" },
    { "lpcr", "", GD_PPC64_LPCR, 0, 64, "uint64", "system" },
    { "pvr", "", GD_PPC64_PVR, 0, 32, "uint32", "system" },
    { "fscr", "", GD_PPC64_FSCR, 0, 64, "uint64", "system" },
    { "tar", "", GD_PPC64_TAR, 0, 64, "code_ptr", "system" },
    { "dec", "", GD_PPC64_DEC, 0, 64, "uint64", "system" },
    { "tb", "", GD_PPC64_TB, 0, 64, "uint64", "system" },
    { "ciabr", "", GD_PPC64_CIABR, 0, 64, "uint64", "system" },
    { "dawr0", "", GD_PPC64_DAWR0, 0, 64, "uint64", "system" },
    { "dawrx0", "", GD_PPC64_DAWRX0, 0, 64, "uint64", "system" },
    { "dawr1", "", GD_PPC64_DAWR1, 0, 64, "uint64", "system" },
    { "dawrx1", "", GD_PPC64_DAWRX1, 0, 64, "uint64", "system" },
    { 0 },
};

static const struct {
    const char *name;
    const char *const *types; /* what stands before the registers, or NULL */
    const struct run *runs;
} features[] = {
    { "org.gnu.gdb.power.core", NULL, core },
    { "org.gnu.gdb.power.fpu", NULL, fpu },
    { "org.gnu.gdb.power.altivec", &vec128, altivec },
    { "org.gnu.gdb.power.vsx", NULL, vsx },
    { "org.guestdbg.power.os", NULL, own },
};

/* What cannot be written back says so, else GDB refuses to call a function of the guest's. */
static void put_reg(const struct run *r, unsigned i, struct gd_out *o)
{
    gd_put_str(o, "<reg name=\"");
    gd_put_str(o, r->name);
    if (r->count)
        gd_put_dec(o, i);
    gd_put_fmt(o, "%s\" bitsize=\"%u\" regnum=\"%u\" type=\"%s\" group=\"%s\"", r->tail,
               (unsigned)r->bits, r->num + i, r->type, r->group);
    gd_put_str(o, gd_ppc64_reg_read_only(r->num + i) ? " save-restore=\"no\"/>\n" : "/>\n");
}

void gd_ppc64_tdesc(const struct gd_target *t, uint32_t client_flags, struct gd_out *o)
{
    (void)client_flags;
    gd_put_str(o, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                  "<target>\n<architecture>powerpc:common64</architecture>\n");
    for (size_t f = 0; f < sizeof(features) / sizeof(features[0]); f++) {
        gd_put_fmt(o, "<feature name=\"%s\">\n", features[f].name);
        if (features[f].types)
            gd_put_str(o, *features[f].types);
        for (const struct run *r = features[f].runs; r->name; r++)
            for (unsigned i = 0; i < (r->count ? r->count : 1u); i++)
                if (gd_ppc64_reg_size(t, r->num + i))
                    put_reg(r, i, o);
        gd_put_str(o, "</feature>\n");
    }
    gd_put_str(o, "</target>\n");
}
