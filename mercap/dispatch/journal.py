"""The journal: every answered request, written before anything else happens to the answer.

One file of JSON lines per process, in one folder per store. A line is written with one call of the operating system, so
a process that is killed leaves whole lines and at most one torn last line, which is ignored. Whoever asks the same
question again (`key`: a digest of all that is sent) gets the answer from here and pays nothing. Memory holds where each
answer lies, some 200 bytes, and not the answer.
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


class _Place(NamedTuple):
    path: Path
    start: int
    length: int


def request_key(url: str, body: dict[str, Any], attempt: int = 0) -> str:
    """What makes two requests the same: where they go, everything they say, and which attempt at a cell they are."""
    return digest_config({"url": url, "body": body, "attempt": attempt})


class Journal:
    """Appends to a file of its own in ``folder`` and reads those of all processes that were there before.

    Threads may share one.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._handle: int | None = None
        self._written = 0
        self._lock = threading.Lock()
        self._places = {entry.key: place for entry, place in _entries(folder)}

    def __len__(self) -> int:
        return len(self._places)

    def answer(self, key: str) -> Entry | None:
        """The answer to a request, if it was answered. Raises OSError where the journal cannot be read."""
        place = self._places.get(key)
        if place is None:
            return None
        with place.path.open("rb") as file:
            file.seek(place.start)
            return _entry(file.read(place.length))

    def record(self, entry: Entry) -> None:
        """Write one line and remember where. Raises OSError where the disk refuses."""
        line = f"{json.dumps(entry._asdict())}\n".encode()  # ASCII: half a surrogate pair must not stop the run
        with self._lock:
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            if os.write(self._handle, line) != len(line):
                raise OSError("the journal could not be written in one piece")
            self._places[entry.key] = _Place(self._path, self._written, len(line))
            self._written += len(line)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def read_journal(folder: Path) -> Iterator[Entry]:
    """All whole lines; a torn one is what a kill left, and its question is asked again."""
    return (entry for entry, _ in _entries(folder))


def _entries(folder: Path) -> Iterator[tuple[Entry, _Place]]:
    for path in sorted(folder.glob("*.jsonl")):
        start = 0
        with path.open("rb") as file:
            for line in file:
                if (entry := _entry(line)) is not None:
                    yield entry, _Place(path, start, len(line))
                start += len(line)


def _entry(line: bytes) -> Entry | None:
    try:
        entry = Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
    return entry if isinstance(entry.key, str) and isinstance(entry.body, dict) else None
