#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What the guest cannot reach: the monitor's memory, its UART, its interrupts. And what of its own machine it
# finds as it is without the monitor, while it is debugged too.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Elf, Rsp, check, equal, images, scenario  # noqa: E402
from harness.el2 import CPU, Machine, packed  # noqa: E402

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


own = Elf(images.bare("own", "start.S", "bare.c", "own.c"))
with tempfile.TemporaryDirectory() as folder:
    image = os.path.join(folder, "image")
    at = packed(own, image)
    with Machine(CPU, 1, kernel_image=image, kernel_at=at, ramdisk=False) as m:
        check(m.console.wait(rb"locked 0x"), f"the console says {m.console.text!r}")
        with Rsp(m) as rsp:
            value = lambda name: int.from_bytes(rsp.memory(own[name], 8), "little")  # noqa: E731
            rsp("?")
            for name in ("walk", "done"):
                equal(rsp(f"Z1,{own[name]:x},4"), "OK", f"Z1 on {name}")
            rsp.write(own["go"], b"\1")
            lock = value("has_lock")
            with scenario(f"{CPU}: the guest's OS double lock, of which it has {lock}, masks its breakpoint and not ours"):
                equal(rsp.resume()["registers"][32], own["walk"], "stopped at")
                equal(value("locked"), lock, "OSDLR_EL1")
                equal(value("breaks_locked"), 1 - lock, "breakpoints while it was locked")
                equal(value("breaks"), 2 - lock, "breakpoints in all")
            with scenario(f"{CPU}: a step ends at the guest's vector where the guest's own is due, and executes nothing there"):
                equal(rsp.resume("vCont;s:1")["registers"][32], own["walk"] + 4, "the instruction that both step")
                equal(rsp.resume("vCont;s:1")["registers"][32], own["vectors"] + 0x200, "the next step ends at")
                equal(rsp.resume()["registers"][32], own["done"], "stopped at")
                equal(value("steps"), 1, "steps of the guest's own")
            with scenario(f"{CPU}: the guest's own step counts from a return to the instruction behind it"):
                equal(rsp.resume()["registers"][32], own["done"], "stopped at")
                equal(value("steps"), 2, "steps of the guest's own")
                equal(value("step_to"), own["next"] + 4, "its exception came before")
            with scenario(f"{CPU}: exclusives succeed while the guest's own step, or its breakpoint on the load, is masked"):
                for name in ("tries_stepped", "tries_passed"):
                    check(value(name) < 10, f"{name}: {value(name)}")
            with scenario(f"{CPU}: the value of a context breakpoint keeps its low bits"):
                equal(value("context"), 0x223, "DBGBVR1_EL1")
            with scenario(f"{CPU}: a function of firmware with the SVE hint is the function"):
                check(value("version") >> 16 >= 1, f"PSCI {value('version'):#x}")
                equal(value("hinted"), value("version"), "PSCI_VERSION with the hint")
                equal(value("unknown") & 0xffffffff, 0xffffffff, "SYSTEM_RESET2 with the hint")
            with scenario(f"{CPU}: half a register of the interrupt controller is an abort, a byte of a priority none"):
                equal(value("aborts"), 1, "aborts")
            rsp("D")
