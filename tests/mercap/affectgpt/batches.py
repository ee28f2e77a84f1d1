"""Tiny models, prompts and features for the tests of AffectGPT."""

from __future__ import annotations

from typing import Any

import torch

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.model import IGNORED, AffectGPTForConditionalGeneration
from mercap.affectgpt.presets import tiny

PAD = 0


def vivid(**changes: Any) -> AffectGPTConfig:
    """The tiny preset with larger initial weights, so that what a model reads shows in what it answers."""
    config = tiny(**changes)
    config.text_config.initializer_range = 0.25
    return config


def build(config: AffectGPTConfig | None = None, seed: int = 0, dtype: Any = torch.float32) -> Any:
    torch.manual_seed(seed)
    return AffectGPTForConditionalGeneration(config or vivid()).to(dtype).eval()


def features(config: AffectGPTConfig, clips: int, seed: int = 0, dtype: Any = torch.float32) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    shapes = {"face": (config.face_steps, config.face_dim), "audio": (config.audio_steps, config.audio_dim)}
    return {
        stream: torch.randn(clips, *shape, generator=draw, dtype=torch.float64).to(dtype)
        for stream, shape in shapes.items()
    }


def one(features: dict[str, torch.Tensor], clip: int) -> dict[str, torch.Tensor]:
    """The features of a single clip."""
    return {stream: steps[clip : clip + 1] for stream, steps in features.items()}


def prompt(config: AffectGPTConfig, *words: int) -> list[int]:
    """Beginning of text, the clip's placeholders, the words."""
    return [1, *config.clip_tokens, *words]


def row(*rows: list[int]) -> torch.Tensor:
    return torch.tensor(rows)


def padded_left(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask."""
    width = max(map(len, rows))
    ids = torch.tensor([[PAD] * (width - len(ids)) + ids for ids in rows])
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in rows])
    return ids, mask


def labels_of(ids: torch.Tensor, answers: list[int]) -> torch.Tensor:
    """Labels where only the last ``answers[i]`` tokens of row i are supervised."""
    labels = torch.full_like(ids, IGNORED)
    for number, answer in enumerate(answers):
        labels[number, ids.shape[1] - answer :] = ids[number, ids.shape[1] - answer :]
    return labels
