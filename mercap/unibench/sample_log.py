"""The log of a suite: one JSON line per system, set, checkpoint and clip, from which every score can be had again.

A line has the system, dataset, task, protocol, epoch and name; the raw ``response`` where the predictions have it; the
``answer`` as parsed, and the ``gold``. For labels, ``wheels`` tells per wheel the groups of both, and whether the clip
is ``counted``: if so ``precision`` and ``recall`` (for one gold label ``hit``), if not ``why``
(`mercap.unibench.coverage.DROPPED`). For sentiment ``counted``, and ``right`` or ``why``. `rescore` needs neither
predictions nor gold nor tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from mercap.errors import UsageError
from mercap.unibench.coverage import dropped
from mercap.unibench.files import ALL
from mercap.unibench.metrics import SetMetric, metric_of
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.rows import read_columns
from mercap.unibench.scoring import Result, Scored
from mercap.unibench.suite import Suite
from mercap.unibench.systems import OnSet
from mercap.vocabulary.groups import Groups

LEVEL = 1  # of the groups, as in `mercap.unibench.systems`
_RECALL = {Task.DISCRETE: "hit", Task.OV: "recall"}  # of one gold label, recall is 0 or 1: a hit


def sample_lines(suite: Suite) -> Iterator[str]:
    """The lines of the log, in the order of systems, sets, checkpoints and gold."""
    for system in suite.systems:
        for one in system.sets.values():
            for row in _rows(one, suite.groups):
                yield json.dumps({"system": system.name, **row}, ensure_ascii=False)


def _rows(one: OnSet, groups: Groups | None) -> Iterator[dict[str, Any]]:
    result, responses = one.result, _responses(one)
    head = {"dataset": one.dataset.name, "task": one.dataset.task, "protocol": result.setting.protocol}
    judged = _sentiments(result) if one.dataset.task is Task.SENTIMENT else _Labels(result, groups)
    for epoch, scored in result.scored.items():
        for name, answer, verdict in zip(result.gold.names, scored.answers, judged(scored), strict=True):
            response = responses.get((epoch, name))
            said = {"response": response} if isinstance(response, str) else {}
            yield {**head, "epoch": epoch, "name": name, **said, "answer": answer, **verdict}


def _responses(one: OnSet) -> dict[tuple[str, str], Any]:
    """Raw responses by epoch and clip; none where the predictions do not keep them."""
    try:
        rows = list(read_columns(one.path, ("name", "response"), optional="epoch"))
    except UsageError:  # the file was scored, so what is missing is the column
        return {}
    return {(ALL if epoch is None else epoch, name): response for name, response, epoch in rows}


def _sentiments(result: Result) -> Callable[[Scored], Iterator[dict[str, Any]]]:
    """A clip's own part of a line: it counts if its confusion matrix holds a one, and is right if on the diagonal."""
    shape = (3, 4) if result.setting.protocol.corrected else (2, 2)

    def judge(scored: Scored) -> Iterator[dict[str, Any]]:
        for value, matrix in zip(result.gold.values.values(), scored.evidence.reshape(-1, *shape), strict=True):
            verdict = {"right": bool(np.trace(matrix))} if matrix.any() else {"why": "neutral"}
            yield {"gold": value, "counted": bool(matrix.any()), **verdict}

    return judge


class _Labels:
    """A clip's own part of a line, for tasks with labels."""

    def __init__(self, result: Result, groups: Groups | None) -> None:
        assert groups is not None
        self._groups, self._task = groups, result.setting.task
        self._labels = list(result.gold.labels.values())
        self._gold = groups.sets(self._labels, LEVEL)
        evidence = next(iter(result.scored.values())).evidence  # whether a clip counts depends on gold alone
        self._why = [
            [next(iter(wheel), None) for wheel in dropped([labels], row[None], groups)]
            for labels, row in zip(self._labels, evidence, strict=True)
        ]
        self._named: dict[tuple[int, int], list[str]] = {}

    def __call__(self, scored: Scored) -> Iterator[dict[str, Any]]:
        told = self._groups.sets(scored.answers, LEVEL)
        columns = scored.evidence.reshape(*told.shape, 3).tolist()
        for clip, labels in enumerate(self._labels):
            wheels = [
                {
                    "gold": self._names(wheel, int(self._gold[clip, wheel])),
                    "answer": self._names(wheel, int(told[clip, wheel])),
                    **self._verdict(self._why[clip][wheel], *columns[clip][wheel]),
                }
                for wheel in range(told.shape[1])
            ]
            yield {"gold": labels, "wheels": wheels}

    def _verdict(self, why: str | None, _: float, precision: float, recall: float) -> dict[str, Any]:
        if why:
            return {"counted": False, "why": why}
        return {"counted": True, "precision": precision, _RECALL[self._task]: recall}

    def _names(self, wheel: int, mask: int) -> list[str]:
        """The groups in a mask, remembered: there are few different ones."""
        if (wheel, mask) not in self._named:
            names = self._groups.names[wheel][LEVEL - 1]
            self._named[wheel, mask] = [name for place, name in enumerate(names) if mask >> place & 1]
        return self._named[wheel, mask]


def rescore(lines: Iterable[str]) -> dict[str, dict[str, dict[str, float]]]:
    """The primary scores in a log, by system, dataset and epoch, from the judgements of its lines alone."""
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for line in lines:
        row = json.loads(line)
        found.setdefault((row["system"], row["dataset"], row["epoch"]), []).append(row)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for (system, dataset, epoch), rows in found.items():
        metric = metric_of(Task(rows[0]["task"]), Protocol(rows[0]["protocol"]))
        if isinstance(metric, SetMetric):
            judged = [[_evidence(metric.task, wheel) for wheel in row["wheels"]] for row in rows]
            evidence = np.array(judged).reshape(len(rows), -1)
        else:
            evidence = metric.evidence(np.array([row["gold"] for row in rows]), [row["answer"] for row in rows])
        score = float(metric.score(evidence.sum(axis=0))[metric.primary])
        scores.setdefault(system, {}).setdefault(dataset, {})[epoch] = score
    return scores


def _evidence(task: Task, wheel: dict[str, Any]) -> tuple[float, float, float]:
    return (1.0, wheel["precision"], wheel[_RECALL[task]]) if wheel["counted"] else (0.0, 0.0, 0.0)
