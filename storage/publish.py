"""Publishing: a snapshot becomes one materialised ``.duckdb`` file, built aside and swapped in.

A reader that has the old file open keeps it; the next one opens the new. The file is written in an old storage version,
so that every DuckDB a curator is likely to have can open it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mercap.errors import StoreError
from mercap.files import TEMPORARY, read_json, write_atomically
from mercap.identity import digest_text
from mercap.sources import CONSENT
from storage.counting import counting_rows
from storage.ledger import COUNTS
from storage.memory import give_back
from storage.runs import read_runs, read_source_tables
from storage.schema import CELL_SCHEMA, SOURCE_SCHEMA
from storage.store import Store
from storage.views import VIEWS, View

_STORAGE_VERSION = "v1.2.0"
_RUN_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("run_id", "collection", "recipe", "recipe_digest", "started_at", "finished_at")]
    + [("seconds", pa.float64()), ("names", pa.int64()), ("computed", pa.int64())]
    + [("runner", pa.string()), ("versions", pa.string())]
)
VIEWS_DIGEST = digest_text(repr(VIEWS))  # a file made with other views is published anew
_BYTES_AT_ONCE = 4 << 20  # each insert has a fixed cost
_MEMORY = "64MB"  # for sorts and joins, whatever the number of clips
# Views that are ordered by clip are made some thousand clips at a time, so that no sort or join grows with the store;
# one that joins many tables, and holds all of them but one meanwhile, is made like that too, and then sorted.
_CLIPS_AT_ONCE = 4096
_BY_CLIP = ("clips", "transcripts", "measures", "cues", "votes", "verdicts", "cells")
_JOINING_MANY = {"captions": "name"}
_ROW_GROUP = 16_384  # of the scratch database: what a block does not need is skipped a group at a time
_THREADS = 1  # a second one needs half as much memory again, and saves little: the parts are read one after another
# What the views read; leaving the rest behind saves a third of the memory.
_CELL_SCHEMA = pa.schema([field for field in CELL_SCHEMA if field.name not in ("input_rows", "shard", "started_at")])
_LEDGER_SCHEMA = pa.schema(
    [("run_id", pa.string()), ("place", pa.int64()), ("stage", pa.string())]
    + [(name, pa.int64()) for name in COUNTS]
    + [("causes", pa.string())]
)
_CONFIG_SCHEMA = pa.schema([("config", pa.string()), ("body", pa.string())])


def publish(store: Store, snapshot: dict[str, Any]) -> Path:
    """Write ``published/mercap.duckdb`` from the snapshot's files. Returns its path."""
    write_atomically(store.published, lambda temporary: _build(store, snapshot, temporary))
    return store.published


def published_snapshot(store: Store) -> int | None:
    """Id of the snapshot the published file was made from; None where there is none, or one that cannot be read."""
    return _read_snapshot(store)[0]


def _read_snapshot(store: Store) -> tuple[int | None, str | None]:
    if not store.published.exists():
        return None, None
    try:
        with duckdb.connect(str(store.published), read_only=True) as connection:
            row = connection.execute("SELECT id, views FROM snapshot").fetchone()
    except duckdb.Error:
        return None, None
    return (int(row[0]), str(row[1])) if row else (None, None)


def is_published(store: Store, snapshot: dict[str, Any]) -> bool:
    """Whether the published file holds this snapshot, in the views of this version of mercap."""
    return _read_snapshot(store) == (snapshot["id"], VIEWS_DIGEST)


def _build(store: Store, snapshot: dict[str, Any], path: Path) -> None:
    for file in snapshot["files"]:
        if not (store.root / file["path"]).exists():
            lost = f"Snapshot {snapshot['id']} lists {file['path']}, which is gone"
            raise StoreError(f"{lost}; run: mercap verify --store {store.root}")
    with (
        TemporaryDirectory(prefix=TEMPORARY, dir=path.parent) as spill,
        duckdb.connect(config=_config(spill)) as connection,
    ):
        scratch = _quoted(Path(spill) / "scratch.duckdb")
        connection.execute(f"ATTACH '{scratch}' AS scratch (ROW_GROUP_SIZE {_ROW_GROUP})")
        connection.execute("USE scratch")
        _lay_out(connection, store, snapshot)
        connection.execute(f"ATTACH '{_quoted(path)}' AS published (STORAGE_VERSION '{_STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP})")
        connection.execute("SET search_path = 'published.main,scratch.main'")  # later views read earlier ones
        bounds = _block_bounds(connection)
        for name, view in VIEWS.items():
            _materialise(connection, name, view, bounds)
        connection.execute(
            "CREATE TABLE snapshot AS SELECT ? AS id, ? AS recipe, ? AS recipe_digest, ? AS created_at, ? AS views",
            [snapshot["id"], snapshot["recipe"], snapshot["recipe_digest"], snapshot["created_at"], VIEWS_DIGEST],
        )
        connection.execute("CHECKPOINT published")
        connection.execute("USE scratch")
        connection.execute("DETACH published")


