#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# One instruction at a time on POWER: each kind that a stepper must know, with every register afterwards, by the
# trace and by the breakpoint strategy, in privileged and in problem state, with vectors at 0 and at AIL=3.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 900

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import *

NOWHERE, SEGMENT = 0x37000, 0x4000000000000000  # not mapped; of no segment
RTAS = 0x70000  # the page behind the image


def use(elf):
    """Which image the tables are of, and in which byte order."""
    global e, rows, row, table, q, w, data, COUNT, REAL, VIRT, USER
    e, rows = elf, Rows(elf)
    row, table, q, w = rows.row, rows.table, rows.q, rows.w
    data, COUNT = e["page_rw"], HIGH | e["state"] + 0x100
    REAL = SF | ME | RI | rows.le
    VIRT, USER = REAL | IR | DR, REAL | IR | DR | EE | PR


def plain(msr, high):
    there, there2, at = e["elsewhere"] | high, e["elsewhere2"] | high, data | high
    return [
        row("addi", msr, lambda s: s.go(r3=s[4] + 5)),
        row("nop_", msr, lambda s: s.go()),
        row("hint", msr, lambda s: s.go()),
        row("isync_", msr, lambda s: s.go()),
        row("sync_", msr, lambda s: s.go()),
        row("load", msr, lambda s: s.go(r3=0x1122334455667788), {at: q(0, 0x1122334455667788)}, r4=at),
        row("store", msr, lambda s: s.go(), {at: q(0, 0)}, r4=at, becomes={at: q(0, 0x0303030303030303)}),
        row("store_update", msr, lambda s: s.go(r4=at + 16), r4=at),
        row("zero_line", msr, lambda s: s.go(), {at: b"\xff" * 136}, r4=at, becomes={at: bytes(128) + b"\xff" * 8}),
        row("spr_ctr", msr, lambda s: s.go(ctr=s[4])),
        row("spr_lr", msr, lambda s: s.go(r3=s[LR])),
        row("spr_sprg", msr, lambda s: s.go(sprg1=s[4])),
        row("get_srr0", msr, lambda s: s.go(r3=s[SRR0])),
        row("get_srr1", msr, lambda s: s.go(r3=s[SRR1])),
        row("set_srr0", msr, lambda s: s.go(srr0=0x5550), r4=0x5550),
        row("set_srr1", msr, lambda s: s.go(srr1=0x9030), r4=0x9030),
        row("pc_relative", msr, lambda s: s.go(r3=s[PC] + 4 + 0x10000)),
        row("b_forward", msr, lambda s: s.go(there)),
        row("b_link", msr, lambda s: s.go(there, lr=s[PC] + 4)),
        row("b_self", msr, lambda s: s.go(s[PC])),
        row("b_lr", msr, lambda s: s.go(there), lr=there),
        row("b_lr_link", msr, lambda s: s.go(there, lr=s[PC] + 4), lr=there | 3),
        row("b_ctr", msr, lambda s: s.go(there2), ctr=there2),
        row("b_tar", msr, lambda s: s.go(there2), tar=there2),
        row("b_eq", msr, lambda s: s.go(there), cr=0x20000000),
        row("b_eq", msr, lambda s: s.go()),
        row("b_ctr_dec", msr, lambda s: s.go(there, ctr=1), ctr=2),
        row("b_ctr_dec", msr, lambda s: s.go(ctr=0), ctr=1),
        row("b_ctr_eq", msr, lambda s: s.go(there, ctr=4), ctr=5, cr=0x20000000),
        row("b_ctr_eq", msr, lambda s: s.go(ctr=4), ctr=5),
        row("b_next", msr, lambda s: s.go(lr=s[PC] + 4)),
        row("b_ctr: into a vector", msr, lambda s: s.go(high | 0x700), at="b_ctr", ctr=high | 0x700),
        row("b_ctr: into the trace vector", msr, lambda s: s.go(high | 0xd00), at="b_ctr", ctr=high | 0xd00),
    ]


