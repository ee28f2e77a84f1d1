from __future__ import annotations

import math
from pathlib import Path

import pytest

from mercap.unibench.classes import group_scores, label_scores, side_scores
from mercap.unibench.protocols import Protocol
from mercap.unibench.suite import Suite
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite

RULES = Rules(resamples=0)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_suite(tmp_path, rules=RULES)


def test_each_gold_label_has_its_own_hit_rate_and_neutral_has_none(suite: Suite) -> None:
    found = {row.label: row for row in label_scores(suite.systems[0].sets["mer2023"].result, "2")}
    assert found["happy"].shares == [1.0] * 5
    assert found["angry"].shares == [0.0] * 5
    assert all(math.isnan(share) for share in found["neutral"].shares)
    assert {row.clips for row in found.values()} == {1}


def test_sentiment_tells_what_each_side_was_answered(suite: Suite) -> None:
    answers, rows = side_scores(suite.systems[0].sets["cmumosi"].result, "2")
    assert answers == ["not positive", "positive"]
    assert [(row.label, row.clips, row.shares) for row in rows] == [
        ("negative", 1, [1.0, 0.0]),
        ("positive", 2, [0.5, 0.5]),
    ]


def test_corrected_sentiment_has_a_column_for_answers_that_are_none(tmp_path: Path, suite: Suite) -> None:
    corrected = make_suite(tmp_path / "again", rules=Rules(Protocol.CORRECTED, resamples=0))
    answers, rows = side_scores(corrected.systems[0].sets["cmumosi"].result, "2")
    assert answers == ["negative", "neutral", "positive", "none"]
    assert rows[0].shares == [0.0, 0.0, 0.0, 1.0]  # "mixed"


def test_open_vocabulary_has_the_recall_of_each_group_of_each_wheel(suite: Suite) -> None:
    assert suite.groups is not None
    wheels = group_scores(suite.systems[0].sets["ovmerdplus"].result, "1", suite.groups)
    assert len(wheels) == 5
    found = {row.label: (row.clips, row.shares[0]) for row in wheels[0]}
    assert found == {"happy": (1, 1.0), "mad": (1, 0.0), "sad": (1, 0.0)}
