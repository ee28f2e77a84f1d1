"""Gold labels and predictions from files: CSV, JSON lines (also gzipped), Parquet.

Gold is a CSV with ``name`` and ``label`` (for the ov task ``openset``). Predictions have ``name`` and ``openset`` (for
sentiment ``sentiment``), and perhaps ``epoch``: then every epoch is a set of answers of its own. Whatever cannot be
right is one UsageError naming file and line: a column that is missing, a name that comes twice, a value that is no text
or no finite number. An empty answer is an answer; a gold list that is empty stands for "neutral", as published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mercap.errors import UsageError
from mercap.unibench.labels import parse_labels
from mercap.unibench.protocols import Task
from mercap.unibench.rows import content, read_columns, short, unique

ALL = "all"  # the one set of answers of a file without epochs
NEUTRAL_LIST = ("neutral",)

Answer = tuple[str, ...] | str  # labels; for sentiment, one word
Answers = dict[str, Answer]


@dataclass(frozen=True)
class Gold:
    """Gold labels by clip: lists of labels, or for sentiment a signed number."""

    task: Task
    labels: dict[str, tuple[str, ...]]
    values: dict[str, float]

    @property
    def names(self) -> list[str]:
        return list(self.values if self.task is Task.SENTIMENT else self.labels)


def read_gold(path: Path, task: Task, subset: set[str] | None = None) -> Gold:
    """Gold labels of ``task``, only of clips in ``subset`` if given."""
    column = "openset" if task is Task.OV else "label"
    rows = unique(path, read_columns(path, ("name", column)))
    chosen = {name: value for name, value in rows.items() if subset is None or name in subset}
    if not chosen:
        raise UsageError(f"{path} holds no gold label{'' if subset is None else ' of a clip of the subset'}.")
    if task is Task.SENTIMENT:
        return Gold(task, {}, {name: _number(path, name, value) for name, value in chosen.items()})
    labels = {name: parse_labels(_text(path, name, column, value)) for name, value in chosen.items()}
    if task is Task.DISCRETE and (empty := [name for name, found in labels.items() if not found]):
        raise UsageError(f"{path} has no label for {_several(empty)}.")
    return Gold(task, {name: found or NEUTRAL_LIST for name, found in labels.items()}, {})


def read_subset(path: Path) -> set[str]:
    """Clip names: a CSV with a column ``name``, or one name per line."""
    lines = [line.strip() for line in content(path).split("\n")]
    if "name" in lines[0].split(","):
        return set(unique(path, read_columns(path, ("name", "name"))))
    return {line for line in lines if line}


def read_answers(path: Path, task: Task) -> dict[str, Answers]:
    """Answers by epoch (or `ALL`) and clip."""
    column = "sentiment" if task is Task.SENTIMENT else "openset"
    by_epoch: dict[str, list[tuple[str, Any]]] = {}
    for name, value, epoch in read_columns(path, ("name", column), optional="epoch"):
        by_epoch.setdefault(ALL if epoch is None else epoch, []).append((name, value))
    if ALL in by_epoch and len(by_epoch) > 1:
        raise UsageError(f"{path}: some rows have an epoch and some have none.")
    if not by_epoch:
        raise UsageError(f"{path} holds no predictions.")
    found: dict[str, Answers] = {}
    parsed: dict[str, Answer] = {}  # models repeat themselves
    for epoch, rows in sorted(by_epoch.items(), key=lambda item: _order(item[0])):
        where = f"{path}{'' if epoch == ALL else f', epoch {epoch}'}"
        found[epoch] = {
            name: _answer(path, task, name, column, value, parsed) for name, value in unique(where, rows).items()
        }
    return found


def told(path: Path | None, epoch: str) -> str:
    """A set of answers for a message: its file, if it came from one, and its epoch, if it has one."""
    if path is None:
        return "the file" if epoch == ALL else f"epoch {epoch}"
    return str(path) if epoch == ALL else f"{path}, epoch {epoch},"


def answers_for(gold: Gold, answers: Mapping[str, Answer], where: str) -> list[Answer]:
    """One answer per gold clip, in their order. Raises UsageError when clips have none; others are left aside."""
    missing = [name for name in gold.names if name not in answers]
    if missing:
        raise UsageError(
            f"{where} has no prediction for {_several(missing)} of {len(gold.names)} gold clips; "
            "give --subset FILE to score fewer."
        )
    return [answers[name] for name in gold.names]


def _answer(path: Path, task: Task, name: str, column: str, value: Any, parsed: dict[str, Answer]) -> Answer:
    found = parsed.get(value) if isinstance(value, str) else None
    if found is None:
        text = _text(path, name, column, value)
        if task is Task.SENTIMENT:
            if not isinstance(text, str):
                raise UsageError(f"{path}: the sentiment of {name!r} is a list, not one word.")
            found = text.strip().lower()
        else:
            found = parse_labels(text)
        if isinstance(value, str):
            parsed[value] = found
    return found


def _text(path: Path, name: str, column: str, value: Any) -> str | list[str]:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        return value
    raise UsageError(f"{path}: the {column} of {name!r} is {short(value)}, neither a text nor a list of texts.")


def _number(path: Path, name: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{path}: the label of {name!r} is {short(value)}, not a finite number.")
    return number


def _order(epoch: str) -> tuple[int, int, str]:
    return (0, int(epoch), "") if epoch.isdecimal() else (1, 0, epoch)


def _several(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return f"{len(names)} ({shown}{', ...' if len(names) > 3 else ''})" if len(names) > 1 else shown
