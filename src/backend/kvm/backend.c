/* SPDX-License-Identifier: MIT */
/*
 * The engine's view of KVM: registers, memory, debug hardware, time. Everything that a guest or
 * its VMM would see of us is in the architecture's folder; this file finds the vCPU and minds
 * exits that are still to be completed.
 */
#include "backend/kvm/kvm.h"

static struct kvm_vcpu *find(void *ctx, unsigned vcpu)
{
    struct gd_kvm *k = ctx;

    if (vcpu >= k->max || !atomic_load(&k->vcpus[vcpu].added))
        return NULL;
    return &k->vcpus[vcpu];
}

/* The vCPU with its last exit completed, for whoever is about to look at its registers. */
static struct kvm_vcpu *settled(void *ctx, unsigned vcpu)
{
    struct kvm_vcpu *v = find(ctx, vcpu);

    if (v)
        gd_kvmrun_settle(v);
    return v;
}

static int reg_get(void *ctx, unsigned vcpu, unsigned num, uint64_t *value)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_reg_get(v, num, value) : GD_E_NOTHREAD;
}

static int reg_set(void *ctx, unsigned vcpu, unsigned num, uint64_t value)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_reg_set(v, num, value) : GD_E_NOTHREAD;
}

static int block_get(void *ctx, unsigned vcpu, uint64_t *values)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_block_get(v, values) : GD_E_NOTHREAD;
}

static int block_set(void *ctx, unsigned vcpu, const uint64_t *values)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_block_set(v, values) : GD_E_NOTHREAD;
}

static int wide_get(void *ctx, unsigned vcpu, unsigned num, uint8_t *bytes, size_t n)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_wide_get(v, num, bytes, n) : GD_E_NOTHREAD;
}

static int wide_set(void *ctx, unsigned vcpu, unsigned num, const uint8_t *bytes, size_t n)
{
    struct kvm_vcpu *v = settled(ctx, vcpu);

    return v ? gd_kvmarch_wide_set(v, num, bytes, n) : GD_E_NOTHREAD;
}

static void *mem(void *ctx, uint64_t gpa, size_t len, bool write, int *error)
{
    struct gd_kvm *k = ctx;

    *error = GD_E_NOTRAM;
    for (size_t i = 0; i < k->nslots; i++) {
        const struct gd_mem_slot *s = &k->slots[i];

        if (gpa < s->gpa || gpa - s->gpa >= s->size || len > s->size - (gpa - s->gpa))
            continue;
        if (!s->hva)
            *error = GD_E_EMULATED;
        else if (write && s->readonly)
            *error = GD_E_READONLY;
        else
            return (uint8_t *)s->hva + (gpa - s->gpa);
        break;
    }
    return NULL;
}

static void sync_code(void *ctx, void *host, size_t len)
{
    (void)ctx;
    gd_kvmarch_sync_code(host, len);
}

static int arm(void *ctx, unsigned vcpu, const struct gd_arm *a)
{
    struct kvm_vcpu *v = find(ctx, vcpu);

    return v ? gd_kvmarch_arm(v, a) : GD_E_NOTHREAD;
}

/* One that is to step goes first: the others would only have to be driven out again. */
static void wake(void *ctx)
{
    struct gd_kvm *k = ctx;

    if (k->engine.stepper < k->max && atomic_load(&k->vcpus[k->engine.stepper].present))
        gd_gate_reserve(&k->gate, k->engine.stepper);
    gd_gate_wake(&k->gate);
    gd_server_poke(k->server);
}

static void notify(void *ctx)
{
    struct gd_kvm *k = ctx;

    if (!gd_kvmrun_attends(k))
        gd_server_notify(k->server);
}

static int undo_mmio(void *ctx, unsigned vcpu)
{
    struct kvm_vcpu *v = find(ctx, vcpu);

    return v ? gd_kvmarch_undo_mmio(v) : GD_E_NOTHREAD;
}

/* Any vCPU serves, the guest's clock belongs to the VM; but one that is in KVM_RUN would let us wait. */
static int first_vcpu(struct gd_kvm *k)
{
    for (unsigned i = 0; i < k->max; i++) {
        if (atomic_load(&k->vcpus[i].added) && atomic_load(&k->engine_vcpus[i].state) == GD_PARKED)
            return (int)i;
    }
    return -1;
}

static void time_hold(void *ctx)
{
    struct gd_kvm *k = ctx;
    int i = first_vcpu(k);

    if (i >= 0)
        gd_kvmrun_hold_time(k, k->vcpus[i].fd);
}

static bool exists(void *ctx, unsigned vcpu)
{
    return find(ctx, vcpu) != NULL;
}

static const char *state(void *ctx, unsigned vcpu)
{
    struct kvm_vcpu *v = find(ctx, vcpu);

    return v ? gd_kvmarch_state(v) : "absent";
}

static void describe(void *ctx, struct gd_out *o)
{
    struct gd_kvm *k = ctx;
    uint32_t control = 0;

    for (unsigned i = 0; i < k->max; i++)
        control |= k->vcpus[i].control;
    gd_kvmarch_suspended(&k->report, control, o);
}

const struct gd_backend gd_kvmback = {
    .reg_get = reg_get,
    .reg_set = reg_set,
    .block = gd_kvmarch_block,
    .block_get = block_get,
    .block_set = block_set,
    .wide_get = wide_get,
    .wide_set = wide_set,
    .mem = mem,
    .sync_code = sync_code,
    .arm = arm,
    .kick = gd_kvmrun_kick_all,
    .wake = wake,
    .notify = notify,
    .undo_mmio = undo_mmio,
    .time_hold = time_hold,
    .exists = exists,
    .state = state,
    .describe = describe,
};
