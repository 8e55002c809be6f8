#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's kernel reaches userspace beneath the EL2 monitor with every CPU it would have without. Figures:
# time to userspace beside the same machine without the monitor.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1
# timeout: 1800

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, equal, scenario  # noqa: E402
from harness.el2 import CPU, Machine  # noqa: E402


def boot(cpu, smp, monitor=True):
    """Boots, talks, powers off; the seconds to userspace."""
    with Machine(cpu, smp, monitor=monitor) as m:
        n = m.userspace()
        took = time.monotonic() - m.started
        equal(n, smp, f"CPUs in userspace ({m.console.text[-200:]})")
        check(m.alive("boots"), "userspace does not answer")
        equal(m.off(), 0, "status of the emulator after power-off")
        return took


for cpu in sys.argv[1:] or [CPU]:
    for smp in (1, 2, 4):
        with scenario(f"boots to userspace beneath the monitor: {cpu}, {smp} CPUs"):
            took = boot(cpu, smp)
            if smp == 2:
                bare = boot(cpu, smp, monitor=False)
                print(f"  {cpu}, {smp} CPUs: {took:.1f} s to userspace beneath the monitor, {bare:.1f} s without: "
                      f"ratio {took / bare:.2f}", flush=True)
