"""From the features of a clip to soft tokens: pooling of one stream, fusion of two.

Every pooling is called as ``pool(steps)``: (C, T, D) -> (C, n, width). Every fusion is called as
``fuse(face, audio)``: (C, Tf, Df), (C, Ta, Da) -> (C, n, width). C is the number of clips; ``width`` is an attribute.
The formulas are those of AffectGPT (arXiv 2501.16566, eq. 3-7) where it has one, as its released code computes them:
pre-fusion by attention is linear, without softmax. `aligned` is ours.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from mercap.affectgpt.config import AffectGPTConfig


class Affine(nn.Linear):  # type: ignore[misc]
    """A linear layer that keeps torch's own initial values inside a transformers model, as the released model did.

    transformers would draw N(0, 0.02) whatever the width, which is too little for narrow streams.
    """

    @property
    def bound(self) -> float:
        """Initial weights and biases are uniform within this bound."""
        return 1 / math.sqrt(self.in_features)


class Queries(nn.Module):  # type: ignore[misc]
    """``count`` learned vectors that ask a Q-Former's questions: (1, count, width)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.empty(1, count, width).normal_(std=0.02))

    def forward(self, clips: int) -> torch.Tensor:
        return self.values.expand(clips, -1, -1)


class QFormer(nn.Module):  # type: ignore[misc]
    """Learned queries that attend to steps with positions: (C, T, D) -> (C, queries, qformer_size).

    transformers' own Q-Former without text branch, cross-attention in every layer: what the released model uses.
    """

    def __init__(self, config: AffectGPTConfig, encoder_width: int, queries: int, positions: int, per: int = 1) -> None:
        super().__init__()
        self.width = config.qformer_size
        self.per = per
        self.queries = Queries(queries, self.width)
        self.positions = nn.Embedding(positions, encoder_width)
        self.former = Blip2QFormerModel(
            Blip2QFormerConfig(
                hidden_size=self.width,
                num_hidden_layers=config.qformer_layers,
                num_attention_heads=config.qformer_heads,
                intermediate_size=4 * self.width,
                cross_attention_frequency=1,
                encoder_hidden_size=encoder_width,
            )
        )

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        places = torch.arange(steps.shape[1], device=steps.device) // self.per
        queries = self.queries(steps.shape[0])
        answer = self.former(query_embeds=queries, encoder_hidden_states=steps + self.positions(places))
        return answer.last_hidden_state


