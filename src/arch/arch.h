/* SPDX-License-Identifier: MIT */
/*
 * What one architecture means: the table of functions that the engine and the protocol use
 * and that src/arch/<name>/ provides. Everything here is called either on the thread that owns
 * the vCPU, between two guest entries, or on the control thread while that vCPU is parked.
 * Nothing here blocks, allocates or keeps state outside the structs handed in.
 */
#ifndef GD_ARCH_H
#define GD_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "base/why.h"

#define GD_HW_MAX     16  /* breakpoint and watchpoint registers per vCPU that any ABI carries */
#define GD_REG_MAX    256 /* register numbers are below this */
#define GD_REG_WORDS  (GD_REG_MAX / 64)
#define GD_REG_BYTES  256 /* widest register: an SVE Z register at VL 2048 bits */
#define GD_STEP_TEMPS 64  /* words that one step may plant for its own run */

struct gd_cpu; /* one vCPU as the engine keeps it, src/engine/cpu.h */

/* One debug register pair. arm64: DBGBCR/DBGBVR or DBGWCR/DBGWVR. POWER: CIABR in value of
 * b[0]; DAWRX in ctrl and DAWR in value of w[0], w[1]. ctrl 0 is a free slot on arm64. */
struct gd_hw_pair {
    uint64_t ctrl, value;
};

struct gd_hw_set {
    struct gd_hw_pair b[GD_HW_MAX], w[GD_HW_MAX];
};

/* What the host's debug hardware can really do for this guest, over all CPUs it may run on. */
struct gd_hw_caps {
    uint8_t nbreak, nwatch; /* usable pairs: the minimum over the CPUs */
    uint16_t context;       /* bit n: b[n] is context-aware on every CPU */
    bool step;              /* the back end's own single step works (tested, not believed) */
    bool sw_break;          /* planted breakpoint instructions reach us */
    bool hold_irq;          /* the back end itself holds interrupts back while stepping */
    bool step_tells; /* a step's exit tells an instruction that completed from an exception */
};

/* The guest's processor as far as registers and tables need it. Fixed at open. */
struct gd_target {
    const struct gd_arch *arch;
    struct gd_hw_caps hw;
    uint32_t features; /* GD_ARM64_F_*, GD_PPC64_F_* of the architecture's header */
    uint8_t sve_vq;    /* arm64 SVE vector length in 128-bit words, 0 = none */
    uint8_t pa_bits;   /* guest physical address bits */
};

/* Types are the numbers of the Z packets. */
enum gd_point_type { GD_SW = 0, GD_HW = 1, GD_WRITE = 2, GD_READ = 3, GD_ACCESS = 4 };

/* A hardware point as the encoder sees it. */
struct gd_hw_want {
    enum gd_point_type type; /* GD_HW, GD_WRITE, GD_READ or GD_ACCESS */
    uint64_t addr, len;
    bool linked;      /* only where the context identifier equals context */
    uint64_t context; /* arm64: CONTEXTIDR_EL1 */
    bool raw;         /* pair is taken as it is; addr and len only describe it */
    struct gd_hw_pair pair;
    uint16_t slots; /* out: bits of the b or w pairs that serve it */
};

/* Why the hardware or the back end left the guest. */
enum gd_exit_kind {
    GD_EXIT_NONE,  /* left without an event: a kick, a signal */
    GD_EXIT_DEBUG, /* debug exception taken out of the guest */
    GD_EXIT_MMIO,  /* device access that userspace emulates; not yet completed */
    GD_EXIT_OTHER, /* anything else the VMM serves; counts as execution of one instruction */
};

struct gd_exit {
    enum gd_exit_kind kind;
    uint64_t syndrome; /* arm64: ESR_EL2. POWER: unused */
    uint64_t addr;     /* arm64 debug: FAR_EL2. POWER debug: NIP. MMIO: guest physical address */
    uint32_t len;      /* MMIO: bytes */
    bool write;        /* MMIO */
    bool after;        /* MMIO: the PC is behind the instruction already (POWER) */
};

/* What a debug exit is, before anyone is asked whether it is ours. */
enum gd_event_kind {
    GD_EV_UNKNOWN, /* not a debug event: give it to the guest */
    GD_EV_STEP,    /* an instruction was stepped */
    GD_EV_SWBP,    /* our kind of breakpoint instruction at pc */
    GD_EV_FOREIGN, /* a breakpoint instruction that is not of our kind */
    GD_EV_HWBP,    /* hardware breakpoint at pc */
    GD_EV_WATCH,   /* hardware watchpoint by the instruction at pc */
};

