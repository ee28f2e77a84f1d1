"""A training run on the terminal: a bar with loss, speed and time left; and what it came to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.terminal import print_json
from mercap.errors import ExitCode

if TYPE_CHECKING:
    from flows.training import TrainReport
    from mercap.affectgpt.training.events import Event
    from tasks.infer import Progress as Asked


@contextmanager
def watching_steps(steps: int) -> Iterator[Callable[[Event], None]]:
    """Told every event; silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _event: None
        return
    with _bar(TextColumn("{task.fields[said]}")) as progress:
        row = progress.add_task("training", total=steps, said="")

        def watch(event: Event) -> None:
            if event.kind in ("step", "resumed"):
                progress.update(row, completed=event.step, said=_said(event) if event.kind == "step" else "")
            if event.kind == "resumed":
                progress.console.print(f"Going on after step {event.step:,}.")

        yield watch


@contextmanager
def watching_clips() -> Iterator[Callable[[Asked], None]]:
    """Told after every batch of answers."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    with _bar() as progress:
        row = progress.add_task("asking", total=None)
        yield lambda found: progress.update(row, completed=found.clips, total=found.total)


def show_training(report: TrainReport, as_json: bool) -> None:
    if as_json:
        print_json(report.as_json())
        return
    loss = "" if report.loss is None else f", loss {report.loss:.3f}"
    typer.echo(f"{report.run}: step {report.step:,} of {report.steps:,}{loss}; {report.seconds:,.0f} s.")
    typer.echo(f"Trained on {report.examples:,} examples: {report.origin}.")
    for reason, count in report.left_out.items():
        typer.echo(f"  {count:,} left out: {reason}")
    if report.leaks:
        typer.echo(f"  {report.leaks:,} left out: in a test set")
    for caveat in report.caveats:
        typer.echo(caveat)
    if report.exit_code == ExitCode.INTERRUPTED:
        typer.echo("Stopped before its end; the same command goes on from there.")


def _said(event: Event) -> str:
    loss = "" if event.loss is None else f"loss {event.loss:.3f}"
    return f"{loss}  {event.clips_per_s:.1f} clips/s" if event.clips_per_s else loss


def _bar(*more: TextColumn) -> Progress:
    return Progress(
        TextColumn("{task.description:<9}"), BarColumn(24), MofNCompleteColumn(), *more,
        TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True),
    )  # fmt: skip
