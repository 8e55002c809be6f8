#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# libguestdbg in another program: examples/embed.c with its guest debugged by GDB and a raw client, and
# a program built against the installed library, as its author would.
#
# lab: arm64 6.12 max
# full: arm64 6.1 cortex-a72
# needs: fuzz

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import *
from harness.host import BUILD, TOP

EMBED = os.path.join(BUILD, "examples", "embed")
RAM, COUNTER = 0x40000000, 0x40100000
PROGRAM = """
#include <stdio.h>
#include <guestdbg/guestdbg.h>
#include <guestdbg/error.h>

int main(void)
{
    struct gd_kvm_config cfg = {};
    struct gd_kvm *gd = NULL;
    char text[256] = "";
    int err;

    cfg.kvm_fd = cfg.vm_fd = -1;
    cfg.max_vcpus = 1;
    err = gd_kvm_open(&gd, &cfg, text, sizeof(text));

    printf("%d %d %s / %s\\n", err < 0, gd == NULL, text, gd_strerror(err));
    return 0;
}
"""


def installed(folder):
    """Installs this build below a folder, and builds PROGRAM against it by pkg-config, in C and in C++."""
    root = os.path.join(folder, "root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True)
    found = {}
    for top, _, names in os.walk(root):
        for name in names:
            found[name] = os.path.join(top, name)
    for name in ("guestdbg", "guestdbg.h", "error.h", "guestdbg.pc", "libguestdbg.a", "guestdbg.1", "libguestdbg.3", "guestdbg.gdb"):
        check(name in found or name + ".gz" in found, f"{name} is not installed: {sorted(found)}")
    source = os.path.join(folder, "program.c")
    with open(source, "w") as f:
        f.write(PROGRAM)
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=os.path.dirname(found["guestdbg.pc"]), PKG_CONFIG_SYSROOT_DIR=root)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "--static", "guestdbg"], env=environment, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    out = os.path.join(folder, "program")
    strict = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run([images.CROSS + "gcc", "-std=c11", *strict, "-static", source, *flags, "-o", out], check=True)
    headers = [flag for flag in flags if flag.startswith("-I")]
    subprocess.run(["clang", "--target=aarch64-linux-gnu", "-x", "c++", "-std=c++20", *strict, *headers, "-c", source,
                    "-o", out + ".o"], check=True)
    subprocess.run([images.CROSS + "gcc", "-static", out + ".o", *flags, "-o", out + "++"], check=True)
    return out


def start(host, number):
    """Starts embed; whoever debugs it from outside needs the port that leads there."""
    host.say(f"(embed tcp:127.0.0.1:5555 >/tmp/out.{number} 2>/tmp/err.{number}; echo $? >/tmp/code.{number}) &")
    until(host, f"grep -q 'target remote 127.0.0.1:5555' /tmp/err.{number}")
    host.say("nc -l -p 4444 -e nc 127.0.0.1 5555 &")
    until(host, "netstat -ltn | grep -q ':4444 '")


def until(host, condition):
    host.run(f"until {condition}; do usleep 50000; done")


def ended(host, number):
    """embed's exit status and output."""
    until(host, f"[ -s /tmp/code.{number} ]")
    return host.run(f"cat /tmp/code.{number} /tmp/out.{number}")[0].split("\n")


def kicks(folder):
    """A VMM of another kind, built against the library as it is now."""
    out = os.path.join(folder, "kicks")
    subprocess.run([images.CROSS + "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-static", "-I", os.path.join(TOP, "include"),
                    os.path.join(images.GUESTS, "host", "kicks.c"), os.path.join(BUILD, "src", "libguestdbg.a"), "-lpthread",
                    "-o", out], check=True)
    return out