/* A data access of one instruction. */
struct gd_access {
    uint64_t addr;
    uint64_t len; /* bytes; 0 = could not be decoded */
    bool read, write;
    bool exclusive; /* a store-exclusive: it only succeeds inside its whole sequence */
};

struct gd_event {
    enum gd_event_kind kind;
    uint64_t pc;
    bool after;              /* HWBP, WATCH: reported after the access (POWER CIABR) */
    uint16_t slots;          /* HWBP, WATCH: pairs of our set that match, 0 = none of ours */
    struct gd_access access; /* WATCH: decoded, or len 0 with addr the reported address */
    bool masked; /* none of ours, and without us the guest would not have taken it here */
};

/* Result of a stage-1 walk. */
struct gd_xlate {
    uint64_t gpa;
    uint64_t page; /* size of the mapping in bytes; GPA is linear up to its end */
    bool writable; /* by the guest at its own level; a debugger writes anyway */
    bool executable;
    int8_t level;  /* table level of the leaf, GD_NO_LEVEL when the MMU is off */
    uint64_t desc; /* leaf descriptor, 0 when the MMU is off */
};

enum gd_use { GD_FETCH, GD_DATA };

/* How a step is made (`monitor step-mode`). AUTO: native where it works, else the architecture's. */
enum gd_step_mode {
    GD_STEP_AUTO,
    GD_STEP_NATIVE, /* the back end's own */
    GD_STEP_TRACE,  /* POWER: MSR[SE] and a fence of breakpoints on the guest's vectors */
    GD_STEP_BREAK,  /* POWER: a breakpoint on the predicted next instruction, and the fence */
};

/* One instruction of one vCPU, run alone. Kept per vCPU by the engine. */
enum gd_step_result {
    GD_STEP_ENTER, /* armed: enter the guest (again), still alone */
    GD_STEP_DONE,  /* the instruction is complete, guest state is as the guest would have it */
    GD_STEP_OTHER, /* the exit is not the step's: guest state is restored, the engine decides */
};

struct gd_step {
    uint64_t pc;
    uint32_t insn, suffix; /* suffix: second word of a POWER prefixed instruction */
    uint8_t kind, phase;   /* private to the architecture */
    uint8_t mode;          /* in: enum gd_step_mode */
    bool breaks;           /* in: a breakpoint here is to be hit: emulate nothing */
    bool show_irq;         /* in: `monitor step-irq on`, do not hold interrupts back */
    bool let_irq;          /* in: interrupts that wait may be served first; out: false, they were */
    bool lift_watch;       /* in: the engine holds our watchpoints off for this instruction */
    bool sequence;         /* in/out: run a whole exclusive sequence as one step */
    bool use_hw;           /* out: the back end's single step is wanted for this entry */
    bool waits;            /* out: the instruction waits for others; give them a slice */
    bool serves;           /* out: this entry is there for interrupts that wait: hold none back */
    bool own_points;       /* out: the guest's own points are on: keep them off */
    bool masked;           /* private: interrupts are held back through guest state */
    uint64_t save[48];     /* private */
    uint8_t ntemp;         /* out: words to plant for this run, by VA and GPA */
    struct {
        uint64_t va, gpa;
    } temp[GD_STEP_TEMPS];
};

/* One register of the target description. */
struct gd_reg {
    const char *name;
    uint16_t bits;     /* 0 = depends on the target (SVE) */
    uint8_t num;       /* number on the wire and to the back end, < GD_REG_MAX */
    const char *type;  /* type in the description, NULL = int of its size */
    const char *group; /* NULL = by type */
};

struct gd_arch {
    const char *name;   /* "aarch64", as <architecture> has it */
    uint8_t insn_len;   /* bytes of the breakpoint instruction */
    uint8_t insn_align; /* alignment of instructions */
    uint8_t tag_bits;   /* top bits of a data address that may be a tag; event() and access() give
                           addresses sign-extended from below them */
    uint8_t bp_insn[4]; /* breakpoint instruction as it stands in memory */
    uint8_t reg_pc, reg_sp;
    uint8_t g_count; /* g/G cover registers 0 .. g_count-1 (those that exist) */
    uint8_t unwind_first,
        unwind_count; /* registers behind those that unwinding needs at every stop */
    bool big_endian;  /* default wire order */
    bool bi_endian;   /* the client may choose the wire order */

