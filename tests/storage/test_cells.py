from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.cells import MAX_ATTEMPTS, CellIndex
from storage.schema import CellRow
from storage.store import Store
from tests.rows import commit, failed, row


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def index_of(store: Store, *parts: list[CellRow]) -> CellIndex:
    for rows in parts:
        commit(store, rows)
    index = CellIndex(store, "merge")
    index.refresh()
    return index


def test_a_settled_row_beats_a_quarantined_one_whichever_came_first(store: Store) -> None:
    identity = row().cell_id
    assert index_of(store, [failed(at=0)], [row(at=1)], [failed(at=2, attempts=3)]).status(identity) == "ok"


def test_of_two_settled_rows_the_first_committed_counts(store: Store) -> None:
    late, early = row(at=5, payload='{"a":2}'), row(at=1, payload='{"a":1}')
    assert index_of(store, [late], [early]).payloads([early.cell_id]) == {early.cell_id: '{"a":1}'}


def test_a_retryable_failure_is_done_only_after_its_last_attempt(store: Store) -> None:
    index = index_of(store, [failed("c1", attempts=MAX_ATTEMPTS - 1), failed("c2", attempts=MAX_ATTEMPTS)])
    assert not index.get(failed("c1").cell_id).done  # type: ignore[union-attr]
    assert index.get(failed("c2").cell_id).done  # type: ignore[union-attr]


def test_a_permanent_failure_is_done_at_once(store: Store) -> None:
    assert index_of(store, [failed(retryable=False)]).get(failed().cell_id).done  # type: ignore[union-attr]


def test_an_absent_cell_has_a_payload_of_none_and_a_quarantined_one_has_none_at_all(store: Store) -> None:
    absent = row("c1", status="absent", payload=None, cause="no_audio")
    index = index_of(store, [absent, failed("c2")])
    assert index.payloads([absent.cell_id, failed("c2").cell_id]) == {absent.cell_id: None}


def test_refresh_reads_only_parts_it_has_not_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(store, [row("c1")])
    store.write_part("merge", "r", 0, [row("c2")])
    read: list[Path] = []
    original = Store.read_part
    monkeypatch.setattr(
        Store, "read_part", lambda self, path, columns=None: read.append(path) or original(self, path, columns)
    )
    index.refresh()
    index.refresh()
    assert len(read) == 1
    assert len(index) == 2


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)))
def test_every_order_of_commits_reads_the_same(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    """The read rule is a law: it depends on the rows, not on the order in which they were seen."""
    rows = [failed(at=0), row(at=3, payload='{"n":3}'), row(at=2, payload='{"n":2}'), failed(at=9, attempts=2),
            row(at=4, payload='{"n":4}')]  # fmt: skip
    store = Store.create(tmp_path_factory.mktemp("order") / "store")
    index = index_of(store, *[[rows[place]] for place in order])
    assert index.payloads([rows[1].cell_id]) == {rows[1].cell_id: '{"n":2}'}


def test_rows_are_named_by_part_and_place_so_no_two_writers_share_a_name(store: Store) -> None:
    parts = [store.write_part("merge", "r", 0, [row("c1"), row("c2")]) for _ in range(3)]
    names = list(itertools.chain(*(store.read_part(part, ("row_id",))["row_id"].to_pylist() for part in parts)))
    assert len(set(names)) == 6


def test_the_index_tells_the_row_the_attempts_and_the_causes_of_what_failed(store: Store) -> None:
    index = index_of(store, [row("c1"), failed("c2", attempts=2)])
    part = store.parts("merge")[0].stem
    assert index.row_id(row("c1").cell_id) == f"{part}:0"
    assert index.attempts(failed("c2").cell_id) == 2
    assert list(index.causes()) == [(f"{part}:1", "backend")]
    assert (index.row_id("unknown"), index.attempts("unknown")) == (None, 0)


@pytest.mark.parametrize(
    ("retried", "done"), [((), True), (("timeout",), True), (("refusal",), False), (("timeout", "refusal"), False)]
)
def test_a_permanent_failure_is_done_unless_its_cause_is_to_be_tried_again(
    tmp_path: Path, retried: tuple[str, ...], done: bool
) -> None:
    store = Store.create(tmp_path / "store")
    commit(store, [failed("a", cause="refusal", retryable=False)])
    index = CellIndex(store, "merge", retried)
    index.refresh()
    assert index.is_done(row("a").cell_id) is done


def test_a_settled_cell_is_done_whatever_is_to_be_tried_again(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    commit(store, [row("a")])
    index = CellIndex(store, "merge", ("refusal",))
    index.refresh()
    assert index.is_done(row("a").cell_id)
    assert not index.is_done(row("b").cell_id)
