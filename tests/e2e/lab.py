#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# lab/run itself: what every other scenario relies on.
#
# lab: arm64 6.12 max
# lab: ppc64 6.12 power10
# full: arm64 6.1 max
# full: arm64 6.1 cortex-a72
# full: arm64 6.12 neoverse-n1
# full: ppc64 6.1 power9
# timeout: 900

import os
import re
import signal
import socket
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
E = os.environ
HOST = [os.path.join(TOP, "lab", "run"), E["LAB_ARCH"], "--host-kernel", E["LAB_KERNEL"], "--cpu", E["LAB_CPU"],
        "--smp", E["LAB_SMP"], "--timeout", "240"]


def lab(*command, options=(), stdin=os.devnull):
    with open(stdin, "rb") as f:
        return subprocess.run([*HOST, *options, "--", *command], stdin=f, capture_output=True)


def check(name, good, why):
    print(f"ok {name}" if good else f"not ok {name}: {why!r}", flush=True)


def status_and_output(folder):
    """One boot for all that needs no second one."""
    with open(os.path.join(folder, "a b"), "w") as f:
        f.write("from the share\n")
    big = os.path.join(folder, "big")
    with open(big, "wb") as f:
        f.write(os.urandom(3 << 20))
    typed = os.path.join(folder, "typed")  # a file: it cannot be waited for by every kind of poll
    with open(typed, "w") as f:
        f.write("line one\nline two\n")
    script = "cat; echo to stderr >&2; cat '/host/a b'; cat /data/big > /host/copy; cat /data/big; " \
             "printf %s \"$0\"; ls /dev/kvm; exit 7"
    p = lab("sh", "-c", script, b"$x '\xff\"\n", options=["--share", folder, "--stdin", "--file", f"{big}:/data/"],
            stdin=typed)
    with open(big, "rb") as f:
        data = f.read()
    check("exit status comes out", p.returncode == 7, p.returncode)
    check("stderr comes out apart", p.stderr == b"to stderr\n", p.stderr)
    check("stdin goes in and ends", p.stdout.startswith(b"line one\nline two\n"), p.stdout[:80])
    check("a shared folder is read", p.stdout[18:33] == b"from the share\n", p.stdout[18:40])
    check("3 MB of random bytes come out unchanged", p.stdout[33:33 + len(data)] == data, len(p.stdout))
    check("an argument of any bytes arrives", p.stdout[33 + len(data):].startswith(b"$x '\xff\"\n"), p.stdout[-40:])
    check("/dev/kvm is there", p.stdout.endswith(b"/dev/kvm\n"), p.stdout[-40:])
    try:
        with open(os.path.join(folder, "copy"), "rb") as f:
            copy = f.read()
    except FileNotFoundError:
        copy = b""
    check("a shared folder is written", copy == data, len(copy))


def forward():
    p = subprocess.Popen([*HOST, "--forward", "0:4444", "--", "sh", "-c", "echo listening; echo pong | nc -l -p 4444"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = p.stderr.readline()
    m = re.fullmatch(r"lab: forward 127\.0\.0\.1:(\d+) 4444\n", line)
    check("a free port is taken and named", m, line)
    line = p.stdout.readline()
    check("output comes out while the command runs", line == "listening\n", line)
    if m and line:
        # "listening" comes a moment before nc does so: until then the connection is closed at once.
        deadline, got = time.monotonic() + 60, b""
        while not got and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", int(m.group(1))), timeout=60) as s:
                    s.sendall(b"ping\n")
                    got = s.recv(100)
            except OSError:
                pass
        check("a forwarded port is reached", got == b"pong\n", got)
    p.communicate()


def death():
    """Also with more on standard input than the command ever reads."""
    endless = {"options": ["--stdin"], "stdin": "/dev/zero"}
    p = lab("sh", "-c", "echo before; sleep 1; echo c > /proc/sysrq-trigger; sleep 60", **endless)
    check("a host that dies gives 125", p.returncode == 125, p.returncode)
    check("its output until then is kept", p.stdout == b"before\n", p.stdout)
    check("the console's last lines are shown", b"| " in p.stderr and b"sysrq" in p.stderr.lower(), p.stderr[-300:])
    endless["options"] += ["--timeout", "15"]
    p = lab("sleep", "1000", **endless)
    check("a host that takes too long gives 124", p.returncode == 124, p.returncode)


def killed():
    """Two at once; one is killed, and its QEMU goes with it; the other is not disturbed."""
    one = subprocess.Popen([*HOST, "--", "sh", "-c", "echo up; sleep 1000"], stdout=subprocess.PIPE)
    two = subprocess.Popen([*HOST, "--", "sh", "-c", "echo up; sleep 3; exit 5"], stdout=subprocess.PIPE)
    one.stdout.readline()
    with open(f"/proc/{one.pid}/task/{one.pid}/children") as f:
        qemu = int(f.read().split()[0])
    pidfd = os.pidfd_open(qemu)
    one.send_signal(signal.SIGKILL)
    one.wait()
    # QEMU is no child of ours: its end shows in that its identity can no longer be signalled.
    deadline = time.monotonic() + 30
    gone = False
    while not gone and time.monotonic() < deadline:
        try:
            signal.pidfd_send_signal(pidfd, 0)
            time.sleep(0.1)
        except ProcessLookupError:
            gone = True
    check("QEMU ends when lab/run is killed", gone, qemu)
    check("another host is not disturbed", two.wait() == 5, two.returncode)


with tempfile.TemporaryDirectory() as folder:
    status_and_output(folder)
forward()
death()
killed()
