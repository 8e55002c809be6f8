/* SPDX-License-Identifier: MIT */
/*
 * What a step could disturb: work() reads and changes DAIF, takes exceptions whose handlers record
 * SPSR_EL1, goes to EL0 and back, waits, uses exclusives, devices and a lock that the other CPU
 * holds, with the timer's interrupt on. It writes what it saw to a trace. main() runs it free
 * first, then once more between stepped_from() and stepped_to(), and says whether both traces are equal.
 */
#include "bare.h"

#define MAX        512
#define USER_ALIAS 0x20000000 /* where EL0 sees user_work(), from its address */

static uint64_t traces[2][MAX];
static uint64_t *volatile trace;
static volatile unsigned used;
volatile uint64_t ticks, lock_word, contended, stop_other;

static void note(uint64_t v)
{
    if (used < MAX)
        trace[used++] = v;
}

/* ---- interrupts: GICv3 and the virtual timer ---- */

#define GICD     ((volatile uint32_t *)0x08000000)
#define GICR_SGI ((volatile uint32_t *)(0x080a0000 + 0x10000))

static void timer_on(void)
{
    GICD[0] = 0x12;                           /* GICD_CTLR: affinity routing, group 1 */
    ((volatile uint32_t *)0x080a0000)[5] = 0; /* GICR_WAKER */
    GICR_SGI[0x80 / 4] = ~0u;                 /* group 1 */
    GICR_SGI[0x100 / 4] = 1u << 27;           /* enable PPI 27 */
    __asm__ volatile("msr s3_0_c4_c6_0, %0" : : "r"(0xffUL));     /* ICC_PMR_EL1 */
    __asm__ volatile("msr s3_0_c12_c12_7, %0; isb" : : "r"(1UL)); /* ICC_IGRPEN1_EL1 */
    write_reg(cntv_tval_el0, (read_reg(cntfrq_el0) / 2000));
    write_reg(cntv_ctl_el0, 1);
}

static void interrupt(void)
{
    uint64_t id;

    __asm__ volatile("mrs %0, s3_0_c12_c12_0" : "=r"(id)); /* ICC_IAR1_EL1 */
    ticks++;
    write_reg(cntv_tval_el0, (read_reg(cntfrq_el0) / 2000));
    __asm__ volatile("msr s3_0_c12_c12_1, %0" : : "r"(id)); /* ICC_EOIR1_EL1 */
}

void on_exception(uint64_t kind, struct frame *f)
{
    uint64_t class = f->esr >> 26;

    if ((kind & 3) == 1) {
        interrupt();
        return;
    }
    note(kind << 56 | class << 48 | (f->spsr & 0xffffffff));
    note(f->elr);
    if (class == 0x3c)
        f->elr += 4; /* BRK: the address of the instruction itself */
    else if (class == 0x15 && (f->esr & 0xffff) == 2)
        f->spsr = (f->spsr & ~0xfULL) | 5; /* svc #2: back to EL1h */
    else if (class != 0x15)
        f->elr += 4; /* a trapped instruction is passed over */
}

/* x0: scratch memory, x1: where to store five DAIF values. Interrupts are on at entry and exit. */
__asm__(".text\n.globl daif_work\n"
        "daif_work: mrs x2, daif\n str x2, [x1]\n"
        "msr daifset, #2\n mrs x2, daif\n str x2, [x1, #8]\n"
        "msr daifclr, #2\n mrs x2, daif\n str x2, [x1, #16]\n"
        "mov x3, #0x1c0\n msr daif, x3\n mrs x2, daif\n str x2, [x1, #24]\n"
        "mov x3, #0x100\n msr daif, x3\n mrs x2, daif\n str x2, [x1, #32]\n"
        "ret\n");
void daif_work(void *scratch, uint64_t *out);

/* Exclusives: a plain loop, a pair, one with a way out, CLREX, one whose result replaces its base, a long one, and
 * one with two ways to a store, of which each is gone once. */
__asm__(
    ".text\n.globl exclusives\n"
    "exclusives: mov x5, #3\n"
    "1: ldaxr x1, [x0]\n add x1, x1, x5\n stlxr w2, x1, [x0]\n cbnz w2, 1b\n"
    "add x4, x0, #16\n"
    "2: ldxp x1, x3, [x4]\n add x1, x1, #1\n stxp w2, x1, x3, [x4]\n cbnz w2, 2b\n"
    "add x4, x0, #32\n"
    "3: ldxr w1, [x4]\n cbnz w1, 4f\n mov w1, #1\n stxr w2, w1, [x4]\n cbnz w2, 3b\n"
    "4: clrex\n"
    "5: ldxrb w1, [x4]\n cmp w1, #9\n b.eq 6f\n mov w1, #9\n stxrb w2, w1, [x4]\n cbnz w2, 5b\n"
    "6: mov x4, x0\n7: ldxr x4, [x4]\n add x4, x4, #1\n stxr w2, x4, [x0]\n cbnz w2, 6b\n"
    /* the longest that a processor promises to come through */
    "add x4, x0, #40\n8: ldxr x1, [x4]\n .rept 30\n add x1, x1, #1\n .endr\n stxr w2, x1, [x4]\n cbnz w2, 8b\n"
    "mov x5, #2\n"
    "1: ldaxr x1, [x4]\n tbnz x1, #0, 2f\n add x1, x1, #7\n stlxr w2, x1, [x4]\n cbnz w2, 1b\n b 3f\n"
    "2: add x3, x1, #16\n stlxr w2, x3, [x4]\n cbnz w2, 1b\n"
    "3: subs x5, x5, #1\n b.ne 1b\n"
    "ret\n");
