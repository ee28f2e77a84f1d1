"""Which rows of which parts count in a snapshot: what publishing reads, stage by stage, each part once."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from storage.runs import read_current_tables
from storage.store import Store


class PartRows(NamedTuple):
    path: Path
    places: array[int]  # of the rows that count

    def read(self, store: Store, columns: tuple[str, ...]) -> Any:
        """The rows as a pyarrow table. Raises StoreError naming a damaged file."""
        table = store.read_part(self.path, columns)
        return table if len(self.places) == len(table) else table.take(pa.array(self.places, pa.int32()))


def counting_rows(store: Store, run_ids: list[str], withdrawn: set[str]) -> Iterator[list[PartRows]]:
    """The rows of one stage and run after another. A clip that several collections hold takes all from the newest run.

    ``withdrawn`` are clips that nothing counts of. Holds four bytes per clip, and the digests of clips where older runs
    follow.
    """
    taken = set(withdrawn)
    for run_id in reversed(run_ids):
        clips: set[str] = set()
        for stage, tables in groupby(read_current_tables(store, run_id), key=_stage):
            places: dict[str, array[int]] = {}
            for table in tables:
                rows = _rows_of_others(table, taken)
                _sort_by_part(rows["row_id"], places)
                if run_id != run_ids[0]:
                    clips.update(rows["clip"].to_pylist())
            folder = store.root / "cells" / stage
            yield [PartRows(folder / f"{stem}.parquet", found) for stem, found in sorted(places.items())]
        taken |= clips


def _stage(table: Any) -> str:
    return str(table["stage_key"][0].as_py()).partition(":")[0] if len(table) else ""


def _rows_of_others(table: Any, taken: set[str]) -> Any:
    """Current rows that exist, without those of clips in ``taken``."""
    rows = table.filter(table["row_id"].is_valid())
    return (
        rows.filter(pa.array(clip not in taken for clip in rows["clip"].to_pylist())) if taken and len(rows) else rows
    )


def _sort_by_part(row_ids: Any, places: dict[str, array[int]]) -> None:
    for row_id in row_ids.to_pylist():
        stem, _, place = row_id.rpartition(":")
        if stem not in places:
            places[stem] = array("i")
        places[stem].append(int(place))
