"""Rows of token ids and the features of their clips, laid out for the model: packed into one row, or padded.

Everything that the model would otherwise ask the device for is made here, on the host: where soft tokens go, where
logits are needed, how many tokens are supervised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import torch

from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.features import FeatureStream
from mercap.affectgpt.model import IGNORED, supervised_places
from mercap.affectgpt.placeholders import placeholder_mask
from mercap.affectgpt.prompt import Row
from mercap.errors import UsageError

Side = Literal["left", "right"]
_INPUTS = (
    "input_ids",
    "labels",
    "attention_mask",
    "position_ids",
    "soft_mask",
    "logits_to_keep",
    "face",
    "audio",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors on the host. ``supervised`` counts answer tokens, ``tokens`` all but padding; ``cu_seqlens`` (C + 1,)
    int32 are the boundaries of the clips in a packed row, of use to models that ignore positions."""

    input_ids: torch.Tensor  # (B, T)
    labels: torch.Tensor | None  # (B, T), -100 where nothing is to be learnt
    attention_mask: torch.Tensor | None  # (B, T); None when packed
    position_ids: torch.Tensor  # (B, T), from 0 in every clip
    soft_mask: torch.Tensor  # (B, T) bool
    logits_to_keep: torch.Tensor | None  # (K,)
    face: torch.Tensor | None  # (C, steps, dim) fp16
    audio: torch.Tensor | None
    clips: tuple[str, ...]
    supervised: int
    tokens: int
    cu_seqlens: torch.Tensor

    def inputs(self, device: torch.device | str) -> dict[str, Any]:
        """What `AffectGPTForConditionalGeneration.forward` takes, on ``device``; ``num_items`` is the caller's."""
        found = {name: getattr(self, name) for name in _INPUTS}
        return {name: value.to(device, non_blocking=True) for name, value in found.items() if value is not None}


def pack(rows: Sequence[Row], config: AffectGPTConfig, features: Mapping[str, FeatureStream]) -> Batch:
    """All clips in one row, positions from 0 in each: without a mask, transformers keeps them apart."""
    _check(rows)
    ids = torch.tensor([[one for row in rows for one in row.ids]])
    positions = torch.cat([torch.arange(len(row.ids)) for row in rows])[None]
    labels = torch.cat([_labels(row) for row in rows])[None]
    return _batch(rows, config, features, ids, labels, None, positions)


def pad(
    rows: Sequence[Row], config: AffectGPTConfig, features: Mapping[str, FeatureStream], *, side: Side = "right"
) -> Batch:
    """A clip per row. On the ``right`` for training, on the ``left`` for generation, which goes on where a row ends."""
    _check(rows)
    width = max(len(row.ids) for row in rows)
    filler = config.text_config.get_text_config().pad_token_id or 0
    ids = torch.full((len(rows), width), filler)
    labels = torch.full((len(rows), width), IGNORED)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for number, row in enumerate(rows):
        place = slice(width - len(row.ids), width) if side == "left" else slice(0, len(row.ids))
        ids[number, place] = torch.tensor(row.ids)
        labels[number, place] = _labels(row)
        mask[number, place] = 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return _batch(rows, config, features, ids, labels, mask, positions)


def _batch(
    rows: Sequence[Row],
    config: AffectGPTConfig,
    features: Mapping[str, FeatureStream],
    ids: torch.Tensor,
    labels: torch.Tensor,
    mask: torch.Tensor | None,
    positions: torch.Tensor,
) -> Batch:
    clips = tuple(row.clip for row in rows)
    supervised = sum(row.supervised for row in rows)
    lengths = [len(row.ids) for row in rows]
    return Batch(
        input_ids=ids,
        labels=labels if supervised else None,
        attention_mask=mask,
        position_ids=positions,
        soft_mask=placeholder_mask(_without_padding(ids, mask), config, clips=len(clips)),
        logits_to_keep=supervised_places(labels) if supervised else None,
        face=_features(features, "face", clips),
        audio=_features(features, "audio", clips),
        clips=clips,
        supervised=supervised,
        tokens=sum(lengths),
        cu_seqlens=torch.tensor([0, *accumulate(lengths)], dtype=torch.int32),
    )


def _without_padding(ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Padding may be any id, but never a soft place."""
    return ids if mask is None else ids.masked_fill(mask == 0, -1)


def _features(features: Mapping[str, FeatureStream], stream: str, clips: Sequence[str]) -> torch.Tensor | None:
    return torch.from_numpy(features[stream].rows(clips)) if stream in features else None


def _labels(row: Row) -> torch.Tensor:
    labels = torch.full((len(row.ids),), IGNORED)
    if row.supervised:
        labels[-row.supervised :] = torch.tensor(row.ids[-row.supervised :])
    return labels


def _check(rows: Sequence[Row]) -> None:
    if not rows:
        raise UsageError("A batch needs at least one clip.")
    if len({row.supervised > 0 for row in rows}) > 1:
        raise UsageError("A batch holds either examples with answers or prompts without, not both.")
