"""What a dataset of MER-UniBench is, and its gold labels from the folders people have on disk.

Three layouts are looked for under the folder that is given, in this order: ``<name>.csv`` (columns ``name,label`` or
``name,openset``), the release's own folder (``meld-process/label.npz``), and the same file in ``<name>/``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mercap.errors import UsageError
from mercap.unibench.files import Gold, read_gold
from mercap.unibench.labels import parse_labels
from mercap.unibench.npz import read_corpus
from mercap.unibench.protocols import Task

SCALE_SLACK = 1e-9  # labels are means of several raters, written in decimals


@dataclass(frozen=True)
class Dataset:
    """One test set. ``card`` is the docstring of its file; the fields repeat what is checked or looked up."""

    name: str  # of files and on the command line
    title: str
    task: Task
    split: str
    clips: int
    scored: int | None  # clips whose gold counts at all (not neutral, known to a wheel); None where nobody published it
    folder: str  # in the official release
    file: str  # with the labels, in that folder
    card: str
    corpus: str = ""  # of a label archive
    prefix: str = ""  # of the names of the clips, where the corpus holds other splits too
    labels: tuple[str, ...] = ()
    integer_labels: bool = False  # the archive holds positions in ``labels``
    counts: tuple[int, ...] = ()  # of each label; empty where unknown
    scale: tuple[float, float] | None = None  # of sentiment


def find_gold(dataset: Dataset, folder: Path) -> Path:
    """The file of gold labels under ``folder``. Raises UsageError telling where it was looked for."""
    wanted = (f"{dataset.name}.csv", f"{dataset.folder}/{dataset.file}", f"{dataset.name}/{dataset.file}")
    for place in wanted:
        if (folder / place).is_file():
            return folder / place
    raise UsageError(f"{folder} has no gold labels of {dataset.title}; looked for {', '.join(wanted)}.")


def load_gold(dataset: Dataset, folder: Path, subset: set[str] | None = None) -> Gold:
    """Gold labels of a dataset, only of clips in ``subset`` if given. Raises UsageError.

    Integer labels get their names. What is readable but not as the card says is left to `check_gold`.
    """
    path = find_gold(dataset, folder)
    if path.suffix == ".npz":
        return _archive_gold(dataset, path, subset)
    gold = read_gold(path, dataset.task, subset)
    if not dataset.integer_labels:
        return gold
    named = {name: tuple(_label(dataset, path, name, one) for one in labels) for name, labels in gold.labels.items()}
    return replace(gold, labels=named)


def check_gold(dataset: Dataset, gold: Gold) -> list[str]:
    """A sentence for each way in which gold labels are not as the card says; none for the whole, unchanged test set."""
    found = []
    if len(gold.names) != dataset.clips:
        found.append(f"{dataset.title} has {dataset.clips:,} clips, and here are {len(gold.names):,}.")
    if dataset.task is Task.DISCRETE:
        found.extend(_check_classes(dataset, gold))
    if dataset.scale:
        low, high = dataset.scale
        outside = [name for name, value in gold.values.items() if not low - SCALE_SLACK <= value <= high + SCALE_SLACK]
        if outside:
            found.append(
                f"Sentiments of {dataset.title} outside {low:g} to {high:g}: {len(outside):,}, first {outside[0]!r}."
            )
    return found


def _archive_gold(dataset: Dataset, path: Path, subset: set[str] | None) -> Gold:
    rows = {
        name: row
        for name, row in read_corpus(path, dataset.corpus).items()
        if name.startswith(dataset.prefix) and (subset is None or name in subset)
    }
    if not rows:
        raise UsageError(
            f"{path} holds no gold label of {'a clip of the subset' if subset is not None else dataset.title}."
        )
    field = "val" if dataset.task is Task.SENTIMENT else "emo"
    for name, row in rows.items():
        if field not in row:
            raise UsageError(f"{path}: {name!r} has no {field}.")
    if dataset.task is Task.SENTIMENT:
        return Gold(dataset.task, {}, {name: _value(path, name, row[field]) for name, row in rows.items()})
    named = {name: parse_labels(_label(dataset, path, name, row[field])) for name, row in rows.items()}
    if empty := [name for name, labels in named.items() if not labels]:
        raise UsageError(f"{path}: {empty[0]!r} has an empty label.")
    return Gold(dataset.task, named, {})


def _label(dataset: Dataset, path: Path, name: str, value: Any) -> str:
    """The name of a label, which may be its position, also as a text."""
    if dataset.integer_labels and not isinstance(value, bool):
        position = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 4 else value
        if isinstance(position, int):
            if not 0 <= position < len(dataset.labels):
                highest = len(dataset.labels) - 1
                raise UsageError(f"{path}: the label of {name!r} is {position}; {dataset.title} has 0 to {highest}.")
            return dataset.labels[position]
    if not isinstance(value, str):
        raise UsageError(f"{path}: the label of {name!r} is {value!r}, where {dataset.title} has words.")
    return value


def _value(path: Path, name: str, value: Any) -> float:
    if isinstance(value, (bool, str)) or not math.isfinite(value):
        raise UsageError(f"{path}: the sentiment of {name!r} is {value!r:.60}, not a finite number.")
    return float(value)


def _check_classes(dataset: Dataset, gold: Gold) -> Iterator[str]:
    seen = Counter(label for labels in gold.labels.values() for label in labels)
    for label in sorted(seen.keys() - set(dataset.labels)):
        known = ", ".join(dataset.labels)
        yield f"{dataset.title} has {known}, and not {label[:60]!a} (clips with it: {seen[label]:,})."
    for label, count in zip(dataset.labels, dataset.counts, strict=False):
        if seen[label] != count:
            yield f"{dataset.title} has {count:,} clips of {label}, and here are {seen[label]:,}."
    if len(seen) == 1 and len(gold.labels) == dataset.clips:
        yield f"Every clip is {next(iter(seen))!a:.60}: placeholders, as in a release that keeps its test labels back."
