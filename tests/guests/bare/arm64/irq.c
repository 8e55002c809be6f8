/* SPDX-License-Identifier: MIT */
/*
 * Interrupts as a guest finds them that looks itself: pending ones while it has them masked, cleared,
 * withdrawn and disabled there, a group 0 interrupt that it sends, registers accessed by instructions that move
 * their base, the handler's look at the CPU interface, a CPU that was turned off in its handler.
 */
#include "bare.h"

#define GICD    ((volatile uint32_t *)0x08000000)
#define GICR(n) ((volatile uint32_t *)(0x080a0000 + 0x20000 * (n)))
#define SGI     (0x10000 / 4) /* the frame with these: */
#define IGROUP  (SGI + 0x80 / 4)
#define ISENA   (SGI + 0x100 / 4)
#define ICENA   (SGI + 0x180 / 4)
#define ISPEND  (SGI + 0x200 / 4)
#define ICPEND  (SGI + 0x280 / 4)
#define PRIO    (SGI + 0x400 / 4)
#define SELF    1 /* target list of an SGI */
#define OTHER   2
#define OFF     0x84000002
#define STATE   0xc4000004
#define IS_OFF  1

#define IAR0   s3_0_c12_c8_0
#define EOIR0  s3_0_c12_c8_1
#define IAR1   s3_0_c12_c12_0
#define EOIR1  s3_0_c12_c12_1
#define HPPIR1 s3_0_c12_c12_2
#define SGI1R  s3_0_c12_c11_5
#define SGI0R  s3_0_c12_c11_7

/* by the names above */
#define get(name)    read_reg(name)
#define put(name, v) write_reg(name, v)

volatile uint64_t irqs, fiqs, aborts, isr, hppir, iar;
volatile uint64_t pending, cleared, after_clear, by_hand, line, withdrawn, disabled, enabled,
    group0, indexed, loaded, moved;
volatile uint64_t ups, running, priority, answered;
static volatile int leaves;

__attribute__((noinline)) void handler(void)
{
    isr = read_reg(isr_el1);
    hppir = get(HPPIR1);
    iar = get(IAR1);
    write_reg(cntv_ctl_el0, 0);
    if (leaves)
        psci(OFF, 0, 0, 0);
    put(EOIR1, iar);
    irqs++;
}

__attribute__((noinline)) void done(void)
{
    __asm__ volatile("");
}

void on_exception(uint64_t kind, struct frame *f)
{
    if ((kind & 3) == 1) {
        handler();
        done();
    } else if ((kind & 3) == 2) {
        put(EOIR0, get(IAR0));
        fiqs++;
    } else {
        aborts++;
        f->elr += 4;
    }
}

static void interface_on(uint64_t n)
{
    GICD[0] = 0x13;
    GICR(n)[IGROUP] = ~0u;
    GICR(n)[ISENA] = 0xffff | 1u << 27;
    write_reg(s3_0_c4_c6_0, 0xff); /* ICC_PMR_EL1 */
    write_reg(s3_0_c12_c12_6, 1);  /* ICC_IGRPEN0_EL1 */
    write_reg(s3_0_c12_c12_7, 1);  /* ICC_IGRPEN1_EL1 */
    isb();
}

/* Until an interrupt that is on its way is there, or surely none was. */
static void settle(void)
{
    uint64_t end = read_reg(cntvct_el0) + read_reg(cntfrq_el0) / 200;

    while (!read_reg(isr_el1) && read_reg(cntvct_el0) < end)
        isb();
}

static void unmask(void)
{
    __asm__ volatile("msr daifclr, #3\n isb\n nop\n isb\n msr daifset, #3" : : : "memory");
}

static void send(uint64_t intid, uint64_t targets)
{
    put(SGI1R, intid << 24 | targets);
    isb();
    if (targets == SELF)
        settle();
}

static void masked(void)
{
    send(1, SELF);
    pending = GICR(0)[ISPEND];
    settle();
    GICR(0)[ICPEND] = 2;
    cleared = read_reg(isr_el1);
    unmask();
    after_clear = irqs;
    GICR(0)[ISPEND] = 4;
    settle();
    by_hand = GICR(0)[ISPEND];
    settle();
    unmask();
    by_hand |= irqs << 32;
    write_reg(cntv_tval_el0, 1);
    write_reg(cntv_ctl_el0, 1);
    settle();
    line = GICR(0)[ISPEND];
    settle();
    write_reg(cntv_ctl_el0, 0);
    isb();
    withdrawn = GICR(0)[ISPEND];
    unmask();
    withdrawn |= irqs << 32;
    send(4, SELF);
    GICR(0)[ICENA] = 1 << 4;
    unmask();
    disabled = irqs;
    GICR(0)[ISENA] = 1 << 4;
    settle();
    unmask();
    enabled = irqs;
    GICR(0)[IGROUP] = ~(1u << 6);
    put(SGI0R, 6 << 24 | SELF);
    isb();
    settle();
    unmask();
    group0 = fiqs;
}

static void moving(void)
{
    register uint64_t at __asm__("x9") = (uint64_t)(GICR(0) + PRIO + 2);
    register uint64_t value __asm__("x10") = 0x50607080;

    __asm__ volatile("str w10, [x9], #4\n ldr w10, [x9, #-4]!"
                     : "+r"(at), "+r"(value)
                     :
                     : "memory");
    loaded = value;
    indexed = GICR(0)[PRIO + 2];
    __asm__ volatile("ldrb w10, [x9, #2]!" : "+r"(at), "+r"(value) : : "memory"); /* 0x60 */
    __asm__ volatile("strb w10, [x9], #-2" : "+r"(at), "+r"(value) : : "memory");
    moved = (at - (uint64_t)(GICR(0) + PRIO + 2)) | value << 32;
}

void secondary_main(uint64_t n)
{
    running = read_reg(s3_0_c12_c11_3); /* ICC_RPR_EL1 */
    priority = read_reg(s3_0_c4_c6_0);
    interface_on(n);
    __asm__ volatile("msr daifclr, #2");
    ups++;
    for (;;)
        __asm__ volatile("wfi");
}

static void restart(void)
{
    leaves = 1;
    start_cpu(1);
    while (ups != 1)
        ;
    send(2, OTHER);
    while (psci(STATE, 1, 0, 0) != IS_OFF)
        ;
    leaves = 0;
    start_cpu(1);
    while (ups != 2)
        ;
    answered = irqs;
    send(9, OTHER);
    for (uint64_t end = read_reg(cntvct_el0) + 10 * read_reg(cntfrq_el0);
         irqs == answered && read_reg(cntvct_el0) < end;)
        ;
    answered = irqs - answered;
}

__attribute__((noinline)) void end(void)
{
    __asm__ volatile("");
}

int main(void)
{
    interface_on(0);
    masked();
    moving();
    restart();
    end();
    power_off();
}