def system(msr, high):
    there, odd = e["elsewhere"] | high, data + 1 | high
    relocated = rows.ail and high
    scv, scv_msr = (HIGH | 0x3000, VIRT) if relocated else (0x17000, REAL)
    return [
        row("get_msr", msr, lambda s: s.go(r6=s[MSR])),
        row("set_msr", msr, lambda s: s.go(msr=s[MSR] | EE), r4=msr & 0xffffffff & ~ME & ~rows.le | EE),
        row("set_msr_l1", msr, lambda s: s.go(msr=s[MSR] & ~RI | EE), r4=EE),
        row("set_msrd", msr, lambda s: s.go(msr=s[MSR] | FP), r4=msr & ~ME & ~rows.le | FP),
        row("set_msrd_l1", msr, lambda s: s.go(msr=s[MSR] & ~RI | EE), r4=EE),
        row("set_msrd: SE on", msr, lambda s: s.go(msr=s[MSR] | SE), at="set_msrd", r4=msr | SE),
        row("set_msrd: SE off", msr | SE, lambda s: s.traced(msr=msr), at="set_msrd", r4=msr),
        row("rfid_", msr, lambda s: s.go(there, msr=msr | EE), srr0=there | 3, srr1=msr | EE),
        row("rfid_: SE on", msr, lambda s: s.go(there, msr=msr | SE), at="rfid_", srr0=there, srr1=msr | SE),
        row("rfid_: SE off", msr | SE, lambda s: s.go(there, msr=msr), at="rfid_", srr0=there, srr1=msr),
        row("rfid_: to problem state", msr, lambda s: s.go(e["u_addi"], msr=USER), at="rfid_", srr0=e["u_addi"],
            srr1=REAL | PR),
        row("rfscv_", msr, lambda s: s.go(there, msr=msr | EE), lr=there | 1, ctr=msr | EE),
        row("sc0", msr, lambda s: s.taken(0xc00, 0, s[PC] + 4)),
        row("sc0: own SE", msr | SE, lambda s: s.taken(0xc00, 0, s[PC] + 4), at="sc0"),
        *[row(f"scv{n}", msr, lambda s, n=n: s.go(scv + 32 * n, lr=s[PC] + 4, ctr=s[MSR], msr=scv_msr))
          for n in (0, 3, 127)],
        row("scv0: switched off", msr, lambda s: s.taken(0xf60, fscr=None), at="scv0", fscr=0x2104),
        row("nop_", msr, lambda s: s.go(), fscr=0x3104),
        row("trap_", msr, lambda s: s.taken(0x700, TRAP)),
        row("trap_not", msr, lambda s: s.go()),
        row("trap_d", msr, lambda s: s.taken(0x700, TRAP), r4=7),
        row("trap_d", msr, lambda s: s.go()),
        row("illegal", msr, lambda s: s.taken(0x700, ILLEGAL)),
        row("debug_word", msr, lambda s: s.taken(0x700, ILLEGAL)),
        row("fp", msr, lambda s: s.taken(0x800)),
        row("vec", msr, lambda s: s.taken(0xf20)),
        row("vsx", msr, lambda s: s.taken(0xf40)),
        row("wait_", msr, lambda s: s.go()),
        row("tir", msr, lambda s: s.go(r3=0)),
        row("misaligned", msr, lambda s: s.taken(0x600, dar=odd), r4=odd),
    ]


def own_trace(msr, high):
    there = e["elsewhere"] | high
    return [
        row("addi", msr | SE, lambda s: s.traced(r3=s[4] + 5)),
        row("addi", msr | BE, lambda s: s.go(r3=s[4] + 5)),
        row("b_forward", msr | BE, lambda s: s.traced(there)),
        row("b_forward", msr | SE, lambda s: s.traced(there)),
        row("b_eq", msr | BE, lambda s: s.traced()),
        row("b_self", msr | SE, lambda s: s.traced(s[PC])),
        row("get_msr", msr | SE, lambda s: s.traced(r6=s[MSR])),
        row("get_srr0", msr | SE, lambda s: s.traced(r3=s[SRR0])),
        row("set_srr0", msr | SE, lambda s: s.traced()),
        row("trap_", msr | SE, lambda s: s.taken(0x700, TRAP)),
        row("illegal", msr | SE, lambda s: s.taken(0x700, ILLEGAL)),
        row("debug_word", msr | SE, lambda s: s.taken(0x700, ILLEGAL)),
        row("atomic", msr | SE, lambda s: s.traced(r3=5), {data | high: w(5)}, r4=data | high),
    ]


def atomic(msr, high):
    at, end, lock, two = data | high, e["atomic_end"] | high, e["atomic_lock"] | high, e["atomic_two_end"] | high
    word = {at: w(41)}
    return [
        row("atomic", msr, lambda s: s.go(end, r3=42, r5=s[5] + 1, cr=0x20000000), word, r4=at, becomes={at: w(42)}),
        row("atomic_inside", msr, lambda s: s.go(r5=s[5] + 1), word, r4=at, becomes=word),
        row("atomic_lock", msr, lambda s: s.go(lock + 20, r3=0, cr=0x20000000), {at: w(0)}, r4=at, r5=1,
            becomes={at: w(1)}),
        row("atomic_lock: taken", msr, lambda s: s.go(e["elsewhere"] | high, r3=41, cr=0x40000000), word,
            at="atomic_lock", r4=at, becomes=word),
        row("atomic_two", msr, lambda s: s.go(two, r3=0, cr=0x20000000), {at: w(0)}, r4=at, r5=7, becomes={at: w(7)}),
        row("atomic_two: the other way", msr, lambda s: s.go(two, r3=42, cr=0x20000000), word, at="atomic_two", r4=at,
            becomes={at: w(42)}),
        row("atomic_lone", msr, lambda s: s.go(cr=0), word, r4=at, cr=0xf0000000, becomes=word),
    ]


def prefixed(msr, high):
    at = data | high
    traced = TRACE | (PREFIXED if silicon else 0)
    return [
        row("p_addi", msr, lambda s: s.go(s[PC] + 8, r3=s[4] + 0x12345678)),
        row("p_load", msr, lambda s: s.go(s[PC] + 8, r3=7), {at: q(0, 0, 7)}, r4=at),
        row("p_store", msr, lambda s: s.go(s[PC] + 8), {at: q(0, 0, 0)}, r4=at,
            becomes={at: q(0, 0, 0x0303030303030303)}),
        row("p_relative", msr, lambda s: s.go(s[PC] + 8, r3=s[PC] + 0x1000)),
        row("p_addi: own SE", msr | SE, lambda s: s.taken(0xd00, traced, s[PC] + 8, r3=s[4] + 0x12345678), at="p_addi"),
    ]


