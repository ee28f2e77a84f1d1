"""One system scored on several sets, and two systems compared on the same clips.

A system is whatever answered: a name and a file of answers per set, with one set of answers per checkpoint if its rows
have an epoch. Scores are of level 1, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mercap.unibench.checkpoints import Checkpoint, Mean, Spread, checkpoint, chosen_elsewhere, mean_over_sets, spread
from mercap.unibench.datasets import DATASETS, Dataset, check_gold
from mercap.unibench.files import Gold, read_answers
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.scoring import Result, Setting, compare_answers, score_answers
from mercap.vocabulary.groups import Groups

NO_GOLD = "no gold"
NO_PREDICTIONS = "no predictions"


@dataclass(frozen=True)
class Rules:
    """How a suite is scored. ``resamples`` 0 leaves out intervals and comparisons."""

    protocol: Protocol = Protocol.PUBLISHED_2025
    resamples: int = 10_000
    seed: int = 0

    def setting(self, task: Task, resamples: int = 0) -> Setting:
        return Setting(task, self.protocol, resamples=resamples, seed=self.seed)


@dataclass(frozen=True)
class OnSet:
    """One system on one set.

    ``best`` (protocol score) is ``None`` where no score is a number, ``one`` (one-checkpoint score) where ``why`` says
    so. ``remarks`` tell in what the gold is not the published test set: without any, scores compare to published ones.
    """

    dataset: Dataset
    path: Path
    result: Result = field(repr=False)
    remarks: list[str]
    best: Checkpoint | None
    one: Checkpoint | None
    why: str
    spread: Spread | None

    @property
    def clips(self) -> int:
        return len(self.result.gold.names)


@dataclass(frozen=True)
class System:
    """All that is known of one system; ``unscored`` says of every other set why it was not scored."""

    name: str
    folder: Path
    sets: dict[str, OnSet]
    unscored: dict[str, str]
    best_mean: Mean | None
    one_mean: Mean | None

    @property
    def has_choice(self) -> bool:
        """Whether some set has several checkpoints, so that one of them had to be chosen."""
        return any(len(one.result.scored) > 1 for one in self.sets.values())


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same clips; the difference is ``system`` minus ``against`` (`intervals.compare`)."""

    dataset: str
    system: str
    against: str
    epochs: tuple[str, str]
    difference: float
    interval: tuple[float, float] | None
    p_value: float | None


def score_system(
    rules: Rules, name: str, folder: Path, files: Mapping[str, Path], golds: Mapping[str, Gold], groups: Groups | None
) -> System:
    """Score a system on every set of ``files`` that has gold. Raises UsageError for a file that cannot be right."""
    results = {key: _result(rules, key, files[key], golds[key], groups) for key in files if key in golds}
    scores = {key: result.primary_scores() for key, result in results.items()}
    sets = {key: _on_set(rules, key, files[key], result, scores) for key, result in results.items()}
    unscored = {key: NO_GOLD if key in files else NO_PREDICTIONS for key in DATASETS if key not in sets}
    best = _mean({key: one.best for key, one in sets.items()}, rules.seed)
    return System(name, folder, sets, unscored, best, _mean({key: one.one for key, one in sets.items()}, rules.seed))


def _result(rules: Rules, key: str, path: Path, gold: Gold, groups: Groups | None) -> Result:
    """All checkpoints, without intervals: those are for the chosen ones."""
    task = DATASETS[key].task
    return score_answers(rules.setting(task), gold, read_answers(path, task), groups, path)


def _on_set(rules: Rules, key: str, path: Path, result: Result, scores: Mapping[str, Mapping[str, float]]) -> OnSet:
    best, (elsewhere, why) = result.best(), chosen_elsewhere(scores, key)
    chosen = {epoch for epoch in (best, elsewhere) if epoch is not None}
    kept = {epoch: checkpoint(result, epoch, rules.resamples, rules.seed) for epoch in chosen}
    return OnSet(
        dataset=DATASETS[key],
        path=path,
        result=result,
        remarks=check_gold(DATASETS[key], result.gold),
        best=None if best is None else kept[best],
        one=None if elsewhere is None else kept[elsewhere],
        why=why,
        spread=spread(scores[key]),
    )


def _mean(found: Mapping[str, Checkpoint | None], seed: int) -> Mean | None:
    """``None`` where a set has no score: the mean over the others would be of other sets than it says."""
    known = {key: one for key, one in found.items() if one is not None}
    return mean_over_sets(known, seed) if len(known) == len(found) else None


def compare_systems(rules: Rules, systems: list[System], groups: Groups | None) -> list[Comparison]:
    """Every later system against the first, set by set; none without resamples, which the test is made of."""
    if not rules.resamples:
        return []
    first = systems[0]
    pairs = [(other, key) for other in systems[1:] for key in other.sets if key in first.sets]
    return [found for other, key in pairs if (found := _compare(rules, key, other, first, groups)) is not None]


def _compare(rules: Rules, key: str, system: System, first: System, groups: Groups | None) -> Comparison | None:
    """At the one-checkpoint scores where both have one, else at the protocol scores; ``None`` without a number."""
    ours, theirs = system.sets[key], first.sets[key]
    mine, other = (ours.one, theirs.one) if ours.one and theirs.one else (ours.best, theirs.best)
    if mine is None or other is None or math.isnan(mine.score - other.score):
        return None
    answers = ours.result.scored[mine.epoch].answers, theirs.result.scored[other.epoch].answers
    found = compare_answers(rules.setting(ours.dataset.task, rules.resamples), ours.result.gold, *answers, groups)
    interval = tuple(found["interval"]) if found["interval"] else None
    return Comparison(
        key, system.name, first.name, (mine.epoch, other.epoch), found["difference"], interval, found["p_value"]
    )
