"""Losses and speeds, collected on the device and fetched a few steps at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from mercap.affectgpt.training.device import memory_gb
from mercap.affectgpt.training.distributed import World
from mercap.affectgpt.training.events import Event
from mercap.affectgpt.training.mfu import count_work, peak_of
from mercap.affectgpt.training.options import TrainingOptions
from mercap.affectgpt.training.prefetch import Prefetch
from mercap.affectgpt.training.supply import StepBatches


class Step(NamedTuple):
    """What one step left behind; ``loss`` and ``grad_norm`` are on the device and not waited for.

    ``counts`` are clips, tokens and supervised tokens in this process's batches. ``step`` counts those done.
    """

    step: int
    epoch: int
    counts: tuple[int, int, int]
    loss: torch.Tensor
    grad_norm: torch.Tensor
    lr: float


class Meter:
    """Speeds are of all devices together. The time that a checkpoint takes is not counted (`restart`)."""

    def __init__(
        self, model: Any, options: TrainingOptions, device: torch.device, world: World, batches: Prefetch[StepBatches]
    ) -> None:
        self._work = count_work(model)
        self._peak = peak_of(device, options.peak_tflops)
        self._device, self._world, self._batches = device, world, batches
        self._steps: list[Step] = []
        self.restart()

    def restart(self) -> None:
        self._began, self._waited = time.perf_counter(), self._batches.waited_s

    def add(self, step: Step) -> None:
        self._steps.append(step)

    def read(self) -> Iterator[Event]:
        """The steps since the last call. Waits for the device."""
        if not self._steps:
            return
        numbers = [value for step in self._steps for value in (step.loss, step.grad_norm.to(step.loss.dtype))]
        fetched = torch.stack(numbers).tolist()
        counted = torch.tensor([step.counts for step in self._steps], device=self._device)
        counts = self._world.add_up(counted).tolist()
        speeds = self._speeds(counts)
        read, self._steps = self._steps, []
        for place, (step, (clips, tokens, supervised)) in enumerate(zip(read, counts, strict=True)):
            loss, length = fetched[2 * place : 2 * place + 2]
            yield Event("step", step.step, step.epoch, loss, step.lr, length, clips, tokens, supervised, **speeds)
        self.restart()

    def _speeds(self, counts: list[list[int]]) -> dict[str, Any]:
        seconds = time.perf_counter() - self._began
        clips, tokens, supervised = (sum(column) for column in zip(*counts, strict=True))
        mfu = None
        if self._peak is not None:
            mfu = self._work.flops(tokens, supervised) / (seconds * self._peak * 1e12 * self._world.size)
        speeds = {
            "clips_per_s": clips / seconds,
            "tokens_per_s": tokens / seconds,
            "mfu": mfu,
            "waiting": (self._batches.waited_s - self._waited) / seconds,
            "memory_gb": memory_gb(self._device),
        }
        return {name: None if value is None else float(f"{value:.4g}") for name, value in speeds.items()}
