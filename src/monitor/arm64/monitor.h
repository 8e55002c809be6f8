/* SPDX-License-Identifier: MIT */
/*
 * The EL2 monitor's own state and the calls between its files. One machine, one guest: what
 * is one of a kind is a global here, what exists per CPU is in struct cpu. Everything is
 * static storage; interrupts are masked whenever EL2 runs.
 */
#ifndef GD_MONITOR_H
#define GD_MONITOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arm64/arm64.h"
#include "base/bits.h"
#include "base/out.h"
#include "engine/engine.h"

#define MAX_CPUS   8
#define MAX_RAM    8
#define MAX_REDIST 4
#ifndef STACK_SIZE
#define STACK_SIZE 16384 /* meson.build gives the assembler's and ours */
#endif
#define SYS_FIRST     GD_ARM64_FPSR /* the lowest number of a system register that is kept */
#define SYS_END       (GD_ARM64_ZCR_EL1 + 1)
#define QUEUE_SIZE    64
#define WAYS          8
#define SVE_MAX       256         /* bytes of the longest vector there can be */
#define MONITOR_BLOCK 0x200000ull /* the monitor has the 2 MB block it is linked into */

/* What entry.S saves and restores on every exception from the guest. */
struct frame {
    uint64_t x[31], pc, pstate, pad;
};

struct range {
    uint64_t base, size;
};

/* ---- the machine, as the device tree describes it (tree.c) ---- */

struct machine {
    struct range ram[MAX_RAM];
    unsigned nram;
    uint64_t mpidr[MAX_CPUS];
    unsigned ncpus;
    struct range gicd, gicr[MAX_REDIST];
    unsigned ngicr;
    unsigned maintenance_irq, timer_irq; /* PPIs as INTIDs: GIC maintenance, EL2 timer */
    struct range uart;                   /* debug UART, base 0 if there is none */
    unsigned uart_irq;                   /* its SPI as INTID */
    struct range kernel, initrd, tree;
    struct range kernel_room; /* with the kernel's bss */
    const char *bootargs;     /* of the kernel module, NULL if it has none */
    bool wait;                /* stop the guest before its first instruction */
};

extern struct machine machine;

void tree_read(uint64_t where); /* fills machine or stops with a sentence */
void tree_modules(void);        /* finds and checks kernel and initrd, likewise */
void tree_hand_on(void);        /* edits the tree in place for the guest */

/* ---- per CPU ---- */

enum power { POWER_OFF, POWER_CLAIMED, POWER_PENDING, POWER_ON };

#define WATCH GD_HW_MAX /* the pairs' numbers: breakpoints, then watchpoints from here */
#define PAIRS (2 * GD_HW_MAX)

struct debug_regs {
    struct gd_hw_pair pair[PAIRS];
    uint64_t mdscr;
    bool oslk;
    bool dlk; /* OSDLR_EL1.DLK, FEAT_DoubleLock */
};

enum ss_mode { SS_OFF, SS_GUEST, SS_SILENT };

/* The second debug register set of the CPU and what is loaded (debug.c). */
struct debug {
    struct debug_regs guest; /* the guest's, valid while active */
    bool active;             /* MDCR_EL2 traps are on; else the guest owns its hardware */
    bool reload;             /* the merged set must be written again */
    struct gd_hw_set ours;
    uint64_t generation;
    uint16_t lift_b, lift_w;
    bool sw, hw, step, hold; /* of struct gd_arm */
    uint16_t lost_b, lost_w; /* pairs of the guest that ours pushed out */
    bool guest_ss;           /* the guest's PSTATE.SS while active */
    enum ss_mode ss_mode;    /* why MDSCR_EL1.SS is set beside our own step */
    bool pass;               /* one instruction with the guest's pairs left out */
    uint64_t ways[WAYS];     /* out of an exclusive sequence that runs between silent steps */
    unsigned nways;
    bool in_flight;  /* entered with PSTATE.SS set; still set = not yet executed */
    uint8_t from_el; /* where that entry was */
    uint64_t from_pc;
};