def everything(c, where, msr, high):
    table(c, f"plain instructions and branches, {where}", plain(msr, high))
    table(c, f"instructions that show or change MSR, SRR0, SRR1, and those that interrupt, {where}", system(msr, high))
    table(c, f"the guest's own trace stands at its vector before the handler runs, {where}", own_trace(msr, high))
    table(c, f"a larx to stcx. sequence is one step, {where}", atomic(msr, high))
    if power10:
        table(c, f"prefixed instructions, {where}", prefixed(msr, high))


def faults():
    """From the kernel: in its own view, and in problem state's at the bottom."""
    at, protected = data | HIGH, e["page_ro"]
    return [
        row("load", VIRT, lambda s: s.taken(0x300, dar=NOWHERE + 8, dsisr=0x40000000), r4=NOWHERE),
        row("store", VIRT, lambda s: s.taken(0x300, dar=NOWHERE + 8, dsisr=0x42000000), r4=NOWHERE),
        row("store", VIRT, lambda s: s.taken(0x300, dar=protected + 8, dsisr=0x0a000000), r4=protected),
        row("load", VIRT, lambda s: s.taken(0x380, dar=SEGMENT + 8), r4=SEGMENT),
        row("b_ctr", VIRT, lambda s: s.go(NOWHERE), ctr=NOWHERE),
        row("a fetch from nowhere", VIRT, lambda s: s.taken(0x400, 0x40000000), place=NOWHERE),
        row("a fetch from no segment", VIRT, lambda s: s.taken(0x480), place=SEGMENT),
        row("rfid_: to nowhere", VIRT, lambda s: s.go(NOWHERE, msr=USER), at="rfid_", srr0=NOWHERE, srr1=USER),
        row("set_msrd: translation off", VIRT, lambda s: s.go(msr=REAL), at="set_msrd", r4=REAL),
        row("set_msrd: translation on", REAL, lambda s: s.go(msr=VIRT), at="set_msrd", r4=VIRT),
        row("load: DR off", REAL | IR, lambda s: s.go(r3=5), {at: q(0, 5)}, at="load", r4=data),
        row("illegal: DR off", REAL | IR, lambda s: s.taken(0x700, ILLEGAL), at="illegal"),
        row("atomic_fault", VIRT, lambda s: s.taken(0x300, srr0=e["atomic_fault_at"] | HIGH, dar=NOWHERE,
                                                    dsisr=0x40000000, r3=41), {at: w(41)}, r4=at, r6=NOWHERE),
    ]


def user():
    protected, private, word = e["page_ro"], e["page_priv"], {data: w(41)}
    scv, scv_msr = (HIGH | 0x3020, VIRT | EE) if rows.ail else (0x17020, REAL | EE)
    return [
        row("u_addi", USER, lambda s: s.go(r3=s[4] + 5)),
        row("u_hint", USER, lambda s: s.go()),
        row("u_load", USER, lambda s: s.go(r3=5), {data: q(0, 5)}, r4=data),
        row("u_load", USER, lambda s: s.taken(0x300, dar=private + 8, dsisr=0x08000000), r4=private),
        row("u_store", USER, lambda s: s.taken(0x300, dar=protected + 8, dsisr=0x0a000000), r4=protected),
        row("u_store", USER, lambda s: s.go(), {data: q(0, 0)}, r4=data, becomes={data: q(0, 0x0303030303030303)}),
        row("u_branch", USER, lambda s: s.go(e["u_elsewhere"], lr=s[PC] + 4)),
        row("u_sc", USER, lambda s: s.taken(0xc00, 0, s[PC] + 4)),
        row("u_scv", USER, lambda s: s.go(scv, lr=s[PC] + 4, ctr=s[MSR], msr=scv_msr)),
        row("u_mfmsr", USER, lambda s: s.taken(0x700, PRIVILEGED)),
        row("u_rfid", USER, lambda s: s.taken(0x700, PRIVILEGED)),
        row("u_srr0", USER, lambda s: s.taken(0x700, PRIVILEGED)),
        row("u_illegal", USER, lambda s: s.taken(0x700, ILLEGAL)),
        row("u_debug_word", USER, lambda s: s.taken(0x700, ILLEGAL)),
        row("u_trap", USER, lambda s: s.taken(0x700, TRAP)),
        row("u_fp", USER, lambda s: s.taken(0x800)),
        row("u_atomic", USER, lambda s: s.go(e["u_elsewhere"], r3=42, cr=0x20000000), word, r4=data,
            becomes={data: w(42)}),
        *([row("u_paddi", USER, lambda s: s.go(s[PC] + 8, r3=s[4] + 0x12345678))] if power10 else []),
        row("u_addi: own SE", USER | SE, lambda s: s.traced(r3=s[4] + 5), at="u_addi"),
        row("u_sc: own SE", USER | SE, lambda s: s.taken(0xc00, 0, s[PC] + 4), at="u_sc"),
        row("u_branch: own BE", USER | BE, lambda s: s.traced(e["u_elsewhere"], lr=s[PC] + 4), at="u_branch"),
    ]


def called(s, **more):
    """A hypercall is an sc with LEV in SRR1; CR and CTR are volatile (LoPAR 14.4)."""
    return {**s.go(**more), SRR0: s[PC] + 4, SRR1: s[MSR] | (0x100000 if power10 else 0), CR: None, CTR: None}


def set_mode(name, want, resource, value, value2=0, flags=0):
    return row(f"sc1: {name}", REAL, lambda s: {**called(s, r3=0), **want}, at="sc1", r3=0x31c, r4=flags, r5=resource,
               r6=value, r7=value2)


