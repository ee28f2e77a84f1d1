"""Which checkpoint a score is of, and how sure it is.

The benchmark's published rule takes the best checkpoint of every test set, chosen on that very set: the *protocol
score*. Beside it stands the *one-checkpoint score*: of each set, the checkpoint that is best on the system's other
sets, so that no set chooses its own. The first is a maximum over test results; no interval takes that bias away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mercap.unibench.intervals import by_cluster, middle, resampled
from mercap.unibench.metrics import Numbers
from mercap.unibench.scoring import Result

ALONE = "one set alone: no other set can choose its checkpoint"
NONE_SHARED = "no other set has the same checkpoints"


@dataclass(frozen=True)
class Draws:
    """Bootstrap values of one number, (resamples,); none where no resamples were asked for."""

    values: Numbers = field(repr=False)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % percentile interval."""
        return middle(self.values)

    @property
    def error(self) -> float | None:
        """The standard error: the standard deviation of the bootstrap values."""
        known = self.values[np.isfinite(self.values)]
        return float(known.std(ddof=1)) if len(known) > 1 else None


@dataclass(frozen=True)
class Checkpoint:
    """The scores of one checkpoint on one set that are single numbers, and their bootstrap values."""

    epoch: str
    primary: str
    scores: dict[str, float]
    draws: dict[str, Draws] = field(repr=False)

    @property
    def score(self) -> float:
        return self.scores[self.primary]

    @property
    def interval(self) -> tuple[float, float] | None:
        return self.draws[self.primary].interval


@dataclass(frozen=True)
class Mean:
    """The plain mean of primary scores over sets, as the benchmark takes it."""

    score: float
    sets: tuple[str, ...]
    draws: Draws

    @property
    def interval(self) -> tuple[float, float] | None:
        return self.draws.interval


@dataclass(frozen=True)
class Spread:
    """The primary score over a system's checkpoints; ``deviation`` is the standard deviation, 0 for one."""

    checkpoints: int
    mean: float
    deviation: float
    lowest: float
    highest: float


def checkpoint(result: Result, epoch: str, resamples: int, seed: int) -> Checkpoint:
    """One checkpoint with the bootstrap of `mercap.unibench.intervals`: the same draws for the same seed."""
    one, metric = result.scored[epoch], result.setting.metric
    names = [name for name, value in one.scores.items() if np.ndim(value) == 0 and not name.startswith("n_")]
    sums = by_cluster(one.evidence, result.gold.names)
    found = [metric.score(drawn) for drawn in resampled(sums, resamples, np.random.default_rng(seed))]
    draws = {name: Draws(np.concatenate([np.zeros(0), *(drawn[name] for drawn in found)])) for name in names}
    return Checkpoint(epoch, metric.primary, {name: float(one.scores[name]) for name in names}, draws)


def spread(scores: Mapping[str, float]) -> Spread | None:
    """Over the checkpoints whose score is a number; ``None`` if there is none."""
    known = np.array([score for score in scores.values() if not math.isnan(score)])
    if not len(known):
        return None
    deviation = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return Spread(len(known), float(known.mean()), deviation, float(known.min()), float(known.max()))


def chosen_elsewhere(scores: Mapping[str, Mapping[str, float]], dataset: str) -> tuple[str | None, str]:
    """The checkpoint for ``dataset`` with the best mean over the other sets, else why there is none.

    ``scores`` are primary scores by set and epoch. Only sets that share a checkpoint with ``dataset`` have a say, and
    only checkpoints with a number on all of these. A set with one checkpoint leaves nothing to choose.
    """
    own = scores[dataset]
    if len(own) == 1:
        return next(iter(own)), ""
    others = [other for name, other in scores.items() if name != dataset and own.keys() & other.keys()]
    if not others:
        return None, ALONE if len(scores) == 1 else NONE_SHARED
    means = {epoch: sum(other.get(epoch, math.nan) for other in others) / len(others) for epoch in own}
    known = {epoch: mean for epoch, mean in means.items() if not math.isnan(mean)}
    return (max(known, key=lambda epoch: known[epoch]), "") if known else (None, NONE_SHARED)


def mean_over_sets(found: Mapping[str, Checkpoint], seed: int) -> Mean | None:
    """The mean over sets and its bootstrap: every set resampled within itself, then averaged.

    Sets are drawn with one seed, so each set's draws are shuffled before they meet: else sets of one size would be
    resampled alike.
    """
    if not found or any(math.isnan(one.score) for one in found.values()):
        return None
    order = np.random.default_rng(seed)
    drawn = np.stack([order.permutation(one.draws[one.primary].values) for one in found.values()])
    score = float(np.mean([one.score for one in found.values()]))
    return Mean(score, tuple(found), Draws(drawn.mean(axis=0)))
