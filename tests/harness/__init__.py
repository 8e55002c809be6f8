# SPDX-License-Identifier: MIT
"""What the end-to-end scenarios share: results, emulated hosts, guests, GDB, and a raw client.

A scenario begins with

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    from harness import *

starts one Host, boots guests in it by guestdbg run, drives them with Gdb or Rsp, and states what must
hold by check() inside scenario(). One that takes debug_host() instead of Host runs beneath the EL2 monitor
as well, on hosts "el2"; what only KVM has it does `if KVM`.
"""

from .report import check, equal, scenario, skip, Failed
from .host import Host, Guest, KVM
from .gdb import Gdb, GdbError
from .rsp import Code, Rsp, RspError
from .elf import Elf
from . import images
from .el2 import Bare



def debug_host(files=(), **kvm_only):
    """The host that the environment names: of KVM, or the EL2 monitor's machines. Both have boot()."""
    return Host(files=files, **kvm_only) if KVM else Bare(files)


__all__ = ["check", "equal", "scenario", "skip", "Failed", "Host", "Guest", "KVM", "debug_host", "Gdb", "GdbError",
           "Code", "Rsp", "RspError", "Elf", "images"]
