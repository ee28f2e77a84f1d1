from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.identity import CELL_ID_CHARS, DIGEST_CHARS, digest_text
from storage.cells import MAX_ATTEMPTS, STATUSES, CellIndex, counting_row_ids
from storage.clip_columns import Ids
from storage.schema import CellRow, Status
from storage.store import Store
from tests.rows import commit, failed, row

CLIPS = sorted(digest_text(f"clip {number}") for number in range(5))
A, B, C = CLIPS[:3]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def index_of(store: Store, *parts: list[CellRow], clips: list[str] = CLIPS, retried: tuple[str, ...] = ()) -> CellIndex:
    """Of the cells of `merge` that `row` makes of ``clips``."""
    for rows in parts:
        commit(store, rows)
    ids = Ids(CELL_ID_CHARS, [row(clip).cell_id for clip in clips])
    return CellIndex(store, Ids(DIGEST_CHARS, clips), {"merge": ids}, retried)


def standing(index: CellIndex, place: int = 0) -> Status:
    return STATUSES[index.standing("merge", place, place + 1)[0]]


def status(index: CellIndex, place: int = 0) -> Status:
    return STATUSES[index.statuses("merge", place, place + 1)[0]]


def test_a_settled_row_beats_a_quarantined_one_whichever_came_first(store: Store) -> None:
    index = index_of(store, [failed(A, at=0)], [row(A, at=1)], [failed(A, at=2, attempts=3)])
    assert status(index) == "ok"


def test_of_two_settled_rows_the_first_committed_counts(store: Store) -> None:
    late, early = row(A, at=5, payload='{"a":2}'), row(A, at=1, payload='{"a":1}')
    assert index_of(store, [late], [early]).payload("merge", 0) == '{"a":1}'


def test_two_rows_of_one_cell_in_one_part_follow_the_rule_too(store: Store) -> None:
    part = store.write_part("merge", "r", 0, [failed(A, attempts=1), row(B), failed(A, attempts=2)])
    assert index_of(store).row_ids("merge", [0, 1]) == [f"{part.stem}:2", f"{part.stem}:1"]


def test_a_retryable_failure_is_done_only_after_its_last_attempt(store: Store) -> None:
    index = index_of(store, [failed(A, attempts=MAX_ATTEMPTS - 1), failed(B, attempts=MAX_ATTEMPTS)])
    assert (standing(index, 0), standing(index, 1)) == ("pending", "quarantined")
    assert (status(index, 0), status(index, 1)) == ("quarantined", "quarantined")


def test_a_permanent_failure_is_done_at_once(store: Store) -> None:
    assert standing(index_of(store, [failed(A, retryable=False)])) == "quarantined"


def test_an_absent_cell_has_a_payload_of_none_and_a_quarantined_one_has_none_at_all(store: Store) -> None:
    index = index_of(store, [row(A, status="absent", payload=None, cause="no_audio"), failed(B)])
    assert index.payload("merge", 0) is None
    for place in (1, 2):
        with pytest.raises(KeyError):
            index.payload("merge", place)


def test_refresh_reads_only_parts_it_has_not_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(store, [row(A)])
    store.write_part("merge", "r", 0, [row(B)])
    read: list[Path] = []
    original = Store.read_part
    monkeypatch.setattr(
        Store, "read_part", lambda self, path, columns=None: read.append(path) or original(self, path, columns)
    )
    index.refresh("merge")
    index.refresh("merge")
    assert len(read) == 1
    assert [status(index, place) for place in range(3)] == ["ok", "ok", "pending"]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(5)), together=st.booleans())
def test_every_order_of_commits_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], together: bool
) -> None:
    """The read rule is a law: it depends on the rows, not on the order in which they were seen."""
    rows = [failed(A, at=0), row(A, at=3, payload='{"n":3}'), row(A, at=2, payload='{"n":2}'),
            failed(A, at=9, attempts=2), row(A, at=4, payload='{"n":4}')]  # fmt: skip
    store = Store.create(tmp_path_factory.mktemp("order") / "store")
    if together:  # all that an index finds when it is opened
        index = index_of(store, *[[rows[place]] for place in order])
    else:
        index = index_of(store)
        for place in order:
            commit(store, [rows[place]])
            index.refresh("merge")
    assert index.payload("merge", 0) == '{"n":2}'
    assert list(counting_row_ids(store, "merge")) == index.row_ids("merge", [0])


