"""From the plan of a step to its batches on the host: the work that is done ahead of the device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, NamedTuple

import torch

from mercap.affectgpt.collate import Batch, pack, pad
from mercap.affectgpt.data import TrainingData
from mercap.affectgpt.training.distributed import World
from mercap.affectgpt.training.options import TrainingOptions
from mercap.affectgpt.training.packs import Draw, plan_steps


class StepBatches(NamedTuple):
    """One process's batches of a step, each with its number among those of all processes. ``step`` counts from 0."""

    step: int
    epoch: int
    batches: list[tuple[int, Batch]]

    @property
    def supervised(self) -> int:
        return sum(batch.supervised for _, batch in self.batches)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Clips, tokens and supervised tokens."""
        found = [batch for _, batch in self.batches]
        return sum(len(one.clips) for one in found), sum(one.tokens for one in found), self.supervised


def supply(
    data: TrainingData, options: TrainingOptions, world: World, first: int, *, pinned: bool
) -> Iterator[StepBatches]:
    """This process's batches of every step from ``first`` on; ``pinned`` in memory that a GPU copies from."""
    for plan in plan_steps(data, options, first):
        mine = [(number, _batch(data, options, draws)) for number, draws in world.share(plan.batches)]
        yield StepBatches(plan.step, plan.epoch, [(number, _pin(one) if pinned else one) for number, one in mine])


def _batch(data: TrainingData, options: TrainingOptions, draws: list[Draw]) -> Batch:
    rows = [data.row(*draw) for draw in draws]
    if options.pack_tokens is not None:
        return pack(rows, data.config, data.features)
    return pad(rows, data.config, data.features, side="right")


def _pin(batch: Batch) -> Batch:
    """Copied from here to a GPU while it computes."""
    changes: dict[str, Any] = {}
    for field in fields(batch):
        value = getattr(batch, field.name)
        if isinstance(value, torch.Tensor):
            changes[field.name] = value.pin_memory()
    return replace(batch, **changes)
