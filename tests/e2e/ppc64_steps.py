#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Thousands of single steps from a program's system call on, through Debian's kernel and back and again,
# by the trace strategy: each ends where the instruction before leads, and nothing that the guest can
# read holds MSR[SE]. With another vCPU contending, and then, STEPS of them, alone: others would see the
# time of stops that are too short to be hidden (docs/power.md), and call a CPU without a tick stalled.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 2400

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import silicon

# Each is a round trip through two emulated machines.
HOST = (os.environ.get("LAB_KERNEL", "6.12"), os.environ.get("LAB_CPU", "power10"))
STEPS = int(os.environ.get("STEPS", "6000" if HOST == ("6.12", "power10") else "20000"))
CONTENDED = 2500
PC, MSR, CR, LR, CTR, SRR0, SRR1 = 64, 65, 66, 67, 68, 169, 170
SF, EE, PR, SE = 1 << 63, 0x8000, 0x4000, 0x400
HIGH, SCV = 0xc000000000004000, 0xc000000000003000
TIMERS = {0x500, 0x900, 0xa00, 0xf00}
FETCH = {0x400, 0x480}
DATA = {0x300, 0x380, 0x600}
UNITS = {0x800, 0xf20, 0xf40, 0xf60}
LARX, STCX = {20, 52, 84, 116, 276}, {150, 182, 214, 694, 726}
program = images.program("sys", "-Wl,-Ttext-segment=0x77770000")
elf = Elf(program)
initrd = images.initrd("sys", images.shell(), programs=[program])
TROUBLE = re.compile(r"lockup|stall|Oops|BUG:|Unable to handle|WARNING:|self-detected|hung")


# ---- what an instruction may do (Power ISA 3.1 Book I 2.4, Book II 4.6) ---------------------------

def signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def op(insn):
    return insn >> 26


def xo(insn):
    return insn >> 1 & 0x3ff


def branch(insn, pc):
    """Target of a direct branch, None if it is none."""
    base = 0 if insn & 2 else pc
    if op(insn) == 18:
        return base + signed(insn & 0x3fffffc, 26)
    if op(insn) == 16:
        return base + signed(insn & 0xfffc, 16)
    return None


def taken(insn, regs):
    bo, bi = insn >> 21 & 31, insn >> 16 & 31
    counted = bo & 4 or ((regs[CTR] - 1) & (1 << 64) - 1 != 0) != bool(bo & 2)
    held = bo & 16 or bool(regs[CR] >> 31 - bi & 1) == bool(bo & 8)
    return op(insn) == 18 or (counted and held)


def sequence_exits(pc, word):
    """Where a load and reserve at pc may leave its sequence, which is one step."""
    end = next((pc + 4 * n for n in range(1, 32) if op(word(pc + 4 * n)) == 31 and xo(word(pc + 4 * n)) in STCX), None)
    if end is None:
        return {pc + 4}
    back = branch(word(end + 4), end + 4)
    if op(word(end + 4)) == 16 and pc <= back <= end:
        end += 4
    exits = {end + 4}
    for at in range(pc, end + 4, 4):
        to = branch(word(at), at)
        if to is not None and not pc <= to <= end:
            exits.add(to)
    return exits


def successors(insn, regs, word, c):
    """Where a step may end without an interrupt."""
    pc = regs[PC]
    to = branch(insn, pc)
    if to is not None:
        return {to if taken(insn, regs) else pc + 4}
    if op(insn) == 19 and xo(insn) in (16, 528):
        return {regs[LR if xo(insn) == 16 else CTR] & ~3 if taken(insn, regs) else pc + 4}
    if op(insn) == 19 and xo(insn) in (18, 82):
        return {(c.register(SRR0) if xo(insn) == 18 else regs[LR]) & ~3}
    if op(insn) == 17:
        return set() if insn >> 5 & 0x7f == 0 else {pc + 4}  # hypercalls come back
    if op(insn) == 31 and xo(insn) in LARX:
        return sequence_exits(pc, word)
    return {pc + (8 if op(insn) == 1 else 4)}


def may_interrupt(insn, vector):
    """Is this an interrupt that the instruction can cause?"""
    if op(insn) == 17:
        return vector == 0xc00
    memory = op(insn) in (1, 31) or op(insn) >= 32 or op(insn) == 4
    unit = op(insn) in (1, 4, 6, 31) or op(insn) >= 48
    return vector in FETCH or (memory and vector in DATA) or (unit and vector in UNITS)


# ---- the run ------------------------------------------------------------------------------------

def entered(c, before, insn, after):
    """A step that ended at a vector: the right one, with the guest's own state in what it saves."""
    pc, to = before[PC], after[PC]
    if op(insn) == 17 and insn & 3 == 1:
        equal(to, SCV + (insn >> 5 & 0x7f) * 32, f"vector of scv at {pc:#x}")
        equal(after[LR], pc + 4, f"LR after scv at {pc:#x}")
        equal(after[CTR], before[MSR], f"CTR after scv at {pc:#x}")
        return "scv"
    vector = to - HIGH
    check(vector not in TIMERS, f"the step from {pc:#x} stopped in a timer's vector, {to:#x}")
    check(may_interrupt(insn, vector), f"{insn:#010x} at {pc:#x} went to vector {to:#x}")
    srr0, srr1 = c.register(SRR0), c.register(SRR1)
    equal(srr0, pc + 4 if vector == 0xc00 else pc, f"SRR0 after {insn:#010x} at {pc:#x}")
    equal(srr1 & ~0x783f0000, before[MSR], f"SRR1 after {insn:#010x} at {pc:#x}")
    return "sc" if vector == 0xc00 else "fault"


