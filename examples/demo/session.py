# SPDX-License-Identifier: MIT
# The demo's GDB session, run inside GDB: prints each command as a user would have typed it, checks
# what must hold, and ends GDB with status 1 where it does not. Uses `target` and `counter`, set before.
import re
import sys

import gdb


def do(command):
    print(f"(gdb) {command}", flush=True)
    gdb.execute(command)


def must(good, text):
    if not good:
        print(f"demo: {text}", flush=True)
        gdb.execute("disconnect")
        gdb.execute("quit 1")


def pc():
    return int(gdb.parse_and_eval("(unsigned long)$pc")) & (1 << 64) - 1


def register(name):
    return int(gdb.parse_and_eval(f"(unsigned long)${name}")) & (1 << 64) - 1


def successors(text, here):
    """Where the instruction at here may lead, read from GDB's disassembly of it."""
    m = re.match(r"(\S+)\s*(.*)", text)
    name, operands = m.group(1), m.group(2)
    target = re.search(r"0x[0-9a-f]+(?= <|$)", operands)
    if name in ("ret", "retaa", "retab"):
        return {register("x30") | 0xffff << 48}
    if name in ("blr", "br") and operands:
        return {register(operands.split(",")[0])}
    m = re.match(r"b([a-z]*?)(lr|ctr)l?[+-]?$", name)  # POWER, as are the next two
    if m:
        return {register(m.group(2)) & ~3} | ({here + 4} if m.group(1) else set())
    if re.match(r"[bhwdq]arx$", name[1:]):
        return set(range(here + 4, here + 68, 4))
    if name in ("b", "bl"):
        return {int(target.group(), 16)}
    if target and re.match(r"b\.|b[a-z]+[+-]?$|cbn?z|tbn?z", name):
        return {int(target.group(), 16), here + 4}
    return {here + 4}


class Seen:
    stops = []


gdb.events.stop.connect(lambda event: Seen.stops.append(event))
do(f"target remote {target}")
do("info threads")
do("hbreak kernel_execve")
do("continue")
must(isinstance(Seen.stops[-1], gdb.BreakpointEvent), "the hardware breakpoint was not hit")
do("backtrace")
frames = gdb.execute("backtrace", False, True)
must("ret_from" in frames and "previous frame" not in frames, "the backtrace does not reach the kernel's entry")
do("delete")
do(f"watch *(unsigned long *)&{counter}")
before = int(gdb.parse_and_eval(f"*(unsigned long *)&{counter}"))
do("continue")
after = int(gdb.parse_and_eval(f"*(unsigned long *)&{counter}"))
must(isinstance(Seen.stops[-1], gdb.BreakpointEvent) and after > before,
     f"the watchpoint: {before} became {after}")
do("delete")
for _ in range(10):
    here = pc()
    text = gdb.execute("x/i $pc", False, True).split(":", 1)[1].strip()
    wanted = successors(text, here)
    do("stepi")
    must(pc() in wanted, f"the step from {here:#x} ({text}) ended at {pc():#x}")
print("ten steps, each to where the instruction leads", flush=True)
do("detach")