struct cpu {
    struct frame *frame;
    unsigned index;
    uint64_t mpidr;
    uint64_t gicr; /* redistributor, 0 = none */
    _Atomic uint32_t power;
    uint64_t on_entry, on_context;
    _Atomic uint32_t in_guest; /* in the guest, or not yet past gd_vcpu_left() */
    _Atomic uint32_t saved;    /* registers lie in save: other CPUs may read them */
    _Atomic uint32_t up;       /* came up at boot */
    bool alone;                /* runs alone */
    bool hold_irq;             /* interrupts are held for a step */
    uint64_t voff;             /* CNTVOFF_EL2 as loaded */
    uint64_t exits;

    /* interrupts (gic.c) */
    _Atomic uint32_t sgi_shadow; /* the guest's SGI that shares the number of ours is pending */
    bool shadow_enabled;
    uint8_t shadow_priority;
    uint32_t lines; /* PPIs whose line was asserted when they were acknowledged */
    unsigned nqueue;
    uint64_t queue[QUEUE_SIZE]; /* list register values that found no register, by priority */

    struct debug debug;

    /* registers of a parked CPU (regs.c) */
    uint64_t sys[SYS_END - SYS_FIRST];
    bool sys_dirty[SYS_END - SYS_FIRST];
    uint16_t vl;    /* bytes of a vector in v, 0: V registers only */
    bool streaming; /* ... because SVE is in its streaming mode, whose vectors are not shown */
    bool v_dirty;

    struct gd_why view_why;
    struct gd_cpu view; /* for injection outside the engine */
    uint8_t v[32 * SVE_MAX + 17 * SVE_MAX / 8] __attribute__((aligned(16)));
};

extern struct cpu cpus[MAX_CPUS];
extern unsigned ncpus;
extern struct gd_target target;
extern struct gd_engine engine;
extern uint8_t stacks[MAX_CPUS][STACK_SIZE];

struct cpu *this_cpu(void);
struct cpu *cpu_of_mpidr(uint64_t affinity); /* NULL if there is none */
#define MPIDR_AFFINITY 0xff00ffffffull

/* ---- entry.S ---- */
extern uint8_t image_start[], image_end[], secondary_entry[];
_Noreturn void guest_resume(struct frame *f);
uint64_t smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c);
void smc_frame(uint64_t x[18]); /* registers 0 to 17 in and out */
void fp_save(uint8_t *v);       /* 32 times 16 bytes */
void fp_load(const uint8_t *v);
unsigned sve_bytes(void);  /* of one vector, at most SVE_MAX */
void sve_save(uint8_t *v); /* 32 vectors, then 17 predicates of an eighth */
void sve_load(const uint8_t *v);
void el2_mmu_on(const uint64_t *root);
void dcache_clean_invalidate(uint64_t start, uint64_t end); /* to memory */
void cache_clean_code(uint64_t start, uint64_t end);
/* DBGBCRn and DBGBVRn, n 0 to 15, or DBGWCR and DBGWVR, 16 to 31; those that the CPU has. */
struct gd_hw_pair debug_pair_get(unsigned n);
void debug_pair_set(unsigned n, struct gd_hw_pair pair);

/* ---- mmu.c ---- */
void mmu_early(uint64_t tree);
void mmu_machine(void); /* own tables by the machine's RAM; the guest's stage 2 */
bool mmu_reaches(uint64_t base, uint64_t size); /* by EL2's map and by stage 2 */
void mmu_hide(uint64_t base, uint64_t size);
#define NO_GIC "the GIC's registers are missing in the device tree or out of reach"
void mmu_cpu(void); /* turns stage 2 on for this CPU */
bool mmu_is_ram(uint64_t base, uint64_t size);
unsigned mmu_ipa_bits(void);

/* ---- cpu.c ---- */
void cpu_el2_setup(struct cpu *c); /* EL2 controls, once per CPU */
void cpu_el1_reset(struct cpu *c, uint64_t entry, uint64_t context);
void cpu_target(void);    /* fills target from the ID registers */
void cpu_intersect(void); /* ... with those of this CPU */

/* ---- uart.c ---- */
void uart_open(uint64_t base);
/* The debug UART does not answer: the first one, if it is not the guest's. */
bool uart_fall_back(void);
bool uart_get(uint8_t *byte);
size_t uart_put(const uint8_t *bytes, size_t n); /* as many as there is room for now */
void uart_interrupts(bool rx, bool tx);
/* Sentences on the UART, with bounded waiting for room. stop: then the CPU stops for good. */
_Noreturn void stop(const char *text);
_Noreturn void stop_x(const char *before, uint64_t value, const char *after);
void say(const char *text);
void say_x(const char *before, uint64_t value, const char *after);
extern _Atomic bool guest_runs; /* the first UART is the guest's */

