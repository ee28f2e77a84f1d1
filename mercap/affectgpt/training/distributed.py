"""Several processes, one device each, started by torchrun: the same run as in one process, with its batches shared out.

What trains is small (57 M weights for the published model, 0.2 GB), so gradients are added up in one piece after the
last batch of a step; nothing is sharded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

from mercap.affectgpt.training.options import TrainingOptions
from mercap.errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    """This process among ``size``; ``first`` is the one that writes files."""

    rank: int = 0
    local_rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[tuple[int, Item]]:
        """This process's items, each with its place among all."""
        return list(enumerate(items))[self.rank :: self.size]

    def add_up(self, numbers: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def add_up_gradients(self, values: Sequence[torch.Tensor], loss: torch.Tensor) -> torch.Tensor:
        """Every gradient becomes the sum over all processes, 0 for a process that had no batch; so does the loss."""
        if self.size == 1:
            return loss
        for value in values:
            if value.grad is None:
                value.grad = torch.zeros_like(value)
        parts = [value.grad for value in values] + [loss.to(values[0].dtype)]
        whole = torch.cat([part.flatten() for part in parts])
        distributed.all_reduce(whole)
        pieces = whole.split([part.numel() for part in parts])
        for part, piece in zip(parts, pieces, strict=True):
            part.copy_(piece.view_as(part))
        return parts[-1]

    def spread(self, values: Sequence[torch.Tensor]) -> None:
        """What the first process begins with, all begin with."""
        if self.size > 1:
            for value in values:
                distributed.broadcast(value.detach(), src=0)

    def any(self, here: bool, device: torch.device) -> bool:
        """Whether it is so in some process. Waits for all of them."""
        return here if self.size == 1 else bool(self.add_up(torch.tensor(int(here), device=device)).item())

    def agree(self, step: int, device: torch.device) -> None:
        """That all processes go on from one step. Waits for all of them. Raises UsageError."""
        total = int(self.add_up(torch.tensor(step, device=device)).item()) if self.size > 1 else step
        if total != step * self.size:
            raise UsageError("The processes found different checkpoints: give them one folder that all can read.")

    def wait(self) -> None:
        if self.size > 1:
            distributed.barrier()


def find_world() -> World:
    """As torchrun says in the environment; alone without it. Raises UsageError."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
    told = [os.environ.get(name) for name in names]
    if told[2] is None:
        return World()
    try:
        rank, local_rank, size = (int(one or "0") for one in told)
    except ValueError:
        raise UsageError("RANK, LOCAL_RANK and WORLD_SIZE must be numbers: start the run with torchrun.") from None
    return World(rank, local_rank, size)


@contextmanager
def joined(world: World, device: torch.device, options: TrainingOptions) -> Iterator[None]:
    """The processes know each other in here, over NCCL between GPUs and gloo otherwise. Raises UsageError."""
    if options.accumulate % world.size:
        raise UsageError(f"accumulate is {options.accumulate}, but must be a multiple of the {world.size} processes.")
    mine = world.size > 1 and not distributed.is_initialized()
    if mine:
        if device.type == "cuda":
            torch.cuda.set_device(device)
            distributed.init_process_group("nccl", device_id=device)
        else:
            distributed.init_process_group("gloo")
    try:
        yield
    finally:
        if mine:
            distributed.destroy_process_group()
