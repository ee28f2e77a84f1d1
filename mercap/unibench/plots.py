"""Plots of the report as SVG text: the score by gold class and wheel, and by checkpoint and wheel.

Matplotlib is imported when a plot is made. A drawing uses two colours that stand for others: `INK` and `PAPER`. In a
file they become black on white; in a page the page's own text colour on nothing, so that it serves light and dark.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from mercap.unibench.classes import ClassScore, group_scores, label_scores, side_scores
from mercap.unibench.protocols import Task
from mercap.unibench.systems import OnSet
from mercap.vocabulary.groups import Groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PAPER = "#010203", "#fdfcfb"
WHEELS = ("#4477aa", "#ee6677", "#228833", "#ccaa33", "#aa3377")  # Paul Tol's "bright": also for colour-blind readers
TONES = ("#f4ead7", "#e8a866", "#9c3848")  # of a share, from 0 to 1
CLASSES_MAX = 16  # the largest, in one plot
_SETTINGS = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "mercap",  # the same plot has the same bytes
    "text.parse_math": False,  # a label may hold a dollar sign
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": PAPER,
    "xtick.color": INK,
    "ytick.color": INK,
}


def classes_plot(one: OnSet, groups: Groups | None) -> str:
    """The best checkpoint by gold class: labels on every wheel; for sentiment, sides and answers; for open vocabulary,
    each wheel's own groups."""
    assert one.best is not None
    epoch = one.best.epoch
    if one.dataset.task is Task.OV:
        assert groups is not None
        found = group_scores(one.result, epoch, groups)
        return _drawn((9.6, 2.6), lambda figure: _draw_groups(figure, found))
    if one.dataset.task is Task.SENTIMENT:
        answers, sides = side_scores(one.result, epoch)
        return _drawn((3.6, 0.9 + 0.3 * len(sides)), lambda figure: _draw_tones(figure, answers, sides))
    labels = label_scores(one.result, epoch)[:CLASSES_MAX]
    wheels = [f"wheel {place + 1}" for place in range(len(labels[0].shares))]
    return _drawn((5.0, 0.9 + 0.3 * len(labels)), lambda figure: _draw_tones(figure, wheels, labels))


def checkpoints_plot(one: OnSet) -> str:
    """The primary score by checkpoint, and on each wheel."""
    return _drawn((5.0, 2.7), lambda figure: _draw_checkpoints(figure, one))


def for_file(svg: str) -> str:
    """A drawing as a file of its own: black on white."""
    return svg.replace(INK, "#1a1a1a").replace(PAPER, "#ffffff")


def for_page(svg: str, place: int) -> str:
    """A drawing inside a page, in the colours of its text; ``place`` keeps its ids apart from other drawings'."""
    inner = svg[svg.index("<svg") :].replace(INK, "currentColor").replace(PAPER, "none")
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>p{place}-", inner)


def _draw_tones(figure: Figure, columns: list[str], found: list[ClassScore]) -> None:
    """A table of tones, a row per class."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    axes = figure.add_subplot()
    shares = [row.shares for row in found]
    tones = LinearSegmentedColormap.from_list("share", TONES)
    axes.pcolormesh(shares, cmap=tones, norm=Normalize(0, 1), edgecolors=PAPER, linewidth=2)
    for y, row in enumerate(shares):
        for x, share in enumerate(row):
            colour = INK if math.isnan(share) else "#ffffff" if share > 0.7 else "#222222"
            axes.text(x + 0.5, y + 0.5, _percent(share), color=colour, ha="center", va="center")
    axes.set_xticks([place + 0.5 for place in range(len(columns))], columns)
    axes.set_yticks([place + 0.5 for place in range(len(found))], [_named(row) for row in found])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_groups(figure: Figure, found: list[list[ClassScore]]) -> None:
    """Bars: a panel per wheel, a bar per group."""
    for place, rows in enumerate(found):
        axes = figure.add_subplot(1, len(found), place + 1)
        shares = [row.shares[0] for row in rows]
        bars = axes.barh(range(len(rows)), [100 * share for share in shares], color=WHEELS[place % len(WHEELS)])
        axes.bar_label(bars, [_percent(share) for share in shares], padding=2)
        axes.set_yticks(range(len(rows)), [_named(row) for row in rows])
        axes.set_title(f"wheel {place + 1}", fontsize=9, loc="left")
        axes.set_xlim(0, 115)
        axes.invert_yaxis()
        axes.tick_params(length=0, labelbottom=False)
        axes.spines[:].set_visible(False)


def _draw_checkpoints(figure: Figure, one: OnSet) -> None:
    """Lines: one per wheel, and the score."""
    axes = figure.add_subplot()
    epochs = list(one.result.scored)
    places = range(len(epochs))
    wheels = [one.result.scored[epoch].scores.get("per_wheel", ()) for epoch in epochs]
    for wheel, column in enumerate(zip(*wheels, strict=True)):
        colour, label = WHEELS[wheel % len(WHEELS)], f"wheel {wheel + 1}"
        axes.plot(places, [100 * score for score in column], "o-", color=colour, lw=1, ms=3, label=label)
    scores = [100 * score for score in one.result.primary_scores().values()]
    axes.plot(places, scores, "o-", color=INK, lw=2.4, ms=5, label="score")
    axes.set_xticks(places, [_printable(epoch) for epoch in epochs])
    axes.set_xlabel("checkpoint")
    axes.set_ylabel("percent")
    axes.grid(axis="y", color=INK, alpha=0.15)
    if any(len(scores) for scores in wheels):
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _drawn(inches: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    text = io.StringIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():  # type: ignore[arg-type]
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # the reader's fonts draw the text, not these
        figure = Figure(inches, layout="constrained")
        draw(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()


def _named(row: ClassScore) -> str:
    return _printable(f"{row.label} ({row.clips:,})")


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f}"


def _printable(text: str) -> str:
    """One line of at most 40 characters, none of which XML forbids."""
    kept = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in text)
    return kept if len(kept) <= 40 else f"{kept[:39]}…"
