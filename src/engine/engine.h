/* SPDX-License-Identifier: MIT */
/*
 * What stops a guest and how it goes on. The back end calls gd_vcpu_enter() before and
 * gd_vcpu_exit() after every guest entry, on the thread that owns the vCPU; one control thread
 * (the protocol session's) calls the rest. No locks: a plan is changed only while every vCPU is
 * parked, per-vCPU state belongs to the vCPU's thread until it parks, and one atomic word per
 * vCPU carries requests.
 */
#ifndef GD_ENGINE_H
#define GD_ENGINE_H

#include <stdatomic.h>

#include "arch/arch.h"
#include "engine/backend.h"
#include "engine/cpu.h"

/* ---- stops and actions ---- */

enum gd_reason {
    GD_STOP_NONE,
    GD_STOP_STEP, /* a step or a range step ended */
    GD_STOP_SWBREAK,
    GD_STOP_HWBREAK,
    GD_STOP_WATCH,     /* type says write, read or access; addr lies in the watched range */
    GD_STOP_INTERRUPT, /* asked for by the client */
    GD_STOP_HALTED,    /* vCont;t, or stopped before the first instruction */
    GD_STOP_ERROR,     /* could not go on: gd_stop.error */
    GD_STOP_EXITED,    /* the VM ended; addr = status */
};

struct gd_stop {
    enum gd_reason reason;
    unsigned vcpu;
    enum gd_point_type type; /* GD_STOP_WATCH */
    uint64_t addr;           /* GD_STOP_WATCH; GD_STOP_EXITED */
    bool before;             /* GD_STOP_WATCH: the access has not been done yet */
    bool after;              /* a breakpoint: the instruction has been executed */
    int error;               /* GD_STOP_ERROR */
    uint16_t point;          /* index + 1 of the point whose hit this is */
};

enum gd_mode {
    GD_HALT = 0, /* stays stopped */
    GD_RUN,
    GD_STEP,
    GD_RANGE, /* step while start <= PC < end; at least one step */
};

struct gd_action {
    enum gd_mode mode;
    uint64_t start, end; /* GD_RANGE */
};

/* ---- points ---- */

struct gd_point {
    struct gd_hw_want want; /* type (also GD_SW), addr, len, context, slots */
    bool wanted;            /* the client has it inserted */
    bool as_hw;       /* a hardware slot, since its address did not translate to writable memory */
    uint16_t next_va; /* hash chain by VA, index + 1 */
    uint16_t patch;   /* index + 1 of the planted word; 0: in debug registers */
    uint64_t ignore;  /* hits still to be passed over silently (`monitor ignore`) */
    _Atomic uint64_t hits; /* passed over silently, or told to the client */
};

/* A word of guest memory that is or shall be a breakpoint instruction. */
struct gd_patch {
    uint64_t gpa;
    uint16_t refs;       /* wanted points on it */
    uint16_t next;       /* hash chain by GPA, index + 1; free list */
    uint16_t dirty_next; /* chain of patches to be looked at on resume, index + 1 */
    bool dirty, planted;
    uint8_t saved[4];
};

/* ---- the engine ---- */

enum gd_vcpu_state { GD_PARKED = 0, GD_FREE, GD_LOST };

/* AWAY: it is off, and the VMM may set its registers. BACK: it was turned on with others. In both states what is
 * known of them is read anew by whoever owns it. */
enum gd_presence { GD_HERE = 0, GD_AWAY, GD_BACK };

struct gd_vcpu {
    _Atomic uint32_t request;  /* GD_REQ_* */
    _Atomic uint32_t state;    /* enum gd_vcpu_state */
    _Atomic uint32_t presence; /* enum gd_presence */
    struct gd_action action;
    struct gd_stop stop; /* why it parked; reason NONE = because all stop */
    uint64_t stop_seq;   /* order of stops, 0 = none unreported */
    uint64_t told_pc;    /* where the client was told of a hit before the instruction */
    bool told;           /* told_pc is valid: the instruction there is stepped over */
    bool told_watch;     /* ... and the stop was before a watched access */
    bool resumed;        /* was let go by the last resume */
    bool stepping;       /* arch step in flight */
    bool step_over;      /* over_pc is stepped by us, not by the client */
    bool over_watch;     /* ... with our watchpoints lifted */
    bool
        delivered; /* a step with watchpoints lifted ended at delivered_pc, a vector of the guest's */
    bool move_fence; /* an exit has shown the guest's vectors elsewhere */
    uint64_t over_pc, delivered_pc;
    struct gd_stop after; /* reason not NONE: to be reported when that step is done */
    struct gd_step step;
    uint64_t armed;        /* generation of the plan in its debug hardware */
    uint32_t since_slice;  /* steps since the others last had a slice */
    uint32_t since_irq;    /* ... since interrupts of this one were last served */
    uint64_t others_exits; /* exits that the others had when this one was last let go */
    struct gd_why why;
    struct gd_counts {
        uint64_t exits, steps, step_overs, false_hits, injected, slices;
    } n;
    struct gd_cpu cpu; /* large, hence last: what is near the start is reached by shorter code */
};

