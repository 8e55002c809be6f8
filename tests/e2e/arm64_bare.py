#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What a client can ask of a stopped bare-metal guest: slots, memory through every kind of table,
# registers, run control of several vCPUs, and the ends of a session.
#
# lab: arm64 6.12 max
# lab: el2 6.12 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: arm64 6.1 max
# full: arm64 6.1 neoverse-n1
# full: arm64 newest max
# full: arm64 newest cortex-a72
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1

import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

PC, SP, CPSR = 32, 31, 33
names = ("watch", "memory", "power", "hammer", "points")
paths = {n: images.bare(n, "start.S", "bare.c", f"{n}.c") for n in names}
elf = {n: Elf(p) for n, p in paths.items()}
w, m, p, h, own = (elf[n] for n in names)


def pc(stop):
    return stop["registers"][PC]


def run_to(c, address):
    c(f"Z1,{address:x},4")
    stop = c.resume()
    equal(pc(stop), address, "stopped at")
    c(f"z1,{address:x},4")
    return stop


def refused(c, packet):
    try:
        c(packet)
    except RspError as e:
        return str(e)
    raise Failed(f"{packet} was not refused")


def caps(host):
    text, status = host.run("guestdbg caps --json")
    return json.loads(text), status


def slots(host):
    with host.boot("/watch.elf") as guest, Rsp(guest) as c:
        text = c.monitor("slots")
        nbreak = int(re.search(r"hardware breakpoints: (\d+)", text).group(1))
        nwatch = int(re.search(r"hardware watchpoints: (\d+)", text).group(1))
        with scenario("all breakpoint slots in use: the next is refused with a sentence; a freed one serves again"):
            check(nbreak >= 2, f"{nbreak} hardware breakpoints")
            for i in range(nbreak):
                equal(c(f"Z1,{w['turn'] + 4 * i:x},4"), "OK", f"breakpoint {i}")
            text = refused(c, f"Z1,{w['turn'] + 4 * nbreak:x},4")
            check(str(nbreak) in text and "breakpoint" in text, f"the refusal says {text!r}")
            check("breakpoint" in c.monitor("why"), c.monitor("why"))
            equal(c(f"Z1,{w['turn']:x},4"), "OK", "the same one again")
            c(f"z1,{w['turn']:x},4")
            equal(c(f"Z1,{w['turn'] + 4 * nbreak:x},4"), "OK", "after one was freed")
            for i in range(nbreak + 1):
                c(f"z1,{w['turn'] + 4 * i:x},4")
        with scenario("all watchpoint slots in use: the next is refused; a freed one serves again"):
            for i in range(nwatch):
                equal(c(f"Z2,{w['arena'] + 64 * i:x},8"), "OK", f"watchpoint {i}")
            text = refused(c, f"Z2,{w['arena'] + 64 * nwatch:x},8")
            check("watchpoint" in text, f"the refusal says {text!r}")
            c(f"z2,{w['arena']:x},8")
            equal(c(f"Z2,{w['arena'] + 64 * nwatch:x},8"), "OK", "after one was freed")
            for i in range(nwatch + 1):
                c(f"z2,{w['arena'] + 64 * i:x},8")
        with scenario("raw registers are taken, reserved combinations refused"):
            c.monitor(f"raw b 0x1e7 {w['turn']:#x}")
            stop = c.resume()
            equal(pc(stop), w["turn"], "stopped at")
            c.monitor("raw off")
            check("reserved" in refused_monitor(c, "raw b 0x5001e7 0x1000"), "BT 0101, reserved without FEAT_ABLE")
        c("D;1")


def refused_monitor(c, command):
    try:
        return c.monitor(command)
    except RspError as e:
        return str(e)


def pattern(second):
    return bytes((i * 13 + 5 if second else i * 7 + 1) & 0xff for i in range(65536))


