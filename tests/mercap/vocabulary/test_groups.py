"""Words to groups: look-up, sets of groups, the neutral group, the kept copy and the explanation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.errors import UsageError
from mercap.vocabulary import kept
from mercap.vocabulary.explain import explain
from mercap.vocabulary.groups import NEUTRAL, Groups, resolve
from mercap.vocabulary.tables import Tables, read_tables
from tests.official_tables import WHEEL, write_tables

ROWS = tuple((first.lower() or "sad", second or "lonely", third) for first, second, third in WHEEL)
TABLES = Tables(
    (ROWS,) * 5,
    {word: frozenset({word}) for row in ROWS for word in row},
    {
        form: frozenset({base})
        for form, base in [("sadness", "sad"), ("mad", "mad"), ("joy", "joyful"), ("desk", "desk")]
    },
)
GROUPS = resolve(TABLES)
WORDS = st.sampled_from(["sadness", "mad", "joy", "desk", "unheard of"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kept.load_groups.cache_clear()
    return write_tables(tmp_path / "tables")


def test_a_word_is_looked_up_trimmed_and_in_lower_case() -> None:
    assert GROUPS.group("  Sadness ", 1) == "sad"


@pytest.mark.parametrize("word", ["desk", "unheard of", NEUTRAL, ""])
def test_what_is_unknown_or_not_on_the_wheel_has_no_group(word: str) -> None:
    assert GROUPS.group(word, 1) is None


def test_of_several_wheel_words_the_alphabetically_first_counts(folder: Path) -> None:
    groups = kept.load_groups(folder)
    assert groups.group("glee", 5) == "mad"  # furious before happy
    assert groups.group("glee", 5, 2) == "furious"


def test_neutral_is_a_group_of_every_corrected_wheel() -> None:
    corrected = resolve(TABLES, corrected=True)
    assert [corrected.group(NEUTRAL, wheel, 2) for wheel in range(1, 6)] == [NEUTRAL] * 5


def test_a_wheel_of_too_many_groups_is_refused() -> None:
    rows = tuple((f"group{number}", f"a{number}", f"b{number}") for number in range(64))
    with pytest.raises(UsageError, match="64 groups at level 1"):
        resolve(Tables((rows,) * 5, {}, {"x": frozenset({"x"})}))


@given(st.lists(st.lists(WORDS, max_size=6), max_size=8), st.sampled_from([1, 2]))
def test_the_set_of_an_answer_is_the_union_of_its_words_groups(answers: list[list[str]], level: int) -> None:
    masks = GROUPS.sets(answers, level)
    names = GROUPS.names[0][level - 1]
    found = [{name for place, name in enumerate(names) if int(mask[0]) >> place & 1} for mask in masks]
    assert found == [{group for word in answer if (group := GROUPS.group(word, 1, level))} for answer in answers]


def test_kept_tables_are_those_that_were_resolved(folder: Path) -> None:
    made = kept.load_groups(folder, corrected=True)
    kept.load_groups.cache_clear()
    again = kept.load_groups(folder, corrected=True)
    assert again is not made
    assert (again.forms, again.names) == (made.forms, made.names)
    assert (again.places == made.places).all()


def test_changed_tables_are_resolved_anew(folder: Path) -> None:
    assert kept.load_groups(folder).group("merry", 1) is None
    with (folder / "format.csv").open("a", encoding="utf-8") as file:
        file.write("merry,merry\n")
    kept.load_groups.cache_clear()
    assert kept.load_groups(folder).group("merry", 1) == "happy"


def test_a_damaged_kept_file_is_made_again(folder: Path) -> None:
    made = kept.load_groups(folder)
    for path in kept.cache_folder().iterdir():
        path.write_text('{"forms": ["a"], "names": [], "places": [1]}')
    kept.load_groups.cache_clear()
    assert kept.load_groups(folder).forms == made.forms


def test_a_cache_folder_that_cannot_be_made_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file"))
    assert isinstance(kept.load_groups(folder), Groups)


def test_without_tables_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MERCAP_TABLES", raising=False)
    with pytest.raises(UsageError, match="--tables DIR or in MERCAP_TABLES"):
        kept.tables_folder(None)


def test_an_explanation_names_every_step(folder: Path) -> None:
    found = explain(read_tables(folder), "Joy")
    assert found.bases == ("joyful", "joyless")
    assert found.opposites == ("joyless",)
    assert found.wheel_words == ("abandoned", "joyful", "joyless")
    assert (found.steps[0].group, found.steps[0].tied) == ("sad", True)


def test_an_unknown_word_is_explained_by_its_neighbours(folder: Path) -> None:
    found = explain(read_tables(folder), "lonelyness")
    assert "never counts" in found.verdict
    assert "loneliness" in found.similar
