"""The tables of the report: the leaderboard, and of each set its scores, its checkpoints and its clips; in percent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mercap.unibench.checkpoints import Checkpoint
from mercap.unibench.coverage import DROPPED
from mercap.unibench.datasets import DATASETS, Dataset
from mercap.unibench.figures import Bar, Grid, Line, interval, p_value, percent, signed
from mercap.unibench.files import ALL
from mercap.unibench.leaderboard import Leaderboard
from mercap.unibench.protocols import Task
from mercap.unibench.published import Origin, Reading, Row, published
from mercap.unibench.suite import Suite
from mercap.unibench.systems import OnSet, System

OTHER_GOLD = "†"
TITLES = {"hit_rate": "hit rate", "waf": "WAF", "f": "F", "acc": "ACC", "precision": "precision", "recall": "recall"}
WHEELS = "wheels 1 to 5"


# --- the leaderboard -----------------------------------------------------------------------------------------
def board_grid(board: Leaderboard) -> Grid:
    """This run's rows that have no rank first, then the ranked ones, then single figures and constant answers."""
    count = len(board.common)
    shared = f"{count} shared" if 0 < count < len(DATASETS) else ""
    columns = ["#", "model", "inputs", *(one.title for one in DATASETS.values()), "mean", shared, "origin"]
    ours, others = [row for row in board.apart if row.ours], [row for row in board.apart if not row.ours]
    rows = [*ours, *board.ranked, *others, *board.constants]
    used = tuple(column for column in columns if column)
    lines = [_line(used, _board_cells(row) | {shared: percent(row.common)}, _kind(row)) for row in rows]
    notes = list(board.remarks)
    notes += [
        f"{row.model}, {row.reading}: mean {percent(row.mean)}, 95 % interval {interval(row.interval)}."
        for row in rows
        if row.interval
    ]
    if any(row.ours and row.mean is not None and len(row.scores) < len(DATASETS) for row in rows):
        notes.append("A mean in brackets is over fewer than nine sets and no match for the others in its column.")
    if any(row.unlike for row in rows):
        notes.append(f"{OTHER_GOLD} scored on other gold than the published test set.")
    if shared:
        sets = ", ".join(DATASETS[name].title for name in board.common)
        notes.append(f"“{shared}” is the mean over {sets}: what this run has in common with the paper.")
    return Grid(used, lines, frozenset({"model", "inputs", "origin"}), notes)


def _board_cells(row: Row) -> dict[str, str]:
    partial = row.ours and len(row.scores) < len(DATASETS)
    mean = percent(row.mean)
    cells = {
        "#": "" if row.rank is None else str(row.rank),
        "model": f"{row.model}, {row.reading}" if row.ours else row.model,
        "inputs": row.inputs,
        "mean": f"({mean})" if partial else mean,
        "origin": row.reading if row.reading is Reading.CONSTANT else row.origin,
    }
    if partial:
        cells["origin"] = f"{row.origin}, {len(row.scores)} of {len(DATASETS)} sets"
    for name, one in DATASETS.items():
        cells[one.title] = percent(row.scores.get(name)) + (OTHER_GOLD if name in row.unlike else "")
    return cells


def _kind(row: Row) -> str:
    return "ours" if row.ours else "constant" if row.reading is Reading.CONSTANT else "published"


# --- one set -------------------------------------------------------------------------------------------------
def set_grid(suite: Suite, dataset: Dataset) -> Grid:
    """The systems' scores on one set, the best published one, and what constant answers get."""
    here = _on(suite, dataset)
    metric = suite.rules.setting(dataset.task).metric
    found = next(iter(here[0][1].result.scored.values())).scores
    names = [metric.primary, *(name for name in TITLES if name != metric.primary and name in found)]
    wheels = ("no sentiment",) if dataset.task is Task.SENTIMENT else (WHEELS, "labels", "known words")
    columns = ("answers", "checkpoint", TITLES[names[0]], "95 % interval", *map(TITLES.__getitem__, names[1:]), *wheels)
    lines = [line for system, one in here for line in _system_lines(columns, system, one)]
    if not suite.rules.protocol.corrected:
        lines.append(_published_line(columns, dataset))
    for name, scores in here[0][1].result.constants.items():
        score = float(scores[metric.primary])
        lines.append(_line(columns, {"answers": name, **_scores(scores)}, "constant", Bar(score, score, score)))
    return Grid(columns, lines, frozenset({"answers", "checkpoint"}), here[0][1].remarks)


def _on(suite: Suite, dataset: Dataset) -> list[tuple[System, OnSet]]:
    return [(system, system.sets[dataset.name]) for system in suite.systems if dataset.name in system.sets]


def _system_lines(columns: tuple[str, ...], system: System, one: OnSet) -> Iterator[Line]:
    if len(one.result.scored) == 1:
        yield _checkpoint_line(columns, system, one, one.best, Reading.ONLY)
        return
    yield _checkpoint_line(columns, system, one, one.best, Reading.BEST)
    yield _checkpoint_line(columns, system, one, one.one, Reading.ONE)
    if one.spread is not None:
        cells = {
            "answers": system.name,
            "checkpoint": f"mean of {one.spread.checkpoints} ± deviation",
            columns[2]: f"{percent(one.spread.mean)} ± {percent(one.spread.deviation)}",
            "95 % interval": f"range {interval((one.spread.lowest, one.spread.highest))}",
        }
        yield _line(columns, cells, "ours")


