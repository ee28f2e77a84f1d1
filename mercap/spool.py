"""Rows in a file without a name: what a run knows of a million names need not lie in memory.

Only where each row begins is kept, eight bytes a row. The file goes with the process, however it ends.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

from mercap.files import nameless_file, write_at

T = TypeVar("T")
R = TypeVar("R", bound=tuple[Any, ...])
BLOCK = 1024  # rows that are worked on at once: no reader needs to hold more


def blocks(length: int, size: int = BLOCK) -> Iterator[tuple[int, int]]:
    """(first, last) of each block of ``length`` rows, the last one excluded."""
    return ((first, min(first + size, length)) for first in range(0, length, size))


class FileSequence(Sequence[T]):
    """A sequence read from a file, some items at a time: a subclass says how many there are, and reads them."""

    def _read(self, first: int, last: int) -> list[T]:
        raise NotImplementedError

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            return self._read(first, max(first, last))[::step]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._read(place, place + 1)[0]

    def __iter__(self) -> Iterator[T]:
        return (one for first, last in blocks(len(self)) for one in self._read(first, last))


class Spool(FileSequence[R]):
    """A sequence of named tuples that can be added to at its end.

    ``make`` builds a row of its values, as JSON gives them back: a path is text by then, a tuple a list. Threads may
    share one once it is filled. Raises OSError where the folder of temporary files is full.
    """

    def __init__(self, make: Callable[..., R], rows: Iterable[R] = ()) -> None:
        self._make = make
        self._file = nameless_file(self)
        self._starts = array("q", [0])
        for row in rows:
            self.append(row)

    def append(self, row: R) -> None:
        line, start = f"{json.dumps(row, default=str)},".encode(), self._starts[-1]
        write_at(self._file, line, start)
        self._starts.append(start + len(line))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _read(self, first: int, last: int) -> list[R]:
        start, end = self._starts[first], self._starts[last]
        text = os.pread(self._file, end - start, start).decode("ascii")
        return [self._make(*values) for values in json.loads(f"[{text[:-1]}]")]
