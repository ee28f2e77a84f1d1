"""Columns of parts that were read lately: stages read what earlier ones answered, clip by clip in about one order.

Parts never change, so nothing here is ever stale; what was not asked for the longest goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from storage.store import Store

_CHARS_AT_MOST = 32 << 20  # four shards under way, a handful of stages that each reads

Column = list[str | None]


class _Recent:
    def __init__(self) -> None:
        self._held: OrderedDict[tuple[Path, str], tuple[Column, int]] = OrderedDict()
        self._chars = 0
        self._changing = threading.Lock()

    def read(self, path: Path, name: str) -> Column:
        with self._changing:
            if (path, name) in self._held:
                self._held.move_to_end((path, name))
                return self._held[path, name][0]
        column: Column = Store(path.parent.parent.parent).read_part(path, (name,))[name].to_pylist()
        self._keep((path, name), column, sum(len(text) for text in column if text is not None))
        return column

    def _keep(self, key: tuple[Path, str], column: Column, chars: int) -> None:
        with self._changing:
            if key in self._held:  # another thread was first
                return
            self._held[key] = column, chars
            self._chars += chars
            while self._chars > _CHARS_AT_MOST and len(self._held) > 1:
                self._chars -= self._held.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._changing:
            self._held.clear()
            self._chars = 0


_RECENT = _Recent()


def read_column(path: Path, name: str) -> Column:
    """One column of text of a part, in order. Raises StoreError naming a damaged file."""
    return _RECENT.read(path, name)


def forget_columns() -> None:
    _RECENT.clear()
