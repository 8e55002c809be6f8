/* SPDX-License-Identifier: MIT */
/* The fake guest and its engine; support_engine.h. */
#include "support_engine.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/bits.h"

struct fake f;

static void greet(void)
{
    struct gd_stop s;

    gd_engine_attach(&f.e);
    assert_true(gd_engine_take_stop(&f.e, &s));
    assert_int_equal(s.reason, GD_STOP_HALTED);
}

void engine_anew(const struct gd_arch *arch, const struct gd_backend *be)
{
    struct gd_engine_config cfg = f.e.cfg;

    f.target.arch = arch;
    if (be)
        cfg.be = be;
    assert_int_equal(gd_engine_init(&f.e, &cfg), 0);
    greet();
}

void engine_begin_with(unsigned nvcpus, const struct gd_arch *arch, const struct gd_backend *be)
{
    fake_open(&f, nvcpus, true);
    engine_anew(arch, be);
}

void engine_begin(unsigned nvcpus)
{
    engine_begin_with(nvcpus, &gd_arch_fake, NULL);
}

void engine_loop(unsigned n)
{
    uint16_t back = (uint16_t) - (int)n;

    fake_word(&f, CODE + 4ULL * n, FAKE_INSN(FAKE_JUMP, 0, back & 0xff, back >> 8));
}

void engine_go_one(unsigned vcpu, enum gd_mode mode, enum gd_mode rest)
{
    struct gd_action a[FAKE_VCPUS] = { { .mode = GD_HALT } };

    for (unsigned i = 0; i < f.nvcpus; i++)
        a[i].mode = i == vcpu ? mode : rest;
    assert_int_equal(gd_engine_resume(&f.e, a), 0);
}

void engine_go(enum gd_mode mode)
{
    engine_go_one(0, mode, mode);
}

struct gd_stop engine_stop(void)
{
    struct gd_stop s;

    fake_run_all(&f, 4000);
    assert_true(gd_engine_take_stop(&f.e, &s));
    for (unsigned i = 0; i < f.nvcpus; i++)
        assert_int_not_equal(atomic_load(&f.vcpus[i].state), GD_FREE);
    assert_true(f.time_held);
    return s;
}

void engine_both_hit(void)
{
    fake_run(&f, 0, 100);
    atomic_store(&f.vcpus[1].request, 0);
    f.v[1].kicked = false;
    fake_run(&f, 1, 100);
    assert_int_equal(atomic_load(&f.vcpus[0].state), GD_PARKED);
    assert_int_equal(atomic_load(&f.vcpus[1].state), GD_PARKED);
}

uint64_t engine_reg(unsigned vcpu, unsigned num)
{
    uint8_t bytes[8];

    assert_int_equal(gd_engine_reg_get(&f.e, vcpu, num, bytes), 8);
    return gd_load_le(bytes, 8);
}

uint64_t engine_pc(unsigned vcpu)
{
    return engine_reg(vcpu, FAKE_PC);
}

void engine_set_pc(unsigned vcpu, uint64_t pc)
{
    uint8_t bytes[8];

    gd_store_le(bytes, pc, 8);
    assert_int_equal(gd_engine_reg_set(&f.e, vcpu, FAKE_PC, bytes), 0);
}

uint64_t engine_hits(uint64_t addr)
{
    uint64_t hits = 0;

    for (unsigned i = 0; i < f.e.npoint_used; i++)
        if (f.points[i].want.addr == addr)
            hits += atomic_load(&f.points[i].hits);
    return hits;
}
