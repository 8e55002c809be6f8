#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A guest that debugs itself: ptrace, perf, kprobes, uprobes, WARN and BRK of its own programs in Debian's
# kernel count exactly what they count without us. What our points suspend under KVM comes back whole; the EL2
# monitor suspends nothing while there are registers for both.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 6.1 neoverse-n1
# full: arm64 newest max
# full: arm64 newest cortex-a72
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

program = images.program("self")
elf, kernel = Elf(program), Elf(images.symbols())
initrd = images.initrd("self", images.self_init("__arm64_sys_getpgid"), programs=[program])

ROUNDS = 50
OWN = f"own step=303 break={ROUNDS} watch={ROUNDS} perf-break={ROUNDS} perf-watch={ROUNDS}"
called, added = f"0x{elf.offset('called'):x}", f"0x{elf.offset('added'):x}"


def do(command, limit=300):
    start = len(guest.console.all)
    guest.send(command)
    _, at = guest.console.wait(r"^guest-did (\d+)", start, limit)
    return guest.console.all[start:at]


def said(lines, pattern):
    found = [m for m in (re.search(pattern, line) for line in lines) if m]
    check(found, f"no {pattern!r} in {lines}")
    return found[0]


def brk_users(*uprobes):
    """What needs breakpoint instructions only."""
    equal(said(do("self brk"), r"^brk (\d+)").group(1), str(ROUNDS), "BRK of a program")
    lines = do(" ".join(["probes", *uprobes]))
    said(lines, rf"^probe {ROUNDS}$")
    equal(said(lines, r"kpgid +(\d+)").group(1), str(ROUNDS), "hits of the kprobe")
    for at in uprobes:
        equal(said(lines, rf"u{at} +(\d+)").group(1), str(ROUNDS), f"hits of the uprobe at {at}")


def all_users():
    equal(said(do("taskset 2 self own"), r"^own .*").group(0), OWN, "counts of the guest's own debugging")
    brk_users(called, added)


def insert(c, z, name):
    c(f"Z{z},{kernel[name]:x},4")
    c.monitor(f"ignore 0x{kernel[name]:x} 1000000")


def remove(c, z, name):
    c(f"z{z},{kernel[name]:x},4")


def beside_points(c, z, kind, hit, idle):
    """The guest's BRK users beside two points of ours, one of them hit by the same program."""
    insert(c, z, hit)
    insert(c, z, idle)
    with c.running():
        brk_users(called)
    equal((c.hits(kind, kernel[hit]), c.hits(kind, kernel[idle])), (ROUNDS, 0), "hits of our own points")
    remove(c, z, hit)
    remove(c, z, idle)


def suspended(c):
    with scenario("points of the guest are suspended while hardware points of ours are armed, and live after"):
        with c.running():
            do("taskset 2 self keep & pid=$!")
            guest.wait("^keep ready")
        for _ in range(20):
            slots = c.monitor("slots")
            if "the guest debugs itself" in slots:
                break
            with c.running():
                do("true")
        check("the guest debugs itself: 1 breakpoint, 1 watchpoint" in slots, f"monitor slots: {slots}")
        check("the guest's own debugging: all works" in slots, f"monitor slots with nothing armed: {slots}")
        insert(c, 1, "__arm64_sys_umask")
        with c.running():
            start = len(guest.console.all)
            do("kill -USR1 $pid")
            guest.wait("^keep 1", start)
            do("self probe")
        equal(c.hits("hbreak", kernel["__arm64_sys_umask"]), ROUNDS, "hits of ours meanwhile")
        slots = c.monitor("slots")
        check("watchpoints and single step suspended, registers kept" in slots, f"monitor slots: {slots}")
        equal(guest.wait("^keep 1 .*").group(0), "keep 1 break=0 watch=0", "the guest's points under ours")
        remove(c, 1, "__arm64_sys_umask")
        with c.running():
            start = len(guest.console.all)
            do("kill -USR1 $pid")
            equal(guest.wait("^keep 2 .*", start).group(0), f"keep 2 break={ROUNDS} watch={ROUNDS}",
                  "the guest's points after ours")


