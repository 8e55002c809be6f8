/* SPDX-License-Identifier: MIT */
/* Instruction classes, branches, sequences and data accesses; words are the GNU assembler's. */
#include "support_ppc64.h"

static const struct {
    uint32_t insn;
    enum ppc_class class;
} classes[] = {
    { 0x48000100, PPC_BRANCH },   /* b */
    { 0x4182003c, PPC_BRANCH },   /* beq */
    { 0x4e800020, PPC_BRANCH },   /* blr */
    { 0x4e800420, PPC_BRANCH },   /* bctr */
    { 0x4e800460, PPC_BRANCH },   /* bctar */
    { 0x7ca000a6, PPC_MFMSR },    /* mfmsr r5 */
    { 0x7ca00124, PPC_MTMSR },    /* mtmsr r5 */
    { 0x7ca00164, PPC_MTMSRD },   /* mtmsrd r5 */
    { 0x7ca10164, PPC_MTMSRD },   /* mtmsrd r5,1 */
    { 0x4c000024, PPC_RFID },     /* rfid */
    { 0x4c0000a4, PPC_RFSCV },    /* rfscv */
    { 0x4c000924, PPC_RFEBB },    /* rfebb 1 */
    { 0x4c000224, PPC_PLAIN },    /* hrfid: the fence catches its program interrupt */
    { 0x44000002, PPC_SC },       /* sc */
    { 0x44000022, PPC_HCALL },    /* sc 1 */
    { 0x44000042, PPC_HCALL },    /* sc 2 */
    { 0x44000001, PPC_SCV },      /* scv 0 */
    { 0x44000021, PPC_SCV },      /* scv 1 */
    { 0x7c7a03a6, PPC_MTSRR0 },   /* mtsrr0 r3 */
    { 0x7c9b03a6, PPC_MTSRR1 },   /* mtsrr1 r4 */
    { 0x7c8903a6, PPC_PLAIN },    /* mtctr r4 */
    { 0x7c7e6aa6, PPC_KVM },      /* mfspr r3,TIR */
    { 0x7c702aa6, PPC_KVM },      /* mfspr r3,DPDES */
    { 0x7c00191c, PPC_KVM },      /* msgsndp r3 */
    { 0x7c00195c, PPC_KVM },      /* msgclrp r3 */
    { 0x7c00003c, PPC_WAIT },     /* wait */
    { 0x4c0002e4, PPC_STOP },     /* stop */
    { 0x7c602068, PPC_LARX },     /* lbarx */
    { 0x7c6020e8, PPC_LARX },     /* lharx */
    { 0x7c602028, PPC_LARX },     /* lwarx */
    { 0x7c6020a8, PPC_LARX },     /* ldarx */
    { 0x7c803228, PPC_LARX },     /* lqarx */
    { 0x7c60256d, PPC_STCX },     /* stbcx. */
    { 0x7c6025ad, PPC_STCX },     /* sthcx. */
    { 0x7c60212d, PPC_STCX },     /* stwcx. */
    { 0x7c6021ad, PPC_STCX },     /* stdcx. */
    { 0x7c80316d, PPC_STCX },     /* stqcx. */
    { 0x7c00051d, PPC_TBEGIN },   /* tbegin. */
    { 0x7c00055d, PPC_TEND },     /* tend. */
    { 0x06001234, PPC_PREFIXED }, /* pli */
    { 0x38640005, PPC_PLAIN },    /* addi */
    { 0x7fe00008, PPC_PLAIN },    /* trap */
    { 0x60000000, PPC_PLAIN },    /* nop */
    { 0x00dddd00, PPC_PLAIN },
};

static void every_class_of_instruction_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(classes); i++)
        if (gd_ppc64_classify(classes[i].insn) != classes[i].class)
            fail_msg("%08x is %d", (unsigned)classes[i].insn,
                     (int)gd_ppc64_classify(classes[i].insn));
}

static const struct {
    uint32_t insn;
    uint64_t next; /* from 0x1000 with LR 0x2002, CTR 0x3001, TAR 0x4000, CR0 EQ */
} next[] = {
    { 0x60000000, 0x1004 }, /* nop */
    { 0x06001234, 0x1008 }, /* a prefix */
    { 0x48000100, 0x1100 }, /* b .+0x100 */
    { 0x4bfffefc, 0xefc },  /* b .-0x104 */
    { 0x48000009, 0x1008 }, /* bl .+8 */
    { 0x48000102, 0x100 },  /* ba 0x100 */
    { 0x41820030, 0x1030 }, /* beq .+0x30 */
    { 0x40820030, 0x1004 }, /* bne .+0x30 */
    { 0x4200ffac, 0xfac },  /* bdnz .-0x54 */
    { 0x42400008, 0x1004 }, /* bdz .+8 */
    { 0x4e800020, 0x2000 }, /* blr */
    { 0x4e800420, 0x3000 }, /* bctr */
    { 0x4e800421, 0x3000 }, /* bctrl */
    { 0x4d820020, 0x2000 }, /* beqlr */
    { 0x4c820420, 0x1004 }, /* bnectr */
    { 0x4e000020, 0x2000 }, /* bdnzlr */
    { 0x4e800460, 0x4000 }, /* bctar */
    { 0x4c000924, 0x5000 }, /* rfebb */
};

