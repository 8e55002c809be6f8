# SPDX-License-Identifier: MIT
"""A raw client of the remote serial protocol, for what GDB does not say or would say too slowly."""

import contextlib
import re
import socket

from .host import LIMIT
from .report import check


class RspError(Exception):
    """An E reply; the text if there was one."""


def checksum(data):
    return sum(data) & 0xff


def unescape(data):
    out, i = bytearray(), 0
    while i < len(data):
        c = data[i]
        if c == 0x7d:
            i += 1
            out.append(data[i] ^ 0x20)
        elif c == 0x2a:
            i += 1
            out += bytes([out[-1]]) * (data[i] - 29)
        else:
            out.append(c)
        i += 1
    return bytes(out)


class Rsp:
    FEATURES = "multiprocess+;swbreak+;hwbreak+;qRelocInsn+;vContSupported+;QThreadOptions+;error-message+;binary-upload+"

    order = "little"  # of registers on the wire

    def __init__(self, guest, features=FEATURES, limit=LIMIT):
        address = getattr(guest, "address", guest)
        if address.startswith("/"):
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.s = socket.create_connection((host, int(port)))
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.settimeout(limit)
        self.data = b""
        self.ack = True
        # On a serial line the stop reply of a client that vanished may still be on its way.
        self.send("QStartNoAckMode")
        while self.receive() != b"OK":
            pass
        self.ack = False
        self.supported = self(f"qSupported:{features}") if features is not None else ""
        # As GDB does: the answer comes when the guest, which a new client stops, stands.
        self("?")
        self.s.settimeout(LIMIT)

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode("latin-1")
        data = re.sub(rb"[#$}*]", lambda m: b"}" + bytes([m.group()[0] ^ 0x20]), data) \
            if isinstance(text, bytes) else data
        self.s.sendall(b"$" + data + b"#%02x" % checksum(data))

    def receive(self):
        while True:
            m = re.search(rb"\$([^#]*)#([0-9a-f]{2})", self.data, re.S)
            if m:
                break
            more = self.s.recv(65536)
            if not more:
                raise RspError("the connection was closed")
            self.data += more
        self.data = self.data[m.end():]
        if checksum(m.group(1)) != int(m.group(2), 16):
            raise RspError(f"bad checksum: {m.group(0)!r}")
        if self.ack:
            self.s.sendall(b"+")
        return unescape(m.group(1))

    def __call__(self, text):
        """Sends a packet and returns its reply as text (latin-1); E replies raise RspError."""
        self.send(text)
        reply = self.receive().decode("latin-1")
        if re.fullmatch(r"E[0-9a-f]{2}|E\..*", reply, re.S):
            raise RspError(reply[2:] if reply.startswith("E.") else reply)
        return reply

    def monitor(self, command):
        """A monitor command; its text."""
        self.send("qRcmd," + command.encode().hex())
        text = b""
        while True:
            reply = self.receive()
            if reply == b"OK":
                return text.decode("latin-1")
            if re.fullmatch(rb"E[0-9a-f]{2}|E\..*", reply, re.S):
                raise RspError(reply.decode("latin-1"))
            text += bytes.fromhex(reply[1:].decode() if reply[:1] == b"O" else reply.decode())
            if reply[:1] != b"O":
                return text.decode("latin-1")

    def memory(self, address, length):
        out = b""
        while len(out) < length:
            piece = bytes.fromhex(self(f"m{address + len(out):x},{min(length - len(out), 1024):x}"))
            if not piece:
                break
            out += piece
        return out

    def write(self, address, data):
        return self(f"M{address:x},{len(data):x}:{data.hex()}")

    def register(self, number):
        """One register as a number."""
        return int.from_bytes(bytes.fromhex(self(f"p{number:x}")), self.order)

    def set_register(self, number, value, size=8):
        return self(f"P{number:x}={value.to_bytes(size, self.order).hex()}")

    def description(self):
        """The target description, in as many pieces as it takes."""
        xml = ""
        while True:
            part = self(f"qXfer:features:read:target.xml:{len(xml):x},fff0")
            xml += part[1:]
            if part[0] == "l":
                return xml

    def stop(self, reply):
        """A stop reply taken apart: signal, and its pairs; registers by number."""
        if reply[0] != "T":
            return {"kind": reply[0], "rest": reply[1:]}
        out = {"kind": "T", "signal": int(reply[1:3], 16), "registers": {}}
        for pair in reply[3:].split(";"):
            key, _, value = pair.partition(":")
            if re.fullmatch(r"[0-9a-f]{1,3}", key):
                out["registers"][int(key, 16)] = None if "x" in value else \
                    int.from_bytes(bytes.fromhex(value), self.order)
            elif key:
                out[key] = value
        if "thread" in out:
            out["vcpu"] = int(out["thread"].rpartition(".")[2], 16) - 1
        return out

    def resume(self, actions="vCont;c"):
        """Resumes and waits for the stop."""
        self.send(actions)
        return self.wait_stop()

    def wait_stop(self):
        return self.stop(self.receive().decode("latin-1"))

    def interrupt(self):
        self.s.sendall(b"\x03")

    @contextlib.contextmanager
    def running(self):
        """The guest runs inside, and is stopped again after."""
        self.send("vCont;c")
        try:
            yield
        finally:
            self.interrupt()
            stop = self.wait_stop()
        check(stop.get("signal") in (0, 2), f"a stop that nobody asked for: {stop}")

    def hits(self, kind, address):
        """How often the point was hit, by `monitor stats`."""
        text = self.monitor("stats")
        m = re.search(rf"^{kind} 0x{address:x}: (\d+) hits", text, re.M)
        check(m, f"no {kind} of {address:#x} in {text}")
        return int(m.group(1))

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Code:
    """Instruction words of a stopped guest, read a KiB at a time."""

    def __init__(self, c):
        self.c, self.lines = c, {}

    def __call__(self, pc):
        line = pc & ~1023
        if line not in self.lines:
            self.lines[line] = self.c.memory(line, 1024)
        return int.from_bytes(self.lines[line][pc - line:pc - line + 4], "little")
