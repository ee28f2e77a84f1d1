"""One set of tiny models and one server for all tests of this folder. Skips where the extra `engines` is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mercap.backends.torchaudio_repair import repair_torchaudio
from tests.engines import answers
from tests.engines.serving import served

repair_torchaudio()  # before any module of this folder imports transformers


class Engines(NamedTuple):
    """``url`` ends in /v1; each of the others is a folder, and the name by which the server knows the model."""

    url: str
    text: Path
    vision: Path
    audio: Path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The text, the vision and the audio model, taught the replies of `tests.engines.answers`."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tests.engines import tiny_audio, tiny_text, tiny_vision

    folder = tmp_path_factory.mktemp("models")
    return (
        tiny_text.build(folder / "text", answers.TEXT, answers.USERS),
        tiny_vision.build(folder / "vision", answers.PICTURES),
        tiny_audio.build(folder / "audio", answers.SOUND),
    )


@pytest.fixture(scope="session")
def engines(models: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with served(models, tmp_path_factory.mktemp("serving")) as url:
        yield Engines(url, *models)
