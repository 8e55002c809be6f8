/* SPDX-License-Identifier: MIT */
/* The back end of fake.h, and the interpreter of its vCPUs. */
#include "fake.h"

#include <string.h>

#include "base/bits.h"

#define PIECE 7 /* instructions that one vCPU runs before the next one's turn */

/* ---- struct gd_backend ---- */

static int reg_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    struct fake *f = ctx;

    if (num >= FAKE_NREGS)
        return GD_E_NOREG;
    *value = f->v[vcpu].reg[num];
    return 0;
}

static int reg_set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    struct fake *f = ctx;

    if (num >= FAKE_NREGS)
        return GD_E_NOREG;
    f->v[vcpu].reg[num] = value;
    return 0;
}

static int wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n)
{
    struct fake *f = ctx;

    if (num != FAKE_V0 || n != sizeof(f->v[vcpu].v0))
        return GD_E_NOREG;
    memcpy(bytes, f->v[vcpu].v0, n);
    return 0;
}

static int wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n)
{
    struct fake *f = ctx;

    if (num != FAKE_V0 || n != sizeof(f->v[vcpu].v0))
        return GD_E_NOREG;
    memcpy(f->v[vcpu].v0, bytes, n);
    return 0;
}

static bool within(uint64_t gpa, size_t len, uint64_t base, uint64_t size)
{
    return gpa >= base && len <= size && gpa - base <= size - len;
}

static void *mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    struct fake *f = ctx;

    *error = GD_E_BACKEND; /* of a success nobody may look at it */
    if (within(gpa, len, FAKE_RAM, FAKE_RAM_SIZE))
        return f->ram + (gpa - FAKE_RAM);
    if (within(gpa, len, FAKE_ROM, FAKE_PAGE) && !write)
        return f->rom + (gpa - FAKE_ROM);
    *error = within(gpa, len, FAKE_ROM, FAKE_PAGE)      ? GD_E_READONLY
             : within(gpa, len, FAKE_DEVICE, FAKE_PAGE) ? GD_E_DEVICE
                                                        : GD_E_NOTRAM;
    return NULL;
}

static void sync_code(void *ctx, void *host, size_t len)
{
    struct fake *f = ctx;
    uint8_t *p = host;

    if (p >= f->ram && p < f->ram + FAKE_RAM_SIZE &&
        (size_t)(p - f->ram) % FAKE_PAGE + len <= FAKE_PAGE)
        memcpy(f->fetched + (p - f->ram), p, len);
}

static int arm(void *ctx, unsigned vcpu, const struct gd_arm *a)
{
    struct fake *f = ctx;
    struct fake_vcpu *v = &f->v[vcpu];

    v->arm = *a;
    if (a->hw)
        v->set = *a->set;
    else
        memset(&v->set, 0, sizeof(v->set));
    for (unsigned i = 0; i < GD_HW_MAX; i++) {
        if (a->lift_b >> i & 1)
            v->set.b[i].ctrl = 0;
        if (a->lift_w >> i & 1)
            v->set.w[i].ctrl = 0;
    }
    return 0;
}

static void kick(void *ctx, unsigned vcpu)
{
    ((struct fake *)ctx)->v[vcpu].kicked = true;
}

static void wake(void *ctx)
{
    (void)ctx;
}

static void notify(void *ctx)
{
    ((struct fake *)ctx)->notified++;
}

static void time_hold(void *ctx)
{
    ((struct fake *)ctx)->time_held = true;
}

static void time_release(void *ctx)
{
    ((struct fake *)ctx)->time_held = false;
}

static bool exists(void *ctx, unsigned vcpu)
{
    return !(((struct fake *)ctx)->absent >> vcpu & 1);
}

static const char *state(void *ctx, unsigned vcpu)
{
    return ((struct fake *)ctx)->v[vcpu].executed ? "running" : "not started";
}

static const struct gd_backend backend = {
    .reg_get = reg_get,
    .reg_set = reg_set,
    .wide_get = wide_get,
    .wide_set = wide_set,
    .mem = mem,
    .sync_code = sync_code,
    .arm = arm,
    .kick = kick,
    .wake = wake,
    .notify = notify,
    .time_hold = time_hold,
    .time_release = time_release,
    .exists = exists,
    .state = state,
};

