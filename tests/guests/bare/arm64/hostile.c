/* SPDX-License-Identifier: MIT */
/*
 * A guest that means harm to what is below it, on all its CPUs and at random: every register of the
 * debug group with every value, breakpoints on its own vectors, steps of itself, calls to firmware
 * that exist or not, CPUs turned on and off, the interrupt controller, and memory that is not its
 * own. Whatever fails comes to on_exception() and is passed over. CPU 0 ends it after `wanted`
 * rounds, which the test writes.
 */
#include "bare.h"

#define CPUS 4

volatile uint64_t wanted = 1000, rounds[CPUS], seen[64], interrupts, started, over, strays[17],
                  stray_count;
static uint32_t code[CPUS][16] __attribute__((aligned(64)));
static uint64_t seeds[CPUS];

static uint64_t self(void)
{
    return read_reg(mpidr_el1) & (CPUS - 1);
}

static uint64_t random64(void)
{
    uint64_t *s = &seeds[self()];

    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Executes one instruction word that may use x0 to x3, and returns x0. */
static uint64_t execute(uint32_t insn, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint32_t *at = code[self()];
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;

    at[0] = insn;
    at[1] = 0xd65f03c0; /* ret */
    __asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" : : "r"(at) : "memory");
    __asm__ volatile("blr %4"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     : "r"(at)
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "x18", "x30", "memory", "cc");
    return x0;
}

static uint32_t sysreg(unsigned read, unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                       unsigned op2)
{
    return 0xd5000000 | read << 21 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

/* Where points may hurt most: the vectors, this very code, the stacks and counters. */
static uint64_t own_address(uint64_t r)
{
    extern char vectors[], __stacks[];

    switch (r & 3) {
    case 0:
        return (uint64_t)vectors + (r >> 8 & 0x7ff);
    case 1:
        return (uint64_t)execute + (r >> 8 & 0x7ff);
    case 2:
        return (uint64_t)__stacks + (r >> 8 & 0xffff);
    default:
        return (uint64_t)rounds + (r >> 8 & 0xff);
    }
}

__attribute__((noinline)) void tick(uint64_t cpu)
{
    rounds[cpu]++;
}

/* ---- what it does ---- */

static void debug_register(uint64_t r)
{
    unsigned op2 = 4 + (r & 3), crm = r >> 2 & 15;
    uint64_t value = random64();

    switch (r >> 8 & 7) {
    case 0: /* any of the group */
        execute(sysreg(r >> 12 & 1, 2, r >> 16 & 7, r >> 20 & 15, crm, r >> 24 & 7), value, 0, 0,
                0);
        break;
    case 1:
        execute(sysreg(0, 2, 0, 0, 2, 2), value & 0xf021, 0, 0, 0); /* MDSCR_EL1: MDE, KDE, SS */
        break;
    case 2:
        execute(sysreg(0, 2, 0, 1, 0, 4), value >> 60 == 0, 0, 0, 0); /* OSLAR_EL1 */
        break;
    case 3:
        execute(sysreg(1, 2, 0, 0, crm & 7, op2), 0, 0, 0, 0);
        break;
    case 4: /* plain and enabled: a breakpoint or a watchpoint that will hit */
        execute(sysreg(0, 2, 0, 0, crm & 3, op2 & 6), own_address(value), 0, 0, 0);
        execute(sysreg(0, 2, 0, 0, crm & 3, op2 | 1), op2 & 2 ? 0x1ff7 | (value & 0x18) : 0x1e7, 0,
                0, 0);
        break;
    default:
        execute(sysreg(0, 2, 0, 0, crm & 7, op2), op2 & 1 ? value & 0xffffffff : value, 0, 0, 0);
    }
}

static void firmware(uint64_t r)
{
    static const uint32_t calls[] = { 0x84000000, 0x84000003, 0xc4000003, 0x84000004, 0xc4000004,
                                      0x84000005, 0x84000006, 0x84000007, 0x8400000a, 0x8400000b,
                                      0x8400000c, 0xc400000d, 0xc400000e, 0x84000012, 0x80000000,
                                      0x80000001, 0x80008000, 0x84000050, 0x84000051, 0xc4000053 };
    uint32_t insn = r & 1 ? 0xd4000003 : 0xd4000002; /* smc, hvc */
    uint32_t fn = calls[(r >> 8) % (sizeof(calls) / 4)];

    if (r & 2)
        fn = random64();
    if ((fn & ~0x40000000u) == 0x84000001 || (fn & ~0x40000000u) == 0x84000008 ||
        (fn & ~0x40000000u) == 0x84000009 || (fn & ~0x40000000u) == 0x84000002)
        return; /* suspend, off and reset of the machine: they would end it all. CPU_OFF: below */
    if ((fn & ~0x40000000u) == 0x84000003 && r & 4)
        return;
    execute(insn | (r >> 40 & 0xffff) << 5, fn, random64(), random64() & 0xffffff0000000000,
            random64());
}

static void power(uint64_t cpu, uint64_t r)
{
    extern char secondary_start[];
    static const uint64_t bad[] = { 0x40200000, 0x403ffffc, 0, ~0ULL, 0x09040000, 1ULL << 47 };

    if (r & 0x700) {
        uint64_t target = r & 7;

        psci(0xc4000003, target, (uint64_t)secondary_start, target);
        psci(0xc4000003, target, bad[(r >> 4) % 6], target);
        psci(0xc4000004, target, 0, 0);
    } else if (cpu) {
        psci(0x84000002, 0, 0, 0);
    }
}

static void interrupt_controller(uint64_t r)
{
    uint64_t at = (r & 1 ? 0x08000000 : 0x080a0000 + 0x20000 * self()) + (r >> 8 & 0x1ffff);
    unsigned size = r >> 2 & 3;

    if (r & 1)
        at = 0x08000000 + (r >> 8 & 0xffff);
    at &= ~((1ULL << size) - 1);
    if (r & 16)
        execute(0x39400001 | size << 30, at, 0, 0, 0); /* ldr* w1, [x0] */
    else
        execute(0x39000001 | size << 30, at, random64(), 0, 0); /* str* w1, [x0] */
}

static void cpu_interface(uint64_t r)
{
    switch (r & 7) {
    case 0:
        execute(sysreg(0, 3, 0, 12, 11, 5 + (r >> 8) % 3),
                random64() & 0x1ff00000fULL << (r >> 16 & 1), 0, 0, 0);
        break;
    case 1:
        execute(sysreg(0, 3, 0, 12, 12, 1), random64() & 0x3ff, 0, 0, 0); /* EOIR1 */
        break;
    case 2:
        execute(sysreg(0, 3, 0, 12, 11, 1), random64() & 0x3ff, 0, 0, 0); /* DIR */
        break;
    case 3:
        execute(sysreg(1, 3, 0, 12, 12, 0), 0, 0, 0, 0); /* IAR1 */
        break;
    case 4:
        execute(sysreg(0, 3, 0, 12, 11, 5), 1ULL << 40 | (r >> 8 & 15) << 24, 0, 0,
                0); /* all others */
        break;
    default:
        execute(sysreg(0, 3, 0, 4, 6, 0), r & 8 ? 0xff : random64() & 0xff, 0, 0, 0); /* PMR */
    }
}

static void memory(uint64_t r)
{
    static const uint64_t at[] = {
        0x40200000, 0x40300000,      0x403ffff8,  0x09040000, 0x09040018,
        0x0a000000, 0xffffffffffULL, 0x7fffffff8, 0,          0x08010000
    };
    uint64_t a = at[(r >> 8) % 10] + (r >> 16 & 0xf8);

    switch (r & 7) {
    case 0:
        execute(0xf9400001, a, 0, 0, 0); /* ldr x1, [x0] */
        break;
    case 1:
        execute(0xf9000001, a, r, 0, 0); /* str x1, [x0] */
        break;
    case 2:
        execute(0xa9400801, a, 0, 0, 0); /* ldp x1, x2, [x0] */
        break;
    case 3:
        execute(0xc85f7c01, a, 0, 0, 0); /* ldxr x1, [x0] */
        break;
    case 4:
        execute(0xd50b7420, a, 0, 0, 0); /* dc zva, x0 */
        break;
    case 5:
        execute(0xf8408401, a, 0, 0, 0); /* ldr x1, [x0], #8 */
        break;
    default: /* br x0, to memory that cannot be fetched from; on_exception() returns to the caller */
        execute(0xd61f0000, a & ~3ULL, 0, 0, 0);
    }
}

static void exceptions(uint64_t r)
{
    static const uint32_t insns[] = { 0xd4000001, 0xd4200000, 0x00000000,
                                      0xd4400000, 0xd503305f, 0xd69f03e0 };

    if (r & 2)
        __asm__ volatile("msr daifclr, #8");
    if (r & 4)
        __asm__ volatile("msr daifset, #8");
    if (r & 8)
        __asm__ volatile("msr daifclr, #2; nop; nop; msr daifset, #2");
    execute(insns[(r >> 8) % 5] |
                (((r >> 8) % 5 != 2 && (r >> 8) % 5 != 4) ? (r >> 16 & 0xffff) << 5 : 0),
            0, 0, 0, 0);
}

static void hostile(uint64_t cpu)
{
    uint64_t r = random64();

    switch (r >> 56 & 15) {
    case 0:
    case 1:
        firmware(r);
        break;
    case 2:
        power(cpu, r);
        break;
    case 3:
    case 4:
        interrupt_controller(r);
        break;
    case 5:
        cpu_interface(r);
        break;
    case 6:
        memory(r);
        break;
    case 7:
    case 8:
        exceptions(r);
        break;
    default:
        debug_register(r);
    }
    tick(cpu);
}

/* Nothing of ours executes there: once more from the start of the CPU. */
static void stray(struct frame *f)
{
    extern char secondary_start[];

    strays[stray_count++ % 16] = f->elr;
    strays[16] = f->x[30];
    f->elr = (uint64_t)secondary_start;
    f->x[0] = self();
}

void on_exception(uint64_t kind, struct frame *f)
{
    uint64_t class = f->esr >> 26;

    if ((kind & 3) == 1 || (kind & 3) == 2) {
        uint64_t id;

        __asm__ volatile("mrs %0, s3_0_c12_c12_0" : "=r"(id));  /* ICC_IAR1_EL1 */
        __asm__ volatile("msr s3_0_c12_c12_1, %0" : : "r"(id)); /* ICC_EOIR1_EL1 */
        interrupts++;
        return;
    }
    seen[class]++;
    switch (class) {
    case 0x15: /* SVC */
    case 0x16:
    case 0x17:
        break;
    case 0x20: /* fetched from where nothing is */
    case 0x21:
    case 0x22:
        f->elr = f->x[30];
        break;
    case 0x00: /* or where no code is */
        if (f->elr - (uint64_t)code < sizeof(code))
            f->elr += 4;
        else
            stray(f);
        break;
    case 0x30: /* its own debugging: masked until D is cleared again */
    case 0x31:
    case 0x32:
    case 0x33:
    case 0x34:
    case 0x35:
        f->spsr = (f->spsr | 0x200) & ~(1ULL << 21);
        break;
    default:
        f->elr += 4;
    }
}

static void ready(uint64_t cpu)
{
    volatile uint32_t *gicr = (volatile uint32_t *)(0x080a0000 + 0x20000 * cpu);

    mmu_on(12, 39);
    gicr[0x10080 / 4] = ~0u;
    gicr[0x10100 / 4] = 0xffff;
    __asm__ volatile("msr s3_0_c12_c12_7, %0; isb" : : "r"(1UL)); /* ICC_IGRPEN1_EL1 */
    seeds[cpu] = (cpu + 1) * 0x9e3779b97f4a7c15 + started++;
}

__attribute__((noinline)) void done(void)
{
    __asm__ volatile("" : : : "memory");
}

static void first_cpu(void)
{
    static volatile uint64_t n;

    while (n < wanted) {
        hostile(0);
        if (n++ % 256 == 0)
            put_line("round", n);
    }
    over = 1;
    __asm__ volatile("msr daifset, #8");
    done();
    put_string("hostile done\n");
    power_off();
}

void secondary_main(uint64_t cpu)
{
    ready(cpu & (CPUS - 1));
    if (cpu == 0)
        first_cpu();
    while (!over)
        hostile(cpu);
    psci(0x84000002, 0, 0, 0);
}

int main(void)
{
    secondary_main(0);
    return 0;
}
