"""Content digests of files, remembered by (path, size, modification time) so that nothing is hashed twice.

Only a cache: losing it, or two runs writing it at once, costs hashing and nothing else. A file that changed within the
last two seconds is not remembered, because a second change in the same clock tick could go unseen.
"""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.files import write_atomically
from mercap.identity import digest_file

_RACY_NS = 2_000_000_000
_STATE = struct.Struct("<qq")  # size, modification time
_ROWS_AT_ONCE = 4096
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
    """Holds some 250 bytes per file while SOURCE is taken in."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.hashed = 0  # files actually read; tests and progress look at it
        self._known = self._load()
        self._fresh = False

    def _load(self) -> dict[str, bytes]:
        known: dict[str, bytes] = {}
        with contextlib.suppress(OSError, pa.ArrowInvalid, KeyError, ValueError), pq.ParquetFile(self.file) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=_SCHEMA.names):
                for path, *state, digest in zip(*(batch[name].to_pylist() for name in _SCHEMA.names), strict=True):
                    known[path] = _packed(FileState(*state), digest)
        return known

    def digest(self, path: Path) -> tuple[str, FileState]:
        """SHA-256 of the file and the state it was read in. Raises OSError."""
        state, name = file_state(path), str(path)
        known = self._known.get(name)
        if known is not None and _STATE.unpack_from(known) == state:
            return known[_STATE.size :].hex(), state
        digest = digest_file(path)
        self.hashed += 1
        if time.time_ns() - state.mtime_ns > _RACY_NS:
            self._known[name] = _packed(state, digest)
            self._fresh = True
        return digest, state

    def save(self) -> None:
        if self._fresh:
            write_atomically(self.file, self._write)
            self._fresh = False

    def _write(self, temporary: Path) -> None:
        paths = sorted(self._known)
        with pq.ParquetWriter(temporary, _SCHEMA, compression="zstd") as writer:
            for first in range(0, len(paths), _ROWS_AT_ONCE):
                block = paths[first : first + _ROWS_AT_ONCE]
                states = [_STATE.unpack_from(self._known[path]) for path in block]
                digests = [self._known[path][_STATE.size :].hex() for path in block]
                writer.write_table(pa.table([block, *zip(*states, strict=True), digests], schema=_SCHEMA))


def _packed(state: FileState, digest: str) -> bytes:
    return _STATE.pack(*state) + bytes.fromhex(digest)
