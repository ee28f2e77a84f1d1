"""One annotate run, from SOURCE to the published snapshot, whoever runs its shards.

    begin    read the recipe and SOURCE, hash, plan; nothing has been computed yet
    stages   for each stage in order: what is missing is cut into shards and handed to a runner
    finish   ledger from disk, snapshot, publish

The runner only decides where a shard is computed; the store decides what is done. This file knows no Prefect.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from filters.rules import check_rules
from flows.observer import Observer
from flows.options import AnnotateOptions
from mercap.backends import check_backends
from mercap.dispatch.budget import Budget, BudgetSpent, parse_budget
from mercap.errors import CAUSES, EndpointError, ExitCode, UsageError, is_disk_full
from mercap.recipe import Recipe, load_recipe
from mercap.records import Verdict
from mercap.roles import Chat
from mercap.sources.read import read_sources
from mercap.sources.rows import SourceList
from mercap.spool import blocks
from mercap.stages import recipe_digest, supplied_transcribe
from mercap.versions import installed_version
from mercap.workers.pool import WorkerPool
from storage.cells import CODES, STATUSES
from storage.digests import DigestCache
from storage.ledger import LedgerRow, check_ledger, ledger_json, take_ledger, write_ledger
from storage.memory import give_back
from storage.publish import is_published, publish
from storage.recent import forget_columns
from storage.runs import (
    current_table,
    new_run_id,
    write_current,
    write_run,
    write_sources,
)
from storage.schema import Status
from storage.snapshots import content_digest, take_snapshot
from storage.store import Store
from tasks.clips import Catalogue, catalogue
from tasks.context import Context
from tasks.plan import Plan, Shards, StageState, open_index, settled_state, stage_state
from tasks.shard import ShardSummary

_LIBRARIES = (
    "av",
    "duckdb",
    "faster-whisper",
    "numpy",
    "opencv-python-headless",
    "pocketsphinx",
    "pyarrow",
    "pydantic",
)

ONE_SOURCE = (
    "Embedded cues, narrative and voters stem from the same measures: their agreement is no independent evidence."
)

# (stage key, shards) -> summaries, as they are done
Runner = Callable[["Run", str, Shards], Iterable[ShardSummary]]


@dataclass(slots=True)
class Run:
    """A run that has begun."""

    options: AnnotateOptions
    recipe: Recipe
    context: Context
    catalogue: Catalogue
    plan: Plan
    collection: str
    runner_name: str
    started_at: datetime
    states: dict[str, StageState] = field(default_factory=dict)
    computed: dict[str, int] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        return self.context.run_id

    @property
    def store(self) -> Store:
        return self.context.store

    def shards(self, state: StageState) -> Shards:
        return Shards(self.plan, state.key, state.missing, self.options.shard_size)


@dataclass(frozen=True, slots=True)
class Report:
    """What a finished run came to."""

    run_id: str
    exit_code: ExitCode
    names: int
    clips: int
    computed: dict[str, int]
    quarantined: int
    captions: int
    kept: int
    ledger: list[LedgerRow]
    snapshot: int
    published: Path
    seconds: float
    caveats: tuple[str, ...]  # what must be said beside the figures

    def as_json(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "exit_code": int(self.exit_code),
            "names": self.names,
            "clips": self.clips,
            "computed": self.computed,
            "computed_cells": sum(self.computed.values()),
            "quarantined": self.quarantined,
            "captions": self.captions,
            "captions_plus": self.kept,
            "ledger": ledger_json(self.ledger),
            "snapshot": self.snapshot,
            "published": str(self.published),
            "seconds": round(self.seconds, 3),
        }


def check(options: AnnotateOptions) -> tuple[Recipe, SourceList]:
    """Refuse what cannot run before anything is started, a Prefect server included. Raises MercapError."""
    if options.retried - CAUSES.keys():
        raise UsageError(f"--retry-quarantined is all or a cause of docs/causes.md, not {options.retry_quarantined!r}.")
    recipe = load_recipe(options.recipe)
    check_rules(recipe.screen.rules)
    check_backends(recipe)
    _budget(options, recipe)
    listed = read_sources(options.source)
    store = Path(options.store).expanduser()
    if (store / "store.json").exists():
        Store.open(store)
    return recipe, listed.head(options.limit)


def _budget(options: AnnotateOptions, recipe: Recipe) -> Budget | None:
    """Raises UsageError where the budget is none, or in money that a model's price is not known in."""
    if options.budget is None:
        return None
    budget = parse_budget(options.budget, recipe.currency)
    for key, asked in recipe.asked.items():
        if budget.unit != "tok" and isinstance(asked, Chat) and asked.price_per_mtok_in is None:
            raise UsageError(f"--budget in {budget.unit} needs price_per_mtok_in and _out of {key} in the recipe.")
    return budget


@contextmanager
def begin(options: AnnotateOptions, runner_name: str, observer: Observer) -> Iterator[Run]:
    """Read, hash and plan. Raises MercapError for whatever a person must mend, before the store is touched."""
    recipe, listed = check(options)
    collection = listed.collection
    store = Store.create(Path(options.store).expanduser())
    found = _take_in(store, listed, observer)
    plan = Plan(recipe, found.clips)
    with WorkerPool(options.workers) as pool:
        context = Context(
            store, recipe, new_run_id(), pool, open_index(store, plan, options.retried), observer.cell_done
        )
        context.budget = _budget(options, recipe)
        run = Run(options, recipe, context, found, plan, collection, runner_name, datetime.now(UTC))
        for stage in plan.stages.values():
            store.keep_config(stage.config)
        store.keep_config(supplied_transcribe().config)
        write_run(store, run.run_id, _record(run, "running"))
        write_sources(store, run.run_id, found.sources)
        try:
            yield run
        except BaseException as error:
            context.stop.set()
            resumable = isinstance(error, (BudgetSpent, EndpointError)) or not isinstance(error, Exception)
            resumable |= is_disk_full(error)
            write_run(store, run.run_id, _record(run, "interrupted" if resumable else "failed"))
            raise


