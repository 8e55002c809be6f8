#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The guest debugs itself: ptrace steps, ptrace and perf watchpoints, kprobes, uprobes and traps of its own programs
# in Debian's kernel count exactly what they count without us: attached, with breakpoints and watchpoints of ours, while
# we step across them, and while another vCPU is stepped.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.12 power9
# full: ppc64 6.1 power10
# full: ppc64 6.1 power9
# timeout: 1800

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import HIGH, MSR, PC, SE, SRR0, SRR1, power10

program = images.program("self")
elf, kernel = Elf(program), Elf(images.symbols())
ROUNDS, TURNS, INSNS = 50, 10, 303
# Without a DAWR the guest's kernel has no watchpoints to offer.
WATCHES = str(ROUNDS) if power10 else "-1"
PERF = str(ROUNDS) if power10 else "0"
STEPS = int(os.environ.get("STEPS", "1000"))
TRACE = HIGH | 0x4d00
VECTORS = [(HIGH, 0x1800), (HIGH | 0x3000, 0x2000)]
initrd = images.initrd("self", images.self_init("sys_getpgid"), programs=[program])
TROUBLE = re.compile(r"lockup|Oops|\bBUG:|Unable to handle|WARNING:|SIGTRAP|Trace/breakpoint|Illegal")

called, added = f"0x{elf.offset('called'):x}", f"0x{elf.offset('added'):x}"


def do(command):
    start = len(guest.console.all)
    guest.send(command)
    _, at = guest.console.wait(r"^guest-did (\d+)", start)
    return guest.console.all[start:at]


def said(lines, pattern):
    found = [m for m in (re.search(pattern, line) for line in lines) if m]
    check(found, f"no {pattern!r} in {lines}")
    return found[0].group(0)


def all_users():
    equal(said(do("taskset 1 self own"), "^own .*"), f"own step={INSNS} watch={WATCHES} perf-watch={PERF}", "counts")
    said(do("self brk"), rf"^brk {ROUNDS}$")
    lines = do(f"probes {called} {added}")
    for pattern in (rf"^probe {ROUNDS}$", rf"kpgid +{ROUNDS}\b", rf"u{called} +{ROUNDS}\b", rf"u{added} +{ROUNDS}\b"):
        said(lines, pattern)


def vectors(c):
    return [c.memory(address, length) for address, length in VECTORS]


def in_program(c, command):
    """Starts a program that makes getpgid first, and stops there: its pages are the present ones then."""
    c(f"Z0,{kernel['sys_getpgid']:x},4")
    guest.send(command)
    stop = c.resume()
    equal(stop["registers"][PC], kernel["sys_getpgid"], "stopped at")
    c(f"z0,{kernel['sys_getpgid']:x},4")
    c(f"Hg{stop['thread']}")
    return stop


def finished(c, start, pattern):
    """Lets the guest run until its command has ended; the line that it said."""
    with c.running():
        guest.wait("^guest-did 0", start)
    return said(guest.console.all[start:], pattern)


def across(c, mode):
    """Breakpoints in code that the guest's tracer steps; at each hit a few steps of ours."""
    c.monitor(f"step-mode {mode}")
    start = len(guest.console.all)
    in_program(c, "taskset 1 self step")
    c(f"Z0,{elf['looped']:x},4")
    seen = 0
    for n in range(60):
        stop = c.resume()
        equal(stop["registers"][PC], elf["looped"], f"stop {n}")
        check(stop["registers"][MSR] & SE, f"stop {n}: the guest does not trace itself")
        seen += 1
        # One step of ours ends in the trace interrupt of the guest's, before its handler.
        stop = c.resume(f"vCont;s:{stop['thread']};c")
        equal(stop["registers"][PC], TRACE, f"a step of the traced program, {n}")
        equal(c.register(SRR0), elf["looped"] + 4, "SRR0 there")
        check(c.register(SRR1) & SE, "SRR1 has the guest's SE")
        for _ in range(n % 4):
            stop = c.resume(f"vCont;s:{stop['thread']};c")
            check(not stop["registers"][MSR] & SE, f"MSR[SE] in the guest's handler, at {stop['registers'][PC]:#x}")
    c(f"z0,{elf['looped']:x},4")
    equal(finished(c, start, "^step .*"), f"step {INSNS * TURNS}", "the guest's own count")


