"""What a curator's SQL can and cannot reach; each trap is one that a naive "SELECT only, read-only" check misses."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mercap.errors import StoreError, UsageError
from storage.query import connect, query
from storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    with duckdb.connect(str(made.published)) as connection:
        connection.execute("CREATE TABLE captions AS SELECT 'a' AS name, 1 AS n UNION ALL SELECT 'b', 2")
    return made


def test_a_select_is_answered_with_names_and_rows(store: Store) -> None:
    answer = query(store, "SELECT name, n FROM captions WHERE n > ? ORDER BY n", (1,))
    assert (answer.columns, answer.rows, answer.cut) == (["name", "n"], [("b", 2)], False)


TRAPS = {
    "copy to a file": "COPY captions TO '{out}'",
    "copy inside a common table expression": "WITH x AS (COPY captions TO '{out}') SELECT * FROM x",
    "copy under explain analyze": "EXPLAIN ANALYZE COPY captions TO '{out}'",
    "export database": "EXPORT DATABASE '{out}'",
    "read a file by name": "SELECT * FROM '{secret}'",
    "read a file by function": "SELECT * FROM read_text('{secret}')",
    "read a csv": "SELECT * FROM read_csv('{secret}')",
    "list a folder": "SELECT * FROM glob('{folder}/*')",
    "sniff a file": "SELECT * FROM sniff_csv('{secret}')",
    "attach another database": "ATTACH '{out}' AS other",
    "write to the file": "INSERT INTO captions VALUES ('c', 3)",
    "drop a table": "DROP TABLE captions",
    "create a temporary table": "CREATE TEMP TABLE t AS SELECT 1",
    "two statements": "SELECT 1; DROP TABLE captions",
    "unlock the configuration": "SET enable_external_access = true",
    "reset the lock": "RESET lock_configuration",
    "load an extension": "LOAD httpfs",
    "install an extension": "INSTALL httpfs",
    "pragma": "PRAGMA enable_external_access = true",
    "a python variable": "SELECT * FROM store",
    "url": "SELECT * FROM 'https://example.org/a.parquet'",
    "import": "IMPORT DATABASE '{folder}'",
    "checkpoint": "CHECKPOINT",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_the_query_is_refused(store: Store, tmp_path: Path, trap: str) -> None:
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("key\nhunter2\n")
    before = store.published.read_bytes()
    with pytest.raises(UsageError) as caught:
        query(store, TRAPS[trap].format(secret=secret, out=out, folder=tmp_path))
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert store.published.read_bytes() == before


BY_THE_CONNECTION = (
    "copy to a file", "copy under explain analyze", "read a file by name", "attach another database", "import",
    "read a file by function", "list a folder", "unlock the configuration", "install an extension",
    "write to the file", "a python variable", "export database",
)  # fmt: skip


@pytest.mark.parametrize("trap", BY_THE_CONNECTION)
def test_the_connection_itself_refuses_without_the_statement_check(store: Store, tmp_path: Path, trap: str) -> None:
    """The check of the statement's type is a courtesy; the locked connection is the control."""
    secret, out = tmp_path / "secret.csv", tmp_path / "out.csv"
    secret.write_text("key\nhunter2\n")
    with connect(store.published) as connection, pytest.raises(duckdb.Error):
        connection.execute(TRAPS[trap].format(secret=secret, out=out, folder=tmp_path))
    assert not out.exists()


def test_a_query_that_takes_too_long_is_stopped(store: Store) -> None:
    with pytest.raises(UsageError, match="longer than 0.3 s"):
        query(store, "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b", seconds=0.3)


def test_an_answer_is_cut_at_the_row_limit_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.query.ROWS_MAX", 3)
    answer = query(store, "SELECT * FROM range(10)")
    assert (len(answer.rows), answer.cut) == (3, True)


def test_wrong_sql_is_one_sentence(store: Store) -> None:
    with pytest.raises(UsageError, match="not valid SQL|refused"):
        query(store, "SELEKT 1")
    with pytest.raises(UsageError, match="refused: .*nothing_here"):
        query(store, "SELECT nothing_here FROM captions")


def test_without_a_published_file_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mercap annotate"):
        query(Store.create(tmp_path / "s"), "SELECT 1")


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    made = Store.create(tmp_path / "s")
    made.published.write_bytes(b"not a database")
    with pytest.raises(StoreError, match="mercap publish"):
        query(made, "SELECT 1")
