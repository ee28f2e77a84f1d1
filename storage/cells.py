"""Which cells a store holds: an index per stage, and the rule that picks one row where there are several.

The read rule: a settled row (``ok``, ``absent``) beats a quarantined one; among settled rows the first committed
counts, among quarantined ones the one with most attempts; ties are broken by the row id. It depends on the rows alone,
so every reader picks the same one, and a row once picked as settled is never replaced by a later commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from storage.schema import SETTLED, Status
from storage.store import Store, read_payloads

_COLUMNS = ("cell_id", "row_id", "status", "cause", "retryable", "attempts", "committed_at")
MAX_ATTEMPTS = 3  # a retryable failure is taken up again by later runs until it has failed this often


class Entry(NamedTuple):
    """What the index keeps of a row."""

    row_id: str
    status: str
    cause: str | None
    retryable: bool
    attempts: int
    committed_us: int
    part: Path

    @property
    def done(self) -> bool:
        """Whether another run leaves this cell alone."""
        return self.status in SETTLED or not self.retryable or self.attempts >= MAX_ATTEMPTS

    @property
    def rank(self) -> tuple[int, int, str]:
        """Lower is better: the read rule as a sort key."""
        if self.status in SETTLED:
            return (0, self.committed_us, self.row_id)
        return (1, -self.attempts, self.row_id)


class CellIndex:
    """cell id -> the row that counts, for one stage. `refresh` reads only parts it has not seen."""

    def __init__(self, store: Store, stage: str) -> None:
        self.store = store
        self.stage = stage
        self._entries: dict[str, Entry] = {}
        self._seen: set[Path] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, cell_id: str) -> bool:
        return cell_id in self._entries

    def get(self, cell_id: str) -> Entry | None:
        return self._entries.get(cell_id)

    def row_ids(self) -> Iterable[str]:
        """Ids of the rows that count."""
        return (entry.row_id for entry in self._entries.values())

    def refresh(self) -> None:
        for path in self.store.parts(self.stage):
            if path not in self._seen:
                self._take(path)
                self._seen.add(path)

    def _take(self, path: Path) -> None:
        table = self.store.read_part(path, _COLUMNS)
        micros = table["committed_at"].cast("int64").to_pylist()
        columns = [table[name].to_pylist() for name in _COLUMNS[:-1]]
        for cell_id, row_id, status, cause, retryable, attempts, committed in zip(*columns, micros, strict=True):
            entry = Entry(row_id, status, cause, retryable, attempts, committed, path)
            held = self._entries.get(cell_id)
            if held is None or entry.rank < held.rank:
                self._entries[cell_id] = entry

    def status(self, cell_id: str) -> Status:
        entry = self._entries.get(cell_id)
        return Status(entry.status) if entry else Status.PENDING

    def payloads(self, cell_ids: Iterable[str]) -> dict[str, str | None]:
        """cell id -> payload of the row that counts; ids without a settled row are left out."""
        found: dict[str, str | None] = {}
        for cell_id in cell_ids:
            entry = self._entries.get(cell_id)
            if entry is not None and entry.status in SETTLED:
                found[cell_id] = read_payloads(entry.part)[entry.row_id]
        return found


class Predecessor(NamedTuple):
    """The newest cell of a stage and clip, under whatever config."""

    config: str
    inputs: list[str]


class Predecessors:
    """Per clip, what a stage was last computed from: tells why a cell is missing now."""

    def __init__(self, store: Store, stage_key: str) -> None:
        self.store = store
        self._stage, _, voter = stage_key.partition(":")
        self._voter = voter or None
        self._newest: dict[str, tuple[int, Predecessor]] | None = None

    def newest(self, clip: str) -> Predecessor | None:
        if self._newest is None:
            self._newest = {}
            for path in self.store.parts(self._stage):
                self._take(self.store.read_part(path, ("clip", "voter", "config", "inputs", "committed_at")))
        found = self._newest.get(clip)
        return found[1] if found else None

    def _take(self, table: Any) -> None:
        assert self._newest is not None
        micros = table["committed_at"].cast("int64").to_pylist()
        columns = [table[name].to_pylist() for name in ("clip", "voter", "config", "inputs")]
        for clip, voter, config, inputs, committed in zip(*columns, micros, strict=True):
            if voter == self._voter and (clip not in self._newest or committed >= self._newest[clip][0]):
                self._newest[clip] = (committed, Predecessor(config, inputs))
