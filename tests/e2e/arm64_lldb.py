#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# LLDB 14, 19 and 22 as a user has them, each against the same bare-metal guest: connect, look around,
# break, step, watch, detach, and go without a word.
#
# lab: arm64 6.12 max
# full: arm64 6.1 cortex-a72
# needs: lldb
# timeout: 900

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.host import LAB
from harness.lldb_session import Lldb

path = images.bare("calls", "start.S", "bare.c", "calls.c", flags=["-O0"])
line = images.tags("bare/arm64/calls.c")
elf = Elf(path)
VERSIONS = [v for v in (14, 19, 22) if os.path.exists(os.path.join(LAB, "bin", f"lldb-{v}"))]
NUMBERS = {"x0": 0, "x19": 19, "x30": 30, "fp": 29, "sp": 31, "pc": 32, "cpsr": 33}


def little(text):
    return int.from_bytes(bytes.fromhex(text), "little")


def here(lldb):
    """File line and function of the selected frame."""
    return lldb.python("[frame.GetLineEntry().GetLine(), frame.GetFunctionName()]")


def successor(pc):
    """Where an instruction that is not a conditional branch goes on."""
    word = int.from_bytes(elf.bytes(pc, 4), "little")
    if word >> 26 == 5:
        return pc + ((word & 0x3ffffff) - ((word & 0x2000000) << 1)) * 4
    check(word >> 24 not in (0x54, 0x34, 0x35, 0xb4, 0xb5, 0x36, 0x37, 0xd6), f"the test cannot follow {word:#x}")
    return pc + 4


def rounds_of(guest):
    """The guest's own count of its rounds, seen by a client that comes and goes."""
    with Rsp(guest) as c:
        c("?")
        n = little(c(f"m{elf['rounds']:x},8"))
        slots = c.monitor("slots")
        text = c.memory(elf["sum_to"], 512)
        c("D;1")
    equal(slots.count("0 used"), 2, f"kinds of debug register without use in {slots!r}")
    equal(text, elf.bytes(elf["sum_to"], 512), "the guest's code")
    return n


def runs_on(guest, before):
    """The guest, left alone, gets ahead."""
    for _ in range(50):
        if rounds_of(guest) > before:
            return
    check(False, f"no round after {before} in the guest")


def look(lldb, guest, v):
    with scenario(f"LLDB {v} connects and finds both vCPUs"):
        lldb(f"gdb-remote {guest.address}")
        equal(lldb.python("[t.GetThreadID() for t in process]"), [1, 2], "threads")
        equal(lldb.python("target.GetTriple().split('-')[0]"), "aarch64", "architecture")
    with scenario(f"LLDB {v} shows the registers that the protocol has"):
        for thread in (1, 2):
            lldb(f"thread select {thread}")
            lldb.packet(f"Hg{thread}")
            for name, number in NUMBERS.items():
                equal(lldb.register(name), little(lldb.packet(f"p{number:x}")), f"vCPU {thread - 1}: {name}")
        lldb("thread select 1")
    with scenario(f"LLDB {v} shows a vector register whole"):
        got = lldb.python("(lambda d: bytes(d.uint8s).hex())([frame.FindRegister(n) for n in ('z0', 'v0') "
                          "if frame.FindRegister(n).IsValid()][0].GetData())")
        equal(got, lldb.packet("p22"), "the register")
    with scenario(f"LLDB {v} reads memory as the image has it"):
        for at, length in ((elf["_start"], 64), (elf["sum_to"] - 3, 700)):
            got = lldb.python(f"process.ReadMemory({at}, {length}, lldb.SBError()).hex()")
            equal(got, elf.bytes(at, length).hex(), f"memory at {at:#x}")
    with scenario(f"LLDB {v} writes registers and memory"):
        old = lldb.register("x19")
        lldb("register write x19 0x123456789abcdef0")
        equal(little(lldb.packet("p13")), 0x123456789abcdef0, "x19")
        lldb(f"register write x19 {old:#x}")
        lldb(f"memory write -s 8 {elf['factorial_result']:#x} 0x1122334455667788")
        equal(little(lldb.packet(f"m{elf['factorial_result']:x},8")), 0x1122334455667788, "memory")


