"""Score prediction files: read gold, predictions and tables, score, and put the answer into JSON."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from mercap.errors import UsageError
from mercap.unibench.coverage import coverage
from mercap.unibench.files import answers_for, read_answers, read_gold, read_subset, told
from mercap.unibench.protocols import Task
from mercap.unibench.scoring import Result, Setting, compare_answers, score_answers
from mercap.vocabulary.groups import Groups
from mercap.vocabulary.kept import load_groups, tables_folder


def groups_for(setting: Setting, tables: Path | None) -> Groups | None:
    """The resolved tables a setting needs; ``None`` for sentiment. Raises UsageError without a folder of tables."""
    if setting.task is Task.SENTIMENT:
        return None
    return load_groups(tables_folder(tables), corrected=setting.protocol.corrected)


def score_files(
    setting: Setting, gold: Path, predictions: Path, tables: Path | None = None, subset: Path | None = None
) -> Result:
    """Score one file of predictions. Raises UsageError naming the file, row or option to mend."""
    groups = groups_for(setting, tables)
    labels = read_gold(gold, setting.task, read_subset(subset) if subset else None)
    answers = read_answers(predictions, setting.task)
    return score_answers(setting, labels, answers, groups, predictions)


def compare_files(result: Result, against: Path, tables: Path | None, epoch: str | None = None) -> dict[str, Any]:
    """Our answers (those of ``epoch``, or the only ones) against the same epoch's of another file, or its only ones."""
    if epoch is None and len(result.scored) > 1:
        raise UsageError("The predictions hold several epochs; say which one to compare with --epoch.")
    ours = epoch if epoch is not None else next(iter(result.scored))
    if ours not in result.scored:
        raise UsageError(f"The predictions have no epoch {ours}; they have {', '.join(result.scored)}.")
    other = read_answers(against, result.setting.task)
    theirs = ours if ours in other else next(iter(other))
    if ours not in other and len(other) > 1:
        raise UsageError(f"{against} has no epoch {ours}; it has {', '.join(other)}.")
    second = answers_for(result.gold, other[theirs], told(against, theirs))
    groups = groups_for(result.setting, tables)
    found = compare_answers(result.setting, result.gold, result.scored[ours].answers, second, groups)
    return {"epoch": ours, "other": str(against), "other_epoch": theirs, **found}


def result_json(result: Result, groups: Groups | None) -> dict[str, Any]:
    """The answer of `mercap unibench score --json`; fractions, ``None`` where the protocol divides zero by zero."""
    body: dict[str, Any] = {
        "task": str(result.setting.task),
        "protocol": str(result.setting.protocol),
        "n_gold": len(result.gold.names),
        "scores": {},
        "primary": result.primary,
        "best": result.best(),
        "baselines": {name: plain(scores) for name, scores in result.constants.items()},
        "n_clusters": result.clusters,
    }
    if result.setting.task is Task.SENTIMENT:
        body["dropped"] = result.dropped[0]
    else:
        assert groups is not None
        body["level"] = result.setting.level
        body["dropped_per_wheel"] = result.dropped
        body["gold_coverage"] = coverage(list(result.gold.labels.values()), groups).as_json()
    for epoch, one in result.scored.items():
        body["scores"][epoch] = plain(one.scores)
        if one.intervals:
            body["scores"][epoch]["intervals"] = plain(one.intervals)
        if one.coverage:
            body["scores"][epoch]["answers"] = one.coverage.as_json()
        if one.unparsable is not None:
            body["scores"][epoch]["unparsable"] = one.unparsable
    return body


def plain(value: Any) -> Any:
    """NumPy values as JSON has them: counts as integers, not a number as ``None``."""
    if isinstance(value, dict):
        return {name: _count(one) if name.startswith("n_") else plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)) or np.ndim(value):
        return [plain(one) for one in value]
    if value is None:
        return None
    return None if math.isnan(value) else float(value)


def _count(value: Any) -> Any:
    return [int(one) for one in value] if np.ndim(value) else int(value)
