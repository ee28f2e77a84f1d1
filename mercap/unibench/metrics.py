"""The metrics of MER-UniBench as pure functions: evidence per clip, and scores from its sums.

Every metric of the benchmark is a function of sums over clips. So a clip's evidence is one row of numbers, a score is
computed from the sum of rows, and bootstrap, paired tests and subsets are sums over other rows. NumPy alone; nothing is
read or written, so `reward` can be called from a training loop.

Three protocols. *published-2025* and *published-2026* are the released scoring functions, quirks included; they differ
where precision and recall are both zero or no clip counts: not a number in 2025, 0 in 2026. *corrected* is ours, see
docs/unibench.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mercap.unibench.labels import parse_labels
from mercap.unibench.protocols import Protocol, Task
from mercap.vocabulary.groups import Groups, Masks

Numbers = NDArray[np.float64]


SENTIMENTS = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class SetMetric:
    """Hit rate, and precision, recall and F of sets of groups, on each wheel and averaged over the wheels.

    Evidence: (clips, 3 * wheels): whether the clip counts, its precision, its recall (for the discrete task: hit).
    A clip counts where its gold labels belong to at least one group of the wheel. F is the harmonic mean of the
    averages, and the final F the mean of the wheels' F (affectgpt paper, appendix on metrics).
    """

    task: Task
    protocol: Protocol

    @property
    def primary(self) -> str:
        return "hit_rate" if self.task is Task.DISCRETE and not self.protocol.corrected else "f"

    def evidence(self, gold: Masks, predicted: Masks) -> Numbers:
        """``gold`` and ``predicted`` are sets of groups, (clips, wheels)."""
        shared = np.bitwise_count(gold & predicted).astype(np.float64)
        size, told = np.bitwise_count(gold), np.bitwise_count(predicted)
        counts = size > 0
        recall = shared if self.task is Task.DISCRETE else shared / np.maximum(size, 1)
        columns = np.stack([counts, counts * shared / np.maximum(told, 1), counts * recall], axis=2)
        return np.asarray(columns.reshape(len(gold), -1))

    def score(self, sums: Numbers) -> dict[str, Numbers]:
        """Scores from summed evidence, (..., 3 * wheels); each is (...), those named per_wheel (..., wheels)."""
        count, precision, recall = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)
        precision, recall = self._divided(precision, count), self._divided(recall, count)
        f = self._divided(2.0 * precision * recall, precision + recall)
        wheels = {"f": f, "precision": precision, "recall": recall}
        if self.task is Task.DISCRETE:
            wheels = {"hit_rate": recall, "precision": precision} | ({"f": f} if self.protocol.corrected else {})
        per_wheel = wheels[self.primary]
        return {
            **{name: values.mean(axis=-1) for name, values in wheels.items()},
            "per_wheel": per_wheel,
            "n_scored_per_wheel": count,
        }

    def _divided(self, above: Numbers, below: Numbers) -> Numbers:
        undefined = np.nan if self.protocol is Protocol.PUBLISHED_2025 else 0.0
        return np.asarray(np.divide(above, below, out=np.full(np.shape(above), undefined), where=below > 0))


@dataclass(frozen=True)
class SentimentMetric:
    """Weighted F1 (WAF) and accuracy (ACC) of sentiment.

    Published: clips whose gold is exactly 0 are left out, gold and answer are positive or not, and any other answer
    than "positive" counts as negative. Corrected: negative, neutral and positive are three outcomes, and an answer that
    is none of them is wrong. Evidence: the confusion matrix of one clip, gold by answer, flattened.
    """

    protocol: Protocol
    task: Task = Task.SENTIMENT
    primary: str = "waf"

    def evidence(self, gold: Numbers, predicted: Sequence[str]) -> Numbers:
        """``gold`` is (clips,), signed; ``predicted`` are trimmed lower-case words."""
        if self.protocol.corrected:
            sides = np.sign(gold).astype(int) + 1
            answers = [SENTIMENTS.index(word) if word in SENTIMENTS else 3 for word in predicted]
            counts, shape = np.ones(len(gold), bool), (3, 4)
        else:
            sides = (gold > 0).astype(int)
            answers = [int(word == "positive") for word in predicted]
            counts, shape = gold != 0, (2, 2)
        found = np.zeros((len(gold), *shape))
        found[np.arange(len(gold)), sides, answers] = counts
        return found.reshape(len(gold), -1)

    def score(self, sums: Numbers) -> dict[str, Numbers]:
        """Scores from summed evidence, (..., cells of the matrix); not a number where no clip counts."""
        matrix = sums.reshape(*sums.shape[:-1], *((3, 4) if self.protocol.corrected else (2, 2)))
        classes = matrix.shape[-2]
        right = np.diagonal(matrix[..., :classes], axis1=-2, axis2=-1)
        support, told = matrix.sum(axis=-1), matrix.sum(axis=-2)[..., :classes]
        f1 = np.divide(2.0 * right, support + told, out=np.zeros_like(right), where=support + told > 0)
        count = support.sum(axis=-1)

        def share(part: Numbers) -> Numbers:
            return np.asarray(np.divide(part, count, out=np.full(np.shape(part), np.nan), where=count > 0))

        return {"waf": share((f1 * support).sum(axis=-1)), "acc": share(right.sum(axis=-1)), "n_scored": count}


Metric = SetMetric | SentimentMetric


def metric_of(task: Task, protocol: Protocol) -> Metric:
    return SentimentMetric(protocol) if task is Task.SENTIMENT else SetMetric(task, protocol)


def reward(gold: str | Sequence[str], answer: str | Sequence[str], groups: Groups, level: int = 1) -> float:
    """How well one answer meets the gold labels of one clip: F of the sets of groups, averaged over the wheels.

    From 0 to 1; 0 where no gold label is known. Precision counts, so a long list of labels does not pay.
    """
    sets = groups.sets([parse_labels(gold), parse_labels(answer)], level)
    metric = SetMetric(Task.OV, Protocol.CORRECTED)
    scored = metric.score(metric.evidence(sets[:1], sets[1:])[0])
    counts = scored["n_scored_per_wheel"] > 0
    return float(scored["per_wheel"][counts].mean()) if counts.any() else 0.0
