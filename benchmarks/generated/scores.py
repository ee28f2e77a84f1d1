"""Precision, recall and F1 of yes/no answers, and how well one number tells two classes apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Figures = dict[str, Any]
ROUNDS = 1000  # of the bootstrap


def answers(pairs: Iterable[tuple[bool, bool]]) -> Figures:
    """Scores of (truth, answer) pairs; a ratio nothing can be said about is ``None``."""
    counted = np.zeros((2, 2), dtype=np.int64)
    for truth, answer in pairs:
        counted[int(truth), int(answer)] += 1
    hits, false = int(counted[1, 1]), int(counted[0, 1])
    positives, negatives = int(counted[1].sum()), int(counted[0].sum())
    return {
        "positives": positives,
        "negatives": negatives,
        "precision": ratio(hits, hits + false),
        "recall": ratio(hits, positives),
        "f1": ratio(2 * hits, hits + false + positives),
    }


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def auc(own: Sequence[float], other: Sequence[float]) -> float | None:
    """Chance that one of ``own`` is larger than one of ``other``, equal ones counting half."""
    return float(_wins(own, other).mean()) if len(own) and len(other) else None


def auc_interval(
    own: Sequence[float],
    other: Sequence[float],
    own_groups: Sequence[int],
    other_groups: Sequence[int],
    draw: np.random.Generator,
) -> tuple[float, float]:
    """95 % interval of the AUC when whole groups are drawn again: values of one group are not independent."""
    groups = np.unique([*own_groups, *other_groups])
    times = draw.multinomial(len(groups), np.full(len(groups), 1.0 / len(groups)), ROUNDS)
    one = times[:, np.searchsorted(groups, own_groups)].astype(np.float64)
    two = times[:, np.searchsorted(groups, other_groups)].astype(np.float64)
    whole = one.sum(axis=1) * two.sum(axis=1)
    found = np.einsum("ro,ro->r", one @ _wins(own, other), two)[whole > 0] / whole[whole > 0]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _wins(own: Sequence[float], other: Sequence[float]) -> NDArray[np.float64]:
    one, two = np.asarray(own, dtype=np.float64)[:, None], np.asarray(other, dtype=np.float64)[None, :]
    return np.asarray((one > two) + 0.5 * (one == two), dtype=np.float64)


def thirds(values: Sequence[float]) -> tuple[float, float]:
    """The two limits that divide ``values`` into three parts of equal number."""
    low, high = np.percentile(values, (100 / 3, 200 / 3))
    return float(low), float(high)


def third(value: float, limits: tuple[float, float]) -> int:
    """0, 1 or 2."""
    return int(value > limits[0]) + int(value > limits[1])
