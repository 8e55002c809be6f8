#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""demo.py arm64|ppc64|el2: GDB debugs Debian's kernel from outside the guest. Called by `make demo`.

Boots an emulated host (or uses this machine's own KVM if it is of that architecture), boots Debian's
kernel in it with guestdbg run, and lets gdb-multiarch connect from outside: a hardware breakpoint, a
backtrace, a watchpoint, ten steps, each checked against the kernel's own instructions, and detach.
Then the guest reaches userspace and answers a random word. What GDB prints is printed. el2: the same on
a bare arm64 machine with the EL2 monitor beneath the kernel, GDB connected to the monitor's own UART.
"""

import os
import subprocess
import sys
import time

WHAT = sys.argv[1]
ARCH = "arm64" if WHAT == "el2" else WHAT
os.environ["LAB_ARCH"] = ARCH
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from harness import Failed, Host, images  # noqa: E402

START = time.monotonic()
GUEST = {
    "arm64": {"console": "ttyAMA0 nokaslr", "counter": "jiffies_64", "kernel": "/Image"},
    "ppc64": {"console": "hvc0", "counter": "jiffies_64", "kernel": "/vmlinux"},
}[ARCH]
INIT = images.INIT % """
echo demo-userspace
read -r word
echo "the guest answers: $word"
"""


def progress(text):
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


def gdb(guest, symbols):
    """GDB with the script of the demo; its output goes straight to the user."""
    words = ["gdb-multiarch", "-nx", "-q", "-batch", "-iex", "set confirm off", "-iex", "set width 0",
             "-ex", f"source {TOP}/share/guestdbg.gdb", "-ex", "set remotetimeout 300",
             "-ex", f"file {symbols}", "-ex", f"python counter = '{GUEST['counter']}'",
             "-ex", f"python target = '{guest.address}'", "-x", os.path.join(TOP, "examples", "demo", "session.py")]
    return subprocess.run(words, stdin=subprocess.DEVNULL, timeout=900).returncode


def main():
    native = images.native()
    progress(f"making the guest: Debian's {ARCH} kernel, two vCPUs, a small initramfs")
    initrd = images.initrd("demo", INIT)
    kernel, symbols = images.linux(), images.symbols()
    progress("this machine's own KVM runs it" if native else f"booting an emulated {ARCH} host, whose kernel has KVM")
    with Host(files=[f"{kernel}:{GUEST['kernel']}", f"{initrd}:/initrd"], native=native) as host:
        progress("guestdbg run in that host; the guest waits before its first instruction")
        guest = host.guest("--cpus 2 --memory 256M --initrd", host.path("/initrd"),
                           f"--append 'console={GUEST['console']} quiet panic=-1'", host.path(GUEST["kernel"]))
        progress("gdb-multiarch, outside of it all:")
        status = gdb(guest, symbols)
        if status:
            raise Failed(f"GDB's session ended with status {status}")
        progress("the guest goes on by itself")
        guest.wait("demo-userspace")
        word = os.urandom(4).hex()
        progress(f"userspace is up; typing {word} on the guest's console")
        guest.send(word)
        guest.wait(f"the guest answers: {word}")
        status = guest.status()
        if status:
            raise Failed(f"guestdbg ended with status {status} after the guest's power-off")


def el2():
    from harness.el2 import Machine
    progress("a bare arm64 machine: the EL2 monitor, Debian's kernel beneath it, two CPUs; it waits")
    with Machine("max", 2, wait=True) as machine:
        progress("gdb-multiarch, on the monitor's own UART:")
        status = gdb(machine, images.symbols())
        if status:
            raise Failed(f"GDB's session ended with status {status}")
        progress("the guest goes on by itself")
        if machine.userspace() != 2:
            raise Failed("userspace did not come up with two CPUs")
        word = os.urandom(4).hex()
        progress(f"userspace is up; typing {word} on the guest's console")
        if not machine.alive(word):
            raise Failed("the guest does not answer")
        machine.off()


try:
    el2() if WHAT == "el2" else main()
    print("demo: ok")
except (Failed, OSError, subprocess.SubprocessError) as e:
    print(f"demo: failed: {e}")
    sys.exit(1)
