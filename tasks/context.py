"""What a step gets: the clips, the cells to compute, and access to what upstream stages answered."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from mercap.backends.engines import Engines
from mercap.cues.questions import Messages
from mercap.dispatch.budget import Budget
from mercap.dispatch.desk import Desk
from mercap.media.derived import derived_folder
from mercap.outcome import Outcome
from mercap.recipe import Recipe
from mercap.records import PAYLOADS, Record
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool
from storage.cells import CellIndex
from storage.store import Store
from tasks.clips import Clip
from tasks.commit import PartWriter
from tasks.spec import CellSpec

R = TypeVar("R", bound=Record)


@dataclass(slots=True)
class Context:
    """One run, as its steps see it. Shared by the threads that work on shards."""

    store: Store
    recipe: Recipe
    run_id: str
    pool: WorkerPool
    cells: CellIndex
    cell_done: Callable[[str], None] = lambda _: None  # told each stage key, by whichever thread computed the cell
    stop: threading.Event = field(default_factory=threading.Event)
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    asked: Callable[[CellSpec, Messages], None] = lambda _spec, _messages: None  # told each question that is put
    budget: Budget | None = None
    engines: Engines = field(default_factory=Engines)
    desk: Desk = field(init=False)
    _parts: PartWriter | None = field(init=False, default=None)  # of the stage that is under way

    def __post_init__(self) -> None:
        self.desk = Desk(self.store.root / "journal")

    @contextmanager
    def stage(self, key: str) -> Iterator[None]:
        """While it lasts cells of this stage can be added; what was added is committed at its end, however it ends."""
        self._parts = PartWriter(self.store, self.cells, key, self.run_id, self.worker)
        try:
            yield
        finally:
            self._parts.flush()

    @property
    def parts(self) -> PartWriter:
        assert self._parts is not None, "no stage is under way"
        return self._parts

    def media(self, clip: Clip) -> Media:
        folder = derived_folder(self.store.derived, clip.digest, self.recipe.media)
        return Media(
            path=clip.path,
            size=clip.size,
            mtime_ns=clip.mtime_ns,
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

    def record(self, stage_key: str, kind: type[R]) -> R | None:
        """Raises KeyError where that stage is not done."""
        payload = self._context.cells.payload(stage_key, self._spec.place)
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
