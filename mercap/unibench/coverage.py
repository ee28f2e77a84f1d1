"""What of gold and answers the tables cover: clips dropped per wheel and why, labels per answer, words known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mercap.unibench.metrics import Numbers
from mercap.vocabulary.groups import NEUTRAL, Groups

# Why a gold clip does not count on a wheel.
DROPPED = {
    "neutral": "its only gold label is neutral",
    "unknown": "none of its gold labels is a known word form",
    "outside": "its gold labels are known, but the wheel does not cover them",
}


@dataclass(frozen=True)
class Coverage:
    """Shares of label tokens (and types: distinct labels) that are known word forms, or covered by each wheel."""

    labels: int
    labels_per_answer: float
    empty_answers: int
    known_tokens: float | None
    known_types: float | None
    covered_per_wheel: list[float] | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def coverage(answers: Sequence[Sequence[str]], groups: Groups) -> Coverage:
    counts = Counter(label for answer in answers for label in answer)
    total = sum(counts.values())
    rows = [(count, groups.rows.get(label)) for label, count in counts.items()]
    known = [(count, row) for count, row in rows if row is not None]
    covered = np.zeros(groups.places.shape[1])
    for count, row in known:
        covered += count * (groups.places[row, :, 0] >= 0)
    return Coverage(
        labels=total,
        labels_per_answer=total / len(answers) if answers else 0.0,
        empty_answers=sum(not answer for answer in answers),
        known_tokens=sum(count for count, _ in known) / total if total else None,
        known_types=len(known) / len(rows) if rows else None,
        covered_per_wheel=(covered / total).tolist() if total else None,
    )


def dropped(gold: Sequence[Sequence[str]], evidence: Numbers, groups: Groups) -> list[dict[str, int]]:
    """Per wheel, how many clips do not count and why (`DROPPED`). ``evidence`` is that of `SetMetric`."""
    reasons = [_reason(labels, groups) for labels in gold]
    counted = evidence[:, ::3] > 0
    return [
        dict(Counter(reason for reason, counts in zip(reasons, wheel, strict=True) if not counts))
        for wheel in counted.T
    ]


def _reason(labels: Sequence[str], groups: Groups) -> str:
    if all(label == NEUTRAL for label in labels):
        return "neutral"
    return "outside" if any(label in groups.rows for label in labels) else "unknown"
