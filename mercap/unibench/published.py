"""Published scores of MER-UniBench as rows of a leaderboard.

``published.csv`` holds the figures of the AffectGPT paper (arXiv 2501.16566, Tables 2 and 12) and later ones that third
parties report and nobody here has checked, in percent as printed; in code scores are fractions.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mercap.unibench.datasets import DATASETS
from mercap.unibench.protocols import Task

PUBLISHED = Path(__file__).with_name("published.csv")


class Origin(StrEnum):
    PAPER = "AffectGPT paper, Table 2"
    THIRD_PARTY = "third party"
    HERE = "this run"


class Reading(StrEnum):
    """How a row's checkpoint was chosen (`mercap.unibench.checkpoints`)."""

    PUBLISHED = "as reported"
    BEST = "protocol score"
    ONE = "one-checkpoint score"
    ONLY = "its only checkpoint"
    CONSTANT = "constant answer"


_ORIGINS = {"paper": Origin.PAPER, "third party": Origin.THIRD_PARTY}
_PRIMARY = {Task.DISCRETE: "", Task.SENTIMENT: "_waf", Task.OV: "_f"}  # endings of the columns of published.csv
_WORDS = ("model", "inputs", "origin", "source")
_OTHERS = {Task.DISCRETE: (), Task.SENTIMENT: ("acc",), Task.OV: ("precision", "recall")}


@dataclass(frozen=True)
class Row:
    """One row of the leaderboard. ``scores`` are primary ones by set, ``others`` the other ones by set and name.

    ``interval`` is the mean's; ``unlike`` names sets scored on other gold than the published; ``common`` is the mean
    over the sets that a run has in common with the paper; ``note`` says why a row has no rank.
    """

    model: str
    inputs: str
    origin: Origin
    source: str
    reading: Reading
    scores: dict[str, float]
    mean: float | None
    others: dict[str, dict[str, float]] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    rank: int | None = None
    unlike: frozenset[str] = frozenset()
    common: float | None = None
    note: str = ""

    @property
    def ours(self) -> bool:
        return self.origin is Origin.HERE and self.reading is not Reading.CONSTANT


@functools.cache
def published() -> tuple[Row, ...]:
    """The rows of ``published.csv``."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return tuple(_published_row(row) for row in csv.DictReader(file))


def _published_row(row: dict[str, str]) -> Row:
    figures = {column: float(text) / 100 for column, text in row.items() if column not in _WORDS and text}
    tasks = {name: one.task for name, one in DATASETS.items()}
    others = {
        name: {other: figures[f"{name}_{other}"] for other in _OTHERS[task] if f"{name}_{other}" in figures}
        for name, task in tasks.items()
    }
    return Row(
        model=row["model"],
        inputs=row["inputs"],
        origin=_ORIGINS[row["origin"]],
        source=row["source"],
        reading=Reading.PUBLISHED,
        scores={name: figures[key] for name, task in tasks.items() if (key := name + _PRIMARY[task]) in figures},
        mean=figures.get("mean"),
        others={name: found for name, found in others.items() if found},
    )
