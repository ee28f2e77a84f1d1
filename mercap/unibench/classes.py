"""Scores of one class of gold at a time: which emotions a system finds, and which it misses."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mercap.unibench.metrics import SENTIMENTS
from mercap.unibench.scoring import Result
from mercap.vocabulary.groups import Groups

LEVEL = 1


class ClassScore(NamedTuple):
    """A class of gold, and the share of it that was found: on each wheel, or of sentiment, for each answer.

    Not a number where nothing of the class counts, such as a label that a wheel does not hold.
    """

    label: str
    clips: int
    shares: list[float]


def label_scores(result: Result, epoch: str) -> list[ClassScore]:
    """Hit rate by gold label, largest class first."""
    evidence = result.scored[epoch].evidence
    clips: dict[str, list[int]] = {}
    for clip, labels in enumerate(result.gold.labels.values()):
        for label in labels:
            clips.setdefault(label, []).append(clip)
    found = []
    for label, places in clips.items():
        counted, _, hits = evidence[places].sum(axis=0).reshape(-1, 3).T
        found.append(ClassScore(label, len(places), _shares(hits, counted)))
    return sorted(found, key=lambda row: (-row.clips, row.label))


def side_scores(result: Result, epoch: str) -> tuple[list[str], list[ClassScore]]:
    """Sentiment: what answers there are, and of the clips of each side the share that got each of them."""
    corrected = result.setting.protocol.corrected
    sides, answers = (
        (SENTIMENTS, (*SENTIMENTS, "none")) if corrected else (("negative", "positive"), ("not positive", "positive"))
    )
    matrix = result.scored[epoch].evidence.sum(axis=0).reshape(len(sides), len(answers))
    rows = [
        ClassScore(side, int(row.sum()), _shares(row, np.full(len(answers), row.sum())))
        for side, row in zip(sides, matrix, strict=True)
    ]
    return list(answers), rows


def group_scores(result: Result, epoch: str, groups: Groups) -> list[list[ClassScore]]:
    """Per wheel, the recall of each of its groups: of the clips whose gold is in it, the share whose answer is too."""
    gold = groups.sets(list(result.gold.labels.values()), LEVEL)
    told = groups.sets(result.scored[epoch].answers, LEVEL)
    found = []
    for wheel, names in enumerate(groups.names):
        bits = np.uint64(1) << np.arange(len(names[LEVEL - 1]), dtype=np.uint64)
        has = (gold[:, wheel, None] & bits) > 0
        both = (gold[:, wheel, None] & told[:, wheel, None] & bits) > 0
        counts, shares = has.sum(axis=0), _shares(both.sum(axis=0), has.sum(axis=0))
        rows = zip(names[LEVEL - 1], counts.tolist(), shares, strict=True)
        found.append(
            sorted((ClassScore(name, count, [share]) for name, count, share in rows), key=lambda row: -row.clips)
        )
    return found


def _shares(parts: np.ndarray, wholes: np.ndarray) -> list[float]:
    return [part / whole if whole else math.nan for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True)]