class Pooling(nn.Module):  # type: ignore[misc]
    """One vector per clip, repeated ``tokens`` times. What a subclass weighs the steps by is all they differ in."""

    def __init__(self, config: AffectGPTConfig, stream: str) -> None:
        super().__init__()
        self.tokens = getattr(config, f"{stream}_tokens")
        self.width = getattr(config, f"{stream}_dim")
        self.score: Any = self.make_score()

    def make_score(self) -> nn.Module | None:
        return None

    def weights(self, steps: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        pooled = self.weights(steps).transpose(1, 2) @ steps
        return pooled.expand(-1, self.tokens, -1)


class LinearPooling(Pooling):
    """z = Z^T (Z u + b), not normalised: as released. With a small bias it hardly tells Z from -Z."""

    def make_score(self) -> nn.Module:
        return Affine(self.width, 1)

    def weights(self, steps: torch.Tensor) -> torch.Tensor:
        return self.score(steps)


class MeanPooling(Pooling):
    """The mean over time."""

    def weights(self, steps: torch.Tensor) -> torch.Tensor:
        return steps.new_full((*steps.shape[:2], 1), 1 / steps.shape[1])


class SoftmaxPooling(Pooling):
    """A weighted mean over time. Without a bias, to which a softmax is blind."""

    def make_score(self) -> nn.Module:
        return Affine(self.width, 1, bias=False)

    def weights(self, steps: torch.Tensor) -> torch.Tensor:
        return self.score(steps).softmax(dim=1)


class QFormerPooling(QFormer):
    """Learned queries over the steps of one stream: as the 2024 model has it, one position per frame."""

    def __init__(self, config: AffectGPTConfig, stream: str) -> None:
        width, queries = getattr(config, f"{stream}_dim"), getattr(config, f"{stream}_tokens")
        per = config.face_step_tokens if stream == "face" else 1
        super().__init__(config, width, queries, getattr(config, f"{stream}_positions"), per)


class Fusion(nn.Module):  # type: ignore[misc]
    """Both streams brought to one width, E_v and E_a; the base of every fusion."""

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__()
        self.tokens = config.fused_tokens
        self.width = config.fusion_size
        self.face = Affine(config.face_dim, self.width)
        self.audio = Affine(config.audio_dim, self.width)


class AttentionFusion(Fusion):
    """Eq. 5-7: the means v and a, weighted by two numbers that depend linearly on both. Blind to order in time."""

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__(config)
        self.mix = Affine(2 * self.width, self.width)
        self.weigh = Affine(self.width, 2)

    def forward(self, face: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        both = torch.stack([self.face(face.mean(dim=1)), self.audio(audio.mean(dim=1))], dim=1)
        weights = self.weigh(self.mix(both.flatten(1)))
        return (weights.unsqueeze(1) @ both).expand(-1, self.tokens, -1)


class QFormerFusion(Fusion):
    """Eq. 3-4: queries over the steps of both streams, face before voice, each step with a position."""

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__(config)
        self.qformer = QFormer(config, self.width, self.tokens, config.fused_positions)
        self.width = config.qformer_size

    def forward(self, face: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        return self.qformer(torch.cat([self.face(face), self.audio(audio)], dim=1))


class AlignedFusion(Fusion):
    """Ours: both streams on one time grid, joined step by step, then averaged over ``tokens`` spans of the clip.

    Sees whether voice and expression agree at the same moment, which no fusion of two means can.
    """

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__(config)
        self.per = config.face_step_tokens
        self.grid = max(config.face_steps // self.per, config.audio_steps)

    def forward(self, face: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        frames = face.unflatten(1, (-1, self.per)).mean(dim=2)
        joined = self.face(resample(frames, self.grid)) + self.audio(resample(audio, self.grid))
        mixed = functional.gelu(joined)
        return functional.adaptive_avg_pool1d(mixed.transpose(1, 2), self.tokens).transpose(1, 2)


class AdditiveFusion(Fusion):
    """The sum of both means: in one token, but without interaction. A control for the others."""

    def forward(self, face: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        both = self.face(face.mean(dim=1)) + self.audio(audio.mean(dim=1))
        return both.unsqueeze(1).expand(-1, self.tokens, -1)


class NoFusion(nn.Module):  # type: ignore[misc]
    """No fused token: (C, 0, width). The paper's control."""

    def __init__(self, config: AffectGPTConfig) -> None:
        super().__init__()
        self.width = config.fusion_size

    def forward(self, _face: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        return audio.new_empty((audio.shape[0], 0, self.width))


def resample(steps: torch.Tensor, count: int) -> torch.Tensor:
    """(C, T, D) -> (C, count, D), linear in time; step i of T stands for the middle of the i-th of T equal spans."""
    if steps.shape[1] == count:
        return steps
    moved = functional.interpolate(steps.transpose(1, 2), size=count, mode="linear", align_corners=False)
    return moved.transpose(1, 2)


POOLING_CLASSES: dict[str, type[nn.Module]] = {
    "linear": LinearPooling,
    "mean": MeanPooling,
    "softmax": SoftmaxPooling,
    "qformer": QFormerPooling,
}
FUSION_CLASSES: dict[str, type[nn.Module]] = {
    "attention": AttentionFusion,
    "qformer": QFormerFusion,
    "aligned": AlignedFusion,
    "additive": AdditiveFusion,
    "none": NoFusion,
}
