#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# GDB against the EL2 monitor's UART: from the guest's first instruction through breakpoints, a backtrace, a
# watchpoint and steps to detach, after which the guest goes on to userspace. Then the monitor hidden from GDB.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Gdb, GdbError, check, equal, images, scenario  # noqa: E402
from harness.el2 import CPU, Machine  # noqa: E402

BRANCH = re.compile(r"\t(b|bl|br|blr|ret|retaa|b\.\w+|cbn?z|tbn?z|eret|svc|braa|blraa)\b")


def steps(gdb, n):
    """Steps n times; each PC must be what the instruction before allows."""
    for _ in range(n):
        pc = gdb.value("$pc")
        text = gdb("x/i $pc")
        gdb("stepi")
        now = gdb.value("$pc")
        if not BRANCH.search(text):
            equal(now, pc + 4, f"PC after {text.strip()}")
        else:
            target = re.search(r"0x[0-9a-f]+(?= <)", text.split("\t", 1)[-1])
            check(now == pc + 4 or not target or now == int(target.group(), 16), f"PC {now:#x} after {text.strip()}")


def refused(gdb, command):
    try:
        return not gdb(command)
    except GdbError as e:
        return str(e)


def session(cpu, smp):
    with Machine(cpu, smp, wait=True) as m, Gdb(images.symbols(), architecture="aarch64") as gdb:
        with scenario(f"{cpu}, {smp} CPUs: stopped before the guest's first instruction; its memory is read"):
            gdb.connect(m)
            equal(gdb.value("$pc"), 0x42000000, "PC")
            equal(gdb.value("*(unsigned int *)0x42000038"), 0x644d5241, "magic of the kernel's image")
            equal(len(re.findall(r"vCPU \d", gdb("info threads"))), smp, "threads")
        with scenario(f"{cpu}, {smp} CPUs: the monitor's own memory and UART are refused to GDB"):
            for at in (0x40200000, 0x403ffffc, 0x9040000):
                check(refused(gdb, f"x/wx {at:#x}"), f"{at:#x} was read")
            gdb.value("*(unsigned int *)0x40400000")
        with scenario(f"{cpu}, {smp} CPUs: a break set before the MMU is on is hit"):
            gdb("break start_kernel")
            gdb("continue")
            equal(gdb.stop["breakpoints"], [1], "breakpoints hit")
            check("start_kernel" in gdb.stop["frame"], gdb.stop["frame"])
            gdb("delete")
        with scenario(f"{cpu}, {smp} CPUs: hbreak in a system call; bt reaches the kernel's entry"):
            gdb("hbreak __arm64_sys_openat")
            gdb("continue")
            equal(gdb.stop["breakpoints"], [2], "breakpoints hit")
            bt = gdb("bt")
            for name in ("__arm64_sys_openat", "invoke_syscall", "el0_svc", "el0t_64_sync"):
                check(name in bt, f"no {name} in {bt}")
            check("corrupt" not in bt and "Cannot access" not in bt, bt)
        with scenario(f"{cpu}, {smp} CPUs: ten steps, each PC a successor of the last"):
            gdb("delete")
            steps(gdb, 10)
        with scenario(f"{cpu}, {smp} CPUs: a watchpoint is hit after the value changed"):
            gdb("watch *(unsigned long *)&jiffies_64")
            old = gdb.value("*(unsigned long *)&jiffies_64")
            gdb("continue")
            equal(gdb.stop["breakpoints"], [3], "watchpoints hit")
            check(gdb.value("*(unsigned long *)&jiffies_64") > old, "the value did not grow")
            gdb("delete")
        with scenario(f"{cpu}, {smp} CPUs: monitor slots names every CPU"):
            text = gdb("monitor slots")
            check(all(f"CPU {n}:" in text for n in range(smp)), text)
        with scenario(f"{cpu}, {smp} CPUs: after detach the guest reaches userspace and answers"):
            gdb("detach")
            equal(m.userspace(), smp, f"CPUs ({m.console.text[-200:]})")
            check(m.alive("detached"), "userspace does not answer")
            equal(m.off(), 0, "status after power-off")


for cpu in sys.argv[1:] or [CPU]:
    for smp in (2,) if cpu != "max" else (1, 4):
        session(cpu, smp)
