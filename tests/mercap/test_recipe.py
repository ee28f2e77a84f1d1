from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mercap.errors import UsageError
from mercap.recipe import RECIPES, load_recipe, parse_recipe
from mercap.roles import FasterWhisper, Pocketsphinx, Silero
from mercap.stages import recipe_digest


def values(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "name": "r", "diarize": {"backend": "silero"}, "transcribe": {"backend": "pocketsphinx"},
        **{role: {"backend": "embedded"} for role in ("describe_visual", "describe_audio", "merge", "label")},
    }  # fmt: skip
    return {**base, **changes}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid_and_named_as_its_file(path: Path) -> None:
    assert load_recipe(path.stem).name == path.stem


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"transcibe": {}}, "unknown key 'transcibe'; did you mean 'transcribe'"),
        (
            {"diarize": {"backend": "silero", "treshold": 0.4}},
            "unknown key 'diarize.treshold'; did you mean 'threshold'",
        ),
        ({"diarize": {"backend": "silero", "threshold": 3}}, "diarize.threshold: Input should be less than 1"),
        ({"merge": {"backend": "chatty"}}, "merge: "),
        ({"vote": [{"name": "words"}, {"name": "words"}]}, "the voter 'words' is named twice"),
        ({"vote": [{"name": "stars"}]}, "vote.0.name: "),
        ({"merge": {"backend": "scripted", "prompt": "merge/v9.en"}}, "merge.prompt: there is no prompt 'merge/v9.en'"),
        ({"media": {"frames": {"rate_hz": 0}}}, "media.frames.rate_hz: "),
    ],
)
def test_a_wrong_recipe_is_one_sentence_naming_file_and_key(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_recipe(values(**changes), "mine.toml")
    assert sentence in str(caught.value)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_role_is_named() -> None:
    without = values()
    del without["merge"]
    with pytest.raises(UsageError, match="the key 'merge' is missing"):
        parse_recipe(without, "mine.toml")


def test_an_unknown_name_lists_what_is_shipped() -> None:
    with pytest.raises(UsageError, match="shipped are .*embedded"):
        load_recipe("embeded")


def test_broken_toml_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("name = ")
    with pytest.raises(UsageError, match="not valid TOML"):
        load_recipe(str(tmp_path / "r.toml"))


def test_the_name_of_a_recipe_is_not_part_of_its_meaning() -> None:
    assert recipe_digest(parse_recipe(values(name="a"), "")) == recipe_digest(parse_recipe(values(name="b"), ""))


def test_where_a_model_runs_is_not_part_of_its_meaning_but_how_it_decodes_is() -> None:
    plain = FasterWhisper(model="tiny")
    assert FasterWhisper(model="tiny", device="cuda", cpu_threads=4).identity() == plain.identity()
    assert FasterWhisper(model="tiny", beam_size=5).identity() != plain.identity()


def test_a_model_given_by_path_is_identified_by_its_content(tmp_path: Path) -> None:
    for place, weights in (("one", b"w"), ("two", b"w"), ("three", b"x")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "model.bin").write_bytes(weights)
    one, two, three = (FasterWhisper(model=str(tmp_path / name)).identity() for name in ("one", "two", "three"))
    assert one == two != three


def test_a_model_that_comes_in_a_package_is_identified_by_its_content() -> None:
    """None would mean that its files were not found, and that a new model would pass for the old one."""
    for options in (Pocketsphinx(), Silero()):
        digest = options.identity()["model"]
        assert isinstance(digest, str)
        assert len(digest) == 64
    assert Pocketsphinx().identity()["model"] != Silero().identity()["model"]
