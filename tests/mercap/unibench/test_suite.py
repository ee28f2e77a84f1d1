from __future__ import annotations

import math
from pathlib import Path

import pytest

from mercap.errors import UsageError
from mercap.unibench.protocols import Protocol
from mercap.unibench.suite import Suite, score_folder
from mercap.unibench.systems import NO_GOLD, NO_PREDICTIONS, Rules
from tests.mercap.unibench.tiny import EMOTION_ANSWERS, make_suite, write_answers, write_gold, write_system
from tests.official_tables import write_tables


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return make_suite(tmp_path)


def test_every_set_with_gold_and_predictions_is_scored_at_every_checkpoint(suite: Suite) -> None:
    scores = {name: one.result.primary_scores() for name, one in suite.systems[0].sets.items()}
    assert list(scores) == ["mer2023", "cmumosi", "ovmerdplus"]
    assert scores["mer2023"] == pytest.approx({"1": 0.0, "2": 2 / 3, "3": 1.0})
    assert scores["cmumosi"]["1"] == 1.0
    # Gold of x is happy and sad, of y mad; z has none. Precision and recall: 1/2 and 1/4; 1 and 1; 1/2 and 1/2.
    assert scores["ovmerdplus"] == pytest.approx({"1": 1 / 3, "2": 1.0, "3": 0.5})


def test_the_protocol_score_is_that_of_the_best_checkpoint_of_each_set(suite: Suite) -> None:
    best = {name: one.best.epoch for name, one in suite.systems[0].sets.items() if one.best}
    assert best == {"mer2023": "3", "cmumosi": "1", "ovmerdplus": "2"}


def test_no_set_chooses_the_checkpoint_of_its_own_one_checkpoint_score(suite: Suite) -> None:
    # Means of the others for 1, 2, 3: mer2023 .67 .83 .25, cmumosi .17 .83 .75, ovmerdplus .50 .67 .50.
    one = {name: found.one.epoch for name, found in suite.systems[0].sets.items() if found.one}
    assert one == {"mer2023": "2", "cmumosi": "2", "ovmerdplus": "2"}


def test_the_means_are_plain_means_over_the_sets(suite: Suite) -> None:
    system = suite.systems[0]
    assert system.best_mean is not None
    assert system.best_mean.score == pytest.approx((1.0 + 1.0 + 1.0) / 3)
    assert system.one_mean is not None
    assert system.one_mean.score == pytest.approx((2 / 3 + 2 / 3 + 1.0) / 3)
    assert system.one_mean.interval is not None
    assert system.one_mean.interval[0] <= system.one_mean.score <= system.one_mean.interval[1]


def test_a_single_set_has_no_one_checkpoint_score_and_says_why(tmp_path: Path) -> None:
    write_answers(tmp_path / "mine" / "mer2023.jsonl", EMOTION_ANSWERS)
    found = score_folder(write_gold(tmp_path / "gold"), {"mine": tmp_path / "mine"}, write_tables(tmp_path / "tables"))
    one = found.systems[0].sets["mer2023"]
    assert one.one is None
    assert "no other set" in one.why
    assert found.systems[0].one_mean is None


def test_sets_that_are_not_scored_are_listed_with_the_reason(tmp_path: Path) -> None:
    system = write_system(tmp_path / "mine")
    write_answers(system / "mer2024.jsonl", {None: {"a": "[happy]"}})
    found = score_folder(write_gold(tmp_path / "gold"), {"mine": system}, write_tables(tmp_path / "tables"))
    unscored = found.systems[0].unscored
    assert unscored["mer2024"] == NO_GOLD
    assert unscored["meld"] == NO_PREDICTIONS
    assert len(unscored) == 6


