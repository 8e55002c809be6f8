/* SPDX-License-Identifier: MIT */
/*
 * System calls and exclusives whose outcome is known: a thread on CPU 1 that is stepped from
 * enter() on, and one on CPU 0 that holds the same file's spinlock in the kernel most of the time, and
 * a lock of the program's own, which it holds until that one has found it taken. With an argument there
 * is no such thread, and one CPU suffices.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS  40
#define RECORDS 1500

/* A system call by hand; exclusives by hand: take a lock (and write the word behind it when it is
 * found taken), and add to a word. */
#ifdef __powerpc64__
__asm__(".text\n"
        ".balign 64\n"
        ".abiversion 2\n"
        ".global enter, lock, contended, add\n"
        "enter: li 0, 20\n" /* getpid */
        "   sc\n"
        "   blr\n"
        "lock: li 5, 1\n"
        "1: lwarx 4, 0, 3\n"
        "   cmpwi 4, 0\n"
        "   bne contended\n"
        "   stwcx. 5, 0, 3\n"
        "   bne 1b\n"
        "   isync\n"
        "   blr\n"
        "contended: stw 5, 4(3)\n"
        "   or 31, 31, 31\n" /* the lowest priority, and back */
        "   or 2, 2, 2\n"
        "   b 1b\n"
        "add: ldarx 4, 0, 3\n"
        "   addi 4, 4, 1\n"
        "   stdcx. 4, 0, 3\n"
        "   bne add\n"
        "   blr\n");
#else
__asm__(".text\n"
        ".balign 64\n"
        ".global enter, lock, contended, add\n"
        "enter: mov x8, #172\n" /* getpid */
        "   svc #0\n"
        "   ret\n"
        "lock: mov w2, #1\n"
        "1: ldaxr w1, [x0]\n"
        "   cbnz w1, contended\n"
        "   stxr w3, w2, [x0]\n"
        "   cbnz w3, 1b\n"
        "   ret\n"
        "contended: str w2, [x0, #4]\n"
        "   yield\n"
        "   b 1b\n"
        "add: ldxr x1, [x0]\n"
        "   add x1, x1, #1\n"
        "   stxr w2, x1, [x0]\n"
        "   cbnz w2, add\n"
        "   ret\n");
#endif
long enter(void);
struct lock {
    atomic_uint held, found;
};
void lock(struct lock *l);
void add(uint64_t *word);

static struct lock own;
static atomic_bool over, wanted;
static uint64_t word;
static int fd[2], locked;
static char *fresh;

static void bind_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void unlock(void)
{
    atomic_store_explicit(&own.held, 0, memory_order_release);
}

/* A file with many record locks: the kernel looks through all of them under one spinlock. */
static bool lock_records(void)
{
    locked = open("/locked", O_CREAT | O_RDWR, 0600);
    for (int n = 1; n <= RECORDS; n++) {
        struct flock l = { .l_type = F_WRLCK, .l_start = 2 * n, .l_len = 1 };

        if (fcntl(locked, F_SETLK, &l))
            return false;
    }
    return true;
}

static void look_at_records(void)
{
    struct flock all = { .l_type = F_WRLCK };

    fcntl(locked, F_GETLK, &all);
}

/* Takes the same spinlock, and finds nothing to do at once. */
static int unlock_no_record(void)
{
    struct flock none = { .l_type = F_UNLCK, .l_len = 1 };

    return fcntl(locked, F_SETLK, &none);
}

/* Holds the lock until the other has found it taken, and a little longer. */
static void *contend(void *arg)
{
    bind_to(0);
    while (!over) {
        lock(&own);
        own.found = 0; /* lock() may have written it for this thread itself */
        while (!own.found && !over)
            look_at_records();
        look_at_records();
        unlock();
        while (wanted && !over)
            ;
    }
    return arg;
}

/* Kernel threads would get the CPU in between, and use up the steps: the time of first-in programs is
 * limited, from Linux 6.12 on a deadline server looks after those that wait, and the watchdog's own
 * thread runs every two fifths of its threshold in seconds. */
static void unlimited(void)
{
    static const char *const limits[][2] = {
        { "/proc/sys/kernel/sched_rt_runtime_us", "-1" },
        { "/sys/kernel/debug/sched/fair_server/cpu0/runtime", "0" },
        { "/sys/kernel/debug/sched/fair_server/cpu1/runtime", "0" },
        { "/proc/sys/kernel/watchdog_thresh", "60" },
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        FILE *f = fopen(limits[i][0], "w");

        if (!f)
            continue;
        fputs(limits[i][1], f);
        fclose(f);
    }
}

static uint64_t one_round(uint64_t h, int n)
{
    char text[16], back[16], *page;

    h = h * 31 + (enter() == getpid());
    wanted = true;
    lock(&own);
    add(&word);
    wanted = false;
    unlock();
    fresh[n * 4096] = (char)h; /* the page is not there yet */
    h = h * 31 + fresh[n * 4096];
    for (int i = 0; i < 10; i++) /* one of them finds the spinlock taken */
        h = h * 31 + unlock_no_record();
    memset(text, (int)(h & 0x7f), sizeof(text));
    h = h * 31 + write(fd[1], text, sizeof(text)) + read(fd[0], back, sizeof(back));
    h = h * 31 + back[7];
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = page[4096] = (char)h;
    h = h * 31 + page[0] + page[4096];
    munmap(page, 8192);
    return h;
}

int main(int argc, char **argv)
{
    const struct sched_param first = { .sched_priority = 10 };
    pthread_t other;
    uint64_t h = 1;

    (void)argv;
    over = argc > 1;
    if (pipe(fd) || !lock_records())
        return 1;
    if (pthread_create(&other, NULL, contend, NULL))
        return 1;
    while (!own.held && !over) /* it is on its CPU then */
        sched_yield();
    unlimited();
    if (sched_setscheduler(0, SCHED_FIFO, &first))
        return 1;
    bind_to(over ? 0 : 1);
    fresh = mmap(NULL, ROUNDS * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int n = 0; n < ROUNDS; n++)
        h = one_round(h, n);
    over = true;
    pthread_join(other, NULL);
    printf("sys sum %llx word %llu\n", (unsigned long long)h, (unsigned long long)word);
    return 0;
}
