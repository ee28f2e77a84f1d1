"""What a run would do, cell by cell, and why: the answer of `mercap plan`. Runs nothing, writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mercap.recipe import Recipe
from mercap.spool import blocks
from storage.cells import CellIndex
from storage.predecessors import Predecessors
from storage.schema import Status
from storage.store import Store
from tasks.clips import Clip
from tasks.costing import StageCost, stage_cost
from tasks.plan import Plan, StageState, open_index, stage_state
from tasks.spec import CellSpec


class StageForecast(NamedTuple):
    """One stage: how many cells stand, are blocked, are to be computed, and the reasons with their counts."""

    stage_key: str
    done: int
    blocked: int
    compute: int
    reasons: dict[str, int]
    cells: list[str]  # ids of the cells to be computed, at most (some may turn out blocked)
    cost: StageCost


def forecast(root: Path, recipe: Recipe, clips: Sequence[Clip]) -> list[StageForecast]:
    """One row per stage, in order. A store that does not exist yet is one in which everything is missing."""
    store = Store.open(root) if (root / "store.json").exists() else Store(root)
    plan = Plan(recipe, clips)
    cells = open_index(store, plan)
    states: dict[str, StageState] = {}
    rows = []
    for key in plan.stages:
        states[key] = stage_state(plan, key, cells, states)
        rows.append(_row(plan, states[key], cells, Predecessors(store, key), store))
    return rows


def _row(plan: Plan, state: StageState, cells: CellIndex, before: Predecessors, store: Store) -> StageForecast:
    stage = plan.stages[state.key]
    reasons: Counter[str] = Counter()
    ids: list[str] = []
    asked = 0  # of these a back-end; supplied words ask nobody
    for first, last in blocks(len(state.missing)):
        specs = plan.specs(state.key, state.missing[first:last])
        tried = cells.attempts(state.key, [spec.place for spec in specs])
        reasons.update(_reason(spec, attempts, before) for spec, attempts in zip(specs, tried, strict=True))
        ids += [spec.cell_id for spec in specs]
        asked += sum(spec.stage is stage for spec in specs)
    blocked = state.count(Status.BLOCKED)
    done = len(state.codes) - blocked - len(ids)
    newest = before.newest(plan.digests[state.missing[0]]) if ids else None
    cost = stage_cost(store, plan.recipe, stage, len(ids), asked, newest.config if newest else None)
    return StageForecast(state.key, done, blocked, len(ids), dict(sorted(reasons.items())), ids, cost)


def _reason(spec: CellSpec, attempts: int, before: Predecessors) -> str:
    """Why this cell is missing, compared with the newest cell of the same stage and clip."""
    if attempts:
        return "failed before, tried again"
    last = before.newest(spec.clip.digest)
    if last is None:
        return "new"
    if last.config != spec.stage.config_digest:
        return f"config: {', '.join(_changed(before.store.config(last.config), spec.stage.config))}"
    pairs = zip(spec.stage.inputs, spec.inputs, last.inputs, strict=False)
    return f"input: {', '.join(name for name, now, then in pairs if now != then)}"


def _changed(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Keys that differ, inner ones dotted."""
    found = []
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += [f"{key}.{inner}" for inner in _changed(old, new)]
        elif old != new:
            found.append(key)
    return found
