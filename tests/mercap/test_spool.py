from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap import spool
from mercap.spool import Spool, blocks


class Row(NamedTuple):
    name: str
    number: int | None
    extra: dict[str, Any]


ROWS = st.lists(st.builds(Row, st.text(), st.none() | st.integers(), st.dictionaries(st.text(), st.booleans())))


@given(ROWS, st.integers(-30, 30), st.integers(-30, 30))
def test_a_spool_is_the_list_of_its_rows(rows: list[Row], first: int, last: int) -> None:
    held = Spool(Row, rows)
    assert len(held) == len(rows)
    assert list(held) == rows
    assert [held[place] for place in range(len(rows))] == rows
    assert held[first:last] == rows[first:last]
    assert held[first:last:2] == rows[first:last:2]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_rows_are_read_some_at_a_time_and_none_is_lost_between(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "blocks", lambda length: blocks(length, 2))
    rows = [Row(f"{number}", number, {}) for number in range(count)]
    assert list(Spool(Row, rows)) == rows


def test_half_a_character_and_a_line_feed_come_back_as_they_were() -> None:
    row = Row("a\ud800\n,]", None, {"x": "\u2028"})
    assert list(Spool(Row, [row])) == [row]


def test_what_json_has_no_word_for_is_kept_as_text() -> None:
    moment = datetime(2026, 1, 2)
    (row,) = Spool(Row, [Row("a", 1, {"path": Path("/x/y"), "at": moment})])
    assert row.extra == {"path": "/x/y", "at": str(moment)}


def test_there_is_no_row_beyond_the_last() -> None:
    held = Spool(Row, [Row("a", 1, {})])
    for place in (1, -1):
        with pytest.raises(IndexError):
            held[place]
