#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Interrupts beneath the monitor are what a guest finds that looks at them itself: pending, cleared and withdrawn
# while they are masked, in a stepped handler, on a CPU that was turned off in its handler.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import Elf, Rsp, check, debug_host, equal, images, scenario  # noqa: E402

path = images.bare("irq", "start.S", "bare.c", "irq.c")
elf = Elf(path)
PC = 32

with debug_host(files=[f"{path}:/irq.elf"]) as host:
    guest = host.boot("/irq.elf", cpus=2)
    with Rsp(guest) as c:
        value = lambda name: int.from_bytes(c.memory(elf[name], 8), "little")  # noqa: E731
        c("?")
        for name in ("handler", "end"):
            equal(c(f"Z1,{elf[name]:x},4"), "OK", f"Z1 on {name}")
        with scenario("a stepped handler finds its interrupt"):
            equal(c.resume()["registers"][PC], elf["handler"], "stopped at")
            equal(c(f"Z1,{elf['done']:x},4"), "OK", "Z1 on done")
            for _ in range(100):
                if c.resume("vCont;s:1")["registers"][PC] == elf["done"]:
                    break
            equal((value("isr"), value("hppir"), value("iar")), (0x80, 2, 2), "ISR_EL1, ICC_HPPIR1_EL1, ICC_IAR1_EL1")
        for name in ("handler", "done"):
            c(f"z1,{elf[name]:x},4")
        equal(c.resume()["registers"][PC], elf["end"], "stopped at")
        with scenario("interrupts that are masked are pending, can be cleared, withdrawn and disabled"):
            equal(value("pending"), 1 << 1, "GICR_ISPENDR0 after an SGI")
            equal((value("cleared"), value("after_clear")), (0, 0), "ISR_EL1 and interrupts after it was cleared")
            equal(value("by_hand"), 1 << 32 | 1 << 2, "one set pending by hand")
            equal(value("line"), 1 << 27, "GICR_ISPENDR0 while the timer asserts its line")
            equal(value("withdrawn"), 1 << 32, "after the timer is off")
            equal((value("disabled"), value("enabled")), (1, 2), "interrupts while one is disabled, and later")
            equal(value("group0"), 1, "interrupts of group 0 that the guest sent")
        with scenario("registers are accessed by loads and stores that move their base"):
            equal((value("indexed"), value("loaded")), (0x50607080, 0x50607080), "GICR_IPRIORITYR2")
            equal(value("moved"), 0x60 << 32, "the base at the end, and one byte")
            equal(value("aborts"), 0, "aborts")
        with scenario("a CPU that was turned off in an interrupt's handler takes interrupts when it is on again"):
            equal((value("running"), value("priority")), (0xff, 0), "ICC_RPR_EL1 and ICC_PMR_EL1 when it starts")
            equal(value("answered"), 1, "interrupts taken")
        c("D;1")
    equal(guest.status(), 0, "status of the emulator")
