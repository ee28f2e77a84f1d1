"""What answers of models cost, added up by run, stage and model. An answer that two rows share was paid once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from storage.store import Store


def spend(store: Store) -> list[dict[str, Any]]:
    """A row per run, stage and model: answers, calls, tokens in, out and cached, price where the recipe states one.

    An answer counts for the run that committed the first row resting on it.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    seen: set[str] = set()
    for run_id, stage, usage in sorted(_usages(store), key=lambda one: one[:2]):
        if usage["key"] in seen:
            continue
        seen.add(usage["key"])
        names = {"run_id": run_id, "stage": stage, "model": usage["model"]}
        zero = {"answers": 0, "calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "price": None}
        row = rows.setdefault((run_id, stage, usage["model"]), {**names, **zero})
        row["answers"] += 1
        row["calls"] += usage["attempts"]
        for name in ("prompt_tokens", "completion_tokens", "cached_tokens"):
            row[name] += usage[name]
        if usage["price"] is not None:
            row["price"] = (row["price"] or 0.0) + usage["price"]
    return list(rows.values())


def _usages(store: Store) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for folder in sorted((store.root / "cells").iterdir()):
        for part in store.parts(folder.name):
            table = store.read_part(part, ("run_id", "stage", "usage"))
            for row in table.filter(pc.is_valid(table["usage"])).to_pylist():
                yield row["run_id"], row["stage"], json.loads(row["usage"])