def beside_steps(c, mode):
    """The guest's tracer at work on vCPU 0 while vCPU 1 is stepped, with and without the others running."""
    tracer = kernel["sys_ptrace"]
    c.monitor(f"step-mode {mode}")
    start = len(guest.console.all)
    in_program(c, "taskset 1 self step")
    made, turns = 0, 0
    while made < STEPS:
        # To the tracer's next call, so that it gets on; then steps of the other vCPU.
        c(f"Z0,{tracer:x},4")
        stop = c.resume()
        equal((stop["registers"].get(PC), stop["vcpu"]), (tracer, 0), "stopped at, on vCPU")
        c(f"z0,{tracer:x},4")
        turns += 1
        others = ";c" if made < STEPS // 2 else ""
        for _ in range(10):
            stop = c.resume(f"vCont;s:2{others}")
            equal((stop["signal"], stop["vcpu"], "swbreak" in stop), (5, 1, False), f"step {made} ended as {stop}")
            check(not stop["registers"][MSR] & SE, f"MSR[SE] is readable at {stop['registers'][PC]:#x}")
            made += 1
    print(f"{made} steps beside {turns} calls of the tracer", file=sys.stderr, flush=True)
    equal(finished(c, start, "^step .*"), f"step {INSNS * TURNS}", "the guest's own count")


def watch_together(c):
    """A watchpoint of ours that is hit all the time beside those of the guest."""
    jiffies = kernel["jiffies_64"]
    c(f"Z2,{jiffies:x},8")
    c.monitor(f"ignore 0x{jiffies:x} 100000000")
    with c.running():
        all_users()
    check(c.hits("watch", jiffies) > 0, "our watchpoint was never hit")
    c(f"z2,{jiffies:x},8")


def both_on_one_word(c):
    """Our watchpoint on the word that the guest's program watches by perf: both see each store, and we see it once
    more when the guest's kernel makes it in place of the program."""
    start = len(guest.console.all)
    in_program(c, "taskset 1 self keep & sleep 1; kill -USR1 $!; sleep 1; kill -USR1 $!; wait $!")
    word = elf["word"]
    c(f"Z2,{word:x},8")
    c.monitor(f"ignore 0x{word:x} 100000000")
    with c.running():
        guest.wait("^guest-did", start)
    for turn in (1, 2):
        said(guest.console.all[start:], rf"^keep {turn} watch={ROUNDS}$")
    equal(c.hits("watch", word), 2 * 2 * ROUNDS, "hits of ours")
    c(f"z2,{word:x},8")


with Host(files=[f"{images.linux()}:/vmlinux", f"{initrd}:/initrd"]) as host:
    guest = host.guest("--no-wait --cpus 2 --memory 256M --initrd /initrd --append 'console=hvc0 panic=-1'", "/vmlinux")
    guest.wait("guest-ready")
    with scenario("before we attach, the guest's own debugging counts exactly"):
        all_users()
    with Rsp(guest) as c:
        c("?")  # it stands then
        original = vectors(c)
        with scenario("attached with nothing armed, it counts exactly"):
            with c.running():
                all_users()
        with scenario("it counts exactly beside breakpoints of ours, hit and not"):
            for name in ("sys_getsid", "sys_times"):
                c(f"Z0,{kernel[name]:x},4")
                c.monitor(f"ignore 0x{kernel[name]:x} 1000000")
            with c.running():
                all_users()
            equal([c.hits("break", kernel[n]) for n in ("sys_getsid", "sys_times")], [ROUNDS, 0], "hits of our own")
            for name in ("sys_getsid", "sys_times"):
                c(f"z0,{kernel[name]:x},4")
        for mode in ("trace", "breakpoint"):
            with scenario(f"the guest's tracer counts exactly while we step across its program's steps, by {mode}"):
                across(c, mode)
                equal(vectors(c), original, "vectors afterwards")
            with scenario(f"... and while another vCPU makes {STEPS} steps, by {mode}"):
                beside_steps(c, mode)
                equal(vectors(c), original, "vectors afterwards")
        c.monitor("step-mode auto")
        if power10:
            with scenario("the guest's watchpoints count exactly beside one of ours that is hit"):
                watch_together(c)
            with scenario("a word that both watch is seen by both"):
                both_on_one_word(c)
        else:
            with scenario("without a DAWR a watchpoint is refused by a sentence"):
                try:
                    c(f"Z2,{kernel['jiffies_64']:x},8")
                    raise Failed("it was taken")
                except RspError as e:
                    check("no DAWR works on this host" in str(e), f"it says {e}")
        with scenario("with our points gone and still attached, everything counts exactly"):
            with c.running():
                all_users()
        c("D;1")
    with scenario("after detach everything counts exactly, and the guest says nothing of all this"):
        all_users()
        guest.send("poweroff -f")
        equal(guest.status(), 0, "exit status after the guest's power-off")
        bad = [line for line in guest.console.all if TROUBLE.search(line)]
        check(not bad, f"the guest says {bad[:3]}")
