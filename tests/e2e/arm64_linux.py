#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's own kernel, from its first instruction to userspace, with GDB connected from outside.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 cortex-a72
# full: arm64 6.1 neoverse-n1
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 newest max
# full: arm64 newest cortex-a72
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1200

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

# The guest's init: a prompt-less shell on its console.
initrd = images.initrd("shell", images.shell())
symbols = images.symbols()
TROUBLE = re.compile(r"lockup|stall|clocksource: .*(unstable|Marking)|Oops|BUG:|Unable to handle|WARNING:|rcu: INFO|self-detected")


def boot(host, cpus):
    return host.boot("/Image", cpus=cpus, initrd="/initrd", append="nokaslr quiet panic=-1")


def do(guest, command):
    """A command in the guest's shell; the lines it printed."""
    start = len(guest.console.all)
    guest.send(command)
    _, at = guest.console.wait(r"^guest-did (\d+)", start)
    return guest.console.all[start:at]


def no_trouble(guest):
    bad = [line for line in guest.console.all if TROUBLE.search(line)]
    check(not bad, f"the guest says {bad[:3]}")


def end(guest):
    guest.send("poweroff -f")
    equal(guest.status(), 0, "exit status after the guest's power-off")


def second_client(guest):
    with Gdb(symbols) as second:
        try:
            text = second.connect(guest)
            check(False, f"the second client got in: {text}")
        except GdbError as e:
            check(str(e), "the refusal is empty")


def ends_cleanly(bt):
    for bad in ("corrupt", "Cannot access", "previous frame"):
        check(bad not in bt, f"the backtrace does not end cleanly: {bt}")


with debug_host(files=[f"{images.linux()}:/Image", f"{initrd}:/initrd"]) as host:
    for cpus in (1, 2, 4):
        with scenario(f"first instruction to userspace with {cpus} vCPUs; info threads names each vCPU"):
            guest = boot(host, cpus)
            with Gdb() as gdb:
                gdb.connect(guest)
                threads = gdb("info threads")
                for n in range(cpus):
                    check(f"vCPU {n}" in threads, f"info threads does not name vCPU {n}: {threads}")
                first = gdb.value("$pc")
                check(0x40000000 <= first < 0x50000000, f"pc at the first stop is {first:#x}")
                gdb.start("continue")
                guest.wait("guest-ready")
                equal(do(guest, "grep -c ^processor /proc/cpuinfo")[-1], str(cpus), "CPUs in the guest")
                gdb.interrupt()
                gdb.collect()
                threads = gdb("info threads")
                equal(len(re.findall(r"vCPU \d", threads)), cpus, f"threads in {threads}")
                gdb("detach")
            word = os.urandom(4).hex()
            check(word in "".join(do(guest, f"echo answer {word}")), "the guest does not answer after detach")
            end(guest)
            no_trouble(guest)

    guest = boot(host, 2)
    with Gdb(symbols) as gdb:
        with scenario("a break set at the first instruction, before the MMU is on, is hit"):
            gdb.connect(guest)
            gdb("break start_kernel")
            stop = gdb.go()
            check(stop["breakpoints"] == [1] and "start_kernel" in stop["frame"], f"{stop}")
            gdb("delete")
        with scenario("a hardware breakpoint stops the right vCPU; bt reaches the kernel's entry and ends cleanly"):
            gdb.start("continue")
            guest.wait("guest-ready")
            gdb.interrupt()
            gdb.stopped()
            gdb("hbreak __arm64_sys_newuname")
            gdb.start("continue")
            guest.send("taskset 2 uname")
            stop = gdb.stopped()
            equal(stop["breakpoints"], [2], f"{stop}: breakpoint")
            equal(stop["thread"], 2, "the thread that stopped (the program was bound to CPU 1)")
            bt = gdb("bt")
            for name in ("__arm64_sys_newuname", "el0_svc", "el0t_64_sync"):
                check(name in bt, f"no {name} in the backtrace: {bt}")
            ends_cleanly(bt)
            gdb("delete")
        with scenario("functions of the kernel can be called, by one vCPU or with all running"):
            before = gdb.value("$pc"), gdb.value("$sp")
            for lock in ("on", "off"):
                gdb(f"set scheduler-locking {lock}")
                check(1 < gdb.value("((int (*)(void))nr_processes)()") < 1000, "no number of processes")
            equal((gdb.value("$pc"), gdb.value("$sp")), before, "pc and sp after the calls")
        with scenario("the backtrace of the idle boot CPU ends cleanly, its first function freed"):
            gdb("hbreak default_idle_call thread 1")
            stop = gdb.go()
            equal(stop["thread"], 1, "the thread that stopped")
            bt = gdb("bt")
            check("rest_init" in bt, f"not the boot CPU's idle thread: {bt}")
            ends_cleanly(bt)
            gdb("delete")
        with scenario("a software breakpoint in kernel text: hit, its bytes hidden, memory the same afterwards"):
            address = gdb.value("&__arm64_sys_sethostname")
            text = f"result = gdb.selected_inferior().read_memory({address}, 64).tobytes().hex()"
            before = gdb.python(text)
            gdb(f"break *{address}")
            gdb.start("continue")
            guest.send("hostname guest")
            equal(gdb.stopped()["breakpoints"], [4], "breakpoint")
            equal(gdb.python(text), before, "memory as read with the breakpoint set")
            gdb("delete")
            gdb("stepi")
            gdb("detach")
    do(guest, "true")
    with scenario("stepping, next and finish in the live kernel"):
        with Gdb(symbols) as gdb:
            gdb.connect(guest)
            gdb("hbreak __arm64_sys_newuname")
            gdb.start("continue")
            # GDB waits for the end of a call on the same vCPU: the program must stay there.
            guest.send("taskset 2 uname")
            equal(gdb.stopped()["breakpoints"], [1], "breakpoint")
            gdb("delete")
            for _ in range(20):
                before = gdb.value("$pc")
                stop = gdb.go("nexti")
                check(stop["pc"] != before, f"nexti did not move: {stop}")
            stop = gdb.go("finish")
            check("el0_svc" in stop["frame"] or "invoke_syscall" in stop["frame"], f"finish ended at {stop['frame']}")
            gdb("detach")
    do(guest, "true")
    with scenario("GDB killed with SIGKILL, reconnect" + ", second client refused" * KVM + ", guest unharmed"):
        gdb = Gdb(symbols)
        gdb.connect(guest)
        gdb("break __arm64_sys_newuname")
        gdb("hbreak __arm64_sys_getpriority")
        gdb.start("continue")
        do(guest, "true")
        gdb.kill()
        if KVM:  # a serial line does not tell that its client is gone, the next one does
            lines = do(guest, "uname")
            check("Linux" in " ".join(lines), f"uname after the kill: {lines}")
        with Gdb(symbols) as first:
            first.connect(guest)
            if KVM:
                second_client(guest)
            address = first.value("(unsigned long)&__arm64_sys_newuname")
            word = first.value(f"*(unsigned int *){address}")
            check(word & 0xffe0001f != 0xd4200000, f"{word:#x} is left at the breakpoint")
            first("detach")
        lines = do(guest, "uname")
        check("Linux" in " ".join(lines), f"uname after the next client: {lines}")
        end(guest)
        no_trouble(guest)