def _materialise(connection: duckdb.DuckDBPyConnection, name: str, view: View, bounds: list[str]) -> None:
    """One view as a table of the published file. Every name and text is from views.py."""
    body = f"SELECT {', '.join(view.columns)} FROM ({view.sql})"
    if bounds and name in _JOINING_MANY:
        _fill_in_blocks(connection, "scratch.main.unsorted", body, bounds)
        body = f"SELECT * FROM scratch.main.unsorted ORDER BY {_JOINING_MANY[name]}"
    connection.execute("BEGIN")  # one commit per view: each is flushed to the disk
    if bounds and name in _BY_CLIP:
        _fill_in_blocks(connection, name, body, bounds)
    else:
        connection.execute(f"CREATE TABLE {name} AS {body}")
    connection.execute(f"COMMENT ON TABLE {name} IS '{_quoted(view.about)}'")
    for column, about in view.columns.items():
        connection.execute(f"COMMENT ON COLUMN {name}.{column} IS '{_quoted(about)}'")
    connection.execute("COMMIT")
    give_back()


def _fill_in_blocks(connection: duckdb.DuckDBPyConnection, table: str, body: str, bounds: list[str]) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {body} LIMIT 0")
    for first, last in pairwise(["", *bounds, "~"]):  # a digest is greater than "" and less than "~"
        connection.execute(f"INSERT INTO {table} {body} WHERE clip > ? AND clip <= ?", [first, last])


def _block_bounds(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Clips at which the next block of `_CLIPS_AT_ONCE` begins; none where one block is all."""
    distinct = "SELECT DISTINCT clip FROM source WHERE clip IS NOT NULL"
    numbered = f"SELECT clip, row_number() OVER (ORDER BY clip) AS place FROM ({distinct})"
    found = connection.execute(f"SELECT clip FROM ({numbered}) WHERE place % ? = 0 ORDER BY clip", [_CLIPS_AT_ONCE])
    return [clip for (clip,) in found.fetchall()]


def _config(spill: str) -> dict[str, str | int]:
    """What the views are made of lies in a scratch database beside the file, removed afterwards, not in memory."""
    return {"threads": _THREADS, "memory_limit": _MEMORY, "temp_directory": spill}


def _lay_out(connection: duckdb.DuckDBPyConnection, store: Store, snapshot: dict[str, Any]) -> None:
    runs = {run["run_id"]: run for run in read_runs(store)}
    withdrawn = _load_sources(connection, store, snapshot["runs"])
    _load_cells(connection, store, snapshot["runs"], withdrawn)
    configs = {row[0] for row in connection.execute("SELECT DISTINCT config FROM cell").fetchall()}
    bodies = [(digest, json.dumps(store.config(digest), sort_keys=True)) for digest in sorted(configs)]
    _fill(connection, "config", _CONFIG_SCHEMA, bodies)
    _fill(connection, "run", _RUN_SCHEMA, [_run_row(runs[run_id]) for run_id in snapshot["runs"]])
    _fill(connection, "run_ledger", _LEDGER_SCHEMA, _ledger_rows(store, snapshot["runs"]))


def _load_sources(connection: duckdb.DuckDBPyConnection, store: Store, run_ids: list[str]) -> set[str]:
    """Returns clips withdrawn in any collection: that holds for what another one made of the same content."""
    withdrawn: set[str] = set()
    _create(connection, "source", SOURCE_SCHEMA.empty_table())
    for run_id in run_ids:
        for table in read_source_tables(store, run_id):
            _insert(connection, "source", table)
            clips = table.filter(pc.equal(table["consent"], CONSENT[-1]))["clip"]
            withdrawn.update(clips.drop_null().to_pylist())
    return withdrawn


def _load_cells(connection: duckdb.DuckDBPyConnection, store: Store, run_ids: list[str], withdrawn: set[str]) -> None:
    _create(connection, "cell", _CELL_SCHEMA.empty_table())
    columns = tuple(_CELL_SCHEMA.names)
    for parts in counting_rows(store, run_ids, withdrawn):
        waiting: list[Any] = []
        for part in parts:
            waiting.append(part.read(store, columns))
            if sum(table.nbytes for table in waiting) > _BYTES_AT_ONCE:
                _insert(connection, "cell", pa.concat_tables(waiting))
                waiting.clear()
        if waiting:
            _insert(connection, "cell", pa.concat_tables(waiting))
        give_back()


def _run_row(run: dict[str, Any]) -> tuple[Any, ...]:
    return (*(run[name] for name in _RUN_SCHEMA.names[:-1]), json.dumps(run["versions"], sort_keys=True))


def _ledger_rows(store: Store, run_ids: list[str]) -> Iterable[tuple[Any, ...]]:
    for run_id in run_ids:
        for place, row in enumerate(read_json(store.run_folder(run_id) / "ledger.json")):
            yield (run_id, place, row["stage"], *(row[name] for name in COUNTS), json.dumps(row["causes"]))


def _fill(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, rows: Iterable[Any]) -> None:
    columns: list[Any] = list(zip(*rows, strict=True)) or [[] for _ in schema]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    _create(connection, name, pa.table(arrays, schema=schema))


def _create(connection: duckdb.DuckDBPyConnection, name: str, table: Any) -> None:
    connection.register("filling", table)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM filling")
    connection.unregister("filling")


def _insert(connection: duckdb.DuckDBPyConnection, name: str, table: Any) -> None:
    connection.register("filling", table)
    connection.execute(f"INSERT INTO {name} SELECT * FROM filling")
    connection.unregister("filling")


def _quoted(text: object) -> str:
    """For the places of a statement that take no parameter (ATTACH, COMMENT)."""
    return str(text).replace("'", "''")
