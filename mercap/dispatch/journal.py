"""The journal: every answered request, written before anything else happens to the answer.

One file of JSON lines per process, in one folder per store. A line is written with one call of the operating system, so
a process that is killed leaves whole lines and at most one torn last line, which is ignored. Whoever asks the same
question again (`key`: a digest of all that is sent) gets the answer from here and pays nothing.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mercap.identity import digest_config


class Entry(NamedTuple):
    """One answered request. ``body`` is the endpoint's own reply; ``attempts`` counts the calls it took."""

    key: str
    body: dict[str, Any]
    latency_s: float
    attempts: int


def request_key(url: str, body: dict[str, Any]) -> str:
    """What makes two requests the same: where they go and everything they say, keys in any order."""
    return digest_config({"url": url, "body": body})


class Journal:
    """Appends to a file of its own in ``folder`` and reads those of all processes that were there before."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._handle: int | None = None
        self._lock = threading.Lock()
        self._answers = {entry.key: entry for entry in read_journal(folder)}

    def __len__(self) -> int:
        return len(self._answers)

    def answer(self, key: str) -> Entry | None:
        return self._answers.get(key)

    def record(self, entry: Entry) -> None:
        """Write one line and remember it. Raises OSError where the disk refuses."""
        line = f"{json.dumps(entry._asdict())}\n".encode()  # ASCII: half a surrogate pair must not stop the run
        with self._lock:
            if self._handle is None:
                path = self._folder / f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
                self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            if os.write(self._handle, line) != len(line):
                raise OSError("the journal could not be written in one piece")
        self._answers[entry.key] = entry

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def read_journal(folder: Path) -> Iterator[Entry]:
    """All whole lines; a torn one is what a kill left, and its question is asked again."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if isinstance(entry.key, str) and isinstance(entry.body, dict):
                yield entry
