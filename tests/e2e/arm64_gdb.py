#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# GDB as a user has it, on C compiled without optimisation: breakpoints, next, finish and until,
# threads, watchpoints, registers, memory, and the ends of a session.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 newest max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 900

import contextlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

path = images.bare("calls", "start.S", "bare.c", "calls.c", flags=["-O0"])
line = images.tags("bare/arm64/calls.c")
elf = Elf(path)
COMPLAINT = re.compile(r"warning|error|unrecognized|unsupported|not supported|cannot|truncated|ignoring", re.I)


@contextlib.contextmanager
def case(gdb, name):
    """A scenario whose breakpoints end with it, whatever comes of it."""
    with scenario(name):
        try:
            yield
        finally:
            gdb("delete")


def where(gdb):
    """Function and line of the selected frame."""
    return gdb.python("f = gdb.selected_frame(); result = [f.name(), f.find_sal().line]")


def run(gdb, command="continue"):
    """What GDB prints for a command that resumes the guest."""
    text = gdb(command)
    return text + gdb.printed


def reply(gdb, packet):
    """The reply to a packet that GDB is asked to send."""
    return re.search(r'received: "(.*)"', gdb(f"maintenance packet {packet}")).group(1)


def accepted(guest):
    with scenario("GDB connects and accepts the target description without a complaint"):
        with Gdb(path) as gdb:
            text = ""
            for command in (f"target remote {guest.address}", "info threads", "info registers"):
                text += run(gdb, command)
            bad = [s for s in text.splitlines() if COMPLAINT.search(s)]
            check(not bad, f"GDB says {bad}")
            check("vCPU 0" in text and "vCPU 1" in text, f"info threads: {text}")
            features = gdb("maintenance print xml-tdesc")
            for name in ("org.gnu.gdb.aarch64.core", "org.gnu.gdb.aarch64.fpu"):
                check(name in features or "sve" in features, f"{name} is not in {features}")
            gdb("detach")


def breakpoints(gdb):
    with case(gdb, "break prints its hit, counts it, and stops where C begins"):
        gdb("break sum_to")
        text = run(gdb)
        check(re.search(r'Thread 1 "vCPU 0" hit Breakpoint 1, sum_to \(n=10\)', text), text)
        gdb("continue")
        check("breakpoint already hit 2 times" in gdb("info breakpoints"), "the count of hits")
    with case(gdb, "hbreak prints its hit; tbreak is gone after one"):
        gdb("hbreak visit")
        text = run(gdb)
        check(re.search(r"Breakpoint 2, visit \(s=0x", text), text)
        gdb("delete")
        gdb("tbreak store")
        text = run(gdb)
        check("Temporary breakpoint 3, store" in text, text)
        check("No breakpoints" in gdb("info breakpoints"), "it is still there")
    with case(gdb, "a condition and an ignore count choose the hit"):
        gdb("break sum_to if rounds % 5 == 3")
        gdb("continue")
        equal(gdb.value("rounds") % 5, 3, "rounds modulo 5")
        gdb("delete")
        gdb("break load")
        before = gdb.value("rounds")
        gdb("ignore $bpnum 3")
        gdb("continue")
        equal(where(gdb)[0], "load", "function")
        equal(gdb.value("rounds") - before, 3, "rounds until the fourth load")
    with case(gdb, "bt names all frames of a recursion and ends"):
        gdb(f"break calls.c:{line['bottom']}")
        gdb("continue")
        equal(re.findall(r"#\d+ +(?:0x\w+ in )?(\w+) \((.*?)\)", gdb("bt")),
              [("factorial", f"n={n}") for n in range(1, 6)] + [("round_trip", ""), ("main", "")],
              "backtrace")