static struct pcpu cpu;

static void the_next_instruction_is_predicted(void **state)
{
    struct pcpu *p = &cpu;

    (void)state;
    pcpu_init(p);
    p->reg[GD_PPC64_LR] = 0x2002;
    p->reg[GD_PPC64_CTR] = 0x3001;
    p->reg[GD_PPC64_TAR] = 0x4000;
    p->reg[GD_PPC64_EBBRR] = 0x5000;
    p->reg[GD_PPC64_CR] = 0x20000000;
    for (size_t i = 0; i < GD_ARRAY_SIZE(next); i++)
        if (gd_ppc64_next(&p->cpu, 0x1000, next[i].insn) != next[i].next)
            fail_msg("%08x goes to %lx", (unsigned)next[i].insn,
                     (unsigned long)gd_ppc64_next(&p->cpu, 0x1000, next[i].insn));
}

static void a_count_of_one_ends_a_bdnz_and_takes_a_bdz(void **state)
{
    struct pcpu *p = &cpu;

    (void)state;
    pcpu_init(p);
    p->reg[GD_PPC64_CTR] = 1;
    assert_int_equal(gd_ppc64_next(&p->cpu, 0x1000, 0x4200ffac), 0x1004);
    assert_int_equal(gd_ppc64_next(&p->cpu, 0x1000, 0x42400008), 0x1008);
}

static void thirty_two_bit_mode_truncates_addresses_and_the_count(void **state)
{
    struct pcpu *p = &cpu;

    (void)state;
    pcpu_init(p);
    p->reg[GD_PPC64_MSR] = MSR_REAL & ~MSR_SF;
    p->reg[GD_PPC64_LR] = 0xffffffff00002000ull;
    p->reg[GD_PPC64_CTR] = 0x100000001ull;
    assert_int_equal(gd_ppc64_next(&p->cpu, 0x1000, 0x4e800020), 0x2000);
    assert_int_equal(gd_ppc64_next(&p->cpu, 0xfffffffc, 0x60000000), 0);
    assert_int_equal(gd_ppc64_next(&p->cpu, 0x1000, 0x4200ffac), 0x1004);
}

/* ---- sequences ---- */