/* ---- set-up ---- */

int fake_engine(struct fake *f, bool halted)
{
    struct gd_engine_config cfg = {
        .target = &f->target,
        .be = &backend,
        .be_ctx = f,
        .vcpus = f->vcpus,
        .nvcpus = f->nvcpus,
        .points = f->points,
        .npoints = FAKE_POINTS,
        .patches = f->patches,
        .hash = f->hash,
        .hash_bits = 6,
        .start_halted = halted,
    };

    return gd_engine_init(&f->e, &cfg);
}

void fake_word(struct fake *f, uint64_t gpa, uint32_t insn)
{
    gd_store_le(f->ram + (gpa - FAKE_RAM), insn, 4);
    gd_store_le(f->truth + (gpa - FAKE_RAM), insn, 4);
    gd_store_le(f->fetched + (gpa - FAKE_RAM), insn, 4);
}

void fake_open(struct fake *f, unsigned nvcpus, bool halted)
{
    memset(f, 0, offsetof(struct fake, v));
    memset(f->v, 0, nvcpus * sizeof(f->v[0]));
    f->nvcpus = nvcpus;
    f->alone = f->notified = 0;
    f->time_held = f->code_locked = false;
    f->target = (struct gd_target){
        .arch = &gd_arch_fake,
        .hw = { .nbreak = 4, .nwatch = 4, .context = 8, .step = true, .sw_break = true },
        .pa_bits = 40,
    };
    for (unsigned i = 0; i < nvcpus; i++) {
        f->v[i].reg[FAKE_PC] = FAKE_RAM;
        f->v[i].reg[FAKE_SP] = FAKE_RAM + FAKE_RAM_SIZE;
        f->v[i].reg[FAKE_RO] = 0x1234;
    }
    fake_word(f, FAKE_RAM + FAKE_PAGE - 4, FAKE_INSN(FAKE_JUMP, 0, 0x01, 0xfc));
    (void)fake_engine(f, halted);
}

/* ---- the interpreter ---- */

static uint8_t *guest(struct fake *f, uint64_t va, size_t n, bool write)
{
    uint64_t gpa;
    int err;

    return fake_translate(va, &gpa) ? mem(f, gpa, n, write, &err) : NULL;
}

static void take_exception(struct fake_vcpu *v)
{
    v->reg[FAKE_SYS] = v->reg[FAKE_PC];
    v->reg[FAKE_PC] = FAKE_VECTOR;
}

static void store(struct fake *f, uint8_t *p, uint64_t value, unsigned n)
{
    size_t at = (size_t)(p - f->ram);

    if (f->code_locked && (at < FAKE_RAM_SIZE / 2 || memcmp(p, f->truth + at, n)))
        return;
    gd_store_le(p, value, n);
    gd_store_le(f->truth + at, value, n);
    gd_store_le(f->fetched + at, value, n);
}

static bool watched(const struct fake_vcpu *v, uint64_t addr, unsigned n, bool write)
{
    for (unsigned i = 0; i < GD_HW_MAX; i++)
        if (fake_watch_hits(&v->set.w[i], addr, n, write))
            return true;
    return false;
}

static bool stopped_at(const struct fake_vcpu *v, uint64_t pc)
{
    for (unsigned i = 0; i < GD_HW_MAX; i++)
        if (fake_break_hits(&v->set.b[i], pc))
            return true;
    return false;
}

static bool debug_exit(struct gd_exit *x, unsigned why)
{
    *x = (struct gd_exit){ .kind = GD_EXIT_DEBUG, .syndrome = why };
    return true;
}

/* A load or store; true if it left the guest. */
static bool access(struct fake *f, struct fake_vcpu *v, uint32_t insn, struct gd_exit *x)
{
    unsigned a = insn >> 8 & 15, n = 1u << (insn >> 24 & 3);
    bool write = (insn & 0xff) == FAKE_STORE;
    uint64_t addr = v->reg[insn >> 16 & 15];
    uint8_t *p = guest(f, addr, n, write);

    if (watched(v, addr, n, write))
        return debug_exit(x, FAKE_EX_WATCH);
    if (!p) {
        take_exception(v);
        return false;
    }
    if (write)
        store(f, p, v->reg[a], n);
    else
        v->reg[a] = gd_load_le(p, n);
    v->reg[FAKE_PC] += 4;
    return false;
}

