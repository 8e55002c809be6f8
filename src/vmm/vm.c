/* SPDX-License-Identifier: MIT */
/*
 * The generic half of the VMM: KVM descriptors, guest RAM, one thread per vCPU, exits, reboot and
 * the end. The main thread carries the console and the signals; vCPU threads only run the guest and
 * its devices. A reboot parks every vCPU thread outside gd_kvm_run, loads everything again into
 * cleared RAM, and goes on.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CONSOLE_CHUNK 64

int vm_fail(struct vm *vm, const char *fmt, ...)
{
    va_list ap;

    pthread_mutex_lock(&vm->lock);
    if (!vm->err[0]) {
        va_start(ap, fmt);
        vsnprintf(vm->err, sizeof(vm->err), fmt, ap);
        va_end(ap);
    }
    pthread_mutex_unlock(&vm->lock);
    return -1;
}

void *vm_ram(struct vm *vm, uint64_t gpa, uint64_t len)
{
    uint64_t base = vm->machine->ram_base, size = vm->cfg->memory;

    if (gpa < base || gpa - base > size || len > size - (gpa - base))
        return NULL;
    return vm->ram + (gpa - base);
}

int vm_add_device(struct vm *vm, const struct mmio_dev *dev)
{
    if (vm->ndevices == VM_MAX_DEVICES)
        return vm_fail(vm, "the machine has more devices than the VMM has room for");
    vm->devices[vm->ndevices++] = *dev;
    return 0;
}

void vm_wake(struct vm *vm)
{
    uint64_t one = 1;

    if (write(vm->wake_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full, so the reader is woken already */
}

/* The end wins over a reboot, and the first status wins over later ones. */
static void set_phase(struct vm *vm, enum vm_phase phase, int status)
{
    pthread_mutex_lock(&vm->lock);
    if (vm->phase != VM_STOP) {
        vm->phase = phase;
        vm->status = status;
        pthread_cond_broadcast(&vm->changed);
    }
    pthread_mutex_unlock(&vm->lock);
    vm_wake(vm);
}

void vm_stop(struct vm *vm, int status)
{
    set_phase(vm, VM_STOP, status);
}

void vm_reset(struct vm *vm)
{
    set_phase(vm, VM_RESET, 0);
}

void vm_cpu_on(struct vcpu *cpu)
{
    pthread_mutex_lock(&cpu->vm->lock);
    cpu->off = false;
    pthread_cond_broadcast(&cpu->vm->changed);
    pthread_mutex_unlock(&cpu->vm->lock);
}

/* The signal of gd_kvm_run(), whose handler does nothing. */
void vm_nudge(struct vcpu *cpu)
{
    pthread_kill(cpu->thread, SIGRTMIN + 1);
}

static const struct mmio_dev *device_at(const struct vm *vm, uint64_t gpa, unsigned len)
{
    for (unsigned i = 0; i < vm->ndevices; i++) {
        const struct mmio_dev *d = &vm->devices[i];

        if (gpa >= d->base && gpa - d->base <= d->size - len)
            return d;
    }
    return NULL;
}

void vm_report_alien(struct vm *vm, uint64_t gpa, bool write)
{
    uint64_t page = gpa & ~(uint64_t)0xfff;
    bool known = false, last;

    pthread_mutex_lock(&vm->lock);
    for (unsigned i = 0; i < vm->naliens && !known; i++)
        known = vm->aliens[i] == page;
    if (!known && vm->naliens < VM_MAX_ALIENS)
        vm->aliens[vm->naliens++] = page;
    else
        known = true;
    last = vm->naliens == VM_MAX_ALIENS;
    pthread_mutex_unlock(&vm->lock);
    if (known)
        return;
    fprintf(stderr, "guestdbg: the guest %s 0x%llx, %s\n", write ? "writes to" : "reads",
            (unsigned long long)gpa,
            device_at(vm, gpa, 1)
                ? "a device, by an instruction that KVM cannot decode: use a load or store "
                  "of one register, without write-back"
                : "where this machine has nothing");
    if (last)
        fprintf(stderr, "guestdbg: %u pages were reported, further ones are not\n", VM_MAX_ALIENS);
}