def other_vmm(host):
    host.say("kicks tcp:0.0.0.0:4444 >/tmp/kicks 2>&1 &")
    until(host, "grep -q 'target remote' /tmp/kicks")
    with scenario("a signal that has the VMM's own handler is not taken away; another one can be named"):
        said = host.run("grep SIGRTMIN /tmp/kicks")[0]
        check("SIGRTMIN+1: -1 signal" in said and "kick_signal names another" in said, said)
    with Rsp(f"127.0.0.1:{host.ports[4444]}") as c:
        with scenario("vCPUs that were not added are no threads"):
            equal(c.stop(c("?"))["vcpu"], 1, "the stop's vCPU")
            equal(c("qfThreadInfo"), "mp1.2", "the threads")
            for packet in ("Hgp1.1", "Tp1.3", "Hgp1.3"):
                try:
                    check(False, f"{packet}: {c(packet)}")
                except RspError as e:
                    check("no such vCPU" in str(e), f"{packet}: {e}")
        with scenario("a VMM that kicks its vCPU reads the guest's registers, and what it writes counts"):
            for n in range(1, 9):
                c.resume("vCont;s:p1.2")
            host.run("kill -USR1 $(pidof kicks)")  # while the debugger holds it; it is served before the step
            equal(c.resume("vCont;s:p1.2")["registers"][5], 0x5555, "x5 as the VMM wrote it")
            line = host.run("grep ^pstate /tmp/kicks")[0].split()
            equal((int(line[1], 16) & 0x3cf, int(line[3], 16)), (0x345, 1), "PSTATE's masks and mode, and x5, as the VMM reads them")
            c("D;1")
    host.run("kill $(pidof kicks)")


def value(c, address):
    return int.from_bytes(c.memory(address, 8), "little")


def debug(host):
    address = f"127.0.0.1:{host.ports[4444]}"
    with scenario("embed without a debugger waits; told to go, it runs to its end"):
        start(host, 0)
        with Rsp(address) as c:
            equal(c.stop(c("?"))["registers"][32], RAM, "pc at the first stop")
            c("D;1")
        equal(ended(host, 0), ["0", "guest: counted to 1000"], "embed's end")
    with scenario("embed's guest: hardware and software breakpoint, watchpoint, steps, registers, its end"):
        start(host, 1)
        with Rsp(address) as c:
            c("?")
            for n in range(1, 3):  # mov, mov, then the loop
                equal(c.resume("vCont;s:1")["registers"][32], RAM + 4 * n, "pc after a step")
            loop = RAM + 8
            c(f"Z1,{loop + 8:x},4")
            stop = c.resume()
            equal((stop["registers"][32], stop["registers"][0]), (loop + 8, 1), "pc and count after the first round's store")
            c(f"z1,{loop + 8:x},4")
            c(f"Z0,{loop + 4:x},4")
            stop = c.resume()
            equal((stop["registers"][32], stop["registers"][0]), (loop + 4, 2), "pc and count at the store")
            equal(c.memory(loop + 4, 4), bytes.fromhex("800200f9"), "the instruction under the breakpoint")
            c(f"z0,{loop + 4:x},4")
            c(f"Z2,{COUNTER:x},8")
            for n in range(2, 6):
                stop = c.resume()
                equal(int(stop["watch"], 16), COUNTER, "the watched address")
                c.resume("vCont;s:1")
                equal(value(c, COUNTER), n, "the count after the access")
            c(f"z2,{COUNTER:x},8")
            c.set_register(0, 900)
            c.send("vCont;c")
            equal(c.receive(), b"W00;process:1", "what the client hears at the end")
        equal(ended(host, 1), ["0", "guest: counted to 1000"], "embed's end")
    with scenario("GDB debugs embed's guest"):
        start(host, 2)
        with Gdb() as gdb:
            gdb(f"target remote {address}")
            gdb(f"hbreak *{RAM + 8:#x} if $x0 == 500")
            gdb("continue")
            equal(gdb.value("$x0"), 500, "x0")
            gdb("delete")
            gdb(f"watch *(unsigned long *){COUNTER:#x}")
            gdb("continue")
            check("New value = 501" in gdb.printed, gdb.printed)
            gdb("delete")
            gdb("continue")
            check("exited normally" in gdb.printed, gdb.printed)
        equal(ended(host, 2), ["0", "guest: counted to 1000"], "embed's end")


with tempfile.TemporaryDirectory(prefix="guestdbg-embed-") as folder:
    program = os.path.join(folder, "program")
    with scenario("library, headers, pkg-config file and man pages, installed, serve another's program"):
        installed(folder)
    files = [f"{EMBED}:/bin/embed", f"{kicks(folder)}:/bin/kicks"] + ([f"{program}:/bin/program"] if os.path.exists(program) else [])
    with Host(files=files) as host:
        with scenario("a program built against the installed library runs, and gets a sentence for its mistake"):
            out, status = host.run("program")
            check(status == 0 and out.startswith("1 1 ") and len(out) > 20, f"status {status}: {out!r}")
        debug(host)
        other_vmm(host)
