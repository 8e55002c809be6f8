/* SPDX-License-Identifier: MIT */
/*
 * Accesses of every kind, each one instruction in a function of its own, described in table[] for the
 * test to know what a watched range must catch. main() calls them all, round after round, with
 * `target` in x0; turn() is called before each round.
 */
#include "bare.h"

struct access {
    void (*call)(void *target);
    void (*insn)(void); /* the accessing instruction */
    int64_t offset;     /* first byte, from target */
    uint64_t length;
    uint64_t kind; /* 1 reads, 2 writes, 3 both */
};

_Alignas(4096) uint8_t arena[3 * 4096];
#define TARGET (arena + 4096)

#define ACCESS(name, before, insn)                                                                 \
    void call_##name(void *target);                                                                \
    void insn_##name(void);                                                                        \
    __asm__(".text\n.globl call_" #name ", insn_" #name "\ncall_" #name ": " before                \
            "\ninsn_" #name ": " insn "\nret\n")

#define VALUE "mrs x1, cntvct_el0; orr x1, x1, #1; mov x2, x1"

ACCESS(strb, VALUE, "strb w1, [x0]");
ACCESS(strb7, VALUE, "strb w1, [x0, #7]");
ACCESS(strh, VALUE, "strh w1, [x0, #2]");
ACCESS(str32, VALUE, "str w1, [x0, #4]");
ACCESS(str64, VALUE, "str x1, [x0, #8]");
ACCESS(stur, VALUE, "stur x1, [x0, #5]");
ACCESS(stp, VALUE, "stp x1, x2, [x0, #16]");
ACCESS(stp32, VALUE, "stp w1, w2, [x0, #-8]");
ACCESS(str_q, VALUE "; dup v0.2d, x1", "str q0, [x0, #32]");
ACCESS(stp_q, VALUE "; dup v0.2d, x1; dup v1.2d, x2", "stp q0, q1, [x0, #48]");
ACCESS(st1, VALUE "; dup v0.2d, x1; dup v1.2d, x2; add x3, x0, #96", "st1 {v0.16b, v1.16b}, [x3]");
ACCESS(st4,
       VALUE "; dup v0.2d, x1; mov v1.16b, v0.16b; mov v2.16b, v0.16b; mov v3.16b, v0.16b;"
             "add x3, x0, #128",
       "st4 {v0.8b - v3.8b}, [x3]");
ACCESS(post, VALUE "; add x3, x0, #24", "str x1, [x3], #8");
ACCESS(ldrb, "", "ldrb w1, [x0, #3]");
ACCESS(ldrsw, "", "ldrsw x1, [x0, #4]");
ACCESS(ldr64, "", "ldr x1, [x0]");
ACCESS(ldp, "", "ldp x1, x2, [x0, #8]");
ACCESS(ldr_q, "", "ldr q0, [x0, #16]");
ACCESS(ld1r, "add x3, x0, #6", "ld1r {v0.4h}, [x3]");
ACCESS(zva, "add x3, x0, #256", "dc zva, x3");
ACCESS(stlr, VALUE, "stlr x1, [x0]");
ACCESS(ldar, "", "ldar w1, [x0]");

_Static_assert(sizeof(struct access) == 40, "read by the test");
#define ROW(name, at, n, k)                                                                        \
    {                                                                                              \
        call_##name, insn_##name, at, n, k                                                         \
    }
const struct access table[] = {
    ROW(strb, 0, 1, 2),    ROW(strb7, 7, 1, 2),   ROW(strh, 2, 2, 2),  ROW(str32, 4, 4, 2),
    ROW(str64, 8, 8, 2),   ROW(stur, 5, 8, 2),    ROW(stp, 16, 16, 2), ROW(stp32, -8, 8, 2),
    ROW(str_q, 32, 16, 2), ROW(stp_q, 48, 32, 2), ROW(st1, 96, 32, 2), ROW(st4, 128, 32, 2),
    ROW(post, 24, 8, 2),   ROW(ldrb, 3, 1, 1),    ROW(ldrsw, 4, 4, 1), ROW(ldr64, 0, 8, 1),
    ROW(ldp, 8, 16, 1),    ROW(ldr_q, 16, 16, 1), ROW(ld1r, 6, 2, 1),  ROW(zva, 256, 64, 2),
    ROW(stlr, 0, 8, 2),    ROW(ldar, 0, 4, 1),
};
const uint64_t rows = sizeof(table) / sizeof(table[0]);
volatile uint64_t rounds;

__attribute__((noinline)) void turn(void)
{
    __asm__ volatile("" : : : "memory");
}

/* An exclusive sequence on target + 512; the loop ends when it succeeds. */
__asm__(
    ".text\n.globl exclusive, exclusive_store\n"
    "exclusive: add x3, x0, #512\n"
    "1: ldxr x1, [x3]\n add x1, x1, #1\nexclusive_store: stxr w2, x1, [x3]\n cbnz w2, 1b\n ret\n");
void exclusive(void *target);

/* A load of the fourth vector behind target + 1024, where vectors have 16 bytes, however long they could be. */
__asm__(".text\n.arch_extension sve\n.globl short_vector, insn_short_vector\n"
        "short_vector: msr s3_0_c1_c2_0, xzr\n isb\n add x3, x0, #1024\n" /* ZCR_EL1 */
        "insn_short_vector: ldr z0, [x3, #3, mul vl]\n ret\n"
        ".arch_extension nosve\n");
void short_vector(void *target);
volatile uint64_t sve; /* is there any? */

/* A read of the UART's flag register and a write of its FBRD register, which VMMs emulate. */
__asm__(".text\n.globl device, device_read, device_write\n"
        "device: mov x3, #0x09000000\n"
        "device_read: ldr w1, [x3, #0x18]\n mov w2, #5\ndevice_write: str w2, [x3, #0x28]\n ret\n");
void device(void);

int main(void)
{
    mmu_on(12, 39);
    sve = read_reg(id_aa64pfr0_el1) >> 32 & 15;
    for (;;) {
        turn();
        for (uint64_t i = 0; i < rows; i++)
            table[i].call(TARGET);
        exclusive(TARGET);
        device();
        if (sve)
            short_vector(TARGET);
        rounds++;
    }
}
