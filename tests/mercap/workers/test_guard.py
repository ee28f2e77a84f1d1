"""The limits a process puts on itself hold, in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from tests.lab import ROOT

MEMORY = """
import resource
from mercap.workers.guard import is_swollen, memory_limit
before = resource.getrlimit(resource.RLIMIT_AS)
try:
    with memory_limit(64):
        bytearray(32 * 2**20)
        print("small")
        bytearray(128 * 2**20)
        print("large")
except MemoryError:
    print("refused")
bytearray(128 * 2**20)
print(resource.getrlimit(resource.RLIMIT_AS) == before, is_swollen())
"""
SWOLLEN = """
import mmap
from mercap.workers.guard import KEPT_MB, is_swollen, memory_limit
kept = []
for _ in range(3):
    with memory_limit(KEPT_MB):
        kept.append(mmap.mmap(-1, (KEPT_MB // 2 - 10) * 2**20))
    print(is_swollen())
"""
ALARM = """
import ctypes
from mercap.workers.guard import alarm
with alarm(30):
    pass
with alarm(0.3):
    ctypes.CDLL(None).pause()
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_memory_beyond_the_limit_is_refused_and_afterwards_it_is_not() -> None:
    assert run(MEMORY).stdout.split() == ["small", "refused", "True", "False"]


def test_a_process_whose_decodes_left_too_much_behind_says_so() -> None:
    assert run(SWOLLEN).stdout.split() == ["False", "False", "True"]


def test_an_alarm_ends_a_process_that_hangs_in_c() -> None:
    started = time.monotonic()
    assert run(ALARM).returncode == -signal.SIGALRM
    assert time.monotonic() - started < 10
