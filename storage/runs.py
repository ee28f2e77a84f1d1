"""Records of runs: what was asked, what each name became, which row of each cell counted at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mercap.files import read_json, write_atomically, write_json
from storage.migrations import migrate
from storage.schema import CURRENT_SCHEMA, SOURCE_SCHEMA, Status
from storage.store import Store

ROWS_AT_ONCE = 1024  # of a file of a run: no reader needs to hold more


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


def write_sources(store: Store, run_id: str, sources: Sequence[Source]) -> None:
    _write_groups(
        store.run_folder(run_id) / "sources.parquet",
        SOURCE_SCHEMA,
        (_source_table(sources[first : first + ROWS_AT_ONCE]) for first in range(0, len(sources), ROWS_AT_ONCE)),
    )


def read_sources_of(store: Store, run_id: str) -> list[Source]:
    return [source for block in batched_sources(store, run_id) for source in block]


def batched_sources(store: Store, run_id: str) -> Iterator[list[Source]]:
    """The same as they are asked for, some thousand at a time; no batch is empty."""
    for table in read_source_tables(store, run_id):
        if len(table):
            yield [Source(*row) for row in _tuples(table, SOURCE_SCHEMA)]


def read_source_tables(store: Store, run_id: str) -> Iterator[Any]:
    """The same as pyarrow tables, some thousand rows each."""
    return _row_groups(store.run_folder(run_id) / "sources.parquet")


def write_current(store: Store, run_id: str, stages: Iterable[Any]) -> None:
    """Tables of one stage after another (`current_table`), each a row group."""
    _write_groups(store.run_folder(run_id) / "current.parquet", CURRENT_SCHEMA, stages)


def current_table(
    stage_key: str, clips: Sequence[str], cell_ids: Sequence[str], statuses: Sequence[str], rows: Sequence[str | None]
) -> Any:
    """What `Current` holds of some clips at one stage. A cell that is blocked or pending counts no row."""
    without = pc.is_in(pa.array(statuses, pa.string()), pa.array([Status.BLOCKED, Status.PENDING]))
    row_ids = pc.if_else(without, pa.scalar(None, pa.string()), pa.array(rows, pa.string()))
    columns = [clips, [stage_key] * len(clips), cell_ids, statuses, row_ids]
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=CURRENT_SCHEMA)


def _write_groups(path: Path, schema: pa.Schema, groups: Iterable[Any]) -> None:
    """Each a row group, so that neither writing nor reading needs to hold more than one."""

    def fill(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for table in groups:
                writer.write_table(table)

    write_atomically(path, fill)


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


def _source_table(sources: Sequence[Source]) -> Any:
    columns = zip(zip(*sources, strict=True), SOURCE_SCHEMA, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in columns], schema=SOURCE_SCHEMA)


def _tuples(table: Any, schema: pa.Schema) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in schema.names), strict=True)
