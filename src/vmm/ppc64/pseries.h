/* SPDX-License-Identifier: MIT */
/*
 * The POWER machine: a paravirtual partition as PAPR (LoPAR 1.1) describes it, radix translation, one
 * hypervisor console, XICS in the kernel; and what the files of this folder share.
 */
#ifndef VMM_PPC64_PSERIES_H
#define VMM_PPC64_PSERIES_H

#include "../vm.h"

#define PSERIES_MAX_CPUS   64u
#define PSERIES_VTY        0x30000000u /* unit address of the console */
#define PSERIES_VTY_IRQ    0x1000u     /* XICS source number */
#define PSERIES_INPUT      256u        /* bytes of console input waiting for the guest */
#define PSERIES_DTB_MAX    0x10000ull
#define PSERIES_PAGE_SIZES 8u
#define RTAS_SIZE          0x1000u

#define LPCR_AIL   0x0000000001800000ull /* Power ISA 3.1 Book III 2.2 */
#define LPCR_AIL_3 0x0000000001800000ull
#define LPCR_ILE   0x0000000002000000ull
#define MSR_RESET  0x8000000000001000ull /* SF, ME */
#define MSR_LE     1ull

#define H_RTAS 0xf000u /* the hypercall that KVM takes for RTAS */

/* Hypercall results, LoPAR 14.4. */
#define H_SUCCESS          0
#define H_HARDWARE         (-1)
#define H_FUNCTION         (-2)
#define H_PARAMETER        (-4)
#define H_P2               (-55)
#define H_P3               (-56)
#define H_P4               (-57)
#define H_UNSUPPORTED_FLAG (-256)

struct pseries {
    int xics_fd;
    bool ail3; /* KVM_CAP_PPC_AIL_MODE_3 */
    bool dawr1;
    bool hpt_refused; /* and said so */
    uint32_t pvr, timebase;
    uint32_t page_sizes[PSERIES_PAGE_SIZES]; /* of radix, as the device tree has them; 0: no more */
    uint64_t dtb, rtas;

    pthread_mutex_t lock; /* console input, its interrupt, and which vCPUs are started */
    uint8_t input[PSERIES_INPUT];
    unsigned in_at, in_len;
};

static inline struct pseries *pseries(struct vm *vm)
{
    return vm->machine_state;
}

/* machine.c */
int vcpu_get(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t *value);
int vcpu_set(struct vm *vm, struct vcpu *cpu, uint64_t id, uint64_t value);
/* Changes LPCR bits; also of a vCPU that is in the guest, which is brought out for it. */
int vcpu_lpcr(struct vm *vm, struct vcpu *cpu, uint64_t mask, uint64_t bits);
/* Registers as at power-on, at entry with r3. */
int vcpu_power_on(struct vm *vm, struct vcpu *cpu, uint64_t entry, uint64_t r3, uint64_t msr);
int mmu_configure(struct vm *vm, uint64_t process_table);
/* The console's interrupt line follows what waits for the guest. pseries->lock is held. */
void console_line(struct vm *vm);

/* hcall.c */
int hcall_exit(struct vm *vm, struct vcpu *cpu);

/* rtas.c */
#define RTAS_NTOKENS 13
struct rtas_call {
    const char *name;
    bool in_kernel; /* KVM's XICS serves it */
};
extern const struct rtas_call rtas_calls[RTAS_NTOKENS]; /* token = index + 1 */
extern const uint32_t rtas_code[5]; /* what the guest calls, in its memory order */
/* Serves the call whose arguments lie at gpa. Returns an hcall result. */
int64_t rtas_serve(struct vm *vm, struct vcpu *cpu, uint64_t gpa);

/* boot.c */
int pseries_load(struct vm *vm);

/* fdt.c: a device tree of at most PSERIES_DTB_MAX bytes, to be freed by the caller */
struct fdt_request {
    uint64_t initrd, initrd_end; /* equal: none */
};
int fdt_make(struct vm *vm, const struct fdt_request *req, struct blob *out);

#endif
