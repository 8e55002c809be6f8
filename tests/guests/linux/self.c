/* SPDX-License-Identifier: MIT */
/*
 * A program that debugs itself and its children with what Linux offers on arm64, and counts
 * every event: `self own` single steps, hardware breakpoints and watchpoints by ptrace and by
 * perf; `self brk` its own BRK instructions; `self probe` runs past the places that uprobes and
 * kprobes are on; `self keep` holds a breakpoint and a watchpoint while SIGUSR1 tells it to go on.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS   50
#define TOO_MANY 5000

/* from to to: 1 + 3 * 100 + 2 = 303 instructions. */
__asm__(".text\n"
        ".balign 64\n"
        ".global counted, from, to, called, added\n" /* the GOT mixes up local ones */
        "counted: brk #0\n"
        "from: mov x1, #100\n"
        "1: add x0, x0, x1\n"
        "   sub x1, x1, #1\n"
        "   cbnz x1, 1b\n"
        "   mov x8, #172\n" /* getpid */
        "   svc #0\n"
        "to: ret\n"
        "called: b 1f\n" /* simulated by uprobes; added() is stepped out of line */
        "1: ret\n"
        "added: add x0, x0, #1\n"
        "   ret\n");
extern const char from[], to[];
void counted(void);
void called(void);
long added(long x);

static volatile uint64_t word;
static volatile sig_atomic_t go, traps;

static void work(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        called();
        word++;
    }
}

static pid_t traced(void (*f)(void))
{
    pid_t pid = fork();

    if (pid)
        return pid;
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    f();
    _exit(0);
}

static bool stopped(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

static uint64_t move_pc(pid_t pid, const char *where)
{
    struct user_regs_struct regs;
    struct iovec v = { &regs, sizeof(regs) };

    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
    if (where) {
        regs.pc = (uintptr_t)where;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
    }
    return regs.pc;
}

/* Single steps of the child from one label to the other. */
static int steps(void)
{
    pid_t pid = traced(counted);
    int n = 0;

    if (!stopped(pid))
        return -1;
    move_pc(pid, from);
    while (n < TOO_MANY) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        if (!stopped(pid))
            return n;
        n++;
        if (move_pc(pid, NULL) == (uintptr_t)to)
            break;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return n;
}

static void stop_and_work(void)
{
    raise(SIGSTOP);
    work();
}

/* The first register of a bank of the child's. */
static void set_point(pid_t pid, int bank, const volatile void *addr, uint32_t ctrl)
{
    struct {
        uint32_t info, pad;
        uint64_t addr;
        uint32_t ctrl, pad2;
    } state = { 0, 0, (uintptr_t)addr, ctrl, 0 };
    struct iovec v = { &state, sizeof(state) };

    if (ptrace(PTRACE_SETREGSET, pid, bank, &v))
        perror("PTRACE_SETREGSET");
}

/* Hits of one hardware point by ptrace; the tracer lifts it to get the child past it. */
static int points(int bank, const volatile void *addr, uint32_t ctrl)
{
    pid_t pid = traced(stop_and_work);
    siginfo_t info;
    int n = 0;

    if (!stopped(pid))
        return -1;
    set_point(pid, bank, addr, ctrl);
    while (n < TOO_MANY) {
        ptrace(PTRACE_CONT, pid, 0, 0);
        if (!stopped(pid))
            break;
        ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
        n += info.si_signo == SIGTRAP && info.si_code == TRAP_HWBKPT && info.si_addr == addr;
        set_point(pid, bank, addr, ctrl & ~1u);
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        if (!stopped(pid))
            break;
        set_point(pid, bank, addr, ctrl);
    }
    return n;
}

static int perf(int type, const volatile void *addr, int len)
{
    struct perf_event_attr a;
    int fd;

    memset(&a, 0, sizeof(a));
    a.size = sizeof(a);
    a.type = PERF_TYPE_BREAKPOINT;
    a.bp_type = type;
    a.bp_addr = (uintptr_t)addr;
    a.bp_len = len;
    a.exclude_kernel = a.exclude_hv = 1;
    fd = syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
    if (fd < 0)
        perror("perf_event_open");
    return fd;
}

static long count(int fd)
{
    uint64_t n = 0;

    if (read(fd, &n, sizeof(n)) != sizeof(n))
        perror("read");
    return n;
}

#define BREAK_CTRL (0xfu << 5 | 2 << 1 | 1)
#define WRITE_CTRL (0xffu << 5 | 2 << 3 | 2 << 1 | 1)

static void own(void)
{
    int step = steps(), b = points(NT_ARM_HW_BREAK, (void *)called, BREAK_CTRL);
    int w = points(NT_ARM_HW_WATCH, &word, WRITE_CTRL);
    int pb = perf(HW_BREAKPOINT_X, (void *)called, 4), pw = perf(HW_BREAKPOINT_W, &word, 8);

    work();
    printf("own step=%d break=%d watch=%d perf-break=%ld perf-watch=%ld\n", step, b, w, count(pb),
           count(pw));
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    traps++;
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
}

static void own_brk(void)
{
    struct sigaction a = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

    sigaction(SIGTRAP, &a, NULL);
    for (int i = 0; i < ROUNDS; i++)
        __asm__ volatile("brk #1");
    printf("brk %d\n", (int)traps);
}

static void probe(void)
{
    long n = 0;

    for (int i = 0; i < ROUNDS; i++) {
        called();
        n = added(n);
        syscall(SYS_getpgid, 0);
        syscall(SYS_getsid, 0);
        umask(022);
    }
    printf("probe %ld\n", n);
}

static void on_go(int sig)
{
    (void)sig;
    go++;
}

static void keep(void)
{
    int pb = perf(HW_BREAKPOINT_X, (void *)called, 4), pw = perf(HW_BREAKPOINT_W, &word, 8);
    long b, w;

    signal(SIGUSR1, on_go);
    puts("keep ready");
    for (int turn = 1; turn <= 2; turn++) {
        fflush(stdout);
        while (go < turn)
            ;
        b = count(pb);
        w = count(pw);
        work();
        printf("keep %d break=%ld watch=%ld\n", turn, count(pb) - b, count(pw) - w);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*f)(void);
    } modes[] = { { "own", own }, { "brk", own_brk }, { "probe", probe }, { "keep", keep } };

    for (unsigned i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(argv[1], modes[i].name)) {
            modes[i].f();
            return 0;
        }
    return 2;
}