def stepping(gdb):
    with case(gdb, "finish shows what the function returned, through every level of a recursion"):
        for n in range(1, 5):
            text = run(gdb, "finish")
            product = {1: 1, 2: 2, 3: 6, 4: 24}[n]
            check(f"= {product}" in text, f"finish from factorial({n}): {text}")
            equal(where(gdb)[0], "factorial", "function")
        gdb("finish")
        equal(where(gdb), ["round_trip", line["first"]], "where the last finish ended")
    with case(gdb, "next steps over calls, step goes in"):
        gdb("next")
        equal(where(gdb), ["round_trip", line["second"]], "after next")
        gdb("step")
        equal(where(gdb)[0], "sum_to", "after step")
    with case(gdb, "next walks a loop line by line, until leaves it"):
        gdb("next")
        seen = []
        for _ in range(6):
            gdb("next")
            seen.append(where(gdb)[1])
        equal(seen, [line["body"], line["body"] - 1] * 3, "lines of next in the loop")
        equal(gdb.value("sum"), 6, "sum after three rounds")
        gdb("next")
        gdb("until")
        gdb("until")
        equal(where(gdb), ["sum_to", line["after"]], "after until")
        equal(gdb.value("sum"), 55, "sum")
    with case(gdb, "until LOCATION and advance run to a line"):
        gdb("finish")
        gdb(f"advance {line['third']}")
        equal(where(gdb), ["round_trip", line["third"]], "after advance")
        gdb("step")
        gdb("until")
        check(where(gdb)[0] == "visit", f"{where(gdb)}")
        gdb("finish")
    with case(gdb, "stepi goes one instruction; next of an instruction over a call"):
        for _ in range(8):
            at = gdb.value("$pc")
            gdb("stepi")
            check(gdb.value("$pc") != at, "stepi did not move")
        gdb(f"tbreak {line['first']}")
        gdb("continue")
        while "bl\t" not in gdb("x/i $pc"):
            gdb("nexti")
        at = gdb.value("$pc")
        gdb("nexti")
        equal(gdb.value("$pc"), at + 4, "pc after nexti over a call")
    with case(gdb, "jump goes on elsewhere"):
        gdb("break load")
        gdb("break store")
        gdb("continue")
        equal(where(gdb)[0], "store", "function")
        before = gdb.value("shared")
        gdb(f"tbreak calls.c:{line['store'] + 1}")
        gdb(f"jump calls.c:{line['store'] + 1}")
        equal(gdb.value("shared"), before, "shared, whose store was jumped over")
        gdb("continue")
        equal(where(gdb)[0], "load", "function")


def runs_beside(gdb):
    """Does the other vCPU get ahead at continue? It may not be given a CPU before a stop that comes soon."""
    before = gdb.value("other_count")
    gdb("break visit")
    for _ in range(100):
        gdb("continue")
        if gdb.value("other_count") > before:
            return True
    return False


def threads(gdb):
    def moves(command):
        before = gdb.value("other_count")
        for _ in range(20):
            gdb(command)
        return gdb.value("other_count") - before

    with case(gdb, "info threads names both vCPUs and what they do"):
        text = gdb("info threads")
        check(re.search(r"\*? *1 +Thread 1\.1 .*vCPU 0", text) and re.search(r"2 +Thread 1\.2 .*vCPU 1", text), text)
        gdb("thread 2")
        equal(where(gdb)[0], "secondary_main", "function of vCPU 1")
        gdb("thread 1")
    with case(gdb, "scheduler-locking on and step hold the other vCPU, off lets it run"):
        gdb("set scheduler-locking on")
        equal(moves("stepi"), 0, "counts of the other vCPU with on")
        gdb("tbreak visit")
        before = gdb.value("other_count")
        gdb("continue")
        equal(gdb.value("other_count"), before, "other_count with on, after continue")
        gdb("set scheduler-locking step")
        equal(moves("stepi"), 0, "counts of the other vCPU with step")
        check(runs_beside(gdb), "the other vCPU stood still at continue with step")
        gdb("set scheduler-locking off")
        check(runs_beside(gdb), "the other vCPU stood still with off")
    with case(gdb, "a breakpoint for one thread stops that one"):
        gdb(f"break {line['other']} thread 2")
        stop = gdb.go()
        equal(stop["thread"], 2, "thread")
        gdb("delete")
        gdb("thread 1")


