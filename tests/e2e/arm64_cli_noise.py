#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What nobody should send to the debugger's port: noise, packets too long, half packets, clients that
# come and go. The server answers the next client, and the guest runs on.
#
# lab: arm64 6.12 max
# full: arm64 6.1 cortex-a72

import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.host import LIMIT

path = images.bare("power", "start.S", "bare.c", "power.c")
elf = Elf(path)
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
random.seed(SEED)


def connection(guest):
    s = socket.create_connection(("127.0.0.1", guest.port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(600)
    return s


def reset(s):
    """Closes without a farewell: the peer gets RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def packet(payload):
    return b"$" + payload + b"#%02x" % (sum(payload) & 0xff)


def next_client(guest):
    """The next client. The emulated network may take its time to tell the server that the last one is gone, and once
    in hundreds of connections it was seen to drop a client's first bytes for ever: the host's kernel had the
    connection (its SYN-ACK repeated) and no byte of data. Such a client comes again."""
    deadline = time.monotonic() + LIMIT
    while True:
        try:
            return Rsp(guest, limit=60)
        except (RspError, OSError) as e:
            check(time.monotonic() < deadline, f"no client gets in any more: {e} (seed {SEED})")
            time.sleep(0.1)


def alive(guest):
    """The next client finds a guest whose code is its own, and that gets ahead after it left."""
    seen = set()
    for _ in range(50):
        with next_client(guest) as c:
            c("?")
            equal(c.memory(elf["_start"], 512), elf.bytes(elf["_start"], 512), "the guest's code")
            equal(c.monitor("slots").count("0 used"), 2, "kinds of debug register without use")
            seen.add(c.memory(elf["beats"], 16))
            c("D;1")
        if len(seen) > 1:
            return
    check(False, f"the guest stands still (seed {SEED})")


# What a client may say, to be cut and stirred.
WORDS = [b"?", b"g", b"G00", b"p20", b"P0=0", b"m40080000,40", b"M0,0:", b"m" + b"f" * 40 + b",8", b"x40080000,40",
         b"X40080000,0:", b"vCont;c", b"vCont;s:1", b"vCont;t", b"vCont;r40080000,40090000:1;c", b"vCont?", b"Hgp1.2",
         b"Hc-1", b"T9", b"Z0,40080010,4", b"z0,40080010,4", b"Z2,40090000,8", b"z2,40090000,8", b"Z1,ffffffffffffffff,4",
         b"qSupported:multiprocess+;hwbreak+", b"qXfer:features:read:target.xml:0,ffb", b"qXfer:threads:read::0,ffffffffffffffff",
         b"qRcmd," + b"slots".hex().encode(), b"qRcmd,zz", b"qCRC:40080000,ffffffff", b"qSearch:memory:0;1;a", b"QStartNoAckMode",
         b"vMustReplyEmpty", b"D", b"D;7", b"k", b"\x03", b"}", b"*", b""]


def stirred():
    """A few hundred bytes of packets right, wrong and broken off."""
    out = b""
    for _ in range(random.randrange(1, 12)):
        data = packet(random.choice(WORDS))
        how = random.randrange(6)
        if how == 0:
            at = random.randrange(len(data))
            data = data[:at] + bytes([random.randrange(256)]) + data[at + 1:]
        elif how == 1:
            data = data[:random.randrange(len(data))]
        elif how == 2:
            data += random.randbytes(random.randrange(8))
        out += data
    return out


with Host(files=[f"{path}:/power.elf"]) as host:
    with host.guest("--cpus 2", "--no-wait", "/power.elf") as guest:
        with scenario("twenty clients come and go at once, in every way: the guest runs on"):
            for n in range(20):
                s = connection(guest)
                if n % 4 == 1:
                    s.sendall(b"+$qSup")
                elif n % 4 == 2:
                    s.sendall(packet(b"?") + packet(b"Z0,%x,4" % elf["beat"]) + packet(b"vCont;c"))
                (reset if n % 3 == 0 else socket.socket.close)(s)
            alive(guest)
        with scenario("ten clients at the same time: one is served, the others are told no"):
            with next_client(guest) as c:
                c("?")
                others = [connection(guest) for _ in range(10)]
                for s in others:
                    s.sendall(packet(b"qSupported"))
                for s in others:
                    reset(s)
                equal(c("qAttached"), "1", "the first client's session")
                c("D;1")
            alive(guest)
        with scenario("random bytes are no packets: the server goes on, the guest too"):
            for _ in range(10):
                s = connection(guest)
                s.sendall(random.randbytes(20000).replace(b"$", b"S"))
                s.sendall(packet(b"qAttached"))
                text = b""
                while b"$1#31" not in text:
                    more = s.recv(65536)
                    check(more, f"the server hung up after noise (seed {SEED})")
                    text = (text + more)[-100:]
                s.close()
            alive(guest)
        with scenario("a packet over PacketSize is refused, and the next one is answered"):
            with next_client(guest) as c:
                size = int(c.supported.partition("PacketSize=")[2].partition(";")[0], 16)
                c("?")
                for length in (size + 1, 2 * size, 40 * size):
                    try:
                        c("M40080000,%x:" % length + "0" * length)
                        check(False, f"{length} bytes were taken")
                    except RspError:
                        pass
                    equal(c("qAttached"), "1", f"after {length} bytes")
                long = "m40080000," + "0" * (size - 11) + "4"  # the longest that is allowed
                equal(c(long), elf.bytes(0x40080000, 4).hex(), f"a packet of {len(long)} bytes")
                c("D;1")
            with connection(guest) as s:  # with acknowledgements: '-', not an error
                s.sendall(packet(b"?"))
                while b"#" not in s.recv(65536):
                    pass
                s.sendall(b"+" + packet(b"M0,0:" + b"0" * 3 * size))
                equal(s.recv(1), b"-", "the answer to a packet over PacketSize")
            alive(guest)
        with scenario("a packet broken off is waited for, not guessed; one that begins anew counts"):
            with connection(guest) as s:
                s.sendall(packet(b"qAttached")[:-2])
                s.sendall(packet(b"vMustReplyEmpty")[:7])
                for byte in packet(b"qAttached"):
                    s.sendall(bytes([byte]))
                text = b""
                while b"$1#31" not in text:
                    more = s.recv(4096)
                    check(more, f"closed after {text!r}")
                    text += more
                equal(text.replace(b"-", b""), b"+$1#31", "the answers")
            alive(guest)
        with scenario("packets cut and stirred, for one client after the other: the guest runs on"):
            for n in range(60):
                s = connection(guest)
                for _ in range(random.randrange(1, 5)):
                    try:
                        s.sendall(stirred())
                    except OSError:  # a D or k among them: it hung up
                        break
                (reset if n % 2 else socket.socket.close)(s)
                if n % 20 == 19:
                    with next_client(guest) as c:  # a stirred P or M may have hit the guest: what is planted is ours
                        c("?")
                        equal(c("qAttached"), "1", f"the next client (seed {SEED})")
                        c("D;1")
            alive(guest)
        with scenario("nobody reads the answers: the next client is served all the same"):
            s = connection(guest)
            s.setblocking(False)
            try:
                for _ in range(5000):
                    s.sendall(packet(b"qXfer:features:read:target.xml:0,7000"))
            except BlockingIOError:
                pass
            reset(s)
            alive(guest)
        with scenario("the server's memory does not grow from it, and no descriptor stays open"):
            out, _ = host.run(f"p=$(cat /tmp/pid.{guest.number}); grep VmRSS /proc/$p/status; ls /proc/$p/fd | wc -l")
            descriptors = int(out.split()[-1])
            check(descriptors < 20, f"{descriptors} descriptors: {out}")
            check(int(out.split()[1]) < 100000, out)
