#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A second vCPU that its guest turns on, off, and on again, each by a step of the call that does it, while the client
# keeps it halted and has looked at it: its registers are those of where it begins, and steps go on from there.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# timeout: 300

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import *

START_CPU, STOP_SELF = 6, 7  # RTAS tokens of this machine
e = bare("rows", "rows.S")
data, arguments = e["page_rw"], e["page_rw"] + 0x100


def call(c, vcpu, *cells):
    """A step of the vCPU over a call of RTAS."""
    c(f"Hgp1.{vcpu}")
    c.set_register(MSR, REAL)
    c.write(arguments, b"".join(n.to_bytes(4, "big") for n in cells))
    for register, value in ((3, 0xf000), (4, arguments), (PC, e["sc1"])):
        c.set_register(register, value)
    return c.resume(f"vCont;s:p1.{vcpu}")


def begin(c, at, r3):
    """The first vCPU starts the second one; the client looks."""
    stop = call(c, 1, START_CPU, 3, 1, 1, at, r3, 0)
    equal((stop["vcpu"], stop["registers"][PC]), (0, e["sc1"] + 4), "the caller and its place")
    equal(c.memory(arguments + 24, 4), bytes(4), "the call's result")
    c("Hgp1.2")
    equal((c.register(PC), c.register(3)), (at, r3), "pc and r3 of the one that was started")
    stop = c.resume("vCont;s:p1.2")
    equal((stop["vcpu"], stop["registers"][PC]), (1, at + 4), "the one that was stepped and its place")


with Host(files=[f"{e.path}:/rows.elf"]) as host, host.guest("--cpus 2 --memory 64M", "/rows.elf") as guest, \
        Rsp(guest) as c:
    run_to(c, e["ready"])
    for mode in ("trace", "breakpoint"):
        c.monitor(f"step-mode {mode}")
        for n, name in enumerate(("nop_", "isync_")):
            with scenario(f"a vCPU is started at {name}, steps, and stops itself, by {mode}"):
                c("Hgp1.2")
                c.register(PC)  # what is known of it before must not be told afterwards
                begin(c, e[name], 0x5000 + n)
                equal(call(c, 2, STOP_SELF, 0, 1, 0)["vcpu"], 1, "the one that turned itself off")
