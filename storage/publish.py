"""Publishing: a snapshot becomes one materialised ``.duckdb`` file, built aside and swapped in.

A reader that has the old file open keeps it; the next one opens the new. The file is written in an old storage version,
so that every DuckDB a curator is likely to have can open it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from mercap.errors import StoreError
from mercap.files import TEMPORARY, write_atomically
from mercap.identity import digest_text
from storage.memory import give_back
from storage.scratch import lay_out
from storage.store import Store
from storage.views import VIEWS, View

_STORAGE_VERSION = "v1.2.0"
VIEWS_DIGEST = digest_text(repr(VIEWS))  # a file made with other views is published anew
_MEMORY = 32  # MB for sorts and joins, whatever the number of clips
_MEMORY_OF_MANY = 48  # for a join of many tables, which asks for more than it fills even over a thousand clips
_MEMORY_AT_MOST = 1024  # doubled up to this, view by view, where payloads are long
# Views are made some thousand clips or names at a time, by what they are ordered by, so that no sort or join grows with
# the store. One that joins many tables by clip, and holds all of them but one meanwhile, is made by clip first.
_ROWS_AT_ONCE = {"clip": 2048, "name": 8192}  # a block of names is read from all clips
_ORDERED_BY = dict.fromkeys(("clips", "transcripts", "measures", "cues", "votes", "verdicts", "cells"), "clip")
_ORDERED_BY |= dict.fromkeys(("captions", "captions_plus"), "name")
_JOINING_MANY = "captions"
_ROW_GROUP = 16_384  # rows that are written together, and skipped together where a block does not need them
_THREADS = 1  # a second one needs more memory and saves little: the parts are read one after another


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
        connection.execute("SET force_compression = 'uncompressed'")  # it is read once or twice, then removed
        lay_out(connection, store, snapshot)
        connection.execute("RESET force_compression")
        made_so = f"STORAGE_VERSION '{_STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP}"
        connection.execute(f"ATTACH '{_quoted(path)}' AS published ({made_so})")
        connection.execute("SET search_path = 'published.main,scratch.main'")  # later views read earlier ones
        bounds = {by: _bounds(connection, by, rows) for by, rows in _ROWS_AT_ONCE.items()}
        for name, view in VIEWS.items():
            _with_enough_memory(connection, name, partial(_materialise, connection, name, view, bounds))
        connection.execute(
            "CREATE TABLE snapshot AS SELECT ? AS id, ? AS recipe, ? AS recipe_digest, ? AS created_at, ? AS views",
            [snapshot["id"], snapshot["recipe"], snapshot["recipe_digest"], snapshot["created_at"], VIEWS_DIGEST],
        )
        connection.execute("CHECKPOINT published")
        connection.execute("USE scratch")
        connection.execute("DETACH published")


def _with_enough_memory(connection: duckdb.DuckDBPyConnection, name: str, materialise: Callable[[], None]) -> None:
    """Raises duckdb.OutOfMemoryException where a view does not fit into the most that it may have."""
    memory = _MEMORY_OF_MANY if name == _JOINING_MANY else _MEMORY
    while True:
        try:
            connection.execute(f"SET memory_limit = '{memory}MB'")
            materialise()
        except duckdb.OutOfMemoryException:
            memory *= 2
            if memory > _MEMORY_AT_MOST:
                raise
            with contextlib.suppress(duckdb.TransactionException):  # where the commit failed there is none any more
                connection.execute("ROLLBACK")
        else:
            break
    give_back()


def _materialise(connection: duckdb.DuckDBPyConnection, name: str, view: View, bounds: dict[str, list[str]]) -> None:
    """One view as a table of the published file. Every name and text is from views.py."""
    body = f"SELECT {', '.join(view.columns)} FROM ({view.sql})"
    if name == _JOINING_MANY:
        connection.execute("BEGIN")
        _fill_in_blocks(connection, "scratch.main.unsorted", body, "clip", bounds["clip"])
        connection.execute("COMMIT")
        body = "SELECT * FROM (SELECT * FROM scratch.main.unsorted ORDER BY name)"
    by = _ORDERED_BY.get(name)
    connection.execute("BEGIN")  # one commit per view: each is flushed to the disk
    if by:
        _fill_in_blocks(connection, name, body, by, bounds[by])
    else:
        connection.execute(f"CREATE TABLE {name} AS {body}")
    connection.execute(f"COMMENT ON TABLE {name} IS '{_quoted(view.about)}'")
    for column, about in view.columns.items():
        connection.execute(f"COMMENT ON COLUMN {name}.{column} IS '{_quoted(about)}'")
    connection.execute("COMMIT")


def _fill_in_blocks(connection: duckdb.DuckDBPyConnection, table: str, body: str, by: str, bounds: list[str]) -> None:
    """``bounds`` are the last of each block but the last one, which holds the rest."""
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {body} LIMIT 0")
    for first, last in pairwise([None, *bounds, None]):
        limits = {f"{by} > ?": first, f"{by} <= ?": last}
        held = {limit: bound for limit, bound in limits.items() if bound is not None}
        block = f"{body} WHERE {' AND '.join(held)}" if held else body
        connection.execute(f"INSERT INTO {table} {block}", list(held.values()))


def _bounds(connection: duckdb.DuckDBPyConnection, by: str, rows: int) -> list[str]:
    """Clips or names of the sources at which a block of ``rows`` ends; none where one block is all."""
    distinct = f"SELECT DISTINCT {by} FROM source WHERE {by} IS NOT NULL"
    numbered = f"SELECT {by}, row_number() OVER (ORDER BY {by}) AS place FROM ({distinct})"
    found = connection.execute(f"SELECT {by} FROM ({numbered}) WHERE place % ? = 0 ORDER BY {by}", [rows])
    return [bound for (bound,) in found.fetchall()]


def _config(spill: str) -> dict[str, str | int]:
    """What the views are made of lies in a scratch database beside the file, removed afterwards, not in memory."""
    return {"threads": _THREADS, "memory_limit": f"{_MEMORY}MB", "temp_directory": spill}


def _quoted(text: object) -> str:
    """For the places of a statement that take no parameter (ATTACH, COMMENT)."""
    return str(text).replace("'", "''")
