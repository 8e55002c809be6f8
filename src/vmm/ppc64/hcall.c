/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that KVM leaves to userspace (LoPAR 14.5 to 14.16): the console, the processor's mode, the process
 * table, RTAS. Everything else that a radix guest needs (H_CEDE, VPAs, XICS) is served in the kernel.
 */
#include "pseries.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#define H_GET_TERM_CHAR     0x54u
#define H_PUT_TERM_CHAR     0x58u
#define H_VIO_SIGNAL        0x104u
#define H_SET_DABR          0x28u
#define H_SET_XDABR         0x134u
#define H_SET_MODE          0x31cu
#define H_REGISTER_PROC_TBL 0x37cu

#define MODE_ADDR_TRANS 3u
#define MODE_LE         4u

#define PROC_TBL_MODIFY   0x10u
#define PROC_TBL_REGISTER 0x08u
#define PROC_TBL_RADIX    0x04u
#define PROC_TBL_FLAGS    0x1fu
#define PATB_GR           0x8000000000000000ull

#define TERM_BYTES 16u

static int64_t put_term_char(struct vm *vm, const uint64_t *args)
{
    uint64_t data[2] = { htobe64(args[2]), htobe64(args[3]) };

    if ((args[0] && args[0] != PSERIES_VTY) || args[1] > TERM_BYTES)
        return H_PARAMETER;
    console_put(&vm->console, (const uint8_t *)data, args[1]);
    return H_SUCCESS;
}

static int64_t get_term_char(struct vm *vm, uint64_t *args)
{
    struct pseries *p = pseries(vm);
    uint8_t data[TERM_BYTES] = { 0 };
    uint64_t words[2];
    unsigned n = 0;

    if (args[0] && args[0] != PSERIES_VTY)
        return H_PARAMETER;
    pthread_mutex_lock(&p->lock);
    for (; n < TERM_BYTES && p->in_len; n++, p->in_len--) {
        data[n] = p->input[p->in_at];
        p->in_at = (p->in_at + 1) % PSERIES_INPUT;
    }
    console_line(vm);
    pthread_mutex_unlock(&p->lock);
    memcpy(words, data, sizeof(words));
    args[0] = n;
    args[1] = be64toh(words[0]);
    args[2] = be64toh(words[1]);
    if (n)
        vm_wake(vm); /* there is room for more */
    return H_SUCCESS;
}

static int lpcr_of_all(struct vm *vm, uint64_t mask, uint64_t bits)
{
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        if (vcpu_lpcr(vm, &vm->cpus[i], mask, bits) < 0)
            return -1;
    return 0;
}

/* The guest's CIABR and DAWR, modes 1, 2 and 5, are libguestdbg's to answer: they do not come here. */
static int64_t set_mode(struct vm *vm, const uint64_t *args)
{
    switch (args[1]) {
    case MODE_ADDR_TRANS:
        if (args[2])
            return H_P3;
        if (args[3])
            return H_P4;
        if (args[0] != 0 && !(args[0] == 3 && pseries(vm)->ail3))
            return H_UNSUPPORTED_FLAG;
        return lpcr_of_all(vm, LPCR_AIL, args[0] ? LPCR_AIL_3 : 0) < 0 ? H_HARDWARE : H_SUCCESS;
    case MODE_LE:
        if (args[2])
            return H_P3;
        if (args[3])
            return H_P4;
        if (args[0] > 1)
            return H_UNSUPPORTED_FLAG;
        return lpcr_of_all(vm, LPCR_ILE, args[0] ? LPCR_ILE : 0) < 0 ? H_HARDWARE : H_SUCCESS;
    default:
        return H_P2;
    }
}

/* This machine has no hash table, and the debugger could not read one. */
static int64_t refuse_hpt(struct vm *vm)
{
    if (!__atomic_exchange_n(&pseries(vm)->hpt_refused, true, __ATOMIC_RELAXED))
        fprintf(stderr,
                "guestdbg: the guest asks for the hashed page table (HPT), which is refused; "
                "only radix is supported\n");
    return H_PARAMETER;
}

static int64_t register_proc_tbl(struct vm *vm, const uint64_t *args)
{
    uint64_t flags = args[0], base = args[1], page = args[2], size = args[3];

    if (flags & ~(uint64_t)PROC_TBL_FLAGS || !(flags & PROC_TBL_MODIFY))
        return H_PARAMETER;
    if (!(flags & PROC_TBL_RADIX))
        return refuse_hpt(vm);
    if (!(flags & PROC_TBL_REGISTER))
        return mmu_configure(vm, PATB_GR) < 0 ? H_PARAMETER : H_SUCCESS;
    if (base & 0xfff || base >> 60)
        return H_P2;
    if (page)
        return H_P3;
    if (size > 24)
        return H_P4;
    return mmu_configure(vm, PATB_GR | base | size) < 0 ? H_PARAMETER : H_SUCCESS;
}

int hcall_exit(struct vm *vm, struct vcpu *cpu)
{
    __u64 *args = cpu->run->papr_hcall.args;
    uint64_t a[4] = { args[0], args[1], args[2], args[3] };
    int64_t ret;

    switch (cpu->run->papr_hcall.nr) {
    case H_PUT_TERM_CHAR:
        ret = put_term_char(vm, a);
        break;
    case H_GET_TERM_CHAR:
        ret = get_term_char(vm, a);
        memcpy(args, a, 3 * sizeof(a[0]));
        break;
    case H_VIO_SIGNAL:
        ret = H_SUCCESS; /* the console's interrupt is masked at the XICS */
        break;
    case H_SET_MODE:
        ret = set_mode(vm, a);
        break;
    case H_SET_DABR: /* POWER7's, absent since POWER8 */
    case H_SET_XDABR:
        ret = H_HARDWARE;
        break;
    case H_REGISTER_PROC_TBL:
        ret = register_proc_tbl(vm, a);
        break;
    case H_RTAS:
        ret = rtas_serve(vm, cpu, a[0]);
        break;
    default:
        ret = H_FUNCTION;
        break;
    }
    cpu->run->papr_hcall.ret = (uint64_t)ret;
    return 0;
}
