"""Content digests of files, remembered by (path, size, modification time) so that nothing is hashed twice.

Only a cache: losing it, or two runs writing it at once, costs hashing and nothing else. A file that changed within the
last two seconds is not remembered, because a second change in the same clock tick could go unseen.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.files import write_atomically
from mercap.identity import digest_file

_RACY_NS = 2_000_000_000
_SCHEMA = pa.schema([("path", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64()), ("digest", pa.string())])


class FileState(NamedTuple):
    """What tells one version of a file from another without reading it."""

    size: int
    mtime_ns: int


def file_state(path: Path) -> FileState:
    """Raises OSError."""
    found = path.stat()
    return FileState(found.st_size, found.st_mtime_ns)


class DigestCache:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.hashed = 0  # files actually read; tests and progress look at it
        self._known = self._load()
        self._fresh = False

    def _load(self) -> dict[str, tuple[FileState, str]]:
        with contextlib.suppress(OSError, pa.ArrowInvalid, KeyError):
            columns = [pq.read_table(self.file, schema=_SCHEMA)[name].to_pylist() for name in _SCHEMA.names]
            return {path: (FileState(size, mtime), digest) for path, size, mtime, digest in zip(*columns, strict=True)}
        return {}

    def digest(self, path: Path) -> tuple[str, FileState]:
        """SHA-256 of the file and the state it was read in. Raises OSError."""
        state = file_state(path)
        known = self._known.get(str(path))
        if known is not None and known[0] == state:
            return known[1], state
        digest = digest_file(path)
        self.hashed += 1
        if time.time_ns() - state.mtime_ns > _RACY_NS:
            self._known[str(path)] = (state, digest)
            self._fresh = True
        return digest, state

    def save(self) -> None:
        if not self._fresh:
            return
        rows = [(path, state.size, state.mtime_ns, digest) for path, (state, digest) in sorted(self._known.items())]
        columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)]
        table = pa.table(columns, schema=_SCHEMA)
        write_atomically(self.file, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
        self._fresh = False
