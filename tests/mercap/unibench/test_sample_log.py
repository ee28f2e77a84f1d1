from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mercap.unibench.protocols import Protocol
from mercap.unibench.sample_log import rescore, sample_lines
from mercap.unibench.suite import Suite, score_folder
from mercap.unibench.systems import Rules
from tests.mercap.unibench.tiny import make_suite


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def rows(suite: Suite) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    found = [json.loads(line) for line in sample_lines(suite)]
    return {(row["system"], row["dataset"], row["epoch"], row["name"]): row for row in found}


def scores(suite: Suite) -> dict[str, dict[str, dict[str, float]]]:
    return {
        system.name: {name: one.result.primary_scores() for name, one in system.sets.items()}
        for system in suite.systems
    }


@pytest.mark.parametrize("protocol", Protocol)
def test_scores_can_be_had_again_from_the_log_alone(tmp_path: Path, protocol: Protocol) -> None:
    suite = make_suite(tmp_path, "ours", "theirs", rules=Rules(protocol, resamples=0))
    assert rescore(sample_lines(suite)) == scores(suite)


def test_every_answer_to_every_checkpoint_and_gold_clip_has_a_line(tmp_path: Path) -> None:
    found = rows(make_suite(tmp_path, "ours", "theirs"))
    assert len(found) == 3 * (4 + 4 + 3) + 4


def test_a_line_tells_groups_and_hit_on_every_wheel(tmp_path: Path) -> None:
    found = rows(make_suite(tmp_path))["ours", "mer2023", "2", "b"]
    assert (found["answer"], found["gold"]) == (["lonely", "tables"], ["sad"])
    expected = {"gold": ["sad"], "answer": ["sad"], "counted": True, "precision": 1.0, "hit": 1.0}
    assert found["wheels"] == [expected] * 5


def test_a_clip_that_does_not_count_says_why(tmp_path: Path) -> None:
    found = rows(make_suite(tmp_path))
    assert found["ours", "mer2023", "1", "c"]["wheels"][0]["why"] == "neutral"
    sentiment = found["ours", "cmumosi", "1", "v_3"]
    assert (sentiment["counted"], sentiment["why"]) == (False, "neutral")
    assert "right" not in sentiment


def test_a_sentiment_line_tells_what_was_right(tmp_path: Path) -> None:
    found = rows(make_suite(tmp_path))
    assert found["ours", "cmumosi", "2", "v_2"]["right"] is True  # "mixed" counts as negative
    assert found["ours", "cmumosi", "2", "w_1"]["right"] is False


def test_raw_responses_are_kept_where_the_predictions_have_them(tmp_path: Path) -> None:
    found = rows(make_suite(tmp_path, "ours", "theirs"))
    assert found["ours", "mer2023", "1", "a"]["response"] == "The person seems so."
    assert "response" not in found["theirs", "mer2023", "all", "a"]


def test_the_log_of_the_released_answers_gives_their_scores(reference: Path) -> None:
    suite = score_folder(
        reference / "gold_test_labels",
        {"AffectGPT": reference / "affectgpt_outputs"},
        reference / "emotion_wheel_2025",
        Rules(resamples=0),
    )
    assert rescore(sample_lines(suite)) == scores(suite)
