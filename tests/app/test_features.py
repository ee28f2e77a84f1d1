"""`mercap features` as a person types it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.features import chosen_encoders, features
from mercap.affectgpt.encoders.table import ENCODERS_OF
from mercap.errors import MissingExtra, UsageError
from tests.lab import Lab

NAMED: dict[str, dict[str, Any]] = {"face": {"kind": None}, "audio": {"kind": None}}
APP = typer.Typer()
APP.command()(features)


def named(**kinds: str) -> dict[str, dict[str, Any]]:
    return {stream: {"kind": kinds.get(stream)} for stream in NAMED}


@pytest.mark.parametrize("preset", sorted(ENCODERS_OF))
def test_a_model_preset_stands_for_its_encoders(preset: str) -> None:
    assert {one.reads: one.kind for one in chosen_encoders(preset, NAMED)} == ENCODERS_OF[preset]


def test_an_encoder_that_is_named_takes_the_place_of_the_presets() -> None:
    assert [one.kind for one in chosen_encoders("affectgpt_2025", named(audio="wavlm"))] == ["clip", "wavlm"]
    assert [one.kind for one in chosen_encoders("affectgpt_2025", named(face="none"))] == ["hubert"]


@pytest.mark.parametrize(
    ("preset", "values", "words"),
    [
        ("large", NAMED, "--model is one of affectgpt_2025, .*not 'large'"),
        ("tiny", named(face="hubert"), "--face is one of clip, .* or none, not 'hubert'"),
        ("tiny", named(audio="clip"), "--audio is one of hubert, .* not 'clip'"),
        ("tiny", named(face="none", audio="none"), "leave nothing to encode"),
        ("tiny", named() | {"face": {"kind": None, "model": "mine"}}, "--face: clip_rows has no weights to load"),
        ("tiny", named() | {"face": {"kind": None, "dtype": "int8"}}, "--face: dtype: .*'float32'"),
    ],
)
def test_what_cannot_be_encoded_is_said_in_one_sentence(preset: str, values: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        chosen_encoders(preset, values)


def run(lab: Lab, *extra: str) -> Any:
    command = [str(lab.clips), "--store", str(lab.store), "--workers", "2", "--crop", "frame", *extra]
    return CliRunner().invoke(APP, command)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_the_extra_is_named(lab: Lab) -> None:
    lab.fill(1)
    done = run(lab)
    assert isinstance(done.exception, MissingExtra)
    assert "clip_rows back-end is not installed" in str(done.exception)
    assert ".[train]" in str(done.exception)
    assert not lab.store.exists()


@pytest.mark.skipif(find_spec("torch") is None or find_spec("transformers") is None, reason="needs torch")
def test_the_answer_is_a_table_for_people_and_one_object_for_scripts(lab: Lab) -> None:
    lab.fill(2)
    lab.clips.joinpath("silent.mp4").write_bytes(silent(lab.root))
    shown = run(lab)
    assert shown.exit_code == 0, shown.exception
    assert "clip_rows random" in shown.stdout
    assert "no_audio 1" in shown.stdout
    again = json.loads(run(lab, "--json").stdout)
    assert [(one["stream"], one["encoded"], one["already"], one["steps"], one["dim"]) for one in again["streams"]] == [
        ("face", 0, 3, 8, 256), ("audio", 0, 2, 8, 128),
    ]  # fmt: skip
    assert again["streams"][1]["absent"] == {"no_audio": 1}


def silent(folder: Path) -> bytes:
    from tests.lab import make_clip

    return make_clip(folder / "silent.mp4", 9, audio=False).read_bytes()
