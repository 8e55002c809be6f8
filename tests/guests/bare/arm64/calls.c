/* SPDX-License-Identifier: MIT */
/*
 * C as a user debugs it, to be compiled with -O0: recursion, loops, structures, calls of calls, round
 * after round. The other CPU only counts. `end` set by the debugger powers off.
 */
#include "bare.h"

struct point {
    int32_t x, y;
    const char *name;
};

struct shape {
    struct point corner[3];
    uint64_t visits;
};

struct shape triangle = { { { 1, 2, "a" }, { 3, 4, "b" }, { 5, 6, "c" } }, 0 };
volatile uint64_t other_count, rounds, shared, end;
volatile uint8_t blob[262144];
uint64_t factorial_result;
int64_t loop_result;

uint64_t factorial(uint64_t n)
{
    if (n < 2)
        return 1; /* line: bottom */
    return n * factorial(n - 1);
}

int64_t sum_to(int64_t n)
{
    int64_t sum = 0;

    for (int64_t i = 1; i <= n; i++)
        sum += i; /* line: body */
    return sum;   /* line: after */
}

void visit(struct shape *s)
{
    for (int i = 0; i < 3; i++) {
        s->corner[i].x += 1;
        s->corner[i].y -= 1;
    }
    s->visits++;
}

void store(uint64_t value)
{
    shared = value; /* line: store */
}

uint64_t load(void)
{
    return shared; /* line: load */
}

int32_t round_trip(void)
{
    factorial_result = factorial(5); /* line: first */
    loop_result = sum_to(10);        /* line: second */
    visit(&triangle);                /* line: third */
    store(rounds + 100);
    return (int32_t)load();
}

void secondary_main(uint64_t n)
{
    (void)n;
    mmu_on(12, 39);
    for (;;)
        other_count++; /* line: other */
}

int main(void)
{
    for (uint64_t i = 0; i < sizeof(blob); i++)
        blob[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
    mmu_on(12, 39);
    start_cpu(1);
    while (!other_count)
        ;
    while (!end) {
        round_trip();
        rounds++;
    }
    power_off();
}
