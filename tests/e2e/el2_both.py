#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Two debuggers at once: a program that steps, breaks and watches its child inside the guest counts the same
# without the monitor, beneath it idle, with a client that armed nothing, and while the client holds points.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Rsp, check, equal, scenario  # noqa: E402
from harness.el2 import CPU, TOP, Machine  # noqa: E402

LINE = rb"(steps=\d+ breaks=\d+ watches=\d+) done"


def counts(m):
    r = m.command("taskset 2 el2_selfdebug", LINE)
    check(r, f"the program did not end: {m.console.text[-200:]}")
    return r[1].decode()


def with_points(m, points, wanted):
    with Rsp(m) as rsp:
        rsp("?")
        for z in points:
            equal(rsp(f"Z{z}"), "OK", f"Z{z}")
        rsp.send("vCont;c")
        equal(counts(m), wanted, "counts in the guest")
        rsp.interrupt()
        equal(rsp.wait_stop().get("signal"), 2, "signal of the stop")
        rsp("D")


with tempfile.TemporaryDirectory() as folder:
    program = os.path.join(folder, "el2_selfdebug")
    subprocess.run(["aarch64-linux-gnu-gcc" if os.uname().machine != "aarch64" else "gcc", "-O1", "-static", "-o",
                    program, os.path.join(TOP, "tests/guests/el2_selfdebug.c")], check=True)
    for cpu in sys.argv[1:] or [CPU]:
        with Machine(cpu, 2, monitor=False, programs=[program]) as m:
            m.userspace()
            bare = counts(m)
            print(f"  {cpu} without the monitor: {bare}", flush=True)
        with Machine(cpu, 2, programs=[program]) as m:
            m.userspace()
            with scenario(f"{cpu}: the guest's own debugging counts the same beneath the idle monitor"):
                equal(counts(m), bare, "counts")
            with scenario(f"{cpu}: ... with a client that armed nothing"):
                with_points(m, (), bare)
            with scenario(f"{cpu}: ... while the client holds a hardware breakpoint and a watchpoint"):
                with_points(m, ("1,ffff800080000000,4", "2,ffff800080000040,8"), bare)
            with scenario(f"{cpu}: ... while the client leaves no watchpoint and one breakpoint free"):
                with_points(m, [f"1,{0xffff800080000000 + 16 * i:x},4" for i in range(5)] +
                            [f"2,{0xffff800080000040 + 16 * i:x},8" for i in range(3)], bare)
            with scenario(f"{cpu}: ... and after it left"):
                equal(counts(m), bare, "counts")
                check(m.alive("both"), "userspace does not answer")