def run(c, thread, regs, steps):
    word = Code(c)
    seen = dict.fromkeys(("scv", "sc", "fault", "rfid", "rfscv", "mfmsr", "mtmsrd", "sequence", "hint", "user", "contended"), 0)
    began = time.monotonic()
    for n in range(steps):
        if n % 1000 == 0:
            print(f"  step {n} at {regs[PC]:#x}, {time.monotonic() - began:.0f} s: {seen}", file=sys.stderr, flush=True)
        pc = regs[PC]
        insn = word(pc)
        legal = {x & (1 << 64) - 1 for x in successors(insn, regs, word, c)}
        c.send(f"p{SRR1:x}")  # of the stop before; its answer comes with the step's
        c.send(f"vCont;s:{thread};c")
        srr1 = int.from_bytes(bytes.fromhex(c.receive().decode()), "little")
        check(not srr1 & SE, f"step {n}: SE is readable in SRR1 at {pc:#x}")
        stop = c.wait_stop()
        check(stop.get("signal") == 5 and stop.get("thread") == thread, f"step {n} at {pc:#x} ended as {stop}")
        after = stop["registers"]
        to = after[PC]
        check(not after[MSR] & SE, f"step {n}: MSR[SE] is readable at {to:#x}")
        if to not in legal:
            check(SCV <= to < HIGH + 0x1000, f"step {n}: {insn:#010x} at {pc:#x} went to {to:#x}, not to "
                  + " or ".join(hex(x) for x in legal))
            seen[entered(c, regs, insn, after)] += 1
        elif op(insn) == 31 and xo(insn) == 83:
            equal(after[insn >> 21 & 31], regs[MSR], f"mfmsr at {pc:#x}")
            seen["mfmsr"] += 1
        elif op(insn) == 31 and xo(insn) in (146, 178):
            seen["mtmsrd"] += 1
        elif not (op(insn) == 19 and xo(insn) in (18, 82)):
            equal(after[MSR] & (EE | PR), regs[MSR] & (EE | PR), f"MSR[EE,PR] after {insn:#010x} at {pc:#x}")
        seen["rfid"] += op(insn) == 19 and xo(insn) == 18
        seen["rfscv"] += op(insn) == 19 and xo(insn) == 82
        seen["sequence"] += op(insn) == 31 and xo(insn) in LARX
        seen["hint"] += insn in (0x7c210b78, 0x7c421378, 0x7ffffb78)
        seen["user"] += bool(after[MSR] & PR)
        seen["contended"] += to == elf["contended"]
        regs = after
    took = time.monotonic() - began
    print(f"{steps} steps in {took:.0f} s: {seen}", file=sys.stderr, flush=True)
    return seen


def vectors(c):
    return c.memory(HIGH, 0x1000)


def steps_through(host, cpus, steps, must_see):
    guest = host.guest(f"--no-wait --cpus {cpus} --memory 256M --initrd /initrd --append "
                       "'console=hvc0 panic=-1 randomize_kstack_offset=0'", "/vmlinux")
    command = "sys" if cpus > 1 else "sys alone"
    with guest:
        guest.wait("guest-ready")
        guest.send(command)
        undisturbed = guest.wait("^sys sum .*").group(0)
        guest.wait("^guest-did 0")
        start = len(guest.console.all)
        with Rsp(guest) as c:
            c("?")  # it has stopped then
            c.monitor("step-mode trace")
            text = vectors(c)
            c(f"Z1,{elf['enter']:x},4")  # not mapped yet: the CIABR, which QEMU fires before the instruction
            guest.send(command)
            c.resume()
            stop = c.resume()  # the second round: what the kernel makes once is there
            c(f"z1,{elf['enter']:x},4")
            c(f"Hg{stop['thread']}")
            equal((stop["registers"][PC], stop["vcpu"]), (elf["enter"] + 4 * silicon, cpus - 1), "stopped at, on vCPU")
            seen = run(c, stop["thread"], stop["registers"], steps)
            for what in must_see:
                check(seen[what], f"no {what} on the way: {seen}")
            equal(vectors(c), text, "vectors afterwards")
            equal(c.memory(elf["enter"], 64), elf.bytes(elf["enter"], 64), "the program's text afterwards")
            c("D;1")
        equal(guest.wait("^sys sum .*", start).group(0), undisturbed, "output of the stepped program")
        guest.wait("^guest-did 0", start)
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status after the guest's power-off")
        bad = [line for line in guest.console.all if TROUBLE.search(line)]
        check(not bad, f"the guest says {bad[:3]}")


with Host(files=[f"{images.linux()}:/vmlinux", f"{initrd}:/initrd"]) as host:
    with scenario(f"{CONTENDED} steps, another vCPU contending: each ends at a successor, none in a timer, SE never seen"):
        steps_through(host, 2, CONTENDED, ("sc", "rfid", "mtmsrd", "sequence", "hint", "user"))
    with scenario(f"{STEPS} steps of one vCPU: the same, and the program ends as an undisturbed one"):
        steps_through(host, 1, STEPS, ("scv", "rfscv", "fault", "rfid", "mtmsrd", "sequence", "user"))
