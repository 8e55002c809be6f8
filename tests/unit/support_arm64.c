/* SPDX-License-Identifier: MIT */
/* The register file and RAM behind support_arm64.h. */
#include "support_arm64.h"

static int get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    struct acpu *a = ctx;

    (void)vcpu;
    if (a->no_reg[num])
        return GD_E_NOREG;
    *value = a->reg[num];
    return 0;
}

static int set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    struct acpu *a = ctx;

    (void)vcpu;
    if (a->no_reg[num])
        return GD_E_NOREG;
    a->reg[num] = value;
    return 0;
}

static int wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n)
{
    (void)vcpu;
    memcpy(bytes, ((struct acpu *)ctx)->wide[num], n);
    return 0;
}

static int wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n)
{
    (void)vcpu;
    memcpy(((struct acpu *)ctx)->wide[num], bytes, n);
    return 0;
}

static void *mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    struct acpu *a = ctx;

    (void)write;
    *error = GD_E_NOTRAM;
    if (gpa < A_RAM || gpa - A_RAM > A_RAM_SIZE - len)
        return NULL;
    a->loads += len == 8;
    return a->ram + (gpa - A_RAM);
}

static void sync_code(void *ctx, void *host, size_t len)
{
    (void)ctx;
    (void)host;
    (void)len;
}

void acpu_init(struct acpu *a)
{
    memset(a, 0, sizeof(*a));
    a->target = (struct gd_target){
        .arch = &gd_arch_arm64,
        .hw = { .nbreak = 6,
                .nwatch = 4,
                .context = 0x30,
                .step = true,
                .sw_break = true,
                .step_tells = true },
        .pa_bits = 40,
    };
    a->be = (struct gd_backend){ .reg_get = get,
                                 .reg_set = set,
                                 .wide_get = wide_get,
                                 .wide_set = wide_set,
                                 .mem = mem,
                                 .sync_code = sync_code };
    a->cpu.target = &a->target;
    a->cpu.be = &a->be;
    a->cpu.be_ctx = a;
    a->cpu.why = &a->why;
    a->reg[GD_ARM64_PC] = A_CODE;
    a->reg[GD_ARM64_PSTATE] = EL1H_IRQ_ON;
    a->reg[GD_ARM64_VBAR_EL1] = A_VBAR;
}

void acpu_word(struct acpu *a, uint64_t pa, uint32_t insn)
{
    gd_store_le(a->ram + (pa - A_RAM), insn, 4);
}

void acpu_le64(struct acpu *a, uint64_t pa, uint64_t value)
{
    gd_store_le(a->ram + (pa - A_RAM), value, 8);
}

void acpu_ran(struct acpu *a)
{
    assert_int_equal(gd_cpu_flush(&a->cpu), 0);
    gd_cpu_forget(&a->cpu);
}

uint64_t acpu_reg(struct acpu *a, unsigned num)
{
    acpu_ran(a);
    return a->reg[num];
}

void acpu_exception(struct acpu *a, uint64_t ret)
{
    uint64_t p;

    acpu_ran(a);
    p = a->reg[GD_ARM64_PSTATE];
    a->reg[GD_ARM64_SPSR_EL1] = p;
    a->reg[GD_ARM64_ELR_EL1] = ret;
    a->reg[GD_ARM64_PSTATE] = (p & ~0x1full) | PSTATE_DAIF | PSTATE_M_EL1H;
    a->reg[GD_ARM64_PC] = A_VBAR + (p & PSTATE_NRW  ? 0x600
                                    : !PSTATE_EL(p) ? 0x400
                                    : p & 1         ? 0x200
                                                    : 0);
}
