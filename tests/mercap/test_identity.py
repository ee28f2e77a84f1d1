from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.identity import canonical_json, cell_id, digest_config, digest_file, digest_folder

words = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20)


def test_a_cell_id_never_changes_for_the_same_meaning() -> None:
    """Golden: a store written today must be found again by every later version."""
    assert cell_id("merge", "0" * 32, ["a" * 64, "b" * 32]) == "9bc99502588503cf4fa3689cee86f335"
    assert digest_config({"b": [1, 2.5, None], "a": "ä"}) == "324d0f98e8e7b390bd24bc556eff388b"


@given(words, words, st.lists(words), words, words, st.lists(words))
def test_different_meanings_have_different_ids(
    stage: str, config: str, inputs: list[str], stage2: str, config2: str, inputs2: list[str]
) -> None:
    same = (stage, config, inputs) == (stage2, config2, inputs2)
    assert (cell_id(stage, config, inputs) == cell_id(stage2, config2, inputs2)) == same


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(list(value.items()))))


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError):
        canonical_json({"a": float("nan")})


def test_a_file_is_identified_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert digest_file(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_model_folder_is_identified_by_names_and_contents_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "inner").mkdir(parents=True)
        (tmp_path / place / "inner" / "model.bin").write_bytes(b"weights")
    assert digest_folder(tmp_path / "one") == digest_folder(tmp_path / "two")
    (tmp_path / "two" / "inner" / "model.bin").write_bytes(b"other weights")
    assert digest_folder(tmp_path / "one") != digest_folder(tmp_path / "two")