    /* Size in bytes of register num for this target; 0 if it does not exist. */
    unsigned (*reg_size)(const struct gd_target *t, unsigned num);
    /* Read or write one register in little-endian bytes, reg_size() of them; there is room for
     * eight at least. Reading returns the size. GD_E_NOREG: none or unavailable. Views (arm64 sp by
     * SPSel, pauth masks) are resolved here. */
    int (*reg_get)(struct gd_cpu *c, unsigned num, uint8_t *bytes);
    int (*reg_set)(struct gd_cpu *c, unsigned num, const uint8_t *bytes);
    /* The flat target description. client_flags: GD_TD_*. */
    void (*tdesc)(const struct gd_target *t, uint32_t client_flags, struct gd_out *o);

    /* Encode n hardware points into set (cleared first). Nothing is written to hardware: this
     * is the dry run of Z and the plan of resume. GD_E_NOBREAK, _NOWATCH, _NOCONTEXT, _ALIGN,
     * _RESERVED, _UNSUPPORTED; fills wants[].slots. */
    int (*plan)(const struct gd_target *t, struct gd_hw_want *wants, size_t n,
                struct gd_hw_set *set, struct gd_why *why);

    /* Stage-1 translation with the vCPU's present registers. */
    int (*translate)(struct gd_cpu *c, uint64_t va, enum gd_use use, struct gd_xlate *x,
                     struct gd_why *why);

    /* What a debug exit is. set: what of ours was loaded. */
    void (*event)(struct gd_cpu *c, const struct gd_exit *x, const struct gd_hw_set *set,
                  struct gd_event *ev);
    /* Gives a debug exit that is not ours to the guest, as the architecture would have
     * delivered it. */
    int (*inject)(struct gd_cpu *c, const struct gd_exit *x);
    /* Decodes the data access of the instruction at pc; len 0 if it has none or is unknown. */
    void (*access)(struct gd_cpu *c, uint64_t pc, struct gd_access *a);

    /* Begins a step at the present PC. GD_STEP_ENTER or GD_STEP_DONE (emulated), or a
     * negative error and nothing changed. */
    int (*step_begin)(struct gd_cpu *c, struct gd_step *s);
    /* Digests an exit during the step: a gd_step_result or a negative error. temp_hit: index
     * of the planted word that was hit, -1 if none. */
    int (*step_exit)(struct gd_cpu *c, struct gd_step *s, const struct gd_exit *x, int temp_hit);
    /* The step is given up (stop request, error): put guest state right. */
    void (*step_abort)(struct gd_cpu *c, struct gd_step *s);
    /* Does an instruction end a translation-caching run (system register writes, exception
     * returns, barriers)? Used by range stepping to keep its fetch page. NULL: always. */
    bool (*insn_plain)(uint32_t insn);
    /* Sets the bits of the registers that a step of this instruction by the hardware cannot have
     * changed, even one that ended in an exception: they need not be read again. NULL: none. */
    void (*keeps)(uint32_t insn, uint64_t keep[GD_REG_WORDS]);

    /* One line on the vCPU's own debug state for `monitor slots`, or nothing. */
    void (*guest_debug)(struct gd_cpu *c, struct gd_out *o);
    /* The present context identifier (arm64 CONTEXTIDR_EL1, POWER PID). */
    int (*context)(struct gd_cpu *c, uint64_t *value);
    /* `monitor walk VA`: every level of the walk, a line each. */
    void (*walk_print)(struct gd_cpu *c, uint64_t va, struct gd_out *o);

    /* Where debug events of the hardware arrive at the guest's own vectors (POWER), the words
     * that must stand planted while set is loaded. Fills at most max, returns the count; 0 when
     * set needs none. To be asked again when guest translation may have changed. event() says
     * what a hit is: WATCH or HWBP, with guest state rolled back to before the interrupt, or
     * SWBP when it is the guest's. NULL: none. */
    unsigned (*fence)(struct gd_cpu *c, const struct gd_hw_set *set, uint64_t *va, uint64_t *gpa,
                      unsigned max);
    /* The instruction at pc, under such a word and not ours to report, emulated: true, or
     * false when it has to be stepped. NULL: always stepped. */
    bool (*pass)(struct gd_cpu *c);
    /* Can a planted word at va, which lies at gpa, be a breakpoint? 0, or an error. NULL: everywhere. */
    int (*breakable)(struct gd_cpu *c, uint64_t va, uint64_t gpa, struct gd_why *why);
    bool after_mmio;     /* KVM leaves at a device access with the PC behind the instruction */
    bool hbreak_is_soft; /* GD_HW is a planted word wherever memory can be written */
    bool hbreak_after;   /* a breakpoint register stops behind its instruction (POWER CIABR) */
};

#define GD_TD_PAUTH_V2 1u /* GDB >= 14: org.gnu.gdb.aarch64.pauth_v2 is understood */

extern const struct gd_arch gd_arch_arm64;
extern const struct gd_arch gd_arch_ppc64;

#endif
