/* SPDX-License-Identifier: MIT */
/* See support_ppc64_step.h. */
#include "support_ppc64_step.h"

struct gd_step step;
static struct pcpu cpu;

struct pcpu *fresh(void)
{
    pcpu_init(&cpu);
    memset(&step, 0, sizeof(step));
    return &cpu;
}

struct pcpu *user(void)
{
    struct pcpu *p = fresh();

    pcpu_user(p);
    return p;
}

int begin(struct pcpu *p, uint32_t insn)
{
    uint64_t gpa;

    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    gpa = p->reg[GD_PPC64_PC] == P_USER ? P_UGPA : p->reg[GD_PPC64_PC] & 0xfffffff;
    pcpu_word(p, gpa, insn);
    pcpu_ran(p);
    /* as the engine begins one: the rest is kept */
    step.ntemp = step.kind = step.phase = 0;
    step.use_hw = step.waits = step.masked = step.serves = false;
    step.pc = p->reg[GD_PPC64_PC];
    return gd_arch_ppc64.step_begin(&p->cpu, &step);
}

int temp_at(uint64_t va)
{
    for (int i = 0; i < step.ntemp; i++)
        if (step.temp[i].va == va)
            return i;
    return -1;
}

int hit(struct pcpu *p)
{
    struct gd_exit x = { .kind = GD_EXIT_DEBUG, .addr = p->reg[GD_PPC64_PC] };
    int r;

    pcpu_ran(p);
    r = gd_arch_ppc64.step_exit(&p->cpu, &step, &x, temp_at(p->reg[GD_PPC64_PC]));
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    return r;
}

int run_into(struct pcpu *p, unsigned vector, uint64_t srr0, uint64_t cause)
{
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    pcpu_interrupt(p, vector, srr0, cause);
    return hit(p);
}

int traced(struct pcpu *p, uint64_t pc)
{
    return run_into(p, 0xd00, pc, SRR1_TRACE);
}

int served(struct pcpu *p)
{
    struct gd_exit x = { .kind = GD_EXIT_OTHER };
    int r;

    pcpu_ran(p);
    r = gd_arch_ppc64.step_exit(&p->cpu, &step, &x, -1);
    assert_int_equal(gd_cpu_flush(&p->cpu), 0);
    return r;
}

void expect(struct pcpu *p, uint64_t pc, uint64_t msr)
{
    assert_int_equal(pcpu_reg(p, GD_PPC64_PC), pc);
    assert_int_equal(p->reg[GD_PPC64_MSR], msr);
}

void expect_srr(struct pcpu *p, uint64_t srr0, uint64_t srr1)
{
    assert_int_equal(pcpu_reg(p, GD_PPC64_SRR0), srr0);
    assert_int_equal(p->reg[GD_PPC64_SRR1], srr1);
}
