# SPDX-License-Identifier: MIT
"""A bare arm64 machine (QEMU's virt with EL2) with the monitor on it, for the el2_*.py scenarios.

The guest's console is one socket, the debug UART the other. No test sleeps: each waits for text on one
of them, with a limit that is generous for an emulator on a busy machine.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from .elf import Elf
from .host import CPU, KERNEL, LAB, TOP, Lines
from .report import Failed

MONITOR = os.environ.get("EL2_MONITOR", os.path.join(LAB, "build/arm64/src/monitor/arm64/guestdbg-el2.bin"))
LIMIT = 120
START = 0x4f000000  # where firmware of ours is, if it is needed


def kernel():
    return os.path.realpath(os.path.join(LAB, "host/arm64", KERNEL, "kernel"))


def initrd(folder, programs=()):
    path = os.path.join(folder, "initrd")
    files = [f for p in programs for f in ("--file", f"{p}:/bin/{os.path.basename(p)}")]
    subprocess.run([os.path.join(TOP, "lab/mkinitrd"), *files, "--init", os.path.join(TOP, "tests/guests/el2_init"),
                    "arm64", KERNEL, path], check=True)
    return path


class Line:
    """One serial line: what arrived, and waiting for more."""

    def __init__(self, path):
        self.path = path
        self.text = b""
        self.sock = None

    def open(self, limit=30):
        end = time.monotonic() + limit
        while True:
            try:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(self.path)
                return self
            except (FileNotFoundError, ConnectionRefusedError):
                self.sock.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None

    def send(self, data):
        self.sock.sendall(data)

    def read(self, limit):
        """More bytes, or b"" when none came in time or the other side is gone."""
        self.sock.settimeout(max(limit, 0.01))
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            return b""
        self.text += data
        return data

    def wait(self, pattern, limit=LIMIT, start=0):
        """The match of the pattern in what came from offset start on, or None."""
        end = time.monotonic() + limit
        while True:
            m = re.search(pattern, self.text[start:])
            if m or time.monotonic() > end:
                return m
            if not self.read(min(5, end - time.monotonic())):
                if self.sock.fileno() < 0 or self._gone():
                    return re.search(pattern, self.text[start:])

    def _gone(self):
        self.sock.setblocking(False)
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True


class Machine:
    def __init__(self, cpu="cortex-a72", smp=1, monitor=True, wait=False, modules=True, memory="1G",
                 append="", options=(), programs=(), kernel_image=None, kernel_at=0x42000000, ramdisk=None, tree=None,
                 board="virt,virtualization=on,gic-version=3", ready=True, firmware=None):
        """ramdisk: the guest's initrd; None: one of el2_init with programs; False: none. tree: a function of
        the device tree that QEMU makes for this machine; what it returns, bytes and address, is handed to the
        monitor instead. ready: shall the monitor come up? firmware: code for EL3, which finds all in memory."""
        self.ready = ready and monitor
        self.folder = tempfile.mkdtemp(prefix="el2-")
        self.console = Line(os.path.join(self.folder, "console"))
        self.debug = Line(os.path.join(self.folder, "debug"))
        args = "console=ttyAMA0 quiet panic=-1 nokaslr " + append
        command = ["-cpu", cpu, "-smp", str(smp), "-m", memory, "-nodefaults", "-display", "none", "-no-reboot"]
        image = kernel_image or kernel()
        if ramdisk is None:
            ramdisk = initrd(self.folder, programs)
        if not monitor:
            command += ["-kernel", image, "-initrd", ramdisk, "-append", args]
        elif not tree:
            command += ["-kernel", MONITOR, "-append", "guestdbg.wait" if wait else "none"]
        if monitor and modules:
            command += ["-device", f"guest-loader,addr={kernel_at:#x},kernel={image},bootargs={args}"]
        if monitor and modules and ramdisk:
            command += ["-device", f"guest-loader,addr=0x50000000,initrd={ramdisk}"]
        if tree:
            command += self.loaders(board, command, tree, not firmware)
        if firmware:
            board += ",secure=on"
            command += ["-bios", firmware]
        self.started = time.monotonic()
        self.qemu = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", board,
                                      "-chardev", f"socket,id=c,path={self.console.path},server=on,wait=on",
                                      "-chardev", f"socket,id=d,path={self.debug.path},server=on,wait=on",
                                      "-serial", "chardev:c", "-serial", "chardev:d", *command, *options],
                                     stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def loaders(self, board, command, tree, go):
        """Options that place the monitor and a device tree of our own; go: and start it as firmware would."""
        path = os.path.join(self.folder, "tree")
        subprocess.run(["qemu-system-aarch64", "-M", f"{board},dumpdtb={path}", "-serial", "null", "-serial", "null",
                        *command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        with open(path, "rb") as f:
            data, at = tree(f.read())
        start = struct.pack("<IIIIQQ", 0x58000080, 0x580000a1, 0xd61f0020, 0, at, 0x40200000)  # ldr x0; ldr x1; br x1
        out = []
        for name, content, where in (("tree.new", data, at), ("start", start, START)):
            with open(os.path.join(self.folder, name), "wb") as f:
                f.write(content)
            out += ["-device", f"loader,file={f.name},addr={where:#x},force-raw=on"]
        return [*out, "-device", f"loader,file={MONITOR},addr=0x40200000,force-raw=on",
                *(["-device", f"loader,addr={START:#x},cpu-num=0"] if go else [])]

    def __enter__(self):
        self.address = self.debug.path  # for Gdb and Rsp
        self.console.open()
        self.debug.open()
        # What a client sends before the monitor has opened its UART would be lost.
        if self.ready and not self.debug.wait(rb"ready; target remote this line"):
            raise Failed(f"the monitor does not come up: {self.console.text[-300:]!r} {self.debug.text[-300:]!r}")
        self.debug.close()
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.wait()
        self.console.close()
        self.debug.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def userspace(self, limit=LIMIT):
        """The number of CPUs that userspace counts, None if it does not come up."""
        m = self.console.wait(rb"userspace cpus=(\d+)", limit)
        return int(m[1]) if m else None

    def command(self, text, pattern, limit=LIMIT):
        """A line for the guest's shell, and what its output matches."""
        start = len(self.console.text)
        self.console.send(text.encode() + b"\n")
        return self.console.wait(pattern, limit, start)

    def alive(self, word):
        """Does userspace answer a word that it cannot have said before?"""
        return bool(self.command(f"echo {word} | tr a-z A-Z", word.upper().encode()))

    def off(self, limit=60):
        self.console.send(b"poweroff -f\n")
        try:
            return self.qemu.wait(limit)
        except subprocess.TimeoutExpired:
            return None


