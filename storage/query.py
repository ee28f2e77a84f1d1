"""Asking the published file, and nothing but it.

DuckDB has no privilege boundary of its own: a read-only connection still reads and writes other files. So the file is
opened with external access off, extensions and Python look-ups off, and the configuration locked; that is the control.
The check of the statement's type is a courtesy that turns the refusal into a sentence.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from mercap.errors import StoreError, UsageError
from storage.store import Store

SECONDS_MAX = 60.0
ROWS_MAX = 100_000
_CONFIG: dict[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "memory_limit": "1GB",
    "threads": 2,
    "temp_directory": "",
    "lock_configuration": True,
}
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


class Answer(NamedTuple):
    columns: list[str]
    rows: list[tuple[Any, ...]]
    cut: bool  # whether there were more than `ROWS_MAX` rows


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Raises StoreError where the file is missing or no published file."""
    if not path.is_file():
        raise StoreError(f"Nothing is published at {path}; run: mercap annotate SOURCE --store {path.parent.parent}")
    try:
        return duckdb.connect(str(path), read_only=True, config=_CONFIG)
    except duckdb.Error as error:
        raise StoreError(
            f"{path} cannot be opened ({_first_line(error)}); run: mercap publish --store {path.parent.parent}"
        ) from None


def query(store: Store, sql: str, parameters: tuple[Any, ...] = (), seconds: float = SECONDS_MAX) -> Answer:
    """One SELECT. Raises UsageError for anything else, for wrong SQL, and after ``seconds``."""
    with connect(store.published) as connection:
        _check(connection, sql)
        late = threading.Event()

        def stop() -> None:
            late.set()
            connection.interrupt()

        watchdog = threading.Timer(seconds, stop)
        watchdog.start()
        try:
            cursor = connection.execute(sql, list(parameters))
            columns = [column[0] for column in cursor.description or []]
            rows = cursor.fetchmany(ROWS_MAX + 1)
        except duckdb.Error as error:
            if late.is_set():
                raise UsageError(f"The query took longer than {seconds:g} s and was stopped; ask for less.") from None
            raise UsageError(f"The query was refused: {_first_line(error)}") from None
        finally:
            watchdog.cancel()
    return Answer(columns, rows[:ROWS_MAX], len(rows) > ROWS_MAX)


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"The query is not valid SQL: {_first_line(error)}") from None
    if len(statements) != 1 or statements[0].type not in _READING:
        raise UsageError("Only one SELECT at a time can be asked; the published file is never written to.")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