def hypervisor():
    """What leaves the guest for KVM or its machine; real mode."""
    addi, vector = e["addi"], REAL | VEC
    many = b"".join(n.to_bytes(4, "big") for n in (3, 99, 1))
    # QEMU's emulated processor fires a CIABR before its instruction.
    fires = (lambda s: s.taken(0xd00, TRACE | 0x100000, s[PC] + 4, r3=s[4] + 5)) if silicon else \
        (lambda s: s.taken(0xd00, TRACE | 0x100000))
    return [
        row("sc1", REAL, lambda s: called(s, r3=ALL - 1), r3=0xfff0),
        set_mode("CIABR", {CIABR: addi | 2}, 1, addi | 2),
        row("addi: own CIABR", REAL, fires, at="addi"),
        row("nop_: own CIABR elsewhere", REAL, lambda s: s.go(), at="nop_"),
        set_mode("CIABR off", {CIABR: 0}, 1, 0),
        row("addi: CIABR off", REAL, lambda s: s.go(r3=s[4] + 5), at="addi"),
        row("sc1: CIABR of the hypervisor", REAL, lambda s: called(s, r3=ALL - 55), at="sc1", r3=0x31c, r4=0, r5=1,
            r6=addi | 3, r7=0),
        row("sc1: RTAS, arguments nowhere", REAL, lambda s: called(s, r3=ALL - 3), at="sc1", r3=0xf000, r4=HOLE),
        row("sc1: RTAS, too many arguments", REAL, lambda s: called(s, r3=ALL - 3), {data: many}, at="sc1", r3=0xf000,
            r4=data, becomes={data: many}),
        row("sc1: AIL=2", REAL, lambda s: called(s, r3=ALL - 255), at="sc1", r3=0x31c, r4=2, r5=3, r6=0, r7=0),
        *[row(f"sc1: a hashed page table, {name}", REAL, lambda s: called(s, r3=ALL - 3), at="sc1", r3=0x37c, r4=flags, r5=0)
          for name, flags in (("registered", 0x18), ("and the process table gone", 0x10))],
        row("load: no memory", REAL, lambda s: s.go(r3=ALL), at="load", r4=HOLE),
        row("store: no memory", REAL, lambda s: s.go(), at="store", r4=HOLE),
        row("store_update: no memory", REAL, lambda s: s.go(r4=HOLE + 16), at="store_update", r4=HOLE),
        row("zero_line: no memory", REAL, lambda s: s.go(), at="zero_line", r4=HOLE),
        row("flush_line: no memory", REAL, lambda s: s.go(), at="flush_line", r4=HOLE),
        row("load_vector", vector, lambda s: {**s.go(), VR0: 0}, {data: q(0, 0)}, r4=data),
        row("load_vector: no memory", vector, lambda s: {**s.go(), VR0: (1 << 128) - 1}, at="load_vector", r4=HOLE),
        row("dpdes", REAL, lambda s: s.go(r3=0)),
        row("doorbell", REAL, lambda s: s.go(), r4=0x28000000),
        row("doorbell_clear", REAL, lambda s: s.go(), r4=0x28000000),
        row("set_dec", REAL, lambda s: s.go(), r4=0x7fff0000),
        row("get_dec", REAL, lambda s: s.go(r3=None)),
        row("hrfid_", REAL, lambda s: s.taken(0x700, PRIVILEGED)),
        row("stop_", REAL, lambda s: s.taken(0x700, PRIVILEGED)),
        # QEMU's emulated processor does not tell KVM that the guest uses EBBRR, so nobody knows it.
        *([row("set_ebbrr", REAL, lambda s: s.go(), r4=e["elsewhere"]),
           row("rfebb_", REAL, lambda s: s.go(e["elsewhere"]))] if silicon else []),
    ]


def own_watch():
    """The guest's DAWR0, set by H_SET_MODE; what QEMU's emulated processor says of a hit lacks "store"."""
    stored = 0x02400000 if silicon else 0x00400000
    hit = row("store: own DAWR0", REAL, lambda s: s.taken(0x300, dar=data, dsisr=stored), {data: q(0, 0)}, at="store",
              r4=data - 8, becomes={data: q(0, 0)})
    return [set_mode("DAWR0", {DAWR0: data, DAWRX0: 0x4b}, 2, data, 0x4b), hit,
            set_mode("DAWR0 off", {DAWR0: 0, DAWRX0: 0}, 2, 0),
            row("store: DAWR0 off", REAL, lambda s: s.go(), {data: q(0, 0)}, at="store", r4=data - 8,
                becomes={data: q(0x0303030303030303)})]


def narrow():
    msr, high = REAL & ~SF, 0xdeadbeef00000000
    there = e["elsewhere"]
    return [
        row("addi", msr, lambda s: s.go(r3=s[4] + 5)),
        row("b_link", msr, lambda s: s.go(there, lr=s[PC] + 4)),
        row("b_lr", msr, lambda s: s.go(there), lr=high | there),
        row("load", msr, lambda s: s.go(r3=5), {data: q(0, 5)}, r4=high | data),
        row("sc0", msr, lambda s: s.taken(0xc00, 0, s[PC] + 4)),
        row("rfid_", msr, lambda s: s.go(there, msr=REAL), srr0=there, srr1=REAL),
        row("rfid_: to 32 bits", REAL, lambda s: s.go(there, msr=msr), at="rfid_", srr0=high | there, srr1=msr),
    ]


