#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Thousands of single steps from a program's system call on, through Debian's kernel and back and again,
# the tick running and another vCPU contending: each step ends where the instruction before leads.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 6.1 neoverse-n1
# full: arm64 newest max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

# All 20,000 only where time is no matter: each is a round trip through two emulated machines.
HOST = (os.environ.get("LAB_KERNEL", "6.12"), os.environ.get("LAB_CPU", "max"))
STEPS = int(os.environ.get("STEPS", "5000" if HOST == ("6.12", "max") else "20000"))
PC, CPSR, LR = 32, 33, 30
DAIF = 0x3c0
program = images.program("sys", "-mno-outline-atomics", "-Wl,-Ttext-segment=0x77770000")
elf, kernel = Elf(program), Elf(images.symbols())
initrd = images.initrd("sys", images.shell(), programs=[program])
TROUBLE = re.compile(r"lockup|stall|clocksource: .*(unstable|Marking)|Oops|BUG:|Unable to handle|WARNING:|self-detected|hung")


# ---- what an instruction may do (Arm ARM C4) ----------------------------------------------------

def signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def canonical(address):
    """Without tag and signature, for 48-bit addresses."""
    return (address | 0xffff << 48) if address >> 55 & 1 else address & (1 << 48) - 1


def holds(condition, flags):
    n, z, c, v = (flags >> b & 1 for b in (31, 30, 29, 28))
    r = (z, c, n, v, c and not z, n == v, n == v and not z, True)[condition >> 1]
    return bool(r) != (condition & 1 == 1 and condition != 15)


def load_exclusive(insn):
    return insn & 0x3fc00000 == 0x08400000 and not insn & 0x80200000 == 0x00200000


def store_exclusive(insn):
    return insn & 0x3fc00000 == 0x08000000 and not insn & 0x80200000 == 0x00200000


def branch(insn, pc, regs):
    """(target, taken) of a direct branch; taken None without registers. None if it is no direct branch."""
    if insn & 0x7c000000 == 0x14000000:
        return pc + 4 * signed(insn & 0x3ffffff, 26), True
    if insn & 0xff000000 == 0x54000000:
        return pc + 4 * signed(insn >> 5 & 0x7ffff, 19), regs and holds(insn & 15, regs[CPSR])
    value = regs and (0 if insn & 31 == 31 else regs[insn & 31])
    if insn & 0x7e000000 == 0x34000000:
        if regs and not insn >> 31:
            value &= 0xffffffff
        return pc + 4 * signed(insn >> 5 & 0x7ffff, 19), regs and (value == 0) != bool(insn >> 24 & 1)
    if insn & 0x7e000000 == 0x36000000:
        bit = (insn >> 31) << 5 | insn >> 19 & 31
        return pc + 4 * signed(insn >> 5 & 0x3fff, 14), regs and not (value >> bit & 1) != bool(insn >> 24 & 1)
    return None


def eret(insn):
    return insn & 0xfffff3e0 == 0xd69f03e0


def sequence_exits(pc, word):
    """Where a load-exclusive at pc may leave its sequence, which is one step."""
    end = next((pc + 4 * n for n in range(1, 17) if store_exclusive(word(pc + 4 * n))), None)
    if end is None:
        return {pc + 4}
    end += 4
    for at in range(end, end + 16, 4):
        b = branch(word(at), at, None)
        if b:
            if b[0] <= pc:
                end = at + 4
            break
    exits = {end, pc + 4}
    for at in range(pc, end, 4):
        b = branch(word(at), at, None)
        if b and not pc <= b[0] < end:
            exits.add(b[0])
    return exits


def successors(pc, insn, regs, word, c):
    """Where a step from pc may end without an exception."""
    b = branch(insn, pc, regs)
    if b:
        return {b[0] if b[1] else pc + 4}
    if eret(insn):
        return {c.register(number["ELR_EL1"])}
    if insn & 0xfe000000 == 0xd6000000:
        rn = insn >> 5 & 31
        return {canonical(regs[LR] if rn == 31 else regs[rn])}
    if load_exclusive(insn):
        return sequence_exits(pc, word)
    if insn & 0xffe0001f in (0xd4000001, 0xd4200000):  # svc and brk end in the vector
        return set()
    return {pc + 4}


def exception_is_due(insn, syndrome):
    """Is this class of exception one that the instruction can cause?"""
    ec, group = syndrome >> 26 & 63, insn >> 25 & 15
    memory = group & 5 == 4 or insn & 0xff000000 == 0xd5000000
    return {0x15: insn & 0xffe0001f == 0xd4000001, 0x3c: insn & 0xffe0001f == 0xd4200000,
            0x18: insn & 0xff000000 == 0xd5000000, 0x20: True, 0x21: True, 0x24: memory, 0x25: memory,
            0x07: group & 7 == 7 or memory, 0x19: group == 2 or memory}.get(ec, False)


# ---- the run ------------------------------------------------------------------------------------

def numbers(c):
    """Numbers of the system registers in the target description."""
    xml = ""
    while True:
        part = c(f"qXfer:features:read:target.xml:{len(xml):x},1000")
        xml += part[1:]
        if part[0] == "l":
            return {m[0]: int(m[1]) for m in re.findall(r'<reg name="(\w+)"[^>]* regnum="(\d+)"', xml)}


