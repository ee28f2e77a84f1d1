from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mercap.errors import StoreError
from storage.migrations import migrate
from storage.schema import CELL_SCHEMA, SCHEMA_VERSION
from storage.store import Store
from tests.rows import row


def test_a_folder_with_other_files_in_it_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("precious")
    with pytest.raises(StoreError, match="is not empty"):
        Store.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_store_killed_while_being_made_is_completed(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / ".tmp-abc-store.json").write_text("{")
    assert Store.create(tmp_path).root == tmp_path


def test_opening_what_is_no_store_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mercap annotate SOURCE --store"):
        Store.open(tmp_path / "nothing")


def test_a_store_of_a_newer_mercap_is_refused(tmp_path: Path) -> None:
    Store.create(tmp_path / "s")
    (tmp_path / "s" / "store.json").write_text(json.dumps({"schema": SCHEMA_VERSION + 1}))
    with pytest.raises(StoreError, match="upgrade mercap"):
        Store.open(tmp_path / "s")


def test_a_part_has_the_explicit_schema_and_its_version(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    table = pq.read_table(store.write_part("merge", "r", 0, [row()]))
    assert table.schema.equals(CELL_SCHEMA)
    assert table.schema.metadata[b"mercap_schema"] == str(SCHEMA_VERSION).encode()


def test_a_half_written_part_is_named_in_the_error(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    part = store.write_part("merge", "r", 0, [row()])
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StoreError, match=part.name):
        store.read_part(part)


def test_no_reader_sees_a_temporary_file(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    part = store.write_part("merge", "r", 0, [row()])
    part.with_name(f".tmp-123-{part.name}").write_bytes(b"half")
    assert store.parts("merge") == [part]


def test_a_config_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "s")
    digest = store.keep_config({"b": 1, "a": 2})
    assert store.keep_config({"a": 2, "b": 1}) == digest
    assert store.config(digest) == {"a": 2, "b": 1}


def test_an_older_part_is_brought_up_to_date_step_by_step() -> None:
    """The mechanism, with invented steps: version 1 -> 2 adds a column, 2 -> 3 renames one."""
    old = pa.table({"a": [1]}).replace_schema_metadata({"mercap_schema": "1"})
    steps = (
        lambda table: table.append_column("b", pa.array([2])),
        lambda table: table.rename_columns(["a", "c"]),
    )
    assert migrate(old, steps, target=3).column_names == ["a", "c"]
    half = old.append_column("b", pa.array([2])).replace_schema_metadata({"mercap_schema": "2"})
    assert migrate(half, steps, target=3).column_names == ["a", "c"]


def test_a_part_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(StoreError, match="not written by mercap"):
        migrate(pa.table({"a": [1]}))
