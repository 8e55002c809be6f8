#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A POWER guest whose vectors move, by AIL (0, 3 and back) and by its own tables (their page leads to a copy of them):
# stepped all the way, run with a watchpoint armed, and with breakpoints on its vectors. Its handlers count the same
# interrupts, by the copy too, and see no MSR[SE].
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 900

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import *

e = bare("move", "move.S")
PLACES = (0, 2, 3, 2, 3, 1, 3, 0, 1, 2)  # as the guest has them: 1 the copy is mapped, 2 AIL=3
FROM, TO, PLACED, WATCHED = (HIGH | e[name] for name in ("move_from", "move_to", "placed", "watched"))
WORD = HIGH | e["page_rw"] + 256
BY_TRAP, BY_SC = 0x700, 0xc00


def result(guest):
    """What the guest says in the end: SE seen and traces, interrupts by the copy, a digest of all counts."""
    seen, moved, digest = (guest.wait(rf"^{word} (\w+)").group(1) for word in ("seen", "moved", "digest"))
    equal(guest.status(), 0, "exit status")
    return int(seen, 16), int(moved, 16), digest


def by_copy(c, pc):
    """Does the vector that the vCPU stands at lead to the counting handlers?"""
    word = int.from_bytes(c.memory(pc + 8, 4), "little")
    equal(word >> 26, 18, f"opcode of the branch at {pc + 8:#x}")
    return (word - int.from_bytes(e.bytes(pc - HIGH + 8 if pc >> 62 else pc + 8, 4), "little")) != 0


def walk(c, mode):
    """Steps to the end: registers after each, and the vectors that were met, with the place that the guest was in."""
    run_to(c, FROM)
    c.monitor(f"step-mode {mode}")
    path, met = [], set()
    regs = {PC: FROM}
    while regs[PC] != TO:
        stop = c.resume("vCont;s:1")
        equal((stop["kind"], stop["signal"]), ("T", 5), f"step {len(path)}")
        regs = stop["registers"]
        check(not regs[MSR] & SE, f"MSR[SE] is readable at {regs[PC]:#x}")
        path.append(regs)
        offset = regs[PC] & 0xfff
        if regs[PC] in (offset, HIGH | 0x4000 | offset) and offset in (0x300, 0x700, 0xc00):
            check(not c.register(SRR1) & SE, f"SE is readable in SRR1 at {regs[PC]:#x}")
            met.add((regs[14], regs[PC], by_copy(c, regs[PC])))
        check(len(path) < 20000, "no end")
    print(f"{len(path)} steps by {mode}", file=sys.stderr, flush=True)
    return path, met


def vector(place, offset):
    return HIGH | 0x4000 | offset if place & 2 else offset


paths, undisturbed = {}, None
with Host(files=[f"{e.path}:/move.elf"]) as host:
    def fresh():
        return host.guest("--memory 64M", "/move.elf")

    with scenario("the guest alone: no SE and no trace interrupt, and the copy of its vectors is used"):
        guest = fresh()
        with Rsp(guest) as c:
            c("D;1")
        undisturbed = result(guest)
        equal(undisturbed[0], 0, "SE seen, or trace interrupts")
        # An interrupt of each kind: 5 of the kernel, 5 of the program and those that switch it on, where AIL is 3 as well.
        check(undisturbed[1] >= 10 * PLACES.count(3), f"only {undisturbed[1]} interrupts by the copy")
    for mode in ("trace", "breakpoint"):
        with scenario(f"stepped by {mode} while its vectors move: each interrupt is met where it is taken, none is seen by it"):
            guest = fresh()
            with Rsp(guest) as c:
                paths[mode], met = walk(c, mode)
                c("D;1")
            wanted = {(p, vector(p, n), p == 3) for p in PLACES for n in (0x300, 0x700, 0xc00)}
            equal(sorted(wanted - met), [], "places, and vectors there, that were not met")
            equal(sorted(met - wanted), [], "vectors met where they should not be")
            equal(result(guest), undisturbed, "what the guest says in the end")
    with scenario("both strategies give the same registers after each step"):
        check(set(paths) == {"trace", "breakpoint"}, "there are no two paths")
        equal(len(paths["trace"]), len(paths["breakpoint"]), "steps")
        for i, (one, other) in enumerate(zip(paths["trace"], paths["breakpoint"])):
            wrong = [f"{show(n, one[n])} and {other[n]:#x}" for n in one if one[n] != other[n]]
            check(not wrong, f"after step {i + 1}, {one[PC]:#x}: " + ", ".join(wrong))
    if power10:
        with scenario("a watchpoint armed all the time is hit in each place, and the guest's own faults pass the fence"):
            guest = fresh()
            with Rsp(guest) as c:
                run_to(c, FROM)  # the guest has made its copy: it would copy our words too
                c(f"Z2,{WORD:x},8")
                c(f"Z0,{TO:x},4")
                for n, place in enumerate(PLACES):
                    stop = c.resume()
                    equal(int(stop.get("watch", "0"), 16), WORD, f"in place {n}, {stop}: watch")
                    equal((stop["registers"][14], stop["registers"][15]), (place, n), "place")
                    equal(stop["registers"][PC], WATCHED - 4, "at the store")
                stop = c.resume()
                equal(stop["registers"][PC], TO, "after the last")
                passed = int(re.search(r"false hits passed over: (\d+)", c.monitor("stats")).group(1))
                check(passed >= 3 * len(PLACES), f"only {passed} faults at the fence")
                c(f"z2,{WORD:x},8")
                c("D;1")
            equal(result(guest), undisturbed, "what the guest says in the end")
    with scenario("breakpoints on both vectors of a trap: the one in use is hit, also after the page was remapped"):
        guest = fresh()
        with Rsp(guest) as c:
            c(f"Z0,{BY_TRAP:x},4")
            c(f"Z0,{TO:x},4")
            c(f"Z0,{PLACED:x},4")
            at = HIGH | 0x4000 | BY_TRAP
            for place in PLACES:
                equal(c.resume()["registers"][PC], PLACED, f"stopped at, in place {place}")
                c(f"Z0,{at:x},4")  # as GDB does at every resume: it lies elsewhere perhaps
                for what in ("trap", "illegal word", "program's trap"):
                    stop = c.resume()
                    equal(stop["registers"][PC], vector(place, BY_TRAP), f"the {what}'s vector, in place {place}")
                    equal(by_copy(c, stop["registers"][PC]), place == 3, "by the copy")
                c(f"z0,{at:x},4")
            equal(c.resume()["registers"][PC], TO, "after the last")
            c(f"z0,{BY_TRAP:x},4")
            c("D;1")
        equal(result(guest), undisturbed, "what the guest says in the end")
