"""The report of a suite in a folder: Markdown, HTML, JSON, a log of every answer, and plots.

The HTML page stands alone: no script, nothing fetched, drawings inside it. What comes from files (names of systems,
labels, checkpoints) is text and never markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from mercap.errors import UsageError
from mercap.files import write_text
from mercap.unibench.datasets import Dataset
from mercap.unibench.grids import board_grid, checkpoints_grid, clips_grid, comparison_grid, set_grid
from mercap.unibench.leaderboard import Leaderboard, leaderboard
from mercap.unibench.markdown import markdown
from mercap.unibench.plots import checkpoints_plot, classes_plot, for_file, for_page
from mercap.unibench.protocols import Task
from mercap.unibench.reading import READING, headline
from mercap.unibench.results_json import results_json
from mercap.unibench.sample_log import sample_lines
from mercap.unibench.suite import Suite

TEMPLATE = "report.html.j2"
_SHOWN = {
    Task.DISCRETE: "percent of each gold label found (clips)",
    Task.SENTIMENT: "percent of each side that got an answer (clips)",
    Task.OV: "percent of each gold group found (clips)",
}


class Plot(NamedTuple):
    """One drawing: the name of its file without the ending, its set, what it shows, and its SVG."""

    name: str
    dataset: str
    caption: str
    svg: str


def write_report(out: Path, suite: Suite) -> list[Path]:
    """Write every file of the report under ``out``, each aside and then renamed; their paths.

    Raises UsageError where the folder cannot be written.
    """
    board, plots = leaderboard(suite), list(draw(suite))
    results = json.dumps(results_json(suite, board), ensure_ascii=False, indent=1, allow_nan=False)
    try:
        (out / "plots").mkdir(parents=True, exist_ok=True)
        return [
            _write(out / "leaderboard.md", [markdown(suite, board)]),
            _write(out / "report.html", [page(suite, board, plots)]),
            _write(out / "unibench_results.json", [results, "\n"]),
            _write(out / "samples.jsonl", (f"{line}\n" for line in sample_lines(suite))),
            *(_write(out / "plots" / f"{plot.name}.svg", [for_file(plot.svg)]) for plot in plots),
        ]
    except OSError as error:
        raise UsageError(f"The report cannot be written to {out}: {error.strerror}.") from None


def _write(path: Path, parts: Iterable[str]) -> Path:
    write_text(path, parts)
    return path


def draw(suite: Suite) -> Iterator[Plot]:
    """The plots of every system and set."""
    several = len(suite.systems) > 1
    for place, system in enumerate(suite.systems, 1):
        plain = re.sub(r"[^A-Za-z0-9]+", "-", system.name)[:40].strip("-") or "system"
        who = f"{place}-{plain}" if several else plain
        for name, one in system.sets.items():
            if one.best is not None:
                caption = f"{system.name}, checkpoint {one.best.epoch}: {_SHOWN[one.dataset.task]}"
                yield Plot(f"{who}-{name}-classes", name, caption, classes_plot(one, suite.groups))
            if len(one.result.scored) > 1:
                yield Plot(f"{who}-{name}-checkpoints", name, f"{system.name}: by checkpoint", checkpoints_plot(one))


# --- the page ------------------------------------------------------------------------------------------------
def page(suite: Suite, board: Leaderboard, plots: list[Plot]) -> str:
    """The HTML page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    drawn = [(plot, Markup(for_page(plot.svg, place))) for place, plot in enumerate(plots)]  # noqa: S704 - our drawing
    return environment.get_template(TEMPLATE).render(
        headline=headline(suite),
        reading=READING,
        board=board_grid(board),
        comparison=comparison_grid(suite),
        sections=[_section(suite, dataset, drawn) for dataset in suite.datasets],
    )


def _section(suite: Suite, dataset: Dataset, drawn: list[tuple[Plot, Markup]]) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "scores": set_grid(suite, dataset),
        "clips": clips_grid(suite, dataset),
        "checkpoints": checkpoints_grid(suite, dataset),
        "plots": [(plot.caption, svg) for plot, svg in drawn if plot.dataset == dataset.name],
    }
