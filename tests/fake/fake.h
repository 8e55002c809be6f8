/* SPDX-License-Identifier: MIT */
/*
 * A back end of byte arrays and made-up vCPUs, which run only when a test says so: everything
 * happens on the caller's thread, in an order that the test chooses.
 */
#ifndef FAKE_H
#define FAKE_H

#include "arch_fake.h"
#include "engine/engine.h"

#define FAKE_VCPUS    64
#define FAKE_POINTS   128
#define FAKE_RAM      0x10000ULL /* guest physical, 64 KiB; code in the first half by convention */
#define FAKE_RAM_SIZE 0x10000u
#define FAKE_ROM      0x30000ULL /* one read-only page */
#define FAKE_DEVICE   0x40000ULL /* one page that is not memory */
#define FAKE_PAGE     0x1000u

struct fake_vcpu {
    uint64_t reg[FAKE_NREGS];
    uint8_t v0[16];
    struct gd_hw_set set; /* what the debug hardware holds now */
    struct gd_arm arm;    /* .set is not valid */
    bool kicked;
    uint64_t executed; /* instructions */
};

struct fake {
    uint8_t ram[FAKE_RAM_SIZE], rom[FAKE_PAGE];
    uint8_t truth[FAKE_RAM_SIZE]; /* RAM as it is without any debugger: guest stores go here too */
    uint8_t
        fetched[FAKE_RAM_SIZE]; /* RAM as instruction fetch sees it: what was written and synced */
    struct fake_vcpu v[FAKE_VCPUS];
    unsigned nvcpus;
    unsigned alone;  /* vCPU + 1 that holds all others */
    uint64_t absent; /* bit n: vCPU n is not there yet */
    unsigned notified;
    bool time_held;
    bool code_locked; /* guest stores to the first half of RAM or to a planted word do nothing */
    struct gd_target target;
    struct gd_engine e;
    struct gd_vcpu vcpus[FAKE_VCPUS];
    struct gd_point points[FAKE_POINTS];
    struct gd_patch patches[FAKE_POINTS];
    uint16_t hash[2 << 6];
};

/* nvcpus of them at the start of RAM, which is NOPs and a jump back at the end of a page.
 * halted: they stop before their first instruction. */
void fake_open(struct fake *f, unsigned nvcpus, bool halted);
/* The engine anew over the same guest, as after a change of f->target. */
int fake_engine(struct fake *f, bool halted);
void fake_word(struct fake *f, uint64_t gpa, uint32_t insn);
/* Runs one vCPU for at most n instructions; false if it is parked (or held by another). */
bool fake_run(struct fake *f, unsigned vcpu, unsigned n);
/* One instruction of a vCPU that is in the guest, with no word to the engine; true if it left the
 * guest, with *x. For tests that bring their own threads. */
bool fake_execute(struct fake *f, unsigned vcpu, struct gd_exit *x);
/* Runs all in turn, n instructions each in small pieces, until all are parked or done. */
void fake_run_all(struct fake *f, unsigned n);
/* truth becomes what a debugger sees now; for after a client's write. All must be stopped. */
void fake_settle(struct fake *f);
/* NULL if no trace of a debugger is left in memory and debug hardware; else what is. Enters
 * every vCPU that may run once, since hardware is changed at entry. */
const char *fake_traces(struct fake *f);

#endif
