"""Limits a worker process puts on itself: address space while decoding, and a clock it cannot ignore.

Both are enforced by the kernel, so they hold inside C code. Where ``/proc`` or the limits do not exist (other systems
than Linux) the address-space limit is not applied; the parent's clock still is.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let the process grow by at most this much; an allocation beyond fails as MemoryError or a decode error."""
    if not _STATM.exists():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    size = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    limit = size + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """End the whole process by SIGALRM after ``seconds``, even if its parent is gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
