# SPDX-License-Identifier: MIT
"""Symbols and bytes of an ELF image, little-endian 64-bit, without tools."""

import struct


class Elf:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        (self.entry, phoff, shoff, _, _, phsize, phnum, shsize, shnum, _) = struct.unpack_from("<QQQIHHHHHH", self.data, 24)
        self.load = [struct.unpack_from("<IIQQQQQQ", self.data, phoff + i * phsize) for i in range(phnum)]
        self.load = [p for p in self.load if p[0] == 1]
        sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, shoff + i * shsize) for i in range(shnum)]
        self.symbols, self.sizes = {}, {}
        for s in sections:
            if s[1] != 2:
                continue
            names = sections[s[6]]
            for at in range(s[4], s[4] + s[5], 24):
                name, _, _, _, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                start = names[4] + name
                text = self.data[start:self.data.index(b"\0", start)].decode("latin-1")
                if text and text not in self.symbols:
                    self.symbols[text] = value
                    self.sizes[text] = size

    def __getitem__(self, name):
        return self.symbols[name]

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
