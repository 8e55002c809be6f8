#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Points in one program among others on Debian's kernel: breakpoints and watchpoints that fire in one
# thread only, software breakpoints in its text, and a page of code that has several addresses.
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
# timeout: 900

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

PC, ROUNDS = 32, 20
# Where no other program of the guest has code.
program = images.program("task", "-Wl,-Ttext-segment=0x77770000")
elf = Elf(program)
initrd = images.initrd("task", images.shell(), programs=[program])


def pc(stop):
    return stop["registers"][PC]


def arguments(stop):
    return [stop["registers"][n] for n in range(5)]


def to_phase(c, n):
    """Runs to ready(n); its arguments. Addresses are then those of the program."""
    stop = c.resume()
    equal(pc(stop), elf["ready"], "stopped at")
    equal(arguments(stop)[0], n, "phase")
    c(f"Hg{stop['thread']}")
    return arguments(stop)[1:]


def to_done(c):
    """Runs to done(); the stops on the way."""
    seen = []
    while True:
        stop = c.resume()
        if pc(stop) == elf["done"]:
            c(f"Hg{stop['thread']}")
            return seen
        seen.append(stop)
        check(len(seen) < 1000, f"no end, at {pc(stop):#x}")


def false_hits(c):
    return int(re.search(r"false hits passed over: (\d+)", c.monitor("stats")).group(1))


with debug_host(files=[f"{images.linux()}:/Image", f"{initrd}:/initrd"]) as host:
    guest = host.boot("/Image", cpus=2, wait=False, initrd="/initrd", append="nokaslr quiet panic=-1")
    guest.wait("guest-ready")
    guest.send("task")
    undisturbed = guest.wait("^task sums .*").group(0)
    guest.wait("^guest-did 0")
    start = len(guest.console.all)
    c = Rsp(guest)
    for name in ("ready", "done"):
        c(f"Z1,{elf[name]:x},4")
    guest.send("task")
    with scenario("a context-linked breakpoint fires in its thread only, another one running the same code"):
        tid0, tid1, first, second = to_phase(c, 1)
        context = c.monitor("context show")
        check("is in context" in context, context)
        before = false_hits(c)
        c.monitor(f"context {tid0:x} {elf['work']:x}")
        c(f"Z1,{elf['work']:x},4")
        check(f"only in context {tid0}" in c.monitor("slots"), c.monitor("slots"))
        seen = to_done(c)
        equal([(pc(s), s["registers"][0], s["vcpu"]) for s in seen], [(elf["work"], 0, 0)] * ROUNDS,
              "stops (pc, index of the thread, vCPU)")
        check(all("hwbreak" in s for s in seen), "not all were hardware breakpoints")
        equal(false_hits(c), before, "exits for the other thread")
        c(f"z1,{elf['work']:x},4")
    with scenario("a context-linked watchpoint fires in its thread only, another one storing to the same word"):
        to_phase(c, 2)
        before = false_hits(c)
        c.monitor(f"context {tid1:x} {elf['shared']:x}")
        c(f"Z2,{elf['shared']:x},8")
        seen = to_done(c)
        equal([(pc(s), s["registers"][0], s["vcpu"]) for s in seen], [(elf["store"], 1, 1)] * ROUNDS,
              "stops (pc, index of the thread, vCPU)")
        equal({int(s["watch"], 16) for s in seen}, {elf["shared"]}, "address")
        equal(false_hits(c), before, "exits for the other thread")
        c(f"z2,{elf['shared']:x},8")
    with scenario("a software breakpoint in a program's text is hit by each of its threads, its bytes hidden"):
        to_phase(c, 3)
        original = c.memory(elf["soft"] - 32, 64)
        equal(original, elf.bytes(elf["soft"] - 32, 64), "text as read before")
        c(f"Z0,{elf['soft']:x},4")
        seen = to_done(c)
        check(all(pc(s) == elf["soft"] and "swbreak" in s for s in seen), "a stop elsewhere")
        equal([[s["vcpu"] for s in seen].count(v) for v in (0, 1)], [ROUNDS, ROUNDS], "stops of each thread")
        check("planted in memory" in c.monitor("slots"), c.monitor("slots"))
        equal(c.memory(elf["soft"] - 32, 64), original, "text as read with the breakpoint set")
        c(f"z0,{elf['soft']:x},4")
        equal(c.memory(elf["soft"] - 32, 64), original, "text as read after removal")
    with scenario("one page of code through three addresses: only the breakpoint's own address is reported"):
        to_phase(c, 4)
        before = false_hits(c)
        original = elf.bytes(elf["twin"], 64)
        c(f"Z0,{first:x},4")
        seen = to_done(c)
        equal([pc(s) for s in seen], [first] * 10, "stops")
        equal(false_hits(c) - before, 20, "hits through the other addresses, passed over")
        for at in (first, second, elf["twin"]):
            equal(c.memory(at, 64), original, f"the page as read at {at:#x}")
        c(f"z0,{first:x},4")
    c("D;1")
    c.close()
    with scenario("the program ends as an undisturbed one, and finds its text byte-identical"):
        equal(guest.wait("^task sums .*", start).group(0), undisturbed, "output")
        check(undisturbed.endswith("text as before"), undisturbed)
        guest.wait("^guest-did 0", start)
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status after the guest's power-off")
        bad = [line for line in guest.console.all if re.search("lockup|stall|Oops|BUG:|Unable to handle", line)]
        check(not bad, f"the guest says {bad[:3]}")
