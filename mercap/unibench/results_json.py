"""The results of a suite as one JSON object with the keys of lmms-eval's results files, and our own under "mercap".

lmms-eval 0.7.3 writes ``results`` (task -> ``"<metric>,<filter>"``, ``"<metric>_stderr,<filter>"``, ``alias``,
``samples``), ``configs``, ``versions``, ``n-shot``, ``higher_is_better``, ``n-samples`` (task -> ``original``,
``effective``), ``group_subtasks``, ``config`` and ``model_name``. Filter ``none`` holds the protocol score (best
checkpoint of the set), ``one_checkpoint`` the one-checkpoint score; standard errors are of the bootstrap. A task is
``mer_unibench_<set>``; with several systems ``mer_unibench_<set>@<system>``, since lmms-eval has one model per file. No
time and no path is in it: the same answers give the same file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from mercap.unibench.checkpoints import Checkpoint, Mean
from mercap.unibench.leaderboard import Leaderboard
from mercap.unibench.score import plain, result_json
from mercap.unibench.suite import Suite
from mercap.unibench.systems import OnSet, Rules, System
from mercap.versions import installed_version

VERSION = 1.0  # of the tasks: raised when scores change
BEST, ONE = "none", "one_checkpoint"
NOT_AVAILABLE = "N/A"  # what lmms-eval writes for a standard error it has not


def results_json(suite: Suite, board: Leaderboard) -> dict[str, Any]:
    """Everything that was found, ready for `json.dumps` with ``allow_nan=False``."""
    tasks = dict(_tasks(suite))
    names = [system.name for system in suite.systems]
    return {
        "results": {task: _result(task, one) for task, one in tasks.items()},
        "group_subtasks": {"mer_unibench": list(tasks)},
        "configs": {task: _config(task, one, suite.rules) for task, one in tasks.items()},
        "versions": dict.fromkeys(tasks, VERSION),
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: dict.fromkeys(_metrics(one), True) for task, one in tasks.items()},
        "n-samples": {task: {"original": one.dataset.clips, "effective": one.clips} for task, one in tasks.items()},
        "config": {
            "model": ", ".join(names),
            "model_args": "",
            "limit": None,
            "bootstrap_iters": suite.rules.resamples,
            "numpy_seed": suite.rules.seed,
        },
        "model_name": ", ".join(names),
        "mercap": _mercap(suite, board),
    }


def _tasks(suite: Suite) -> Iterator[tuple[str, OnSet]]:
    for system in suite.systems:
        ending = f"@{system.name}" if len(suite.systems) > 1 else ""
        for name, one in system.sets.items():
            yield f"mer_unibench_{name}{ending}", one


def _metrics(one: OnSet) -> list[str]:
    scores = next(iter(one.result.scored.values())).scores
    return [name for name, value in plain(scores).items() if not isinstance(value, list) and not name.startswith("n_")]


def _result(task: str, one: OnSet) -> dict[str, Any]:
    values: dict[str, Any] = {"alias": task, "samples": one.clips}
    for key, found in ((BEST, one.best), (ONE, one.one)):
        for name in _metrics(one):
            error = found.draws[name].error if found else None
            values[f"{name},{key}"] = plain(found.scores[name]) if found else None
            values[f"{name}_stderr,{key}"] = NOT_AVAILABLE if error is None else error
    return values


def _config(task: str, one: OnSet, rules: Rules) -> dict[str, Any]:
    return {
        "task": task,
        "test_split": one.dataset.split,
        "output_type": "generate_until",
        "metric_list": [{"metric": name, "higher_is_better": True} for name in _metrics(one)],
        "metadata": {"version": VERSION, "protocol": str(rules.protocol), "level": 1, "task": str(one.dataset.task)},
    }


# --- our own block -------------------------------------------------------------------------------------------
def _mercap(suite: Suite, board: Leaderboard) -> dict[str, Any]:
    return {
        "version": installed_version("mercap"),
        "protocol": str(suite.rules.protocol),
        "resamples": suite.rules.resamples,
        "seed": suite.rules.seed,
        "systems": {system.name: _system(system, suite) for system in suite.systems},
        "comparisons": [dataclasses.asdict(one) for one in suite.comparisons],
        "leaderboard": [_row(dataclasses.asdict(row)) for row in board.rows],
        "remarks": board.remarks,
    }


def _system(system: System, suite: Suite) -> dict[str, Any]:
    return {
        "protocol_mean": _mean(system.best_mean),
        "one_checkpoint_mean": _mean(system.one_mean),
        "sets": {name: _on_set(one, suite) for name, one in system.sets.items()},
        "not_scored": system.unscored,
    }


def _on_set(one: OnSet, suite: Suite) -> dict[str, Any]:
    groups = suite.groups if one.result.setting.task != "sentiment" else None
    return {
        "protocol_score": _checkpoint(one.best),
        "one_checkpoint_score": _checkpoint(one.one) or {"why_not": one.why},
        "checkpoints": dataclasses.asdict(one.spread) if one.spread else None,
        "gold_remarks": one.remarks,
        **result_json(one.result, groups),
    }


def _checkpoint(found: Checkpoint | None) -> dict[str, Any] | None:
    if found is None:
        return None
    intervals = {name: draws.interval for name, draws in found.draws.items()}
    return {"epoch": found.epoch, "primary": found.primary, **plain(found.scores), "intervals": plain(intervals)}


def _mean(found: Mean | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"score": found.score, "sets": list(found.sets), "interval": found.interval, "stderr": found.draws.error}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "scores": plain(row["scores"]), "others": plain(row["others"]), "unlike": sorted(row["unlike"])}
