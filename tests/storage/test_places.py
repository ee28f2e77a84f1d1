from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from storage.places import Places

# Few digits, so that ids share buckets, and one id's end and the next one's beginning spell a third.
CELL_ID = st.text("01", min_size=32, max_size=32).map(lambda text: "00" + text[2:])


@given(st.lists(st.tuples(CELL_ID, st.integers(0, 2**40)), max_size=40))
def test_places_are_the_dictionary_that_was_put_in(pairs: list[tuple[str, int]]) -> None:
    places, expected = Places(), dict(pairs)
    for cell_id, number in pairs:
        places.set(cell_id, number)
    assert {cell_id: places.get(cell_id) for cell_id in expected} == expected
    assert len(places) == len(expected)
    assert sorted(places.values()) == sorted(expected.values())


def test_an_id_that_only_lies_across_two_others_is_not_there() -> None:
    places = Places()
    places.set("00" * 8 + "11" * 8, 1)
    places.set("00" * 8 + "22" * 8, 2)
    assert places.get("11" * 8 + "00" * 8) is None
    places.set("00" * 16, 3)
    places.set("00" * 15 + "44", 4)
    assert places.get("00" * 15 + "44") == 4
    assert places.get("00" * 14 + "4400") is None


def test_what_is_no_cell_id_has_a_place_of_its_own() -> None:
    places = Places()
    for number, name in enumerate(("unknown", "00", "g" * 32, "")):
        places.set(name, number)
    assert [places.get(name) for name in ("unknown", "00", "g" * 32, "", "else")] == [0, 1, 2, 3, None]
