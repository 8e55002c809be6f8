/* SPDX-License-Identifier: MIT */
/*
 * A stopped vCPU as architecture code sees it: registers through a write-back cache, guest
 * memory through translation. Owned by the vCPU's thread while it runs, by the control thread
 * while it is parked.
 */
#ifndef GD_CPU_H
#define GD_CPU_H

#include "arch/arch.h"
#include "engine/backend.h"

/* Registers up to 64 bits, cached: read from the back end at most once per exit, written back
 * before the next entry only where the value differs from what the hardware holds. */
struct gd_engine;

struct gd_cpu {
    const struct gd_target *target;
    const struct gd_backend *be;
    void *be_ctx;
    unsigned index;     /* vCPU number */
    struct gd_why *why; /* where errors are explained; never NULL */
    uint64_t known[GD_REG_WORDS], dirty[GD_REG_WORDS];
    /* last fetched code page: code does not move under a run of steps without an instruction that
     * insn_plain() denies, another vCPU that ran, or a client that wrote */
    uint64_t page_va, page_gpa, page_len;
    const uint8_t *page;      /* where it is in the host; NULL: not all of it is memory */
    struct gd_engine *engine; /* whose planted words reads hide; NULL: none (unit tests) */
    uint64_t hw[GD_REG_MAX];  /* what the hardware holds, where known */
    uint64_t val[GD_REG_MAX]; /* what the guest shall see */
};

/* Is the register in the cache? */
static inline bool gd_cpu_knows(const struct gd_cpu *c, unsigned num)
{
    return num < GD_REG_MAX && c->known[num / 64] >> num % 64 & 1;
}
/* Narrow registers by the architecture's raw numbers. gd_cpu_load() is for those that are not known. */
int gd_cpu_load(struct gd_cpu *c, unsigned num, uint64_t *value);
static inline int gd_cpu_get(struct gd_cpu *c, unsigned num, uint64_t *value)
{
    if (!gd_cpu_knows(c, num))
        return gd_cpu_load(c, num, value);
    *value = c->val[num];
    return 0;
}
int gd_cpu_set(struct gd_cpu *c, unsigned num, uint64_t value);
/* As get, for registers that every back end has; 0 if the back end fails (error in c->why). */
static inline uint64_t gd_cpu_reg(struct gd_cpu *c, unsigned num)
{
    uint64_t value = 0;

    gd_cpu_get(c, num, &value);
    return value;
}

/* Registers wider than 64 bits, straight to the back end, little-endian bytes. */
int gd_cpu_get_wide(struct gd_cpu *c, unsigned num, uint8_t *bytes, size_t n);
int gd_cpu_set_wide(struct gd_cpu *c, unsigned num, const uint8_t *bytes, size_t n);
/* Write dirty registers to the back end; forget all values (after the guest ran), dropping
 * what was not flushed; forget the cached code page. */
int gd_cpu_flush(struct gd_cpu *c);
void gd_cpu_forget(struct gd_cpu *c);
/* The same, but for the registers whose bits are set. */
void gd_cpu_forget_but(struct gd_cpu *c, const uint64_t keep[GD_REG_WORDS]);
/* What the hardware holds is known without a look. */
void gd_cpu_learn(struct gd_cpu *c, unsigned num, uint64_t value);
/* One register, unless it is still to be written. */
void gd_cpu_forget_reg(struct gd_cpu *c, unsigned num);
void gd_cpu_drop_page(struct gd_cpu *c);

/* Guest physical memory, n bytes inside one page-sized piece; planted words are hidden from
 * reads. GD_E_NOTRAM, _DEVICE, _READONLY, _HIDDEN. */
int gd_cpu_read_phys(struct gd_cpu *c, uint64_t gpa, void *buf, size_t n);
int gd_cpu_write_phys(struct gd_cpu *c, uint64_t gpa, const void *buf, size_t n);
/* An aligned 64-bit load for page-table walks, host byte order of a little-endian value. */
int gd_cpu_load64(struct gd_cpu *c, uint64_t gpa, uint64_t *value);
/* The instruction word at va as it stands in memory without our breakpoints, little-endian.
 * Uses the cached page. */
int gd_cpu_fetch(struct gd_cpu *c, uint64_t va, uint32_t *insn);
/* Virtual memory through the vCPU's tables; crosses pages; *done bytes were moved. */
int gd_cpu_read(struct gd_cpu *c, uint64_t va, void *buf, size_t n, size_t *done);
int gd_cpu_write(struct gd_cpu *c, uint64_t va, const void *buf, size_t n, size_t *done);

#endif
