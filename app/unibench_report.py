"""`mercap unibench report`: score folders of predictions, print the leaderboard, and write the report."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from app.terminal import console, plain, print_json
from mercap.errors import UsageError
from mercap.unibench.figures import Grid
from mercap.unibench.grids import board_grid, comparison_grid
from mercap.unibench.leaderboard import leaderboard
from mercap.unibench.protocols import Protocol
from mercap.unibench.report import write_report
from mercap.unibench.results_json import results_json
from mercap.unibench.suite import Suite, score_folder
from mercap.unibench.systems import Rules

STYLES = {"ours": "bold", "constant": "dim"}


def report(
    gold: Path,
    predictions: list[str],
    out: Path,
    tables: Path | None = None,
    protocol: str = Protocol.PUBLISHED_2025,
    resamples: int = 10_000,
    seed: int = 0,
    as_json: bool = False,
) -> None:
    """Score ``predictions`` (each NAME=DIR or DIR) against the folder ``gold`` and write the report to ``out``."""
    suite = score_folder(gold, named_folders(predictions), tables, Rules(Protocol(protocol), resamples, seed))
    files = write_report(out, suite)
    board = leaderboard(suite)
    if as_json:
        print_json({**results_json(suite, board), "files": [str(path) for path in files]})
        return
    _show(suite, board_grid(board), files)


def named_folders(predictions: list[str]) -> dict[str, Path]:
    """Systems by name; a folder without a name is called by its own. Raises UsageError for a name given twice."""
    found: dict[str, Path] = {}
    for given in predictions:
        name, equals, folder = given.partition("=")
        path = Path(folder if equals and name else given)
        # A folder may have "=" in its name: one that exists as it was written is meant so.
        if not equals or Path(given).is_dir():
            name, path = Path(given).resolve().name, Path(given)
        if not name.strip():
            raise UsageError(f"{given!r} names no system; write --predictions NAME=DIR.")
        if name in found:
            raise UsageError(f"Two systems are called {name!r}; name them with --predictions NAME=DIR.")
        found[name] = path
    return found


def _show(suite: Suite, board: Grid, files: list[Path]) -> None:
    out = console()
    for grid in (board, comparison_grid(suite)):
        if grid is not None:
            out.print(_table(grid))
            for note in grid.notes:
                out.print(plain(note), style="dim", soft_wrap=True)
            out.print()
    for path in files:
        out.print(plain(path), soft_wrap=True)


def _table(grid: Grid) -> Table:
    """The inputs of a model go to its name here, and headings break at spaces and hyphens: terminals are narrow."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    places = [place for place, column in enumerate(grid.columns) if column != "inputs"]
    for place in places:
        column = grid.columns[place]
        words = column in grid.words
        title = plain(column if words or "%" in column else "\n".join(column.replace("-", "- ").split()))
        shown.add_column(
            title, justify="left" if words else "right", overflow="fold", no_wrap=not words, vertical="bottom"
        )
    for line in grid.lines:
        cells = dict(zip(grid.columns, line.cells, strict=True))
        if "inputs" in cells:
            cells["model"] = f"{cells['model']} {cells['inputs']}".strip()
        shown.add_row(*(plain(cells[grid.columns[place]]) for place in places), style=STYLES.get(line.kind))
    return shown
