# SPDX-License-Identifier: MIT
"""LLDB of lab/setup lldb, driven from here by its Python."""

import json
import os
import select
import subprocess

from .host import LAB, LIMIT
from .side import Side

SIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lldb_side.py")


class LldbError(Exception):
    """What LLDB said when it refused a command."""


class Lldb(Side):
    def __init__(self, version, symbols, log=None):
        command = [os.path.join(LAB, "bin", f"lldb-{version}"), "-b", "-x", "-o", "settings set auto-confirm true",
                   "-o", f"settings set plugin.process.gdb-remote.packet-timeout {LIMIT}"]
        if log:
            command += ["-o", f"log enable -f {log} gdb-remote packets"]
        command += ["-o", f"target create {symbols}", "-o", f"command script import {SIDE}"]
        # Debian's Python belongs to it, whichever Python comes first in PATH.
        super().__init__("LLDBSIDE", command, {"PYTHONHOME": "/usr", "PYTHONDONTWRITEBYTECODE": "1"},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, do, text, limit=LIMIT):
        self.tell(do=do, text=text)
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.answer], [], [], limit)
            if not ready:
                raise LldbError(f"no answer to {text!r} within {limit} s")
            data = os.read(self.answer, 65536)
            if not data:
                raise LldbError("LLDB ended")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise LldbError(answer["error"])
        return answer["ok"]

    def __call__(self, command):
        """Executes a command, to the stop if it resumes, and returns what it printed."""
        return self.ask("execute", command)

    def python(self, expression):
        """The value of an expression of target, process, thread, frame (those selected) and lldb."""
        return self.ask("python", expression)

    def register(self, name):
        return self.python(f"frame.FindRegister('{name}').GetValueAsUnsigned()")

    def packet(self, text):
        """The reply to a packet that LLDB is asked to send."""
        return self(f"process plugin packet send '{text}'").rpartition("response: ")[2].strip()

    def stop(self):
        """Why the selected thread stands: LLDB's own description, and its pc."""
        return self.python("[thread.GetStopDescription(256), frame.GetPC()]")
