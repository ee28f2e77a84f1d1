"""Live progress on a terminal: clips done, rate, time left. Quiet where standard error is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Row
from rich.text import Text

from flows.observer import Observer, Silent


@contextmanager
def watching() -> Iterator[Observer]:
    """An observer for this terminal, or a silent one."""
    if not sys.stderr.isatty():
        yield Silent()
        return
    with Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(24),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=False,
    ) as progress:
        yield TerminalObserver(progress)


class _Rate(ProgressColumn):
    def render(self, task: Row) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:6.1f}/s" if speed else "      -/s")


class TerminalObserver:
    """One line per stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rows: dict[str, TaskID] = {}

    def scanned(self, done: int, total: int) -> None:
        row = self._row("reading", total)
        self._progress.update(row, completed=done)

    def stage_started(self, stage_key: str, cells: int) -> None:
        self._row(stage_key, cells)

    def cell_done(self, stage_key: str) -> None:
        self._progress.advance(self._rows[stage_key])

    def stage_done(self, stage_key: str) -> None:
        row = self._rows[stage_key]
        self._progress.update(row, completed=self._progress.tasks[row].total)

    def note(self, text: str) -> None:
        self._progress.console.print(text)

    def _row(self, name: str, total: int) -> TaskID:
        if name not in self._rows:
            self._rows[name] = self._progress.add_task(name, total=total)
        return self._rows[name]
