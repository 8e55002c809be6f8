/* SPDX-License-Identifier: MIT */
/*
 * Two threads that run the same code and store to the same word, on a CPU each; then one page of
 * code called through three addresses. ready() and done() enclose each phase. What it prints does
 * not depend on being watched.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 20
#define PAGE   4096

/* ready(phase, tid 0, tid 1, first mapping of twin, second mapping) */
__asm__(".text\n"
        ".balign 64\n"
        ".global ready, done, work, store, soft\n"
        "ready: nop\n"
        "   ret\n"
        "done: nop\n"
        "   ret\n"
        "work: add x0, x0, #1\n"
        "   ret\n"
        "store: str x0, [x1]\n"
        "   ret\n"
        "soft: add x0, x0, #2\n"
        "   ret\n"
        ".balign 4096\n"
        ".global twin\n"
        "twin: add x0, x0, #3\n"
        "   ret\n"
        ".balign 4096\n");
void ready(long phase, long tid0, long tid1, uintptr_t first, uintptr_t second);
void done(long phase);
long work(long n);
void store(long n, volatile uint64_t *where);
long soft(long n);
long twin(long n);
extern const char __executable_start[], etext[];

volatile uint64_t shared;
static pthread_barrier_t start, end;
static long tid[2], sum[2];

static void bind_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void *thread(void *arg)
{
    long i = (intptr_t)arg;

    bind_to((int)i);
    tid[i] = syscall(SYS_gettid);
    pthread_barrier_wait(&end);
    for (int phase = 1; phase <= 3; phase++) {
        pthread_barrier_wait(&start);
        for (int n = 0; n < ROUNDS; n++) {
            if (phase == 1)
                sum[i] += work(i) - i;
            else if (phase == 2)
                store(i, &shared);
            else
                sum[i] += soft(i) - i;
        }
        pthread_barrier_wait(&end);
    }
    return NULL;
}

static uint64_t text_sum(void)
{
    uint64_t h = 0;

    for (const char *p = __executable_start; p < etext; p++)
        h = h * 31 + (unsigned char)*p;
    return h;
}

static long (*map(void))(long)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    off_t at = (uintptr_t)twin - (uintptr_t)__executable_start;
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, at);

    close(fd);
    if (p == MAP_FAILED || memcmp(p, (void *)twin, 8)) {
        puts("task: no second mapping of the code");
        exit(1);
    }
    return (long (*)(long))(uintptr_t)p;
}

int main(void)
{
    uint64_t before = text_sum();
    long (*first)(long) = map(), (*second)(long) = map(), n = 0;
    pthread_t threads[2];

    pthread_barrier_init(&start, NULL, 3);
    pthread_barrier_init(&end, NULL, 3);
    for (intptr_t i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, thread, (void *)i);
    pthread_barrier_wait(&end);
    for (int phase = 1; phase <= 3; phase++) {
        ready(phase, tid[0], tid[1], (uintptr_t)first, (uintptr_t)second);
        pthread_barrier_wait(&start);
        pthread_barrier_wait(&end);
        done(phase);
    }
    ready(4, tid[0], tid[1], (uintptr_t)first, (uintptr_t)second);
    for (int i = 0; i < 15; i++) {
        n = second(n);
        if (i % 3)
            n = first(n);
        else
            n = twin(n);
    }
    done(4);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("task sums %ld %ld %ld, text %s\n", sum[0], sum[1], n,
           text_sum() == before ? "as before" : "changed");
    return 0;
}
