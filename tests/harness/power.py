# SPDX-License-Identifier: MIT
"""POWER's registers, and single steps as rows of a table: a state, one step, and all that may differ afterwards."""

import os

from . import images
from .elf import Elf
from .report import check, equal, scenario
from .rsp import RspError

PC, MSR, CR, LR, CTR, XER = range(64, 70)
VR0, VSCR = 103, 135
SRR0, SRR1, DAR, DSISR, SPRG0, SPRG1, SPRG2 = range(169, 176)
FSCR, TAR, CIABR, DAWR0, DAWRX0 = 180, 181, 184, 185, 186
NAMES = {PC: "pc", MSR: "msr", CR: "cr", LR: "lr", CTR: "ctr", XER: "xer", SRR0: "srr0", SRR1: "srr1", DAR: "dar",
         DSISR: "dsisr", SPRG1: "sprg1", SPRG2: "sprg2", TAR: "tar", FSCR: "fscr", CIABR: "ciabr",
         **{n: f"r{n}" for n in range(32)}}
SF, EE, PR, FP, ME, SE, BE, IR, DR, RI, LE = (1 << 63, 0x8000, 0x4000, 0x2000, 0x1000, 0x400, 0x200, 0x20, 0x10, 2, 1)
VEC = 1 << 25
CAUSE = 0x783f0000
TRACE, PREFIXED, ILLEGAL, PRIVILEGED, TRAP = 0x40000000, 0x20000000, 0x80000, 0x40000, 0x20000
REAL = SF | ME | RI | LE
VIRT = REAL | IR | DR
USER = VIRT | EE | PR
HIGH = 0xc000000000000000
ALL = (1 << 64) - 1
HOLE = 0x20000000  # beyond the guest's memory

# Where QEMU's emulated processor is known to differ (docs/power.md, Limits) the rows ask this.
silicon = images.native()
power10 = os.environ.get("LAB_CPU", "power10") == "power10"


def bare(name, *sources, flags=()):
    return Elf(images.bare(name, "start.S", *sources, flags=("-mcpu=power10", *flags)))


def flat(elf):
    """An image's bytes from 0 on, as a file: what guestdbg run --flat 0 takes."""
    out = elf.path + ".flat"
    with open(out, "wb") as f:
        f.write(elf.flat())
    return out


NUMBERS = {name: n for n, name in NAMES.items()}


class State:
    """The registers that a step begins with, and what is said of them. ail: does the guest use AIL=3? le: MSR[LE] of
    its interrupt handlers."""

    def __init__(self, at, msr, ail, le, given):
        self.ail, self.le = ail, le
        self.r = {n: 0x0101010101010101 * n for n in range(32)}
        self.r.update({PC: at, MSR: msr, CR: 0, LR: 0x1111111111111110, CTR: 0x2222222222222220, XER: 0,
                       SRR0: 0x1234567890abcdec, SRR1: 0x8000000000009032})
        self.r.update(given)

    def __getitem__(self, n):
        return self.r[n]

    def go(self, to=None, **changed):
        """It completes and goes on; changed: r3=..., lr=..."""
        return {PC: self[PC] + 4 if to is None else to, **{NUMBERS[k]: v for k, v in changed.items()}}

    def taken(self, vector, cause=0, srr0=None, srr1=None, **more):
        """It ends in an interrupt. None is a value that is not looked at."""
        msr = self[MSR] if srr1 is None else srr1
        high = self.ail and self[MSR] & IR and self[MSR] & DR
        return {**self.go((HIGH | 0x4000 if high else 0) + vector, **more),
                MSR: SF | ME | self.le | (IR | DR if high else 0),
                SRR0: self[PC] if srr0 is None else srr0, SRR1: msr & ~CAUSE | cause}

    def traced(self, to=None, msr=None, **more):
        """It completes, and the guest's own trace interrupt follows."""
        return self.taken(0xd00, TRACE, self[PC] + 4 if to is None else to, msr, **more)


def show(n, value):
    return f"{NAMES.get(n, n)}={value:#x}"


def run_to(c, address):
    c(f"Z1,{address:x},4")
    stop = c.resume()
    equal(stop["registers"][PC], address, "stopped at")
    c(f"z1,{address:x},4")
    return stop


def load(c, state):
    """All of a state into the vCPU."""
    core = b"".join(state[n].to_bytes(4 if n in (CR, XER) else 8, c.order) for n in [*range(32), *range(PC, XER + 1)])
    c("G" + core.hex())
    for n, value in state.r.items():
        if n > XER:
            c.set_register(n, value, 4 if n == DSISR else 8)


def after(c, stop, state, want):
    """What is not as wanted, as text; all that want does not name must be as before."""
    wrong = []
    got = dict(stop["registers"])
    for n in {*state.r, *want}:
        if n in want and want[n] is None:
            continue
        if n not in got:
            got[n] = c.register(n)
        wanted = want.get(n, state.r.get(n))
        if got[n] != wanted:
            wrong.append(f"{show(n, got[n])} instead of {wanted:#x}")
    return wrong


class Rows:
    """Rows of one guest. A row is the name of its instruction (or at, or place), the MSR, and want: what a State says
    of the registers afterwards, all others being as before. memory and becomes: bytes by address, before and after."""

    def __init__(self, elf):
        self.elf, self.ail, self.le = elf, False, LE if elf.order == "little" else 0

    def row(self, name, msr, want, memory=None, at=None, place=None, becomes=None, **given):
        if place is None:
            place = self.elf[at or name]
            if msr & IR and not msr & PR:
                place |= HIGH
        state = State(place, msr, self.ail, self.le, {NUMBERS[k]: v for k, v in given.items()})
        return name, state, want, memory or {}, becomes or {}

    def q(self, *values):
        """Doublewords as they lie in the guest's memory."""
        return b"".join(v.to_bytes(8, self.elf.order) for v in values)

    def w(self, value):
        """A word, and a zero behind it."""
        return value.to_bytes(4, self.elf.order) + bytes(4)

    def table(self, c, title, rows, modes=("trace", "breakpoint")):
        """Plays rows in their order, by each strategy. A string among them is a monitor command."""
        for mode in modes:
            c.monitor(f"step-mode {mode}")
            with scenario(f"{title}, by {mode}"):
                wrong = []
                for r in rows:
                    try:
                        if isinstance(r, str):
                            c.monitor(r)
                        else:
                            wrong += [f"{r[0]}: {text}" for text in play(c, r)]
                    except RspError as error:
                        wrong.append(f"{r[0]}: {error}")
                check(not wrong, "; ".join(wrong))
        c.monitor("step-mode auto")


def play(c, r):
    """One row: its faults as text."""
    name, state, want, memory, becomes = r
    for address, data in memory.items():
        c.write(address, data)
    load(c, state)
    stop = c.resume("vCont;s:1")
    if stop["kind"] != "T" or stop["signal"] != 5:
        return [f"{stop}"]
    wrong = after(c, stop, state, want(state))
    for address, data in becomes.items():
        got = c.memory(address, len(data))
        if got != data:
            wrong.append(f"memory at {address:#x} is {got.hex()} instead of {data.hex()}")
    return wrong


def code_sum(elf):
    """What the guest's sum of its own code comes to if no word has changed."""
    total = 0
    for start, end in ((0x100, 0x6000), (0x17000, elf["__main_end"]), (0x30000, 0x34000)):
        data = elf.bytes(start, end - start)
        for at in range(0, len(data), 4):
            word = int.from_bytes(data[at:at + 4], elf.order)
            total = ((total << 1 | total >> 63) + word) & ALL
    return total
