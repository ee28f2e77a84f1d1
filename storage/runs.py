"""Records of runs: what was asked, what each name became, which row of each cell counted at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mercap.files import read_json, write_atomically, write_json
from storage.migrations import migrate
from storage.schema import CURRENT_SCHEMA, SOURCE_SCHEMA
from storage.store import Store

ROWS_AT_ONCE = 4096  # of a file of a run: no reader needs to hold more


class Source(NamedTuple):
    """One name of one collection, as a row of ``sources.parquet`` (storage/schema.py)."""

    collection: str
    name: str
    path: str | None
    clip: str | None
    status: str
    duplicate_of: str | None = None
    cause: str | None = None
    message: str | None = None
    subtitle: str | None = None
    licence: str | None = None
    consent: str | None = None
    extra: str | None = None


class Current(NamedTuple):
    """Which row of a cell counted when the run ended."""

    clip: str
    stage_key: str
    cell_id: str
    status: str
    row_id: str | None


def new_run_id() -> str:
    """Sortable by time, unique without coordination."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def write_run(store: Store, run_id: str, record: dict[str, Any]) -> None:
    store.run_folder(run_id).mkdir(exist_ok=True)
    write_json(store.run_folder(run_id) / "run.json", record)


def read_runs(store: Store) -> list[dict[str, Any]]:
    """All runs, oldest first."""
    files = sorted((store.root / "runs").glob("*/run.json"))
    return [read_json(file) for file in files]


def write_sources(store: Store, run_id: str, sources: list[Source]) -> None:
    table = _table(sources, SOURCE_SCHEMA)
    path = store.run_folder(run_id) / "sources.parquet"
    write_atomically(
        path, lambda temporary: pq.write_table(table, temporary, compression="zstd", row_group_size=ROWS_AT_ONCE)
    )


def read_sources_of(store: Store, run_id: str) -> list[Source]:
    return list(each_source_of(store, run_id))


def each_source_of(store: Store, run_id: str) -> Iterator[Source]:
    """The same, read as they are asked for."""
    for block in batched_sources(store, run_id):
        yield from block


def batched_sources(store: Store, run_id: str) -> Iterator[list[Source]]:
    """The same, some thousand at a time; no batch is empty."""
    for table in read_source_tables(store, run_id):
        if len(table):
            yield [Source(*row) for row in _tuples(table, SOURCE_SCHEMA)]


def read_source_tables(store: Store, run_id: str) -> Iterator[Any]:
    """The same as pyarrow tables, some thousand rows each."""
    return _row_groups(store.run_folder(run_id) / "sources.parquet")


def write_current(store: Store, run_id: str, stages: Iterable[Sequence[Current]]) -> None:
    """Rows of one stage after another, each sequence a row group, so that no reader needs to hold more than one."""

    def fill(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, CURRENT_SCHEMA, compression="zstd") as writer:
            for rows in stages:
                writer.write_table(_table(rows, CURRENT_SCHEMA))

    write_atomically(store.run_folder(run_id) / "current.parquet", fill)


def read_current(store: Store, run_id: str) -> Iterator[Current]:
    """Stage by stage."""
    for table in read_current_tables(store, run_id):
        yield from (Current(*row) for row in _tuples(table, CURRENT_SCHEMA))


def read_current_tables(store: Store, run_id: str) -> Iterator[Any]:
    """The same as pyarrow tables: stage by stage, each in one or more of them."""
    return _row_groups(store.run_folder(run_id) / "current.parquet")


def _row_groups(path: Path) -> Iterator[Any]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield migrate(file.read_row_group(group))


def _table(rows: Sequence[Any], schema: pa.Schema) -> Any:
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _tuples(table: Any, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in schema.names), strict=True)