def memory(host):
    first, second = pattern(False), pattern(True)
    pages = m["pages"]
    with host.boot("/memory.elf") as guest, Rsp(guest) as c:
        run_to(c, m["looked"])
        with scenario("memory with the MMU off is physical"):
            equal(c.memory(pages + 100, 64), first[100:164], "first page")
            check(re.search("RAM|device", refused(c, "m10000,4")), "an address outside of RAM")
        seen = []
        c(f"Z1,{m['looked']:x},4")
        c(f"Z1,{m['finished']:x},4")
        while pc(c.resume()) == m["looked"]:
            size = 1 << int.from_bytes(c.memory(m["granule_now"], 8), "little")
            bits = int.from_bytes(c.memory(m["bits_now"], 8), "little")
            low, high = (int.from_bytes(c.memory(m[n], 8), "little") for n in ("view_low", "view_high"))
            seen.append(f"{size // 1024}K, {bits} bits")
            with scenario(f"memory through TTBR0 and TTBR1 with {seen[-1]}: page-crossing reads, writes, unmapped"):
                for name, view in (("TTBR0", low), ("TTBR1", high)):
                    equal(c.memory(view, 64), second[:64], f"{name}: start of the first page")
                    equal(c.memory(view + size - 100, 200), second[size - 100:size] + first[:100],
                          f"{name}: across the page border")
                    c.write(view + size - 2, b"\x01\x02\x03\x04")
                    equal(c.memory(view + size - 2, 4), b"\x01\x02\x03\x04", f"{name}: written across the border")
                    equal(c.memory(pages + 65536 + size - 2, 2), b"\x01\x02", f"{name}: in the physical page")
                    c.write(view + size - 2, second[size - 2:size] + first[:2])
                    equal(bytes.fromhex(c(f"m{view + 2 * size - 16:x},40")), first[size - 16:size], f"{name}: short read at the end of the mapping")
                    text = refused(c, f"m{view + 2 * size:x},4")
                    check("level 3" in text, f"{name}: unmapped says {text!r}")
                    check("level" in c.monitor(f"walk {view:#x}"), "walk")
                text = refused(c, f"m{1 << bits + 1:x},4")
                check("translat" in text or "range" in text or "level" in text, f"the gap says {text!r}")
                text = c.monitor(f"phys {pages:#x} 16")
                check(first[:4].hex() in text.replace(" ", ""), f"physical memory: {text!r}")
                text = refused(c, "m9000000,4")
                check("device" in text or "RAM" in text, f"a device says {text!r}")
        with scenario("at least two granules were seen"):
            check(len(seen) >= 2, f"only {seen}")
        c("D;1")


def registers(host):
    with host.boot("/watch.elf") as guest, Rsp(guest) as c:
        run_to(c, w["turn"])
        regs = {int(n): (name, int(bits)) for name, bits, n in
                re.findall(r'<reg name="([^"]+)" bitsize="(\d+)"[^>]*regnum="(\d+)"', c.description())}
        with scenario("sp follows SPSel"):
            sp = c.register(SP)
            cpsr = c.register(CPSR)
            by_name = {name: n for n, (name, _) in regs.items()}
            equal(c.register(by_name["SP_EL1"]), sp, "SP_EL1 with SPSel set")
            c.set_register(by_name["SP_EL0"], 0x1234560)
            c.set_register(CPSR, cpsr & ~1, 4)
            equal(c.register(SP), 0x1234560, "sp with SPSel clear")
            c.set_register(CPSR, cpsr, 4)
            equal(c.register(SP), sp, "sp with SPSel set again")
        with scenario("every writable register takes what is written and gives it back"):
            written = 0
            for n, (name, bits) in sorted(regs.items()):
                if not re.fullmatch(r"x\d+|[vzp]\d+|fpsr|fpcr|sp|pc|tpidr|TPIDR_EL1|TPIDRRO_EL0|ELR_EL1|FAR_EL1|SP_EL[01]|CONTEXTIDR_EL1", name):
                    continue
                size = bits // 8
                old = c(f"p{n:x}")
                check("x" not in old, f"{name} is unavailable")
                if name in ("fpsr", "fpcr"):
                    new = (0x1 if name == "fpsr" else 0x400000).to_bytes(size, "little")
                elif name in ("pc", "sp", "SP_EL0", "SP_EL1", "ELR_EL1"):
                    new = 0x40081230.to_bytes(size, "little")
                elif name == "CONTEXTIDR_EL1":
                    new = 0x5a5a.to_bytes(size, "little")
                else:
                    new = bytes((n * 17 + i * 3 + 1) & 0xff for i in range(size))
                equal(c(f"P{n:x}={new.hex()}"), "OK", f"write of {name}")
                equal(c(f"p{n:x}"), new.hex(), f"{name} read back")
                c(f"P{n:x}={old}")
                equal(c(f"p{n:x}"), old, f"{name} restored")
                written += 1
            check(written > 60, f"only {written} registers in {len(regs)}")
        with scenario("registers that cannot be written say so"):
            for name in ("pauth_dmask", "MPIDR_EL1"):
                if name in by_name:
                    check(refused(c, f"P{by_name[name]:x}={'11' * 8}"), name)
        with scenario("the guest runs on unharmed"):
            rounds = int.from_bytes(c.memory(w["rounds"], 8), "little")
            run_to(c, w["turn"])
            run_to(c, w["turn"])
            check(int.from_bytes(c.memory(w["rounds"], 8), "little") > rounds, "no progress")
        c("D;1")


