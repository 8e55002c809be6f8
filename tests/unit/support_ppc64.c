/* SPDX-License-Identifier: MIT */
/* See support_ppc64.h. */
#include "support_ppc64.h"

static struct pcpu *of(void *ctx)
{
    return ctx;
}

static int reg_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    (void)vcpu;
    if (of(ctx)->no_reg[num])
        return GD_E_NOREG;
    *value = of(ctx)->reg[num];
    return 0;
}

static int reg_set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    (void)vcpu;
    of(ctx)->reg[num] = value;
    return 0;
}

static int wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n)
{
    (void)vcpu;
    memcpy(bytes, of(ctx)->wide[num], n);
    return 0;
}

static int wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n)
{
    (void)vcpu;
    memcpy(of(ctx)->wide[num], bytes, n);
    return 0;
}

static void *mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    (void)write;
    if (gpa < of(ctx)->ram_from || gpa >= P_RAM || len > P_RAM - gpa) {
        *error = GD_E_NOTRAM;
        return NULL;
    }
    return of(ctx)->ram + gpa;
}

static void sync_code(void *ctx, void *host, size_t len)
{
    (void)ctx;
    (void)host;
    (void)len;
}

void pcpu_word(struct pcpu *p, uint64_t gpa, uint32_t insn)
{
    gd_store_le(p->ram + gpa, insn, 4);
}

void pcpu_be64(struct pcpu *p, uint64_t gpa, uint64_t value)
{
    gd_store_be(p->ram + gpa, value, 8);
}

static void trees(struct pcpu *p)
{
    const uint64_t leaf = 0xc000000000000187ull; /* V, leaf, R, C, X, RW, R */
    const uint64_t rts52 = 2ull << 61 | 5ull << 5;

    p->reg[GD_PPC64_PROC_TBL] = 0x8000000000000000ull | P_PROC;
    pcpu_be64(p, P_PROC, rts52 | P_ROOT0 | 13);
    pcpu_be64(p, P_PROC + 5 * 16, rts52 | P_ROOT5 | 13);
    /* 13 bits down to 2^39, then one 1 GiB leaf */
    pcpu_be64(p, P_ROOT0, 0x8000000000000000ull | P_LEVEL | 9);
    pcpu_be64(p, P_LEVEL, leaf);
    /* 13, 9, 9, 9 down to one 4 KiB page */
    pcpu_be64(p, P_ROOT5, 0x8000000000000000ull | (P_LEVEL + 0x1000) | 9);
    pcpu_be64(p, P_LEVEL + 0x1000, 0x8000000000000000ull | (P_LEVEL + 0x2000) | 9);
    pcpu_be64(p, P_LEVEL + 0x2000, 0x8000000000000000ull | (P_LEVEL + 0x3000) | 9);
    pcpu_be64(p, P_LEVEL + 0x3000 + (P_USER >> 12) * 8, leaf | P_UGPA);
}

void pcpu_init(struct pcpu *p)
{
    memset(p, 0, sizeof(*p));
    p->be = (struct gd_backend){ .reg_get = reg_get,
                                 .reg_set = reg_set,
                                 .wide_get = wide_get,
                                 .wide_set = wide_set,
                                 .mem = mem,
                                 .sync_code = sync_code };
    p->target = (struct gd_target){ .arch = &gd_arch_ppc64,
                                    .hw = { .nbreak = 1, .nwatch = 2, .sw_break = true },
                                    .features = GD_PPC64_F_ISA30 | GD_PPC64_F_ISA31 };
    p->cpu = (struct gd_cpu){ .target = &p->target, .be = &p->be, .be_ctx = p, .why = &p->why };
    p->reg[GD_PPC64_PC] = P_CODE;
    p->reg[GD_PPC64_MSR] = MSR_KERNEL;
    p->reg[GD_PPC64_LPCR] = LPCR_AIL_3 | LPCR_ILE | LPCR_HR;
    p->reg[GD_PPC64_FSCR] = FSCR_SCV;
    p->reg[GD_PPC64_SRR0] = 0x1111;
    p->reg[GD_PPC64_SRR1] = 0x2222;
    p->reg[GD_PPC64_TB] = 0x1000000;
    p->reg[GD_PPC64_DEC_EXPIRY] = 0x1000100;
    trees(p);
}

void pcpu_user(struct pcpu *p)
{
    p->reg[GD_PPC64_PIDR] = 5;
    p->reg[GD_PPC64_MSR] = MSR_USER;
    p->reg[GD_PPC64_PC] = P_USER;
    pcpu_ran(p);
}

void pcpu_ran(struct pcpu *p)
{
    gd_cpu_forget(&p->cpu);
    gd_cpu_drop_page(&p->cpu);
}

void pcpu_interrupt(struct pcpu *p, unsigned offset, uint64_t srr0, uint64_t cause)
{
    uint64_t msr = p->reg[GD_PPC64_MSR];
    bool high = (msr & 0x30) == 0x30 && (p->reg[GD_PPC64_LPCR] & 0x1800000) == 0x1800000;

    p->reg[GD_PPC64_SRR0] = srr0;
    p->reg[GD_PPC64_SRR1] = (msr & ~0x783f0000ull) | cause;
    p->reg[GD_PPC64_PC] = high ? 0xc000000000004000ull + offset : offset;
    p->reg[GD_PPC64_MSR] = high ? 0x8000000000001031ull : 0x8000000000001001ull;
    pcpu_ran(p);
}

uint64_t pcpu_reg(struct pcpu *p, unsigned num)
{
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    return p->reg[num];
}