/* One instruction; true if it left the guest, with *x. */
static bool execute(struct fake *f, struct fake_vcpu *v, struct gd_exit *x)
{
    uint64_t pc = v->reg[FAKE_PC];
    const uint8_t *p = guest(f, pc, 4, false);
    bool in_ram = p && p >= f->ram && p < f->ram + FAKE_RAM_SIZE;
    uint32_t insn = p ? (uint32_t)gd_load_le(in_ram ? f->fetched + (p - f->ram) : p, 4) : 0;

    if (stopped_at(v, pc))
        return debug_exit(x, FAKE_EX_HWBREAK);
    if ((insn & 0xff) == FAKE_BREAK && v->arm.sw)
        return debug_exit(x, FAKE_EX_BREAK);
    v->executed++;
    switch (insn & 0xff) {
    case FAKE_ADDI:
        v->reg[insn >> 8 & 15] += (uint64_t)(int8_t)(insn >> 16);
        break;
    case FAKE_LOAD:
    case FAKE_STORE:
        if (access(f, v, insn, x))
            return true;
        goto done;
    case FAKE_JUMP:
        v->reg[FAKE_PC] = pc + (uint64_t)(4 * (int64_t)(int16_t)(insn >> 16));
        goto done;
    case FAKE_BREAK:
        take_exception(v);
        goto done;
    case FAKE_CALL:
        v->reg[FAKE_PC] += 4;
        *x = (struct gd_exit){ .kind = GD_EXIT_OTHER };
        return true;
    default:
        if (!p) {
            take_exception(v);
            goto done;
        }
    }
    v->reg[FAKE_PC] += 4;
done:
    return v->arm.step && debug_exit(x, FAKE_EX_STEP);
}

bool fake_execute(struct fake *f, unsigned vcpu, struct gd_exit *x)
{
    return execute(f, &f->v[vcpu], x);
}

/* In the guest until something makes it leave. */
static struct gd_exit inside(struct fake *f, struct fake_vcpu *v, unsigned *budget)
{
    struct gd_exit x = { .kind = GD_EXIT_NONE };

    while (!v->kicked && *budget) {
        --*budget;
        if (execute(f, v, &x))
            break;
    }
    v->kicked = false;
    return x;
}

bool fake_run(struct fake *f, unsigned vcpu, unsigned n)
{
    bool mine;

    for (;;) {
        mine = f->alone == vcpu + 1;
        if (f->alone && !mine)
            return false;
        if (n == 0)
            return true;
        switch (gd_vcpu_enter(&f->e, vcpu, mine)) {
        case GD_PARK:
            if (mine)
                f->alone = 0;
            return false;
        case GD_SLICE:
            f->alone = 0;
            return true;
        case GD_ENTER_ALONE:
            f->alone = vcpu + 1;
            if (!mine)
                continue;
            break;
        case GD_ENTER:
            if (mine)
                f->alone = 0;
            break;
        }
        struct gd_exit x = inside(f, &f->v[vcpu], &n);

        (void)gd_vcpu_exit(&f->e, vcpu, &x);
    }
}

void fake_run_all(struct fake *f, unsigned n)
{
    bool any = true;

    for (unsigned done = 0; any && done < n; done += PIECE) {
        any = false;
        for (unsigned i = 0; i < f->nvcpus; i++)
            any |= fake_run(f, i, n - done < PIECE ? n - done : PIECE);
    }
}

/* ---- traces ---- */

void fake_settle(struct fake *f)
{
    size_t done;

    (void)gd_engine_read_phys(&f->e, FAKE_RAM, f->truth, FAKE_RAM_SIZE, &done);
}

const char *fake_traces(struct fake *f)
{
    static const struct gd_hw_set none;

    for (unsigned i = 0; i < f->nvcpus; i++) {
        if (!fake_run(f, i, 1))
            continue;
        if (memcmp(&f->v[i].set, &none, sizeof(none)))
            return "debug registers are armed";
        if (f->v[i].arm.step || f->v[i].arm.sw)
            return "step or breakpoint instructions are still diverted";
    }
    if (memcmp(f->ram, f->truth, FAKE_RAM_SIZE))
        return "guest memory differs";
    return NULL;
}