def keep(c, word):
    """The program that holds a breakpoint and a watchpoint of its own counts once more."""
    with c.running():
        start = len(guest.console.all)
        do("kill -USR1 $pid")
        return guest.wait(f"^{word} .*", start).group(0)


def both(c):
    with scenario("points of the guest live beside hardware points of ours, its steps too"):
        with c.running():
            do("taskset 2 self keep & pid=$!")
            guest.wait("^keep ready")
        insert(c, 1, "__arm64_sys_umask")
        c(f"Z2,{kernel['loops_per_jiffy']:x},8")
        equal(keep(c, "keep 1"), f"keep 1 break={ROUNDS} watch={ROUNDS}", "the guest's points beside ours")
        with c.running():
            all_users()
        equal(c.hits("hbreak", kernel["__arm64_sys_umask"]), ROUNDS, "hits of ours meanwhile")
        remove(c, 1, "__arm64_sys_umask")
        c(f"z2,{kernel['loops_per_jiffy']:x},8")
        equal(keep(c, "keep 2"), f"keep 2 break={ROUNDS} watch={ROUNDS}", "the guest's points after ours")


with debug_host(files=[f"{images.linux()}:/Image", f"{initrd}:/initrd"]) as host:
    guest = host.boot("/Image", cpus=2, wait=False, initrd="/initrd", append="nokaslr quiet panic=-1")
    guest.wait("guest-ready")
    with scenario("before we attach, the guest's own debugging counts exactly"):
        all_users()
    with Rsp(guest) as c:
        with scenario("attached with nothing armed, it counts exactly"):
            with c.running():
                all_users()
        with scenario("BRK, kprobes and uprobes are exact beside software breakpoints of ours, hit and not"):
            beside_points(c, 0, "break", "__arm64_sys_getsid", "__arm64_sys_times")
        with scenario("BRK, kprobes and uprobes are exact beside hardware breakpoints of ours, hit and not"):
            beside_points(c, 1, "hbreak", "__arm64_sys_umask", "__arm64_sys_times")
        for z in (0, 1):
            name = "software" if z == 0 else "hardware"
            with scenario(f"a WARN of the kernel reaches it while a {name} breakpoint of ours is set and hit"):
                # The kernel's WARN_ON for sizes above INT_MAX; a size by hand provokes it.
                with c.running():
                    do("echo 1 >/sys/kernel/debug/clear_warn_once")
                at = kernel["__kvmalloc_node_noprof"]
                callers = range(kernel["seq_read_iter"], kernel["seq_read_iter"] + 0x800)
                c(f"Z{z},{at:x},4")
                start = len(guest.console.all)
                guest.send("cat /proc/version")
                stop = c.resume()
                while stop["registers"][30] not in callers:
                    stop = c.resume()
                check(("swbreak" if z == 0 else "hwbreak") in stop, f"{stop}")
                c(f"Hg{stop['thread']}")
                c.set_register(0, 1 << 31)
                c.monitor(f"ignore 0x{at:x} 1000000")
                with c.running():
                    guest.console.wait(r"^guest-did", start)
                    lines = do('dmesg | grep -c "WARNING:.* __kvmalloc_node"')
                equal(lines[-1], str(z + 1), "warnings in the kernel's log")
                c(f"z{z},{at:x},4")
        if KVM:
            suspended(c)
        else:
            both(c)
        with scenario("with our points gone and still attached, everything counts exactly"):
            with c.running():
                all_users()
        insert(c, 0, "__arm64_sys_getsid")
        insert(c, 1, "__arm64_sys_umask")
        with c.running():
            do("self probe")
        c("D;1")
    with scenario("after detach, with points of ours left in, everything counts exactly"):
        all_users()
        bad = [x for x in do('dmesg | grep -E "lockup|stall|Oops|BUG:|Unable to handle"') if x.startswith("[")]
        check(not bad, f"the guest says {bad[:3]}")
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status after the guest's power-off")
