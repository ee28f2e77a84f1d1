"""Audio of the committed example clips, decoded once."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

CLIPS = Path(__file__).parents[3] / "examples" / "clips"

Audio = npt.NDArray[np.int16]


@functools.cache
def _decoded(name: str) -> Audio:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    with av.open(str(next(CLIPS.glob(f"{name}.[mw]*")))) as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    audio: Audio = np.concatenate([piece.to_ndarray()[0] for piece in [*pieces, *resampler.resample(None)]])
    audio.flags.writeable = False
    return audio


@pytest.fixture(scope="session")
def clip_audio() -> Callable[[str], Audio]:
    """Mono int16 at 16 kHz of an example clip, by its name."""
    return _decoded


@pytest.fixture(scope="session")
def sentences() -> dict[str, str]:
    """What is said in each example clip."""
    with (CLIPS / "sentences.csv").open(encoding="utf-8", newline="") as file:
        return {row["clip"]: row["sentence"] for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def noise() -> Audio:
    """Three seconds of white noise, far from silent."""
    return np.random.default_rng(5).normal(0.0, 1500.0, 48_000).astype(np.int16)
