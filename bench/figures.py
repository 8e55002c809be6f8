# SPDX-License-Identifier: MIT
"""What the benchmark programs share: the client's samples, rows of tables, where it ran, the page."""

import datetime
import os
import re
import statistics
import subprocess
import sys
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(BENCH)
sys.path.insert(0, os.path.join(TOP, "tests"))
from harness import Failed  # noqa: E402
from harness.host import ARCH, CPU, KERNEL, LAB, SMP  # noqa: E402

PAGE = os.path.join(TOP, "docs", "benchmarks.md")
START = time.monotonic()


def progress(text):
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


def measured(host, command, limit=1800):
    """Runs a client in the host; samples by (measure, subject)."""
    samples = {}
    out, status = host.run(command, limit)
    for measure, subject, value in re.findall(r"^sample (\S+) (\S+) (\S+)$", out, re.M):
        samples.setdefault((measure, subject), []).append(float(value))
    if status:
        raise Failed(f"the client failed: {out[-500:]}")
    return samples


def counters(host, guest):
    """The folder of KVM's counters of a guest's VM."""
    pid = host.run(f"cat /tmp/pid.{guest}")[0]
    return host.run(f"ls -d /sys/kernel/debug/kvm/{pid}-* | tail -n 1")[0]


def row(*cells):
    return "| " + " | ".join(cells) + " |"


HEAD = [row("figure", "guestdbg", "beside", "", "ratio", "reach", "reached"), row(*["---"] * 7)]


def ratio(name, ours, other, theirs, reach):
    """A row of what is done per second, from lists of samples. reach: the ratio to be reached, or None."""
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    there = "" if reach is None else "yes" if ours / theirs >= reach else "**no**"
    return row(name, f"{ours:.4g}", other, f"{theirs:.4g}", f"{ours / theirs:.3g}", f"{reach or ''}", there)


def system_calls(ours, calls, other, bare):
    """Rows of what step_pair() of common.c measures."""
    return [ratio("", ours, "a step's system calls with nothing between them: receive, clock, step, clock, send", calls, None),
            ratio("nothing but those system calls", calls, other, bare, None)]


def machine(rounds):
    with open("/proc/cpuinfo") as f:
        name = re.search(r"model name\s*: (.*)", f.read())
    emulator = "qemu-system-aarch64" if ARCH == "arm64" else "qemu-system-ppc64"
    version = subprocess.run([emulator, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"version (\S+)", version)
    return (f"{datetime.date.today()}, {os.cpu_count()} CPUs ({name.group(1) if name else os.uname().machine}), "
            f"load {os.getloadavg()[0]:.1f} at the end; emulated by QEMU {version.group(1) if version else '?'}: {ARCH} host, "
            f"`-cpu {CPU}`, {SMP} CPUs, Debian's kernel {KERNEL}. {rounds} rounds, medians.").replace(" 1 CPUs", " 1 CPU")


def write(page_part, by_clock, text):
    """Samples to a file, the text into its part of the page."""
    samples_file = os.path.join(LAB, "bench", f"samples-{page_part}.tsv")
    os.makedirs(os.path.dirname(samples_file), exist_ok=True)
    with open(samples_file, "w") as f:
        for clock, samples in by_clock.items():
            for (measure, subject), values in samples.items():
                f.writelines(f"{clock}\t{measure}\t{subject}\t{v:g}\n" for v in values)
    with open(PAGE) as f:
        page = f.read()
    begin = f"<!-- begin: written by bench/{page_part} -->"
    block = f"{begin}\n{text}\n<!-- end -->"
    page = re.sub(re.escape(begin) + r".*?<!-- end -->", lambda _: block, page, flags=re.S)
    with open(PAGE, "w") as f:
        f.write(page)
    print(text)
    progress(f"samples: {os.path.relpath(samples_file, TOP)}; page: {os.path.relpath(PAGE, TOP)}")


def run(main):
    try:
        main()
    except (Failed, OSError, subprocess.SubprocessError) as e:
        print(f"bench: failed: {e}")
        sys.exit(1)
