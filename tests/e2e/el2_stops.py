#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The EL2 monitor stops and lets go: ^C under load on 4 CPUs, CPUs that the guest turns off and on, noise on the
# debug line, clients that vanish and come back.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1800

import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Elf, Rsp, check, debug_host, equal, images, scenario  # noqa: E402
from harness.el2 import CPU, Machine  # noqa: E402

STOPS = int(os.environ.get("EL2_STOPS", "200"))
# Six loops, one more through the kernel, and one that says that time passes, so slowly that a console which
# nobody reads for a while does not fill: the emulator would stand still.
BUSY = ("for i in 1 2 3 4 5 6; do (while :; do :; done) & done; (while :; do cat /proc/interrupts >/dev/null; done) & "
        "(while :; do echo tick; usleep 20000; done) &")


def threads(rsp):
    text, reply = "", rsp("qfThreadInfo")
    while reply.startswith("m"):
        text += reply[1:] + ","
        reply = rsp("qsThreadInfo")
    return len([t for t in text.split(",") if t])


def attach(m):
    """A client whose guest is stopped."""
    rsp = Rsp(m)
    rsp("?")
    return rsp


def stop_often(m, rsp, n):
    """n times: ^C, a look at every CPU's PC, on again. The seconds from ^C to the stop reply."""
    took, pcs = [], set()
    for _ in range(n):
        start = len(m.console.text)
        rsp.send("vCont;c")
        check(m.console.wait(b"tick", start=start), "the guest does not run")
        begin = time.monotonic()
        rsp.interrupt()
        stop = rsp.wait_stop()
        took.append(time.monotonic() - begin)
        check(stop["kind"] == "T" and stop["signal"] == 2, f"stop reply {stop}")
        for cpu in range(4):
            rsp(f"Hgp1.{cpu + 1:x}")
            pcs.add(rsp.register(32))
    return took, pcs


