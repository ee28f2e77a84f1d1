"""Where a prompt's placeholders stand, and whether they fit the clips: checked on the host, where it costs no wait."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mercap.affectgpt.config import AffectGPTConfig
from mercap.errors import UsageError


def placeholder_mask(input_ids: torch.Tensor, config: AffectGPTConfig, clips: int) -> torch.Tensor:
    """(B, T) ids on the host -> (B, T) bool, true where a soft token belongs.

    Each row must hold whole clips, their placeholders in the order of `AffectGPTConfig.clip_tokens`, ``clips`` in
    all. Raises UsageError naming the row or stream that does not.
    """
    wanted = config.clip_tokens
    names = {getattr(config, f"{stream}_token_id"): stream for stream in config.stream_order}
    mask = torch.isin(input_ids, torch.tensor(list(names)))
    seen = 0
    for row, (ids, places) in enumerate(zip(input_ids, mask, strict=True)):
        found = ids[places].tolist()
        in_row = _clips(found, wanted, names, row)
        seen += in_row
    if seen != clips:
        raise UsageError(f"The prompts hold the placeholders of {seen} clips, but there are features of {clips}.")
    return mask


def check_room(mask: torch.Tensor, soft: torch.Tensor) -> None:
    """That a mask (B, T) on the host has one place for each of (C, n, hidden) soft tokens; UsageError if not.

    A mask on a device is trusted: to count in it would mean to wait for it.
    """
    if mask.device.type != "cpu":
        return
    places, clips = int(mask.sum()), len(soft)
    if places != clips * soft.shape[1]:
        raise UsageError(f"soft_mask has {places} places, but {clips} clips have {clips * soft.shape[1]} soft tokens.")


def _clips(found: Sequence[int], wanted: Sequence[int], names: dict[int, str], row: int) -> int:
    """How many whole clips a row's placeholders make up."""
    clips = max(1, round(len(found) / len(wanted)))
    if list(found) == list(wanted) * clips:
        return clips
    for token, stream in names.items():
        if found.count(token) != wanted.count(token) * clips:
            raise UsageError(
                f"Row {row} has {found.count(token)} placeholders of {stream!r}, "
                f"expected {wanted.count(token) * clips} ({wanted.count(token)} per clip)."
            )
    order = ", ".join(dict.fromkeys(names[token] for token in wanted))
    raise UsageError(f"The placeholders of row {row} are not in the order of stream_order: {order}.")
