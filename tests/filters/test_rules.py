from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.rules import MEASURES, check_rules, holds
from mercap.errors import UsageError
from mercap.recipe import Rule, load_recipe


def rule(**changes: object) -> Rule:
    values = {"name": "r", "measure": "words", "comparator": ">=", "threshold": 3, "reason": "too few words"}
    return Rule.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("comparator", "kept"),
    [("<", [2]), ("<=", [2, 3]), (">", [4]), (">=", [3, 4]), ("==", [3]), ("!=", [2, 4])],
)
def test_a_rule_keeps_what_compares_well(comparator: str, kept: list[int]) -> None:
    assert [words for words in (2, 3, 4) if holds(rule(comparator=comparator), {"words": words})] == kept


def test_a_missing_measure_follows_the_rule() -> None:
    assert holds(rule(missing="keep"), {"words": None})
    assert not holds(rule(missing="drop"), {"words": None})


def test_a_rule_with_when_only_speaks_of_clips_where_that_measure_is_above_zero() -> None:
    only_speech = rule(when="speech_s")
    assert holds(only_speech, {"words": 0, "speech_s": 0})
    assert holds(only_speech, {"words": 0, "speech_s": None})
    assert not holds(only_speech, {"words": 0, "speech_s": 1.5})


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_opposite_comparators_never_agree(value: float, threshold: float) -> None:
    for one, other in (("<", ">="), (">", "<="), ("==", "!=")):
        answers = {
            holds(rule(comparator=comparator, threshold=threshold), {"words": value}) for comparator in (one, other)
        }
        assert answers == {True, False}


@pytest.mark.parametrize("field", ["measure", "when"])
def test_an_unknown_measure_is_named_with_the_nearest_known_one(field: str) -> None:
    with pytest.raises(UsageError, match="did you mean 'speech_ratio'"):
        check_rules([rule(**{field: "speach_ratio"})])


def test_the_shipped_recipe_uses_known_measures() -> None:
    recipe = load_recipe("embedded")
    check_rules(recipe.screen.rules)
    assert recipe.screen.rules


def test_every_measure_is_documented_in_one_line() -> None:
    assert all(text and "\n" not in text for text in MEASURES.values())
