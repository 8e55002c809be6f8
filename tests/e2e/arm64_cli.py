#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The command line as a user meets it: what is wrong is refused with one sentence and status 1; a
# guest's power-off, reset and console; the debugger's socket, and what becomes of a guest whose
# debugger vanishes.
#
# lab: arm64 6.12 max
# full: arm64 6.1 cortex-a72
# timeout: 900

import gzip
import json
import os
import re
import socket
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *

cycle = images.bare("cycle", "start.S", "bare.c", "cycle.c")
power = images.bare("power", "start.S", "bare.c", "power.c")
uart = images.bare("uart", "start.S", "bare.c", "uart.c")
elf, beats = Elf(cycle), Elf(power)
KERNEL = images.linux()
folder = tempfile.TemporaryDirectory(prefix="guestdbg-cli-")


def made(name, data):
    path = os.path.join(folder.name, name)
    with open(path, "wb") as f:
        f.write(data)
    return f"{path}:/{name}"


def patched(data, at, value):
    return data[:at] + struct.pack("<H", value) + data[at + 2:]


def damaged_files():
    """Files that no guest can be made of, each from a good one."""
    with open(cycle, "rb") as f:
        good = f.read()
    with open(KERNEL, "rb") as f:
        image = f.read()
    packed = gzip.compress(image, 1)
    segments_end = max(p[2] + p[5] for p in elf.load)
    return [made("header.elf", good[:40]), made("cut.elf", good[:segments_end - 16]),
            made("table.elf", good[:64 + 20]), made("x86.elf", patched(good, 18, 62)),
            made("ppc64.elf", patched(good, 18, 21)), made("relocatable.elf", patched(good, 16, 1)),
            made("32bit.elf", good[:4] + b"\1" + good[5:]), made("big.elf", good[:5] + b"\2" + good[6:]),
            made("entry.elf", good[:24] + struct.pack("<Q", 16) + good[32:]),
            made("empty", b""), made("text", b"This is no kernel.\n" * 100), made("short.image", image[:60]),
            made("cut.image", image[:len(image) // 2]), made("big.image", image[:24] + b"\x0b" + image[25:]),
            made("Image", image), made("Image.gz", packed), made("cut.gz", packed[:len(packed) // 2]),
            made("bad.gz", packed[:5000] + b"spoilt" * 100 + packed[5600:]),
            made("kallsyms", b"".join(b"0000000000000000 T name%d\n" % n for n in range(5000)))]  # not read by root


def refused(host, arguments, *words, before="", after=""):
    """guestdbg ARGUMENTS ends with status 1 and one sentence with these words on standard error."""
    out, status = host.run(f"{before} timeout 60 guestdbg {arguments} 2>/tmp/said; r=$?; cat /tmp/said; {after} (exit $r)")
    lines = [line for line in out.splitlines() if line.strip()]
    equal(status, 1, f"status of guestdbg {arguments} ({lines})")
    if len(lines) > 1 and lines[1].startswith("Try `guestdbg"):
        del lines[1:]  # where to read about options
    equal(len(lines), 1, f"guestdbg {arguments}: lines in {lines}")
    check(lines[0].startswith("guestdbg"), f"guestdbg {arguments}: {lines[0]}")
    for word in words:
        check(re.search(word, lines[0]), f"guestdbg {arguments}: no {word!r} in {lines[0]!r}")


def kernels(host):
    with scenario("a kernel that is missing, empty, truncated, damaged or of another architecture is refused"):
        for arguments, *words in (
                ("/nothing", "/nothing", "No such file"), ("/tmp", "not a regular file"), ("/empty", "empty"),
                ("/header.elf", "truncated"), ("/table.elf", "truncated"), ("/cut.elf", "truncated"),
                ("/x86.elf", "another architecture", "arm64"), ("/ppc64.elf", "another architecture"),
                ("/32bit.elf", "another architecture"), ("/big.elf", "another architecture"),
                ("/relocatable.elf", "not linked"), ("/text", "neither", "--flat"), ("/short.image", "neither"),
                ("/cut.image", "truncated"), ("/big.image", "big-endian"), ("/cut.gz", "truncated"),
                ("/bad.gz", "damaged"), ("/entry.elf", "begins at 0x10"), ("--flat 0x40000000 /empty", "empty")):
            refused(host, f"run {arguments}", *words)
        refused(host, "run /tmp/fifo", "not a regular file", before="mkfifo /tmp/fifo;")
        refused(host, "run --console=/tmp/fifo /cycle.elf", "/tmp/fifo")
    with scenario("what does not fit the guest's memory is refused"):
        for arguments, *words in (
                ("--memory 16M /Image", "does not fit", "--memory"), ("--memory 16M /Image.gz", "--memory"),
                ("--initrd /nothing /cycle.elf", "initrd", "/nothing"),
                ("--memory 24M --initrd /Image /cycle.elf", "initrd", "does not fit"),
                ("--initrd /empty /cycle.elf", "initrd", "empty"), ("--initrd /tmp /cycle.elf", "initrd"),
                ("--flat 0x1000 /text", "does not fit"), ("--flat 0xfffffffffffffffc /text", "does not fit"),
                ("--memory 16M --flat 0x40fffff0 /text", "does not fit"), ("--flat 0x40000002 /text", "multiple of 4")):
            refused(host, f"run {arguments}", *words)


def options(host):
    with scenario("options that make no sense are refused"):
        for arguments, *words in (
                ("", "no KERNEL"), ("--memory 0 /cycle.elf", "--memory", "'0'"), ("--listen unix:/tmp /cycle.elf", "in use", "no socket"), ("--memory 5X /cycle.elf", "'5X'"),
                ("--memory -1 /cycle.elf", "--memory"), ("--memory '' /cycle.elf", "--memory"),
                ("--memory 99999999999999999999 /cycle.elf", "--memory"), ("--memory 1025G /cycle.elf", "1024G"),
                ("--cpus 0 /cycle.elf", "--cpus"), ("--cpus 9999 /cycle.elf", "--cpus", "9999"),
                ("--cpus two /cycle.elf", "--cpus"), ("--flat zzz /text", "--flat", "zzz"), ("--flat -4 /text", "--flat"),
                ("--on-disconnect=perhaps /cycle.elf", "resume, stop or exit"), ("/cycle.elf /text", "/text"),
                ("--nonsense /cycle.elf", "nonsense"), ("--cpus", "argument"),
                ("--console=/nowhere/x /cycle.elf", "/nowhere/x", "No such file"),
                ("--listen nowhere /cycle.elf", "unix:PATH"), ("--listen tcp: /cycle.elf", "address"),
                ("--listen tcp:127.0.0.1 /cycle.elf", "address"), ("--listen tcp:127.0.0.1:99999 /cycle.elf", "port"),
                ("--listen tcp:somewhere:4321 /cycle.elf", "numeric"), ("--listen tcp:0.0.0.0:4321 /cycle.elf", "--allow-remote"),
                ("--listen tcp:10.0.2.15:4321 /cycle.elf", "loopback"), ("--listen unix: /cycle.elf", "path"),
                (f"--listen unix:/tmp/{'x' * 120} /cycle.elf", "path"), ("--listen unix:/nowhere/s /cycle.elf", "No such file"),
                ("--listen unix:/text /cycle.elf", "in use")):
            refused(host, f"run {arguments}", *words)
        equal(host.run("head -c 4 /text")[0], "This", "a file in the socket's place")
    with scenario("unknown commands are refused; --help and --version are not errors"):
        refused(host, "dance", "no command 'dance'")
        refused(host, "caps --dance", "dance")
        out, status = host.run("guestdbg")
        equal(status, 1, "status of guestdbg alone")
        for arguments, word in (("--help", "COMMAND"), ("--version", "guestdbg"), ("run --help", "--on-disconnect"),
                                ("caps --help", "--json"), ("symbols --help", "--image")):
            out, status = host.run(f"guestdbg {arguments}")
            check(status == 0 and word in out, f"guestdbg {arguments}: status {status}, {out!r}")


def without_kvm(host):
    with scenario("no /dev/kvm, no permission, a /dev/kvm that is none: one sentence"):
        for command in ("run /cycle.elf", "caps"):
            refused(host, command, "/dev/kvm", "No such file", before="mv /dev/kvm /dev/away;", after="mv /dev/away /dev/kvm;")
            refused(host, command, "/dev/kvm", before="mv /dev/kvm /dev/away; mknod /dev/kvm c 1 3;",
                    after="rm /dev/kvm; mv /dev/away /dev/kvm;")
        host.run("echo nobody:x:65534:65534::/:/bin/sh >/etc/passwd; chmod 600 /dev/kvm; chmod 755 / /bin /bin/guestdbg; chmod 644 /cycle.elf")
        for command in ("run /cycle.elf", "caps"):
            out, status = host.run(f"su -s /bin/sh -c 'guestdbg {command}' nobody")
            check(status == 1 and "no permission" in out and len(out.splitlines()) == 1, f"status {status}: {out!r}")


def symbols(host):
    with scenario("guestdbg symbols refuses what is no kallsyms listing"):
        for arguments, *words in (
                ("/nothing /tmp/o", "No such file"), ("/empty /tmp/o", "empty"), ("/text /tmp/o", "kallsyms"),
                ("/kallsyms /tmp/o", "zero", "as root"), ("/kallsyms", "OUT"), ("", "KALLSYMS"),
                ("--arch vax /kallsyms /tmp/o", "vax"), ("/text /text", "another file"), ("/kallsyms /tmp/o /tmp/p", "/tmp/p")):
            refused(host, f"symbols {arguments}", *words)
        equal(host.run("ls /tmp/o")[1] != 0, True, "no output file is left")
        out, status = host.run("cat /proc/kallsyms >/tmp/k; guestdbg symbols /tmp/k /nowhere/o")
        check(status == 1 and "/nowhere/o" in out, f"status {status}: {out!r}")
        out, status = host.run("guestdbg symbols --image /text /tmp/k /tmp/o; r=$?; ls /tmp/o; (exit $r)")
        check(status == 1 and "/text" in out, f"status {status}: {out!r}")
        out, status = host.run("guestdbg symbols /tmp/k /tmp/o && guestdbg symbols /proc/kallsyms /tmp/p && cmp /tmp/o /tmp/p")
        equal(status, 0, f"status of the host's own kernel's symbols: {out!r}")
    with scenario("output that cannot be written is no success, and what is no file is not removed"):
        refused(host, "symbols /tmp/k /dev/full", "/dev/full", "No space")
        equal(host.run("[ -c /dev/full ]")[1], 0, "/dev/full is still there")
        for arguments in ("caps", "--help", "--version", "run --help"):
            out, status = host.run(f"guestdbg {arguments} >/dev/full")
            equal(status, 1, f"status of guestdbg {arguments} >/dev/full: {out!r}")


def power_cycle(host):
    with scenario("reset boots the guest again in cleared memory, breakpoints stay; power-off ends with status 0"):
        with host.guest("/cycle.elf") as guest, Rsp(guest) as c:
            equal(c.stop(c("?"))["registers"][32], elf["_start"], "the first stop")
            c(f"Z1,{elf['booted']:x},4")
            c(f"Z0,{elf['about_to_leave']:x},4")
            for n in range(4):
                stop = c.resume()
                equal(stop["registers"][32], elf["booted"], f"boot {n}: pc")
                equal(stop["registers"][0], 0, f"boot {n}: what the last one left in memory")
                equal(int.from_bytes(c.memory(elf["__image_end"], 8), "little"), 0, f"boot {n}: memory")
                stop = c.resume()
                equal(stop["registers"][32], elf["about_to_leave"], f"boot {n}: pc")
                equal(int.from_bytes(c.memory(elf["__image_end"], 8), "little"), 0x1234, f"boot {n}: memory")
            c.write(elf["end"], b"\1")
            c.send("vCont;c")
            equal(c.receive(), b"W00;process:1", "what the client hears at the end")
            equal(guest.status(), 0, "exit status")
    with scenario("reset with a step under way, and from a running guest whose debugger comes and goes"):
        with host.guest("--no-wait", "/cycle.elf") as guest:
            for _ in range(3):
                guest.wait("left by the last boot: 0x0000000000000000", len(guest.console.all))
            with Rsp(guest) as c:
                c("?")
                c(f"Z1,{elf['about_to_leave']:x},4")
                c.resume()
                c(f"z1,{elf['about_to_leave']:x},4")
                seen = [c.resume("vCont;s:1")["registers"][32] for _ in range(30)]
                check(elf["psci"] in seen, f"the steps did not come to the HVC: {[hex(x) for x in seen]}")
                after = seen[seen.index(elf["psci"]) + 1:]
                check(after and after[0] - elf["_start"] in (0, 4), f"after the HVC: {[hex(x) for x in after]}")
                equal(after[:3], list(range(after[0], after[0] + 12, 4)), "steps from the entry on")
                c("D;1")
            guest.wait("left by the last boot: 0x0000000000000000", len(guest.console.all))
            check(not [x for x in guest.console.all if "1234" in x], "memory was not cleared")


def consoles(host):
    with scenario("Ctrl-a x leaves the console with status 0; a lone Ctrl-a does not"):
        guest = host.guest("--no-wait", "/cycle.elf")
        host.say(f"printf '\\001ax\\001\\001x' >/tmp/in.{guest.number}")
        guest.wait("left by", len(guest.console.all))
        guest.wait("left by", len(guest.console.all))
        host.say(f"printf '\\001x' >/tmp/in.{guest.number}")
        equal(guest.status(), 0, "exit status")
    with scenario("--console=FILE takes the output, --console=none drops it"):
        with host.guest("--no-wait", "--console=/tmp/console", "/cycle.elf") as guest:
            host.run("until [ $(grep -c 'left by the last boot' /tmp/console) -gt 3 ]; do usleep 100000; done")
            equal(guest.console.all, [], "on standard output")
        with host.guest("--no-wait", "--console=none", "/cycle.elf") as guest:
            for _ in range(3):
                with Rsp(guest) as c:
                    c("?")
                    c(f"Z1,{elf['about_to_leave']:x},4")
                    c.resume()
                    c("D;1")
            equal(guest.console.all, [], "on standard output")
    with scenario("SIGTERM ends a guest whose console nobody reads"):
        out, _ = host.run("mkfifo /tmp/full; exec 9<>/tmp/full; head -c 65536 /dev/zero >&9; "
                          "guestdbg run --no-wait /cycle.elf </dev/null >&9 & p=$!; "
                          f"{waits_for_reader('$p')} kill $p; wait $p; echo status $?; exec 9>&-")
        check("status 143" in out, out)
    with scenario("a vCPU whose console nobody reads is stopped and stepped, and says everything in the end"):
        host.run("exec 9<>/tmp/full; head -c 65536 /dev/zero >&9")
        with host.guest("--console=/tmp/full", "/cycle.elf") as guest, Rsp(guest) as c:
            c.send("vCont;c")
            host.run(waits_for_reader(f"$(cat /tmp/pid.{guest.number})"))
            c.interrupt()
            c.wait_stop()
            check("does not answer" not in c("qXfer:threads:read::0,fff"), "the vCPU is lost")
            pc = c.register(32)
            c.send("vCont;s")
            host.run("head -c 65536 <&9 >/dev/null")
            check(c.wait_stop()["signal"] == 5 and c.register(32) != pc, "not stepped")
            c.send("vCont;c")
            out, _ = host.run("read -r line <&9; echo $line; exec 9>&-")
            equal(out, "left by the last boot: 0x0000000000000000", "the first line")
            c.interrupt()
            c.wait_stop()
    with scenario("what is typed while the guest makes its FIFO smaller is not lost; an access without syndrome is said to be one"):
        with host.guest("--no-wait", "/uart.elf") as guest:
            type_bytes = f"printf %s >/tmp/in.{guest.number}"
            guest.wait("^large")
            host.say(type_bytes % "abcd")
            guest.wait("^small")
            host.run(type_bytes % "x")
            with Rsp(guest) as c:
                c.write(Elf(uart)["go"], b"\1")
                c("D;1")
            guest.wait("^heard x")
            guest.said.wait("writes to 0x9000000, a device, by an instruction that KVM cannot decode")
            equal(guest.status(), 0, "exit status")
    with scenario("a packed Image boots"):
        with host.guest("--no-wait --memory 256M --append 'earlycon=pl011,0x9000000 nokaslr'", "/Image.gz") as guest:
            guest.wait("Linux version")


def waits_for_reader(pid):
    """Until a vCPU's thread of guestdbg is in poll()."""
    return f"until cat $(grep -l ^vcpu /proc/{pid}/task/*/comm | sed s/comm/syscall/) | grep -q '^73 '; do usleep 50000; done; "


def sockets(host):
    start = "rm -f /tmp/said; guestdbg run --no-wait --console=none %s /cycle.elf 2>/tmp/said & p=$!; " \
            "until grep -qs 'target remote' /tmp/said; do usleep 50000; done; cat /tmp/said; "
    with scenario("the default socket is its owner's alone, and is gone when the command ends"):
        out, status = host.run(start % "" + "s=$(sed 's/.*target remote //' /tmp/said); stat -c '%a %F' $s; "
                               "kill -TERM $p; wait $p; echo status $?; ls $s")
        check("600 socket" in out, out)
        check("status 143" in out, out)
        check(status != 0 and "No such file" in out, f"the socket is still there: {out}")
    with scenario("each signal that ends it ends it tidily; under nohup SIGHUP does not"):
        for name, number in (("INT", 2), ("HUP", 1), ("QUIT", 3), ("TERM", 15)):
            out, _ = host.run(start % "--listen unix:/tmp/sock" + f"kill -{name} $p; wait $p; echo status $?; ls /tmp/sock")
            check(f"status {128 + number}" in out and "No such file" in out, f"SIG{name}: {out}")
        out, _ = host.run("trap '' HUP; " + start % "" + "kill -HUP $p; kill -TERM $p; wait $p; echo status $?; trap - HUP")
        check("status 143" in out, out)
    with scenario("a socket left by a killed run is taken over, one in use is not"):
        listen = "--listen unix:/tmp/sock"
        out, _ = host.run(start % listen + "kill -KILL $p; wait $p; ls /tmp/sock")
        check("/tmp/sock" in out, out)
        out, _ = host.run(start % listen + f"timeout 60 guestdbg run {listen} /cycle.elf; echo second $?; kill $p; wait $p; ls /tmp/sock")
        check("second 1" in out and "use" in out and "No such file" in out, out)
    with scenario("a port in use is refused; port 0 takes a free one and names it"):
        with host.guest("--no-wait", "/cycle.elf"):
            refused(host, "run --listen tcp:127.0.0.1:4444 /cycle.elf", "4444", "in use")
        out, _ = host.run(start % "--listen tcp:127.0.0.1:0" + "kill $p; wait $p")
        check(re.search(r"target remote 127\.0\.0\.1:[1-9]\d+", out), out)


def disconnects(host):
    with scenario("a second client is told why it is turned away"):
        with host.guest("/cycle.elf") as guest, Rsp(guest) as c:
            with socket.create_connection(("127.0.0.1", guest.port)) as s:
                s.settimeout(600)
                text = b""
                while b"#" not in text:
                    more = s.recv(4096)
                    check(more, f"it was closed after {text!r}")
                    text += more
            check(b"another debugger" in text, f"it hears {text!r}")
            equal(c("?")[0], "T", "the first client's session")
    for policy in ("resume", "stop", "exit"):
        for way in ("vanishes", "kills"):
            with scenario(f"--on-disconnect={policy}: the client {way}"):
                guest = host.guest(f"--on-disconnect={policy} --no-wait --cpus 2", "/power.elf")
                c = Rsp(guest)
                c("?")
                c(f"Z0,{beats['beat']:x},4")
                c.resume()
                at = c.memory(beats["rounds"], 8)
                if way == "kills":
                    c("vKill;1")
                c.close()
                if policy == "exit":
                    equal(guest.status(), 0, "exit status")
                    continue
                for _ in range(50):
                    with Rsp(guest) as c:
                        c("?")
                        now, text = c.memory(beats["rounds"], 8), c.memory(beats["beat"], 16)
                        if policy == "resume":
                            c("D;1")
                    equal(text, beats.bytes(beats["beat"], 16), "memory at the breakpoint")
                    if policy == "stop":
                        equal(now, at, "rounds of the stopped guest")
                    elif now != at:
                        break
                else:
                    check(policy == "stop", "the guest stands still")
                guest.stop()


def capabilities(host):
    with scenario("caps says the same in text and JSON"):
        text, status = host.run("guestdbg caps")
        equal(status, 0, "status")
        found, status = host.run("guestdbg caps --json")
        equal(status, 0, "status")
        found = json.loads(found)
        for word, key in (("breakpoints", "breakpoints"), ("watchpoints", "watchpoints")):
            numbers = [int(n) for n in re.findall(rf"hardware {word}: (\d+)", text)]
            equal(min(numbers), found[key], f"hardware {word}")
            equal(numbers, [kind[key] for kind in found["cpus"]], f"hardware {word} of each kind of CPU")
        equal("single step: works" in text, found["step"], "single step")
        check(found["kernel"] in text and all(kind["id"] in text for kind in found["cpus"]), text)
        equal(sum(kind["count"] for kind in found["cpus"]), int(host.run("nproc")[0]), "CPUs")


with Host(files=damaged_files() + [f"{cycle}:/cycle.elf", f"{power}:/power.elf", f"{uart}:/uart.elf"]) as host:
    kernels(host)
    options(host)
    symbols(host)
    capabilities(host)
    power_cycle(host)
    consoles(host)
    sockets(host)
    disconnects(host)
    without_kvm(host)
folder.cleanup()
