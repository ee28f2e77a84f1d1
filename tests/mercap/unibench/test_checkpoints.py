from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.unibench.checkpoints import ALONE, NONE_SHARED, checkpoint, chosen_elsewhere, mean_over_sets, spread
from mercap.unibench.files import Gold
from mercap.unibench.intervals import intervals
from mercap.unibench.protocols import Task
from mercap.unibench.scoring import Result, Setting, score_answers

SCORES = {"one": {"1": 0.9, "2": 0.1}, "two": {"1": 0.2, "2": 0.8}, "three": {"1": 0.3, "2": 0.7}}


def feelings(values: list[float], answers: list[str]) -> Result:
    gold = Gold(Task.SENTIMENT, {}, {f"c{place}": value for place, value in enumerate(values)})
    given = {"all": dict(zip(gold.names, answers, strict=True))}
    return score_answers(Setting(Task.SENTIMENT, resamples=0), gold, given, None)


RESULT = feelings([1.0, -1.0, 0.5, -0.5, 2.0], ["positive", "negative", "negative", "positive", "positive"])


def test_the_others_choose_and_the_set_itself_has_no_say() -> None:
    assert chosen_elsewhere(SCORES, "one") == ("2", "")
    assert chosen_elsewhere(SCORES, "two") == ("1", "")


@given(st.dictionaries(st.sampled_from("123"), st.floats(0, 1), min_size=2))
def test_whatever_a_set_scores_its_own_checkpoint_stays_the_same(own: dict[str, float]) -> None:
    even = dict.fromkeys(own, 0.0)
    assert chosen_elsewhere({**SCORES, "one": own}, "one") == chosen_elsewhere({**SCORES, "one": even}, "one")


def test_a_set_alone_or_without_shared_checkpoints_has_none_and_the_reason() -> None:
    assert chosen_elsewhere({"one": {"1": 0.5, "2": 0.6}}, "one") == (None, ALONE)
    assert chosen_elsewhere({"one": {"1": 0.5, "2": 0.6}, "two": {"3": 0.5}}, "one") == (None, NONE_SHARED)


def test_a_checkpoint_without_a_number_elsewhere_is_not_chosen() -> None:
    scores = {"one": {"1": 0.5, "2": 0.6}, "two": {"1": 0.1, "2": math.nan}}
    assert chosen_elsewhere(scores, "one") == ("1", "")


def test_the_interval_is_that_of_the_scorer_for_the_same_seed() -> None:
    one = RESULT.scored["all"]
    expected = intervals(one.evidence, RESULT.gold.names, RESULT.setting.metric.score, resamples=300, seed=4)
    found = checkpoint(RESULT, "all", 300, 4)
    assert {name: draws.interval for name, draws in found.draws.items()} == expected


def test_the_standard_error_of_a_share_is_near_that_of_the_binomial() -> None:
    values = [1.0] * 100 + [-1.0] * 100
    found = checkpoint(feelings(values, ["positive"] * 150 + ["negative"] * 50), "all", 4000, 0)
    assert found.draws["acc"].error == pytest.approx(math.sqrt(0.75 * 0.25 / 200), rel=0.1)


def test_the_mean_of_two_alike_sets_is_surer_than_one_of_them() -> None:
    one = checkpoint(RESULT, "all", 2000, 0)
    found = mean_over_sets({"a": one, "b": one}, 0)
    assert found is not None
    assert found.score == one.score
    # Were both sets resampled alike, the error would not shrink.
    assert found.draws.error == pytest.approx((one.draws["waf"].error or 0) / math.sqrt(2), rel=0.1)


def test_a_set_without_a_number_leaves_no_mean() -> None:
    empty = checkpoint(feelings([0.0, 0.0], ["positive", "negative"]), "all", 10, 0)
    assert np.isnan(empty.score)
    assert empty.interval is None
    assert mean_over_sets({"a": empty}, 0) is None


def test_the_spread_leaves_out_what_is_no_number() -> None:
    found = spread({"1": 0.2, "2": 0.4, "3": math.nan})
    assert found is not None
    assert (found.checkpoints, found.lowest, found.highest) == (2, 0.2, 0.4)
    assert found.mean == pytest.approx(0.3)
    assert found.deviation == pytest.approx(0.1 * math.sqrt(2))
    assert spread({"1": math.nan}) is None


def test_nothing_of_a_checkpoint_is_drawn_without_resamples() -> None:
    found = checkpoint(RESULT, "all", 0, 0)
    assert found.interval is None
    assert found.draws["waf"].error is None
    assert found.score == pytest.approx(0.6)
