"""Cell id -> number, in some 30 bytes per cell where a dictionary of strings takes five times that."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import sha256

from mercap.identity import CELL_ID_CHARS

_ID_BYTES = CELL_ID_CHARS // 2
_BUCKETS = 1024
_NONE = array("q")


class Places:
    """Ids lie one after another in buckets by their first bits, so looking one up is a search through some kilobytes.

    One thread may add while others look up: the number is there before the id that leads to it.
    """

    def __init__(self) -> None:
        self._ids = [b""] * _BUCKETS  # an id is added by making anew the few hundred bytes of its bucket
        self._numbers = [_NONE] * _BUCKETS
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def get(self, cell_id: str) -> int | None:
        raw = _raw(cell_id)
        bucket = raw[0] << 2 | raw[1] >> 6
        at = self._ids[bucket].find(raw)
        if at % _ID_BYTES:
            at = _whole(self._ids[bucket], raw, at)
        return None if at < 0 else self._numbers[bucket][at // _ID_BYTES]

    def set(self, cell_id: str, number: int) -> None:
        raw = _raw(cell_id)
        bucket = raw[0] << 2 | raw[1] >> 6
        at = _whole(self._ids[bucket], raw, self._ids[bucket].find(raw))
        if at >= 0:
            self._numbers[bucket][at // _ID_BYTES] = number
            return
        if self._numbers[bucket] is _NONE:
            self._numbers[bucket] = array("q")
        self._numbers[bucket].append(number)
        self._ids[bucket] += raw
        self._count += 1

    def values(self) -> Iterator[int]:
        for numbers in self._numbers:
            yield from numbers


def _raw(cell_id: str) -> bytes:
    """What is no cell id, in a part that was tampered with, is a number of its own too."""
    try:
        raw = bytes.fromhex(cell_id)
    except ValueError:
        raw = b""
    return raw if len(raw) == _ID_BYTES else sha256(cell_id.encode()).digest()[:_ID_BYTES]


def _whole(ids: bytes, raw: bytes, at: int) -> int:
    """The first place of ``raw``, from ``at`` on, that does not lie across two ids; -1 where there is none."""
    while at >= 0 and at % _ID_BYTES:
        at = ids.find(raw, at + 1)
    return at
