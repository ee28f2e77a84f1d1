"""What answers of models cost, added up by run, stage and model. An answer that two rows share was paid once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow.compute as pc

from storage.store import Store

COUNTED = ("prompt_tokens", "completion_tokens", "cached_tokens", "audio_s")
RECENT_PARTS = 16  # of a stage, the newest: what it took lately


def spend(store: Store) -> list[dict[str, Any]]:
    """A row per run, stage and model: answers, calls, tokens, seconds of audio, price where the recipe states one.

    An answer counts for the run that committed the first row resting on it.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    seen: set[str] = set()
    for run_id, stage, usage in sorted(_usages(store), key=lambda one: one[:2]):
        if usage["key"] in seen:
            continue
        seen.add(usage["key"])
        names = {"run_id": run_id, "stage": stage, "model": usage["model"]}
        zero = {"answers": 0, "calls": 0, **dict.fromkeys(COUNTED, 0), "price": None}
        row = rows.setdefault((run_id, stage, usage["model"]), {**names, **zero})
        row["answers"] += 1
        row["calls"] += usage["attempts"]
        for name in COUNTED:
            row[name] = round(row[name] + usage.get(name, 0), 3)
        if usage["price"] is not None:
            row["price"] = (row["price"] or 0.0) + usage["price"]
    return list(rows.values())


class Pace(NamedTuple):
    """Means over the newest cells of a stage under one config; ``answers`` of them were a model's."""

    cells: int
    seconds: float
    answers: int
    prompt_tokens: float
    completion_tokens: float


def pace(store: Store, stage: str, voter: str | None, config: str, before: str | None = None) -> Pace | None:
    """What a cell of this config took lately; that of ``before``, another config, where there is none yet."""
    tables = [
        store.read_part(path, ("status", "voter", "config", "seconds", "usage"))
        for path in sorted(store.parts(stage), key=lambda path: path.stat().st_mtime)[-RECENT_PARTS:]
    ]
    rows = [row for table in tables for row in table.to_pylist() if row["status"] == "ok" and row["voter"] == voter]
    for wanted in (config, before):
        chosen = [row for row in rows if row["config"] == wanted]
        if chosen:
            return _pace(chosen)
    return None


def _pace(rows: list[dict[str, Any]]) -> Pace:
    usages = [json.loads(row["usage"]) for row in rows if row["usage"]]
    answers = max(len(usages), 1)
    return Pace(
        len(rows),
        sum(row["seconds"] for row in rows) / len(rows),
        len(usages),
        sum(usage["prompt_tokens"] for usage in usages) / answers,
        sum(usage["completion_tokens"] for usage in usages) / answers,
    )


def _usages(store: Store) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for folder in sorted((store.root / "cells").iterdir()):
        for part in store.parts(folder.name):
            table = store.read_part(part, ("run_id", "stage", "usage"))
            for row in table.filter(pc.is_valid(table["usage"])).to_pylist():
                yield row["run_id"], row["stage"], json.loads(row["usage"])
