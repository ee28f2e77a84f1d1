"""Columns with a value per clip, in files without names: what a run knows of its cells does not lie in memory.

A plan of a million clips has fourteen million cell ids; each file goes with the process, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mercap.files import nameless_file, write_at
from mercap.spool import FileSequence


class ClipColumn:
    """Values of one numpy type. Threads may share one: every reading and writing names its place."""

    def __init__(self, dtype: Any, length: int = 0) -> None:
        """``length`` values of zero bytes to begin with."""
        self.dtype = np.dtype(dtype)
        self._file = nameless_file(self)
        os.truncate(self._file, length * self.dtype.itemsize)
        self._length = length

    def __len__(self) -> int:
        return self._length

    def read(self, first: int, last: int) -> NDArray[Any]:
        """The values from ``first`` to before ``last``; a copy that may be changed."""
        width = self.dtype.itemsize
        data = os.pread(self._file, (last - first) * width, first * width)
        return np.frombuffer(bytearray(data), self.dtype)

    def write(self, first: int, values: NDArray[Any]) -> None:
        """Raises OSError where the folder of temporary files is full."""
        write_at(self._file, values.astype(self.dtype, copy=False).tobytes(), first * self.dtype.itemsize)
        self._length = max(self._length, first + len(values))

    def append(self, values: NDArray[Any]) -> None:
        self.write(self._length, values)


class Ids(FileSequence[str]):
    """Digests or cell ids, ``chars`` hexadecimal digits each."""

    def __init__(self, chars: int, ids: Iterable[str] = ()) -> None:
        self._chars = chars
        self._column = ClipColumn(f"V{chars // 2}")
        self.extend(list(ids))

    def extend(self, ids: Sequence[str]) -> None:
        self._column.append(np.frombuffer(bytes.fromhex("".join(ids)), self._column.dtype))

    def raw(self, first: int, last: int) -> NDArray[np.void]:
        """The ids from ``first`` to before ``last`` as bytes."""
        return self._column.read(first, last)

    def __len__(self) -> int:
        return len(self._column)

    def _read(self, first: int, last: int) -> list[str]:
        text = self.raw(first, last).tobytes().hex()
        return [text[at : at + self._chars] for at in range(0, len(text), self._chars)]
