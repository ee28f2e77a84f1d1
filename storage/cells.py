"""Which cells a store holds: an index per stage, and the rule that picks one row where there are several.

The read rule: a settled row (``ok``, ``absent``) beats a quarantined one; among settled rows the first committed
counts, among quarantined ones the one with most attempts; ties are broken by the row id. It depends on the rows alone,
so every reader picks the same one, and a row once picked as settled is never replaced by a later commit.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from storage.places import Places
from storage.schema import SETTLED, Status
from storage.store import Store, read_payloads, row_id

_COLUMNS = ("cell_id", "status", "cause", "retryable", "attempts", "committed_at")
_STATUSES = tuple(Status)
_PLACE_BITS = 24  # a part has fewer rows than this
_PLACE_MASK = (1 << _PLACE_BITS) - 1
MAX_ATTEMPTS = 3  # a retryable failure is taken up again by later runs until it has failed this often


class Entry(NamedTuple):
    """What the index keeps of a row."""

    row_id: str
    status: Status
    cause: str | None
    retryable: bool
    attempts: int
    committed_us: int
    part: Path

    @property
    def done(self) -> bool:
        """Whether another run leaves this cell alone by itself."""
        return self.status in SETTLED or not self.retryable or self.attempts >= MAX_ATTEMPTS

    @property
    def rank(self) -> tuple[int, int, str]:
        """Lower is better: the read rule as a sort key."""
        if self.status in SETTLED:
            return (0, self.committed_us, self.row_id)
        return (1, -self.attempts, self.row_id)


class _Part(NamedTuple):
    """What the index keeps of a part, a number per row: a store of a million cells fits into a laptop's memory."""

    path: Path
    statuses: bytes  # positions in `_STATUSES`
    retryable: bytes
    attempts: bytes
    committed_us: array[int]


class CellIndex:
    """cell id -> the row that counts, for one stage. `refresh` reads only parts it has not seen.

    Costs about 40 bytes per cell. Threads may share one: `refresh` is guarded, and reading needs no guard. ``retried``
    are causes whose quarantined cells are to be tried again, however often they were tried before.
    """

    def __init__(self, store: Store, stage: str, retried: Collection[str] = ()) -> None:
        self.store = store
        self.stage = stage
        self._retried = frozenset(retried)
        self._places = Places()  # cell id -> part number and place in the part, in one integer
        self._parts: list[_Part] = []
        self._causes: dict[int, str] = {}  # of rows that are not ok
        self._seen: set[Path] = set()
        self._refreshing = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, cell_id: str) -> bool:
        return self._places.get(cell_id) is not None

    def get(self, cell_id: str) -> Entry | None:
        at = self._places.get(cell_id)
        return None if at is None else self._entry(at)

    def is_done(self, cell_id: str) -> bool:
        """Whether this run leaves the cell alone."""
        return self.status_if_done(cell_id) is not None

    def status_if_done(self, cell_id: str) -> Status | None:
        """The status of a cell that this run leaves alone; None for one that it does not."""
        at = self._places.get(cell_id)
        if at is None:
            return None
        status = _STATUSES[self._parts[at >> _PLACE_BITS].statuses[at & _PLACE_MASK]]
        if status in SETTLED:
            return status
        entry = self._entry(at)
        return status if entry.done and entry.cause not in self._retried else None

    def row_id(self, cell_id: str) -> str | None:
        """Id of the row that counts."""
        at = self._places.get(cell_id)
        return None if at is None else self._row_id(at)

    def attempts(self, cell_id: str) -> int:
        """How often the cell was tried so far."""
        at = self._places.get(cell_id)
        return 0 if at is None else self._parts[at >> _PLACE_BITS].attempts[at & _PLACE_MASK]

    def row_ids(self) -> Iterable[str]:
        """Ids of all rows that count."""
        return (self._row_id(at) for at in self._places.values())

    def causes(self) -> Iterable[tuple[str, str]]:
        """(row id, cause) of every row that is not ok, whether it counts or not."""
        return ((self._row_id(at), cause) for at, cause in self._causes.items())

    def refresh(self) -> None:
        with self._refreshing:
            for path in self.store.parts(self.stage):
                if path not in self._seen:
                    self._take(path)
                    self._seen.add(path)

    def _take(self, path: Path) -> None:
        table = self.store.read_part(path, _COLUMNS).combine_chunks()
        statuses, first = table["status"].to_pylist(), len(self._parts) << _PLACE_BITS
        self._parts.append(
            _Part(
                path,
                bytes(_STATUSES.index(status) for status in statuses),
                bytes(table["retryable"].to_pylist()),
                bytes(min(attempts, 255) for attempts in table["attempts"].to_pylist()),
                array("q", table["committed_at"].cast("int64").to_pylist()),
            )
        )
        for at, (status, cause) in enumerate(zip(statuses, table["cause"].to_pylist(), strict=True), first):
            if status != Status.OK:
                self._causes[at] = cause
        for at, cell_id in enumerate(table["cell_id"].to_pylist(), first):
            held = self._places.get(cell_id)
            if held is None or self._entry(at).rank < self._entry(held).rank:
                self._places.set(cell_id, at)

    def _entry(self, at: int) -> Entry:
        part, place = self._parts[at >> _PLACE_BITS], at & _PLACE_MASK
        return Entry(
            self._row_id(at),
            _STATUSES[part.statuses[place]],
            self._causes.get(at),
            bool(part.retryable[place]),
            part.attempts[place],
            part.committed_us[place],
            part.path,
        )

    def _row_id(self, at: int) -> str:
        return row_id(self._parts[at >> _PLACE_BITS].path.stem, at & _PLACE_MASK)

    def status(self, cell_id: str) -> Status:
        at = self._places.get(cell_id)
        return Status.PENDING if at is None else _STATUSES[self._parts[at >> _PLACE_BITS].statuses[at & _PLACE_MASK]]

    def payloads(self, cell_ids: Iterable[str]) -> dict[str, str | None]:
        """cell id -> payload of the row that counts; ids without a settled row are left out."""
        found: dict[str, str | None] = {}
        for cell_id in cell_ids:
            entry = self.get(cell_id)
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
