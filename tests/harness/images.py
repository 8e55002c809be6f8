# SPDX-License-Identifier: MIT
"""Guests: Debian's kernel with a small initramfs and the symbols of that kernel; bare-metal images."""

import hashlib
import os
import re
import subprocess

from .host import ARCH, KVM, LAB, TOP

CROSS = {"arm64": "aarch64-linux-gnu-", "ppc64": "powerpc64le-linux-gnu-"}[ARCH]
DEBIAN = {"arm64": "arm64", "ppc64": "ppc64el"}[ARCH]
GUESTS = os.path.join(TOP, "tests", "guests")
MADE = os.path.join(LAB, "guests", ARCH)
if os.uname().machine == {"arm64": "aarch64", "ppc64": "ppc64le"}[ARCH]:
    CROSS = ""


def native():
    """Does this machine run guests of ARCH by its own KVM?"""
    return not CROSS and os.access("/dev/kvm", os.R_OK | os.W_OK)


def linux(kernel="6.12"):
    """Path of Debian's kernel as the package has it."""
    return os.path.realpath(os.path.join(LAB, "host", DEBIAN, kernel, "kernel"))


def symbols(kernel="6.12"):
    """An ELF with the kernel's symbols and unwind rules, for a guest booted with nokaslr. Made once by
    each guestdbg."""
    if ARCH == "ppc64":
        return linux(kernel)
    listing = os.path.join(LAB, "host", DEBIAN, kernel, "kallsyms")
    out = os.path.join(MADE, f"symbols-{kernel}-{os.path.getmtime(listing):.0f}.elf")
    guestdbg = os.path.join(LAB, "build", "native", "src", "guestdbg")
    if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(guestdbg):
        os.makedirs(MADE, exist_ok=True)
        subprocess.run([guestdbg, "symbols", "--image", linux(kernel), listing, fresh(out)], check=True)
        os.replace(fresh(out), out)
    return out


def fresh(path):
    """Where a file is made before it has its name: another run may be making the same."""
    return f"{path}.{os.getpid()}"


def compiled(sources, out, *flags):
    """Compiles and links sources of tests/guests with flags into out (once per content)."""
    paths = [os.path.join(GUESTS, s) for s in sources]
    digest = hashlib.sha256(repr((flags, CROSS)).encode())
    for folder in sorted({os.path.dirname(p) for p in paths}):
        for name in sorted(os.listdir(folder)):
            if os.path.isfile(os.path.join(folder, name)):
                with open(os.path.join(folder, name), "rb") as f:
                    digest.update(name.encode() + f.read())
    target = os.path.join(MADE, f"{out}-{digest.hexdigest()[:12]}")
    if not os.path.exists(target):
        os.makedirs(MADE, exist_ok=True)
        units = [p for p in paths if not p.endswith((".lds", ".h"))]
        script = [f"-Wl,-T,{p}" for p in paths if p.endswith(".lds")]
        subprocess.run([CROSS + "gcc", "-g", "-O1", "-Wall", "-Werror", *flags, *script, "-o", fresh(target), *units],
                       check=True)
        os.replace(fresh(target), target)
    return target


def program(name, *flags):
    """A static program for the Linux guest, from tests/guests/linux/NAME.c."""
    return compiled([f"linux/{name}.c"], name, "-static", "-pthread", *flags)


def bare(name, *sources, flags=()):
    """A bare-metal image (ELF) from tests/guests/bare/ARCH."""
    folder = f"bare/{ARCH}"
    # The EL2 monitor lies where such an image would reach to.
    place = () if KVM else ("-Wl,--defsym=load_at=0x42080000",)
    return compiled([f"{folder}/{s}" for s in sources] + [f"{folder}/link.lds"], name, "-nostdlib", "-static",
                    "-ffreestanding", "-fno-pic", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,--no-warn-rwx-segments",
                    *(["-mno-outline-atomics"] if ARCH == "arm64" else []), *place, *flags)


def initrd(name, init, programs=(), modules=(), kernel="6.12"):
    """An initramfs with busybox, an init script and programs in /bin. Returns its path."""
    os.makedirs(MADE, exist_ok=True)
    script = os.path.join(MADE, name + ".init")
    with open(script, "w") as f:
        f.write(init)
    out = os.path.join(MADE, name + ".cpio")
    command = [os.path.join(TOP, "lab", "mkinitrd"), "--init", script]
    for p in programs:
        target = os.path.basename(p).rpartition("-")[0]
        command += ["--file", f"{p}:/bin/{target}"]
    for m in modules:
        command += ["--module", m]
    subprocess.run(command + [DEBIAN, kernel, out], check=True)
    return out


# An init that mounts the usual, installs busybox and then runs what BODY says; ends by power-off.
INIT = """#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t debugfs debug /sys/kernel/debug 2>/dev/null
/bin/busybox --install -s /bin
export PATH=/bin
%s
poweroff -f
"""


def shell(first=""):
    """An init that does what FIRST says, then says guest-ready, runs each line it gets on the console and says how it ended."""
    return INIT % f"""{first}
stty -echo
echo guest-ready
while read -r line; do eval "$line"; echo "guest-did $?"; done
"""


def self_init(entry):
    """shell() for the program "self".

    Its function probes puts a kprobe on the system call whose symbol is given here, a uprobe on each place
    in the program's file that it is given, and runs the program past them.
    """
    return shell(f"""
T=/sys/kernel/tracing
mount -t tracefs tracefs $T
probes() {{
    echo p:kpgid {entry} >$T/kprobe_events
    for at; do echo p:u$at /bin/self:$at >>$T/uprobe_events; done
    for e in kprobes uprobes; do echo 1 >$T/events/$e/enable; done
    self probe
    for e in kprobe uprobe; do cat $T/${{e}}_profile; echo 0 >$T/events/${{e}}s/enable; echo >$T/${{e}}_events; done
}}""")


def tags(source):
    """The line numbers of tests/guests/SOURCE that end with a comment "line: TAG", by TAG."""
    with open(os.path.join(GUESTS, source)) as f:
        found = [(re.search(r"/\* line: (\w+) \*/", line), n) for n, line in enumerate(f, 1)]
    return {m.group(1): n for m, n in found if m}
