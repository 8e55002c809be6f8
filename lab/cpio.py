# SPDX-License-Identifier: MIT
"""Writes initramfs archives (cpio "newc", Linux Documentation/driver-api/early-userspace/buffer-format.rst).

The kernel unpacks several archives one after another, so a finished base and a few files of the
moment need no repacking.
"""

import os
import stat


class Archive:
    """An archive in memory. Parents of a path are made by themselves; a name may be added again."""

    def __init__(self):
        self.parts = []
        self.folders = set()
        self.inode = 0

    def entry(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.folders:
            self.folder(parent)
        self.record(path, mode, data, rdev)

    def record(self, path, mode, data, rdev):
        self.inode += 1
        name = os.fsencode(path) + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name), 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def folder(self, path, mode=0o755):
        path = path.strip("/")
        if path and path not in self.folders:
            self.folders.add(path)
            self.entry(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self.entry(path, stat.S_IFREG | mode, os.fsencode(data) if isinstance(data, str) else data)

    def link(self, path, target):
        self.entry(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def node(self, path, major, minor, mode=0o600):
        self.entry(path, stat.S_IFCHR | mode, b"", (major, minor))

    def copy(self, source, path):
        """A file, or a folder with all that is in it; symbolic links inside stay links."""
        if os.path.isdir(source):
            self.folder(path)
            for name in sorted(os.listdir(source)):
                inner = os.path.join(source, name)
                if os.path.islink(inner):
                    self.link(f"{path}/{name}", os.readlink(inner))
                else:
                    self.copy(inner, f"{path}/{name}")
        else:
            with open(source, "rb") as f:
                self.file(path, f.read(), stat.S_IMODE(os.stat(source).st_mode))

    def bytes(self):
        self.record("TRAILER!!!", 0, b"", (0, 0))
        whole = b"".join(self.parts)
        return whole + b"\0" * (-len(whole) % 512)
