"""Clips for the waterfall: rows as long as those of the published training set, features and pixels of random numbers.

A row has a template of 118 tokens, a subtitle of about 17, and is asked half the time for a description of about 145
tokens, half the time for about 16 tokens of labels: 215 tokens on average, 80 of them supervised. (Computed from the
word counts of MER-Caption+ and the released template; no caption is needed to know how long it is.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.collate import Batch, pack, pad
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.features import FeaturesInMemory
from mercap.affectgpt.prompt import Row
from mercap.affectgpt.training.packs import pack_lengths

TEMPLATE, SUBTITLE, DESCRIPTION, LABELS = 118, 17, 145, 16
DESCRIPTION_SPREAD = 35
WINDOW = 200  # clips among which a pack is put together, as in the fast recipe
PADDED_CLIPS = 3  # as the released configuration has it
SAMPLE_RATE, WINDOW_S = 16_000, 2
POOL = 32  # as many clips have pixels and sound; drawing them anew each time would be what is measured


class Draws(NamedTuple):
    """Training rows and what comes with them.

    ``frames`` are (POOL, steps, side, side, 3) uint8, ``sound`` (POOL, steps, samples).
    """

    config: AffectGPTConfig
    rows: list[Row]
    features: dict[str, FeaturesInMemory]
    frames: NDArray[np.uint8]
    sound: NDArray[np.float32]


class Given(NamedTuple):
    """What one step is given; pixels and sound of each clip in the batch."""

    batch: Batch
    frames: NDArray[np.uint8]
    sound: NDArray[np.float32]


def draw(config: AffectGPTConfig, count: int, side: int, seed: int = 0) -> Draws:
    """``count`` random examples; every number comes from ``seed``."""
    rng = np.random.default_rng(seed)
    rows = [_row(f"{number:064x}", config, rng) for number in range(count)]
    shapes = {"face": (config.face_steps, config.face_dim), "audio": (config.audio_steps, config.audio_dim)}
    features = {
        stream: FeaturesInMemory({row.clip: rng.standard_normal(shape) for row in rows}, {"kind": "random"})
        for stream, shape in shapes.items()
    }
    pool = min(POOL, count)
    frames = rng.integers(0, 256, (pool, config.face_steps, side, side, 3), np.uint8)
    sound = rng.standard_normal((pool, config.audio_steps, WINDOW_S * SAMPLE_RATE), np.float32)
    return Draws(config, rows, features, frames, sound)


def _row(clip: str, config: AffectGPTConfig, rng: np.random.Generator) -> Row:
    described = rng.random() < 0.5
    answer = max(8, round(rng.normal(DESCRIPTION, DESCRIPTION_SPREAD))) if described else 1 + rng.poisson(LABELS - 1)
    words = TEMPLATE - 1 - len(config.clip_tokens) + rng.poisson(SUBTITLE) + answer
    vocabulary = min(config.text_config.vocab_size, *config.clip_tokens)
    ids = [1, *config.clip_tokens, *rng.integers(3, vocabulary, words).tolist()]
    return Row(clip, ids, answer)


def batches(draws: Draws, *, packed: bool, tokens: int) -> Iterator[Given]:
    """Endless work, in passes over the draws: packs of up to ``tokens``, or three clips padded on the right."""
    groups = pack_lengths([len(row.ids) for row in draws.rows], tokens, WINDOW) if packed else _threes(len(draws.rows))
    make = _packed if packed else _padded
    number = 0
    while True:
        yield make(draws, groups[number % len(groups)])
        number += 1


def _packed(draws: Draws, places: list[int]) -> Given:
    rows = [draws.rows[place] for place in places]
    return Given(pack(rows, draws.config, draws.features), *_seen(draws, places))


def _padded(draws: Draws, places: list[int]) -> Given:
    rows = [draws.rows[place] for place in places]
    return Given(pad(rows, draws.config, draws.features, side="right"), *_seen(draws, places))


def _seen(draws: Draws, places: list[int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    chosen = [place % len(draws.frames) for place in places]
    return draws.frames[chosen], draws.sound[chosen]


def _threes(count: int) -> list[list[int]]:
    return [list(range(start, start + PADDED_CLIPS)) for start in range(0, count - PADDED_CLIPS + 1, PADDED_CLIPS)]
