"""Looking at one name, and at the store as a whole. Reads parts, writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mercap.errors import UsageError
from mercap.files import read_json
from storage.publish import published_snapshot
from storage.runs import Current, Source, read_current, read_runs, read_sources_of
from storage.snapshots import latest_snapshot, read_snapshots
from storage.store import Store
from storage.usage import spend


class CellView(NamedTuple):
    """One stage of one clip, as a person wants to see it."""

    stage_key: str
    status: str
    cell_id: str
    row: dict[str, Any] | None  # the stored row; None where blocked or pending


class ClipView(NamedTuple):
    sources: list[Source]  # every name of the clip, or the one source that never became one
    cells: list[CellView]


def inspect_name(store: Store, name: str) -> ClipView:
    """One clip through every stage of the newest snapshot. Raises UsageError for an unknown name."""
    snapshot = latest_snapshot(store)
    run_ids = list(snapshot["runs"]) if snapshot else [run["run_id"] for run in read_runs(store)][-1:]
    for run_id in reversed(run_ids):
        sources = read_sources_of(store, run_id)
        named = next((source for source in sources if source.name == name), None)
        if named is not None:
            same = [source for source in sources if source.clip == named.clip] if named.clip else [named]
            return ClipView(same, [_cell(store, row) for row in _current(store, run_id) if row.clip == named.clip])
    listing = f"mercap query --store {store.root} 'SELECT name FROM sources'"
    raise UsageError(f"No source is named {name!r} in {store.root}; see: {listing}")


def _current(store: Store, run_id: str) -> list[Current]:
    return list(read_current(store, run_id)) if (store.run_folder(run_id) / "current.parquet").exists() else []


def _cell(store: Store, row: Current) -> CellView:
    if row.row_id is None:
        return CellView(row.stage_key, row.status, row.cell_id, None)
    stem, _, place = row.row_id.rpartition(":")
    part = store.root / "cells" / row.stage_key.partition(":")[0] / f"{stem}.parquet"
    return CellView(row.stage_key, row.status, row.cell_id, store.read_part(part).slice(int(place), 1).to_pylist()[0])


def store_status(store: Store) -> dict[str, Any]:
    """Runs, the newest ledger, snapshots, what is published: one JSON object."""
    runs = read_runs(store)
    finished = [run for run in runs if run["state"] == "finished"]
    ledger = store.run_folder(finished[-1]["run_id"]) / "ledger.json" if finished else None
    kept = ("run_id", "state", "recipe", "collection", "runner", "started_at", "seconds", "names", "computed")
    return {
        "store": str(store.root),
        "runs": [{name: run[name] for name in kept} for run in runs],
        "ledger": read_json(ledger) if ledger else [],
        "snapshots": [
            {name: one[name] for name in ("id", "created_at", "recipe", "runs")} for one in read_snapshots(store)
        ],
        "spend": spend(store),
        "published_snapshot": published_snapshot(store),
        "cells_bytes": _size(store.root / "cells"),
        "derived_bytes": _size(store.root / "derived"),
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