def _take_in(store: Store, listed: SourceList, observer: Observer) -> Catalogue:
    digests = DigestCache(store.root / "digests.parquet")
    found = catalogue(listed, digests, lambda done: observer.scanned(done, len(listed.rows)))
    digests.save()
    del digests
    give_back()
    return found


def run_stages(run: Run, runner: Runner, observer: Observer) -> None:
    """Every stage in order; within one, shards wherever the runner puts them."""
    for key in run.plan.stages:
        state = stage_state(run.plan, key, run.context.cells, run.states)
        observer.stage_started(key, len(state.missing))
        run.computed[key] = 0
        if state.missing:
            with run.context.stage(key):
                for summary in runner(run, key, run.shards(state)):
                    run.computed[key] += summary.computed
        run.states[key] = settled_state(state, run.context.cells)
        give_back()
        observer.stage_done(key)


def finish(run: Run, observer: Observer) -> Report:
    """Ledger, snapshot, publish. Raises LedgerImbalance."""
    write_current(run.store, run.run_id, _current(run))
    # Counted from what was written, not from what this process believes it wrote.
    taken = take_ledger(run.store, run.run_id, list(run.plan.stages))
    ledger = taken.rows
    write_ledger(run.store, run.run_id, ledger)
    check_ledger(ledger)
    give_back()
    write_run(run.store, run.run_id, _record(run, "finished", content=content_digest(run.store, run.run_id)))
    observer.note("publishing")
    snapshot = take_snapshot(run.store, recipe_digest(run.recipe))
    counts = _counts(run, taken.quarantined)
    forget_columns()
    give_back()
    if not is_published(run.store, snapshot):
        publish(run.store, snapshot)
    return _report(run, ledger, counts, int(snapshot["id"]))


def _current(run: Run) -> Iterator[Any]:
    """Which row of each cell counts now, stage by stage, some thousand at a time."""
    for key, state in run.states.items():
        for first, last in blocks(len(run.plan.clips)):
            block = slice(first, last)
            statuses = [STATUSES[code] for code in state.codes[block].tolist()]
            rows = run.context.cells.row_ids(key, range(first, last))
            yield current_table(key, run.plan.digests[block], run.plan.ids(key)[block], statuses, rows)


class _Counts(NamedTuple):
    quarantined: int
    captions: int
    kept: int


def _counts(run: Run, quarantined: int) -> _Counts:
    codes = run.states["verdict"].codes
    decided = np.flatnonzero(codes == CODES[Status.OK]).tolist()
    verdicts = (run.context.cells.payload("verdict", place) for place in decided)
    return _Counts(
        quarantined=quarantined,
        captions=run.states["label"].count(Status.OK),
        kept=sum(Verdict.model_validate_json(payload).kept for payload in verdicts if payload),
    )


def _report(run: Run, ledger: list[LedgerRow], counts: _Counts, snapshot: int) -> Report:
    names = len(run.catalogue.sources)
    bugs = sum(row.causes.get("internal_error", 0) for row in ledger)
    code = ExitCode.DONE
    if names and counts.quarantined / names > run.options.max_quarantine:
        code = ExitCode.TOO_MANY_QUARANTINED
    if bugs:
        code = ExitCode.BUG
    return Report(
        run_id=run.run_id,
        exit_code=code,
        names=names,
        clips=len(run.plan.clips),
        computed=dict(run.computed),
        quarantined=counts.quarantined,
        captions=counts.captions,
        kept=counts.kept,
        ledger=ledger,
        snapshot=snapshot,
        published=run.store.published,
        seconds=(datetime.now(UTC) - run.started_at).total_seconds(),
        caveats=(ONE_SOURCE,) if _rests_on_measures_alone(run.recipe) else (),
    )


def _rests_on_measures_alone(recipe: Recipe) -> bool:
    """Do cues and voters read the same measures, so that one error speaks with several voices?"""
    voters = [voter for voter in recipe.vote if voter.backend == "embedded" and voter.reads != "words"]
    return bool(voters) and "embedded" in (recipe.describe_visual.backend, recipe.describe_audio.backend)


def _record(run: Run, state: str, content: str | None = None) -> dict[str, Any]:
    """``run.json``: what was asked, by which code, and how far it came. Holds no secret: recipes hold none."""
    finished = datetime.now(UTC)
    return {
        "run_id": run.run_id,
        "state": state,
        "collection": run.collection,
        "recipe": run.recipe.name,
        "recipe_digest": recipe_digest(run.recipe),
        "recipe_body": run.recipe.model_dump(mode="json"),
        "stages": {key: stage.config_digest for key, stage in run.plan.stages.items()},
        "limit": run.options.limit,
        "runner": run.runner_name,
        "started_at": run.started_at.isoformat(),
        "finished_at": finished.isoformat() if state != "running" else None,
        "seconds": (finished - run.started_at).total_seconds(),
        "names": len(run.catalogue.sources),
        "clips": len(run.plan.clips),
        "computed": sum(run.computed.values()),
        "content_digest": content,
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in ("mercap", *_LIBRARIES)},
        },
    }
