# SPDX-License-Identifier: MIT
"""What the end-to-end scenarios share: results, emulated hosts, guests, GDB, and a raw client.

A scenario begins with

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    from harness import *

starts one Host, boots guests in it by guestdbg run, drives them with Gdb or Rsp, and states what must
hold by check() inside scenario().
"""

from .report import check, equal, scenario, skip, Failed
from .host import Host, Guest
from .gdb import Gdb, GdbError
from .rsp import Rsp, RspError
from .elf import Elf
from . import images

__all__ = ["check", "equal", "scenario", "skip", "Failed", "Host", "Guest", "Gdb", "GdbError", "Rsp",
           "RspError", "Elf", "images"]
