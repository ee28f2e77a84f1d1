"""What answers of models cost, added up from the cells; and cells of before there was a cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from storage.migrations import migrate
from storage.schema import CELL_SCHEMA, cells_table
from storage.store import Store
from storage.usage import spend
from tests.rows import START, commit, failed, row


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def usage(key: str, **changes: Any) -> str:
    made = {
        "key": key, "model": "m", "prompt_tokens": 100, "completion_tokens": 10, "cached_tokens": 1, "audio_s": 1.5,
        "price": 0.5, "latency_s": 1.0, "attempts": 2,
    }  # fmt: skip
    return json.dumps({**made, **changes})


def test_answers_are_added_up_by_run_stage_and_model(store: Store) -> None:
    commit(store, [row("a", usage=usage("1")), row("b", usage=usage("2")), row("c", usage=usage("3", model="n"))])
    assert spend(store) == [
        {"run_id": "r", "stage": "merge", "model": "m", "answers": 2, "calls": 4, "prompt_tokens": 200,
         "completion_tokens": 20, "cached_tokens": 2, "audio_s": 3.0, "price": 1.0},
        {"run_id": "r", "stage": "merge", "model": "n", "answers": 1, "calls": 2, "prompt_tokens": 100,
         "completion_tokens": 10, "cached_tokens": 1, "audio_s": 1.5, "price": 0.5},
    ]  # fmt: skip


def test_an_answer_that_two_rows_share_counts_once_and_for_the_first_run(store: Store) -> None:
    commit(store, [failed("a", usage=usage("1"), run_id="r1")])
    commit(store, [row("a", usage=usage("1"), run_id="r2", at=5)])
    assert [(one["run_id"], one["answers"]) for one in spend(store)] == [("r1", 1)]


def test_without_prices_there_is_none(store: Store) -> None:
    commit(store, [row("a", usage=usage("1", price=None))])
    assert spend(store)[0]["price"] is None


def test_rows_that_asked_nothing_cost_nothing(store: Store) -> None:
    commit(store, [row("a")])
    assert spend(store) == []


def test_cells_of_schema_1_are_read_as_having_cost_nothing() -> None:
    now = cells_table([row("a")], ["p:0"], START)
    before = now.drop_columns(["usage"]).replace_schema_metadata({"mercap_schema": "1"})
    found = migrate(before)
    assert found.column_names == CELL_SCHEMA.names
    assert found["usage"].to_pylist() == [None]
    assert found.schema.field("usage").type == pa.string()
