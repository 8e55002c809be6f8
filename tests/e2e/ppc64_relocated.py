#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Debian's kernel somewhere else: loaded at 32 MiB it moves itself to 0, or, told so as kexec tells a crash kernel,
# stays there and writes only its vectors to 0. Stepped while it writes them; then debugged by its symbols moved.
# And one whose interrupts stay at 0, untranslated, as on a host without AIL=3.
#
# lab: ppc64 6.12 power10
# full: ppc64 6.1 power9
# timeout: 1200

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.power import HIGH, LR, MSR, PC, SE, SRR1, power10

AT = 0x2000000
STEPS = 200
LPCR, AIL, H_SET_MODE = 178, 0x01800000, 0x31c
initrd = images.initrd("relocated", images.shell())
kernel = Elf(images.linux())
COPY, VECTORS_END = kernel["copy_and_flush"], kernel["__end_interrupts"] & ~HIGH  # in real mode as by 0xc...


def flat(stay):
    """The kernel as it lies in memory, its zeroes included. stay: with the word that keeps it where it is loaded (head_64.S)."""
    data = bytearray(kernel.flat())
    data += bytes((max(p[3] + p[6] for p in kernel.load) & ~HIGH) - len(data))
    at = kernel["__run_at_load"] & ~HIGH
    data[at:at + 4] = (1).to_bytes(4, "little") if stay else data[at:at + 4]
    out = os.path.join(images.MADE, "kernel-that-" + ("stays" if stay else "moves"))
    with open(out, "wb") as f:
        f.write(data)
    return out


def boot(host, stay):
    return host.guest(f"--memory 512M --flat {AT:#x} --initrd /initrd --append 'console=hvc0 panic=-1'",
                      "/stays" if stay else "/moves")


def to(c, address):
    """Runs to an address, which the kernel does not write over on the way."""
    c(f"Z0,{address:x},4")
    stop = c.resume()
    equal(stop["registers"][PC], address, "stopped at")
    c(f"z0,{address:x},4")
    return stop["registers"]


def step(c, action="vCont;s:1"):
    """One step, or those of a range: the registers afterwards, without SE."""
    stop = c.resume(action)
    equal((stop["kind"], stop["signal"]), ("T", 5), "how a step ended")
    check(not stop["registers"][MSR] & SE and not c.register(SRR1) & SE, f"SE is readable at {stop['registers'][PC]:#x}")
    return stop["registers"]


def copying(c, mode, singly):
    """Steps through the loop that copies the vectors to 0, while the fence of each step stands on them."""
    c.monitor(f"step-mode {mode}")
    regs = to(c, AT + COPY)
    back = regs[LR]
    for _ in range(singly):
        regs = step(c)
        check(AT + COPY <= regs[PC] < AT + COPY + 0x48, f"a step of the loop ended at {regs[PC]:#x}")
    check(0x300 < regs[6] < VECTORS_END, f"written up to {regs[6]:#x}")
    regs = step(c, f"vCont;r{AT + COPY:x},{AT + COPY + 0x48:x}:1")
    equal(regs[PC], back, "behind the loop")
    equal(c.memory(0x100, VECTORS_END - 0x100), c.memory(AT + 0x100, VECTORS_END - 0x100), "the vectors at 0")


def walk(c, thread, steps):
    """Steps none of which may end in an interrupt from outside: where they led."""
    places = []
    for _ in range(steps):
        places.append(step(c, f"vCont;s:{thread}")[PC])
        vector = places[-1] & ~(HIGH | 0x4000)
        check(vector not in (0x500, 0x900, 0xa00, 0xf00), f"a step ended at {places[-1]:#x}")
    return places


def watch(c, address):
    """A store to a word of the kernel's is met."""
    c(f"Z2,{address:x},8")
    stop = c.resume()
    equal(int(stop.get("watch", "0"), 16), address, f"{stop}: watch")
    c(f"z2,{address:x},8")


def called(c, guest, at):
    """Stopped in a system call of a program: the vCPU."""
    c(f"Z0,{at:x},4")
    guest.send("renice -n 0 -p 1")
    stop = c.resume()
    equal(stop["registers"][PC], at, "stopped at")
    c(f"z0,{at:x},4")
    return stop["thread"]


