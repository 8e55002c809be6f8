/* SPDX-License-Identifier: MIT */
/*
 * The small virtual machine monitor behind `guestdbg run`: what its generic part, its machines and
 * its console share. The generic part knows no architecture; a build links exactly one
 * `machine_ops` (arm64/machine.c, …). Functions that can fail return 0, or -1 with a sentence for
 * the user in vm->err.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "file/file.h"
#include <guestdbg/guestdbg.h>

#define VM_MAX_DEVICES 8
#define VM_MAX_ALIENS  32

/* What the command line asked for. Strings belong to the caller and outlive the VM. */
struct vm_config {
    const char *kernel;
    const char *initrd; /* NULL: none */
    const char *append; /* kernel command line, "" if none */
    unsigned cpus;
    uint64_t memory; /* bytes */
    bool flat;       /* kernel is raw bytes for flat_addr, entered at its first one */
    uint64_t flat_addr;
    const char *listen; /* as gd_kvm_listen takes it */
    bool allow_remote;
    bool wait; /* stop before the first instruction */
    enum gd_kvm_on_disconnect on_disconnect;
    enum console_kind console;
    const char *console_file;
};

/* Where the kernel went: [start, end) in guest-physical memory, and its first instruction. */
struct placed {
    uint64_t start, end, entry;
    bool big_endian; /* by its ELF header */
};

struct mmio_dev {
    uint64_t base, size;
    uint64_t (*read)(void *dev, uint64_t offset, unsigned len);
    void (*write)(void *dev, uint64_t offset, uint64_t value, unsigned len);
    void *dev;
};

struct vm;

struct vcpu {
    struct vm *vm;
    unsigned index;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    bool started;
    atomic_bool parked; /* out of gd_kvm_run, waiting for the next phase or to be started */
    atomic_bool off;    /* set by the machine: waits for vm_cpu_on() */
    bool says;          /* console output that is not drained yet */
};

/*
 * One architecture's machine. The order of calls is: vm_type, create, vcpu_create for each vCPU,
 * ready; then load and reset at power-on and again at each reboot, when all vCPUs are out of
 * KVM_RUN.
 */
struct machine_ops {
    const char *arch; /* "arm64" */
    uint16_t elf_machine;
    bool bi_endian; /* runs programs of either byte order */
    uint64_t ram_base;
    unsigned max_cpus;
    /* Ranges that the kernel emulates for a VM of that many CPUs: fills at most max, returns
     * how many. NULL: none. */
    size_t (*in_kernel)(unsigned cpus, struct gd_mem_slot *slots, size_t max);
    int (*vm_type)(struct vm *vm, unsigned long *type);
    int (*create)(struct vm *vm);
    void (*destroy)(struct vm *vm); /* what create made, whole or in part */
    int (*vcpu_create)(struct vm *vm, struct vcpu *cpu);
    int (*ready)(struct vm *vm);
    int (*load)(struct vm *vm);
    int (*reset)(struct vm *vm);
    /* An exit that the generic part does not know, or an access that no device takes. */
    int (*exit)(struct vm *vm, struct vcpu *cpu);
    int (*alien_mmio)(struct vm *vm, struct vcpu *cpu);
    /* KVM_RUN failed. True: that was an exit that KVM could not serve, which is served now. NULL: none is. */
    bool (*failed)(struct vm *vm, struct vcpu *cpu);
    size_t (*console_room)(struct vm *vm);
    void (*console_input)(struct vm *vm, const uint8_t *bytes, size_t len);
};

extern const struct machine_ops machine_ops;

enum vm_phase { VM_RUN, VM_RESET, VM_STOP };

struct vm {
    const struct vm_config *cfg;
    const struct machine_ops *machine;
    void *machine_state; /* the machine's own, allocated by its create */

    int kvm_fd, fd, mmap_size;
    uint8_t *ram; /* cfg->memory bytes at machine->ram_base */
    struct vcpu *cpus;
    struct gd_kvm *gd;
    struct console console;
    struct mmio_dev devices[VM_MAX_DEVICES];
    unsigned ndevices;

    struct blob kernel, initrd;
    struct placed image;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* phase, or some vCPU's parked */
    _Atomic enum vm_phase phase;
    int wake_fd;   /* eventfd: the main loop shall look at phase and console again */
    int signal_fd; /* signals that end the program */
    int status;    /* exit status once phase is VM_STOP */

    uint64_t aliens[VM_MAX_ALIENS]; /* pages whose unanswered accesses were reported */
    unsigned naliens;
    char err[256];
};

/* Runs a guest to its end. Returns the exit status of the command; prints every error itself. */
int vm_main(const struct vm_config *cfg);

/* /dev/kvm, or -1 and one sentence that says what to do. */
int vm_open_kvm(char *err, size_t errlen);

/* Writes a sentence to vm->err and returns -1. The first sentence of a failure stays. */
int vm_fail(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Host address of len bytes of guest RAM at gpa, or NULL if they are not all RAM. */
void *vm_ram(struct vm *vm, uint64_t gpa, uint64_t len);

int vm_add_device(struct vm *vm, const struct mmio_dev *dev);

/* Called by vCPU threads: power-off with a status, reboot, or "look at the console again". */
void vm_stop(struct vm *vm, int status);
void vm_reset(struct vm *vm);
void vm_wake(struct vm *vm);
/* Starts a vCPU that is off; its registers are set. */
void vm_cpu_on(struct vcpu *cpu);
/* Ends the system call that the vCPU's thread is in, KVM_RUN or another, with EINTR. */
void vm_nudge(struct vcpu *cpu);

/* One warning on stderr per page that the guest touches and nothing answers, or nothing can. */
void vm_report_alien(struct vm *vm, uint64_t gpa, bool write);

/* loader.c */
bool loader_is_elf(const struct blob *b);
/* The kernel's bytes as they are, at --flat's address. */
int loader_flat(struct vm *vm);
int loader_elf(struct vm *vm, const struct blob *b, struct placed *out);
int loader_put(struct vm *vm, const char *what, uint64_t gpa, const void *data, uint64_t len);

#endif
