/* SPDX-License-Identifier: MIT */
/*
 * libguestdbg: gives a KVM-based virtual machine monitor a GDB and LLDB server.
 *
 * The whole use: gd_kvm_open() once the VM exists, gd_kvm_add_vcpu() for each vCPU before its
 * first run, gd_kvm_listen(), and gd_kvm_run() in place of ioctl(KVM_RUN). examples/embed.c is
 * a complete one. Linux only; link with -lguestdbg -lpthread.
 */
#ifndef GUESTDBG_GUESTDBG_H
#define GUESTDBG_GUESTDBG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestdbg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_run;
struct gd_kvm; /* the debugger of one VM */

#define GD_KVM_MAX_VCPUS 256

/* Guest RAM that the debugger may read and write. Devices of the VMM are not listed. */
struct gd_mem_slot {
    uint64_t gpa;  /* guest physical address, page-aligned */
    uint64_t size; /* bytes */
    void *hva;     /* where the VMM has it mapped; must stay mapped until gd_kvm_close(). NULL:
                      KVM itself emulates the range (interrupt controller), which is neither
                      read nor watched */
    bool readonly; /* ROM: breakpoints in it need hardware */
};

/* What happens to the guest when the debugger goes away without detaching. */
enum gd_kvm_on_disconnect { GD_KVM_RESUME, GD_KVM_STOP, GD_KVM_EXIT };

struct gd_kvm_config {
    int kvm_fd, vm_fd;               /* /dev/kvm and the VM; stay the caller's */
    unsigned max_vcpus;              /* vCPU indices are below this, at most GD_KVM_MAX_VCPUS */
    const struct gd_mem_slot *slots; /* copied */
    size_t nslots;
    bool wait;      /* stop every vCPU before its first instruction */
    bool free_time; /* the guest's clock goes on while the debugger has it stopped */
    enum gd_kvm_on_disconnect on_disconnect;
    /* The client asked for the end of the VM (k, or disconnect with GD_KVM_EXIT). Called on the
     * server's thread; make your vCPU threads return. NULL: such requests only detach. */
    void (*exit_request)(void *ctx);
    void *ctx;
    int kick_signal; /* gets a vCPU out of the guest, with a handler of the library's; 0: SIGRTMIN+1 */
};

/* Opens the debugger of a VM: reads the capabilities and tests them with a small scratch VM.
 * On failure returns an enum gd_error and writes one sentence to err. */
int gd_kvm_open(struct gd_kvm **gd, const struct gd_kvm_config *cfg, char *err, size_t errlen);
/* Tells of a vCPU, on any thread, before its first gd_kvm_run(). run: its mapped kvm_run. */
int gd_kvm_add_vcpu(struct gd_kvm *gd, unsigned index, int vcpu_fd, struct kvm_run *run);

#define GD_LISTEN_REMOTE 1u /* allow addresses other than loopback */
/* Starts the server. where: "unix:PATH" or "tcp:ADDRESS:PORT" (numeric or localhost; port 0 takes
 * a free one). line receives the words for the debugger's prompt: "target remote ...". One sentence
 * in line on failure. */
int gd_kvm_listen(struct gd_kvm *gd, const char *where, unsigned flags, char *line, size_t len);

/* Instead of ioctl(vcpu_fd, KVM_RUN, 0), on the vCPU's own thread. Returns 0 with an exit in
 * the vCPU's kvm_run that is the VMM's to serve; -EINTR when a signal ended it (run again);
 * -ECANCELED after gd_kvm_cancel(); -EINVAL for a vCPU that was not added; another -errno as
 * KVM gave it. Blocks while the debugger holds the vCPU. Uses gd_kvm_config.kick_signal to get a
 * vCPU out of the guest; kvm_run.immediate_exit and a signal of your own work as ever, but not
 * while the debugger holds the vCPU: gd_kvm_cancel() does. With immediate_exit set it enters no
 * guest: a VMM whose device makes a vCPU wait calls it so now and then, and the debugger can
 * stop that vCPU meanwhile. */
int gd_kvm_run(struct gd_kvm *gd, unsigned index);
/* The guest has turned this vCPU off, and its thread, which is the caller, stays away from gd_kvm_run() until it is
 * turned on: nobody waits for it to stop, and a step of it is over. Not for vCPUs that KVM itself turns off. */
void gd_kvm_off(struct gd_kvm *gd, unsigned index);
/* Makes every gd_kvm_run() return -ECANCELED, now and until gd_kvm_reset(). */
void gd_kvm_cancel(struct gd_kvm *gd);
/* After a guest reset (memory reloaded, vCPUs initialised anew), with no thread inside
 * gd_kvm_run(): the debugger's points are planted again. */
void gd_kvm_reset(struct gd_kvm *gd);
/* The VM ended with this status; a connected client is told (W packet). */
void gd_kvm_exited(struct gd_kvm *gd, int status);
/* Removes everything of the debugger's from guest and vCPUs and ends the server. No thread may
 * be inside gd_kvm_run(). */
void gd_kvm_close(struct gd_kvm *gd);

/* Capabilities of this host, found by running scratch VMs. json: one JSON object, else text.
 * Returns 0 if guests can be debugged here, else an enum gd_error; text is filled both ways. */
int gd_kvm_caps(int kvm_fd, bool json, char *text, size_t len);

#ifdef __cplusplus
}
#endif

#endif