def _checkpoint_line(columns: tuple[str, ...], system: System, one: OnSet, found: Checkpoint | None, how: str) -> Line:
    if found is None:
        return _line(columns, {"answers": system.name, "checkpoint": f"{how}: {one.why or 'no score'}"}, "ours")
    scored = one.result.scored[found.epoch]
    cells = {
        "answers": system.name,
        "checkpoint": how if found.epoch == ALL else f"{found.epoch}, {how}",
        "95 % interval": interval(found.interval),
        **_scores(scored.scores),
    }
    if scored.coverage is not None:
        cells["labels"] = f"{scored.coverage.labels_per_answer:.2f}"
        cells["known words"] = percent(scored.coverage.known_tokens)
    if scored.unparsable is not None:
        cells["no sentiment"] = f"{scored.unparsable:,}"
    low, high = found.interval or (found.score, found.score)
    return _line(columns, cells, "ours", Bar(low, found.score, high))


def _scores(scores: Mapping[str, Any]) -> dict[str, str]:
    cells = {title: percent(float(scores[name])) for name, title in TITLES.items() if name in scores}
    wheels = scores.get("per_wheel", ())
    return cells | {WHEELS: " ".join(f"{percent(float(one), 1):\N{FIGURE SPACE}>5}" for one in wheels)}


def _published_line(columns: tuple[str, ...], dataset: Dataset) -> Line:
    """The highest score of the paper."""
    paper = [row for row in published() if row.origin is Origin.PAPER]
    row = max(paper, key=lambda one: one.scores[dataset.name])
    others = {TITLES[name]: percent(score) for name, score in row.others.get(dataset.name, {}).items()}
    cells = {"answers": f"{row.model} {row.inputs} (paper)", "checkpoint": row.reading}
    score = row.scores[dataset.name]
    return _line(columns, cells | {columns[2]: percent(score)} | others, "published", Bar(score, score, score))


def checkpoints_grid(suite: Suite, dataset: Dataset) -> Grid | None:
    """The primary score of every checkpoint; ``None`` where there is but one each."""
    here = _on(suite, dataset)
    epochs = list(dict.fromkeys(epoch for _, one in here for epoch in one.result.scored))
    if all(len(one.result.scored) == 1 for _, one in here):
        return None
    columns = ("checkpoint", *epochs)
    scores = [{"checkpoint": system.name} | _primary(one) for system, one in here]
    return Grid(columns, [_line(columns, row, "ours") for row in scores], frozenset({"checkpoint"}))


def _primary(one: OnSet) -> dict[str, str]:
    return {epoch: percent(score) for epoch, score in one.result.primary_scores().items()}


def clips_grid(suite: Suite, dataset: Dataset) -> Grid:
    """How many gold clips count, per wheel, and why the others do not."""
    one = _on(suite, dataset)[0][1]
    result = one.result
    scores = next(iter(result.scored.values())).scores
    counted = scores["n_scored_per_wheel"] if "n_scored_per_wheel" in scores else [scores["n_scored"]]
    places = [f"wheel {place}" for place in range(1, len(counted) + 1)] if len(counted) > 1 else ["clips"]
    rows = {"counted": [int(one) for one in counted]}
    why = {"neutral": "its gold is 0"} if dataset.task is Task.SENTIMENT else DROPPED
    for reason, about in why.items():
        rows[f"left out: {about}"] = [wheel.get(reason, 0) for wheel in result.dropped]
    columns = (f"of {one.clips:,} clips", *places)
    lines = [Line((name, *(f"{number:,}" for number in numbers))) for name, numbers in rows.items() if any(numbers)]
    alone = f"{result.clusters:,} dialogues or videos were resampled as wholes."
    return Grid(columns, lines, frozenset(columns[:1]), [alone] if result.clusters < one.clips else [])


# --- systems against each other ------------------------------------------------------------------------------
def comparison_grid(suite: Suite) -> Grid | None:
    columns = ("set", "system", "against", "difference", "95 % interval", "p")
    lines = [
        Line(
            (
                DATASETS[one.dataset].title,
                _with_epoch(one.system, one.epochs[0]),
                _with_epoch(one.against, one.epochs[1]),
                signed(one.difference),
                interval(one.interval, signs=True),
                p_value(one.p_value),
            )
        )
        for one in suite.comparisons
    ]
    notes = [f"{len(lines)} tests stand here; of 20 tests of equal systems, one falls below p = 0.05."] if lines else []
    return Grid(columns, lines, frozenset(columns[:3]), notes) if lines else None


def _with_epoch(name: str, epoch: str) -> str:
    return name if epoch == ALL else f"{name}, {epoch}"


def _line(columns: tuple[str, ...], cells: Mapping[str, str], kind: str, bar: Bar | None = None) -> Line:
    return Line(tuple(cells.get(column, "") for column in columns), kind, bar)
