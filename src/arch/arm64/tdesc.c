/* SPDX-License-Identifier: MIT */
/*
 * The target description (GDB manual, appendix G; feature names and register names as its
 * AArch64 section has them). One flat document; types before the registers that use them.
 */
#include "arch/arm64/regs.h"

#include "base/bits.h"

#define GDB "gnu.gdb"

/* Texts lie in the tables themselves: a pointer would be as long as most of them. */
struct flag {
    char name[7];
    uint8_t start, end;
};

/* clang-format off */
static const struct flag cpsr_flags[] = {
    {"SP", 0, 0},     {"", 1, 1},      {"EL", 2, 3},     {"nRW", 4, 4},  {"", 5, 5},
    {"F", 6, 6},      {"I", 7, 7},     {"A", 8, 8},      {"D", 9, 9},    {"BTYPE", 10, 11},
    {"SSBS", 12, 12}, {"ALLINT", 13, 13}, {"IL", 20, 20}, {"SS", 21, 21}, {"PAN", 22, 22},
    {"UAO", 23, 23},  {"DIT", 24, 24}, {"TCO", 25, 25},  {"V", 28, 28},  {"C", 29, 29},
    {"Z", 30, 30},    {"N", 31, 31},
};
/* clang-format on */

static const struct flag fpsr_flags[] = {
    { "IOC", 0, 0 }, { "DZC", 1, 1 }, { "OFC", 2, 2 },  { "UFC", 3, 3 },
    { "IXC", 4, 4 }, { "IDC", 7, 7 }, { "QC", 27, 27 },
};

static const struct flag fpcr_flags[] = {
    { "IOE", 8, 8 },   { "DZE", 9, 9 },   { "OFE", 10, 10 },  { "UFE", 11, 11 },
    { "IXE", 12, 12 }, { "IDE", 15, 15 }, { "FZ16", 19, 19 }, { "RMode", 22, 23 },
    { "FZ", 24, 24 },  { "DN", 25, 25 },  { "AHP", 26, 26 },
};

/* Views of a vector register, lane by lane. GDB's own descriptions have the fields d.u, d.s and so
 * on, and its users' scripts too; d is a union of the vectors d_f, d_u and d_s. */
static const struct lane {
    char id[4], type[12];
    uint8_t bytes;
} lanes[] = {
    { "d_f", "ieee_double", 8 }, { "d_u", "uint64", 8 }, { "d_s", "int64", 8 },
    { "s_f", "ieee_single", 4 }, { "s_u", "uint32", 4 }, { "s_s", "int32", 4 },
    { "h_f", "ieee_half", 2 },   { "h_u", "uint16", 2 }, { "h_s", "int16", 2 },
    { "b_u", "uint8", 1 },       { "b_s", "int8", 1 },   { "q_u", "uint128", 16 },
    { "q_s", "int128", 16 },
};

static void put_flags(struct gd_out *o, const char *id, const struct flag *f, size_t n)
{
    gd_put_fmt(o, "<flags id=\"%s\" size=\"4\">", id);
    for (size_t i = 0; i < n; i++)
        gd_put_fmt(o, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", f[i].name,
                   (unsigned)f[i].start, (unsigned)f[i].end);
    gd_put_str(o, "</flags>\n");
}

static void put_reg(struct gd_out *o, const char *name, unsigned bits, unsigned num,
                    const char *type, const char *group)
{
    gd_put_fmt(o, "<reg name=\"%s\" bitsize=\"%u\" regnum=\"%u\" type=\"%s\"", name, bits, num,
               type);
    if (group)
        gd_put_fmt(o, " group=\"%s\"", group);
    gd_put_str(o, "/>\n");
}

/* count registers named by a letter and a number. */
static void put_regs(struct gd_out *o, char letter, unsigned count, unsigned bits, unsigned first,
                     const char *type)
{
    for (unsigned n = 0; n < count; n++) {
        char name[4] = { letter, (char)('0' + n % 10) };

        if (n >= 10) {
            name[1] = (char)('0' + n / 10);
            name[2] = (char)('0' + n % 10);
        }
        put_reg(o, name, bits, first + n, type, NULL);
    }
}

static void put_feature(struct gd_out *o, const char *whose, const char *name)
{
    gd_put_fmt(o, "<feature name=\"org.%s.aarch64.%s\">\n", whose, name);
}

static void put_core(struct gd_out *o)
{
    put_feature(o, GDB, "core");
    put_flags(o, "cpsr_flags", cpsr_flags, GD_ARRAY_SIZE(cpsr_flags));
    put_regs(o, 'x', 31, 64, GD_ARM64_X(0), "int");
    put_reg(o, "sp", 64, GD_ARM64_SP, "data_ptr", NULL);
    put_reg(o, "pc", 64, GD_ARM64_PC, "code_ptr", NULL);
    put_reg(o, "cpsr", 32, GD_ARM64_PSTATE, "cpsr_flags", NULL);
    gd_put_str(o, "</feature>\n");
}

