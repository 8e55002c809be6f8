# SPDX-License-Identifier: MIT
"""An emulated host by lab/run with a shell inside, and the guests that guestdbg run boots in it.

The shell reads lines from our side; what a guest prints comes back line by line with the guest's
number in front, so that one stream carries all of them.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time

from .report import Failed

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.abspath(os.environ.get("LAB", os.path.join(TOP, ".lab")))
# Where guests are debugged: on a KVM host of that architecture, or beneath the EL2 monitor.
WHERE = os.environ.get("LAB_ARCH", "arm64")
KVM = WHERE != "el2"
ARCH = WHERE if KVM else "arm64"
KERNEL = os.environ.get("LAB_KERNEL", "6.12")
CPU = os.environ.get("LAB_CPU", "max" if ARCH == "arm64" else "power10")
SMP = os.environ.get("LAB_SMP", "2" if ARCH == "arm64" else "1")
BUILD = os.environ.get("BUILD", os.path.join(LAB, "build", ARCH))
GUEST_SH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest.sh")
# Everything here is emulated on a shared machine: limits only end what hangs.
LIMIT = 600


class Lines:
    """Lines of one source, kept whole; waiting for one that matches."""

    def __init__(self):
        self.all = []
        self.ended = False
        self.changed = threading.Condition()

    def add(self, line):
        with self.changed:
            self.all.append(line)
            self.changed.notify_all()

    def end(self):
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, pattern, start=0, limit=LIMIT):
        """The match of the first line from index start on that holds pattern, and its index."""
        deadline = time.monotonic() + limit
        at = start
        with self.changed:
            while True:
                while at < len(self.all):
                    m = re.search(pattern, self.all[at])
                    if m:
                        return m, at
                    at += 1
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    tail = " / ".join(self.all[-5:])
                    how = "ended" if self.ended else f"said nothing for {limit} s"
                    raise Failed(f"waiting for {pattern!r}: the source {how}; its last lines: {tail}")
                self.changed.wait(left)


class Host:
    """A booted lab host. ports: how many guests can be debugged from outside at the same time.
    native: no host is booted, the shell runs on this machine. files are SOURCE:TARGET; path() says
    where a target is found by a command. options: further ones of lab/run."""

    def __init__(self, files=(), ports=1, smp=None, memory="2G", timeout=1500, native=False, options=()):
        self.folder = tempfile.TemporaryDirectory(prefix="guestdbg-e2e-")
        self.share = self.folder.name
        self.files = dict(reversed(f.partition(":")[::2]) for f in files) if native else {}
        command, environment = self.native() if native else self.emulated(files, ports, smp, memory, timeout, options)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="replace", bufsize=1)
        self.out, self.err = Lines(), Lines()
        self.guests = {}
        self.count = 0
        for stream, sink in ((self.process.stdout, self.sort), (self.process.stderr, self.err.add)):
            threading.Thread(target=self.read, args=(stream, sink), daemon=True).start()
        self.ports = {4444 + n: 4444 + n for n in range(ports)} if native else {}
        while len(self.ports) < ports:
            m, _ = self.err.wait(r"lab: forward 127\.0\.0\.1:(\d+) (\d+)", len(self.ports))
            self.ports[int(m.group(2))] = int(m.group(1))
        self.run("echo up")

    def native(self):
        bin_folder = os.path.join(self.share, "bin")
        os.mkdir(bin_folder)
        os.symlink(os.path.join(BUILD, "src", "guestdbg"), os.path.join(bin_folder, "guestdbg"))
        os.symlink(GUEST_SH, os.path.join(bin_folder, "guest"))
        return ["sh"], dict(os.environ, PATH=f"{bin_folder}:{os.environ['PATH']}")

    def path(self, target):
        return self.files.get(target, target)

    def emulated(self, files, ports, smp, memory, timeout, options):
        command = [os.path.join(TOP, "lab", "run"), ARCH, "--host-kernel", KERNEL, "--cpu", CPU,
                   "--smp", str(smp or SMP), "--memory", memory, "--timeout", str(timeout), "--stdin",
                   "--share", self.share, "--file", os.path.join(BUILD, "src", "guestdbg"),
                   "--file", f"{GUEST_SH}:/bin/guest"]
        for n in range(ports):
            command += ["--forward", f"0:{4444 + n}"]
        for f in files:
            command += ["--file", f]
        if ARCH == "ppc64":
            command += ["--own-clock"]
        return command + [*options, "--", "sh"], None

    def read(self, stream, sink):
        for line in stream:
            sink(line.rstrip("\n").rstrip("\r"))
        for lines in [self.out, self.err] + [x for g in self.guests.values() for x in (g.console, g.said)]:
            lines.end()

    def sort(self, line):
        m = re.match(r"(\d+)([|!]) ?(.*)", line)
        guest = self.guests.get(int(m.group(1))) if m else None
        if guest:
            (guest.console if m.group(2) == "|" else guest.said).add(m.group(3).rstrip("\r"))
        else:
            self.out.add(line)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def run(self, command, limit=LIMIT):
        """Runs a command in the host; its output (stdout and stderr) and exit status."""
        self.count += 1
        start, mark = len(self.out.all), f"done-{self.count}"
        self.say(f"{{ {command}\n}} 2>&1 </dev/null; s=$?; echo; echo {mark} $s")
        m, at = self.out.wait(rf"^{mark} (\d+)$", start, limit)
        lines = self.out.all[start:at]
        return "\n".join(lines).rstrip("\n"), int(m.group(1))

    def guest(self, *arguments, port=4444, listen=None, **more):
        return Guest(self, arguments, port, listen, **more)

    def boot(self, image, cpus=1, wait=True, initrd=None, append=None, port=4444):
        """A guest as el2.Bare boots it too. initrd: it is Linux, its shell on the console."""
        linux = ["--memory 256M", "--initrd", initrd, f"--append 'console=ttyAMA0 {append}'"] if initrd else []
        return self.guest(f"--cpus {cpus}", *([] if wait else ["--no-wait"]), *linux, image, port=port)

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(60)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Guest:
    """One guestdbg run. console: what the guest prints; said: what guestdbg itself says."""

    def __init__(self, host, arguments, port, listen, wait_ready=True):
        self.host, self.number = host, len(host.guests)
        self.console, self.said = Lines(), Lines()
        host.guests[self.number] = self
        n = self.number
        where = listen or (f"tcp:127.0.0.1:{port}" if host.files else f"tcp:0.0.0.0:{port} --allow-remote")
        host.say(f"guest {n} run --listen {where} {' '.join(arguments)} &")
        self.port = host.ports.get(port)
        if wait_ready and not self.said.wait(r"target remote|^status ")[0].group().startswith("target"):
            raise Failed(f"guestdbg did not start: {self.said.all}")

    def wait(self, pattern, start=0, limit=LIMIT):
        """Waits for a line on the guest's console; returns the match."""
        return self.console.wait(pattern, start, limit)[0]

    def send(self, text):
        """Types a line on the guest's console."""
        self.host.say(f"echo '{text}' >/tmp/in.{self.number}")

    def status(self, limit=LIMIT):
        """The exit status of guestdbg, once it ended."""
        return int(self.said.wait(r"^status (\d+)", 0, limit)[0].group(1))

    def stop(self):
        """Ends guestdbg, if it still runs, and waits for that."""
        self.host.say(f"kill $(cat /tmp/pid.{self.number}) 2>/dev/null")
        self.status()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


def warn(text):
    print(text, file=sys.stderr, flush=True)
