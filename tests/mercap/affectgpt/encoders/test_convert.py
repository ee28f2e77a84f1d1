"""Pickled weights become safetensors, and nothing that is pickled with them is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from mercap.affectgpt.encoders import load_encoder  # noqa: E402
from mercap.affectgpt.encoders.convert import convert  # noqa: E402
from mercap.affectgpt.encoders.options import EncoderOptions  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.lab import ROOT  # noqa: E402
from tests.mercap.affectgpt.encoders import tiny  # noqa: E402


def pickled(folder: Path) -> Path:
    """A tiny HuBERT as it would be published with a pickle."""
    from safetensors.torch import load_file

    tiny.build("hubert", folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    return folder


def test_converted_weights_give_the_features_of_the_pickled_ones(tmp_path: Path) -> None:
    source = pickled(tmp_path / "source")
    expected = load_encoder(EncoderOptions(kind="hubert", model=str(source))).encode(tiny.samples(1))
    (source / "model.safetensors").unlink()
    command = [sys.executable, "-m", "mercap.affectgpt.encoders.convert", str(source), str(tmp_path / "made")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == f"{tmp_path / 'made'}\n"
    encoder = load_encoder(EncoderOptions(kind="hubert", model=str(tmp_path / "made")))
    assert (encoder.encode(tiny.samples(1)) == expected).all()


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("open('exploded', 'w').close()",)


def test_a_pickle_that_holds_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = pickled(tmp_path / "source")
    torch.save({"weights": Bomb()}, source / "pytorch_model.bin")
    with pytest.raises(UsageError, match="holds more than weights"):
        convert(str(source), tmp_path / "made")
    assert not (tmp_path / "exploded").exists()
    assert not (tmp_path / "made").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    source = pickled(tmp_path / "source")
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").touch()
    with pytest.raises(UsageError, match="is not empty"):
        convert(str(source), tmp_path / "made")
