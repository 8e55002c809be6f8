#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Steps and hits in bare-metal guests whose every instruction is known: interrupts pending, DAIF read and
# written, exceptions, EL0, exclusives, waits, a contended lock; exact hit counts on two vCPUs.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 newest max
# full: arm64 newest cortex-a72
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

PC, CPSR = 32, 33
steps = images.bare("steps", "start.S", "bare.c", "steps.c")
hammer = images.bare("hammer", "start.S", "bare.c", "hammer.c")
s, h = Elf(steps), Elf(hammer)
BRK = {0xd4200000 | 0x77 << 5, 0xd4200000 | 0x55 << 5}
vectors = range(s["vectors"], s["vectors"] + 0x800)


def pc(stop):
    return stop["registers"][PC]


def in_irq_vector(address):
    return address in vectors and (address - vectors.start) % 0x200 in range(0x80, 0x100)


def run_to(c, address):
    c(f"Z1,{address:x},4")
    stop = c.resume()
    equal(pc(stop), address, "stopped at")
    c(f"z1,{address:x},4")
    return stop


def steps_made(c):
    return int(re.search(r"(?m)^steps: (\d+)", c.monitor("stats")).group(1))


def step_through(c, action, start, end, limit=60000):
    """Steps until end; all PCs."""
    seen = [start]
    while seen[-1] != end:
        stop = c.resume(action)
        equal(stop.get("signal"), 5, f"after {len(seen)} steps, at {seen[-1]:#x}: signal")
        check(not in_irq_vector(pc(stop)), f"the step from {seen[-1]:#x} stopped in an interrupt vector")
        seen.append(pc(stop))
        check(len(seen) < limit, f"no end after {limit} steps, at {seen[-1]:#x}")
    return seen


with debug_host(files=[f"{steps}:/steps.elf", f"{hammer}:/hammer.elf"], ports=2) as host:
    with scenario("a stepped run leaves the same trace as a free one, and stops in no interrupt"):
        guest = host.boot("/steps.elf", cpus=2)
        with Rsp(guest) as c:
            run_to(c, s["stepped_from"])
            seen = step_through(c, "vCont;s:1;c", s["stepped_from"], s["stepped_to"])
            c("D;1")
        equal(guest.wait(r"^traces (equal|differ)").group(1), "equal", "traces; " + " ".join(guest.console.all[-8:]))
        equal(guest.status(), 0, "exit status")
        check(len(seen) > 300, f"only {len(seen)} steps")
    with scenario("a vCPU that is stepped for long has its own tick served on the way, unseen"):
        guest = host.boot("/steps.elf", cpus=2)
        with Rsp(guest) as c:
            run_to(c, s["long_loop"])
            ticks = c.memory(s["ticks"], 8)
            before = steps_made(c)
            stop = c.resume(f"vCont;r{s['long_loop']:x},{s['long_loop_end']:x}:1;c")
            made = steps_made(c) - before
            equal(pc(stop), stop["registers"][30], "the range ended at, beside the return address")
            equal(made, 10002, "steps")
            check(c.memory(s["ticks"], 8) != ticks, f"no tick in {made} steps")
            c("D;1")
        guest.wait(r"^traces equal")
    with scenario("a range step gives the same trace and stops at its end"):
        guest = host.boot("/steps.elf", cpus=2)
        with Rsp(guest) as c:
            run_to(c, s["stepped_from"])
            low, high = s["_start"], s["__bss_start"]
            # work() and all it calls lie inside; stepped_to too, hence a breakpoint there.
            c(f"Z0,{s['stepped_to']:x},4")
            stop = c.resume(f"vCont;r{low:x},{high:x}:1;c")
            while pc(stop) != s["stepped_to"]:
                # EL0 code runs in an alias outside the range.
                check("swbreak" not in stop, f"stopped at {pc(stop):#x}")
                stop = c.resume(f"vCont;r{low:x},{high:x}:1;c" if low <= pc(stop) < high else "vCont;s:1;c")
            check("swbreak" in stop, f"the breakpoint inside the range: {stop}")
            c("D;1")
        equal(guest.wait(r"^traces (equal|differ)").group(1), "equal", "traces; " + " ".join(guest.console.all[-8:]))
    with scenario("an interrupt that is due is shown by `monitor step-irq on`, and only then"):
        guest = host.boot("/steps.elf", cpus=2)
        with Rsp(guest) as c:
            run_to(c, s["daif_work"])
            c.monitor("step-irq on")
            taken, n = False, 0
            while not taken and n < 3000:
                stop = c.resume("vCont;s:1;c")
                taken = in_irq_vector(pc(stop))
                n += 1
            check(taken, "no interrupt in 3000 steps")
            c("D;1")
        guest.wait(r"^traces ")
    with scenario("hit counts are exact when two vCPUs hammer one software breakpoint"):
        guest = host.boot("/hammer.elf", cpus=2)
        with Rsp(guest) as c:
            c(f"Z0,{h['anvil']:x},4")
            c.monitor(f"ignore 0x{h['anvil']:x} 1000000")
            c(f"Z1,{h['done']:x},4")
            stop = c.resume()
            equal(pc(stop), h["done"], "stopped at")
            text = c.monitor("stats")
            m = re.search(rf"break 0x{h['anvil']:x}: (\d+) hits", text)
            equal(m and int(m.group(1)), 4000, f"hits; {text!r}")
            equal(c.memory(h["anvil"], 4), h.bytes(h["anvil"], 4), "the breakpoint's own bytes as the client reads them")
            c(f"z0,{h['anvil']:x},4")
            c(f"z1,{h['done']:x},4")
            c("D;1")
        equal(guest.wait(r"^counts 0x(\w+)").group(1), "000007d0000007d0", "the guest's own counts")
    with scenario("every hit of two vCPUs is told once to a client that continues"):
        guest = host.boot("/hammer.elf", cpus=2)
        with Rsp(guest) as c:
            c(f"Z0,{h['anvil']:x},4")
            c(f"Z1,{h['done']:x},4")
            told = [0, 0]
            while True:
                stop = c.resume()
                if pc(stop) == h["done"]:
                    break
                check("swbreak" in stop and pc(stop) == h["anvil"], f"stopped as {stop}")
                told[stop["vcpu"]] += 1
            equal(told, [2000, 2000], "stops of each vCPU")
            c("D;1")
        guest.wait(r"^counts 0x000007d0000007d0")
