from __future__ import annotations

import math
from pathlib import Path

import pytest

from mercap.unibench.datasets import DATASETS
from mercap.unibench.figures import Grid, interval, p_value, percent, signed
from mercap.unibench.grids import board_grid, checkpoints_grid, clips_grid, comparison_grid, set_grid
from mercap.unibench.leaderboard import leaderboard
from mercap.unibench.protocols import Protocol
from mercap.unibench.suite import Suite
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_suite(tmp_path, "ours", "theirs")


def cells(grid: Grid, *columns: str) -> list[tuple[str, ...]]:
    return [tuple(line.cells[grid.columns.index(column)] for column in columns) for line in grid.lines]


def test_every_line_has_a_cell_for_every_column(suite: Suite) -> None:
    grids = [board_grid(leaderboard(suite)), comparison_grid(suite)]
    for dataset in suite.datasets:
        grids += [set_grid(suite, dataset), clips_grid(suite, dataset), checkpoints_grid(suite, dataset)]
    for grid in grids:
        assert grid is not None
        assert all(len(line.cells) == len(grid.columns) for line in grid.lines)


def test_protocol_and_one_checkpoint_score_stand_next_to_each_other(suite: Suite) -> None:
    rows = cells(set_grid(suite, DATASETS["mer2023"]), "answers", "checkpoint", "hit rate")
    assert rows[:2] == [("ours", "3, protocol score", "100.00"), ("ours", "2, one-checkpoint score", "66.67")]
    assert rows[3] == ("theirs", "its only checkpoint", "0.00")


def test_a_partial_mean_stands_in_brackets_and_the_sets_are_counted(suite: Suite) -> None:
    found = cells(board_grid(leaderboard(suite)), "#", "model", "MER2023", "mean", "origin")
    assert found[0] == ("", "ours, protocol score", "100.00†", "(100.00)", "this run, 3 of 9 sets")
    assert ("", "always neutral", "0.00", "–", "constant answer") in found


def test_the_highest_score_of_the_paper_stands_beside_ours(suite: Suite) -> None:
    rows = cells(set_grid(suite, DATASETS["cmumosi"]), "answers", "WAF")
    assert ("AffectGPT A+T (paper)", "83.46") in rows


def test_corrected_scores_have_no_published_one_beside_them(tmp_path: Path, suite: Suite) -> None:
    corrected = make_suite(tmp_path / "again", rules=Rules(Protocol.CORRECTED, resamples=0))
    assert all(line.kind != "published" for line in set_grid(corrected, DATASETS["cmumosi"]).lines)


def test_clips_that_do_not_count_are_told_with_the_reason(suite: Suite) -> None:
    grid = clips_grid(suite, DATASETS["mer2023"])
    assert [line.cells for line in grid.lines] == [
        ("counted", "3", "3", "3", "3", "3"),
        ("left out: its only gold label is neutral", "1", "1", "1", "1", "1"),
    ]


def test_numbers_are_written_as_percent_and_missing_ones_as_a_dash() -> None:
    assert (percent(0.78539), percent(None), percent(math.nan)) == ("78.54", "–", "–")
    assert (signed(0.0101), signed(-0.5), signed(math.nan)) == ("+1.01", "-50.00", "–")
    assert (interval((0.5, 0.75)), interval(None), interval((-0.01, 0.02), signs=True)) == (
        "50.00 to 75.00", "", "-1.00 to +2.00",
    )  # fmt: skip
    assert (p_value(0.0001), p_value(0.0456), p_value(None)) == ("< 0.001", "0.046", "–")
