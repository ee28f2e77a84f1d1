"""Limits a worker process puts on itself: address space while decoding, and a clock it cannot ignore.

Both are enforced by the kernel, so they hold inside C code. Where ``/proc`` or the limits do not exist (other systems
than Linux) the address-space limit is not applied; the parent's clock still is.

A heap that has grown does not always shrink again, and what it kept the next decode could use on top of its own limit.
So a worker gives back what it can after every decode, and is replaced when too much stayed behind: no worker holds more
than it had before, plus the limit, plus `KEPT_MB`.
"""

from __future__ import annotations

import ctypes
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT_MB = 256  # address space that earlier decodes may keep
_STATM = Path("/proc/self/statm")
_kept = 0  # bytes


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let the process grow by at most this much; an allocation beyond fails as MemoryError or a decode error."""
    global _kept
    if not _STATM.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = _address_space()
    limit = size + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        _give_back()
        _kept += _address_space() - size


def is_swollen() -> bool:
    """Have decodes left so much behind that this process should be replaced?"""
    return _kept > KEPT_MB * 2**20


def _address_space() -> int:
    return int(_STATM.read_text().split()[0]) * resource.getpagesize()


def _give_back() -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """End the whole process by SIGALRM after ``seconds``, even if its parent is gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
