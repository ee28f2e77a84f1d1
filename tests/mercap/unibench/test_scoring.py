"""All answers to one gold: what counts and what is dropped, constant answers, coverage, comparison."""

from __future__ import annotations

import pytest

from mercap.errors import UsageError
from mercap.unibench.coverage import coverage
from mercap.unibench.files import Gold
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.score import result_json
from mercap.unibench.scoring import Result, Setting, compare_answers, score_answers
from mercap.vocabulary.groups import resolve
from mercap.vocabulary.tables import Tables

FULL = (("happy", "cheerful", "glad"), ("sad", "lonely", "blue"))
SHORT = (("happy", "cheerful", "glad"), ("mad", "cross", "angry"))  # a wheel without sadness
TABLES = Tables(
    (FULL, FULL, SHORT, FULL, FULL),
    {word: frozenset({word}) for word in ("happy", "sad", "glad")},
    {word: frozenset({word}) for word in ("happy", "sad", "glad", "tables")},
)
GROUPS = resolve(TABLES)
GOLD = Gold(Task.DISCRETE, {"a": ("happy",), "b": ("sad",), "c": ("neutral",), "d": ("wrongly spelt",)}, {})
ANSWERS = {"a": ("glad", "unheard of"), "b": ("happy",), "c": (), "d": ("tables",)}


def scored(protocol: Protocol = Protocol.PUBLISHED_2025, **epochs: dict[str, tuple[str, ...]]) -> Result:
    groups = resolve(TABLES, corrected=True) if protocol.corrected else GROUPS
    return score_answers(Setting(Task.DISCRETE, protocol, resamples=0), GOLD, epochs or {"all": ANSWERS}, groups)


def test_a_clip_is_dropped_where_its_gold_is_neutral_unknown_or_outside_the_wheel() -> None:
    dropped = scored().dropped
    assert dropped[0] == {"neutral": 1, "unknown": 1}
    assert dropped[2] == {"neutral": 1, "unknown": 1, "outside": 1}


def test_the_corrected_protocol_drops_no_neutral_clip() -> None:
    assert scored(Protocol.CORRECTED).dropped[0] == {"unknown": 1}


def test_dropped_and_scored_clips_add_up() -> None:
    result = scored()
    counts = result.scored["all"].scores["n_scored_per_wheel"]
    assert [int(count) + sum(wheel.values()) for count, wheel in zip(counts, result.dropped, strict=True)] == [4] * 5


def test_coverage_counts_labels_and_what_the_tables_know_of_them() -> None:
    found = coverage(list(ANSWERS.values()), GROUPS)
    assert (found.labels, found.labels_per_answer, found.empty_answers) == (4, 1.0, 1)
    assert (found.known_tokens, found.known_types) == (0.75, 0.75)
    assert found.covered_per_wheel == [0.5] * 5


def test_coverage_of_no_labels_has_no_shares() -> None:
    found = coverage([(), ()], GROUPS)
    assert (found.known_tokens, found.known_types, found.covered_per_wheel) == (None, None, None)


def test_constant_answers_are_scored_by_the_same_rules() -> None:
    result = scored()
    assert result.constants["always happy"]["hit_rate"] == pytest.approx((4 * 0.5 + 1.0) / 5)
    assert result.constants["always neutral"]["hit_rate"] == 0.0


def test_the_best_epoch_is_the_first_of_the_highest() -> None:
    right = {**ANSWERS, "b": ("sad",)}
    assert scored(**{"10": ANSWERS, "20": right, "30": right}).best() == "20"


def test_an_epoch_without_an_answer_to_a_clip_is_named() -> None:
    with pytest.raises(UsageError, match="epoch 20 has no prediction for 'd'"):
        scored(**{"10": ANSWERS, "20": {name: ANSWERS[name] for name in "abc"}})


def test_the_json_holds_numbers_and_nulls_only() -> None:
    body = result_json(scored(), GROUPS)
    assert body["scores"]["all"]["n_scored_per_wheel"] == [2, 2, 1, 2, 2]
    assert type(body["scores"]["all"]["hit_rate"]) is float
    assert body["gold_coverage"]["known_tokens"] == 0.5


def test_a_comparison_tells_the_other_systems_score_and_the_difference() -> None:
    ours, theirs = [("happy",), ("sad",), (), ()], [("sad",), ("happy",), (), ()]
    setting = Setting(Task.DISCRETE, resamples=200)
    found = compare_answers(setting, GOLD, ours, theirs, GROUPS)
    assert (found["score"], found["against"], found["difference"]) == ("hit_rate", 0.0, 1.0)
    assert found["p_value"] > 0.2  # two clips prove nothing
