#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The monitor beneath firmware at EL3 that keeps group 0 of the interrupts for itself; and a CPU that firmware
# does not give back: it is shown as lost, and the debugger goes on with the others.
#
# lab: el2 6.12 cortex-a72

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *  # noqa: E402,F403
from harness.el2 import Machine, packed  # noqa: E402

PC = 32
path = images.bare("lost", "start.S", "bare.c", "lost.c")
elf = Elf(path)


def firmware(folder):
    out = os.path.join(folder, "firmware")
    subprocess.run([images.CROSS + "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0", "-Wl,--build-id=none", "-o", out,
                    os.path.join(images.GUESTS, "el2_firmware.S")], check=True)
    with open(out + ".bin", "wb") as f:
        f.write(Elf(out).bytes(0, 0x2000))
    return f.name


def one_uart(tree):
    """The second UART is the secure state's: the first one is the debugger's."""
    return tree.replace(b"/pl011@9040000\0", b"/pl011@9000000\0"), 0x48000000


def told_of_the_lost(c, reply):
    """Before each stop a sentence names the CPU that did not; the stop."""
    check(reply["kind"] == "O" and b"did not answer" in bytes.fromhex(reply["rest"]), f"before the stop: {reply}")
    return c.wait_stop()


with tempfile.TemporaryDirectory() as folder:
    image = os.path.join(folder, "image")
    at = packed(elf, image)
    with Machine("cortex-a72", 2, kernel_image=image, kernel_at=at, ramdisk=False, ready=False, tree=one_uart,
                 firmware=firmware(folder)) as m:
        with scenario("the monitor comes up beneath firmware with two security states, and stops both CPUs"):
            check(m.console.wait(rb"ready; target remote"), f"the console says {m.console.text!r}")
            m.console.close()
            c = Rsp(m.console.path)
            c("?")
            equal(c(f"Z1,{elf['secondary_main']:x},4"), "OK", "Z1")
            c.write(elf["stay"], b"\0")  # the guest runs before there is a debugger: now CPU 1 may start
            equal(c.resume()["vcpu"], 1, "CPU that started")
            c(f"z1,{elf['secondary_main']:x},4")
            equal(c(f"Z1,{elf['gone']:x},4"), "OK", "Z1")
            for _ in range(3):
                c.send("vCont;c")
                c.interrupt()
                equal(c.wait_stop()["signal"], 2, "signal")
            for _ in range(20):
                c.resume("vCont;s:1")
            check("does not answer" not in c("qXfer:threads:read::0,fff"), "a CPU is lost already")
        with scenario("a CPU that firmware does not give back is shown as lost; the other stops, steps and goes on"):
            c.write(elf["hang"], b"\1")
            stop = told_of_the_lost(c, c.resume())
            equal((stop["registers"][PC], stop["vcpu"]), (elf["gone"], 0), "stopped at, on CPU")
            threads = c("qXfer:threads:read::0,fff")
            equal(threads.count("does not answer"), 1, f"CPUs that do not answer in {threads}")
            try:
                c("Hgp1.2")
                reply = c("p20")
                check("x" in reply, f"a register of the lost CPU reads as {reply}")
            except RspError as e:
                check(str(e), "no reason")
            c("Hgp1.1")
            for _ in range(50):
                stop = told_of_the_lost(c, c.resume("vCont;s:1"))
                equal((stop["signal"], stop["vcpu"]), (5, 0), "the step's stop")
            c(f"z1,{elf['gone']:x},4")
            c.send("vCont;c")
            c.interrupt()
            equal(told_of_the_lost(c, c.wait_stop())["signal"], 2, "signal of ^C")
            c("D;1")