/* ---- vCPU threads ---------------------------------------------------------------------------- */

static int mmio(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_run *run = cpu->run;
    uint64_t gpa = run->mmio.phys_addr, value = 0;
    unsigned len = run->mmio.len <= sizeof(value) ? run->mmio.len : sizeof(value);
    const struct mmio_dev *d = device_at(vm, gpa, len);

    if (!d) {
        vm_report_alien(vm, gpa, run->mmio.is_write);
        return vm->machine->alien_mmio(vm, cpu);
    }
    if (run->mmio.is_write) {
        memcpy(&value, run->mmio.data, len);
        d->write(d->dev, gpa - d->base, value, len);
    } else {
        value = d->read(d->dev, gpa - d->base, len);
        memcpy(run->mmio.data, &value, len);
    }
    return 0;
}

static void system_event(struct vm *vm, const struct kvm_run *run)
{
    switch (run->system_event.type) {
    case KVM_SYSTEM_EVENT_RESET:
        vm_reset(vm);
        break;
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        vm_stop(vm, 0);
        break;
    default:
        fprintf(stderr, "guestdbg: the guest reported a crash (system event %u)\n",
                run->system_event.type);
        vm_stop(vm, 1);
    }
}

static int serve(struct vm *vm, struct vcpu *cpu)
{
    struct kvm_run *run = cpu->run;

    switch (run->exit_reason) {
    case KVM_EXIT_INTR:
    case KVM_EXIT_DEBUG: /* the library has taken what there was to take */
        return 0;
    case KVM_EXIT_MMIO:
        return mmio(vm, cpu);
    case KVM_EXIT_SYSTEM_EVENT:
        system_event(vm, run);
        return 0;
    case KVM_EXIT_FAIL_ENTRY:
        return vm_fail(vm, "vCPU %u: the processor refused to enter the guest (reason 0x%llx)",
                       cpu->index,
                       (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR:
        return vm_fail(vm, "vCPU %u: KVM reports an internal error (suberror %u)", cpu->index,
                       run->internal.suberror);
    default:
        return vm->machine->exit(vm, cpu);
    }
}

/*
 * A vCPU whose output nobody takes does not run, but is in the library's hands, so that the debugger can stop it:
 * with immediate_exit set gd_kvm_run() enters no guest.
 */
static void wait_for_reader(struct vcpu *cpu)
{
    if (!cpu->says)
        return;
    cpu->says = !console_drain(&cpu->vm->console);
    if (cpu->says)
        cpu->run->immediate_exit = 1;
}

/* Waits out a reboot, and until the guest starts this vCPU. Returns false when the VM ends. */
static bool next_phase(struct vcpu *cpu)
{
    struct vm *vm = cpu->vm;
    bool run;

    if (vm->phase == VM_RUN && !cpu->off)
        return true;
    pthread_mutex_lock(&vm->lock);
    cpu->parked = true;
    pthread_cond_broadcast(&vm->changed);
    while (vm->phase == VM_RESET || (vm->phase == VM_RUN && cpu->off)) {
        if (vm->phase == VM_RUN)
            gd_kvm_off(vm->gd, cpu->index);
        pthread_cond_wait(&vm->changed, &vm->lock);
    }
    run = vm->phase == VM_RUN;
    if (run)
        cpu->parked = false;
    pthread_mutex_unlock(&vm->lock);
    return run;
}

static void *vcpu_thread(void *arg)
{
    struct vcpu *cpu = arg;
    struct vm *vm = cpu->vm;

    while (next_phase(cpu)) {
        int err;

        wait_for_reader(cpu);
        err = gd_kvm_run(vm->gd, cpu->index);
        if (err == -EINTR || err == -EAGAIN || err == -ECANCELED)
            continue;
        if (err < 0 && vm->machine->failed && vm->machine->failed(vm, cpu))
            continue;
        if (err < 0) {
            fprintf(stderr, "guestdbg: KVM cannot run vCPU %u: %s\n", cpu->index, strerror(-err));
            vm_stop(vm, 1);
        } else if (serve(vm, cpu) < 0) {
            fprintf(stderr, "guestdbg: %s\n", vm->err);
            vm_stop(vm, 1);
        }
        cpu->says = vm->console.queued > 0;
    }
    return NULL;
}

static unsigned parked_count(const struct vm *vm)
{
    unsigned n = 0;

    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        n += !vm->cpus || !vm->cpus[i].started || vm->cpus[i].parked;
    return n;
}

/* Brings every vCPU thread to next_phase, out of the guest and out of the debugger's hands. */
static void park_all(struct vm *vm)
{
    if (vm->gd)
        gd_kvm_cancel(vm->gd);
    pthread_mutex_lock(&vm->lock);
    while (parked_count(vm) < vm->cfg->cpus)
        pthread_cond_wait(&vm->changed, &vm->lock);
    pthread_mutex_unlock(&vm->lock);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

int vm_open_kvm(char *err, size_t errlen)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

    if (fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION)
        return fd;
    if (fd >= 0)
        snprintf(err, errlen, "/dev/kvm does not speak KVM's API version %d", KVM_API_VERSION);
    else if (errno == EACCES || errno == EPERM)
        snprintf(err, errlen,
                 "no permission to open /dev/kvm: run as root or join the group that owns it");
    else
        snprintf(err, errlen,
                 "cannot open /dev/kvm (%s): the host's kernel needs KVM, and must have been "
                 "started in hypervisor mode",
                 strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int open_kvm(struct vm *vm)
{
    unsigned long type = 0;

    vm->kvm_fd = vm_open_kvm(vm->err, sizeof(vm->err));
    if (vm->kvm_fd < 0)
        return -1;
    if (vm->machine->vm_type(vm, &type) < 0)
        return -1;
    vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, type);
    if (vm->fd < 0)
        return vm_fail(vm, "KVM cannot create a virtual machine: %s", strerror(errno));
    vm->mmap_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (vm->mmap_size < (int)sizeof(struct kvm_run))
        return vm_fail(vm, "KVM's shared vCPU page has an unexpected size");
    return 0;
}

static int map_ram(struct vm *vm)
{
    struct kvm_userspace_memory_region r = {
        .guest_phys_addr = vm->machine->ram_base,
        .memory_size = vm->cfg->memory,
    };

    vm->ram = mmap(NULL, vm->cfg->memory, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vm->ram == MAP_FAILED) {
        vm->ram = NULL;
        return vm_fail(vm, "cannot map %llu MiB of guest memory: %s; try a smaller --memory",
                       (unsigned long long)(vm->cfg->memory >> 20), strerror(errno));
    }
    r.userspace_addr = (uintptr_t)vm->ram;
    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0)
        return vm_fail(vm, "KVM does not take the guest's memory: %s", strerror(errno));
    return 0;
}

static int create_vcpu(struct vm *vm, struct vcpu *cpu)
{
    cpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, cpu->index);
    if (cpu->fd < 0)
        return vm_fail(vm, "KVM cannot create vCPU %u: %s", cpu->index, strerror(errno));
    cpu->run = mmap(NULL, (size_t)vm->mmap_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
    if (cpu->run == MAP_FAILED) {
        cpu->run = NULL;
        return vm_fail(vm, "cannot map vCPU %u: %s", cpu->index, strerror(errno));
    }
    return vm->machine->vcpu_create(vm, cpu);
}

static int create_vcpus(struct vm *vm)
{
    int max = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

    if (max > 0 && vm->cfg->cpus > (unsigned)max)
        return vm_fail(vm, "this host's KVM runs at most %d vCPUs, not %u", max, vm->cfg->cpus);
    vm->cpus = calloc(vm->cfg->cpus, sizeof(*vm->cpus));
    if (!vm->cpus)
        return vm_fail(vm, "out of memory");
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        vm->cpus[i] = (struct vcpu){ .vm = vm, .index = i, .fd = -1 };
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        if (create_vcpu(vm, &vm->cpus[i]) < 0)
            return -1;
    return vm->machine->ready(vm);
}

static void on_exit_request(void *ctx)
{
    vm_stop(ctx, 0);
}

static int open_debugger(struct vm *vm)
{
    const struct vm_config *cfg = vm->cfg;
    struct gd_mem_slot slots[4] = {
        { .gpa = vm->machine->ram_base, .size = cfg->memory, .hva = vm->ram },
    };
    size_t nslots = 1;
    struct gd_kvm_config gc = {
        .kvm_fd = vm->kvm_fd,
        .vm_fd = vm->fd,
        .max_vcpus = cfg->cpus,
        .slots = slots,
        .wait = cfg->wait,
        .on_disconnect = cfg->on_disconnect,
        .exit_request = on_exit_request,
        .ctx = vm,
    };
    char text[200] = "";
    int err;

    if (vm->machine->in_kernel)
        nslots += vm->machine->in_kernel(cfg->cpus, slots + nslots, 3);
    gc.nslots = nslots;
    err = gd_kvm_open(&vm->gd, &gc, text, sizeof(text));
    if (err < 0)
        return vm_fail(vm, "%s", text);
    for (unsigned i = 0; i < cfg->cpus; i++) {
        err = gd_kvm_add_vcpu(vm->gd, i, vm->cpus[i].fd, vm->cpus[i].run);
        if (err < 0)
            return vm_fail(vm, "the debugger does not take vCPU %u: %s", i, gd_strerror(err));
    }
    return 0;
}

static int listen_for_debugger(struct vm *vm)
{
    char line[256] = "";
    int err = gd_kvm_listen(vm->gd, vm->cfg->listen, vm->cfg->allow_remote ? GD_LISTEN_REMOTE : 0,
                            line, sizeof(line));

    if (err < 0)
        return vm_fail(vm, "cannot listen for a debugger: %s; see --listen and --allow-remote",
                       line[0] ? line : gd_strerror(err));
    fprintf(stderr, "guestdbg: %s; in GDB: %s\n",
            vm->cfg->wait ? "stopped before the first instruction" : "running", line);
    return 0;
}

static int set_up(struct vm *vm)
{
    const struct vm_config *cfg = vm->cfg;
    int err;

    if (file_read(cfg->kernel, "kernel", &vm->kernel, vm->err, sizeof(vm->err)) < 0)
        return -1;
    if (!cfg->flat &&
        file_unpack(cfg->kernel, cfg->memory, "the guest's memory; give it more --memory",
                    &vm->kernel, vm->err, sizeof(vm->err)) < 0)
        return -1;
    if (cfg->initrd && file_read(cfg->initrd, "initrd", &vm->initrd, vm->err, sizeof(vm->err)) < 0)
        return -1;
    err = console_open(&vm->console, cfg->console, cfg->console_file);
    if (err < 0)
        return vm_fail(vm, "cannot open %s for the console: %s", cfg->console_file,
                       err == -ENXIO ? "it is a FIFO that nobody reads" : strerror(-err));
    if (open_kvm(vm) < 0 || vm->machine->create(vm) < 0 || map_ram(vm) < 0 || create_vcpus(vm) < 0)
        return -1;
    if (vm->machine->load(vm) < 0 || vm->machine->reset(vm) < 0)
        return -1;
    return open_debugger(vm);
}

/*
 * Signals that end the program come through the returned descriptor, so that the terminal is given
 * back.
 */
static int set_up_signals(void)
{
    struct sigaction hup;
    sigset_t ends;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN) /* of nohup */
        sigaddset(&ends, SIGHUP);
    sigaddset(&ends, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int start_vcpus(struct vm *vm)
{
    for (unsigned i = 0; i < vm->cfg->cpus; i++) {
        struct vcpu *cpu = &vm->cpus[i];
        char name[16];
        int err = pthread_create(&cpu->thread, NULL, vcpu_thread, cpu);

        if (err)
            return vm_fail(vm, "cannot start the thread of vCPU %u: %s", i, strerror(err));
        cpu->started = true;
        snprintf(name, sizeof(name), "vcpu%u", i);
        pthread_setname_np(cpu->thread, name);
    }
    return 0;
}

/* ---- the main thread ------------------------------------------------------------------------- */

static int reboot(struct vm *vm)
{
    park_all(vm);
    if (vm->phase == VM_STOP)
        return 0;
    if (madvise(vm->ram, vm->cfg->memory, MADV_DONTNEED) < 0)
        return vm_fail(vm, "cannot clear the guest's memory for its reboot: %s", strerror(errno));
    if (vm->machine->load(vm) < 0 || vm->machine->reset(vm) < 0)
        return -1;
    gd_kvm_reset(vm->gd);
    set_phase(vm, VM_RUN, 0);
    return 0;
}

static void console_input(struct vm *vm)
{
    uint8_t bytes[CONSOLE_CHUNK];
    size_t room = vm->machine->console_room(vm);
    int n;

    if (room == 0) /* the guest has made its FIFO smaller meanwhile */
        return;
    n = console_read(&vm->console, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
    if (n < 0)
        vm_stop(vm, 0);
    else
        vm->machine->console_input(vm, bytes, (size_t)n);
}

static int main_loop(struct vm *vm)
{
    while (vm->phase != VM_STOP) {
        bool typing = vm->console.in >= 0 && vm->machine->console_room(vm) > 0;
        struct pollfd p[3] = {
            { .fd = vm->wake_fd, .events = POLLIN },
            { .fd = vm->signal_fd, .events = POLLIN },
            { .fd = typing ? vm->console.in : -1, .events = POLLIN },
        };
        struct signalfd_siginfo info;
        uint64_t count;

        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return vm_fail(vm, "poll: %s", strerror(errno));
        if ((p[0].revents & POLLIN) && read(vm->wake_fd, &count, sizeof(count)) < 0)
            continue;
        if ((p[1].revents & POLLIN) && read(vm->signal_fd, &info, sizeof(info)) == sizeof(info))
            vm_stop(vm, 128 + (int)info.ssi_signo);
        if (p[2].revents)
            console_input(vm);
        if (vm->phase == VM_RESET && reboot(vm) < 0)
            return -1;
    }
    return 0;
}

static void tear_down(struct vm *vm)
{
    vm_stop(vm, 1);
    park_all(vm);
    for (unsigned i = 0; vm->cpus && i < vm->cfg->cpus; i++)
        if (vm->cpus[i].started)
            pthread_join(vm->cpus[i].thread, NULL);
    if (vm->gd) {
        gd_kvm_exited(vm->gd, vm->status);
        gd_kvm_close(vm->gd);
    }
    for (unsigned i = 0; vm->cpus && i < vm->cfg->cpus; i++) {
        if (vm->cpus[i].run)
            munmap(vm->cpus[i].run, (size_t)vm->mmap_size);
        if (vm->cpus[i].fd >= 0)
            close(vm->cpus[i].fd);
    }
    free(vm->cpus);
    if (vm->machine_state)
        vm->machine->destroy(vm);
    if (vm->ram)
        munmap(vm->ram, vm->cfg->memory);
    if (vm->fd >= 0)
        close(vm->fd);
    if (vm->kvm_fd >= 0)
        close(vm->kvm_fd);
    file_free(&vm->kernel);
    file_free(&vm->initrd);
    console_close(&vm->console);
    if (vm->signal_fd >= 0)
        close(vm->signal_fd);
    if (vm->wake_fd >= 0)
        close(vm->wake_fd);
    pthread_cond_destroy(&vm->changed);
    pthread_mutex_destroy(&vm->lock);
}

static int run_guest(struct vm *vm)
{
    vm->signal_fd = set_up_signals();
    vm->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (vm->signal_fd < 0 || vm->wake_fd < 0)
        return vm_fail(vm, "cannot set up events: %s", strerror(errno));
    if (set_up(vm) < 0 || listen_for_debugger(vm) < 0 || start_vcpus(vm) < 0)
        return -1;
    return main_loop(vm);
}

int vm_main(const struct vm_config *cfg)
{
    struct vm vm = {
        .cfg = cfg,
        .machine = &machine_ops,
        .kvm_fd = -1,
        .fd = -1,
        .wake_fd = -1,
        .signal_fd = -1,
        .console = { .in = -1, .out = -1 },
    };
    int err;

    pthread_mutex_init(&vm.lock, NULL);
    pthread_cond_init(&vm.changed, NULL);
    err = run_guest(&vm);
    tear_down(&vm);
    if (err < 0) {
        fprintf(stderr, "guestdbg: %s\n", vm.err);
        vm.status = 1;
    }
    return vm.status;
}
