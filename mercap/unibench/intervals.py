"""How sure a score is: bootstrap intervals over clips or clusters of clips, and a paired test of two systems.

Scores are functions of summed evidence (`metrics`), so a resample is a weighted sum of rows: 10,000 of 1,354 clips take
well under a second. Whole clusters (dialogues, videos) are drawn where names tell them apart, since clips of one
dialogue are not independent. F is computed anew from every resample, never averaged over clips.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mercap.unibench.metrics import Numbers

RESAMPLES = 10_000
LEVEL_PERCENT = 95.0
SEED = 0
_BLOCK = 500  # resamples at a time: bounds memory at 500 weights per cluster

# Names of clips that tell which dialogue or video they were cut from; the first group is the cluster.
CLUSTER_NAMES = (
    re.compile(r"^(.*dia\d+)_utt\d+$"),  # MELD
    re.compile(r"^(Ses\d\d[FM]_(?:impro|script)\w+)_[FM]\d+$"),  # IEMOCAP
    re.compile(r"^(video_\d+)[_/$]\d+$"),  # CH-SIMS
    re.compile(r"^(aqgy\d*_\d+)[_/$]\d+$"),  # CH-SIMS v2
    re.compile(r"^([\w-]{11})_\d+$"),  # CMU-MOSI and CMU-MOSEI: a YouTube id
)

Score = Callable[[Numbers], dict[str, Numbers]]


def clusters(names: Sequence[str]) -> tuple[list[int], int]:
    """The cluster number of each clip and how many there are; a clip whose name tells nothing is one of its own."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(_cluster(name), len(numbers)) for name in names], len(numbers)


def _cluster(name: str) -> str:
    return next((found[1] for pattern in CLUSTER_NAMES if (found := pattern.match(name))), f"clip {name}")


def by_cluster(evidence: Numbers, names: Sequence[str]) -> Numbers:
    """Evidence summed within clusters, (clusters, columns)."""
    numbers, count = clusters(names)
    sums = np.zeros((count, evidence.shape[1]))
    np.add.at(sums, numbers, evidence)
    return sums


def intervals(
    evidence: Numbers, names: Sequence[str], score: Score, *, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, tuple[float, float] | None]:
    """The 95 % percentile interval of each score that is one number; ``None`` where no resample has a value.

    ``evidence`` is (clips, columns). The same seed gives the same intervals.
    """
    sums = by_cluster(evidence, names)
    found = [score(drawn) for drawn in resampled(sums, resamples, np.random.default_rng(seed))]
    names_of_scores = [
        name for name, value in score(sums.sum(axis=0)).items() if np.ndim(value) == 0 and name[:2] != "n_"
    ]
    return {name: middle(np.concatenate([one[name] for one in found])) for name in names_of_scores}


def resampled(sums: Numbers, resamples: int, draw: np.random.Generator) -> Iterator[Numbers]:
    """Summed evidence of ``resamples`` draws of as many clusters as there are, in blocks."""
    count = len(sums)
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        chosen = draw.integers(0, count, (size, count)) + np.arange(size)[:, None] * count
        weights = np.bincount(chosen.ravel(), minlength=size * count).reshape(size, count)
        yield weights.astype(np.float64) @ sums


def middle(values: Numbers) -> tuple[float, float] | None:
    """The 95 % percentile interval of bootstrap values; ``None`` where none is a number."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    outside = (100.0 - LEVEL_PERCENT) / 2
    low, high = np.percentile(known, (outside, 100.0 - outside))
    return float(low), float(high)


def compare(
    first: Numbers, second: Numbers, names: Sequence[str], score: Score, primary: str, *, resamples: int, seed: int
) -> dict[str, float | list[float] | None]:
    """Two systems on the same clips: difference (first - second) of the primary score, its interval, and a p-value.

    The interval is a paired bootstrap. The two-sided p-value is a permutation test: in each of ``resamples`` draws the
    systems' answers are swapped in a random half of the clusters; it is the share of draws that differ as much.
    """
    draw = np.random.default_rng(seed)
    ours, theirs = by_cluster(first, names), by_cluster(second, names)

    def difference(of_first: Numbers, of_second: Numbers) -> Numbers:
        return np.asarray(score(of_first)[primary] - score(of_second)[primary])

    seen = float(difference(ours.sum(axis=0), theirs.sum(axis=0)))
    both = np.hstack([ours, theirs])
    width = ours.shape[1]
    drawn = np.concatenate([difference(s[:, :width], s[:, width:]) for s in resampled(both, resamples, draw)])
    as_extreme = 0
    total = ours.sum(axis=0) + theirs.sum(axis=0)
    for start in range(0, resamples, _BLOCK):
        swapped = draw.integers(0, 2, (min(_BLOCK, resamples - start), len(ours))).astype(np.float64)
        one = swapped @ (theirs - ours) + ours.sum(axis=0)
        as_extreme += int(np.sum(np.abs(difference(one, total - one)) >= abs(seen) - 1e-12))
    interval = middle(drawn)
    return {
        "difference": seen,
        "interval": list(interval) if interval else None,
        "p_value": (1 + as_extreme) / (1 + resamples) if np.isfinite(seen) else None,
    }
