# SPDX-License-Identifier: MIT
"""gdb-multiarch as a user has it, driven from here by its Python."""

import json
import os
import select
import signal
import subprocess
import time

from .host import LIMIT, TOP, ARCH
from .side import Side

SIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb_side.py")
NO_STOP = {"breakpoints": [], "signal": None, "thread": 0, "pc": 0, "frame": "no stop"}
ARCHITECTURE = {"arm64": "aarch64", "ppc64": "powerpc:common64"}


class GdbError(Exception):
    """What GDB said when it refused a command."""


class Gdb(Side):
    def __init__(self, symbols=None, log=None, architecture=None):
        command = ["gdb-multiarch", "-nx", "-q", "-batch", "-ex", "set pagination off", "-ex", "set confirm off",
                   "-ex", "set width 0", "-ex", f"set tcp connect-timeout {LIMIT}", "-ex",
                   f"set remotetimeout {LIMIT}", "-ex",
                   f"set architecture {architecture or ARCHITECTURE[ARCH]}"]
        if log:
            command += ["-ex", f"set remotelogfile {log}"]
        if symbols:
            command += ["-ex", f"file {symbols}"]
        super().__init__("GDBSIDE", command + ["-x", SIDE], {}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         cwd=TOP)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.stop = None
        self.printed = ""

    def post(self, do, text, tell_running=False):
        self.printed = ""
        self.tell(do=do, text=text, tell_running=tell_running)

    def drain(self):
        self.printed += (self.process.stdout.read() or b"").decode(errors="replace")

    def line(self, limit):
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.answer, self.process.stdout], [], [], limit)
            if not ready:
                raise GdbError(f"no answer within {limit} s")
            if self.process.stdout in ready:
                self.drain()
            if self.answer in ready:
                data = os.read(self.answer, 65536)
                if not data:
                    raise GdbError("GDB ended")
                self.buffer += data
        line, _, rest = self.buffer.partition(b"\n")
        return line, rest

    def collect(self, limit=LIMIT):
        """The answer to a request posted before. What GDB printed on its terminal meanwhile, stops above
        all, is in printed."""
        line, self.buffer = self.line(limit)
        self.drain()
        answer = json.loads(line)
        if "error" in answer:
            raise GdbError(answer["error"])
        self.stop = answer.get("stop")
        return answer["ok"]

    def __call__(self, command, limit=LIMIT):
        """Executes a command and returns what it printed; a refusal is a GdbError."""
        self.post("execute", command)
        return self.collect(limit)

    def value(self, expression):
        self.post("evaluate", expression)
        return self.collect()

    def python(self, code):
        """Runs Python inside GDB; the value of `result` comes back."""
        self.post("python", code)
        return self.collect()

    def go(self, command="continue", limit=LIMIT):
        """Executes what resumes the guest; the stop: breakpoints (numbers), signal, thread, pc, frame."""
        self(command, limit)
        return self.stop or NO_STOP

    def stopped(self, limit=LIMIT):
        """Waits for the stop after start()."""
        self.collect(limit)
        return self.stop or NO_STOP

    def connect(self, guest):
        return self(f"target remote {getattr(guest, 'address', guest)}")

    def start(self, command):
        """Begins a command (continue) whose end collect() waits for; returns when the guest runs."""
        self.post("execute", command, True)
        line, rest = self.line(LIMIT)
        if "running" in json.loads(line):
            self.buffer = rest

    def interrupt(self):
        """^C. GDB loses one that comes while it is still in Python's hands; once it runs the guest, it sleeps."""
        while self.state() == "R":
            time.sleep(0.01)
        self.process.send_signal(signal.SIGINT)

    def state(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]

    def kill(self):
        """The end that nobody could announce."""
        self.process.kill()
        self.close()
