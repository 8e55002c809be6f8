#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Watchpoints on POWER: accesses of every kind, from the kernel and from its program, against ranges of one
# to eight bytes. One stop for each access that touches the range in the watched way, none for a neighbour
# byte of the same doubleword, the right address, and the old value before and the new value after it.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.1 power10
# timeout: 900

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import *

WRITE, READ, ACCESS = 2, 3, 4
NAME = {WRITE: "watch", READ: "rwatch", ACCESS: "awatch"}
e = bare("watch", "watch.S")
# Instruction, first byte, length, 1 reads or 2 writes, in the order of a round.
KERNEL = [("k_stb", 0, 1, 2), ("k_stb7", 7, 1, 2), ("k_sth", 2, 2, 2), ("k_stw", 4, 4, 2), ("k_std", 8, 8, 2),
          ("k_std_odd", 5, 8, 2), ("k_stdu", 24, 8, 2), ("k_stwx", 2, 4, 2), ("k_stdbrx", 0, 8, 2), ("k_lbz", 3, 1, 1),
          ("k_lha", 6, 2, 1), ("k_lwz", 4, 4, 1), ("k_ld", 0, 8, 1), ("k_ld_next", 8, 8, 1), ("k_lhzx", 3, 2, 1),
          ("k_stvx", 32, 16, 2), ("k_dcbz", 256, 128, 2), ("k_larx", 64, 8, 1), ("k_stcx", 64, 8, 2)]
USER = [("u_stb", 1, 1, 2), ("u_std", 0, 8, 2), ("u_lwz", 4, 4, 1)]
TURN = HIGH | e["turn"]


def overlaps(a, n, b, m):
    return a < b + m and b < a + n


def expected(kind, offset, length, user):
    """Where a round stops. What stcx. stores is told behind its sequence, which is run as one; that is so too when
    larx has stopped and is stepped without the watchpoint."""
    ways = {WRITE: 2, READ: 1, ACCESS: 3}[kind]
    names = [n for n, at, size, way in (USER if user else KERNEL) if way & ways and overlaps(at, size, offset, length)]
    if "k_larx" in names and "k_stcx" in names:
        names.remove("k_stcx")
    return ["k_over" if n == "k_stcx" else n for n in names]


def one_round(c, kind, offset, length, user=False):
    """The names of the instructions that stopped the guest in one round, as GDB would take them."""
    start = (0 if user else HIGH) + e["page_rw"] + offset
    packet = f"{kind},{start:x},{length:x}"
    places = {(0 if user else HIGH) | e[n]: n for n in [x[0] for x in (USER if user else KERNEL)] + ["k_over"]}
    hits = []
    c(f"Z{packet}")
    while True:
        stop = c.resume()
        pc = stop["registers"][PC]
        if pc == TURN:
            break
        check(NAME[kind] in stop, f"a {NAME[kind]} of {length} bytes at {offset} stopped as {stop}")
        at = int(stop[NAME[kind]], 16)
        check(start <= at < start + length, f"address {at:#x} is not in {start:#x}+{length}")
        check(pc in places, f"stopped at {pc:#x}")
        hits.append(places[pc])
        check(len(hits) < 30, f"more hits than accesses: {hits}")
        if hits[-1] == "k_over":
            continue
        c(f"z{packet}")
        before, value = c.memory(start & ~7, 8), stop["registers"][21]
        stop = c.resume("vCont;s:1")
        check("watch" not in " ".join(stop), f"the step ended as {stop}")
        after = c.memory(start & ~7, 8)
        if kind == WRITE and hits[-1] in ("k_std", "u_std"):
            check(before != after, "the store was already made at its stop")
            equal(after, value.to_bytes(8, "little"), f"what {hits[-1]} stored")
        c(f"Z{packet}")
    c(f"z{packet}")
    return hits


with Host(files=[f"{e.path}:/watch.elf"]) as host:
    guest = host.guest("--memory 64M", "/watch.elf")
    c = Rsp(guest)
    run_to(c, TURN)
    c(f"Z1,{TURN:x},4")
    c.resume()
    for kind in (WRITE, READ, ACCESS):
        with scenario(f"{NAME[kind]} of 1 to 8 bytes at each place of a doubleword: one stop for each access"):
            for length in range(1, 9):
                for offset in range(9 - length):
                    equal(one_round(c, kind, offset, length), expected(kind, offset, length, False),
                          f"stops of {NAME[kind]} {length} bytes at {offset}")
        with scenario(f"{NAME[kind]}: a pair of registers, a vector, a cleared line, a reservation and its store"):
            for offset, length in ((8, 8), (24, 8), (32, 8), (40, 4), (256, 8), (300, 4), (64, 8), (68, 2)):
                equal(one_round(c, kind, offset, length), expected(kind, offset, length, False),
                      f"stops of {NAME[kind]} {length} bytes at {offset}")
        with scenario(f"{NAME[kind]} of the program's own address: its accesses, none of the kernel's"):
            for offset, length in ((0, 8), (1, 1), (0, 1), (4, 4), (6, 2)):
                equal(one_round(c, kind, offset, length, True), expected(kind, offset, length, True),
                      f"stops of {NAME[kind]} {length} bytes at {offset}")
    with scenario("two watchpoints of two kinds at once, and a third refused by a sentence"):
        first, second = HIGH + e["page_rw"] + 7, HIGH + e["page_rw"] + 12
        c(f"Z2,{first:x},1")
        c(f"Z3,{second:x},4")
        try:
            c(f"Z2,{HIGH + e['page_rw'] + 64:x},8")
            refused = ""
        except RspError as error:
            refused = str(error)
        check(len(refused.split()) > 3, f"the third: {refused!r}")
        seen = []
        while True:
            stop = c.resume()
            if stop["registers"][PC] == TURN:
                break
            seen.append(next(k for k in ("watch", "rwatch") if k in stop))
        wanted = [{WRITE: "watch", READ: "rwatch"}[k] for k in
                  [WRITE if way == 2 else READ for _, at, n, way in KERNEL
                   if (way == 2 and overlaps(at, n, 7, 1)) or (way == 1 and overlaps(at, n, 12, 4))]]
        equal(seen, wanted, "stops of one round")
        c(f"z2,{first:x},1")
        c(f"z3,{second:x},4")
    with scenario("with the watchpoints gone the guest runs, and its words at the vectors are its own"):
        equal(c.memory(HIGH | 0x300, 4) + c.memory(HIGH | 0x4300, 4), e.bytes(0x300, 4) + e.bytes(0x4300, 4), "vectors")
        c.resume()
        equal(c.memory(TURN, 4), e.bytes(e["turn"], 4), "the word under the breakpoint")
    c("D;1")
    c.close()
    guest.stop()