def packed(elf, path):
    """Writes an ELF image as the arm64 Image that the monitor boots: a header before its first byte that
    branches there. Returns the address that it must be loaded at."""
    at = min(p[3] for p in elf.load)
    end = max(p[3] + p[6] for p in elf.load)
    entry = 0x14000000 | (elf.entry - at + 64) // 4
    with open(path, "wb") as f:
        f.write(struct.pack("<IIQQQQQQII", entry, 0, (at - 64) % 0x200000, end - at + 64, 10, 0, 0, 0, 0x644d5241, 0))
        f.write(elf.flat())
    return at - 64


class Bare:
    """What the scenarios of a KVM host need, on machines with the monitor: one for each guest."""

    def __init__(self, files=()):
        self.files = dict(reversed(f.partition(":")[::2]) for f in files)
        self.folder = tempfile.TemporaryDirectory(prefix="el2-")
        self.share = self.folder.name
        self.guests = []

    def boot(self, image, cpus=1, wait=True, initrd=None, append="", port=None):
        self.guests.append(BareGuest(self, self.files[image], cpus, wait, initrd and self.files[initrd], append))
        return self.guests[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for guest in self.guests:
            guest.stop()
        self.folder.cleanup()


class BareGuest:
    """One machine with the monitor and a guest, used as host.Guest is."""

    def __init__(self, host, image, cpus, wait, ramdisk, append):
        where = 0x42000000
        if not ramdisk:
            path = os.path.join(host.share, os.path.basename(image) + ".image")
            where, image = packed(Elf(image), path), path
        self.machine = Machine(CPU, cpus, wait=wait, kernel_image=image, kernel_at=where, ramdisk=ramdisk or False,
                               append=append)
        self.console = Lines()
        self.machine.__enter__()
        self.address = self.machine.address
        threading.Thread(target=self.read, args=(self.machine.console.sock,), daemon=True).start()

    def read(self, sock):
        kept = b""
        while True:
            try:
                data = sock.recv(65536)
            except OSError:
                data = b""
            *lines, kept = (kept + data).split(b"\n")
            for line in lines:
                self.console.add(line.decode(errors="replace").rstrip("\r"))
            if not data:
                self.console.end()
                return

    def wait(self, pattern, start=0, limit=3 * LIMIT):
        return self.console.wait(pattern, start, limit)[0]

    def send(self, text):
        self.machine.console.send(text.encode() + b"\n")

    def status(self, limit=3 * LIMIT):
        """The emulator's exit status, once the guest has turned the machine off."""
        return self.machine.qemu.wait(limit)

    def stop(self):
        self.machine.__exit__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
