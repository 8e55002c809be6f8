#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's kernel with several vCPUs, alone and debugged from its first instruction on: breakpoints and
# steps on each vCPU as it comes up, and the same console output. CPUS=1,2,4 says how many vCPUs.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 1200

import os
import re
import sys
from itertools import zip_longest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import power10

HOST = (os.environ.get("LAB_KERNEL", "6.12"), os.environ.get("LAB_CPU", "power10"))
CPUS = [int(n) for n in os.environ.get("CPUS", "4" if HOST == ("6.12", "power10") else "1,2,4").split(",")]
PC, MSR = 64, 65
SE = 0x400
initrd = images.initrd("boot", images.shell("dmesg -n 1"))
kernel = Elf(images.symbols())
# What differs between any two boots: times, and a word of the kernel's that two lines fight for.
NOISE = re.compile(r"^\[ *\d+\.\d+\] |\d+ms|\d+K? reserved|\d+K/|audit: .*|.*setting system clock.*|^#1 SMP Debian.*")


def boot(host, cpus, *more):
    return host.guest(*more, f"--cpus {cpus} --memory 256M --initrd /initrd --append 'console=hvc0 panic=-1'", "/vmlinux")


def end(guest, cpus):
    """The console of a guest that answers and powers itself off, without what differs by nature."""
    guest.wait("guest-ready")
    guest.send("echo counts $(grep -c ^processor /proc/cpuinfo)")
    equal(guest.wait(r"^counts (\d+)").group(1), str(cpus), "processors that the guest counts")
    guest.wait("^guest-did 0")
    guest.send("poweroff -f")
    equal(guest.status(), 0, "exit status of guestdbg")
    # One the kernel says when the machine that emulates all this had no time for it; two come from a thread of their own.
    anywhere = re.compile("hrtimer: interrupt took|Trying to unpack rootfs image|Freeing initrd memory")
    lines = [NOISE.sub("", line) for line in guest.console.all if not anywhere.search(line)]
    return [line for line in lines if line]


def steps(c, stop, n):
    """Steps of the vCPU that stopped, all others held."""
    for _ in range(n):
        before = stop["registers"][PC]
        stop = c.resume(f"vCont;s:{stop['thread']}")
        equal(stop.get("signal"), 5, f"signal of the step from {before:#x}")
        check(stop["registers"][PC] != before, f"the step from {before:#x} did not move")
        check(not stop["registers"][MSR] & SE, f"MSR[SE] is readable at {stop['registers'][PC]:#x}")


def nowhere(c):
    """An address that is RAM only to a vCPU that does not translate, as those do that are still off."""
    address = 0xe000f00
    try:
        check(False, f"{address:#x} is mapped: {c(f'm{address:x},4')}")
    except RspError:
        pass
    c(f"Z0,{address:x},4")
    slots = c.monitor("slots")
    check(f"{address:#x}: in breakpoint register" in slots, f"a break at an unmapped address: {slots!r}")
    c(f"z0,{address:x},4")


def debugged(guest, cpus):
    with Rsp(guest) as c:
        equal(c.register(PC), 0, "pc at the first stop")
        for name, times in (("start_kernel", 1), ("start_secondary", cpus - 1)):
            # Behind the words at its entry that the kernel's ftrace compares and rewrites while it boots.
            at = kernel[name] + 0x24
            c(f"Z0,{at:x},4")
            seen = set()
            for _ in range(times):
                stop = c.resume()
                equal(stop["registers"].get(PC), at, f"stopped at, for {name}")
                check("swbreak" in stop, f"stopped as {stop}")
                seen.add(stop["vcpu"])
                steps(c, stop, 20)
            equal(seen, {0} if name == "start_kernel" else set(range(1, cpus)), f"vCPUs that came to {name}")
            c(f"z0,{at:x},4")
            if name == "start_kernel":
                nowhere(c)
        c("D;1")


