#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's kernel reaches userspace beneath the EL2 monitor with every CPU it would have without, and the
# monitor's memory and UART are out of its reach. Figures: time to userspace beside the same machine without
# the monitor.
#
# needs: arm64
# timeout: 1800

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from el2_machine import CPUS, Machine, check  # noqa: E402
import time  # noqa: E402


def boot(cpu, smp, monitor):
    with Machine(cpu, smp, monitor=monitor) as m:
        n = m.userspace()
        took = time.monotonic() - m.started
        good = n == smp and m.alive("boots")
        status = m.off()
        return good, took, f"CPUs {n}, status {status}, console {m.console.text[-200:]}"


def main():
    for cpu in sys.argv[1:] or CPUS:
        for smp in (1, 2, 4):
            good, took, why = boot(cpu, smp, True)
            check(f"boots to userspace beneath the monitor: {cpu}, {smp} CPUs", good, why)
            if smp == 2:
                _, bare, _ = boot(cpu, smp, False)
                print(f"# {cpu}, {smp} CPUs: {took:.1f} s beneath the monitor, {bare:.1f} s without: "
                      f"ratio {took / bare:.2f}", flush=True)


main()