#define GD_REQ_STOP 1u
#define GD_REQ_RUN                                                                                 \
    2u /* forget what the client wanted and just run: it left while this one was lost */
#define GD_CONTEXT_RULES 8
#define GD_FENCE_MAX     16
#define GD_HW_POINTS     (2 * GD_HW_MAX)

struct gd_engine_config {
    const struct gd_target *target;
    const struct gd_backend *be;
    void *be_ctx;
    struct gd_vcpu *vcpus;
    unsigned nvcpus;
    struct gd_point *points;
    unsigned npoints;
    struct gd_patch *patches; /* as many as points */
    uint16_t *hash;           /* 2 << hash_bits entries */
    unsigned hash_bits;
    bool start_halted;           /* vCPUs stop before their first instruction */
    enum gd_step_mode step_mode; /* how steps are made unless the client says otherwise */
};

struct gd_engine {
    struct gd_engine_config cfg;
    const struct gd_arch *arch;
    uint64_t generation;
    bool plan_dirty, any_hw;
    bool attached; /* a client is connected */
    bool wrote;    /* guest memory, since the last resume */
    bool step_irq; /* `monitor step-irq on` */
    bool time_held;
    bool exit_told;
    enum gd_step_mode step_mode; /* `monitor step-mode` */
    unsigned stepper;            /* the first that the last resume let go to step; nvcpus: none */
    unsigned npoint_used;        /* points below this were used at least once */
    unsigned nhw;
    uint16_t npatch_used, free_patch, dirty_patch, recycle;
    unsigned nplanted; /* patches whose word stands in guest memory */
    unsigned nfence;
    struct gd_why why; /* last error of a client call, for `monitor why` */
    _Atomic uint64_t stop_seq;
    _Atomic uint32_t exited;  /* 1 + exit status once the VM ended */
    enum gd_reason interrupt; /* asked to stop: GD_STOP_INTERRUPT or _HALTED, else _NONE */
    unsigned interrupt_vcpu;
    unsigned ntemp;
    uint16_t lifted_patch;        /* index + 1 */
    uint16_t hw[GD_HW_POINTS];    /* points in debug registers, index + 1, in order of the table */
    uint16_t fence[GD_FENCE_MAX]; /* patches on the guest's vectors, index + 1 (POWER) */
    /* `monitor context`: hardware points inserted from now on fire only where the context
     * identifier equals id; with has_addr only those at addr. */
    struct gd_context_rule {
        bool on, has_addr;
        uint64_t id, addr;
    } context[GD_CONTEXT_RULES];
    struct gd_hw_set set;                  /* the published plan */
    struct gd_hw_want wants[GD_HW_POINTS]; /* hw as the architecture gets them to encode */
    /* words planted or lifted for the one vCPU that runs alone */
    struct {
        uint64_t gpa;
        uint8_t saved[4];
    } temp[GD_STEP_TEMPS];
};

int gd_engine_init(struct gd_engine *e, const struct gd_engine_config *cfg);

/* Control thread. The client may call read/insert only while all vCPUs are stopped. */
void gd_engine_attach(struct gd_engine *e); /* a client came: ask all to stop */
/* The client left: every point is gone from guest and hardware, all vCPUs run (resume) or
 * stay stopped. If some still run they are asked to stop first; call again after notify until
 * it returns true. */
bool gd_engine_detach(struct gd_engine *e, bool resume);
void gd_engine_interrupt(struct gd_engine *e, unsigned vcpu); /* ^C: ask all to stop */
bool gd_engine_stopped(const struct gd_engine *e);            /* every vCPU is parked (or lost) */
/* vCPUs that did not answer for too long are counted as lost, so that a stop can be shown. */
void gd_engine_give_up(struct gd_engine *e);
/* The next stop to be told to the client; false if there is none yet. All vCPUs are parked. */
bool gd_engine_take_stop(struct gd_engine *e, struct gd_stop *stop);
/* Resume with the final action of every vCPU (array of nvcpus). An error means that nothing
 * was resumed: a plan that cannot be loaded, memory that cannot be planted, a step of a lost vCPU. */
int gd_engine_resume(struct gd_engine *e, const struct gd_action *actions);
void gd_engine_vm_exited(struct gd_engine *e, int status); /* any thread */
/* Guest memory was replaced (reset, reload): planted words are planted anew on resume. Every
 * vCPU is out of the guest. */
void gd_engine_reset(struct gd_engine *e);

/* Is there such a vCPU, now? */
bool gd_engine_has(const struct gd_engine *e, unsigned vcpu);

