"""What a step gets: the clips, the cells to compute, and access to what upstream stages answered."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from mercap.backends.engines import Engines
from mercap.cues.questions import Messages
from mercap.dispatch.budget import Budget
from mercap.dispatch.desk import Desk
from mercap.media.derived import derived_folder
from mercap.outcome import Outcome
from mercap.recipe import Recipe
from mercap.records import PAYLOADS, Record
from mercap.stages import Stage
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool
from storage.cells import CellIndex
from storage.store import Store, read_payloads
from tasks.clips import Clip

R = TypeVar("R", bound=Record)


class CellSpec(NamedTuple):
    """One cell to compute. ``inputs`` made its id; ``upstream`` are the cells among them, by stage key."""

    stage: Stage
    clip: Clip
    cell_id: str
    inputs: tuple[str, ...]
    upstream: dict[str, str]


@dataclass(slots=True)
class Context:
    """One run, as its steps see it. Shared by the threads that work on shards."""

    store: Store
    recipe: Recipe
    run_id: str
    pool: WorkerPool
    indexes: dict[str, CellIndex]  # by stage name
    cell_done: Callable[[str], None] = lambda _: None  # told each stage key, by whichever thread computed the cell
    stop: threading.Event = field(default_factory=threading.Event)
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    asked: Callable[[CellSpec, Messages], None] = lambda _spec, _messages: None  # told each question that is put
    budget: Budget | None = None
    engines: Engines = field(default_factory=Engines)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk(self.store.root / "journal")

    def index(self, stage_key: str) -> CellIndex:
        return self.indexes[stage_key.partition(":")[0]]

    def forget(self) -> None:
        """Let go of what is known of the cells, when all of them are computed: publishing reads the disk."""
        self.indexes.clear()
        read_payloads.cache_clear()

    def media(self, clip: Clip) -> Media:
        folder = derived_folder(self.store.derived, clip.digest, self.recipe.media)
        state = clip.state
        return Media(
            path=clip.path,
            size=state.size,
            mtime_ns=state.mtime_ns,
            folder=folder,
            policy=self.recipe.media,
            limits=self.recipe.limits,
        )


Step = Callable[[Context, list[CellSpec]], Iterator[tuple[CellSpec, Outcome]]]


class Inputs:
    """The upstream answers of one cell: each the record, or None where that stage was ``absent``."""

    def __init__(self, context: Context, spec: CellSpec) -> None:
        self._context = context
        self._spec = spec

    def rows(self) -> list[str]:
        """Row ids of what was read, for the provenance of the cell."""
        return [self._row(stage_key, cell_id) for stage_key, cell_id in self._spec.upstream.items()]

    def _row(self, stage_key: str, cell_id: str) -> str:
        found = self._context.index(stage_key).row_id(cell_id)
        assert found is not None, f"{self._spec.stage.key} was started before {stage_key} was done"
        return found

    def record(self, stage_key: str, kind: type[R]) -> R | None:
        cell_id = self._spec.upstream[stage_key]
        payload = self._context.index(stage_key).payloads([cell_id])[cell_id]
        return kind.model_validate_json(payload) if payload is not None else None


def in_workers(
    context: Context, specs: list[CellSpec], request: Callable[[CellSpec], Request]
) -> Iterator[tuple[CellSpec, Outcome]]:
    """Compute the cells in the worker pool, in whatever order they are done.

    A worker had a stranger's file in its hands: its answer is stored only if it is a record of the stage.
    """
    for position, outcome in context.pool.map([request(spec) for spec in specs]):
        yield specs[position], _checked(specs[position].stage.name, outcome)


def _checked(stage: str, outcome: Outcome) -> Outcome:
    try:
        if outcome.status == "ok":
            PAYLOADS[stage].model_validate_json(outcome.payload or "")
    except ValidationError as error:
        message = f"the worker's answer is no record of {stage}"
        return Outcome("quarantined", None, "unreadable_reply", message, raw=str(error)[:2000], seconds=outcome.seconds)
    return outcome


def in_place(specs: Iterable[CellSpec], compute: Callable[[CellSpec], Outcome]) -> Iterator[tuple[CellSpec, Outcome]]:
    """Compute the cells here, one after another: for work that takes microseconds."""
    for spec in specs:
        yield spec, compute(spec)
