from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.identity import digest_text
from mercap.recipe import load_recipe
from storage.digests import FileState
from tasks.clips import Clip
from tasks.plan import CellIds, Plan, Shards

CELL_ID = st.text("0123456789abcdef", min_size=32, max_size=32)
CLIPS = [
    Clip(digest_text(f"clip {number}"), Path(f"{number}.mp4"), FileState(1, 1), f"{number}", None, None)
    for number in range(7)
]


@given(st.lists(CELL_ID, max_size=20))
def test_cell_ids_packed_into_one_string_are_the_list_they_were_made_of(ids: list[str]) -> None:
    packed = CellIds(ids)
    assert list(packed) == ids
    assert [packed[place] for place in range(len(packed))] == ids
    assert packed[1:3] == ids[1:3]


def test_there_is_no_cell_id_beyond_the_last() -> None:
    ids = CellIds(["0" * 32])
    for place in (1, -1):
        with pytest.raises(IndexError):
            ids[place]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_shards_hold_every_missing_cell_once_and_in_order(size: int) -> None:
    plan = Plan(load_recipe("embedded"), CLIPS)
    places = [0, 2, 3, 5, 6]
    shards = Shards(plan, "merge", places, size)
    assert [spec for shard in shards for spec in shard] == [plan.spec("merge", place) for place in places]
    assert len(shards) == -(-len(places) // size)
    assert all(len(shard) == size for shard in shards[:-1])


def test_no_missing_cell_is_no_shard() -> None:
    assert list(Shards(Plan(load_recipe("embedded"), CLIPS), "merge", [], 5)) == []
