/* SPDX-License-Identifier: MIT */
/*
 * A program that debugs itself and its children with what Linux offers on arm64 and POWER, and counts
 * every event: `self own` single steps, hardware breakpoints (arm64) and watchpoints by ptrace and by
 * perf; `self step` single steps only, again and again; `self brk` its own breakpoint instructions;
 * `self probe` runs past the places that uprobes and kprobes are on; `self keep` holds a breakpoint
 * (arm64) and a watchpoint while SIGUSR1 tells it to go on.
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
#ifdef __powerpc64__
#include <asm/ptrace.h>
#endif
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS   50
#define TURNS    10
#define TOO_MANY 5000

/* from to to: 1 + 3 * 100 + 2 = 303 instructions. */
#ifdef __powerpc64__
#define BRK "trap"
typedef struct pt_regs elf_regs;
#define PC(regs) (regs).nip
__asm__(".text\n"
        ".abiversion 2\n"
        ".balign 64\n"
        ".global counted, from, looped, to, called, added\n"
        "counted: trap\n"
        "from: li 5, 100\n"
        "1: add 4, 4, 5\n"
        "looped: addic. 5, 5, -1\n"
        "   bne 1b\n"
        "   li 0, 20\n" /* getpid */
        "   sc\n"       /* not traced: one step with the next */
        "   nop\n"
        "to: blr\n"
        "called: b 1f\n"
        "1: blr\n"
        "added: addi 3, 3, 1\n"
        "   blr\n");
#else
#define BRK      "brk #1"
typedef struct user_regs_struct elf_regs;
#define PC(regs) (regs).pc
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
#endif
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
    elf_regs regs;
    struct iovec v = { &regs, sizeof(regs) };

    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v);
    if (where) {
        PC(regs) = (uintptr_t)where;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v);
    }
    return PC(regs);
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

#ifdef __powerpc64__
/* A watchpoint on stores; the kernel takes it away when it is hit. */
static int set_watch(pid_t pid, bool on)
{
    static long handle;
    struct ppc_hw_breakpoint p = { .version = 1,
                                   .trigger_type = PPC_BREAKPOINT_TRIGGER_WRITE,
                                   .addr_mode = PPC_BREAKPOINT_MODE_EXACT,
                                   .condition_mode = PPC_BREAKPOINT_CONDITION_NONE,
                                   .addr = (uintptr_t)&word };

    if (!on)
        return (int)ptrace(PPC_PTRACE_DELHWDEBUG, pid, 0, handle);
    handle = ptrace(PPC_PTRACE_SETHWDEBUG, pid, 0, &p);
    if (handle < 0)
        perror("PPC_PTRACE_SETHWDEBUG");
    return handle < 0 ? -1 : 0;
}
#else
/* The first register of a bank of the child's. */
static int set_point(pid_t pid, int bank, const volatile void *addr, uint32_t ctrl)
{
    struct {
        uint32_t info, pad;
        uint64_t addr;
        uint32_t ctrl, pad2;
    } state = { 0, 0, (uintptr_t)addr, ctrl, 0 };
    struct iovec v = { &state, sizeof(state) };

    if (ptrace(PTRACE_SETREGSET, pid, bank, &v) == 0)
        return 0;
    perror("PTRACE_SETREGSET");
    return -1;
}

#define BREAK_CTRL (0xfu << 5 | 2 << 1 | 1)
#define WRITE_CTRL (0xffu << 5 | 2 << 3 | 2 << 1 | 1)

static int set_break(pid_t pid, bool on)
{
    return set_point(pid, NT_ARM_HW_BREAK, (void *)called, on ? BREAK_CTRL : BREAK_CTRL & ~1u);
}

static int set_watch(pid_t pid, bool on)
{
    return set_point(pid, NT_ARM_HW_WATCH, &word, on ? WRITE_CTRL : WRITE_CTRL & ~1u);
}
#endif

/* Hits of one hardware point by ptrace; the tracer lifts it to get the child past it. */
static int points(int (*set)(pid_t pid, bool on), const volatile void *addr)
{
    pid_t pid = traced(stop_and_work);
    siginfo_t info;
    int n = 0;

    if (!stopped(pid))
        return -1;
    if (set(pid, true)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return -1;
    }
    while (n < TOO_MANY) {
        ptrace(PTRACE_CONT, pid, 0, 0);
        if (!stopped(pid))
            break;
        ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
        n += info.si_signo == SIGTRAP && info.si_code == TRAP_HWBKPT && info.si_addr == addr;
        set(pid, false);
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        if (!stopped(pid))
            break;
        set(pid, true);
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
    a.exclude_hv = 1;
#ifndef __powerpc64__
    a.exclude_kernel = 1; /* QEMU's emulated POWER has no DAWR for problem state alone */
#endif
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

/* POWER's kernel has no breakpoints to offer by its one CIABR. */
static void own(void)
{
#ifdef __powerpc64__
    int step = steps(), w = points(set_watch, &word), pw = perf(HW_BREAKPOINT_W, &word, 8);

    work();
    printf("own step=%d watch=%d perf-watch=%ld\n", step, w, count(pw));
#else
    int step = steps(), b = points(set_break, (void *)called), w = points(set_watch, &word);
    int pb = perf(HW_BREAKPOINT_X, (void *)called, 4), pw = perf(HW_BREAKPOINT_W, &word, 8);

    work();
    printf("own step=%d break=%d watch=%d perf-break=%ld perf-watch=%ld\n", step, b, w, count(pb),
           count(pw));
#endif
}

/* A call that a debugger outside can wait for, then steps. */
static void step(void)
{
    int n = 0;

    syscall(SYS_getpgid, 0);
    for (int i = 0; i < TURNS; i++)
        n += steps();
    printf("step %d\n", n);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    traps++;
#ifdef __powerpc64__
    ((ucontext_t *)context)->uc_mcontext.regs->nip += 4;
#else
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
#endif
}

static void own_brk(void)
{
    struct sigaction a = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

    sigaction(SIGTRAP, &a, NULL);
    for (int i = 0; i < ROUNDS; i++)
        __asm__ volatile(BRK);
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
#ifndef __powerpc64__
    int pb = perf(HW_BREAKPOINT_X, (void *)called, 4);
#endif
    int pw = perf(HW_BREAKPOINT_W, &word, 8);
    long w;

    syscall(SYS_getpgid, 0);
    signal(SIGUSR1, on_go);
    puts("keep ready");
    for (int turn = 1; turn <= 2; turn++) {
        fflush(stdout);
        while (go < turn)
            ;
        w = count(pw);
#ifdef __powerpc64__
        work();
        printf("keep %d watch=%ld\n", turn, count(pw) - w);
#else
        long b = count(pb);

        work();
        printf("keep %d break=%ld watch=%ld\n", turn, count(pb) - b, count(pw) - w);
#endif
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*f)(void);
    } modes[] = {
        { "own", own }, { "step", step }, { "brk", own_brk }, { "probe", probe }, { "keep", keep }
    };

    for (unsigned i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(argv[1], modes[i].name)) {
            modes[i].f();
            return 0;
        }
    return 2;
}
