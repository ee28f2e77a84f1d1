from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.spool import blocks
from storage.clip_columns import ClipColumn, Ids

CELL_ID = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(st.lists(CELL_ID, max_size=20), st.integers(0, 20), st.integers(0, 20))
def test_ids_are_the_list_they_were_made_of(ids: list[str], first: int, last: int) -> None:
    packed = Ids(32, ids[:7])
    packed.extend(ids[7:])
    assert list(packed) == ids
    assert len(packed) == len(ids)
    assert [packed[place] for place in range(len(packed))] == ids
    assert packed[first:last] == ids[first:last]
    assert packed.raw(0, len(ids)).tobytes().hex() == "".join(ids)


def test_there_is_no_id_beyond_the_last() -> None:
    ids = Ids(32, ["0" * 32])
    for place in (1, -1):
        with pytest.raises(IndexError):
            ids[place]


def test_a_column_begins_with_zeros_and_holds_what_was_written_last() -> None:
    column = ClipColumn([("part", "u4"), ("at", "i8")], 4)
    assert not column.read(0, 4)["at"].any()
    column.write(1, np.array([(1, -5), (2, 7)], column.dtype))
    column.write(2, np.array([(3, 9)], column.dtype))
    assert column.read(0, 4)["at"].tolist() == [0, -5, 9, 0]
    assert column.read(2, 3)["part"].tolist() == [3]


def test_a_column_grows_at_its_end() -> None:
    column = ClipColumn("u1")
    column.append(np.array([1, 2], np.uint8))
    column.append(np.array([3], np.uint8))
    assert (len(column), column.read(0, 3).tolist()) == (3, [1, 2, 3])


@given(st.integers(0, 50), st.integers(1, 9))
def test_blocks_cover_every_clip_once_and_in_order(length: int, size: int) -> None:
    covered = [place for first, last in blocks(length, size) for place in range(first, last)]
    assert covered == list(range(length))
    assert all(0 < last - first <= size for first, last in blocks(length, size))