def test_rows_are_named_by_part_and_place_so_no_two_writers_share_a_name(store: Store) -> None:
    parts = [store.write_part("merge", "r", 0, [row("c1"), row("c2")]) for _ in range(3)]
    names = list(itertools.chain(*(store.read_part(part, ("row_id",))["row_id"].to_pylist() for part in parts)))
    assert len(set(names)) == 6


def test_the_index_tells_the_rows_and_the_attempts(store: Store) -> None:
    index = index_of(store, [row(A), failed(B, attempts=2)])
    part = store.parts("merge")[0].stem
    assert index.row_ids("merge", [0, 1, 2]) == [f"{part}:0", f"{part}:1", None]
    assert index.attempts("merge", [2, 1, 0]) == [0, 2, 1]


@pytest.mark.parametrize(
    ("retried", "done"), [((), True), (("timeout",), True), (("refusal",), False), (("timeout", "refusal"), False)]
)
def test_a_permanent_failure_is_done_unless_its_cause_is_to_be_tried_again(
    store: Store, retried: tuple[str, ...], done: bool
) -> None:
    index = index_of(store, [failed(A, cause="refusal", retryable=False)], retried=retried)
    assert (standing(index) == "quarantined") is done


def test_a_settled_cell_is_done_whatever_is_to_be_tried_again(store: Store) -> None:
    index = index_of(store, [row(A)], retried=("refusal",))
    assert (standing(index, 0), standing(index, 1)) == ("ok", "pending")


def test_a_cell_that_nobody_asks_for_is_no_row_of_the_index(store: Store) -> None:
    other = row(A, config="f" * 32, cell_id="e" * 32)
    index = index_of(store, [other, row(B), row(digest_text("stranger"))])
    assert index.row_ids("merge", range(len(CLIPS)))[0] is None
    assert status(index, 1) == "ok"
    assert [status(index, place) for place in (0, 2, 3, 4)] == ["pending"] * 4


def test_clips_whose_digests_begin_alike_are_told_apart(store: Store) -> None:
    alike = [f"{'7' * 16}{digest[16:]}" for digest in CLIPS]
    clips = sorted([*alike, *CLIPS])
    index = index_of(store, [row(clip, payload=f'"{clip}"') for clip in reversed(alike)], clips=clips)
    found = {clip: status(index, place) for place, clip in enumerate(clips)}
    assert {clip for clip, at in found.items() if at == "ok"} == set(alike)
    assert [index.payload("merge", clips.index(clip)) for clip in alike] == [f'"{clip}"' for clip in alike]


@pytest.mark.parametrize("changes", [{"clip": "not hex"}, {"cell_id": "x" * 32}, {"cell_id": "ab cd"}, {"clip": "ä"}])
def test_a_row_that_was_tampered_with_is_no_cell_that_is_asked_for(store: Store, changes: dict[str, Any]) -> None:
    index = index_of(store, [row(A)._replace(**changes), row(B)])
    assert (status(index, 0), status(index, 1)) == ("pending", "ok")


def test_voters_share_a_folder_and_have_an_index_of_their_own(store: Store) -> None:
    words, face = row(A, voter="words", cell_id="1" * 32), row(A, voter="face", cell_id="2" * 32)
    commit(store, [words, face, row(A, voter="gone", cell_id="3" * 32)], "vote")
    ids = {f"vote:{one.voter}": Ids(CELL_ID_CHARS, [one.cell_id]) for one in (words, face)}
    index = CellIndex(store, Ids(DIGEST_CHARS, [A]), ids)
    part = store.parts("vote")[0].stem
    assert [index.row_ids(key, [0]) for key in ids] == [[f"{part}:0"], [f"{part}:1"]]


def test_an_index_of_no_clips_is_empty(store: Store) -> None:
    index = index_of(store, [row(A)], clips=[])
    assert index.statuses("merge", 0, 0).tolist() == []
    assert index.row_ids("merge", []) == []
