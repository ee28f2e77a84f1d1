"""Snapshots: one recipe digest, the runs it covers, and the exact files it rests on.

A snapshot covers, for each collection (SOURCE), the newest finished run under its recipe digest; a run with
``--limit`` never stands in for one without. So annotating a second folder into a store adds to the dataset, and
annotating the first again replaces its part. Training and benchmarks name a snapshot, never "the latest".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc

from mercap.errors import StoreError
from mercap.files import read_json, write_json
from mercap.identity import canonical_json, digest_file
from storage.runs import batched_sources, read_current_tables, read_runs
from storage.schema import CURRENT_SCHEMA
from storage.store import Store


class _Block(NamedTuple):
    """Sorted lines, and whether they begin the sources or a stage."""

    lines: list[str]
    begins: bool


def content_digest(store: Store, run_id: str) -> str:
    """What a run came to: equal for two runs that found everything as it was."""
    state = _digest(hashlib.sha256(), lambda: _source_lines(store, run_id))
    digest: str = _digest(state, lambda: _current_lines(store, run_id)).hexdigest()
    return digest


def _digest(state: Any, lines: Callable[[], Iterator[_Block]]) -> Any:
    return _digest_in_order(state.copy(), lines()) or _digest_sorted(state, lines())


def _digest_in_order(state: Any, blocks: Iterator[_Block]) -> Any:
    """A block at a time; None where the blocks do not follow each other in the order of their lines."""
    last = ""
    for lines, begins in blocks:
        if not begins and lines[0] < last:
            return None
        _update(state, lines)
        last = lines[-1]
    return state


def _digest_sorted(state: Any, blocks: Iterator[_Block]) -> Any:
    """The same with all lines of a part in memory."""
    held = list[str]()
    for lines, begins in blocks:
        if begins:
            _update(state, sorted(held))
            held.clear()
        held += lines
    _update(state, sorted(held))
    return state


def _update(state: Any, lines: list[str]) -> None:
    state.update("\n".join([*lines, ""]).encode())


def _source_lines(store: Store, run_id: str) -> Iterator[_Block]:
    for number, block in enumerate(batched_sources(store, run_id)):
        yield _Block(sorted(canonical_json(list(source)) for source in block), number == 0)


def _current_lines(store: Store, run_id: str) -> Iterator[_Block]:
    stage = None
    for table in read_current_tables(store, run_id):
        if len(table):
            columns = [pc.fill_null(table[name], "") for name in CURRENT_SCHEMA.names]
            key = table["stage_key"][0].as_py()
            yield _Block(sorted(pc.binary_join_element_wise(*columns, "|").to_pylist()), key != stage)
            stage = key


def covered_runs(store: Store, recipe_digest: str) -> list[dict[str, Any]]:
    """The runs a snapshot of this recipe covers now, oldest first."""
    newest: dict[str, dict[str, Any]] = {}
    for run in read_runs(store):
        if run.get("recipe_digest") != recipe_digest or run.get("state") != "finished":
            continue
        held = newest.get(run["collection"])
        if held is None or run["limit"] is None or held["limit"] is not None:
            newest[run["collection"]] = run
    return sorted(newest.values(), key=lambda run: str(run["run_id"]))


def take_snapshot(store: Store, recipe_digest: str) -> dict[str, Any]:
    """A new snapshot of what the recipe's finished runs came to, or the newest one if nothing has changed since."""
    runs = covered_runs(store, recipe_digest)
    if not runs:
        raise StoreError(
            f"No finished run of this recipe in {store.root}; run: mercap annotate SOURCE --store {store.root}"
        )
    contents = [[run["collection"], run["content_digest"]] for run in runs]
    last = latest_snapshot(store, recipe_digest)
    if last is not None and last["contents"] == contents:
        return last
    snapshot = {
        "schema": 1,
        "created_at": datetime.now(UTC).isoformat(),
        "parent": last["id"] if last else None,
        "recipe": runs[-1]["recipe"],
        "recipe_digest": recipe_digest,
        "runs": [run["run_id"] for run in runs],
        "contents": contents,
        "files": _files(store, [run["run_id"] for run in runs], last["files"] if last else []),
    }
    return _number(store, snapshot)


def _files(store: Store, run_ids: list[str], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every file the snapshot rests on, with size and digest, so that `verify` can tell loss and damage apart.

    Files never change, so those of the snapshot ``before`` are not read again.
    """
    known = {file["path"]: file for file in before}
    needed: set[str] = set()
    for run_id in run_ids:
        needed.update(f"runs/{run_id}/{name}.parquet" for name in ("sources", "current"))
        for table in read_current_tables(store, run_id):
            needed.update(_parts(table))
    return [known.get(path) or _file(store, path) for path in sorted(needed)]


def _parts(table: Any) -> Iterator[str]:
    """The parts in which the current rows of one run lie."""
    rows = table.filter(pc.is_valid(table["row_id"]))
    stages = pc.replace_substring_regex(rows["stage_key"], ":.*$", "")
    stems = pc.replace_substring_regex(rows["row_id"], ":[0-9]+$", "")
    yield from pc.unique(
        pc.binary_join_element_wise("cells", stages, pc.binary_join_element_wise(stems, "parquet", "."), "/")
    ).to_pylist()


def _file(store: Store, path: str) -> dict[str, Any]:
    file = store.root / path
    return {"path": path, "size": file.stat().st_size, "sha256": digest_file(file)}


def _number(store: Store, snapshot: dict[str, Any]) -> dict[str, Any]:
    """Give the snapshot the next free number; two processes doing so at once get two numbers."""
    while True:
        number = max((int(path.stem) for path in _paths(store)), default=0) + 1
        numbered = {"id": number, **snapshot}
        try:
            write_json(store.root / "snapshots" / f"{number:06d}.json", numbered, exclusive=True)
        except FileExistsError:
            continue
        return numbered


def _paths(store: Store) -> list[Path]:
    return sorted((store.root / "snapshots").glob("[0-9]*.json"))


def read_snapshots(store: Store) -> list[dict[str, Any]]:
    return [read_json(path) for path in _paths(store)]


def latest_snapshot(store: Store, recipe_digest: str | None = None) -> dict[str, Any] | None:
    found = [one for one in read_snapshots(store) if recipe_digest in (None, one["recipe_digest"])]
    return found[-1] if found else None
