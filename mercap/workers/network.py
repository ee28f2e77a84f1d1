"""No network in a worker process: what holds a stranger's file has nobody to call.

On Linux (x86_64, aarch64) a seccomp filter refuses every socket that is not a local one (``AF_UNIX``), and io_uring,
which could make sockets without the system call. The kernel refuses, so this holds inside C code, in every thread and
in every program the worker might start, and cannot be taken back. It needs no privilege and works in containers.
Elsewhere an audit hook refuses Python's sockets and name look-ups; C code is then held only by FFmpeg's
``protocol_whitelist``.

Local sockets stay because CUDA uses them: a name service of this machine that listens on one could still be asked for
a name. Models are not fetched here: the parent does that before the run (`mercap.backends.check_backends`), and workers
look into the local cache only. A setuid program gains nothing in a worker, which on a machine whose NVIDIA device files
are not yet there means that somebody else must load the driver first. Costs 0.1 ms.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct
import sys
from typing import NamedTuple

# linux/prctl.h, linux/seccomp.h
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1  # TSYNC: threads that libraries started, too
_REFUSE, _ALLOW = 0x0005_0000 | errno.EACCES, 0x7FFF_0000
# linux/bpf_common.h: load a word at a constant offset; jump if equal or at least; return a constant
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little endian
_IO_URING_SETUP = 425  # on every architecture
_X32 = 0x4000_0000  # x86_64 has a second set of numbers for the same calls


class _Machine(NamedTuple):
    """linux/audit.h, asm/unistd.h"""

    architecture: int
    socket: int
    seccomp: int


_MACHINES = {"x86_64": _Machine(0xC000_003E, 41, 317), "aarch64": _Machine(0xC000_00B7, 198, 277)}
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


def cut_network() -> str:
    """Cut this process off for the rest of its life; answers who refuses from now on, ``kernel`` or ``python``."""
    if _cut_by_kernel():
        return "kernel"
    sys.addaudithook(_refuse)
    return "python"


def _cut_by_kernel() -> bool:
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    steps = _program(machine)
    code = ctypes.create_string_buffer(steps)
    program = ctypes.create_string_buffer(struct.pack("HP", len(steps) // 8, ctypes.addressof(code)))
    zero = ctypes.c_ulong(0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero):
        return False
    call = ctypes.c_long(machine.seccomp)
    found: int = libc.syscall(call, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, program)
    return found == 0


def _program(machine: _Machine) -> bytes:
    """Jumps say how many steps to skip if true and if false."""
    steps = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 0, 6, machine.architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_AT_LEAST, 4, 0, _X32),
        (_IF_EQUAL, 3, 0, _IO_URING_SETUP),
        (_IF_EQUAL, 0, 3, machine.socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    made = event == "socket.__new__" and arguments[1] != socket.AF_UNIX
    if made or event in _LOOKUPS:
        raise PermissionError(errno.EACCES, "a worker process has no network")
