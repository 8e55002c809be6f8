# SPDX-License-Identifier: MIT
"""Symbols and bytes of a 64-bit ELF image, without tools."""

import struct


class Elf:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        self.order = "little" if self.data[5] == 1 else "big"
        (self.entry, phoff, shoff, _, _, phsize, phnum, shsize, shnum, _) = self.unpack("QQQIHHHHHH", 24)
        self.load = [self.unpack("IIQQQQQQ", phoff + i * phsize) for i in range(phnum)]
        self.load = [p for p in self.load if p[0] == 1]
        sections = [self.unpack("IIQQQQIIQQ", shoff + i * shsize) for i in range(shnum)]
        self.symbols, self.sizes = {}, {}
        for s in sections:
            if s[1] != 2:
                continue
            names = sections[s[6]]
            for at in range(s[4], s[4] + s[5], 24):
                name, _, _, _, value, size = self.unpack("IBBHQQ", at)
                start = names[4] + name
                text = self.data[start:self.data.index(b"\0", start)].decode("latin-1")
                if text and text not in self.symbols:
                    self.symbols[text] = value
                    self.sizes[text] = size

    def unpack(self, form, at):
        return struct.unpack_from(("<" if self.order == "little" else ">") + form, self.data, at)

    def __getitem__(self, name):
        return self.symbols[name]

    def offset(self, name):
        """Where a symbol is in the file."""
        return next(p[2] + self[name] - p[3] for p in self.load if p[3] <= self[name] < p[3] + p[6])

    def bytes(self, address, length):
        """What the image has at an address."""
        for _, _, offset, vaddr, _, filesz, memsz, _ in self.load:
            if vaddr <= address < vaddr + memsz:
                at = address - vaddr
                data = self.data[offset + at:offset + min(at + length, filesz)]
                return data.ljust(length, b"\0")
        raise KeyError(hex(address))

    def flat(self):
        """The image as it lies in memory from its lowest address to its last byte that is not zero-filled."""
        low, high = min(p[3] for p in self.load), max(p[3] + p[5] for p in self.load)
        out = bytearray(high - low)
        for _, _, offset, vaddr, _, filesz, _, _ in self.load:
            out[vaddr - low:vaddr - low + filesz] = self.data[offset:offset + filesz]
        return bytes(out)
