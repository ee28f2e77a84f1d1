"""The table of encoders, read without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from mercap.affectgpt.encoders.options import EncoderOptions, feature_key, model_identity, options_of
from mercap.affectgpt.encoders.table import ENCODERS, ENCODERS_OF, STREAMS

PRESETS = Path(__file__).parents[4] / "mercap" / "affectgpt" / "presets.py"


def test_reading_options_loads_no_torch() -> None:
    code = (
        "import sys, mercap.affectgpt.encoders.options, mercap.affectgpt.encoders; "
        "print(sorted({'torch', 'transformers', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_preset_has_an_encoder_for_each_stream() -> None:
    for preset, kinds in ENCODERS_OF.items():
        assert set(kinds) == set(STREAMS), preset
        assert all(ENCODERS[kind].reads == stream for stream, kind in kinds.items()), preset
        assert f"def {preset}(" in PRESETS.read_text()


def test_every_row_names_a_file_that_is_there() -> None:
    for row in ENCODERS.values():
        file = Path(__file__).parents[4] / (row.module.replace(".", "/") + ".py")
        assert f"class {row.name}(" in file.read_text()


def test_an_encoder_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="one of clip, siglip2.*not 'eva'"):
        EncoderOptions(kind="eva")


def test_an_encoder_without_weights_takes_no_model() -> None:
    with pytest.raises(ValidationError, match="clip_rows has no weights to load"):
        EncoderOptions(kind="clip_rows", model="openai/clip-vit-base-patch32")


def test_the_default_model_of_a_kind_is_its_rows() -> None:
    assert EncoderOptions(kind="clip").source == "openai/clip-vit-large-patch14"
    assert EncoderOptions(kind="clip", model="mine").source == "mine"
    assert options_of("modern", "audio").source == "microsoft/wavlm-large"


def test_a_folder_is_known_by_its_files_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("here", "there", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_bytes(b"1" if name == "other" else b"0")
    here, there, other = (model_identity(str(tmp_path / name), tmp_path / name) for name in ("here", "there", "other"))
    assert here == there
    assert here != other


def test_a_snapshot_is_known_by_its_repository_and_commit(tmp_path: Path) -> None:
    folder = tmp_path / "models--openai--clip" / "snapshots" / ("0123456789" * 4)
    assert model_identity("openai/clip", folder) == {"model": "openai/clip", "revision": "0123456789" * 4}


def test_whatever_changes_in_an_identity_changes_the_key() -> None:
    identity = {"kind": "clip", "revision": "a", "sampling": {"crop": "face"}}
    assert feature_key(identity) == feature_key(dict(reversed(identity.items())))
    assert feature_key(identity) != feature_key(identity | {"sampling": {"crop": "frame"}})
