from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mercap.unibench.datasets import DATASETS
from mercap.unibench.leaderboard import Leaderboard, leaderboard
from mercap.unibench.protocols import Protocol
from mercap.unibench.published import Origin, Reading, published
from mercap.unibench.suite import Suite
from mercap.unibench.systems import OnSet, Rules, System
from tests.mercap.unibench.tiny import make_suite


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def whole(suite: Suite, sets: int = 9) -> Suite:
    """As if the whole gold of the first ``sets`` sets had been scored: each is the tiny mer2023 under another name."""
    system = suite.systems[0]
    one = dataclasses.replace(system.sets["mer2023"], remarks=[])
    found: dict[str, OnSet] = {}
    for name in list(DATASETS)[:sets]:
        dataset = dataclasses.replace(DATASETS[name], clips=one.clips)
        found[name] = dataclasses.replace(one, dataset=dataset)
    mean = dataclasses.replace(system.best_mean, score=0.70) if system.best_mean else None
    lower = dataclasses.replace(system.one_mean, score=0.60) if system.one_mean else None
    unscored = dict.fromkeys(list(DATASETS)[sets:], "no gold")
    complete = System(system.name, system.folder, found, unscored, mean, lower)
    return dataclasses.replace(suite, systems=[complete])


@pytest.fixture
def board(tmp_path: Path) -> Leaderboard:
    return leaderboard(make_suite(tmp_path))


def test_the_mean_of_every_paper_row_is_that_of_its_nine_scores() -> None:
    rows = [row for row in published() if row.origin is Origin.PAPER]
    assert len(rows) == 19
    for row in rows:
        assert set(row.scores) == set(DATASETS)
        # Printed to two decimals: nine rounded scores against one rounded mean.
        assert row.mean == pytest.approx(sum(row.scores.values()) / 9, abs=1.1e-4), row.model


def test_published_scores_are_fractions_with_their_second_metrics() -> None:
    best = max((row for row in published() if row.origin is Origin.PAPER), key=lambda row: row.mean or 0)
    assert (best.model, best.inputs, best.mean) == ("AffectGPT", "A+V+T", pytest.approx(0.7477))
    assert best.others["cmumosi"] == {"acc": pytest.approx(0.8125)}
    assert best.others["ovmerdplus"] == {"precision": pytest.approx(0.6221), "recall": pytest.approx(0.63)}


def test_every_row_says_where_it_comes_from(board: Leaderboard) -> None:
    assert {row.origin for row in board.rows} == set(Origin)
    third = [row for row in board.rows if row.origin is Origin.THIRD_PARTY]
    assert all("not checked" in row.source for row in third)


def test_a_partial_run_is_never_ranked(board: Leaderboard) -> None:
    ours = [row for row in board.rows if row.ours]
    assert [row.reading for row in ours] == [Reading.BEST, Reading.ONE]
    assert all(row in board.apart and row.rank is None for row in ours)
    assert ours[0].note.startswith("3 of 9 sets; MER2023 4 of 411 clips")
    assert ours[0].unlike == {"mer2023", "cmumosi", "ovmerdplus"}
    assert any("3 of 9 sets" in remark for remark in board.remarks)


def test_eight_whole_sets_are_not_nine(tmp_path: Path) -> None:
    found = leaderboard(whole(make_suite(tmp_path), sets=8))
    assert not any(row.ours for row in found.ranked)
    assert len(found.common) == 8
    shared = next(row for row in found.ranked if row.model == "SALMONN")
    assert shared.common == pytest.approx(sum(shared.scores[name] for name in found.common) / 8)


def test_a_complete_run_is_ranked_by_its_protocol_score(tmp_path: Path) -> None:
    found = leaderboard(whole(make_suite(tmp_path)))
    means = [row.mean for row in found.ranked]
    assert means == sorted(means, reverse=True, key=lambda mean: mean or 0)
    best = next(row for row in found.ranked if row.reading is Reading.BEST)
    above = next(row for row in found.ranked if row.model == "Emotion-LLaMA")
    assert above.rank == (best.rank or 0) + 1


def test_the_one_checkpoint_row_stands_in_order_without_a_number(tmp_path: Path) -> None:
    found = leaderboard(whole(make_suite(tmp_path)))
    one = next(row for row in found.ranked if row.reading is Reading.ONE)
    assert one.rank is None
    numbers = [row.rank for row in found.ranked if row.rank is not None]
    assert numbers == list(range(1, len(numbers) + 1))


def test_corrected_scores_are_not_ranked_among_published_ones(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rules=Rules(Protocol.CORRECTED, resamples=0))
    found = leaderboard(whole(suite))
    assert not any(row.ours for row in found.ranked)
    assert found.common == ()
    assert "no yardstick" in found.remarks[0]


def test_constant_answers_stand_in_the_same_table(board: Leaderboard) -> None:
    scores = {row.model: row.scores for row in board.constants}
    assert scores["always six basic emotions"]["mer2023"] == 1.0
    assert set(scores["always neutral"]) == {"mer2023", "cmumosi", "ovmerdplus"}
    assert all(row.mean is None and row.rank is None for row in board.constants)
