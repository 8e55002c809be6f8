#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What the guest cannot reach: the monitor's memory, its UART, its interrupts.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Rsp, check, equal, scenario  # noqa: E402
from harness.el2 import CPU, Machine  # noqa: E402

REACH = (("the first page of the monitor", 0x40200000), ("the last page of the monitor", 0x403ff000),
         ("the debug UART", 0x09040000))


def devmem(m, at, value=""):
    """What devmem printed, or that it died of it."""
    r = m.command(f"devmem {at:#x} 32 {value} 2>&1; echo status=$?", rb"([^\n]*\n)?status=(\d+)\r?\n")
    return (int(r[2]), (r[1] or b"").strip().decode()) if r else (None, "no answer")


for cpu in [CPU]:
    with Machine(cpu, 2, append="iomem=relaxed") as m:
        equal(m.userspace(), 2, "CPUs")
        for name, at in REACH:
            with scenario(f"{cpu}: {name} cannot be read or written by the guest"):
                equal(devmem(m, at)[0], 135, "status of the reader (SIGBUS)")
                equal(devmem(m, at, "0x12345678")[0], 135, "status of the writer (SIGBUS)")
        with scenario(f"{cpu}: the memory that is handed on leaves the monitor out"):
            check(m.command("ls /proc/device-tree/reserved-memory", rb"debug-monitor"), "not reserved")
            equal(devmem(m, 0x09000018)[0], 0, "status of a reader of the guest's own UART")
        with scenario(f"{cpu}: what the guest writes to the interrupt controller does not silence the debug line"):
            # GICD_ICENABLER1, ICACTIVER1, IPRIORITYR10, CTLR, IROUTER40; GICR_ICENABLER0
            for at, value in ((0x08000184, "0xffffff00"), (0x08000384, "0xffffff00"), (0x08000428, "0xff"),
                              (0x08006140, "0x1"), (0x080b0180, "0x0000f000")):
                equal(devmem(m, at, value)[0], 0, f"status of the write to {at:#x}")
            with Rsp(m) as rsp:
                equal(rsp("?")[:1], "T", "reply to ?")
                rsp.send("vCont;c")
                rsp.interrupt()
                equal(rsp.wait_stop()["signal"], 2, "signal of the stop")
                rsp("D")
            check(m.alive("unharmed"), "userspace does not answer")
