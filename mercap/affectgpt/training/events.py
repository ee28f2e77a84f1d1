"""What a run tells while it goes on: to its caller, to a file of JSON lines, and to TensorBoard."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mercap.errors import MissingExtra, StoreError
from mercap.files import write_text

EVENTS = "events.jsonl"
TENSORBOARD = "tensorboard"
SCALARS = ("loss", "lr", "grad_norm", "clips_per_s", "tokens_per_s", "mfu", "waiting", "memory_gb")


class Event(NamedTuple):
    """``step`` counts the steps that are done. What is not known, or does not belong to the kind, is None.

    ``resumed``: the run goes on from ``note``, a checkpoint. ``step``: one step, with the numbers below. ``saved``:
    ``note`` is a new checkpoint. ``stopped``: somebody asked for it. ``done``: nothing is left to do.

    Of one step are: loss (the mean over its supervised tokens), lr, grad_norm (before it was shortened), clips, tokens
    (without padding), supervised. Of all steps since the loss was last fetched are: clips_per_s, tokens_per_s, mfu,
    waiting (the share of time spent waiting for data) and memory_gb (the most that was held so far).
    """

    kind: Literal["resumed", "step", "saved", "stopped", "done"]
    step: int
    epoch: int | None = None
    loss: float | None = None
    lr: float | None = None
    grad_norm: float | None = None
    clips: int | None = None
    tokens: int | None = None
    supervised: int | None = None
    clips_per_s: float | None = None
    tokens_per_s: float | None = None
    mfu: float | None = None
    waiting: float | None = None
    memory_gb: float | None = None
    note: str | None = None

    def line(self) -> str:
        """JSON without what is None. A float is written so that it is read back bit for bit."""
        return json.dumps({name: value for name, value in self._asdict().items() if value is not None}) + "\n"


class EventLog:
    """The file ``events.jsonl`` of a run, and its TensorBoard where it is wanted.

    At the start, what happened after step ``resumed`` is dropped, since it will happen again; so is a line that was cut
    off. A line may be lost with the power, never with the process.
    """

    def __init__(self, folder: Path, resumed: int, *, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / EVENTS
        if path.exists():
            kept = [event for event in read_events(path) if event.step <= resumed]
            write_text(path, (event.line() for event in kept))
        self._file = path.open("a", encoding="utf-8")
        self._board = _open_board(folder / TENSORBOARD, resumed) if tensorboard else None

    def write(self, events: Iterable[Event]) -> None:
        for event in events:
            self._file.write(event.line())
            if self._board is not None and event.kind == "step":
                for name in SCALARS:
                    value = getattr(event, name)
                    if value is not None:
                        self._board.add_scalar(name, value, event.step)
        self._file.flush()

    def close(self) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_events(path: Path) -> Iterator[Event]:
    """The events of a file, without a last line that was cut off. Raises StoreError naming a line that is no event."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Event(**json.loads(line))
            except (ValueError, TypeError) as fault:
                raise StoreError(f"{path}, line {number}, is not an event of a run; take the line out.") from fault


def _open_board(folder: Path, resumed: int) -> Any:
    try:
        board = importlib.import_module("tensorboardX")
    except ModuleNotFoundError as fault:
        raise MissingExtra("TensorBoard", "pip install tensorboardX") from fault
    # What was written after the step that a run resumes from is hidden.
    return board.SummaryWriter(str(folder), purge_step=resumed + 1)
