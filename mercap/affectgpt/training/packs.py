"""What comes when: the batches of an epoch, planned on the host from lengths alone.

In packs, each clip goes into the fullest pack that has room for it, among the packs of a window of clips. The clips
keep the order in which they were drawn: sorted by length, long descriptions would come together in one step and short
lists of labels in another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.example import TARGETS, Target
from mercap.affectgpt.training.options import TrainingOptions
from mercap.affectgpt.training.order import choose_target, permutation
from mercap.errors import UsageError


class Drawable(Protocol):
    """What a plan needs to know of the data (`mercap.affectgpt.data.TrainingData`)."""

    def __len__(self) -> int: ...
    def clip(self, place: int) -> str: ...
    def targets(self, place: int) -> tuple[Target, ...]: ...
    def length(self, place: int, target: Target) -> int: ...


class Draw(NamedTuple):
    """One example, asked for one of its targets."""

    place: int
    target: Target


class StepPlan(NamedTuple):
    """The batches of one step, over all devices. ``step`` counts from 0."""

    step: int
    epoch: int
    batches: list[list[Draw]]


@dataclass(frozen=True)
class EpochPlan:
    """A table of the draws of one epoch, batch after batch; ``starts`` (batches + 1) says where each begins."""

    places: NDArray[np.int32]
    targets: NDArray[np.int8]  # place in TARGETS
    lengths: NDArray[np.int32]
    starts: NDArray[np.int64]

    @property
    def batches(self) -> int:
        return len(self.starts) - 1

    def batch(self, number: int) -> list[Draw]:
        rows = range(self.starts[number], self.starts[number + 1])
        return [Draw(int(self.places[row]), TARGETS[self.targets[row]]) for row in rows]

    @property
    def digest(self) -> str:
        """Of all draws in their order, 64 hexadecimal digits."""
        columns = (self.places, self.targets, self.lengths, self.starts)
        return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def plan_epoch(data: Drawable, options: TrainingOptions, epoch: int) -> EpochPlan:
    """Every example once. Raises UsageError when an example does not fit into a pack."""
    draws, lengths = _draws(data, options.seed, epoch)
    if options.pack_tokens is None:
        size = options.batch or 1
        bins = [list(range(start, min(start + size, len(draws)))) for start in range(0, len(draws), size)]
    else:
        _check_longest(lengths, options.pack_tokens)
        bins = pack_lengths(lengths, options.pack_tokens, options.pack_window or len(lengths))
    order = [place for one in bins for place in one]
    return EpochPlan(
        places=np.array([draws[place].place for place in order], np.int32),
        targets=np.array([TARGETS.index(draws[place].target) for place in order], np.int8),
        lengths=np.array([lengths[place] for place in order], np.int32),
        starts=np.cumsum([0, *map(len, bins)], dtype=np.int64),
    )


def plan_steps(data: Drawable, options: TrainingOptions, first: int) -> Iterator[StepPlan]:
    """All steps from number ``first`` on, epoch after epoch, up to the end of the run.

    The last step of an epoch may have fewer batches than the others.
    """
    if not len(data):
        raise UsageError("There is no example to train on.")
    step, epoch = 0, 0
    while step < options.steps:
        plan = plan_epoch(data, options, epoch)
        for start in range(0, plan.batches, options.accumulate):
            if first <= step < options.steps:
                numbers = range(start, min(start + options.accumulate, plan.batches))
                yield StepPlan(step, epoch, [plan.batch(number) for number in numbers])
            step += 1
        epoch += 1


def pack_lengths(lengths: list[int], room: int, window: int) -> list[list[int]]:
    """Places of ``lengths`` in bins of ``room``, best fit; each place in exactly one bin.

    When a window ends its bins are closed, but for the emptiest, into which the next window goes on.
    """
    closed: list[list[int]] = []
    bins: list[list[int]] = []
    free: list[int] = []
    for place, length in enumerate(lengths):
        if place and place % window == 0:
            keep = int(np.argmax(free))
            closed += bins[:keep] + bins[keep + 1 :]
            bins, free = [bins[keep]], [free[keep]]
        fitting = [number for number, left in enumerate(free) if left >= length]
        if fitting:
            best = min(fitting, key=free.__getitem__)
            bins[best].append(place)
            free[best] -= length
        else:
            bins.append([place])
            free.append(room - length)
    return closed + bins


def _draws(data: Drawable, seed: int, epoch: int) -> tuple[list[Draw], list[int]]:
    draws = [
        Draw(place, choose_target(seed, epoch, data.clip(place), data.targets(place)))
        for place in map(int, permutation(seed, epoch, len(data)))
    ]
    return draws, [data.length(*draw) for draw in draws]


def _check_longest(lengths: list[int], room: int) -> None:
    longest = max(lengths, default=0)
    if longest > room:
        raise UsageError(f"pack_tokens is {room}, but an example has {longest} tokens: raise it.")