def vector_entered(c, before, insn, after, vbar):
    """A step that ended at a vector: the right one, and for a reason that the instruction gives."""
    pc, offset = before[PC], after[PC] - vbar
    level = before[CPSR] >> 2 & 3
    equal(offset, 0x200 if level else 0x400, f"vector after {insn:#010x} at {pc:#x}")
    syndrome = c.register(number["ESR_EL1"])
    check(exception_is_due(insn, syndrome), f"{insn:#010x} at {pc:#x} caused an exception of syndrome {syndrome:#x}")
    svc = syndrome >> 26 & 63 == 0x15
    equal(c.register(number["ELR_EL1"]), pc + 4 if svc else pc, f"ELR_EL1 after {insn:#010x} at {pc:#x}")
    equal(c.register(number["SPSR_EL1"]) & DAIF, before[CPSR] & DAIF, f"DAIF in SPSR_EL1 after {insn:#010x} at {pc:#x}")


def masks(insn, before, after, pc):
    """The interrupt masks that the guest and we see are its own."""
    if insn & 0xffffffe0 == 0xd53b4220 and insn & 31 != 31:
        equal(after[insn & 31], before[CPSR] & DAIF, f"mrs daif at {pc:#x}")
        return 1
    if insn & 0xfffff01f in (0xd503401f,) and insn >> 5 & 6 == 6:  # msr daifset, daifclr
        bits = (insn >> 8 & 15) << 6
        wanted = before[CPSR] & DAIF & ~bits if insn >> 5 & 1 else before[CPSR] & DAIF | bits
        equal(after[CPSR] & DAIF, wanted, f"DAIF after {insn:#010x} at {pc:#x}")
    elif insn & 0xffffffe0 == 0xd51b4220:
        equal(after[CPSR] & DAIF, (before[insn & 31] if insn & 31 != 31 else 0) & DAIF, f"DAIF after msr at {pc:#x}")
    elif not eret(insn):
        equal(after[CPSR] & DAIF, before[CPSR] & DAIF, f"DAIF after {insn:#010x} at {pc:#x}")
    return 0


def run(c, thread, regs):
    word, vbar = Code(c), c.register(number["VBAR_EL1"])
    slow = range(kernel["queued_spin_lock_slowpath"], kernel["queued_spin_lock_slowpath"] + 0x400)
    seen = {"daif": 0, "svc": 0, "abort": 0, "eret": 0, "exclusive": 0, "contended": 0, "kernel spin": 0}
    began = time.monotonic()
    for n in range(STEPS):
        if n % 1000 == 0:
            print(f"  step {n} at {regs[PC]:#x}, {time.monotonic() - began:.0f} s: {seen}", file=sys.stderr, flush=True)
        pc = regs[PC]
        insn = word(pc)
        legal = {canonical(x) for x in successors(pc, insn, regs, word, c)}
        stop = c.resume(f"vCont;s:{thread};c")
        check(stop.get("signal") == 5 and stop["thread"] == thread, f"step {n} at {pc:#x} ended as {stop}")
        after = stop["registers"]
        to = after[PC]
        if 0 <= to - vbar < 0x800 and to not in legal:
            check((to - vbar) % 0x200 < 0x80, f"step {n} from {pc:#x} stopped in an interrupt vector")
            vector_entered(c, regs, insn, after, vbar)
            seen["svc" if insn & 0xffe0001f == 0xd4000001 else "abort"] += 1
        else:
            check(to in legal, f"step {n}: {insn:#010x} at {pc:#x} went to {to:#x}, not to "
                  + " or ".join(hex(x) for x in legal))
            seen["daif"] += masks(insn, regs, after, pc)
        seen["eret"] += eret(insn)
        seen["exclusive"] += load_exclusive(insn)
        seen["contended"] += to == elf["contended"]
        seen["kernel spin"] += to in slow
        regs = after
    print(f"{STEPS} steps in {time.monotonic() - began:.0f} s: {seen}", file=sys.stderr, flush=True)
    return seen


with debug_host(files=[f"{images.linux()}:/Image", f"{initrd}:/initrd"]) as host:
    guest = host.boot("/Image", cpus=2, wait=False, initrd="/initrd",
                      append="nokaslr panic=-1 randomize_kstack_offset=0")
    guest.wait("guest-ready")
    guest.send("sys")
    undisturbed = guest.wait("^sys sum .*").group(0)
    guest.wait("^guest-did 0")
    guest.send("cat /proc/uptime")
    before = guest.wait(r"^(\d+\.\d+) ").group(1)
    start = len(guest.console.all)
    with Rsp(guest) as c:
        number = numbers(c)
        c(f"Z1,{elf['enter']:x},4")
        guest.send("sys")
        c.resume()
        stop = c.resume()  # the second round: random numbers that the kernel makes beforehand are there
        c(f"z1,{elf['enter']:x},4")
        c(f"Hg{stop['thread']}")
        with scenario(f"{STEPS} steps through system calls: each ends at a successor, none in an interrupt"):
            equal((stop["registers"][PC], stop["vcpu"]), (elf["enter"], 1), "stopped at, on vCPU")
            seen = run(c, stop["thread"], stop["registers"])
            # One of the kernel's own comes late: asked for only where all steps are made.
            late = ("kernel spin",) if STEPS >= 20000 else ()
            for what in ("daif", "svc", "abort", "eret", "exclusive", "contended") + late:
                check(seen[what], f"no {what} on the way: {seen}")
        c("D;1")
    with scenario("the stepped program and its guest end as undisturbed ones"):
        equal(guest.wait("^sys sum .*", start).group(0), undisturbed, "output")
        guest.wait("^guest-did 0", start)
        at = len(guest.console.all)
        guest.send("cat /proc/uptime")
        uptime = guest.wait(r"^(\d+\.\d+) ", at).group(1)
        print(f"the guest's clock: {before} s before the program, {uptime} s after", file=sys.stderr, flush=True)
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status after the guest's power-off")
        bad = [line for line in guest.console.all[start:] if TROUBLE.search(line)]
        check(not bad, f"the guest says {bad[:3]}")
