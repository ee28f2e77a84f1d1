"""The laws of the metrics, and what the three protocols do at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.unibench.files import Gold
from mercap.unibench.metrics import SentimentMetric, reward
from mercap.unibench.protocols import Protocol, Task
from mercap.unibench.scoring import Setting, score_answers
from mercap.vocabulary.groups import resolve
from mercap.vocabulary.tables import Tables

ROWS = tuple((name, f"{name}er", f"{name}est") for name in ("angry", "happy", "sad", "scared"))
ALIKE = {
    "happy": ("happy", "joy"),
    "sad": ("sad", "grief", "tears"),
    "angry": ("angry", "rage"),
    "scared": ("scared", "fear"),
}
TABLES = Tables(
    (ROWS,) * 5,
    {word: frozenset({word}) for row in ROWS for word in row},
    {form: frozenset({base}) for base, forms in ALIKE.items() for form in forms},
)
GROUPS = {corrected: resolve(TABLES, corrected=corrected) for corrected in (False, True)}
KNOWN = [form for forms in ALIKE.values() for form in forms]
LABELS = st.lists(st.sampled_from([*KNOWN, "neutral", "unheard of"]), max_size=5).map(tuple)
PROTOCOLS = st.sampled_from(list(Protocol))
LEVELS = st.sampled_from([1, 2])
CLIPS = st.lists(st.tuples(st.sampled_from(KNOWN), LABELS), min_size=1, max_size=8)


def score(
    task: Task, protocol: Protocol, gold: list[tuple[str, ...]], answers: list[tuple[str, ...]], level: int = 1
) -> dict[str, float]:
    names = [f"clip{number}" for number in range(len(gold))]
    setting = Setting(task, protocol, level, resamples=0)
    labels = Gold(task, dict(zip(names, gold, strict=True)), {})
    result = score_answers(setting, labels, {"all": dict(zip(names, answers, strict=True))}, GROUPS[protocol.corrected])
    return result.scored["all"].scores


def discrete(protocol: Protocol, clips: list[tuple[str, tuple[str, ...]]]) -> dict[str, float]:
    return score(Task.DISCRETE, protocol, [(gold,) for gold, _ in clips], [answer for _, answer in clips])


@given(CLIPS, PROTOCOLS, LEVELS, st.randoms(use_true_random=False))
def test_order_and_repeats_of_labels_do_not_matter(clips, protocol, level, chance) -> None:
    gold, answers = [(one,) for one, _ in clips], [answer for _, answer in clips]
    mixed = [tuple(chance.sample(answer * 2, 2 * len(answer))) for answer in answers]
    np.testing.assert_equal(
        score(Task.OV, protocol, gold, mixed, level), score(Task.OV, protocol, gold, answers, level)
    )


@given(CLIPS, PROTOCOLS)
def test_an_unknown_word_never_changes_a_score(clips, protocol) -> None:
    more = [(gold, (*answer, "flabbergasting")) for gold, answer in clips]
    np.testing.assert_equal(discrete(protocol, more), discrete(protocol, clips))


@given(
    st.lists(st.sampled_from(KNOWN), min_size=1, max_size=8),
    PROTOCOLS,
    LEVELS,
    st.sampled_from([Task.OV, Task.DISCRETE]),
)
def test_a_perfect_answer_scores_1(gold, protocol, level, task) -> None:
    scores = score(task, protocol, [(one,) for one in gold], [(one,) for one in gold], level)
    assert scores["f" if "f" in scores else "hit_rate"] == 1.0


@given(CLIPS, PROTOCOLS, st.sampled_from(KNOWN))
def test_the_hit_rate_never_falls_when_labels_are_added(clips, protocol, word) -> None:
    more = [(gold, (*answer, word)) for gold, answer in clips]
    assert discrete(protocol, more)["hit_rate"] >= discrete(protocol, clips)["hit_rate"]


@given(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=8))
def test_the_corrected_score_falls_when_wrong_labels_are_added_to_right_ones(gold) -> None:
    right = [(one, (one,)) for one in gold]
    padded = [(one, tuple(KNOWN)) for one in gold]
    assert discrete(Protocol.CORRECTED, padded)["f"] < discrete(Protocol.CORRECTED, right)["f"]
    assert discrete(Protocol.CORRECTED, padded)["hit_rate"] == discrete(Protocol.CORRECTED, right)["hit_rate"]


def test_when_nothing_is_right_2025_has_no_number_and_2026_has_zero() -> None:
    clips = [("happy", ("sad",))]
    args = [[("happy",)], [("sad",)]]
    assert discrete(Protocol.PUBLISHED_2025, clips)["hit_rate"] == 0.0
    assert np.isnan(score(Task.OV, Protocol.PUBLISHED_2025, *args)["f"])
    assert score(Task.OV, Protocol.PUBLISHED_2026, *args)["f"] == 0.0


def test_when_no_clip_counts_2025_has_no_number_and_2026_has_zero() -> None:
    clips = [("neutral", ("sad",))]
    assert np.isnan(discrete(Protocol.PUBLISHED_2025, clips)["hit_rate"])
    assert discrete(Protocol.PUBLISHED_2026, clips)["hit_rate"] == 0.0


def test_neutral_clips_count_in_the_corrected_protocol_only() -> None:
    clips = [("neutral", ("neutral",)), ("sad", ("happy",))]
    assert discrete(Protocol.PUBLISHED_2026, clips)["hit_rate"] == 0.0
    assert discrete(Protocol.CORRECTED, clips)["hit_rate"] == 0.5


def sentiment(protocol: Protocol, gold: list[float], answers: list[str]) -> dict[str, float]:
    metric = SentimentMetric(protocol)
    return metric.score(metric.evidence(np.array(gold), answers).sum(axis=0))


def test_published_sentiment_takes_whatever_is_not_positive_for_negative() -> None:
    assert sentiment(Protocol.PUBLISHED_2025, [-1, -0.2, 2], ["neutral", "mixed", "positive"])["acc"] == 1.0


def test_published_sentiment_leaves_out_clips_whose_gold_is_zero() -> None:
    found = sentiment(Protocol.PUBLISHED_2025, [0, 1], ["negative", "positive"])
    assert (found["n_scored"], found["acc"]) == (1, 1.0)


def test_corrected_sentiment_has_three_outcomes_and_what_is_none_of_them_is_wrong() -> None:
    found = sentiment(Protocol.CORRECTED, [0, 0, 1, -1], ["neutral", "mixed", "positive", "negative"])
    assert (found["n_scored"], found["acc"]) == (4, 0.75)


def test_the_weighted_f1_is_the_textbook_one() -> None:
    # 3 positive (2 found), 2 negative (1 found): F1 of positive 2/3, of negative 1/2; weighted 0.6.
    found = sentiment(
        Protocol.PUBLISHED_2025, [1, 1, 1, -1, -1], ["positive", "positive", "negative", "negative", "positive"]
    )
    assert found["waf"] == pytest.approx(0.6)
    assert found["acc"] == pytest.approx(0.6)


def test_without_a_clip_that_counts_sentiment_has_no_number() -> None:
    assert np.isnan(sentiment(Protocol.PUBLISHED_2025, [0], ["positive"])["waf"])


@given(LABELS, LABELS)
def test_a_reward_lies_between_0_and_1_and_an_exact_answer_earns_1(gold, answer) -> None:
    assert 0.0 <= reward(gold, answer, GROUPS[False]) <= 1.0
    assert reward(gold, gold, GROUPS[False]) == float(any(label in KNOWN for label in gold))


def test_a_long_list_earns_less_than_the_right_word() -> None:
    assert reward("[happy]", "[happy, sad, angry, scared]", GROUPS[False]) < reward("[happy]", "[joy]", GROUPS[False])
