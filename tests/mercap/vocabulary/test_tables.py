"""The official tables: their layout, their rules, and every form as the released code resolves it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mercap.errors import UsageError
from mercap.vocabulary.groups import resolve
from mercap.vocabulary.tables import FILES, opposite, read_tables, wheel_map, without_antonyms
from tests.official_tables import write_sheet, write_tables

YEARS = ("2025", "2026")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tables(tmp_path / "tables")


def test_a_blank_cell_repeats_the_one_above(folder: Path) -> None:
    assert read_tables(folder).wheels[1][3] == ("sad", "lonely", "abandoned")


def test_synonyms_of_all_runs_are_united(folder: Path) -> None:
    assert read_tables(folder).synonyms["glee"] == {"happy", "furious"}


def test_at_level_2_a_level_1_word_stands_for_the_first_of_its_children(folder: Path) -> None:
    assert wheel_map(read_tables(folder).wheels[1], 2)["happy"] == "cheerful"


def test_where_a_word_stands_twice_the_later_row_counts() -> None:
    rows = (("bad", "stressed", "tired"), ("sad", "hurt", "tired"))
    assert wheel_map(rows, 1)["tired"] == "sad"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(UsageError, match=name):
        read_tables(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_noise_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\xff\x00noise" * 20)
    with pytest.raises(UsageError, match=name):
        read_tables(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    write_sheet(folder / "wheel3.xlsx", [("level1", "level3"), ("a", "b")])
    with pytest.raises(UsageError, match=r"wheel3\.xlsx has no column level2; it has level1, level3"):
        read_tables(folder)


def test_a_first_row_with_a_blank_cell_is_named(folder: Path) -> None:
    write_sheet(folder / "wheel2.xlsx", [("level1", "level2", "level3"), ("a", "", "b")])
    with pytest.raises(UsageError, match=r"wheel2\.xlsx, row 2"):
        read_tables(folder)


@pytest.mark.parametrize(
    ("form", "base"),
    [("fear", "fearless"), ("regardless", "regard"), ("inspired", "uninspired"), ("unavailable", "available")],
)
def test_a_form_that_says_the_opposite_of_its_base_is_recognised(form: str, base: str) -> None:
    assert opposite(form, base)


@pytest.mark.parametrize(
    ("form", "base"), [("fearlessly", "fearless"), ("under", "undergo"), ("united", "unit"), ("sad", "sadness")]
)
def test_forms_of_one_meaning_are_no_opposites(form: str, base: str) -> None:
    assert not opposite(form, base)


def test_without_antonyms_joy_is_no_form_of_joyless(folder: Path) -> None:
    tables = read_tables(folder)
    assert tables.forms["joy"] == {"joyful", "joyless"}
    assert without_antonyms(tables).forms["joy"] == {"joyful"}


@pytest.mark.parametrize("year", YEARS)
def test_every_form_of_the_official_tables_resolves_as_released(reference: Path, year: str) -> None:
    folder = reference / f"emotion_wheel_{year}"
    with gzip.open(folder / "resolved_groups.json.gz", "rt", encoding="utf-8") as file:
        expected = json.load(file)
    groups = resolve(read_tables(folder))
    assert set(groups.forms) == set(expected)
    for form, by_column in expected.items():
        found = {column: groups.group(form, int(column[1]), int(column[4])) or "" for column in by_column}
        assert found == by_column, form


def test_the_corrected_2025_tables_know_fear_as_fear(reference: Path) -> None:
    groups = resolve(read_tables(reference / "emotion_wheel_2025"), corrected=True)
    assert [groups.group("fear", wheel) for wheel in range(1, 6)] == ["scared", "fearful", "scared", "fear", "scared"]
