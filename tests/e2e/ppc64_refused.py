#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Guests of another VMM that cannot be served: one with a hashed page table, one that is secure. Memory, points and
# steps are refused by a sentence that names the reason, registers are there, and the guest runs on as it is.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.host import BUILD, TOP
from harness.power import DR, IR, MSR, PC

START, COUNT = 0x10000, 0x20000
REFUSED = (f"m{START:x},4", f"M{COUNT:x},1:00", f"Z0,{START + 8:x},4", f"Z1,{START + 8:x},4", f"Z2,{COUNT:x},8")


def vmm(folder):
    """The other VMM, built against the library as it is now."""
    out = os.path.join(folder, "other-vmm")
    subprocess.run([images.CROSS + "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-static", "-I", os.path.join(TOP, "include"),
                    os.path.join(images.GUESTS, "host", "hash.c"), os.path.join(BUILD, "src", "libguestdbg.a"), "-lpthread", "-o", out],
                   check=True)
    return out


def start(host, number, kind):
    """Starts it; whoever debugs it needs the port that leads there."""
    host.say(f"(other-vmm tcp:0.0.0.0:4444 {kind} >/tmp/out.{number} 2>&1; echo status $? >>/tmp/out.{number}) &")
    text, _ = host.run(f"until grep -q 'target remote\\|status' /tmp/out.{number}; do usleep 50000; done; cat /tmp/out.{number}")
    check("target remote" in text, f"the VMM did not start: {text}")
    return f"127.0.0.1:{host.ports[4444]}"


def ended(host, number):
    text, _ = host.run(f"until grep -q status /tmp/out.{number}; do usleep 50000; done; cat /tmp/out.{number}")
    check("counted to 1000" in text and "status 0" in text, f"the VMM's end: {text}")


def step(c):
    """A step: its stop, and what the client's console is told."""
    c.send("vCont;s:1")
    said = ""
    while True:
        reply = c.receive().decode("latin-1")
        if reply[0] != "O":
            return c.stop(reply), said
        said += bytes.fromhex(reply[1:]).decode()


def why(c, packet):
    """The sentence that refuses a packet, which `monitor why` has as well."""
    try:
        return f"taken: {c(packet)!r}"
    except RspError as error:
        said = c.monitor("why")
        return str(error) if str(error).split(": ")[-1] in said else f"{error}, and monitor why: {said}"


def refused(c, words, mode):
    for packet in REFUSED:
        text = why(c, packet)
        check(words in text, f"{packet}, {mode}: {text}")
    before = c.register(PC), c.register(MSR)
    stop, said = step(c)
    check(words in said, f"a step, {mode}: {stop}, and the console is told {said!r}")
    equal((c.register(PC), c.register(MSR)), before, f"pc and MSR after that step, {mode}")
    check(words in c.monitor("why"), f"a step, {mode}: monitor why says {c.monitor('why')}")
    check(words in c.monitor(f"walk 0x{START:x}"), f"monitor walk, {mode}: {c.monitor(f'walk 0x{START:x}')}")


with tempfile.TemporaryDirectory(prefix="guestdbg-refused-") as folder, Host(files=[f"{vmm(folder)}:/bin/other-vmm"]) as host:
    with scenario("a guest with a hashed page table is refused by name, in real mode and translated, and runs on"):
        with Rsp(start(host, 0, "hashed")) as c:
            equal(c.register(PC), START, "pc")
            refused(c, "hashed page table (HPT)", "in real mode")
            real = c.register(MSR)
            c.set_register(MSR, real | IR | DR)
            refused(c, "hashed page table (HPT)", "translated")
            c.set_register(MSR, real)
            c("D;1")
        ended(host, 0)
    with scenario("GDB's user reads why there is no memory of such a guest"):
        address = start(host, 1, "hashed")
        with Gdb() as gdb:
            gdb.connect(address)
            try:
                check(False, gdb(f"x/i {START:#x}"))
            except GdbError as error:
                check("Cannot access memory" in str(error), str(error))
            check("hashed page table (HPT)" in gdb("monitor why"), gdb("monitor why"))
            equal(gdb.value("$pc"), START, "pc")
            gdb("detach")
        ended(host, 1)
    with scenario("a secure guest is refused by name"):
        with Rsp(start(host, 2, "secure")) as c:
            refused(c, "secure guest (MSR[S]=1)", "secure")