/* ---- psci.c ---- */
void psci_call(struct cpu *c); /* SMC or HVC of the guest; PC is past it */
bool psci_start_cpus(void);
void psci_wait_on(struct cpu *c); /* returns when the guest has turned the CPU on */
_Noreturn void psci_machine_off(bool reset);

/* ---- gic.c, dist.c ---- */
#define OUR_SGI 15u
void gic_init(void);
void gic_cpu_init(struct cpu *c);
void gic_cpu_reset(struct cpu *c);
void gic_give_back(struct cpu *c); /* before the guest looks at its interrupts */
void gic_poll(struct cpu *c);      /* acknowledges what is pending */
void gic_flush(struct cpu *c);     /* before the guest is entered */
void gic_park(bool parked);        /* parked: only our own interrupts wake the CPU */
void gic_kick(struct cpu *c);
void gic_kick_all(void); /* all but this one */
void gic_inject(struct cpu *c, uint32_t intid, unsigned priority, bool group1);
void gic_guest_sgi(struct cpu *c, uint64_t value);
bool gic_guest_pending(void); /* an interrupt waits in a list register */
void gic_route_uart(struct cpu *c);
bool dist_owns(uint64_t ipa);
bool dist_access(uint64_t ipa, unsigned size, bool write, uint64_t *value);
void dist_init(void);

/* ---- debug.c ---- */
void debug_arm(struct cpu *c, const struct gd_arm *arm);
/* Last thing before the guest. False: an exception of the guest's took the place of the
 * instruction that the engine steps, which is over then; nothing was executed. */
bool debug_enter(struct cpu *c);
/* Guest access to a debug register, by SYSREG_KEY; false: undefined. */
bool debug_access(struct cpu *c, unsigned key, bool write, uint64_t *value);
bool debug_stepped(struct cpu *c); /* after another exit: a step of the engine is complete */
/* A debug exception of the guest. True: x is filled for the engine. */
bool debug_exit(struct cpu *c, uint64_t esr, uint64_t far, struct gd_exit *x);
void debug_skipped(struct cpu *c); /* an instruction was emulated */
void debug_power_on(struct cpu *c);
void debug_describe(void *ctx, struct gd_out *o);
unsigned debug_breaks(void);
unsigned debug_watches(void);
bool debug_reg_get(struct cpu *c, unsigned num, uint64_t *value);
bool debug_reg_set(struct cpu *c, unsigned num, uint64_t value);

/* ---- regs.c ---- */
void regs_save(struct cpu *c);
void regs_restore(struct cpu *c);
int regs_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value);
int regs_set(void *ctx, unsigned vcpu, unsigned num, uint64_t value);
int regs_wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n);
int regs_wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n);

/* ---- run.c: between an exit and the next entry ---- */
void run_init(void);
void run_finish(struct cpu *c, const struct gd_exit *x); /* x NULL: nothing for the engine */
void run_started(struct cpu *c);                         /* first entry of a CPU */
void run_left(struct cpu *c);                            /* CPU_OFF */
void run_idle(struct cpu *c);                            /* one round of waiting in EL2 */
bool run_off_wanted(struct cpu *c); /* parks a CPU that is off when all shall stop */
struct gd_cpu *run_view(struct cpu *c);

/* ---- control.c: the protocol session ---- */
void control_init(void);
void control_run(struct cpu *c); /* on the control CPU */
void control_notify(void *ctx);
bool control_here(const struct cpu *c);
void control_leave(struct cpu *c);             /* c goes off: another CPU takes over */
void control_ended(struct cpu *c, int status); /* the guest turned the machine off */

/* ---- time (cpu.c) ---- */
uint64_t time_now(void);
uint64_t time_in_ms(unsigned ms);
void timer_set(uint64_t deadline); /* wakes this CPU from run_idle() */
void timer_off(void);

/* ---- trap.c ---- */
void trap(struct frame *f, unsigned kind);

#endif