void exclusives(void *scratch);

/* EL0 and back, in an alias of this code at x0 higher that EL0 may execute: svc #1 returns to EL0 behind it, svc #2 to EL1.
 * An interrupt before the ERET would take ELR_EL1 for itself. */
__asm__(
    ".text\n.globl user_work\n"
    "user_work: msr daifset, #2\n mov x9, sp\n msr sp_el0, x9\n adr x9, 1f\n add x9, x9, x0\n msr elr_el1, x9\n"
    "mov x9, #0\n msr spsr_el1, x9\n eret\n"
    "1: mov x9, #7\n add x9, x9, #1\n svc #1\n add x9, x9, #1\n brk #0x77\n svc #2\n"
    "ret\n");
void user_work(uint64_t alias);

__asm__(
    ".text\n.globl take_lock\n"
    "take_lock: sevl\n"
    "1: wfe\n ldaxr w1, [x0]\n cbnz w1, 1b\n mov w1, #1\n stxr w2, w1, [x0]\n cbnz w2, 1b\n ret\n");
void take_lock(volatile uint64_t *lock);

static void drop_lock(volatile uint64_t *lock)
{
    __asm__ volatile("stlr %w1, [%0]; sev" : : "r"(lock), "r"(0) : "memory");
}

__attribute__((noinline)) void work(void)
{
    static _Alignas(64) uint64_t scratch[16];
    uint64_t daif[5] = { 0 };

    memset(scratch, 0, sizeof(scratch));
    write_reg(daif, 0x340); /* D, A and F set, interrupts on */
    daif_work(scratch, daif);
    for (int i = 0; i < 5; i++)
        note(daif[i]);
    exclusives(scratch);
    for (int i = 0; i < 6; i++)
        note(scratch[i]);
    __asm__ volatile("svc #5; brk #0x55; nop; hint #1" : : : "memory");
    user_work(USER_ALIAS);
    note(UART[6] & 0x20); /* flag register: transmit FIFO full */
    note(psci(0x84000000, 0, 0, 0));
    __asm__ volatile("wfe; yield; wfi; isb" : : : "memory");
    for (int i = 0; i < 4; i++) {
        take_lock(&lock_word);
        contended++;
        drop_lock(&lock_word);
    }
    note(read_reg(daif));
    __asm__ volatile("msr daifset, #2");
}

/* The other CPU takes the lock again and again, and holds it a while. */
void secondary_main(uint64_t n)
{
    (void)n;
    mmu_on(12, 39);
    while (!stop_other) {
        take_lock(&lock_word);
        for (volatile int i = 0; i < 200; i++)
            ;
        drop_lock(&lock_word);
        for (volatile int i = 0; i < 200; i++)
            ;
    }
}

__attribute__((noinline)) void stepped_from(void)
{
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void stepped_to(void)
{
    __asm__ volatile("" : : : "memory");
}

/* Some ten thousand instructions with interrupts on. */
__asm__(".text\n.globl long_loop, long_loop_end\n"
        "long_loop: mov x0, #5000\n1: subs x0, x0, #1\n b.ne 1b\n ret\nlong_loop_end:\n");
void long_loop(void);

int main(void)
{
    unsigned n;
    int same = 1;

    mmu_on(12, 39);
    map_user_page(((uint64_t)user_work & ~0xfffULL) + USER_ALIAS, (uint64_t)user_work & ~0xfffULL);
    map_user_page(((uint64_t)user_work & ~0xfffULL) + USER_ALIAS + 4096,
                  ((uint64_t)user_work & ~0xfffULL) + 4096);
    timer_on();
    start_cpu(1);
    trace = traces[0];
    work();
    n = used;
    used = 0;
    trace = traces[1];
    stepped_from();
    work();
    stepped_to();
    __asm__ volatile("msr daifclr, #2");
    long_loop();
    __asm__ volatile("msr daifset, #2");
    if (used != n) {
        same = 0;
        put_line("trace length free", n);
        put_line("trace length stepped", used);
    }
    for (unsigned i = 0; i < n && i < used; i++) {
        if (traces[0][i] == traces[1][i])
            continue;
        same = 0;
        put_line("trace entry", i);
        put_line("  free", traces[0][i]);
        put_line("  stepped", traces[1][i]);
    }
    put_string(same ? "traces equal\n" : "traces differ\n");
    put_line("ticks", ticks);
    power_off();
}
