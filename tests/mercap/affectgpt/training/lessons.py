"""What the tests of training learn: a few clips whose answers hang on their features alone, without words or files."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.features import FeaturesInMemory
from mercap.affectgpt.lora import make_trainable
from mercap.affectgpt.prompt import Row
from mercap.affectgpt.training.options import TrainingOptions, fast
from tests.mercap.affectgpt.batches import build, vivid

END = 2


class Lessons:
    """As `mercap.affectgpt.data.TrainingData`, over rows that are made and not tokenised."""

    def __init__(self, config: AffectGPTConfig, rows: list[dict[str, Row]], seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        clips = [next(iter(row.values())).clip for row in rows]
        shapes = {"face": (config.face_steps, config.face_dim), "audio": (config.audio_steps, config.audio_dim)}
        self.config, self._rows = config, rows
        self.features = {
            stream: FeaturesInMemory({clip: draw.normal(size=shape) for clip in clips}, {"kind": stream})
            for stream, shape in shapes.items()
        }
        self.digest = hashlib.sha256(repr((seed, rows)).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._rows)

    def clip(self, place: int) -> str:
        return next(iter(self._rows[place].values())).clip

    def targets(self, place: int) -> Any:
        return tuple(self._rows[place])

    def row(self, place: int, target: str) -> Row:
        return self._rows[place][target]

    def length(self, place: int, target: str) -> int:
        return len(self._rows[place][target].ids)


def lessons(config: AffectGPTConfig, count: int, both: bool = True, seed: int = 0) -> Lessons:
    """``count`` clips of different lengths; with ``both`` a long answer and a short one can be asked for."""
    rows = []
    for place in range(count):
        clip = f"{seed:08x}{place:056x}"
        asked = [1, *config.clip_tokens, 5, *[6] * (place % 3)]
        answers = {"labels": [20 + place % 40, END]}
        if both:
            answers = {"description": [60 + place % 40, *range(10, 13 + place % 5), END], **answers}
        rows.append({target: Row(clip, [*asked, *ids], len(ids)) for target, ids in answers.items()})
    return Lessons(config, rows, seed)


def learner(config: AffectGPTConfig | None = None, dtype: Any = torch.float32, seed: int = 0) -> Any:
    """A tiny model that trains."""
    return make_trainable(build(config or vivid(), seed, dtype)).to(dtype)


def quick(**changes: Any) -> TrainingOptions:
    """A short run in packs on the CPU."""
    plain = {"steps": 20, "pack_tokens": 64, "lr": 3e-3, "log_every": 1, "device": "cpu", "tensorboard": False}
    return fast(**(plain | changes))
