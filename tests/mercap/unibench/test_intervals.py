"""Intervals and the paired test: reproducible, right on average, and over whole dialogues."""

from __future__ import annotations

import numpy as np
import pytest

from mercap.unibench.intervals import by_cluster, clusters, compare, intervals
from mercap.unibench.metrics import SentimentMetric
from mercap.unibench.protocols import Protocol

METRIC = SentimentMetric(Protocol.PUBLISHED_2025)


def evidence(right: np.ndarray) -> np.ndarray:
    gold = np.where(np.arange(len(right)) % 2, 1.0, -1.0)
    words = ["positive" if (value > 0) == one else "negative" for value, one in zip(gold, right, strict=True)]
    return METRIC.evidence(gold, words)


def names(count: int) -> list[str]:
    return [f"clip{number:04d}" for number in range(count)]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("test_dia0_utt0", "test_dia0_utt11"),
        ("Ses05F_impro01_F000", "Ses05F_impro01_M012"),
        ("Ses05M_script01_1b_F000", "Ses05M_script01_1b_M001"),
        ("video_0003_0006", "video_0003_0010"),
        ("k5Y_838nuGo_1", "k5Y_838nuGo_12"),
        ("-3g5yACwYnA_3", "-3g5yACwYnA_10"),
    ],
)
def test_clips_of_one_dialogue_or_video_are_one_cluster(name: str, other: str) -> None:
    assert clusters([name, other, "sample_00000000", "sample_00000007", "samplenew3_00113347"])[0] == [0, 0, 1, 2, 3]


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rows = evidence(np.arange(60) % 3 > 0)
    one, same, other = (intervals(rows, names(60), METRIC.score, resamples=200, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_interval_of_a_share_is_the_one_of_the_textbook() -> None:
    rows = evidence(np.arange(400) % 4 > 0)
    low, high = intervals(rows, names(400), METRIC.score, resamples=4000, seed=0)["acc"] or (0.0, 0.0)
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - half, abs=0.008)
    assert high == pytest.approx(0.75 + half, abs=0.008)


def test_clips_that_stand_or_fall_together_widen_the_interval() -> None:
    right = np.repeat(np.arange(40) % 4 > 0, 10)
    alone = intervals(evidence(right), names(400), METRIC.score, resamples=1000, seed=0)["acc"]
    dialogues = [f"dia{number // 10}_utt{number % 10}" for number in range(400)]
    together = intervals(evidence(right), dialogues, METRIC.score, resamples=1000, seed=0)["acc"]
    assert alone is not None
    assert together is not None
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_evidence_of_a_cluster_is_the_sum_of_its_clips() -> None:
    rows = evidence(np.array([True, False, True]))
    np.testing.assert_array_equal(
        by_cluster(rows, ["dia1_utt1", "dia2_utt1", "dia1_utt2"]), [rows[0] + rows[2], rows[1]]
    )


def test_a_score_without_a_number_has_no_interval() -> None:
    rows = METRIC.evidence(np.zeros(5), ["positive"] * 5)
    assert intervals(rows, names(5), METRIC.score, resamples=50, seed=0)["waf"] is None


def compared(first: np.ndarray, second: np.ndarray) -> dict[str, object]:
    rows = evidence(first), evidence(second)
    return compare(*rows, names(len(first)), METRIC.score, "acc", resamples=1000, seed=0)


def test_a_system_against_itself_differs_by_nothing() -> None:
    right = np.arange(50) % 2 > 0
    assert compared(right, right) == {"difference": 0.0, "interval": [0.0, 0.0], "p_value": 1.0}


def test_a_clear_difference_is_found_and_chance_is_not() -> None:
    draw = np.random.default_rng(7)
    good, bad = draw.random(300) < 0.8, draw.random(300) < 0.5
    assert compared(good, bad)["p_value"] < 0.01
    assert compared(good, draw.permutation(good))["p_value"] > 0.05


def test_p_values_of_equal_systems_are_spread_evenly() -> None:
    draw = np.random.default_rng(3)
    values = [compared(draw.random(100) < 0.6, draw.random(100) < 0.6)["p_value"] for _ in range(60)]
    assert 0.35 < np.mean(values) < 0.7
    assert sum(value < 0.05 for value in values) <= 8