def test_sentiment_alone_needs_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MERCAP_TABLES", raising=False)
    write_answers(tmp_path / "mine" / "cmumosi.jsonl", {None: dict.fromkeys(("v_1", "v_2", "v_3", "w_1"), "positive")})
    found = score_folder(write_gold(tmp_path / "gold"), {"mine": tmp_path / "mine"})
    one = found.systems[0].sets["cmumosi"]
    assert one.best is not None
    assert one.best.scores["acc"] == pytest.approx(2 / 3)
    # One checkpoint leaves nothing to choose, so it is also the one-checkpoint score.
    assert one.one == one.best


def test_a_later_system_is_compared_with_the_first_where_both_were_scored(tmp_path: Path) -> None:
    found = make_suite(tmp_path, "ours", "theirs")
    [comparison] = found.comparisons
    assert (comparison.dataset, comparison.system, comparison.against) == ("mer2023", "theirs", "ours")
    assert comparison.epochs == ("all", "2")
    assert comparison.difference == pytest.approx(0 - 2 / 3)
    assert comparison.p_value is not None
    assert 0.0 < comparison.p_value <= 1.0


def test_without_resamples_there_is_neither_interval_nor_comparison(tmp_path: Path) -> None:
    found = make_suite(tmp_path, "ours", "theirs", rules=Rules(resamples=0))
    assert found.comparisons == []
    assert all(one.best and one.best.interval is None for one in found.systems[0].sets.values())


def test_a_zero_division_leaves_a_set_without_score_and_the_system_without_mean(tmp_path: Path) -> None:
    write_system(tmp_path / "mine")
    wrong = {"x": "[angry]", "y": "[sad]", "z": "[]"}
    write_answers(tmp_path / "mine" / "ovmerdplus.jsonl", {None: wrong})
    gold, tables = write_gold(tmp_path / "gold"), write_tables(tmp_path / "tables")
    system = score_folder(gold, {"mine": tmp_path / "mine"}, tables, Rules(resamples=10)).systems[0]
    assert system.sets["ovmerdplus"].best is None
    assert system.best_mean is None
    rules = Rules(Protocol.PUBLISHED_2026, resamples=10)
    later = score_folder(gold, {"mine": tmp_path / "mine"}, tables, rules).systems[0]
    assert later.sets["ovmerdplus"].result.primary_scores() == {"all": 0.0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda folder: write_answers(folder / "meld.jsonl", {None: {"a": "[happy]"}}),
            "No set of MER-UniBench has both",
        ),
        (lambda folder: write_answers(folder / "mer2023.jsonl", {None: {"a": "[happy]"}}), "no prediction for"),
        (
            lambda folder: (write_system(folder), (folder / "mer2023.csv").write_text("name,openset\n")),
            "leave one of them",
        ),
        (lambda folder: None, "is no folder"),
    ],
    ids=["no gold", "missing clips", "two files", "no folder"],
)
def test_what_cannot_be_scored_is_one_sentence(tmp_path: Path, change: object, sentence: str) -> None:
    gold = write_gold(tmp_path / "gold")
    change(tmp_path / "mine")  # type: ignore[operator]
    with pytest.raises(UsageError, match=sentence):
        score_folder(gold, {"mine": tmp_path / "mine"}, write_tables(tmp_path / "tables"))


def test_the_released_answers_get_their_published_scores(reference: Path, tmp_path: Path) -> None:
    """The best of seven checkpoints, as in Table 2 of the AffectGPT paper."""
    found = score_folder(
        reference / "gold_test_labels",
        {"AffectGPT": reference / "affectgpt_outputs"},
        reference / "emotion_wheel_2025",
        Rules(resamples=0),
    )
    sets = found.systems[0].sets
    best = {name: round(100 * one.best.score, 2) for name, one in sets.items() if one.best}
    assert best == {"mer2023": 78.54, "meld": 55.65, "cmumosi": 81.30, "sims": 88.49}
    assert found.systems[0].unscored["mer2024"] == NO_GOLD
    assert all(not one.remarks for one in sets.values())
    assert all(
        one.one and not math.isnan(one.one.score) and one.one.score < one.best.score
        for one in sets.values()
        if one.best
    )
