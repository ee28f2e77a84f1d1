"""Score answers against gold: every set of answers, the constant answers beside them, intervals, what was dropped.

Nothing is read or written here; `score_files` in `mercap.unibench.score` reads the files. One call takes milliseconds
per thousand clips, and 10,000 resamples some tenths of a second per set of answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mercap.unibench.coverage import Coverage, coverage, dropped
from mercap.unibench.files import Answer, Gold, answers_for, told
from mercap.unibench.intervals import clusters, compare, intervals
from mercap.unibench.metrics import SENTIMENTS, Metric, Numbers, SetMetric, metric_of
from mercap.unibench.protocols import Protocol, Task
from mercap.vocabulary.groups import Groups

SIX_EMOTIONS = ("happy", "sad", "angry", "surprised", "fearful", "disgusted")
# Answers that look at no clip: what a metric gives for nothing.
CONSTANT_LABELS: dict[str, tuple[str, ...]] = {
    "always six basic emotions": SIX_EMOTIONS,
    "always angry, happy": ("angry", "happy"),
    "always happy": ("happy",),
    "always neutral": ("neutral",),
}
CONSTANT_SENTIMENTS = {f"always {word}": word for word in SENTIMENTS}


@dataclass(frozen=True)
class Setting:
    """How to score. ``resamples`` 0 leaves the intervals out."""

    task: Task
    protocol: Protocol = Protocol.PUBLISHED_2025
    level: int = 1
    resamples: int = 10_000
    seed: int = 0

    @property
    def metric(self) -> Metric:
        return metric_of(self.task, self.protocol)


@dataclass(frozen=True)
class Scored:
    """One set of answers. ``scores`` are fractions, not a number where the protocol divides zero by zero."""

    scores: dict[str, Any]
    evidence: Numbers = field(repr=False)
    answers: Sequence[Answer] = field(repr=False)
    intervals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    coverage: Coverage | None = None
    unparsable: int | None = None


@dataclass(frozen=True)
class Result:
    """All sets of answers to one gold, by epoch (or "all"), and the constant answers."""

    setting: Setting
    gold: Gold = field(repr=False)
    scored: dict[str, Scored]
    constants: dict[str, dict[str, Any]]
    dropped: list[dict[str, int]]
    clusters: int

    @property
    def primary(self) -> str:
        return self.setting.metric.primary

    def primary_scores(self) -> dict[str, float]:
        return {epoch: float(one.scores[self.primary]) for epoch, one in self.scored.items()}

    def best(self) -> str | None:
        """The epoch with the highest primary score, the first of equals; ``None`` where no score is a number."""
        known = {epoch: score for epoch, score in self.primary_scores().items() if not math.isnan(score)}
        return max(known, key=lambda epoch: known[epoch]) if known else None


def score_answers(
    setting: Setting,
    gold: Gold,
    answers: Mapping[str, Mapping[str, Answer]],
    groups: Groups | None,
    path: Path | None = None,
) -> Result:
    """Score each set of ``answers``, by epoch and clip. ``groups`` may be ``None`` for sentiment only.

    Raises UsageError where an epoch lacks an answer to a gold clip, naming ``path``, where the answers came from.
    """
    scorer = _Scorer(setting, gold, groups)
    complete = {epoch: answers_for(gold, given, told(path, epoch)) for epoch, given in answers.items()}
    scored = {epoch: scorer.score(given) for epoch, given in complete.items()}
    constants: Mapping[str, Answer] = CONSTANT_SENTIMENTS if setting.task is Task.SENTIMENT else CONSTANT_LABELS
    return Result(
        setting,
        gold,
        scored,
        {name: scorer.bare([answer] * len(gold.names))[0] for name, answer in constants.items()},
        scorer.dropped(),
        clusters(gold.names)[1],
    )


def compare_answers(
    setting: Setting, gold: Gold, ours: Sequence[Answer], theirs: Sequence[Answer], groups: Groups | None
) -> dict[str, Any]:
    """The difference of two systems on the same clips, its interval and p-value (`intervals.compare`)."""
    scorer = _Scorer(setting, gold, groups)
    metric = setting.metric
    first, second = scorer.bare(ours), scorer.bare(theirs)
    found = compare(
        first[1], second[1], gold.names, metric.score, metric.primary,
        resamples=max(setting.resamples, 1), seed=setting.seed,
    )  # fmt: skip
    return {"score": metric.primary, "against": float(second[0][metric.primary]), **found}


class _Scorer:
    """What all sets of answers to one gold share."""

    def __init__(self, setting: Setting, gold: Gold, groups: Groups | None) -> None:
        assert groups is not None or setting.task is Task.SENTIMENT
        self._setting, self._gold, self._groups = setting, gold, groups
        self._metric = setting.metric
        self._sets = groups.sets(list(gold.labels.values()), setting.level) if groups is not None else None
        self._values = np.array(list(gold.values.values()), np.float64)

    def evidence(self, answers: Sequence[Any]) -> Numbers:
        if isinstance(self._metric, SetMetric):
            assert self._groups is not None
            assert self._sets is not None
            return self._metric.evidence(self._sets, self._groups.sets(answers, self._setting.level))
        return self._metric.evidence(self._values, answers)

    def bare(self, answers: Sequence[Any]) -> tuple[dict[str, Any], Numbers]:
        evidence = self.evidence(answers)
        return self._metric.score(evidence.sum(axis=0)), evidence

    def score(self, answers: Sequence[Any]) -> Scored:
        scores, evidence = self.bare(answers)
        setting = self._setting
        found = (
            intervals(evidence, self._gold.names, self._metric.score, resamples=setting.resamples, seed=setting.seed)
            if setting.resamples
            else {}
        )
        if setting.task is Task.SENTIMENT:
            return Scored(scores, evidence, answers, found, unparsable=sum(word not in SENTIMENTS for word in answers))
        assert self._groups is not None
        return Scored(scores, evidence, answers, found, coverage(answers, self._groups))

    def _counts(self, value: float) -> bool:
        return value != 0 or self._setting.protocol.corrected

    def dropped(self) -> list[dict[str, int]]:
        """Per wheel, reason -> clips; for sentiment one row."""
        if self._groups is None or self._setting.task is Task.SENTIMENT:
            neutral = int(sum(not self._counts(value) for value in self._values))
            return [{"neutral": neutral} if neutral else {}]
        labels = list(self._gold.labels.values())
        return dropped(labels, self.evidence(labels), self._groups)
