"""What the views read, laid out in a scratch database: the sources, the rows that count, configs, runs and ledgers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mercap.files import read_json
from mercap.sources.rows import CONSENT
from storage.counting import counting_rows
from storage.ledger import COUNTS
from storage.memory import give_back
from storage.runs import read_runs, read_source_tables
from storage.schema import CELL_SCHEMA, SOURCE_SCHEMA
from storage.store import Store

_RUN_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("run_id", "collection", "recipe", "recipe_digest", "started_at", "finished_at")]
    + [("seconds", pa.float64()), ("names", pa.int64()), ("computed", pa.int64())]
    + [("runner", pa.string()), ("versions", pa.string())]
)
_BYTES_AT_ONCE = 4 << 20  # each insert has a fixed cost
# What the views read; leaving the rest behind saves a third of the memory.
_CELL_SCHEMA = pa.schema([field for field in CELL_SCHEMA if field.name not in ("input_rows", "shard", "started_at")])
_LEDGER_SCHEMA = pa.schema(
    [("run_id", pa.string()), ("place", pa.int64()), ("stage", pa.string())]
    + [(name, pa.int64()) for name in COUNTS]
    + [("causes", pa.string())]
)
_CONFIG_SCHEMA = pa.schema([("config", pa.string()), ("body", pa.string())])


def lay_out(connection: duckdb.DuckDBPyConnection, store: Store, snapshot: dict[str, Any]) -> None:
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
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM filling")  # noqa: S608  names are of this file
    connection.unregister("filling")


def _insert(connection: duckdb.DuckDBPyConnection, name: str, table: Any) -> None:
    connection.register("filling", table)
    connection.execute(f"INSERT INTO {name} SELECT * FROM filling")  # noqa: S608
    connection.unregister("filling")
