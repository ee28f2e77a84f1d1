"""A writer of prompts over bytes, examples and features, for tests that go from words to batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from mercap.affectgpt.example import Example
from mercap.affectgpt.features import FeaturesInMemory
from mercap.affectgpt.presets import tiny
from mercap.affectgpt.prompt import PromptWriter
from mercap.affectgpt.tokenizer import byte_tokenizer
from prompts import Prompt, load_prompt

TOKENIZER = byte_tokenizer()


def writer(config: Any = None, name: str = "train/v1.en") -> PromptWriter:
    return PromptWriter(TOKENIZER, config or tiny(), load_prompt(name))


def short_writer(config: Any = None) -> PromptWriter:
    """A prompt of few bytes, for tests that train."""
    streams = "[fused] {fused}\n[audio] {audio}\n[face] {face}\n[subtitle] {subtitle}\n"
    rest = "[description] why?\n[labels] what?\n[after] :\n[named] {labels}"
    prompt = Prompt("short", streams + rest, "0" * 64)
    return PromptWriter(TOKENIZER, config or tiny(), prompt)


def examples(count: int = 4) -> list[Example]:
    """Of different lengths; the second has no labels, the third no description."""
    return [
        Example(
            clip=f"{number:064x}",
            name=f"clip_{number}",
            subtitle="so " * number,
            description=None if number == 2 else f"she is {'very ' * number}glad",
            labels=() if number == 1 else ("glad", "calm")[: 1 + number % 2],
        )
        for number in range(count)
    ]


def features_of(examples: list[Example], config: Any = None, seed: int = 0) -> dict[str, FeaturesInMemory]:
    config = config or tiny()
    draw = np.random.default_rng(seed)
    return {
        stream: FeaturesInMemory(
            {one.clip: draw.standard_normal(shape) for one in examples}, {"kind": f"drawn_{stream}", "seed": seed}
        )
        for stream, shape in {
            "face": (config.face_steps, config.face_dim),
            "audio": (config.audio_steps, config.audio_dim),
        }.items()
    }
