#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A wrong start of the EL2 monitor: each time a sentence on the console that says what is wrong, and a stop
# before the guest's first instruction.
#
# lab: el2 6.12 max
# full: el2 6.12 cortex-a72
# full: el2 6.12 neoverse-n1

import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import check, scenario  # noqa: E402
from harness.el2 import CPU, Machine  # noqa: E402

TREE = 0x48000000


def says(name, sentence, **machine):
    with scenario(f"a sentence on the console and a stop: {name}"):
        with Machine(CPU, ramdisk=False, ready=False, **dict({"kernel_image": plain}, **machine)) as m:
            check(m.console.wait(sentence, 60), f"the console says {m.console.text!r}")
            # Had it gone on, the guest would have written its letter next.
            m.console.wait(rb"GUEST", 0.3)
            check(b"GUEST" not in m.console.text, f"the guest runs: {m.console.text[-300:]!r}")


def image(name, text_offset=0, flags=10, size=0x1000, magic=b"ARM\x64"):
    """A kernel that writes a word to the console."""
    path = os.path.join(folder, name)
    code = [0xd2a12001]  # mov x1, #0x09000000
    for c in b"GUEST\r\n":
        code += [0x52800000 | c << 5, 0xb9000020]  # mov w0, #c; str w0, [x1]
    code.append(0x14000000)  # b .
    with open(path, "wb") as f:
        f.write(struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, text_offset, size, flags, 0, 0, 0, magic, 0))
        f.write(struct.pack(f"<{len(code)}I", *code))
    return path


def replaced(old, new):
    """QEMU's tree with some bytes, all of the same length, replaced."""
    def change(tree):
        check(old in tree and len(old) == len(new), f"{old} is not in the machine's tree")
        return tree.replace(old, new), TREE
    return change


def packed(tree):
    """Without the free space that QEMU leaves, so that it ends where it ends."""
    _, _, at_struct, at_strings, _, _, _, _, n_strings, n_struct = struct.unpack_from(">10I", tree)
    end = max(at_struct + n_struct, at_strings + n_strings)
    return tree[:4] + struct.pack(">I", end) + tree[8:end]


def cut(tree):
    """Its end is missing."""
    tree = packed(tree)
    return tree[:len(tree) // 2], TREE


def short(tree):
    """It is whole, but its header says less."""
    tree = packed(tree)
    return tree[:4] + struct.pack(">I", len(tree) // 2) + tree[8:], TREE


with tempfile.TemporaryDirectory() as folder:
    plain = image("plain")
    # What follows says nothing if the machine made this way would not start at all.
    with scenario("with a right tree of our own and a right kernel the guest runs"):
        with Machine(CPU, ramdisk=False, kernel_image=plain, tree=lambda t: (t, TREE)) as m:
            check(m.console.wait(rb"GUEST", 60), f"the console says {m.console.text!r}")

    with scenario("a second UART of the secure world is none, and the guest runs"):
        with Machine(CPU, ramdisk=False, kernel_image=plain, board="virt,virtualization=on,gic-version=3,secure=on", ready=False) as m:
            check(m.console.wait(rb"no second PL011.*\s*GUEST", 60), f"the console says {m.console.text!r}")

    with scenario("memory that is said to reach further than the monitor's map is used as far as that"):
        with Machine(CPU, ramdisk=False, kernel_image=plain, ready=False,
                     tree=replaced(struct.pack(">QQ", 1 << 30, 1 << 30), struct.pack(">QQ", 1 << 30, 1 << 40))) as m:
            check(m.console.wait(rb"GUEST", 60), f"the console says {m.console.text!r}")

    with scenario("a kernel and an initrd that lie across NUMA nodes are in memory, and the guest runs"):
        nodes = [o for i in range(16) for o in ("-object", f"memory-backend-ram,size=64M,id=m{i}", "-numa", f"node,memdev=m{i}")]
        ramdisk = os.path.join(folder, "ramdisk")
        with open(ramdisk, "wb") as f:
            f.truncate(0x4000000)
        with Machine(CPU, kernel_image=image("across", size=0x4000000), ramdisk=ramdisk, options=nodes, ready=False) as m:
            check(m.console.wait(rb"GUEST", 60), f"the console says {m.console.text!r}")

    says("shall wait for a debugger that cannot connect", rb"guestdbg.wait, and no line",
         board="virt,virtualization=on,gic-version=3,secure=on", wait=True)
    says("no kernel", rb"no kernel: give QEMU", modules=False)
    says("a kernel that is none", rb"not an arm64 Image", kernel_image=os.path.abspath(__file__))
    says("a kernel without its magic", rb"not an arm64 Image", kernel_image=image("magic", magic=b"MZ\0\0"))
    says("a big-endian kernel", rb"big endian", kernel_image=image("big", flags=11))
    says("a kernel at the wrong offset", rb"does not lie at its offset", kernel_image=image("offset", text_offset=0x80000))
    says("a kernel whose size wraps", rb"does not lie in memory", kernel_image=image("wraps", size=2**64 - 0x1000))
    says("a kernel that is larger than memory", rb"does not lie in memory", kernel_image=image("large", size=0x80000000))
    says("a kernel that clears what the tree lies in", rb"no room", kernel_image=image("bss", size=TREE - 0x42000000 + 4096))
    says("a kernel that reaches into the monitor", rb"overlaps the monitor", kernel_at=0x40100000,
         kernel_image=image("over", text_offset=0x100000, size=0x200000))

    says("a GIC that is no GICv3", rb"no GICv3", board="virt,virtualization=on,gic-version=2")
    says("a GIC nobody knows", rb"no GICv3", tree=replaced(b"arm,gic-v3\0", b"arm,gic-v9\0"))
    says("started at EL1", rb"must start at EL2", board="virt,gic-version=3")
    says("no PSCI", rb"no PSCI 0.2 or later", tree=replaced(b"arm,psci-", b"arm,pscx-"))
    says("PSCI that is not called by SMC", rb"not called by SMC", tree=replaced(b"smc\0", b"hvc\0"))
    says("a debug UART that does not answer", rb"(?s)exception inside the monitor.*FAR_EL2 0xf000",
         tree=lambda t: (t.replace(struct.pack(">QQ", 0x9040000, 0x1000), struct.pack(">QQ", 0xf000000, 0x1000)), TREE))
    says("no memory in the tree", rb"names no memory", tree=replaced(b"memory\0", b"memorx\0"))
    says("no CPU in the tree", rb"names no CPU", tree=replaced(b"cpu\0", b"cpx\0"))

    says("no device tree", rb"no usable device tree", tree=lambda t: (bytes(64), TREE))
    says("a device tree at an odd address", rb"no usable device tree", tree=lambda t: (t, TREE + 4))
    says("a device tree whose end is missing", rb"no usable device tree", tree=cut)
    says("a device tree that is longer than it says", rb"no usable device tree", tree=short)
    says("a device tree at the end of memory", rb"does not lie in memory|no room",
         tree=lambda t: (packed(t), 0x80000000 - (len(packed(t)) + 7 & ~7)))
    says("a device tree right before the kernel", rb"leaves no room",
         tree=lambda t: (packed(t), 0x42000000 - (len(packed(t)) + 7 & ~7)))
