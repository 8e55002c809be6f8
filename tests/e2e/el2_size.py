#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The size of the EL2 monitor, and where it goes: code by the folder that it was written in (inlined code
# too, by line numbers), constants, what reset clears, memory and stack for each CPU. It stays below a bound.
#
# needs: arm64

import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, scenario  # noqa: E402
from harness.el2 import MONITOR  # noqa: E402

BOUND = 97 * 1024  # bytes of the flat image: code, constants, data
CPUS = 8  # src/monitor/arm64/monitor.h
ELF = MONITOR[:-len(".bin")]


def tool(name, *args, text=None):
    return subprocess.run([f"aarch64-linux-gnu-{name}", *args], input=text, check=True, capture_output=True, text=True).stdout


def sections():
    found = re.findall(r"^(\.\w+)\s+(\d+)\s+(\d+)$", tool("size", "-A", ELF), re.M)
    return {name: (int(size), int(address)) for name, size, address in found}


def symbols():
    found = re.findall(r"^\w+ (\w+) (\w) (\S+)$", tool("nm", "-S", ELF), re.M)
    return [(name, kind, int(size, 16)) for size, kind, name in found]


def code_by_folder(size, address):
    lines = tool("addr2line", "-e", ELF, text="\n".join(f"{a:#x}" for a in range(address, address + size, 4)))
    by = collections.Counter()
    for line in lines.splitlines():
        m = re.search(r"/src/(base|rsp|engine|arch|monitor)/", line)
        by[m[1] if m else "elsewhere"] += 4
    return by


with scenario("code, constants and data stay below the bound"):
    size = sections()
    table = sum(n for _, kind, n in symbols() if kind in "rR")
    flat = os.path.getsize(MONITOR)
    print(f"  flat image {flat}: text {size['.text'][0]}, constants {size['.rodata'][0]} "
          f"(tables {table}, texts {size['.rodata'][0] - table}), data {size['.data'][0]}")
    print("  text by folder: " + ", ".join(f"{k} {n}" for k, n in code_by_folder(*size[".text"]).most_common()))
    check(flat <= BOUND, f"{flat} bytes, the bound is {BOUND}")

with scenario("there is no heap, and every stack frame has a known size"):
    by = {name: n for name, _, n in symbols()}
    frames = []
    with open(ELF + ".ltrans0.ltrans.su") as f:
        for line in f:
            where, n, kind = line.rstrip("\n").split("\t")
            frames.append((int(n), where.rsplit(":", 1)[1], kind))
    frames.sort(reverse=True)
    print(f"  cleared by reset {size['.bss'][0]}; for each of {CPUS} CPUs: stack {by['stacks'] // CPUS}, state "
          f"{(by['cpus'] + by['vcpus']) // CPUS}")
    print("  largest frames: " + ", ".join(f"{name} {n}" for n, name, _ in frames[:4]))
    check(not {"malloc", "sbrk", "free"} & set(by), "there is an allocator")
    check(all(kind == "static" for _, _, kind in frames), f"{[f for f in frames if f[2] != 'static']}")