def run_control(host):
    value = lambda name, n=0: int.from_bytes(c.memory(p[name] + 8 * n, 8), "little")  # noqa: E731
    with host.boot("/power.elf", cpus=3) as guest, Rsp(guest) as c:
        run_to(c, p["before_on"])
        with scenario("a vCPU that is off is shown so, and one started by a stepped HVC starts stopped"):
            threads = c("qXfer:threads:read::0,fff0")
            equal(len(re.findall(r"off", threads)), 2, f"vCPUs that are off in {threads!r}")
            run_to(c, p["before_on"])
            before = value("beats", 1)
            c(f"Z1,{p['psci']:x},4")
            stop = c.resume()
            equal(pc(stop), p["psci"], "stopped at")
            c(f"z1,{p['psci']:x},4")
            stop = c.resume("vCont;s:1")
            equal(pc(stop), p["psci"] + 4, "the step over HVC")
            for _ in range(20):
                c.resume("vCont;s:1")
            equal(value("beats", 1), before, "beats of the new vCPU while only the first is stepped")
            threads = c("qXfer:threads:read::0,fff0")
            equal(len(re.findall(r"\boff\b", threads)), 0, f"vCPUs that are off in {threads!r}")
        with scenario("a step of one vCPU, and a step with all others resumed"):
            c(f"Z1,{p['beat']:x},4")
            stop = c.resume()
            c(f"z1,{p['beat']:x},4")
            vcpu = stop["vcpu"]
            others = [value("beats", n) for n in range(3)]
            for _ in range(50):
                stop = c.resume(f"vCont;s:{vcpu + 1:x}")
                equal(stop["vcpu"], vcpu, "the vCPU that stepped")
            for n in range(3):
                if n != vcpu:
                    equal(value("beats", n), others[n], f"beats of vCPU {n}, which was held")
        with scenario("continue of one vCPU leaves the others stopped; ^C lands on it"):
            one = value("beats", 1)
            c.send("vCont;c:1")
            c.interrupt()
            stop = c.wait_stop()
            equal(stop["signal"], 2, "signal")
            equal(stop["vcpu"], 0, "the vCPU told")
            equal(value("beats", 1), one, "beats of vCPU 1")
        with scenario("a range step is interrupted by ^C, and stops once"):
            c(f"Z1,{p['beat']:x},4")
            stop = c.resume("vCont;c")
            c(f"z1,{p['beat']:x},4")
            vcpu = stop["vcpu"]
            c.send(f"vCont;r{p['_start']:x},{p['__bss_start']:x}:{vcpu + 1:x};c")
            c.interrupt()
            stop = c.wait_stop()
            check(stop["signal"] in (2, 5), f"{stop}")
            c.send("qC")
            check(c.receive().startswith(b"QC"), "something else than one stop came")
        with scenario("a vCPU asleep in WFI with interrupts masked is stopped and stepped"):
            run_to(c, p["before_on"])
            for _ in range(100):  # the stops so far may not have let it get there
                c.send("vCont;c")
                c.interrupt()
                c.wait_stop()
                c("Hgp1.3")
                at = c.register(PC)
                if p["secondary_main"] <= at < p["secondary_main"] + 256:
                    break
            check(p["secondary_main"] <= at < p["secondary_main"] + 256, f"vCPU 2 stands at {at:#x}")
            for _ in range(6):
                stop = c.resume("vCont;s:3")
                equal(stop["vcpu"], 2, "the vCPU that stepped")
            check(p["secondary_main"] <= pc(stop) < p["secondary_main"] + 256, f"vCPU 2 stands at {pc(stop):#x}")
        with scenario("a step over CPU_OFF ends, and the vCPU is on again when it is turned on"):
            c(f"Z1,{p['psci']:x},4")
            stop = c.resume("vCont;c")
            while (stop["vcpu"], stop["registers"][0]) != (1, 0x84000002):
                stop = c.resume("vCont;c")
            c(f"z1,{p['psci']:x},4")
            stop = c.resume("vCont;s:2;c")
            equal(stop["vcpu"], 1, "the vCPU that stepped")
            # KVM keeps a vCPU that is off: its step ends with the first instruction that follows CPU_ON.
            check(KVM or (pc(stop) == p["psci"] + 4 and "off" in c("qXfer:threads:read::0,fff0")), f"{stop}")
            beats = value("beats", 1)
            with c.running():
                pass
            while value("beats", 1) == beats:
                with c.running():
                    pass
        with scenario("the guest goes on powering its vCPU on and off"):
            before = value("rounds")
            run_to(c, p["before_on"])
            run_to(c, p["before_on"])
            run_to(c, p["before_on"])
            check(value("rounds") >= before + 2, f"rounds {before} became {value('rounds')}")
        c("D;1")


