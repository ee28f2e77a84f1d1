"""Which row counts for each cell that a run asks for, and the rule that picks one where there are several.

The read rule: a settled row (``ok``, ``absent``) beats a quarantined one; among settled rows the first committed
counts, among quarantined ones the one with most attempts; ties are broken by the row id. It depends on the rows alone,
so every reader picks the same one, and a row once picked as settled is never replaced by a later commit.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mercap.identity import CELL_ID_CHARS
from storage.clip_columns import ClipColumn, Ids
from storage.recent import read_column
from storage.schema import SETTLED, Status
from storage.store import Store, row_id

STATUSES = tuple(Status)  # the index names a status by its place here
CODES = {status: code for code, status in enumerate(STATUSES)}
PENDING = CODES[Status.PENDING]
MAX_ATTEMPTS = 3  # a retryable failure is taken up again by later runs until it has failed this often

_COLUMNS = ("cell_id", "clip", "voter", "status", "cause", "retryable", "attempts", "committed_at")
_ROW = np.dtype(
    [("part", "u4"), ("row", "u4"), ("committed_us", "i8"), ("cause", "u2"), ("status", "u1"), ("attempts", "u1"),
     ("retryable", "?")]
)  # fmt: skip
_NO_PART = 0  # of a cell without a row
_SETTLED = [CODES[status] for status in SETTLED]
_PREFIX_CHARS = 16  # of a clip's digest: enough to find it by, and the cell id says whether it is the one


def rank(status: str, attempts: int, committed_us: int, row: str) -> tuple[int, int, str]:
    """The read rule as a sort key: of the rows of one cell the lowest counts."""
    return (0, committed_us, row) if status in SETTLED else (1, -attempts, row)


class CellIndex:
    """The row that counts of each cell that is asked for, by stage key and the clip's place among the clips.

    Nothing of it is in memory but eight bytes per clip. `refresh` reads only parts it has not seen. Threads may share
    one: `refresh` is guarded, and reading needs no guard where the cells read are not being computed. ``clips`` are
    digests in ascending order, ``ids`` the cell ids of each stage in the same order; ``retried`` are causes whose
    quarantined cells are to be tried again, however often they were tried before.
    """

    def __init__(self, store: Store, clips: Ids, ids: Mapping[str, Ids], retried: Collection[str] = ()) -> None:
        self.store = store
        self._clips = (
            clips.raw(0, len(clips)).view(">u8").reshape(-1, 4)[:, 0].astype(np.uint64)
        )  # as `_prefixes` has it
        self._ids = dict(ids)
        self._rows = {key: ClipColumn(_ROW, len(clips)) for key in ids}
        self._parts: list[Path] = [Path()]
        self._causes: list[str] = [""]
        self._retried = frozenset(retried)
        self._seen: dict[str, set[str]] = {key.partition(":")[0]: set() for key in ids}
        self._refreshing = threading.Lock()
        for stage in self._seen:
            self.refresh(stage)

    # --- reading -------------------------------------------------------------------------------------------------
    def statuses(self, key: str, first: int, last: int) -> NDArray[np.uint8]:
        """Codes of the rows that count, of clips ``first`` to before ``last``; pending where there is none."""
        rows = self._rows[key].read(first, last)
        return np.where(rows["part"] == _NO_PART, PENDING, rows["status"]).astype(np.uint8)

    def standing(self, key: str, first: int, last: int) -> NDArray[np.uint8]:
        """The same of cells that this run leaves alone; pending where it does not."""
        rows = self._rows[key].read(first, last)
        settled = np.isin(rows["status"], _SETTLED)
        retried = [code for code, cause in enumerate(self._causes) if cause in self._retried]
        given_up = (~rows["retryable"] | (rows["attempts"] >= MAX_ATTEMPTS)) & ~np.isin(rows["cause"], retried)
        stands = (rows["part"] != _NO_PART) & (settled | given_up)
        return np.where(stands, rows["status"], PENDING).astype(np.uint8)

    def row_ids(self, key: str, places: Sequence[int]) -> list[str | None]:
        """Ids of the rows that count; None where there is none."""
        rows = self._at(key, places)
        stems = {number: self._parts[number].stem for number in np.unique(rows["part"]).tolist()}
        return [
            row_id(stems[part], row) if part != _NO_PART else None
            for part, row in zip(rows["part"].tolist(), rows["row"].tolist(), strict=True)
        ]

    def attempts(self, key: str, places: Sequence[int]) -> list[int]:
        """How often each cell was tried so far."""
        found: list[int] = self._at(key, places)["attempts"].tolist()
        return found

    def payload(self, key: str, place: int) -> str | None:
        """The payload of a settled row; None of one that is absent. Raises KeyError where no settled row is."""
        row = self._at(key, [place])[0]
        if row["part"] == _NO_PART or row["status"] not in _SETTLED:
            raise KeyError((key, place))
        return read_column(self._parts[row["part"]], "payload")[int(row["row"])]

    def _at(self, key: str, places: Sequence[int]) -> NDArray[Any]:
        if not places:
            return np.zeros(0, _ROW)
        first = min(places)
        rows: NDArray[Any] = self._rows[key].read(first, max(places) + 1)[np.asarray(places) - first]
        return rows

    # --- taking in -----------------------------------------------------------------------------------------------
    def refresh(self, key: str) -> None:
        """Take in what was committed since. Raises StoreError naming a damaged part."""
        stage = key.partition(":")[0]
        seen = self._seen[stage]
        with self._refreshing:
            for path in self.store.parts(stage):
                if path.name not in seen:
                    self._take(stage, path)
                    seen.add(path.name)

    def _take(self, stage: str, path: Path) -> None:
        table = self.store.read_part(path, _COLUMNS)
        self._parts.append(path)
        rows, known = self._read_rows(table)
        clips = _prefixes(table["clip"].to_pylist())
        ids = _raw(table["cell_id"].to_pylist(), CELL_ID_CHARS)
        for voter in table["voter"].unique().to_pylist():
            key = f"{stage}:{voter}" if voter else stage
            if key in self._ids:
                its = known & pc.equal(pc.fill_null(table["voter"], ""), voter or "").to_numpy()
                places = self._find(key, clips[its], ids[its])
                self._keep(key, places[places >= 0], rows[its][places >= 0])

    def _read_rows(self, table: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What is kept of each row, and whether its status is one that there is."""
        for cause in table["cause"].unique().drop_null().to_pylist():
            if cause not in self._causes:
                self._causes.append(cause)
        rows = np.zeros(len(table), _ROW)
        rows["part"], rows["row"] = len(self._parts) - 1, np.arange(len(table))
        rows["committed_us"] = table["committed_at"].cast("int64").to_numpy()
        rows["cause"] = pc.fill_null(pc.index_in(table["cause"], pa.array(self._causes)), 0).to_numpy()
        status = pc.fill_null(pc.index_in(table["status"], pa.array(STATUSES)), PENDING).to_numpy()
        rows["status"], rows["retryable"] = status, table["retryable"].to_numpy()
        rows["attempts"] = np.minimum(table["attempts"].to_numpy(), 255)
        return rows, status != PENDING

    def _find(self, key: str, clips: NDArray[np.uint64], ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The place of each cell among those asked for; -1 for one that is not."""
        found = np.full(len(clips), -1)
        at = np.searchsorted(self._clips, clips)
        open_ = np.arange(len(clips))
        # Two clips may begin alike, by chance or by somebody's effort: then the next place is tried too.
        while len(open_ := open_[at[open_] < len(self._clips)]):
            open_ = open_[self._clips[at[open_]] == clips[open_]]
            if not len(open_):
                break
            first = at[open_].min()
            asked = self._ids[key].raw(first, at[open_].max() + 1).view(np.uint64).reshape(-1, 2)
            same = (asked[at[open_] - first] == ids[open_]).all(axis=1)
            found[open_[same]] = at[open_[same]]
            open_ = open_[~same]
            at[open_] += 1
        return found

    def _keep(self, key: str, places: NDArray[np.int64], rows: NDArray[Any]) -> None:
        """Of each place's rows, those held and these, the one that counts."""
        if not len(places):
            return
        first, last = int(places.min()), int(places.max()) + 1
        held = self._rows[key].read(first, last)
        at = places - first
        if len(np.unique(at)) == len(at) and not held["part"][at].any():
            held[at] = rows
        else:
            for place, row in zip(at.tolist(), rows, strict=True):
                if held["part"][place] == _NO_PART or self._rank(row) < self._rank(held[place]):
                    held[place] = row
        self._rows[key].write(first, held)

    def _rank(self, row: Any) -> tuple[int, int, str]:
        name = row_id(self._parts[row["part"]].stem, int(row["row"]))
        return rank(STATUSES[row["status"]], int(row["attempts"]), int(row["committed_us"]), name)


def _prefixes(digests: Sequence[str]) -> NDArray[np.uint64]:
    """The beginnings of digests as numbers in the same order."""
    return _raw([digest[:_PREFIX_CHARS] for digest in digests], _PREFIX_CHARS).view(">u8").astype(np.uint64).ravel()


def _raw(texts: Sequence[str], chars: int) -> NDArray[np.uint64]:
    """Hexadecimal texts as rows of eight bytes. What is none, in a part that was tampered with, is all zeros."""
    joined = "".join(texts)
    try:
        data = bytes.fromhex(joined)
    except ValueError:
        data = b""
    if 2 * len(data) != len(joined) or any(len(text) != chars for text in texts):
        data = b"".join(_bytes(text, chars) for text in texts)
    return np.frombuffer(data, np.uint64).reshape(len(texts), chars // 16)


def _bytes(text: str, chars: int) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    return data if 2 * len(data) == len(text) == chars else bytes(chars // 2)


def counting_row_ids(store: Store, stage: str) -> Iterator[str]:
    """Ids of the rows that count of every cell of a stage that the store holds. Raises StoreError."""
    best: dict[str, tuple[int, int, str]] = {}
    for path in store.parts(stage):
        table = store.read_part(path, ("cell_id", "status", "attempts", "committed_at"))
        names = ("cell_id", "status", "attempts")
        columns = [table[name].to_pylist() for name in names] + [table["committed_at"].cast("int64").to_pylist()]
        for place, (cell, status, attempts, committed) in enumerate(zip(*columns, strict=True)):
            found = rank(status, min(attempts, 255), committed, row_id(path.stem, place))
            if cell not in best or found < best[cell]:
                best[cell] = found
    return (name for _, _, name in best.values())
