#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A guest that means harm, on 4 CPUs: random debug registers, breakpoints on its own vectors, firmware calls,
# CPU_ON storms, interrupt controller and memory that is not its own. The monitor stays alive and the debugger
# connected, with points of its own and without. More than ten minutes on the other processors (EL2_HOSTILE: rounds).
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 3600

import os
import random
import re
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *  # noqa: E402,F403
from harness.el2 import CPU  # noqa: E402

ROUNDS = int(os.environ.get("EL2_HOSTILE", "10000" if CPU == "max" else "300000"))
CPUS, PC = 4, 32
path = images.bare("hostile", "start.S", "bare.c", "hostile.c")
elf = Elf(path)
# What the debugger does meanwhile: nothing; points that are counted; one that stops each time.
PLANS = [(), ((1, "tick"),), ((0, "tick"),), ((1, "on_exception"), (2, "interrupts")), ((0, "tick"), (1, "vectors"), (3, "wanted")),
         ((1, "vectors"), (1, "on_exception"), (1, "psci"), (1, "execute"), (2, "started"), (2, "seen"))]


def words(c, name, n=1):
    data = c.memory(elf[name], 8 * n)
    return [int.from_bytes(data[8 * i:8 * i + 8], "little") for i in range(n)]


def standing(c):
    """Where each CPU stands."""
    out = []
    for cpu in range(CPUS):
        c(f"Hgp1.{cpu + 1:x}")
        pc, lr = c.register(PC), c.register(30)
        name = max((v, k) for k, v in elf.symbols.items() if v <= pc)
        out.append(f"{pc:#x} {name[1]}+{pc - name[0]:#x} from {lr:#x}, PSTATE {c.register(33):#x}")
    return out


def look(c):
    """All CPUs answer, and stand where they can."""
    threads = c("qXfer:threads:read::0,fff0")
    check("does not answer" not in threads, threads)
    equal(len(re.findall("<thread ", threads)), CPUS, "threads")
    for cpu in range(CPUS):
        c(f"Hgp1.{cpu + 1:x}")
        c.register(PC)


def stopped(c):
    """^C, and its one stop. Is it the end?"""
    c.interrupt()
    stop = c.wait_stop()
    check(stop["kind"] == "T", f"{stop}")
    look(c)
    equal(c("qC")[:2], "QC", "reply to qC: nothing else came")
    return stop["registers"][PC] == elf["done"]


def goes_on(c, guest, at):
    """Waits for more rounds (False) or the stop at the end (True); None if neither comes."""
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        if any(line.startswith("round") for line in guest.console.all[at:]):
            return False
        if select.select([c.s], [], [], 0.1)[0]:
            equal(c.wait_stop()["registers"][PC], elf["done"], "stopped at")
            return True
    return None


def one_plan(c, guest, dice):
    """Runs with points of ours until the guest has made some thousand rounds; is it at its end?"""
    plan = dice.choice(PLANS)
    for kind, name in plan:
        equal(c(f"Z{kind},{elf[name]:x},{8 if kind > 1 else 4}"), "OK", f"Z{kind} {name}")
        c.monitor(f"ignore 0x{elf[name]:x} 1000000000")
    at = len(guest.console.all)
    c.send("vCont;c")
    end = goes_on(c, guest, at)
    if end is None:
        stopped(c)
        raise Failed(f"plan {plan}: no rounds any more: {standing(c)}, rounds {words(c, 'rounds', CPUS)}")
    end = end or stopped(c)
    for _ in range(dice.randrange(20)):
        if end:
            break
        stop = c.resume(f"vCont;s:{dice.randrange(CPUS) + 1:x};c" if dice.random() < 0.5 else "vCont;s:1")
        check(stop["kind"] == "T", f"{stop}")
        end = stop["registers"][PC] == elf["done"]
    for kind, name in plan:
        c(f"z{kind},{elf[name]:x},{8 if kind > 1 else 4}")
    return end


with debug_host(files=[f"{path}:/hostile.elf"]) as host:
    guest = host.boot("/hostile.elf", cpus=CPUS)
    c = Rsp(guest)
    c.s.settimeout(120)
    with scenario(f"a hostile guest, {ROUNDS} rounds of its first CPU: the monitor lives, the debugger stays connected"):
        dice, plans, began = random.Random(4), 0, time.monotonic()
        c.write(elf["wanted"], ROUNDS.to_bytes(8, "little"))
        c(f"Z1,{elf['done']:x},4")
        while not one_plan(c, guest, dice):
            plans += 1
            if plans % 20 == 0:
                print(f"  {time.monotonic() - began:.0f} s: {words(c, 'rounds', CPUS)} strays {words(c, 'stray_count')[0]} "
                      + " ".join(f"{a:#x}" for a in words(c, "strays", 17) if a), file=sys.stderr, flush=True)
        rounds, seen = words(c, "rounds", CPUS), words(c, "seen", 64)
        print(f"  {time.monotonic() - began:.0f} s, {plans} stops of all CPUs, rounds {rounds}, exceptions of the guest by class "
              + " ".join(f"{n:#x}:{k}" for n, k in enumerate(seen) if k) + f", interrupts {words(c, 'interrupts')[0]}", flush=True)
        equal(rounds[0], ROUNDS, "rounds of CPU 0")
        check(all(rounds), f"a CPU did nothing: {rounds}")
        for ec in (0x00, 0x15, 0x25, 0x31, 0x33, 0x35, 0x3c):
            check(seen[ec], f"the guest saw no exception of class {ec:#x}")
    with scenario("after it the guest turns the machine off, as it would have"):
        c("D;1")
        guest.wait("^hostile done")
        equal(guest.status(), 0, "status of the emulator")
