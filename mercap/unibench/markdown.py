"""The report as Markdown: the leaderboard, and a section for each set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mercap.unibench.figures import Grid
from mercap.unibench.grids import board_grid, checkpoints_grid, clips_grid, comparison_grid, set_grid
from mercap.unibench.leaderboard import Leaderboard
from mercap.unibench.reading import READING, headline
from mercap.unibench.suite import Suite

# What could be markup, or HTML where a viewer renders it; a system's name is whatever somebody called it.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~&$!])")


def markdown(suite: Suite, board: Leaderboard) -> str:
    """The whole page."""
    return "\n".join(_page(suite, board)) + "\n"


def _page(suite: Suite, board: Leaderboard) -> Iterator[str]:
    yield "# MER-UniBench"
    yield f"\n{escaped(headline(suite))}\n"
    yield from _table(board_grid(board))
    yield "\n## How to read this\n"
    yield from (f"- {sentence}" for sentence in READING)
    if grid := comparison_grid(suite):
        yield "\n## Systems compared\n"
        yield from _table(grid)
    for dataset in suite.datasets:
        yield f"\n## {escaped(dataset.title)}\n"
        for grid in (set_grid(suite, dataset), clips_grid(suite, dataset), checkpoints_grid(suite, dataset)):
            if grid is not None:
                yield from _table(grid)
                yield ""


def _table(grid: Grid) -> Iterator[str]:
    yield _row(grid.columns)
    yield _row("---" if column in grid.words else "---:" for column in grid.columns)
    for line in grid.lines:
        cells = map(escaped, line.cells)
        yield _row(f"**{cell}**" if line.kind == "ours" and cell else cell for cell in cells)
    yield from (f"\n{escaped(note)}" for note in grid.notes)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Text that means nothing but itself, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\>", "&gt;")