def at_vectors(msr):
    """SRR0 and SRR1 are the guest's there, above all at the trace vector."""
    base, scv = (HIGH | 0x4000, HIGH | 0x3000) if msr & IR else (0, 0x17000)
    places = [base + n for n in (0x300, 0x400, 0x700, 0x900, 0xc00, 0xd00)] + [scv, scv + 0x20]
    return [row(f"vector {at:#x}", msr, lambda s: s.go(sprg2=s[13]), place=at) for at in places]


def rewritten(msr, base):
    """The guest stores into vectors while the fence stands there, and runs into one from above."""
    addi, nop = e.bytes(e["addi"], 4), "nop_"
    rows = []
    for name, offset, how, length in (("a vector", 0x300, "store", 8), ("the trace vector", 0xd00, "store", 8),
                                      ("the trace vector", 0xd00, "zero_line", 128)):
        at, was = base + offset, e.bytes(base + offset & 0xffff, length)
        stored = q(0x7db243a67db243a6) if how == "store" else bytes(128)
        rows += [row(f"{how}: into {name}", msr, lambda s: s.go(), at=how, r4=at - 8 if how == "store" else at,
                     r3=0x7db243a67db243a6, becomes={at: stored}),
                 row(nop, msr, lambda s: s.go(), {at: was}, becomes={at: was})]
    before = base + 0xcfc
    return rows + [row("the word before a vector", msr, lambda s: s.go(r3=s[4] + 5), {before: addi}, place=before),
                   row(nop, msr, lambda s: s.go(), {before: bytes(4)})]


fresh = iter(range(0x400000, 0x3c00000, 0x200000))  # memory that the guest has not touched, in blocks of the host's


def into_new_memory(mode):
    """The next instruction lies where the processor has to ask the hypervisor for translation."""
    addi, new, new2, new3 = e.bytes(e["addi"], 4), next(fresh), next(fresh), next(fresh)
    # QEMU's POWER10 loses the trace interrupt there, and goes on to the next instruction, which is illegal.
    own = (lambda s: s.taken(0x700, ILLEGAL, new3)) if power10 and not silicon else (lambda s: s.traced(new3))
    return [
        row("a page's last word", REAL, lambda s: s.go(new, r3=s[4] + 5), {new - 4: addi}, place=new - 4),
        row("b_ctr", REAL, lambda s: s.go(new2), ctr=new2),
        *([row("b_ctr: own SE", REAL | SE, own, at="b_ctr", ctr=new3)] if mode == "trace" else []),
    ]


def hostile(c):
    """Trees that lead nowhere, round in circles or out of memory: said so, and steps go on in real mode."""
    tables = e["process_table"]
    tree, kernel_1g, kernel_2m = tables + 0x10000, tables + 0x1000, tables + 0x2000
    at = HIGH | e["addi"]
    cases = {
        "no tree": (tables, 0),
        "a tree beyond memory": (tables, 0x4000000010000000 + 0xad),
        "a root of 2^31 entries": (tables, 0x4000000000000000 + tree + 0xbf),
        "a root without entries": (tables, 0x4000000000000000 + tree + 0xa0),
        "no root entry": (tree, 0),
        "a directory that is its own": (kernel_1g, 0x8000000000000000 + kernel_1g + 9),
        "a directory of 2^31 entries": (tree, 0x8000000000000000 + kernel_1g + 31),
        "a directory without entries": (tree, 0x8000000000000000 + kernel_1g),
        "a directory beyond memory": (tree, 0x8000000000000000 + 0x3ffffffff000 + 9),
        "a page beyond memory": (kernel_2m, 0xc000000000000000 + 0x10000000000 + 0x18f),
    }
    load(c, row("nop_", REAL, None)[1])
    for name, (where, value) in cases.items():
        was = c.memory(where, 8)
        c.write(where, value.to_bytes(8, "big"))
        load(c, row("nop_", VIRT, None)[1])
        for packet in (f"m{at:x},4", f"M{at:x},4:00000000", f"Z0,{at:x},4"):
            try:
                answer = c(packet)
            except RspError as error:
                check(packet[0] != "Z" and len(str(error)) > 10, f"{name}: no sentence for {packet}: {error}")
            else:
                check(packet[0] == "Z" or not answer, f"{name}: {packet} is answered {answer}")
                check(packet[0] != "Z" or "stops behind its instruction" in c.monitor("slots"), f"{name}: {packet} is taken silently")
                c(packet.replace("Z", "z", 1))
        load(c, row("nop_", REAL, None)[1])
        wrong = play(c, row("addi", REAL, lambda s: s.go(r3=s[4] + 5)))
        c.write(where, was)
        check(not wrong, f"{name}: {wrong}")
    load(c, row("nop_", VIRT, None)[1])
    equal(c.memory(at, 4), e.bytes(e["addi"], 4), "the same address after that")


