"""The loss of a run as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mercap.affectgpt.training.events import Event
from mercap.errors import UsageError
from mercap.files import write_atomically

_SMOOTH = 50  # the thick line is a mean over a 50th of the run


def plot_loss(events: Iterable[Event], path: Path) -> None:
    """A PNG at ``path``: the loss of every step, its running mean, and the learning rate.

    Raises UsageError when there is no step to show.
    """
    steps = [event for event in events if event.kind == "step" and event.loss is not None]
    if not steps:
        raise UsageError("There is no loss to draw: the run has not made a step.")
    places = [event.step for event in steps]
    losses = [event.loss or 0.0 for event in steps]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(places, losses, color="tab:blue", alpha=0.3, linewidth=0.8, label="loss")
    axes.plot(places, running_mean(losses, math.ceil(len(losses) / _SMOOTH)), color="tab:blue", label="its mean")
    axes.set_xlabel("step")
    axes.set_ylabel("loss per supervised token")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    rates = axes.twinx()
    rates.plot(places, [event.lr or 0.0 for event in steps], color="tab:gray", linewidth=0.8, linestyle="--")
    rates.set_ylabel("learning rate (dashed)")
    rates.set_ylim(bottom=0)
    canvas = FigureCanvasAgg(figure)
    write_atomically(path, lambda temporary: canvas.print_figure(temporary, format="png", dpi=120))


def running_mean(values: list[float], span: int) -> list[float]:
    """The mean of each value and the up to ``span`` - 1 before it."""
    means, total = [], 0.0
    for place, value in enumerate(values):
        total += value
        if place >= span:
            total -= values[place - span]
        means.append(total / min(place + 1, span))
    return means
