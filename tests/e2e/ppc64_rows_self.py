#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A POWER guest that traces its own program and itself by MSR[SE] and MSR[BE], beside the debugger's breakpoints,
# watchpoints and steps: the guest counts the same trace interrupts from the same places.
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

e = bare("self", "self.S")
VECTOR = HIGH | 0x4d00
FROM, TO = HIGH | e["self_from"], HIGH | e["self_to"]


def result(guest):
    """How many trace interrupts the guest counted, and its digest of their places."""
    traces, digest = (guest.wait(rf"^{word} (\w+)").group(1) for word in ("traces", "digest"))
    equal(guest.status(), 0, "exit status")
    return int(traces, 16), digest


def stops(c, *packets):
    """Continues from stop to stop until the guest's end is reached: the PCs."""
    for packet in packets:
        c(packet)
    c(f"Z0,{TO:x},4")
    seen = [c.resume()]
    while seen[-1]["registers"][PC] != TO:
        seen.append(c.resume())
    return seen


with Host(files=[f"{e.path}:/self.elf"]) as host:
    def fresh():
        return host.guest("--memory 64M", "/self.elf")

    with scenario("the guest traces itself, alone"):
        guest = fresh()
        with Rsp(guest) as c:
            c("D;1")
        alone = result(guest)
        check(alone[0] > 30, f"only {alone[0]} trace interrupts")
    with scenario("a breakpoint in the traced program is hit each time, and the guest counts the same"):
        guest = fresh()
        with Rsp(guest) as c:
            seen = stops(c, f"Z0,{e['looped']:x},4")
            equal([s["registers"][PC] for s in seen], [e["looped"]] * 8 + [TO], "stops")
            c("D;1")
        equal(result(guest), alone, "traces and digest")
    with scenario("a breakpoint on the trace vector is hit once for each of the guest's trace interrupts"):
        guest = fresh()
        with Rsp(guest) as c:
            seen = stops(c, f"Z0,{VECTOR:x},4")
            equal([s["registers"][PC] for s in seen], [VECTOR] * alone[0] + [TO], "stops")
            c("D;1")
        equal(result(guest), alone, "traces and digest")
    if power10:
        with scenario("a watchpoint in the traced program is hit each time, and the guest counts the same"):
            guest = fresh()
            with Rsp(guest) as c:
                # Set before the guest has translation: it tells the hypervisor later where its vectors are seen.
                seen = stops(c, f"Z2,{e['page_rw'] + 64:x},8")
                equal(sum("watch" in s for s in seen), 8, "hits")
                equal(seen[-1]["registers"][PC], TO, "last stop")
                c("D;1")
            equal(result(guest), alone, "traces and digest")
    for mode in ("trace", "breakpoint"):
        with scenario(f"steps across all of it, by {mode}: ours is served first, and the guest counts the same"):
            guest = fresh()
            with Rsp(guest) as c:
                run_to(c, FROM)
                c.monitor(f"step-mode {mode}")
                at, before, taken = FROM, VIRT, 0
                while at != TO:
                    stop = c.resume("vCont;s:1")
                    equal((stop["kind"], stop["signal"]), ("T", 5), f"the step from {at:#x}")
                    regs = stop["registers"]
                    if regs[PC] == VECTOR:
                        taken += 1
                        srr0, srr1 = c.register(SRR0), c.register(SRR1)
                        check(before & (SE | BE), f"a trace interrupt after {at:#x}, which is not traced")
                        check(srr1 & TRACE, f"SRR1 says {srr1:#x} after {at:#x}")
                        check(srr1 & (SE | BE) or at | HIGH == HIGH | TO - 4, f"SRR1 without SE and BE: {srr1:#x}")
                        equal(regs[MSR], VIRT & ~RI, "the handler's MSR")
                        check(at >> 62 or 0x30000 <= srr0 < 0x31000, f"SRR0 is {srr0:#x}")
                    at, before = regs[PC], regs[MSR]
                equal(taken, alone[0], "stops at the trace vector")
                c("D;1")
            equal(result(guest), alone, "traces and digest")