def watchpoints(gdb):
    with case(gdb, "watch prints the old and the new value"):
        gdb("watch shared")
        old = gdb.value("shared")
        text = run(gdb)
        check(re.search(r"Hardware watchpoint \d+: shared", text), text)
        m = re.search(r"Old value = (\d+)\s+New value = (\d+)", text)
        check(m, text)
        equal(int(m.group(1)), old, "old value")
        equal(int(m.group(2)), gdb.value("rounds") + 100, "new value")
        equal(where(gdb)[0], "store", "function")
    with case(gdb, "rwatch stops at the read, with its value; awatch at both"):
        gdb("rwatch shared")
        text = run(gdb)
        m = re.search(r"Hardware read watchpoint \d+: shared\s+Value = (\d+)", text)
        check(m, text)
        equal(int(m.group(1)), gdb.value("shared"), "value")
        equal(where(gdb)[0], "load", "function")
        gdb("delete")
        gdb("awatch shared")
        text = run(gdb)
        check(re.search(r"Hardware access \(read/write\) watchpoint \d+: shared", text), text)
        check("Old value" in text and "New value" in text and where(gdb)[0] == "store", text)
        text = run(gdb)
        check(re.search(r"Value = \d+", text) and where(gdb)[0] == "load", text)
    with case(gdb, "watch of a structure's member and of a local variable"):
        gdb("watch triangle.corner[1].x")
        old = gdb.value("triangle.corner[1].x")
        text = run(gdb)
        check(f"Old value = {old}" in text and f"New value = {old + 1}" in text, text)
        gdb("delete")
        gdb("tbreak sum_to")
        gdb("continue")
        gdb("next")
        gdb("watch sum")
        gdb("continue")
        gdb("continue")
        equal(gdb.value("sum"), 3, "sum")


def registers(gdb):
    with case(gdb, "every register that GDB shows is what p tells"):
        # name, number, relative, offset, size, type, number on the wire, offset in g
        rows = re.findall(r"^ (\w+) +\d+ +\d+ +\d+ +(\d+) (\S+) +(\d+) +\d+ *$",
                          gdb("maintenance print remote-registers"), re.M)
        check(len(rows) > 60, f"only {len(rows)} registers")
        for name, size, kind, number in rows:
            want = bytes.fromhex(reply(gdb, f"p{int(number):x}"))
            equal(len(want), int(size), f"bytes of {name}")
            if int(size) > 8:  # a vector: its view as bytes
                view = f"${name}" if kind == "vecp" else f"${name}.b.u"
                got = gdb.python(f"v = gdb.parse_and_eval('{view}'); a, b = v.type.range(); "
                                 "result = bytes(int(v[i]) & 255 for i in range(a, b + 1)).hex()")
                equal(got, want.hex(), name)
            else:
                equal(int(gdb(f"output/x ${name}"), 16), int.from_bytes(want, "little"), name)
    with case(gdb, "print $sp, $v0, info registers"):
        equal(gdb.value("$sp"), int.from_bytes(bytes.fromhex(reply(gdb, "p1f")), "little"), "sp")
        gdb("print $v0")
        equal(gdb.value("$v0.d.u[0]") & 0xff, gdb.value("$v0.b.u[0]"), "lowest byte of v0, as d and as b")
        text = gdb("info registers")
        for name in ("x0", "x30", "sp", "pc", "cpsr"):
            check(re.search(rf"^{name} ", text, re.M), f"{name} is not in info registers")
        check("fpcr" in gdb("info all-registers"), "info all-registers")
    with case(gdb, "registers written by GDB are in the vCPU"):
        for name, number in (("x5", 5), ("x28", 28)):
            old = gdb.value(f"${name}")
            gdb(f"set var ${name} = 0x8123456789abcdef")
            equal(reply(gdb, f"p{number:x}"), 0x8123456789abcdef.to_bytes(8, "little").hex(), name)
            gdb(f"set var ${name} = {old}")
        gdb("set var $v7.d.u[1] = 0x1122334455667788")
        equal(gdb.value("$v7.d.u[1]"), 0x1122334455667788, "v7")
        gdb("maintenance flush register-cache")
        equal(gdb.value("$v7.d.u[1]"), 0x1122334455667788, "v7 read again")


