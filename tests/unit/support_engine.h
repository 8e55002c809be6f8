/* SPDX-License-Identifier: MIT */
/* The fake guest and its engine, as tests of the engine use them. */
#ifndef SUPPORT_ENGINE_H
#define SUPPORT_ENGINE_H

#include "fake.h"

#define CODE FAKE_RAM /* where every vCPU starts */
#define DATA (FAKE_RAM + FAKE_RAM_SIZE / 2)

extern struct fake f;

/* n vCPUs, attached, stopped before their first instruction, and that stop taken. */
void engine_begin(unsigned nvcpus);
void engine_begin_with(unsigned nvcpus, const struct gd_arch *arch, const struct gd_backend *be);
/* The engine anew over the same guest, likewise. be NULL: as it was. */
void engine_anew(const struct gd_arch *arch, const struct gd_backend *be);
/* Code is n NOPs and a jump back to CODE. */
void engine_loop(unsigned n);
/* Resumes, which must work: all alike, or one thus and the rest so. */
void engine_go(enum gd_mode mode);
void engine_go_one(unsigned vcpu, enum gd_mode mode, enum gd_mode rest);
/* Runs until all are stopped and takes the stop, which there must be. */
struct gd_stop engine_stop(void);
/* vCPUs 0 and 1 run into the same point before either hears of the other's stop. */
void engine_both_hit(void);
/* As the client would see them. */
uint64_t engine_reg(unsigned vcpu, unsigned num);
uint64_t engine_pc(unsigned vcpu);
void engine_set_pc(unsigned vcpu, uint64_t pc);
/* Hits of all points ever inserted at addr. */
uint64_t engine_hits(uint64_t addr);

#endif