def breakpoints(lldb, v):
    with scenario(f"LLDB {v}: a software breakpoint by name is hit, and hidden from memory reads"):
        lldb("breakpoint set -n sum_to")
        lldb("process continue")
        equal(lldb.stop()[0], "breakpoint 1.1", "reason")
        equal(lldb.python("frame.FindVariable('n').GetValueAsSigned()"), 10, "argument n")
        equal(lldb.python("[f.GetFunctionName() for f in thread][:3]"), ["sum_to", "round_trip", "main"], "backtrace")
        got = lldb.python(f"process.ReadMemory({elf['sum_to']}, 128, lldb.SBError()).hex()")
        equal(got, elf.bytes(elf["sum_to"], 128).hex(), "memory at the breakpoint")
    with scenario(f"LLDB {v} steps instructions, from the breakpoint on"):
        for _ in range(5):
            at = lldb.stop()[1]
            lldb("thread step-inst")
            equal(lldb.stop()[1], successor(at), f"pc after a step at {at:#x}")
    with scenario(f"LLDB {v} finishes a function and shows what it returned"):
        lldb("breakpoint delete --force")
        check("55" in lldb("thread step-out"), "step-out did not show sum_to(10) = 55")
        equal(here(lldb), [line["second"], "round_trip"], "where step-out ended")
    with scenario(f"LLDB {v} steps over a call, and into one"):
        lldb("thread step-over")
        equal(here(lldb), [line["third"], "round_trip"], "where step-over ended")
        lldb("thread step-over")
        lldb("thread step-in")
        check(here(lldb)[1] in ("store", "load"), f"step-in ended in {here(lldb)}")
        lldb("thread step-out")
    with scenario(f"LLDB {v}: a hardware breakpoint is hit, twice"):
        lldb("breakpoint set -H -n visit")
        for _ in range(2):
            lldb("process continue")
            check(lldb.stop()[0].startswith("breakpoint 2."), f"stopped by {lldb.stop()}")
            equal(here(lldb)[1], "visit", "function")
        slots = bytes.fromhex(lldb.packet("qRcmd," + b"slots".hex())).decode()
        check("1 used" in slots, f"no debug register is used: {slots!r}")
        lldb("breakpoint delete --force")


def watchpoint(lldb, v):
    with scenario(f"LLDB {v}: a watchpoint is hit by the store, old and new value are right"):
        old = lldb.python(f"process.ReadUnsignedFromMemory({elf['shared']}, 8, lldb.SBError())")
        lldb("watchpoint set expression -w write -s 8 -- &shared")
        lldb("process continue")
        equal(lldb.stop()[0], "watchpoint 1", "reason")
        check(here(lldb)[1] == "store", f"stopped in {here(lldb)}")
        equal(lldb.python("target.GetWatchpointAtIndex(0).GetWatchAddress()"), elf["shared"], "address")
        value = lldb.python("frame.FindVariable('value').GetValueAsUnsigned()")
        if v == 14:  # does not step over the access by itself: docs/limits.md
            lldb("thread step-inst")
        equal(lldb.python(f"process.ReadUnsignedFromMemory({elf['shared']}, 8, lldb.SBError())"), value, "new value")
        text = lldb("watchpoint list -v")
        for word, number in (("old", old), ("new", old if v == 14 else value)):
            check(f"{word} value: {number:#018x}" in text, f"no {word} value {number:#x} in {text!r}")
        lldb("process continue")
        equal(lldb.stop()[0], "watchpoint 1", "reason the second time")
        lldb("watchpoint delete")


def one(guest, v):
    with Lldb(v, path) as lldb:
        look(lldb, guest, v)
        breakpoints(lldb, v)
        watchpoint(lldb, v)
        with scenario(f"LLDB {v} shows what monitor help says"):
            text = lldb("process plugin packet monitor help")
            check("monitor slots" in text or b"monitor slots".hex() in text, text)
        with scenario(f"LLDB {v} detaches, and the guest runs on without a trace"):
            before = lldb.python(f"process.ReadUnsignedFromMemory({elf['rounds']}, 8, lldb.SBError())")
            lldb("breakpoint set -n sum_to")
            lldb("process detach")
            runs_on(guest, before)
    with scenario(f"LLDB {v} quits without detaching, breakpoint and watchpoint set: the guest runs on without a trace"):
        with Lldb(v, path) as lldb:
            lldb(f"gdb-remote {guest.address}")
            lldb("breakpoint set -n sum_to")
            lldb("watchpoint set expression -w write -s 8 -- &shared")
            lldb("process continue")
            before = lldb.python(f"process.ReadUnsignedFromMemory({elf['rounds']}, 8, lldb.SBError())")
            lldb.close()
            equal(lldb.process.returncode, 0, "LLDB's exit status")
        runs_on(guest, before)


with Host(files=[f"{path}:/calls.elf"]) as host:
    with host.guest("--cpus 2", "--no-wait", "/calls.elf") as guest:
        for v in VERSIONS:
            one(guest, v)
        with scenario("the guest ends as it would have"):
            with Rsp(guest) as c:
                c("?")
                c.write(elf["end"], b"\1" + bytes(7))
                c("D;1")
            equal(guest.status(), 0, "exit status")
if 22 not in VERSIONS:
    skip("LLDB 22", "there is no LLDB 22 for this machine")
