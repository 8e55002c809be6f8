#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's own kernel as a KVM-HV guest on POWER, one vCPU, with GDB connected from outside.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 1200

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

initrd = images.initrd("shell", images.shell())
symbols = images.symbols()
TROUBLE = re.compile(r"lockup|stall|Oops|BUG:|Unable to handle|WARNING:|rcu: INFO|self-detected")
STEPS = 200
SE = 0x400
TIMERS = {0x500, 0x900, 0xa00}
FAULTS = {0x300, 0x380, 0x400, 0x480, 0x600, 0x700, 0x800, 0xf20, 0xf40, 0xf60}
HIGH = 0xc000000000004000
# QEMU's powernv9 is a DD2.2, on which the kernel never loads a DAWR.
NWATCH = {"power9": 0, "power10": 2}[os.environ.get("LAB_CPU", "power10")]
# Runs inside GDB: where each of a number of steps began and ended.
WALK = """
def reg(name):
    return int(gdb.parse_and_eval("(unsigned long)$" + name)) & (1 << 64) - 1
def look():
    at = reg("pc")
    try:
        word = int.from_bytes(gdb.selected_inferior().read_memory(at, 4).tobytes(), "little")
    except gdb.MemoryError:
        word = None
    return [at, word] + [reg(r) for r in ("lr", "ctr", "srr0", "srr1", "msr")]
result = [look()]
for _ in range(%d):
    gdb.execute("stepi", False, True)
    result.append(look())
"""


def successors(at, word, lr, ctr, srr0):
    """Where the instruction may lead when it completes."""
    here = at + 4
    op, xo = word >> 26, word >> 1 & 0x3ff
    if op == 1:
        return {at + 8}
    if op == 18:
        offset = word & 0x3fffffc
        offset -= (offset & 0x2000000) << 1
        return {(offset + (0 if word & 2 else at)) & (1 << 64) - 1}
    if op == 16:
        offset = word & 0xfffc
        offset -= (offset & 0x8000) << 1
        return {here, (offset + (0 if word & 2 else at)) & (1 << 64) - 1}
    if op == 17:
        return {here, 0xc00, HIGH + 0xc00} | {0xc000000000003000 + (word >> 5 & 0x7f) * 32}
    if op == 19 and xo in (16, 528):
        return {here, (lr if xo == 16 else ctr) & ~3}
    if op == 19 and xo in (18, 82):
        return {(srr0 if xo == 18 else lr) & ~3}
    if op == 31 and xo in (20, 84, 52, 116, 276):  # larx: the whole sequence is one step
        return set(range(here, here + 64, 4))
    return {here}


def judge(path):
    for before, after in zip(path, path[1:]):
        at, word, lr, ctr, srr0 = before[:5]
        to = after[0]
        vector = to if to < 0x4000 else to - HIGH
        check(vector not in TIMERS, f"a step from {at:#x} stopped in a timer vector, {to:#x}")
        legal = word is None or vector in FAULTS or to in successors(at, word, lr, ctr, srr0)
        check(legal, f"the step from {at:#x} ({word:#x}) ended at {to:#x}")
        check(not after[6] & SE and not after[5] & SE, f"MSR[SE] is readable at {to:#x}: {after}")


with Host(files=[f"{images.linux()}:/vmlinux", f"{initrd}:/initrd"]) as host:
    with scenario("caps names the strategy and why, and the debug registers that work"):
        text, status = host.run("guestdbg caps")
        equal(status, 0, "exit status")
        check("strategy trace (KVM_CAP_PPC_GUEST_DEBUG_SSTEP is 0" in text, text)
        wanted = "2" if NWATCH else r"0 \(MISSING: the kernel says 1\)"
        check(re.search(rf"^  hardware watchpoints: {wanted}$", text, re.M), text)
    guest = host.guest("--cpus 1 --memory 256M --initrd /initrd --append 'console=hvc0 quiet panic=-1'", "/vmlinux")
    with Gdb(symbols) as gdb:
        with scenario("the first instruction, and two steps from there in real mode"):
            gdb.connect(guest)
            equal(gdb.value("$pc"), 0, "pc at the first stop")
            judge(gdb.python(WALK % 2))
        with scenario("a break on a system call's handler is hit; bt reaches the kernel's entry"):
            gdb.start("continue")
            guest.wait("guest-ready")
            gdb.interrupt()
            gdb.collect()
            gdb("break sys_getpriority")  # not before: at boot the kernel patches its functions' entries
            gdb.start("continue")
            guest.send("renice -n 0 -p 1")
            equal(gdb.stopped()["breakpoints"], [1], "breakpoint")
            bt = gdb("bt")
            for name in ("sys_getpriority", "system_call_exception"):
                check(name in bt, f"no {name} in the backtrace: {bt}")
            gdb("delete")
        with scenario("a function of the kernel is called, and the registers are as before"):
            names = ("pc", "msr", "r1", "r3", "r12", "lr", "ctr", "srr1")
            before = [gdb.value(f"${name}") for name in names]
            equal(gdb.value("((long (*)(void))sys_getppid)()"), 1, "getppid() of a child of init's")
            equal([gdb.value(f"${name}") for name in names], before, "registers")
        with scenario(f"{STEPS} steps from the system call: every PC legal, none in a timer vector, no SE seen"):
            path = gdb.python(WALK % STEPS)
            judge(path)
        with scenario("hbreak is hit as a breakpoint instruction"):
            gdb("hbreak sys_sethostname")
            gdb.start("continue")
            guest.send("hostname other")
            equal(gdb.stopped()["breakpoints"], [2], "breakpoint")
            gdb("delete")
        if NWATCH:
            with scenario("watch tells the old and the new value of a store"):
                before = gdb.value("*(unsigned long *)&jiffies_64")
                gdb("watch *(unsigned long *)&jiffies_64")
                stop = gdb.go()
                equal(stop["breakpoints"], [3], "watchpoint")
                values = [int(v) for v in re.findall(r"(?:Old|New) value = (\d+)", gdb.printed)]
                check(len(values) == 2 and values[0] < values[1] and before <= values[0], f"{values}: {gdb.printed}")
                gdb("delete")
        else:
            with scenario("without a DAWR that works a watchpoint is refused by a sentence"):
                gdb("watch *(unsigned long *)&jiffies_64")
                try:
                    stop = gdb.go()
                    check(False, f"it was taken: {stop}")
                except GdbError:  # "Command aborted."; what it said before is lost to us
                    pass
                why = gdb("monitor why")
                check("watchpoint" in why and len(why.split()) > 4, why)
                print("  monitor why: " + why.strip(), file=sys.stderr)
                gdb("delete")
        gdb("detach")
    with scenario("after detach the guest answers, complains of nothing, and powers off"):
        word = os.urandom(4).hex()
        guest.send(f"echo answer {word}")
        guest.wait(f"answer {word}")
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status of guestdbg")
        bad = [line for line in guest.console.all if TROUBLE.search(line)]
        check(not bad, f"the guest says {bad[:3]}")
