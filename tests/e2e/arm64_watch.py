#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Watchpoints: every kind of access against ranges of many lengths and offsets. One stop for each access
# that touches the range in the watched way, none for a neighbour byte, the right address, and the
# right old and new value.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 6.1 neoverse-n1
# full: arm64 6.12 cortex-a72
# full: arm64 newest max
# full: arm64 newest cortex-a72
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

WRITE, READ, ACCESS = 2, 3, 4
NAME = {WRITE: "watch", READ: "rwatch", ACCESS: "awatch"}
image = images.bare("watch", "start.S", "bare.c", "watch.c")
elf = Elf(image)
target = elf["arena"] + 4096
count = struct.unpack("<Q", elf.bytes(elf["rows"], 8))[0]
rows = [struct.unpack("<QQqQQ", elf.bytes(elf["table"] + 40 * i, 40)) for i in range(count)]
rows = [(insn, target + offset, length, kind) for _, insn, offset, length, kind in rows]
# The exclusive loop reads and writes 8 bytes at +512; its stop comes after the whole sequence.
exclusive = (elf["exclusive_store"], target + 512, 8)


def overlaps(a, n, b, m):
    return a < b + m and b < a + n


def expected(kind, start, length):
    ways = {WRITE: 2, READ: 1, ACCESS: 3}[kind]
    return [insn for insn, at, n, k in rows if k & ways and overlaps(at, n, start, length)]


def pc(stop):
    return stop["registers"][32]


def one_round(c, kind, start, length):
    """The accesses that stopped the guest in one round, by the address of their instruction."""
    hits = []
    c(f"Z{kind},{start:x},{length:x}")
    while True:
        stop = c.resume()
        equal(stop.get("signal"), 5, "signal")
        if "hwbreak" in stop or "swbreak" in stop:
            break
        check(NAME[kind] in stop, f"a {NAME[kind]} of {length} bytes stopped as {stop}")
        at = int(stop[NAME[kind]], 16)
        check(start <= at < start + length, f"address {at:#x} is not in {start:#x}+{length}")
        hits.append((pc(stop), at))
        check(len(hits) < 100, f"more hits than accesses: {[hex(h) for h, _ in hits]}")
        # As GDB does: the access is made with the watchpoint removed.
        c(f"z{kind},{start:x},{length:x}")
        stop = c.resume("vCont;s:1")
        check("watch" not in " ".join(stop), f"the step ended as {stop}")
        c(f"Z{kind},{start:x},{length:x}")
    c(f"z{kind},{start:x},{length:x}")
    return hits


def to_turn(c):
    stop = c.resume()
    while "hwbreak" not in stop:
        stop = c.resume()


def ranges():
    for length in range(1, 65):
        yield target + length % 16, length
    for offset in range(16):
        yield target + offset, 1
        yield target + offset, 3
        yield target + offset, 8
    yield target - 4096, 4096
    yield target, 4096
    yield target + 1, 4096
    yield target - 8, 16
    yield target + 60, 40
    yield target + 250, 7
    yield target + 319, 1
    yield target + 320, 1
    yield target + 1071, 1
    yield target + 1072, 1
    yield target + 1080, 16
    yield target + 1088, 8


with debug_host(files=[f"{image}:/watch.elf"]) as host:
    guest = host.boot("/watch.elf")
    c = Rsp(guest)
    c(f"Z1,{elf['turn']:x},4")
    c.resume()
    if c.memory(elf["sve"], 1) != b"\0":
        rows.append((elf["insn_short_vector"], target + 1072, 16, 1))
    for kind in (WRITE, READ, ACCESS):
        with scenario(f"{NAME[kind]}: lengths 1 to 64 and 4096, offsets 0 to 15: one stop per access"):
            for start, length in ranges():
                if overlaps(start, length, exclusive[1], exclusive[2]):
                    continue
                hits = one_round(c, kind, start, length)
                wanted = expected(kind, start, length)
                equal([hex(p) for p, _ in hits], [hex(p) for p in wanted],
                      f"{NAME[kind]} {start - target:+d} length {length}")
    with scenario("old and new value of a store"):
        start = target + 8
        c(f"Z{WRITE},{start:x},8")
        before = c.memory(start, 8)
        stop = c.resume()
        equal(pc(stop), elf["insn_str64"], "stopped at")
        equal(c.memory(start, 8), before, "memory before the store")
        c(f"z{WRITE},{start:x},8")
        stored = stop["registers"][1]
        c.resume("vCont;s:1")
        equal(int.from_bytes(c.memory(start, 8), "little"), stored, "memory after the store")
        check(c.memory(start, 8) != before, "the value did not change")
    with scenario("a client that leaves the watchpoint in is not stopped twice by one access"):
        to_turn(c)
        c(f"Z{WRITE},{target + 7:x},1")
        wanted = [p for p in expected(WRITE, target + 7, 1)]
        hits = []
        while True:
            stop = c.resume()
            if "hwbreak" in stop:
                break
            hits.append(pc(stop))
        equal([hex(h) for h in hits], [hex(w) for w in wanted], "stops")
        c(f"z{WRITE},{target + 7:x},1")
    with scenario("a watched exclusive sequence stops once, after its store, and makes progress"):
        start = exclusive[1]
        to_turn(c)
        c(f"Z{WRITE},{start:x},8")
        before = int.from_bytes(c.memory(start, 8), "little")
        for n in range(1, 4):
            stop = c.resume()
            while "watch" not in stop:
                stop = c.resume()
            equal(int.from_bytes(c.memory(start, 8), "little"), before + n, "the word after the sequence")
            check(start <= int(stop["watch"], 16) < start + 8, f"address {stop['watch']}")
        c(f"z{WRITE},{start:x},8")
    with scenario("a device access is reported before the device sees it"):
        flags = 0x09000018
        c(f"Z{READ},{flags:x},4")
        stop = c.resume()
        while "rwatch" not in stop:
            stop = c.resume()
        equal(pc(stop), elf["device_read"], "stopped at")
        equal(int(stop["rwatch"], 16), flags, "address")
        c(f"z{READ},{flags:x},4")
        stop = c.resume("vCont;s:1")
        equal(pc(stop), elf["device_read"] + 4, "after the access")
        c(f"Z{WRITE},{0x09000028:x},4")
        stop = c.resume()
        equal(pc(stop), elf["device_write"], "stopped at")
        c(f"z{WRITE},{0x09000028:x},4")
    if KVM:
        with scenario("a range inside the in-kernel interrupt controller is refused"):
            try:
                c(f"Z{WRITE},{0x08000000:x},4")
                check(False, "it was accepted")
            except RspError as e:
                check("kernel" in str(e) or "interrupt controller" in str(e), f"the refusal says {e}")
    c("D;1")
    c.close()