def interrupts(msr, high):
    """A decrementer that has expired, a doorbell that is rung."""
    untouched = {COUNT + 0x900 // 4: q(0), COUNT + 0xa00 // 4: q(0)}
    due, done = {"r4": ALL}, {"r4": 0x7fff0000}
    return [
        "step-irq off",
        row("set_dec", REAL, lambda s: s.go(), untouched, **due),
        row("addi: decrementer due", msr | EE, lambda s: s.go(r3=s[4] + 5), at="addi"),
        row("get_msr: decrementer due", msr | EE, lambda s: s.go(r6=msr | EE), at="get_msr"),
        row("set_msrd_l1: decrementer due", msr, lambda s: s.go(msr=msr | EE), at="set_msrd_l1", r4=EE | RI),
        row("b_forward: decrementer due", msr | EE, lambda s: s.go(e["elsewhere"] | high), at="b_forward"),
        row("u_addi: decrementer due", USER, lambda s: s.go(r3=s[4] + 5), at="u_addi", becomes=untouched),
        "step-irq on",
        row("addi: shown", msr | EE, lambda s: s.taken(0x900), at="addi"),
        row("u_addi: shown", USER, lambda s: s.taken(0x900), at="u_addi"),
        "step-irq off",
        row("sc1: H_CEDE", REAL, lambda s: {**called(s, r3=0, msr=REAL | EE), SRR1: None}, at="sc1", r3=0xe0,
            becomes={COUNT + 0x900 // 4: q(1)}),
        row("set_dec", REAL, lambda s: s.go(), **done),
        row("doorbell", REAL, lambda s: s.go(), untouched, r4=0x28000000),
        row("addi: doorbell", msr | EE, lambda s: s.go(r3=s[4] + 5), at="addi", becomes=untouched),
        "step-irq on",
        row("addi: doorbell shown", msr | EE, lambda s: s.taken(0xa00), at="addi"),
        "step-irq off",
        row("doorbell", REAL, lambda s: s.go(), r4=0x28000000),
        row("u_addi: its handler is run through", USER, lambda s: s.go(r3=s[4] + 5, srr0=s[PC], srr1=None), at="u_addi",
            becomes={COUNT + 0xa00 // 4: q(1)}),
    ]


def runs(c, at, msr, action="vCont;c", **given):
    """Runs from a row of that name to the next stop."""
    state = row(at, msr, None, **given)[1]
    load(c, state)
    return state, c.resume(action)


def stands(stop, where, hit):
    """Is the stop there, by a breakpoint or not?"""
    equal(stop.get("registers", {}).get(PC), where, f"stopped as {stop['kind']} at")
    equal("swbreak" in stop, hit, "by a breakpoint")


def on_vectors(c, msr, high):
    """Breakpoints on the trace vector and on the data storage vector, where the fence stands as well."""
    vectors = HIGH | 0x4000 if high and rows.ail else 0
    trace, data_storage, addi, after = (x | y for x, y in ((vectors, 0xd00), (vectors, 0x300), (high, e["addi"]),
                                                           (high, e["store"])))
    c(f"Z0,{trace:x},4")
    _, stop = runs(c, "addi", msr, "vCont;s:1")
    stands(stop, addi + 4, False)
    _, stop = runs(c, "addi", msr | SE)
    stands(stop, trace, True)
    equal(c.register(SRR0), addi + 4, "SRR0 there")
    equal(c.memory(trace, 8), e.bytes(trace & 0xffff, 8), "the vector as the client reads it")
    stands(c.resume("vCont;s:1"), trace + 4, False)
    equal((c.register(SRR0), c.register(SRR1)), (addi + 4, msr | SE | TRACE), "SRR0 and SRR1 a step later")
    c(f"z0,{trace:x},4")
    c(f"Z0,{data_storage:x},4")
    c(f"Z0,{after:x},4")
    # Without translation there is nothing that faults on data; a load that does is passed over by the handler.
    if high:
        _, stop = runs(c, "load", msr, r4=NOWHERE)
        stands(stop, data_storage, True)
        equal((c.register(SRR0), c.register(DAR)), (high | e["load"], NOWHERE + 8), "SRR0 and DAR there")
        stands(c.resume("vCont;s:1"), data_storage + 4, False)
        stands(c.resume(), after, True)
        _, stop = runs(c, "load", msr, "vCont;s:1", r4=NOWHERE)
        stands(stop, data_storage, False)  # a step's end is no hit; the breakpoint is still to come
        stands(c.resume(), data_storage, True)
        stands(c.resume(), after, True)
    _, stop = runs(c, "addi", msr | SE, "vCont;s:1")
    stands(stop, trace, False)
    c(f"z0,{data_storage:x},4")
    c(f"z0,{after:x},4")


def in_sequence(c, msr, high):
    """A breakpoint between larx and stcx.: hit, and the guest gets on from there."""
    inside, end, at = e["atomic_inside"] | high, e["atomic_end"] | high, data | high
    c(f"Z0,{inside:x},4")
    c(f"Z0,{end:x},4")
    for action in ("vCont;c", "vCont;s:1"):
        c.write(at, w(41))
        state, stop = runs(c, "atomic", msr, action, r4=at)
        stands(stop, inside, True)
        equal(stop["registers"][3], 42, "r3 there")
        stop = c.resume()
        stands(stop, end, True)
        equal(c.memory(at, 4), w(42)[:4], "the word")
        check(stop["registers"][5] - state[5] in (1, 2), f"r5 is {stop['registers'][5]:#x}")
    c(f"z0,{inside:x},4")
    c(f"z0,{end:x},4")


def two_owners(c, msr, high):
    """The guest's DAWRs beside a watchpoint of ours, which takes DAWR1."""
    mine, ours, theirs, after = (x | high for x in (data, data + 64, data + 128, e["store_update"]))
    for own, address in ((2, mine), (5, theirs)):
        wrong = play(c, set_mode("DAWR", {}, own, address, 0x4b))
        check(not wrong, "; ".join(wrong))
    c(f"Z0,{after:x},4")
    c(f"Z2,{ours:x},8")
    for address, told, stored in ((ours, True, True), (theirs, False, True), (mine, False, False)):
        c.write(address, bytes(8))
        _, stop = runs(c, "store", msr, r4=address - 8)
        if told:
            equal(int(stop.get("watch", "0"), 16), address, "the watchpoint that is told")
            stop = c.resume()
        stands(stop, after, True)
        equal(c.memory(address, 8) != bytes(8), stored, f"stored at {address:#x}, with ours armed")
    equal((c.register(DAWR0), c.register(DAWRX0)), (mine, 0x4b), "DAWR0 and DAWRX0 as the guest set them")
    c(f"z2,{ours:x},8")
    c.write(theirs, bytes(8))
    _, stop = runs(c, "store", msr, r4=theirs - 8)
    stands(stop, after, True)
    equal(c.memory(theirs, 8), bytes(8), "what the guest watches itself, with ours gone")
    c(f"z0,{after:x},4")
    for own in (2, 5):
        play(c, set_mode("DAWR off", {}, own, 0))


def points(c, where, msr, high):
    load(c, row("nop_", msr, None)[1])  # where a breakpoint lies is found in the present translation
    for mode in ("trace", "breakpoint"):
        c.monitor(f"step-mode {mode}")
        with scenario(f"breakpoints on vectors are hit by the guest's interrupts, not by steps, {where}, by {mode}"):
            on_vectors(c, msr, high)
        with scenario(f"a breakpoint inside a larx to stcx. sequence, {where}, by {mode}"):
            in_sequence(c, msr, high)
        if power10:
            with scenario(f"the guest's watchpoints and ours, {where}, by {mode}"):
                two_owners(c, msr, high)
    c.monitor("step-mode auto")


def foreign():
    """The machine's RTAS, big-endian code in a little-endian guest, and the way there and back."""
    msr, there = REAL & ~LE, e["elsewhere"]
    call = b"".join(n.to_bytes(4, "big") for n in (99, 0, 1))  # no such service; no arguments, one result: -3
    return [
        row("rfid_: into RTAS", REAL, lambda s: s.go(RTAS, msr=msr), at="rfid_", srr0=RTAS, srr1=msr),
        row("mr r4, r3", msr, lambda s: s.go(r4=s[3]), place=RTAS),
        row("lis r3, 0", msr, lambda s: s.go(r3=0), place=RTAS + 4),
        row("ori r3, r3, 0xf000", msr, lambda s: s.go(r3=0xf000), place=RTAS + 8, r3=0),
        row("sc 1", msr, lambda s: called(s, r3=0), {data: call + bytes(4)}, place=RTAS + 12, r3=0xf000, r4=data,
            becomes={data: call + b"\xff\xff\xff\xfd"}),
        row("blr", msr, lambda s: s.go(there), place=RTAS + 16, lr=there),
        row("mr r4, r3: own SE", msr | SE, lambda s: s.traced(r4=s[3]), place=RTAS),
        row("blr: own BE", msr | BE, lambda s: s.traced(there), place=RTAS + 16, lr=there),
    ]


def turned(c):
    """The wire in the other byte order, as a client of big-endian code would have it."""
    load(c, row("mr r4, r3", REAL & ~LE, None, place=RTAS)[1])
    c.monitor("endian big")
    c.order = "big"
    try:
        equal((c.register(PC), c.register(3)), (RTAS, 0x0303030303030303), "pc and r3")
        stop = c.resume("vCont;s:1")
        equal((stop["registers"][PC], c.register(4)), (RTAS + 4, 0x0303030303030303), "pc and r4 after a step")
        c.set_register(4, 0x1234)
    finally:
        c.monitor("endian little")
        c.order = "little"
    equal((c.register(PC), c.register(4)), (RTAS + 4, 0x1234), "pc and r4 in the guest's order again")


def gdb_there(guest):
    """GDB's user in the machine's RTAS."""
    with Gdb() as gdb:
        gdb.connect(guest)
        gdb(f"set $msr = {REAL & ~LE:#x}")
        gdb(f"set $pc = {RTAS:#x}")
        gdb("monitor endian big")
        gdb("set endian big")
        gdb("set $r3 = 0x1122334455667788")
        code = gdb(f"x/5i {RTAS:#x}")
        for word in ("mr      r4,r3", "lis     r3,0", "ori     r3,r3,61440", "sc      1", "blr"):
            check(word in code, f"no {word!r} in {code}")
        gdb("stepi")
        equal((gdb.value("$pc"), gdb.value("$r4"), gdb.value("*(unsigned int *)$pc")), (RTAS + 4, 0x1122334455667788, 0x3c600000),
              "pc, r4 and the word at pc after a step")
        gdb("detach")


def entry(c):
    """The big-endian image begins with words that turn the byte order."""
    for mode in ("trace", "breakpoint"):
        c.monitor(f"step-mode {mode}")
        with scenario(f"the byte order is turned under steps, by {mode}"):
            c.set_register(PC, 0)
            c.set_register(MSR, SF | ME | LE)
            seen = [0]
            while seen[-1] != e["entered"]:
                stop = c.resume("vCont;s:1")
                seen.append(stop["registers"][PC])
                equal(bool(stop["registers"][MSR] & LE), seen[-1] != e["entered"], f"MSR[LE] at {seen[-1]:#x}")
                check(len(seen) < 20, f"another way: {seen}")
            equal(seen, [0, *range(8, 0x30, 4), e["entered"]], "path")


def set_ail(c, name, on):
    with scenario(f"AIL={3 if on else 0} is set in a step{', ' + name.rstrip(', ') if name else ''}"):
        wrong = play(c, set_mode("AIL", {}, 3, 0, flags=3 if on else 0))
        check(not wrong, "; ".join(wrong))
    rows.ail = on


def tables(c, name):
    everything(c, f"{name}real mode", REAL, 0)
    table(c, f"hypercalls, device accesses and what KVM executes, {name}real mode", hypervisor())
    if power10:
        table(c, f"the guest's own watchpoint reaches its handler, {name}real mode", own_watch())
    table(c, f"{name}32-bit mode", narrow())
    table(c, f"at an interrupt vector, {name}real mode", at_vectors(REAL))
    table(c, f"a vector is rewritten in a step, or run into, {name}real mode", rewritten(REAL, 0))
    for mode in ("trace", "breakpoint"):
        table(c, f"into memory that is new to the guest, {name}real mode", into_new_memory(mode), [mode])
    table(c, f"interrupts that are due, {name}real mode", interrupts(REAL, 0))
    points(c, f"{name}real mode", REAL, 0)
    for mode in ("trace", "breakpoint"):
        c.monitor(f"step-mode {mode}")
        with scenario(f"hostile translation tables, {name}by {mode}"):
            hostile(c)
    everything(c, f"{name}translated, AIL=0", VIRT, HIGH)
    table(c, f"faults, {name}AIL=0", faults())
    table(c, f"problem state, {name}AIL=0", user())
    set_ail(c, name, True)
    everything(c, f"{name}AIL=3", VIRT, HIGH)
    table(c, f"faults, {name}AIL=3", faults())
    table(c, f"problem state, {name}AIL=3", user())
    table(c, f"interrupts that are due, {name}AIL=3", interrupts(VIRT, HIGH))
    points(c, f"{name}AIL=3", VIRT, HIGH)
    table(c, f"real mode under AIL=3{', ' + name.rstrip(', ') if name else ''}", system(REAL, 0))
    table(c, f"at an interrupt vector, {name}AIL=3", at_vectors(VIRT))
    table(c, f"a vector is rewritten in a step, or run into, {name}AIL=3", rewritten(VIRT, HIGH | 0x4000))
    set_ail(c, name, False)
    table(c, f"faults, {name}AIL=0 again", faults())


def end(c, guest, name):
    c.set_register(MSR, REAL)
    c.set_register(PC, e["finish"])
    c("D;1")
    with scenario(f"no word of the {name}guest's code has changed"):
        equal(int(guest.wait(r"^sum (\w+)").group(1), 16), code_sum(e), "the guest's own sum")
        equal(guest.status(), 0, "exit status")


little, big = bare("rows", "rows.S"), bare("rows-big", "rows.S", flags=("-mbig",))
with Host(files=[f"{little.path}:/rows.elf", f"{big.path}:/rows-big.elf", f"{flat(big)}:/rows.big"]) as host:
    use(little)
    guest = host.guest("--memory 64M", "/rows.elf")
    with Rsp(guest) as c:
        run_to(c, e["ready"])
        tables(c, "")
        table(c, "a little-endian guest in big-endian code", foreign())
        with scenario("the VSCR, of which KVM tells another word, is unavailable"):
            equal(c(f"p{VSCR:x}"), "xxxxxxxx", "its value")
            try:
                c.set_register(VSCR, 1, 4)
                check(False, "a value is taken")
            except RspError as error:
                check("unavailable" in str(error), f"{error}")
        if power10:
            with scenario("a breakpoint on the second word of a prefixed instruction is refused"):
                for point in ("Z0", "Z1"):
                    equal(c(f"{point},{e['p_addi']:x},4"), "OK", f"{point} on the first")
                    equal(c(f"z{point[1]},{e['p_addi']:x},4"), "OK", f"{point} is removed")
                    try:
                        c(f"{point},{e['p_addi'] + 4:x},4")
                        check(False, f"{point} on the second is taken")
                    except RspError as error:
                        check("second word of a prefixed instruction" in str(error), f"{error}")
        with scenario("a little-endian guest in big-endian code, the wire in that order, and back"):
            turned(c)
        end(c, guest, "")
    with scenario("GDB with its endian setting in a little-endian guest's RTAS: instructions, registers, memory, a step"):
        with host.guest("--memory 64M", "/rows.elf") as other:
            gdb_there(other)
    with scenario("a guest that asks for a hashed page table is refused by name on the console"):
        equal(sum("hashed page table (HPT), which is refused" in line for line in guest.said.all), 1, "times that it is said")
    use(big)
    with host.guest("--memory 64M --flat 0", "/rows.big") as other, Rsp(other) as c:
        entry(c)
    guest = host.guest("--memory 64M", "/rows-big.elf")
    with Rsp(guest) as c:
        c.monitor("endian big")
        c.order = "big"
        with scenario("a big-endian ELF file is entered in its byte order"):
            equal(c.register(MSR) & LE, 0, "MSR[LE]")
        run_to(c, e["ready"])
        tables(c, "big-endian, ")
        end(c, guest, "big-endian ")