static void code(struct pcpu *p, const uint32_t *words, size_t n)
{
    pcpu_init(p);
    for (size_t i = 0; i < n; i++)
        pcpu_word(p, 0x20000 + 4 * i, words[i]);
}
#define CODE(...)                                                                                  \
    code(p, (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static bool has_exit(const struct ppc_seq *q, uint64_t addr)
{
    for (unsigned i = 0; i < q->nexits; i++)
        if (q->exit[i] == addr)
            return true;
    return false;
}

/* Linux' _raw_spin_lock_irqsave: lwarx / andc. / bne out / and / or / stwcx. / bne- again */
#define SPINLOCK 0x7d001828, 0x7d093879, 0x40820014, 0x7d074838, 0x7d083378, 0x7d00192d, 0x40c2ffe8

static void a_sequence_ends_behind_its_retry_branch_and_at_each_way_out(void **state)
{
    struct pcpu *p = &cpu;
    struct ppc_seq q;

    (void)state;
    CODE(SPINLOCK, 0x60000000);
    assert_true(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    assert_int_equal(q.end, P_CODE + 0x18);
    /* bne at +8 goes to +0x1c, which is also the way out */
    assert_int_equal(q.nexits, 1);
    assert_true(has_exit(&q, P_CODE + 0x1c));
}

static void a_sequence_without_retry_ends_behind_the_store(void **state)
{
    struct pcpu *p = &cpu;
    struct ppc_seq q;

    (void)state;
    CODE(0x7c602028, 0x4e800020, 0x4182fff0, 0x7c60212d, 0x60000000);
    p->reg[GD_PPC64_LR] = 0x7770;
    assert_true(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    assert_int_equal(q.end, P_CODE + 0xc);
    assert_int_equal(q.nexits, 3);
    assert_true(has_exit(&q, P_CODE + 0x10));
    assert_true(has_exit(&q, 0x7770));            /* blr */
    assert_true(has_exit(&q, P_CODE + 8 - 0x10)); /* beq to before the start */
}

/* lwarx / cmpwi r3 / bne second / stwcx. / bne- again / b done / second: addi / stwcx. / bne- again / done: nop */
#define TWO_WAYS                                                                                   \
    0x7c602028, 0x2c030000, 0x40820010, 0x7ca0212d, 0x40c2fff0, 0x48000010, 0x38a30001,            \
        0x7ca0212d, 0x40c2ffe0, 0x60000000

static void a_sequence_has_a_second_way_to_a_store(void **state)
{
    struct pcpu *p = &cpu;
    struct ppc_seq q;

    (void)state;
    CODE(TWO_WAYS);
    assert_true(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    assert_int_equal(q.end, P_CODE + 0x20);
    assert_int_equal(q.nexits, 1);
    assert_true(has_exit(&q, P_CODE + 0x24));
    assert_true(gd_ppc64_seq_around(&p->cpu, P_CODE + 0x1c, &q));
    assert_int_equal(q.start, P_CODE);
    /* the way out of one sequence leads into the next one: that is another */
    CODE(SPINLOCK, 0x60000000, SPINLOCK);
    pcpu_word(p, 0x20000 + 8, 0x40820018); /* bne to the second lwarx */
    assert_true(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    assert_int_equal(q.end, P_CODE + 0x18);
    assert_int_equal(q.nexits, 2);
}

static void what_has_no_place_in_a_sequence_makes_it_none(void **state)
{
    struct pcpu *p = &cpu;
    struct ppc_seq q;

    (void)state;
    CODE(0x7c602028, 0x48000009, 0x7c60212d); /* a call */
    assert_false(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    CODE(0x7c602028, 0x44000002, 0x7c60212d); /* sc */
    assert_false(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    CODE(0x7c602028, 0x7c602028, 0x7c60212d); /* a second larx */
    assert_false(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    CODE(0x7c602028); /* no store at all: zeros to the end */
    assert_false(gd_ppc64_seq_at(&p->cpu, P_CODE, &q));
    p->reg[GD_PPC64_PC] = P_KERN + P_RAM - 4; /* memory ends */
    pcpu_word(p, P_RAM - 4, 0x7c602028);
    assert_false(gd_ppc64_seq_at(&p->cpu, P_KERN + P_RAM - 4, &q));
}

static void an_instruction_inside_a_sequence_finds_it(void **state)
{
    struct pcpu *p = &cpu;
    struct ppc_seq q;

    (void)state;
    CODE(SPINLOCK, 0x60000000, 0x7c60212d);
    assert_true(gd_ppc64_seq_around(&p->cpu, P_CODE + 0x14, &q));
    assert_int_equal(q.start, P_CODE);
    assert_true(gd_ppc64_seq_around(&p->cpu, P_CODE + 4, &q));
    assert_false(gd_ppc64_seq_around(&p->cpu, P_CODE + 0x1c, &q));
    assert_false(gd_ppc64_seq_around(&p->cpu, P_CODE + 0x20, &q));
    assert_false(gd_ppc64_seq_around(&p->cpu, P_CODE, &q));
}

static void code_that_changes_translation_ends_a_cached_page_in_either_byte_order(void **state)
{
    (void)state;
    assert_true(gd_ppc64_insn_plain(0x38640005));
    assert_true(gd_ppc64_insn_plain(0x7c8903a6));  /* mtctr */
    assert_false(gd_ppc64_insn_plain(0x4c000024)); /* rfid */
    assert_false(gd_ppc64_insn_plain(0x2400004c)); /* rfid of a big-endian guest */
    assert_false(gd_ppc64_insn_plain(0x7c7403a6)); /* mtspr, not LR or CTR */
    assert_false(gd_ppc64_insn_plain(0x4c00012c)); /* isync */
}

/* ---- data accesses: r4 = 0x1000, r5 = 0x237, prefixed ones at 0x4000 ---- */

enum way { NONE, LOAD, STORE };

static const struct {
    uint32_t insn, suffix;
    uint64_t addr;
    unsigned len;
    enum way way;
} accesses[] = {
    { 0x80640010, 0x00000000, 0x1010, 4, LOAD },              /* lwz r3,16(r4) */
    { 0x84640010, 0x00000000, 0x1010, 4, LOAD },              /* lwzu r3,16(r4) */
    { 0x8864ffff, 0x00000000, 0xfff, 1, LOAD },               /* lbz r3,-1(r4) */
    { 0x8c640001, 0x00000000, 0x1001, 1, LOAD },              /* lbzu r3,1(r4) */
    { 0x90640010, 0x00000000, 0x1010, 4, STORE },             /* stw r3,16(r4) */
    { 0x9464fff0, 0x00000000, 0xff0, 4, STORE },              /* stwu r3,-16(r4) */
    { 0x98640001, 0x00000000, 0x1001, 1, STORE },             /* stb r3,1(r4) */
    { 0x9c640001, 0x00000000, 0x1001, 1, STORE },             /* stbu r3,1(r4) */
    { 0xa0640002, 0x00000000, 0x1002, 2, LOAD },              /* lhz r3,2(r4) */
    { 0xa4640002, 0x00000000, 0x1002, 2, LOAD },              /* lhzu r3,2(r4) */
    { 0xa8640002, 0x00000000, 0x1002, 2, LOAD },              /* lha r3,2(r4) */
    { 0xac640002, 0x00000000, 0x1002, 2, LOAD },              /* lhau r3,2(r4) */
    { 0xb0640002, 0x00000000, 0x1002, 2, STORE },             /* sth r3,2(r4) */
    { 0xb4640002, 0x00000000, 0x1002, 2, STORE },             /* sthu r3,2(r4) */
    { 0xc0640004, 0x00000000, 0x1004, 4, LOAD },              /* lfs f3,4(r4) */
    { 0xc4640004, 0x00000000, 0x1004, 4, LOAD },              /* lfsu f3,4(r4) */
    { 0xc8640008, 0x00000000, 0x1008, 8, LOAD },              /* lfd f3,8(r4) */
    { 0xcc640008, 0x00000000, 0x1008, 8, LOAD },              /* lfdu f3,8(r4) */
    { 0xd0640004, 0x00000000, 0x1004, 4, STORE },             /* stfs f3,4(r4) */
    { 0xd4640004, 0x00000000, 0x1004, 4, STORE },             /* stfsu f3,4(r4) */
    { 0xd8640008, 0x00000000, 0x1008, 8, STORE },             /* stfd f3,8(r4) */
    { 0xdc640008, 0x00000000, 0x1008, 8, STORE },             /* stfdu f3,8(r4) */
    { 0xe8640008, 0x00000000, 0x1008, 8, LOAD },              /* ld r3,8(r4) */
    { 0xe8640009, 0x00000000, 0x1008, 8, LOAD },              /* ldu r3,8(r4) */
    { 0xe864000a, 0x00000000, 0x1008, 4, LOAD },              /* lwa r3,8(r4) */
    { 0xf8640008, 0x00000000, 0x1008, 8, STORE },             /* std r3,8(r4) */
    { 0xf864ffe1, 0x00000000, 0xfe0, 8, STORE },              /* stdu r3,-32(r4) */
    { 0xf8c40012, 0x00000000, 0x1010, 16, STORE },            /* stq r6,16(r4) */
    { 0xe0c40010, 0x00000000, 0x1010, 16, LOAD },             /* lq r6,16(r4) */
    { 0xe464000a, 0x00000000, 0x1008, 8, LOAD },              /* lxsd v3,8(r4) */
    { 0xe464000b, 0x00000000, 0x1008, 4, LOAD },              /* lxssp v3,8(r4) */
    { 0xf5040029, 0x00000000, 0x1020, 16, LOAD },             /* lxv vs40,32(r4) */
    { 0xf504002d, 0x00000000, 0x1020, 16, STORE },            /* stxv vs40,32(r4) */
    { 0xf4640021, 0x00000000, 0x1020, 16, LOAD },             /* lxv vs3,32(r4) */
    { 0xf4640025, 0x00000000, 0x1020, 16, STORE },            /* stxv vs3,32(r4) */
    { 0xf464000a, 0x00000000, 0x1008, 8, STORE },             /* stxsd v3,8(r4) */
    { 0xf464000b, 0x00000000, 0x1008, 4, STORE },             /* stxssp v3,8(r4) */
    { 0x18640020, 0x00000000, 0x1020, 32, LOAD },             /* lxvp vs34,32(r4) */
    { 0x18640021, 0x00000000, 0x1020, 32, STORE },            /* stxvp vs34,32(r4) */
    { 0xe4840008, 0x00000000, 0x1008, 16, LOAD },             /* lfdp f4,8(r4) */
    { 0xf4840008, 0x00000000, 0x1008, 16, STORE },            /* stfdp f4,8(r4) */
    { 0x7c64282e, 0x00000000, 0x1237, 4, LOAD },              /* lwzx r3,r4,r5 */
    { 0x7c64286e, 0x00000000, 0x1237, 4, LOAD },              /* lwzux r3,r4,r5 */
    { 0x7c6428ae, 0x00000000, 0x1237, 1, LOAD },              /* lbzx r3,r4,r5 */
    { 0x7c6428ee, 0x00000000, 0x1237, 1, LOAD },              /* lbzux r3,r4,r5 */
    { 0x7c642a2e, 0x00000000, 0x1237, 2, LOAD },              /* lhzx r3,r4,r5 */
    { 0x7c642a6e, 0x00000000, 0x1237, 2, LOAD },              /* lhzux r3,r4,r5 */
    { 0x7c642aae, 0x00000000, 0x1237, 2, LOAD },              /* lhax r3,r4,r5 */
    { 0x7c642aee, 0x00000000, 0x1237, 2, LOAD },              /* lhaux r3,r4,r5 */
    { 0x7c642aaa, 0x00000000, 0x1237, 4, LOAD },              /* lwax r3,r4,r5 */
    { 0x7c642aea, 0x00000000, 0x1237, 4, LOAD },              /* lwaux r3,r4,r5 */
    { 0x7c64282a, 0x00000000, 0x1237, 8, LOAD },              /* ldx r3,r4,r5 */
    { 0x7c64286a, 0x00000000, 0x1237, 8, LOAD },              /* ldux r3,r4,r5 */
    { 0x7c642e2c, 0x00000000, 0x1237, 2, LOAD },              /* lhbrx r3,r4,r5 */
    { 0x7c642c2c, 0x00000000, 0x1237, 4, LOAD },              /* lwbrx r3,r4,r5 */
    { 0x7c642c28, 0x00000000, 0x1237, 8, LOAD },              /* ldbrx r3,r4,r5 */
    { 0x7c642c2e, 0x00000000, 0x1237, 4, LOAD },              /* lfsx f3,r4,r5 */
    { 0x7c642c6e, 0x00000000, 0x1237, 4, LOAD },              /* lfsux f3,r4,r5 */
    { 0x7c642cae, 0x00000000, 0x1237, 8, LOAD },              /* lfdx f3,r4,r5 */
    { 0x7c642cee, 0x00000000, 0x1237, 8, LOAD },              /* lfdux f3,r4,r5 */
    { 0x7c642eae, 0x00000000, 0x1237, 4, LOAD },              /* lfiwax f3,r4,r5 */
    { 0x7c642eee, 0x00000000, 0x1237, 4, LOAD },              /* lfiwzx f3,r4,r5 */
    { 0x7c842e2e, 0x00000000, 0x1237, 16, LOAD },             /* lfdpx f4,r4,r5 */
    { 0x7c64292e, 0x00000000, 0x1237, 4, STORE },             /* stwx r3,r4,r5 */
    { 0x7c64296e, 0x00000000, 0x1237, 4, STORE },             /* stwux r3,r4,r5 */
    { 0x7c6429ae, 0x00000000, 0x1237, 1, STORE },             /* stbx r3,r4,r5 */
    { 0x7c6429ee, 0x00000000, 0x1237, 1, STORE },             /* stbux r3,r4,r5 */
    { 0x7c642b2e, 0x00000000, 0x1237, 2, STORE },             /* sthx r3,r4,r5 */
    { 0x7c642b6e, 0x00000000, 0x1237, 2, STORE },             /* sthux r3,r4,r5 */
    { 0x7c64292a, 0x00000000, 0x1237, 8, STORE },             /* stdx r3,r4,r5 */
    { 0x7c64296a, 0x00000000, 0x1237, 8, STORE },             /* stdux r3,r4,r5 */
    { 0x7c642f2c, 0x00000000, 0x1237, 2, STORE },             /* sthbrx r3,r4,r5 */
    { 0x7c642d2c, 0x00000000, 0x1237, 4, STORE },             /* stwbrx r3,r4,r5 */
    { 0x7c642d28, 0x00000000, 0x1237, 8, STORE },             /* stdbrx r3,r4,r5 */
    { 0x7c642d2e, 0x00000000, 0x1237, 4, STORE },             /* stfsx f3,r4,r5 */
    { 0x7c642d6e, 0x00000000, 0x1237, 4, STORE },             /* stfsux f3,r4,r5 */
    { 0x7c642dae, 0x00000000, 0x1237, 8, STORE },             /* stfdx f3,r4,r5 */
    { 0x7c642dee, 0x00000000, 0x1237, 8, STORE },             /* stfdux f3,r4,r5 */
    { 0x7c642fae, 0x00000000, 0x1237, 4, STORE },             /* stfiwx f3,r4,r5 */
    { 0x7c842f2e, 0x00000000, 0x1237, 16, STORE },            /* stfdpx f4,r4,r5 */
    { 0x7c642868, 0x00000000, 0x1237, 1, LOAD },              /* lbarx r3,r4,r5 */
    { 0x7c6428e8, 0x00000000, 0x1237, 2, LOAD },              /* lharx r3,r4,r5 */
    { 0x7c642828, 0x00000000, 0x1237, 4, LOAD },              /* lwarx r3,r4,r5 */
    { 0x7c6428a8, 0x00000000, 0x1237, 8, LOAD },              /* ldarx r3,r4,r5 */
    { 0x7cc42a28, 0x00000000, 0x1237, 16, LOAD },             /* lqarx r6,r4,r5 */
    { 0x7c642d6d, 0x00000000, 0x1237, 1, STORE },             /* stbcx. r3,r4,r5 */
    { 0x7c642dad, 0x00000000, 0x1237, 2, STORE },             /* sthcx. r3,r4,r5 */
    { 0x7c64292d, 0x00000000, 0x1237, 4, STORE },             /* stwcx. r3,r4,r5 */
    { 0x7c6429ad, 0x00000000, 0x1237, 8, STORE },             /* stdcx. r3,r4,r5 */
    { 0x7cc4296d, 0x00000000, 0x1237, 16, STORE },            /* stqcx. r6,r4,r5 */
    { 0x7c64280e, 0x00000000, 0x1237, 1, LOAD },              /* lvebx v3,r4,r5 */
    { 0x7c64284e, 0x00000000, 0x1236, 2, LOAD },              /* lvehx v3,r4,r5 */
    { 0x7c64288e, 0x00000000, 0x1234, 4, LOAD },              /* lvewx v3,r4,r5 */
    { 0x7c6428ce, 0x00000000, 0x1230, 16, LOAD },             /* lvx v3,r4,r5 */
    { 0x7c642ace, 0x00000000, 0x1230, 16, LOAD },             /* lvxl v3,r4,r5 */
    { 0x7c64290e, 0x00000000, 0x1237, 1, STORE },             /* stvebx v3,r4,r5 */
    { 0x7c64294e, 0x00000000, 0x1236, 2, STORE },             /* stvehx v3,r4,r5 */
    { 0x7c64298e, 0x00000000, 0x1234, 4, STORE },             /* stvewx v3,r4,r5 */
    { 0x7c6429ce, 0x00000000, 0x1230, 16, STORE },            /* stvx v3,r4,r5 */
    { 0x7c642bce, 0x00000000, 0x1230, 16, STORE },            /* stvxl v3,r4,r5 */
    { 0x7c642c98, 0x00000000, 0x1237, 8, LOAD },              /* lxsdx vs3,r4,r5 */
    { 0x7c642898, 0x00000000, 0x1237, 4, LOAD },              /* lxsiwax vs3,r4,r5 */
    { 0x7c642818, 0x00000000, 0x1237, 4, LOAD },              /* lxsiwzx vs3,r4,r5 */
    { 0x7c642e1a, 0x00000000, 0x1237, 1, LOAD },              /* lxsibzx vs3,r4,r5 */
    { 0x7c642e5a, 0x00000000, 0x1237, 2, LOAD },              /* lxsihzx vs3,r4,r5 */
    { 0x7c642c18, 0x00000000, 0x1237, 4, LOAD },              /* lxsspx vs3,r4,r5 */
    { 0x7c642e98, 0x00000000, 0x1237, 16, LOAD },             /* lxvd2x vs3,r4,r5 */
    { 0x7c642e18, 0x00000000, 0x1237, 16, LOAD },             /* lxvw4x vs3,r4,r5 */
    { 0x7c642a18, 0x00000000, 0x1237, 16, LOAD },             /* lxvx vs3,r4,r5 */
    { 0x7c642e58, 0x00000000, 0x1237, 16, LOAD },             /* lxvh8x vs3,r4,r5 */
    { 0x7c642ed8, 0x00000000, 0x1237, 16, LOAD },             /* lxvb16x vs3,r4,r5 */
    { 0x7c642a98, 0x00000000, 0x1237, 8, LOAD },              /* lxvdsx vs3,r4,r5 */
    { 0x7c642ad8, 0x00000000, 0x1237, 4, LOAD },              /* lxvwsx vs3,r4,r5 */
    { 0x7c442a9a, 0x00000000, 0x1237, 32, LOAD },             /* lxvpx vs2,r4,r5 */
    { 0x7c64281a, 0x00000000, 0x1237, 1, LOAD },              /* lxvrbx vs3,r4,r5 */
    { 0x7c64285a, 0x00000000, 0x1237, 2, LOAD },              /* lxvrhx vs3,r4,r5 */
    { 0x7c64289a, 0x00000000, 0x1237, 4, LOAD },              /* lxvrwx vs3,r4,r5 */
    { 0x7c6428da, 0x00000000, 0x1237, 8, LOAD },              /* lxvrdx vs3,r4,r5 */
    { 0x7d642d99, 0x00000000, 0x1237, 8, STORE },             /* stxsdx vs43,r4,r5 */
    { 0x7c642918, 0x00000000, 0x1237, 4, STORE },             /* stxsiwx vs3,r4,r5 */
    { 0x7c642f1a, 0x00000000, 0x1237, 1, STORE },             /* stxsibx vs3,r4,r5 */
    { 0x7c642f5a, 0x00000000, 0x1237, 2, STORE },             /* stxsihx vs3,r4,r5 */
    { 0x7c642d18, 0x00000000, 0x1237, 4, STORE },             /* stxsspx vs3,r4,r5 */
    { 0x7d642f99, 0x00000000, 0x1237, 16, STORE },            /* stxvd2x vs43,r4,r5 */
    { 0x7c642f18, 0x00000000, 0x1237, 16, STORE },            /* stxvw4x vs3,r4,r5 */
    { 0x7c642b18, 0x00000000, 0x1237, 16, STORE },            /* stxvx vs3,r4,r5 */
    { 0x7c642f58, 0x00000000, 0x1237, 16, STORE },            /* stxvh8x vs3,r4,r5 */
    { 0x7c642fd8, 0x00000000, 0x1237, 16, STORE },            /* stxvb16x vs3,r4,r5 */
    { 0x7c442b9a, 0x00000000, 0x1237, 32, STORE },            /* stxvpx vs2,r4,r5 */
    { 0x7c64291a, 0x00000000, 0x1237, 1, STORE },             /* stxvrbx vs3,r4,r5 */
    { 0x7c64295a, 0x00000000, 0x1237, 2, STORE },             /* stxvrhx vs3,r4,r5 */
    { 0x7c64299a, 0x00000000, 0x1237, 4, STORE },             /* stxvrwx vs3,r4,r5 */
    { 0x7c6429da, 0x00000000, 0x1237, 8, STORE },             /* stxvrdx vs3,r4,r5 */
    { 0x7c642a1a, 0x00000000, 0x1000, 5, LOAD },              /* lxvl vs3,r4,r5 */
    { 0x7c642a5a, 0x00000000, 0x1000, 5, LOAD },              /* lxvll vs3,r4,r5 */
    { 0x7c642b1a, 0x00000000, 0x1000, 5, STORE },             /* stxvl vs3,r4,r5 */
    { 0x7c642b5a, 0x00000000, 0x1000, 5, STORE },             /* stxvll vs3,r4,r5 */
    { 0x7c042fec, 0x00000000, 0x1200, 128, STORE },           /* dcbz r4,r5 */
    { 0x7c0428ac, 0x00000000, 0x0, 0, NONE },                 /* dcbf r4,r5 */
    { 0x7c042fac, 0x00000000, 0x0, 0, NONE },                 /* icbi r4,r5 */
    { 0x7c642a14, 0x00000000, 0x0, 0, NONE },                 /* add r3,r4,r5 */
    { 0x06000001, 0x80642340, 0x13340, 4, LOAD },             /* plwz r3,74560(r4) */
    { 0x06000001, 0x88642340, 0x13340, 1, LOAD },             /* plbz r3,74560(r4) */
    { 0x06000001, 0xa0642340, 0x13340, 2, LOAD },             /* plhz r3,74560(r4) */
    { 0x06000001, 0xa8642340, 0x13340, 2, LOAD },             /* plha r3,74560(r4) */
    { 0x06000001, 0x90642340, 0x13340, 4, STORE },            /* pstw r3,74560(r4) */
    { 0x06000001, 0x98642340, 0x13340, 1, STORE },            /* pstb r3,74560(r4) */
    { 0x06000001, 0xb0642340, 0x13340, 2, STORE },            /* psth r3,74560(r4) */
    { 0x06000001, 0xc0642340, 0x13340, 4, LOAD },             /* plfs f3,74560(r4) */
    { 0x06000001, 0xc8642340, 0x13340, 8, LOAD },             /* plfd f3,74560(r4) */
    { 0x06000001, 0xd0642340, 0x13340, 4, STORE },            /* pstfs f3,74560(r4) */
    { 0x0603fffe, 0xd864dcc0, 0xfffffffffffeecc0, 8, STORE }, /* pstfd f3,-74560(r4) */
    { 0x04000001, 0xa4642340, 0x13340, 4, LOAD },             /* plwa r3,74560(r4) */
    { 0x04000001, 0xe4642340, 0x13340, 8, LOAD },             /* pld r3,74560(r4) */
    { 0x04000001, 0xf4642340, 0x13340, 8, STORE },            /* pstd r3,74560(r4) */
    { 0x04000001, 0xe0c42340, 0x13340, 16, LOAD },            /* plq r6,74560(r4) */
    { 0x04000001, 0xf0c42340, 0x13340, 16, STORE },           /* pstq r6,74560(r4) */
    { 0x04000001, 0xa8642340, 0x13340, 8, LOAD },             /* plxsd v3,74560(r4) */
    { 0x04000001, 0xac642340, 0x13340, 4, LOAD },             /* plxssp v3,74560(r4) */
    { 0x04000001, 0xb8642340, 0x13340, 8, STORE },            /* pstxsd v3,74560(r4) */
    { 0x04000001, 0xbc642340, 0x13340, 4, STORE },            /* pstxssp v3,74560(r4) */
    { 0x04000001, 0xc8642340, 0x13340, 16, LOAD },            /* plxv vs3,74560(r4) */
    { 0x04000001, 0xcd642340, 0x13340, 16, LOAD },            /* plxv vs43,74560(r4) */
    { 0x04000001, 0xdd642340, 0x13340, 16, STORE },           /* pstxv vs43,74560(r4) */
    { 0x04000001, 0xe8642340, 0x13340, 32, LOAD },            /* plxvp vs34,74560(r4) */
    { 0x04000001, 0xf8642340, 0x13340, 32, STORE },           /* pstxvp vs34,74560(r4) */
    { 0x04100000, 0xe4600100, 0x4100, 8, LOAD },              /* pld r3,256 */
    { 0x06000000, 0x38640005, 0x0, 0, NONE },                 /* paddi r3,r4,5 */
    { 0xbb840008, 0, 0x1008, 16, LOAD },                      /* lmw r28,8(r4) */
    { 0xbf840008, 0, 0x1008, 16, STORE },                     /* stmw r28,8(r4) */
    { 0x7d043caa, 0, 0x1000, 7, LOAD },                       /* lswi r8,r4,7 */
    { 0x7c0405aa, 0, 0x1000, 32, STORE },                     /* stswi r0,r4,32 */
    { 0x7d042c2a, 0, 0x1237, 9, LOAD },                       /* lswx r8,r4,r5, XER count 9 */
    { 0x7c642d2a, 0, 0x1237, 9, STORE },                      /* stswx */
    { 0x80600010, 0, 0x10, 4, LOAD },                         /* lwz r3,16(0) */
};

static void every_load_and_store_is_decoded(void **state)
{
    struct pcpu *p = &cpu;

    (void)state;
    for (size_t i = 0; i < GD_ARRAY_SIZE(accesses); i++) {
        struct gd_access a;
        unsigned xo = ppc_xo(accesses[i].insn);

        pcpu_init(p);
        p->reg[GD_PPC64_MSR] = MSR_REAL;
        p->reg[4] = 0x1000;
        p->reg[5] = 0x237;
        if (accesses[i].insn >> 26 == 31 && (xo == 269 || xo == 301 || xo == 397 || xo == 429))
            p->reg[5] = 0x0500000000000000ull; /* lxvl: the length */
        p->reg[GD_PPC64_XER] = 9;
        p->reg[GD_PPC64_R0] = 0x666; /* never a base */
        pcpu_word(p, 0x4000, accesses[i].insn);
        pcpu_word(p, 0x4004, accesses[i].suffix);
        gd_ppc64_access(&p->cpu, 0x4000, &a);
        if (a.len != accesses[i].len || a.read != (accesses[i].way == LOAD) ||
            a.write != (accesses[i].way == STORE) || (a.len && a.addr != accesses[i].addr))
            fail_msg("%08x %08x: %lx+%lu %d%d", (unsigned)accesses[i].insn,
                     (unsigned)accesses[i].suffix, (unsigned long)a.addr, (unsigned long)a.len,
                     a.read, a.write);
    }
}

static void only_a_store_conditional_is_exclusive(void **state)
{
    struct pcpu *p = &cpu;
    struct gd_access a;

    (void)state;
    CODE(0x7c60212d, 0x7c602028);
    gd_ppc64_access(&p->cpu, P_CODE, &a);
    assert_true(a.exclusive);
    gd_ppc64_access(&p->cpu, P_CODE + 4, &a);
    assert_false(a.exclusive);
}

static void a_big_endian_guest_is_decoded_in_its_own_order(void **state)
{
    struct pcpu *p = &cpu;
    struct gd_access a;

    (void)state;
    CODE(0x10006480); /* bytes 80 64 00 10: lwz r3,16(r4) */
    p->reg[GD_PPC64_MSR] = MSR_KERNEL & ~MSR_LE;
    p->reg[4] = 0x1000;
    gd_ppc64_access(&p->cpu, P_CODE, &a);
    assert_int_equal(a.addr, 0x1010);
    assert_int_equal(a.len, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_instruction_is_known),
        cmocka_unit_test(the_next_instruction_is_predicted),
        cmocka_unit_test(a_count_of_one_ends_a_bdnz_and_takes_a_bdz),
        cmocka_unit_test(thirty_two_bit_mode_truncates_addresses_and_the_count),
        cmocka_unit_test(a_sequence_ends_behind_its_retry_branch_and_at_each_way_out),
        cmocka_unit_test(a_sequence_without_retry_ends_behind_the_store),
        cmocka_unit_test(a_sequence_has_a_second_way_to_a_store),
        cmocka_unit_test(what_has_no_place_in_a_sequence_makes_it_none),
        cmocka_unit_test(an_instruction_inside_a_sequence_finds_it),
        cmocka_unit_test(code_that_changes_translation_ends_a_cached_page_in_either_byte_order),
        cmocka_unit_test(every_load_and_store_is_decoded),
        cmocka_unit_test(only_a_store_conditional_is_exclusive),
        cmocka_unit_test(a_big_endian_guest_is_decoded_in_its_own_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
