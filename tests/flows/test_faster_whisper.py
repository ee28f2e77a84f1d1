"""`faster_whisper` chosen by a recipe: the real engine on a tiny model that the test builds, offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import ROOT, Lab
from tests.tiny_whisper import build_tiny_whisper


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path)
    made.clips.mkdir()
    for name in ("smiling_bright.mp4", "silent_surprise.mp4"):
        (made.clips / name).write_bytes((ROOT / "examples" / "clips" / name).read_bytes())
    return made


def write_recipe(lab: Lab, model: Path) -> None:
    text = (ROOT / "recipes" / "embedded.toml").read_text(encoding="utf-8")
    chosen = f'[transcribe]\nbackend = "faster_whisper"\nmodel = "{model}"\nlanguage = "en"'
    lab.recipe.write_text(text.replace('[transcribe]\nbackend = "pocketsphinx"', chosen), encoding="utf-8")


def test_a_recipe_chooses_the_model_by_path_and_moving_the_model_computes_nothing(lab: Lab, tmp_path: Path) -> None:
    build_tiny_whisper(tmp_path / "model")
    write_recipe(lab, tmp_path / "model")
    report = lab.annotate()
    row = next(row for row in report["ledger"] if row["stage"] == "transcribe")
    assert row["ok"] + row["absent"] == 2
    assert row["causes"]["no_audio"] == 1
    (tmp_path / "model").rename(tmp_path / "moved")
    write_recipe(lab, tmp_path / "moved")
    assert lab.annotate()["computed_cells"] == 0
    build_tiny_whisper(tmp_path / "other", seed=1)
    write_recipe(lab, tmp_path / "other")
    assert lab.annotate()["computed"]["transcribe"] == 2


def test_a_model_that_is_not_there_is_one_sentence_before_anything_runs(lab: Lab, tmp_path: Path) -> None:
    write_recipe(lab, tmp_path / "nowhere")
    assert lab.annotate(expect=2) == {}
    assert not lab.store.exists()