def own_points(host):
    def counts():
        return [int.from_bytes(c.memory(own[name], 8), "little") for name in ("rounds", "breaks", "watches")]

    def run_freely():
        before = counts()
        while counts()[0] - before[0] < 100:
            with c.running():
                pass
        rounds, breaks, watches = (b - a for a, b in zip(before, counts()))
        check(abs(rounds - breaks) <= 1 and abs(rounds - watches) <= 1,
              f"{rounds} rounds, {breaks} breakpoints and {watches} watchpoints of the guest's own")

    # KVM has one set of debug registers at a time, the monitor loads both.
    at_stake = 0 if KVM else 1
    with host.boot("/points.elf") as guest, Rsp(guest) as c:
        run_to(c, own["again"])
        with scenario(f"the guest's own points are met {at_stake} times in a round of steps, and in every round that is not stepped"):
            run_freely()
            for how in ("vCont;s:1", f"vCont;r{own['_start']:x},{own['again']:x}:1"):
                run_to(c, own["again"])
                before = counts()
                for _ in range(2000):
                    if pc(c.resume(how)) == own["again"]:
                        break
                equal([b - a for a, b in zip(before, counts())], [1, at_stake, at_stake],
                      f"rounds, breakpoints, watchpoints in one round of {how}")
                run_freely()
        with scenario("the guest's own points that it has masked are not met, with a software breakpoint of ours set"):
            c.write(own["masked"], (1).to_bytes(8, "little"))
            run_to(c, own["again"])  # the round that has begun is over
            c(f"Z0,{own['again']:x},4")
            before = counts()
            for _ in range(100):
                equal(pc(c.resume()), own["again"], "stopped at")
            equal([b - a for a, b in zip(before, counts())], [100, 0, 0], "rounds, breakpoints, watchpoints")
            c.write(own["masked"], bytes(8))
            c(f"z0,{own['again']:x},4")
            run_to(c, own["again"])
            run_freely()


def ends(host):
    guest = host.boot("/power.elf", cpus=2, wait=False)
    with scenario("a client that vanishes leaves nothing: memory is the original, the next client is served"):
        for how in ("close", "in a step", "running"):
            c = Rsp(guest)
            c("?")
            c(f"Z0,{p['beat']:x},4")
            c(f"Z2,{p['beats']:x},8")
            stop = c.resume()
            check("swbreak" in stop or "watch" in stop, f"{stop}")
            if how == "in a step":
                c.send(f"vCont;r{p['_start']:x},{p['__bss_start']:x}:1;c")
            elif how == "running":
                c(f"z0,{p['beat']:x},4")
                c(f"z2,{p['beats']:x},8")
                c.send("vCont;c")
            c.close()
            c = Rsp(guest)
            c("?")
            text = c.memory(p["beat"], 64)
            equal(text, p.bytes(p["beat"], 64), f"{how}: memory at the breakpoint")
            raw = c.monitor(f"phys {p['beat']:#x} 16").replace(" ", "")
            check(p.bytes(p["beat"], 4).hex() in raw, f"{how}: physical memory {raw!r}")
            check("0 used" in c.monitor("slots"), c.monitor("slots"))
            c("D;1")
            c.close()
    if KVM:
        second_client(guest)
    guest.stop()


def second_client(guest):
    with scenario("a second client is refused politely while the first is served"):
        c = Rsp(guest)
        try:
            d = Rsp(guest)
            d("?")
            check(False, "it was served")
        except (RspError, OSError):
            pass
        equal(c("?")[0], "T", "the first client's session")
        c("D;1")
        c.close()


def capabilities(host):
    with scenario("guestdbg caps: the self-test passes, in text and JSON"):
        found, status = caps(host)
        equal(status, 0, "exit status")
        text, status = host.run("guestdbg caps")
        equal(status, 0, "exit status")
        # A processor may leave it open; QEMU's do not. Without it a range step reads PC each time, and is slower.
        check(found["step_tells_exceptions"] and "does not tell" not in text, text)
        print("# " + json.dumps(found), file=sys.stderr)


with debug_host(files=[f"{paths[n]}:/{n}.elf" for n in names]) as host:
    if KVM:
        capabilities(host)
    slots(host)
    memory(host)
    registers(host)
    run_control(host)
    own_points(host)
    ends(host)
