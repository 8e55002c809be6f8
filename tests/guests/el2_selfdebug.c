/* SPDX-License-Identifier: MIT */
/*
 * A program of the guest that debugs its own child, as a debugger inside the guest would: single steps by
 * ptrace, one hardware breakpoint, one hardware watchpoint. Prints what it counted; the line must be the same
 * whoever else debugs this machine.
 */
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <asm/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 50

static volatile uint64_t word;

static __attribute__((noinline)) void called(int i)
{
    word = (uint64_t)i;
    __asm__ volatile("");
}

static void child(void)
{
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (int i = 0; i < ROUNDS; i++)
        called(i);
    _exit(7);
}

static void set(pid_t pid, int kind, uint64_t address, uint32_t ctrl)
{
    struct user_hwdebug_state s = { 0 };
    struct iovec v = { &s, offsetof(struct user_hwdebug_state, dbg_regs) + sizeof(s.dbg_regs[0]) };

    s.dbg_regs[0].addr = address;
    s.dbg_regs[0].ctrl = ctrl;
    if (ptrace(PTRACE_SETREGSET, pid, (void *)(long)kind, &v)) {
        perror("PTRACE_SETREGSET");
        exit(1);
    }
}

static pid_t start(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        child();
    waitpid(pid, &status, 0);
    return pid;
}

/* Runs the child to its end, by steps over what was hit; counts stops other than the steps'. */
static int count(int kind, uint64_t address, uint32_t ctrl)
{
    int status, hits = 0;
    pid_t pid = start();

    set(pid, kind, address, ctrl);
    ptrace(PTRACE_CONT, pid, 0, 0);
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        hits++;
        set(pid, kind, address, 0);
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
        set(pid, kind, address, ctrl);
        ptrace(PTRACE_CONT, pid, 0, 0);
    }
    return hits;
}

static int count_steps(void)
{
    int status, steps = 0;
    pid_t pid = start();

    ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        steps++;
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
    }
    return steps;
}

int main(void)
{
    int steps = count_steps();
    int breaks = count(NT_ARM_HW_BREAK, (uint64_t)(uintptr_t)called, 0x1e5);  /* EL0, all bytes */
    int watches = count(NT_ARM_HW_WATCH, (uint64_t)(uintptr_t)&word, 0x1ff5); /* store, 8 bytes */

    printf("steps=%d breaks=%d watches=%d done\n", steps, breaks, watches);
    return 0;
}
