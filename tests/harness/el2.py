# SPDX-License-Identifier: MIT
"""A bare arm64 machine (QEMU's virt with EL2) with the monitor on it, for the el2_*.py scenarios.

The guest's console is one socket, the debug UART the other. No test sleeps: each waits for text on one
of them, with a limit that is generous for an emulator on a busy machine.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from .host import CPU, LAB, TOP

MONITOR = os.environ.get("EL2_MONITOR", os.path.join(LAB, "build/arm64/src/monitor/arm64/guestdbg-el2.bin"))
LIMIT = 120


def kernel():
    return os.path.realpath(os.path.join(LAB, "host/arm64/6.12/kernel"))


def initrd(folder, programs=()):
    path = os.path.join(folder, "initrd")
    files = [f for p in programs for f in ("--file", f"{p}:/bin/{os.path.basename(p)}")]
    subprocess.run([os.path.join(TOP, "lab/mkinitrd"), *files, "--init", os.path.join(TOP, "tests/guests/el2_init"),
                    "arm64", "6.12", path], check=True)
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
                 append="", options=(), programs=(), kernel_image=None, dtb=None, board="virt,virtualization=on,gic-version=3"):
        self.folder = tempfile.mkdtemp(prefix="el2-")
        self.console = Line(os.path.join(self.folder, "console"))
        self.debug = Line(os.path.join(self.folder, "debug"))
        args = "console=ttyAMA0 quiet panic=-1 nokaslr " + append
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-aarch64", "-M", board,
                   "-cpu", cpu, "-smp", str(smp), "-m", memory, "-nodefaults", "-display", "none", "-no-reboot",
                   "-chardev", f"socket,id=c,path={self.console.path},server=on,wait=on",
                   "-chardev", f"socket,id=d,path={self.debug.path},server=on,wait=off",
                   "-serial", "chardev:c", "-serial", "chardev:d"]
        image = kernel_image or kernel()
        if dtb:
            command += ["-dtb", dtb]
        if not monitor:
            command += ["-kernel", image, "-initrd", initrd(self.folder, programs), "-append", args]
        else:
            command += ["-kernel", MONITOR, "-append", "guestdbg.wait" if wait else "none"]
        if monitor and modules:
            command += ["-device", f"guest-loader,addr=0x42000000,kernel={image},bootargs={args}",
                        "-device", f"guest-loader,addr=0x50000000,initrd={initrd(self.folder, programs)}"]
        self.started = time.monotonic()
        self.qemu = subprocess.Popen([*command, *options], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        self.address = self.debug.path  # for Gdb and Rsp
        self.console.open()
        self.debug.open().close()  # it listens once QEMU has made it, after the console's
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