with Machine(CPU, 4) as m:
    equal(m.userspace(), 4, "CPUs")
    with scenario("noise on the debug line before any client does no harm"):
        line = m.debug.open()
        noise = random.Random(7)
        for _ in range(20):
            line.send(bytes(noise.choice(b"\x00\x03+-$#}*\xffq") for _ in range(500)))
        check(m.alive("noisy"), "userspace does not answer")
        line.close()
    with scenario("a script that begins with ? is a client, as often as it comes back"):
        for _ in range(2):
            line = m.debug.open()
            start = len(line.text)
            line.send(b"$?#3f")
            check(line.wait(rb"\$T[0-9a-f]{2}[^#]*#", start=start), "no stop reply")
            line.send(b"+$D#44")
            check(line.wait(rb"\$OK#9a", start=start), "no answer to D")
            line.send(b"+")
            line.close()
            check(m.alive("left-alone"), "userspace does not answer")
    with scenario(f"{STOPS} stops by ^C under load on 4 CPUs; every CPU stopped each time"):
        check(m.command(BUSY, b"tick"), "no load")
        with attach(m) as rsp:
            equal(threads(rsp), 4, "threads")
            took, pcs = stop_often(m, rsp, STOPS)
            took.sort()
            print(f"  {STOPS} stops: median {took[len(took) // 2] * 1e3:.2f} ms, 99 % within "
                  f"{took[len(took) * 99 // 100] * 1e3:.2f} ms, worst {took[-1] * 1e3:.2f} ms; {len(pcs)} PCs", flush=True)
            check(len(pcs) > 20, f"the CPUs did not run between the stops: {len(pcs)} PCs")
            rsp("D")
        check(m.command("kill -9 -1; echo ended | tr a-z A-Z", b"ENDED"), "userspace does not answer")
    with scenario("noise between a client's packets; the client goes on"):
        with attach(m) as rsp:
            pc = rsp.register(32)
            rsp.s.sendall(b"\xff\x00++--zz##}}" * 30)
            rsp.data = b""
            equal(rsp.register(32), pc, "PC of the stopped CPU")
            rsp("D")
        check(m.alive("still-there"), "userspace does not answer")
    with scenario("a client that vanishes with breakpoints set leaves none once the next one greets"):
        with attach(m) as rsp:
            pc = rsp.register(32)
            equal(rsp(f"Z1,{pc:x},4"), "OK", "Z1")
            equal(rsp(f"Z2,{rsp.register(33 - 2) & ~7:x},8"), "OK", "Z2")
            rsp.send("vCont;c")
        with attach(m) as rsp:
            check("breakpoints: 6, 0 used" in rsp.monitor("slots"), rsp.monitor("slots"))
            rsp("D")
        check(m.alive("come-back"), "userspace does not answer")
    with scenario("CPUs that the guest turned off are shown as off, and come back under the debugger"):
        check(m.command("echo 0 >/sys/devices/system/cpu/cpu2/online; cat /sys/devices/system/cpu/online | tr '\\n' .",
                        rb"0-1,3\."), "CPU 2 does not go offline")
        with attach(m) as rsp:
            check("off" in rsp("qXfer:threads:read::0,fff").split('name="vCPU 2"')[1].split("</thread>")[0] or
                  "off" in rsp(f"qThreadExtraInfo,p1.3"), "CPU 2 is not shown as off")
            rsp("D")
        check(m.command("echo 1 >/sys/devices/system/cpu/cpu2/online; cat /sys/devices/system/cpu/online | tr '\\n' .",
                        rb"0-3\."), "CPU 2 does not come online")
    with scenario("CPU 0 turned off: the session moves to another CPU"):
        check(m.command("echo 0 >/sys/devices/system/cpu/cpu0/online; cat /sys/devices/system/cpu/online | tr '\\n' .",
                        rb"1-3\."), "CPU 0 does not go offline")
        with attach(m) as rsp:
            equal(threads(rsp), 4, "threads")
            rsp("D")
        check(m.command("echo 1 >/sys/devices/system/cpu/cpu0/online; cat /sys/devices/system/cpu/online | tr '\\n' .",
                        rb"0-3\."), "CPU 0 does not come online")
    with scenario("the guest powers off while a client waits: it is told"):
        with attach(m) as rsp:
            rsp.send("vCont;c")
            m.console.send(b"poweroff -f\n")
            equal(rsp.wait_stop()["kind"], "W", "stop reply")
        equal(m.qemu.wait(60), 0, "status")

path = images.bare("masked", "start.S", "bare.c", "masked.c")
elf = Elf(path)
with debug_host(files=[f"{path}:/masked.elf"]) as host:
    guest = host.boot("/masked.elf", cpus=4)
    with scenario("100 stops of CPUs that sleep in WFI with all interrupts masked; a step wakes one"), Rsp(guest) as c:
        c("?")
        c(f"Z2,{elf['sleepers']:x},8")
        counted = set()  # CPU 0 clears .bss, the others count themselves
        while not counted >= {1, 2, 3}:
            counted.add(c.resume()["vcpu"])
        c(f"z2,{elf['sleepers']:x},8")
        for n in range(100):
            c.send("vCont;c")
            c.interrupt()
            equal(c.wait_stop()["signal"], 2, "signal")
            check("does not answer" not in c("qXfer:threads:read::0,fff"), f"stop {n}: a CPU did not answer")
            for cpu in range(1, 4):
                c(f"Hgp1.{cpu + 1:x}")
                at = c.register(32)
                check(elf["secondary_main"] <= at < elf["secondary_main"] + 64, f"CPU {cpu} stands at {at:#x}")
        for cpu in range(1, 4):
            for _ in range(4):
                stop = c.resume(f"vCont;s:{cpu + 1:x}")
                equal((stop["signal"], stop["vcpu"]), (5, cpu), "the step's stop")
        equal(int.from_bytes(c.memory(elf["sleepers"], 8), "little"), 3, "CPUs that sleep")
        c("D;1")
