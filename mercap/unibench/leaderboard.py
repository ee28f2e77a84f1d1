"""The leaderboard: this run's systems beside the published scores, each row marked by where it comes from.

A row of this run is ranked only where all nine sets were scored on their whole published gold by a published protocol.
Else it stands apart, without a rank, and both it and the published rows also show the mean over just the sets that they
have in common. A checkpoint chosen otherwise than the published ones stands where its mean belongs, without a number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mercap.unibench.checkpoints import Checkpoint, Mean
from mercap.unibench.datasets import DATASETS
from mercap.unibench.published import Origin, Reading, Row, published
from mercap.unibench.suite import Suite
from mercap.unibench.systems import System


@dataclass(frozen=True)
class Leaderboard:
    """``ranked`` by the mean over nine sets; ``apart`` are rows of this run that may not be, and single figures."""

    ranked: list[Row]
    apart: list[Row]
    constants: list[Row]
    common: tuple[str, ...]
    remarks: list[str]

    @property
    def rows(self) -> list[Row]:
        return [*self.ranked, *self.apart, *self.constants]


def leaderboard(suite: Suite) -> Leaderboard:
    """This run's systems among the published rows; see the head of this file for who is ranked."""
    ours = [row for system in suite.systems for row in _rows(system, suite.rules.protocol.corrected)]
    common = () if suite.rules.protocol.corrected else _common(suite.systems)
    rows = [replace(row, common=_mean(row, common)) for row in (*published(), *ours)]
    ranked = sorted((row for row in rows if _rankable(row)), key=lambda row: -(row.mean or 0.0))
    apart = sorted((row for row in rows if not _rankable(row)), key=lambda row: not row.ours)
    return Leaderboard(_numbered(ranked), apart, _constants(suite), common, _remarks(suite))


def _rankable(row: Row) -> bool:
    return row.mean is not None and not row.note


def _numbered(rows: list[Row]) -> list[Row]:
    """Ranks; a checkpoint chosen otherwise than the published ones stands where it belongs, without a number."""
    place, found = 0, []
    for row in rows:
        place += row.reading is not Reading.ONE
        found.append(replace(row, rank=None if row.reading is Reading.ONE else place))
    return found


def _rows(system: System, corrected: bool) -> list[Row]:
    note = _note(system, corrected)
    best = {name: one.best for name, one in system.sets.items()}
    if not system.has_choice:
        return [_row(system, Reading.ONLY, best, system.best_mean, note)]
    one = {name: found.one for name, found in system.sets.items()}
    return [
        _row(system, Reading.BEST, best, system.best_mean, note),
        _row(system, Reading.ONE, one, system.one_mean, note),
    ]


def _row(system: System, reading: Reading, found: dict[str, Checkpoint | None], mean: Mean | None, note: str) -> Row:
    known = {name: one for name, one in found.items() if one is not None and not math.isnan(one.score)}
    return Row(
        model=system.name,
        inputs="",
        origin=Origin.HERE,
        source="",
        reading=reading,
        scores={name: one.score for name, one in known.items()},
        mean=mean.score if mean else None,
        others={name: {k: v for k, v in one.scores.items() if k != one.primary} for name, one in known.items()},
        interval=mean.interval if mean else None,
        note=note,
        unlike=frozenset(name for name, one in system.sets.items() if one.remarks),
    )


def _note(system: System, corrected: bool) -> str:
    """Why the system may not be ranked among the published rows; empty where it may."""
    partial: list[str] = [] if len(system.sets) == len(DATASETS) else [f"{len(system.sets)} of {len(DATASETS)} sets"]
    for one in system.sets.values():
        if one.clips != one.dataset.clips:
            partial.append(f"{one.dataset.title} {one.clips:,} of {one.dataset.clips:,} clips")
        elif one.remarks:
            partial.append(f"{one.dataset.title} with other gold")
    if system.best_mean is None:
        partial.append("a set without a score")
    return "; ".join([*(["corrected rules"] if corrected else []), *partial])


def _common(systems: list[System]) -> tuple[str, ...]:
    """The sets that every system was scored on with the published gold."""
    return tuple(
        name for name in DATASETS if all(name in system.sets and not system.sets[name].remarks for system in systems)
    )


def _mean(row: Row, sets: tuple[str, ...]) -> float | None:
    known = [row.scores[name] for name in sets if name in row.scores]
    return sum(known) / len(known) if known and len(known) == len(sets) else None


def _constants(suite: Suite) -> list[Row]:
    """The constant answers, one row each, over the sets for which they are answers at all."""
    scores: dict[str, dict[str, float]] = {}
    for system in suite.systems:
        for key, one in system.sets.items():
            for name, found in one.result.constants.items():
                scores.setdefault(name, {})[key] = float(found[one.result.primary])
    return [Row(name, "", Origin.HERE, "", Reading.CONSTANT, found, None) for name, found in scores.items()]


def _remarks(suite: Suite) -> list[str]:
    """What a reader must know to read the table: who has no rank and why, what was not scored, which gold is other."""
    found = []
    if suite.rules.protocol.corrected:
        found.append("Corrected rules give other numbers than the published ones: those are no yardstick here.")
    for system in suite.systems:
        if note := _note(system, corrected=False):
            found.append(f"{system.name} has {note}: it has no rank, and its mean is over what it has.")
        if system.unscored:
            reasons = ", ".join(f"{DATASETS[name].title} ({why})" for name, why in system.unscored.items())
            found.append(f"{system.name}, not scored: {reasons}.")
    gold = {remark: None for system in suite.systems for one in system.sets.values() for remark in one.remarks}
    return [*found, *(f"Gold: {remark}" for remark in gold)]
