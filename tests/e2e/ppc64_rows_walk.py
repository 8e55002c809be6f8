#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A POWER guest without time and chance is stepped by the trace and by the breakpoint strategy: the same registers
# after each step, no MSR[SE] that the guest could have seen, and the same result as undisturbed.
# STEPS says how many (default 2000).
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
from harness.power import *

STEPS = int(os.environ.get("STEPS", "2000"))
e = bare("walk", "walk.S")
INTERRUPTS = 60
ASKED = (SRR0, SRR1, DAR, DSISR)
SCV = {base + 32 * n for base in (0x17000, HIGH | 0x3000) for n in range(128)}
READS = "".join(f"$p{n:x}#{sum(f'p{n:x}'.encode()) & 255:02x}" for n in ASKED)
NEXT = f"$vCont;s:1#{sum(b'vCont;s:1') & 255:02x}"


def walk(c, mode):
    """Registers after each of STEPS steps."""
    run_to(c, HIGH | e["walk_from"])
    c.monitor(f"step-mode {mode}")
    path = []
    c.s.sendall(NEXT.encode())
    for i in range(STEPS):
        stop = c.stop(c.receive().decode())
        equal((stop["kind"], stop["signal"]), ("T", 5), f"step {i}")
        # What g does not have is asked for together with the next step.
        c.s.sendall((READS + (NEXT if i + 1 < STEPS else "")).encode())
        regs = stop["registers"]
        for n in ASKED:
            regs[n] = int.from_bytes(bytes.fromhex(c.receive().decode()), "little")
        path.append(regs)
    return path


def result(guest):
    """What the guest says in the end."""
    seen, digest = (guest.wait(rf"^{word} (\w+)").group(1) for word in ("seen", "digest"))
    equal(guest.status(), 0, "exit status")
    return int(seen, 16), digest


paths, results = {}, {}
with Host(files=[f"{e.path}:/walk.elf"]) as host:
    with scenario("the guest runs undisturbed"):
        guest = host.guest("--memory 64M", "/walk.elf")
        with Rsp(guest) as c:
            c("D;1")
        results["undisturbed"] = result(guest)
        equal(results["undisturbed"][0], 0, "MSR[SE] that its handlers saw")
    if power10:
        with scenario("a watchpoint that is never hit: the guest's faults pass the fence, the result is the same"):
            guest = host.guest("--memory 64M", "/walk.elf")
            with Rsp(guest) as c:
                run_to(c, HIGH | e["walk_from"])
                c(f"Z2,{HIGH | e['page_rw'] + 0x800:x},8")
                c(f"Z0,{HIGH | e['walk_to']:x},4")
                equal(c.resume()["registers"][PC], HIGH | e["walk_to"], "stopped at")
                passed = int(re.search(r"false hits passed over: (\d+)", c.monitor("stats")).group(1))
                check(passed >= 64 * 4, f"only {passed} exits at the fence")
                c("D;1")
            equal(result(guest), results["undisturbed"], "what the guest says in the end")
    for mode in ("trace", "breakpoint"):
        with scenario(f"{STEPS} steps by the {mode} strategy: the guest has seen no MSR[SE], its result is the same"):
            guest = host.guest("--memory 64M", "/walk.elf")
            with Rsp(guest) as c:
                paths[mode] = walk(c, mode)
                c("D;1")
            for i, regs in enumerate(paths[mode]):
                for n in (MSR, SRR1, *([CTR] if regs[PC] in SCV else [])):
                    check(not regs[n] & SE, f"step {i + 1}, at {regs[PC]:#x}: {show(n, regs[n])}")
            results[mode] = result(guest)
            equal(results[mode], results["undisturbed"], "what the guest says in the end")
    for mode in ("trace", "breakpoint"):
        with scenario(f"^C in the middle of steps by {mode}, then the client is gone: the result is the same"):
            guest = host.guest("--memory 64M", "/walk.elf")
            with Rsp(guest) as c:
                run_to(c, HIGH | e["walk_from"])
                c.monitor(f"step-mode {mode}")
                c(f"Z0,{HIGH | e['walk_to']:x},4")
                for i in range(INTERRUPTS):
                    c.send(f"vCont;r0,{ALL:x}:1")  # steps without end
                    for _ in range(i % 7):
                        c.send("qC")  # refused while the guest runs: the interrupt comes a little later
                    c.interrupt()
                    stop, refused = None, 0
                    while stop is None or refused < i % 7:
                        reply = c.receive().decode()
                        if reply[0] == "T":
                            stop = c.stop(reply)
                        else:
                            refused += 1
                    equal(stop["signal"], 2, f"interrupt {i}")
                    regs = {**stop["registers"], SRR1: c.register(SRR1)}
                    for n in (MSR, SRR1, *([CTR] if regs[PC] in SCV else [])):
                        check(not regs[n] & SE, f"interrupt {i}, at {regs[PC]:#x}: {show(n, regs[n])}")
                c.send(f"vCont;r0,{ALL:x}:1")
            equal(result(guest), results["undisturbed"], "what the guest says in the end")
with scenario("both strategies give the same registers after each step"):
    check(set(paths) == {"trace", "breakpoint"}, "there are no two paths")
    for i, (one, other) in enumerate(zip(paths["trace"], paths["breakpoint"])):
        wrong = [f"{show(n, one[n])} and {other[n]:#x}" for n in one if one[n] != other[n]]
        check(not wrong, f"after step {i + 1}, {one[PC]:#x}: " + ", ".join(wrong))
with scenario("the path leads through every vector, problem state, and code that is not translated"):
    path = paths["trace"]
    pcs = {regs[PC] for regs in path}
    places = [HIGH | 0x4000 | n for n in (0x300, 0x380, 0x400, 0x600, 0x700, 0x800, 0xc00)]
    places += [HIGH | 0x3040, 0xc00, 0x700, 0x170a0, e["untranslated"], e["user"]]
    missing = [hex(at) for at in places if at not in pcs]
    check(not missing, f"not reached: {missing}")
