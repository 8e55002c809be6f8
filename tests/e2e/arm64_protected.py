#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A host in protected mode (pKVM), whose hypervisor some kernels (7.2 for one) do not tell of guest debug: they
# accept it, and nothing comes of it. Whichever kernel this is, what `caps` says is what a session gets.
#
# full: arm64 newest cortex-a72
# timeout: 600

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

PC = 32
image = images.bare("watch", "start.S", "bare.c", "watch.c")
elf = Elf(image)
turn = elf["turn"]


def serves(host):
    with host.boot("/image") as guest, Rsp(guest) as c:
        for kind, reason in (("Z1", "hwbreak"), ("Z0", "swbreak")):
            c(f"{kind},{turn:x},4")
            stop = c.resume()
            equal(stop["registers"][PC], turn, f"{kind} hit at")
            check(reason in stop, f"{kind} is told as {stop}")
            c(f"z{kind[1:]},{turn:x},4")
        c(f"Z2,{elf['rounds']:x},8")
        check("watch" in c.resume(), "a stop that is none of the watchpoint")
        c(f"z2,{elf['rounds']:x},8")
        before = turn
        for n in range(20):
            stop = c.resume("vCont;s:1")
            check(stop["registers"][PC] != before, f"step {n} stays at {before:#x}")
            before = stop["registers"][PC]


def refuses(host, text):
    said, status = host.run("guestdbg run /image")
    equal(status, 1, "status of guestdbg run")
    for words in (text, said):
        check("saw no single step" in words and "protected" in words, f"the refusal says {words!r}")


with Host(files=[f"{image}:/image"], options=["--append", "kvm-arm.mode=protected"]) as host:
    equal(host.run("dmesg | grep -c 'Protected.*initialized'")[0], "1", "hosts in protected mode")
    text, status = host.run("guestdbg caps")
    print(text, file=sys.stderr)
    with scenario("caps in protected mode tells what a session gets"):
        if status:
            refuses(host, text)
        else:
            serves(host)
