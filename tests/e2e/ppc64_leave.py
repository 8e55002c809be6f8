#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A client that interrupts, detaches, vanishes or is killed in the middle of steps, in system calls, in a
# sequence of larx and stcx., with watchpoints armed: afterwards no word at the guest's vectors or in its text
# differs, no MSR[SE] is left, and its programs come to the same result.
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
from harness.power import HIGH, MSR, PC, SE, SRR1, power10, silicon

TIMES = int(os.environ.get("TIMES", "2"))
program = images.program("sys", "-Wl,-Ttext-segment=0x77770000")
elf, kernel = Elf(program), Elf(images.symbols())
SEQUENCE = elf["contended"] - 24  # cmpwi, between lwarx and stwcx.
initrd = images.initrd("leave", images.shell(), programs=[program])
TROUBLE = re.compile(r"lockup|Oops|BUG:|Unable to handle|WARNING:|SIGTRAP|Trace/breakpoint|Illegal")
EVERYWHERE = "r0,ffffffffffffffff"
PLACES = [(HIGH, 0x1800), (HIGH | 0x3000, 0x2000), (kernel["system_call_exception"], 0x400),
          (kernel["interrupt_exit_user_prepare"], 0x200), (elf["enter"], 0x80)]


def connect(guest):
    c = Rsp(guest)
    c("?")  # it stands then
    return c


def to_program(c):
    """Lets the guest come to its program's system call, by the CIABR, since that may not be mapped now; the stop.
    QEMU's emulated processor fires before the instruction."""
    c(f"Z1,{elf['enter']:x},4")
    stop = c.resume()
    equal(stop["registers"].get(PC), elf["enter"] + 4 * silicon, "stopped at")
    c(f"z1,{elf['enter']:x},4")
    c(f"Hg{stop['thread']}")
    return stop


def words(c):
    """What memory holds at the vectors and in text, as seen from the program."""
    return [c.memory(address, length) for address, length in PLACES]


def clean(c, stop):
    """A stop in the middle of steps shows nothing of them."""
    check(not stop["registers"][MSR] & SE, f"MSR[SE] is readable at {stop['registers'][PC]:#x}")
    check(not c.register(SRR1) & SE, f"SE is readable in SRR1 at {stop['registers'][PC]:#x}")


def interrupted(c, stop, action):
    """Steps without end, and ^C."""
    c.send(f"vCont;{action}:{stop['thread']};c")
    c.interrupt()
    stop = c.wait_stop()
    check(stop["kind"] == "T" and stop["signal"] in (2, 5), f"{stop}")
    clean(c, stop)
    return stop


with Host(files=[f"{images.linux()}:/vmlinux", f"{initrd}:/initrd"]) as host:
    guest = host.guest("--no-wait --cpus 2 --memory 256M --initrd /initrd --append 'console=hvc0 panic=-1'", "/vmlinux")
    guest.wait("guest-ready")
    guest.send("sys")
    undisturbed = guest.wait("^sys sum .*").group(0)
    guest.wait("^guest-did 0")
    c = connect(guest)
    guest.send("while sys; do :; done")
    to_program(c)
    original = words(c)
    for mode in ("trace", "breakpoint"):
        with scenario(f"^C in the middle of steps, detach, reconnect, by {mode}"):
            for _ in range(TIMES):
                c.monitor(f"step-mode {mode}")
                stop = to_program(c)
                for _ in range(3):
                    stop = interrupted(c, stop, EVERYWHERE)
                c("D;1")
                c.close()
                c = connect(guest)
                to_program(c)
                equal(words(c), original, "words afterwards")
        with scenario(f"a client that vanishes in the middle of steps, by {mode}"):
            for n in range(TIMES):
                c.monitor(f"step-mode {mode}")
                stop = to_program(c)
                for _ in range(n):
                    c.resume(f"vCont;s:{stop['thread']};c")
                c.send(f"vCont;{EVERYWHERE}:{stop['thread']};c")
                c.close()
                c = connect(guest)
                to_program(c)
                equal(words(c), original, "words afterwards")
    with scenario("a client that vanishes inside a sequence, and one that steps it when it vanishes"):
        for n in range(TIMES):
            to_program(c)
            c(f"Z0,{SEQUENCE:x},4")
            stop = c.resume()
            equal(stop["registers"][PC], SEQUENCE, "stopped at")
            if n % 2:
                c.send(f"vCont;s:{stop['thread']};c")
            c.close()
            c = connect(guest)
            to_program(c)
            equal(words(c), original, "words afterwards")
    if power10:
        with scenario("a client that vanishes with watchpoints armed that are hit all the time"):
            for n in range(TIMES):
                stop = to_program(c)
                c(f"Z2,{kernel['jiffies_64']:x},8")
                c(f"Z4,{elf['own']:x},4")
                for _ in range(3):
                    c.resume()
                c.send("vCont;c")
                c.close()
                c = connect(guest)
                to_program(c)
                equal(words(c), original, "words afterwards")
    c("D;1")
    c.close()
    with scenario("GDB killed by SIGKILL while it steps"):
        gdb = Gdb()  # with the program's symbols GDB has a breakpoint of its own in it, and there is one CIABR
        gdb.connect(guest)
        gdb(f"hbreak *{elf['enter']:#x}")
        gdb.go()
        gdb("delete")
        gdb.start("stepi 100000")
        gdb.kill()
        c = connect(guest)
        to_program(c)
        equal(words(c), original, "words afterwards")
        c("D;1")
        c.close()
    with scenario("the programs came to the same result, and the guest says nothing of all this"):
        at = len(guest.console.all)
        guest.wait("^sys sum .*", at)
        sums = {line for line in guest.console.all if line.startswith("sys sum")}
        equal(sums, {undisturbed}, "results")
        bad = [line for line in guest.console.all if TROUBLE.search(line)]
        check(not bad, f"the guest says {bad[:3]}")
    guest.stop()