/* The type of a vector register: vectors, a union of those for each width, a union of the unions. */
static void put_vector_type(struct gd_out *o, const char *type, unsigned bytes)
{
    static const char *const widths[] = { "d", "s", "h", "b", "q" };

    for (size_t i = 0; i < GD_ARRAY_SIZE(lanes); i++)
        gd_put_fmt(o, "<vector id=\"%s_%s\" type=\"%s\" count=\"%u\"/>", type, lanes[i].id,
                   lanes[i].type, bytes / lanes[i].bytes);
    for (size_t w = 0; w < GD_ARRAY_SIZE(widths); w++) {
        gd_put_fmt(o, "\n<union id=\"%s_%s\">", type, widths[w]);
        for (size_t i = 0; i < GD_ARRAY_SIZE(lanes); i++)
            if (lanes[i].id[0] == widths[w][0])
                gd_put_fmt(o, "<field name=\"%s\" type=\"%s_%s\"/>", lanes[i].id + 2, type,
                           lanes[i].id);
        gd_put_str(o, "</union>");
    }
    gd_put_fmt(o, "\n<union id=\"%s\">", type);
    for (size_t w = 0; w < GD_ARRAY_SIZE(widths); w++)
        gd_put_fmt(o, "<field name=\"%s\" type=\"%s_%s\"/>", widths[w], type, widths[w]);
    gd_put_str(o, "</union>\n");
}

/* LLDB before 20 knows a register as a vector by the beginning of its type's name, and cannot show
 * another one of more than 16 bytes. */
static void put_vectors(const struct gd_target *t, struct gd_out *o)
{
    unsigned vq = t->sve_vq, bytes = vq ? 16u * vq : 16;
    const char *type = vq ? "vecz" : "aarch64v";

    put_feature(o, GDB, vq ? "sve" : "fpu");
    put_vector_type(o, type, bytes);
    put_flags(o, "fpsr_flags", fpsr_flags, GD_ARRAY_SIZE(fpsr_flags));
    put_flags(o, "fpcr_flags", fpcr_flags, GD_ARRAY_SIZE(fpcr_flags));
    put_regs(o, vq ? 'z' : 'v', 32, 8 * bytes, GD_ARM64_V(0), type);
    put_reg(o, "fpsr", 32, GD_ARM64_FPSR, "fpsr_flags", "float");
    put_reg(o, "fpcr", 32, GD_ARM64_FPCR, "fpcr_flags", "float");
    if (vq) {
        gd_put_fmt(o, "<vector id=\"vecp\" type=\"uint8\" count=\"%u\"/>\n", 2 * vq);
        put_regs(o, 'p', 16, 16 * vq, GD_ARM64_P(0), "vecp");
        put_reg(o, "ffr", 16 * vq, GD_ARM64_FFR, "vecp", "vector");
        put_reg(o, "vg", 64, GD_ARM64_VG, "int", NULL);
    }
    gd_put_str(o, "</feature>\n");
}

static void put_pauth(struct gd_out *o, bool v2)
{
    put_feature(o, GDB, v2 ? "pauth_v2" : "pauth");
    put_reg(o, "pauth_dmask", 64, GD_ARM64_PAUTH_DMASK, "int", NULL);
    put_reg(o, "pauth_cmask", 64, GD_ARM64_PAUTH_CMASK, "int", NULL);
    put_reg(o, "pauth_dmask_high", 64, GD_ARM64_PAUTH_DMASK_HIGH, "int", NULL);
    put_reg(o, "pauth_cmask_high", 64, GD_ARM64_PAUTH_CMASK_HIGH, "int", NULL);
    gd_put_str(o, "</feature>\n");
}

static void put_el1(struct gd_out *o)
{
#define NAME(num, name, op0, op1, crn, crm, op2, flags) #name "\0"
    const char *name = GD_ARM64_EL1_REGS(NAME);
#undef NAME

    put_feature(o, "guestdbg", "el1");
    for (unsigned num = GD_ARM64_EL1_FIRST; *name; num++) {
        put_reg(o, name, 64, num, "int", "system");
        while (*name++)
            ;
    }
    gd_put_str(o, "</feature>\n");
}

void gd_arm64_tdesc(const struct gd_target *t, uint32_t client_flags, struct gd_out *o)
{
    gd_put_str(o, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                  "<target version=\"1.0\">\n<architecture>aarch64</architecture>\n");
    put_core(o);
    put_vectors(t, o);
    if (t->features & GD_ARM64_F_PAUTH)
        put_pauth(o, client_flags & GD_TD_PAUTH_V2);
    put_feature(o, GDB, "tls");
    put_reg(o, "tpidr", 64, GD_ARM64_TPIDR_EL0, "data_ptr", NULL);
    gd_put_str(o, "</feature>\n");
    put_el1(o);
    gd_put_str(o, "</target>\n");
}