def memory(gdb, folder):
    blob = bytes((i * 31 + (i >> 8) * 7) & 0xff for i in range(262144))
    with case(gdb, "256 KiB of memory by dump memory; x/64gx"):
        out = os.path.join(folder, "dump")
        gdb(f"dump memory {out} &blob[0] &blob[262144]")
        with open(out, "rb") as f:
            check(f.read() == blob, "dumped bytes differ")
        words = re.findall(r"0x([0-9a-f]{16})", gdb("x/64gx &blob[512]"))
        words = [int(w, 16).to_bytes(8, "little") for w in words]
        equal(b"".join(words).hex(), blob[512:1024].hex(), "x/64gx")
    with case(gdb, "compare-sections finds the code as the file has it"):
        text = gdb("compare-sections .text")
        check("matched" in text and "MIS" not in text, text)
        text = gdb("compare-sections .rodata")
        check("matched" in text and "MIS" not in text, text)
    with case(gdb, "find finds, and counts what it found"):
        gdb("set var blob[200000] = 0xde")
        gdb("set var blob[200001] = 0xad")
        gdb("set var blob[200002] = 0xbe")
        gdb("set var blob[200003] = 0xef")
        text = gdb("find &blob[0], +sizeof(blob), (char)0xde, (char)0xad, (char)0xbe, (char)0xef")
        check("1 pattern found" in text and f"{elf['blob'] + 200000:#x}" in text, text)
        text = gdb("find &blob[0], +4096, (char)0xde, (char)0xad, (char)0xbe, (char)0xef")
        check("not found" in text, text)
    with case(gdb, "set var writes memory, restore 64 KiB"):
        gdb("set var triangle.corner[2].y = 12345")
        equal(gdb.value("triangle.corner[2].y"), 12345, "read back")
        data = os.urandom(65536)
        name = os.path.join(folder, "restore")
        with open(name, "wb") as f:
            f.write(data)
        gdb(f"restore {name} binary &blob[0]")
        got = gdb.python(f"result = gdb.selected_inferior().read_memory({elf['blob']}, 65536).tobytes().hex()")
        check(got == data.hex(), "restored bytes differ")
    with case(gdb, "memory that is not there: a sentence, and why says more"):
        try:
            text = gdb("x/gx 0x8000000000")
            check(False, f"it was read: {text}")
        except GdbError as e:
            check("Cannot access memory" in str(e), str(e))
        reply(gdb, "m8000000000,8")  # GDB itself has asked for other things since
        text = gdb("monitor why")
        check("no stage-1 translation for 0x8000000000" in text, text)


def refused(gdb):
    with case(gdb, "one hbreak too many: GDB says so, monitor why says which register ran out"):
        n = int(re.search(r"hardware breakpoints: (\d+)", gdb("monitor slots")).group(1))
        for i in range(n + 1):
            gdb(f"hbreak *{elf['round_trip'] + 4 * i:#x}")
        try:
            gdb.python("gdb.execute('continue')")
            check(False, "it was accepted")
        except GdbError:
            check("too many hardware breakpoints" in gdb.printed, f"GDB says {gdb.printed!r}")
        check(f"{n} used" in gdb("monitor slots"), gdb("monitor slots"))
        text = gdb("monitor why")
        check("breakpoint" in text and str(n) in text, f"monitor why says {text!r}")
        gdb("delete")
        stop = gdb.go("stepi")
        check(stop["pc"], "no step afterwards")


def ends(gdb, guest):
    with case(gdb, "^C stops a running guest, with its signal"):
        before = gdb.value("rounds")
        gdb.start("continue")
        gdb.interrupt()
        stop = gdb.stopped()
        equal(stop["signal"], "SIGINT", "signal")
        gdb.start("continue")
        gdb.interrupt()
        gdb.collect()
        check(gdb.value("rounds") >= before, "rounds went back")
    with case(gdb, "one ^C is enough where a breakpoint whose condition is false is hit all the time"):
        gdb(f"break calls.c:{line['other']} if other_count == -1")
        for _ in range(12):
            gdb.start("continue")
            gdb.interrupt()
            equal(gdb.stopped()["signal"], "SIGINT", "signal")
    with case(gdb, "detach, and connect again from the same GDB"):
        gdb("break sum_to")
        gdb("continue")
        text = run(gdb, "detach")
        check("detached" in text.lower(), text)
        gdb.connect(guest)
        gdb("continue")
        equal(where(gdb)[0], "sum_to", "function, by the breakpoint that GDB kept")
        gdb("delete")
        gdb("disconnect")
        gdb.connect(guest)
        gdb("tbreak load")
        gdb("continue")
        equal(where(gdb)[0], "load", "function")
    with case(gdb, "kill leaves the guest alive"):
        gdb("kill")
        gdb.connect(guest)
        gdb("tbreak load")
        gdb("continue")
        equal(where(gdb)[0], "load", "function")
    with case(gdb, "the guest's power-off is told, and the command ends with status 0"):
        gdb("set var end = 1")
        text = run(gdb)
        check("exited normally" in text, text)
        equal(guest.status(), 0, "exit status")


with debug_host(files=[f"{path}:/calls.elf"]) as host:
    with host.boot("/calls.elf", cpus=2, wait=False) as guest:
        accepted(guest)
        with Gdb(path) as gdb:
            gdb.connect(guest)
            breakpoints(gdb)
            stepping(gdb)
            threads(gdb)
            watchpoints(gdb)
            registers(gdb)
            memory(gdb, host.share)
            refused(gdb)
            ends(gdb, guest)