/* Points, by the numbers of the Z packets. Idempotent. vcpu: whose tables translate. */
int gd_engine_insert(struct gd_engine *e, unsigned vcpu, enum gd_point_type type, uint64_t addr,
                     uint64_t len);
int gd_engine_remove(struct gd_engine *e, unsigned vcpu, enum gd_point_type type, uint64_t addr,
                     uint64_t len);
/* A hardware pair given raw; watch = the w bank. Reserved combinations are refused. */
int gd_engine_insert_raw(struct gd_engine *e, bool watch, struct gd_hw_pair pair);
int gd_engine_remove_raw(struct gd_engine *e, bool watch, struct gd_hw_pair pair);
void gd_engine_remove_all(struct gd_engine *e);
/* The next n hits of the breakpoint at addr are counted and passed over. */
int gd_engine_ignore(struct gd_engine *e, uint64_t addr, uint64_t n);

/* Sets (on) or drops a context rule; addr NULL = for every hardware point. Takes effect when
 * points are next inserted, as GDB does at every resume. GD_E_NOCONTEXT, GD_E_FULL. */
int gd_engine_context(struct gd_engine *e, bool on, uint64_t id, const uint64_t *addr);

/* Memory as the guest sees it (planted words hidden) through vcpu's tables, or physical. */
int gd_engine_read(struct gd_engine *e, unsigned vcpu, uint64_t va, void *buf, size_t n,
                   size_t *done);
int gd_engine_write(struct gd_engine *e, unsigned vcpu, uint64_t va, const void *buf, size_t n,
                    size_t *done);
int gd_engine_read_phys(struct gd_engine *e, uint64_t gpa, void *buf, size_t n, size_t *done);
/* A stopped vCPU for the architecture's functions; NULL, and e->why says it, where it is not stopped. */
struct gd_cpu *gd_engine_cpu(struct gd_engine *e, unsigned vcpu);
/* Registers in little-endian bytes, as gd_arch.reg_get and reg_set. */
int gd_engine_reg_get(struct gd_engine *e, unsigned vcpu, unsigned num, uint8_t *bytes);
int gd_engine_reg_set(struct gd_engine *e, unsigned vcpu, unsigned num, const uint8_t *bytes);

/* Text for `monitor slots` and `monitor stats`. */
void gd_engine_print_slots(struct gd_engine *e, struct gd_out *o);
void gd_engine_print_stats(struct gd_engine *e, struct gd_out *o);

/* ---- the vCPU's own thread ---- */

enum gd_entry {
    GD_ENTER,       /* enter the guest, others may run */
    GD_ENTER_ALONE, /* hold the others, then call gd_vcpu_enter() again with alone = true; if
                       already alone: enter the guest */
    GD_PARK,        /* do not enter; the vCPU is parked: wait until its state is not GD_PARKED */
    GD_SLICE,       /* let go of the others for one slice, then call again */
};

/* Decides the next entry and prepares it (registers flushed, debug hardware armed). alone:
 * the back end holds all others, which are then neither in the guest nor between an exit and
 * gd_vcpu_exit(). When it held them and the answer is not GD_ENTER_ALONE, words planted for the
 * run alone are already taken back and the back end lets the others go. */
enum gd_entry gd_vcpu_enter(struct gd_engine *e, unsigned vcpu, bool alone);

/* The vCPU is out of the guest between two instructions, and others may read and write its registers. */
void gd_vcpu_lend(struct gd_engine *e, unsigned vcpu);
/* The vCPU was turned off by its guest and will not enter it for long: a step of it is over. */
void gd_vcpu_off(struct gd_engine *e, unsigned vcpu);
/* If its registers were set by the VMM: forgets those that are known. For the vCPU's owner of the moment. */
void gd_vcpu_look_anew(struct gd_vcpu *v);

enum gd_verdict {
    GD_NOT_DEBUG, /* the exit is the VMM's to serve */
    GD_AGAIN,     /* call gd_vcpu_enter() again */
};

/* Judges an exit, while the vCPU still counts as inside for those who want to run alone. Every
 * stop it finds is recorded and shows as GD_PARK at the next enter. GD_EXIT_MMIO: called before
 * the VMM serves the access. GD_EXIT_OTHER: called after an exit that the VMM served (device
 * access, hypercall) is complete, before the next enter. */
enum gd_verdict gd_vcpu_exit(struct gd_engine *e, unsigned vcpu, const struct gd_exit *x);
/* The same where no device is emulated, hence without GD_EXIT_MMIO. */
enum gd_verdict gd_vcpu_left(struct gd_engine *e, unsigned vcpu, const struct gd_exit *x);
/* Is a stop asked for? The back end checks after publishing that it is about to enter. */
bool gd_vcpu_wanted(const struct gd_engine *e, unsigned vcpu);

#endif