def states(c):
    return re.findall(r'name="vCPU \d+">([^<]*)<', c("qXfer:threads:read::0,1000"))


def typed(guest, c, text, says):
    """A line for the guest's shell, which runs until it has done that; the stop by ^C is a plain one."""
    start = len(guest.console.all)
    c.send("vCont;c")
    guest.send(text)
    guest.wait("^guest-did 0", start)
    c.interrupt()
    stop = c.wait_stop()
    equal((stop["kind"], states(c)), ("T", says), f"the stop after {text!r}, and the vCPUs")
    return stop


def turned_off(guest, c):
    """vCPU 1 is stepped until it stops itself; then it is off, and neither stops nor steps wait for it."""
    at = kernel["pseries_cpu_offline_self"] + 0x24
    online = "/sys/devices/system/cpu/cpu1/online"
    start = len(guest.console.all)
    c(f"Z0,{at:x},4")
    c.send("vCont;c")
    guest.send(f"echo 0 >{online}")
    stop = c.wait_stop()
    equal((stop["vcpu"], stop["registers"].get(PC)), (1, at), "stopped at")
    c(f"z0,{at:x},4")
    for _ in range(3000):
        equal(stop.get("signal"), 5, f"signal of the step to {stop['registers'][PC]:#x}")
        if states(c) == ["on", "off"]:
            break
        stop = c.resume("vCont;s:2")
    equal(states(c), ["on", "off"], "vCPUs")
    c("Hg1")  # ^C is told of that one; the other would not step before it is on again
    c.send("vCont;c")
    guest.wait("^guest-did 0", start)
    c.interrupt()
    equal(c.wait_stop()["kind"], "T", "kind of stop")
    steps(c, typed(guest, c, "true", ["on", "off"]), 20)
    typed(guest, c, f"echo 1 >{online}", ["on", "on"])


def rebooted(guest, c):
    at = kernel["start_kernel"] + 0x24
    c(f"Z0,{at:x},4")
    c.send("vCont;c")
    guest.send("reboot -f")
    stop = c.wait_stop()
    equal((stop["kind"], stop["registers"].get(PC), states(c)), ("T", at, ["on", "off"]), "the stop, and the vCPUs")
    c(f"z0,{at:x},4")
    steps(c, stop, 20)


with Host(files=[f"{images.linux()}:/vmlinux", f"{initrd}:/initrd"]) as host:
    for cpus in CPUS:
        with scenario(f"{cpus} vCPUs, stopped and stepped as each comes up: the console reads as of a guest left alone"):
            with boot(host, cpus, "--no-wait") as guest:
                alone = end(guest, cpus)
            with boot(host, cpus) as guest:
                debugged(guest, cpus)
                differs = [x for x in zip_longest(alone, end(guest, cpus)) if x[0] != x[1]]
            check(not differs, f"consoles differ: {differs[:5]}")
    with scenario("a vCPU that the guest turns off, or that a reboot leaves off, is no lost one; its step ends"):
        with boot(host, 2, "--no-wait") as guest:
            guest.wait("guest-ready")
            with Rsp(guest) as c:
                turned_off(guest, c)
                start = len(guest.console.all)
                rebooted(guest, c)
                c("D;1")
            guest.wait("guest-ready", start)
            end(guest, 2)
    if power10:
        with scenario("a watchpoint set before the first instruction is hit once the kernel has its tables"):
            with boot(host, 2) as guest:
                with Rsp(guest) as c:
                    c(f"Z2,{kernel['jiffies_64']:x},8")
                    stop = c.resume()
                    equal(int(stop.get("watch", "0"), 16), kernel["jiffies_64"], f"{stop}: watch")
                    before = c.memory(kernel["jiffies_64"], 8)
                    c(f"z2,{kernel['jiffies_64']:x},8")
                    steps(c, stop, 1)
                    check(c.memory(kernel["jiffies_64"], 8) != before, "the step over the store changed nothing")
                    c("D;1")
                end(guest, 2)