def end(guest):
    guest.send("poweroff -f")
    equal(guest.status(), 0, "exit status after the guest's power-off")
    bad = [x for x in guest.console.all if "Oops" in x or "BUG:" in x or "WARNING:" in x or "ftrace bug" in x]
    check(not bad, f"the guest says {bad[:3]}")


with Host(files=[f"{flat(False)}:/moves", f"{flat(True)}:/stays", f"{initrd}:/initrd"]) as host:
    with scenario("a kernel that moves itself to 0 is followed there, and boots"):
        with boot(host, False) as guest:
            with Rsp(guest) as c:
                equal(c.register(PC), AT, "pc at the first stop")
                # The copying code first, which then copies the rest. A breakpoint lives in what is there already.
                for place in (AT, 0):
                    regs = to(c, place + COPY)
                    equal(to(c, regs[LR])[PC], regs[LR], "behind the copy")
                to(c, kernel["start_kernel"] + 0x24)
                equal(c.memory(kernel["sys_getppid"], 64), kernel.bytes(kernel["sys_getppid"], 64), "text")
                c("D;1")
            guest.wait("guest-ready")
            end(guest)
    for mode in ("trace", "breakpoint"):
        with scenario(f"a kernel that stays: stepped by {mode} while it writes the vectors over the fence"):
            with boot(host, True) as guest:
                with Rsp(guest) as c:
                    copying(c, mode, 2000 if mode == "trace" else 1000)
                    to(c, kernel["start_kernel"] + AT + 0x24)
                    c("D;1")
                guest.wait("guest-ready")
                end(guest)
    with scenario("a kernel that stays: break, backtrace, and steps from a system call by its symbols moved"):
        with boot(host, True) as guest, Gdb() as gdb:
            gdb.connect(guest)
            gdb(f"symbol-file {kernel.path} -o {AT:#x}")
            gdb.start("continue")
            guest.wait("guest-ready")
            gdb.interrupt()
            gdb.collect()
            gdb("break sys_getpriority")
            gdb.start("continue")
            guest.send("renice -n 0 -p 1")
            stop = gdb.stopped()
            equal(stop["breakpoints"], [1], "breakpoint")
            check(abs(stop["pc"] - kernel["sys_getpriority"] - AT) < 0x40, f"stopped at {stop['pc']:#x}")
            bt = gdb("bt")
            for name in ("sys_getpriority", "system_call_exception"):
                check(name in bt, f"no {name} in the backtrace: {bt}")
            gdb("delete")
            gdb("detach")
            with Rsp(guest) as c:
                vectors = c.memory(HIGH | 0x100, VECTORS_END - 0x100)
                walk(c, called(c, guest, kernel["sys_getpriority"] + AT + 8), STEPS)
                if power10:
                    watch(c, kernel["jiffies_64"] + AT)
                equal(c.memory(HIGH | 0x100, VECTORS_END - 0x100), vectors, "the vectors at 0 afterwards")
                c("D;1")
            end(guest)
    with scenario("a kernel without AIL=3, whose interrupts stay at 0: steps through a system call's entry, watchpoint, and it runs on"):
        with boot(host, False) as guest:
            with Rsp(guest) as c:
                for place in (AT, 0):
                    regs = to(c, place + COPY)
                    to(c, regs[LR])
                # It asks for an AIL that no host gives, and hears what one without AIL=3 says to that.
                to(c, kernel["pseries_enable_reloc_on_exc"] + 8)  # behind the entry of other modules'
                regs = to(c, kernel["plpar_hcall_norets"] + 8)
                equal((regs[3], regs[4], regs[5]), (H_SET_MODE, 3, 3), "the hypercall")
                c.set_register(4, 1)
                c("D;1")
            guest.wait("elocation on exceptions")
            guest.wait("guest-ready")
            with Rsp(guest) as c:
                equal(c.register(LPCR) & AIL, 0, "LPCR[AIL]")
                vectors = c.memory(HIGH | 0x100, VECTORS_END - 0x100)
                for mode in ("trace", "breakpoint"):
                    c.monitor(f"step-mode {mode}")
                    places = walk(c, called(c, guest, kernel["sys_getpriority"] + 8), 5 * STEPS)
                    check(0xc00 in places, f"no system call on the way, by {mode}: {[hex(x) for x in places[-3:]]}")
                if power10:
                    watch(c, kernel["jiffies_64"])
                equal(c.memory(HIGH | 0x100, VECTORS_END - 0x100), vectors, "the vectors at 0 afterwards")
                c("D;1")
            end(guest)
