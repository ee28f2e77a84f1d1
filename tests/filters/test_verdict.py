from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.verdict import classes, decide, majority
from mercap.ballot import vote
from mercap.recipe import VerdictSettings
from mercap.records import Emotion, Label, Labels, RuleFailure, Screen, Sentiment, Vote

PASSED = Screen(kept=True, failed=(), measures={})
FAILED = Screen(
    kept=False, failed=(RuleFailure(rule="short", reason="too short", measure="narrative_words", value=2),), measures={}
)
SETTINGS = VerdictSettings()


def labels(*names: str, sentiment: Sentiment = Sentiment.NEGATIVE) -> Labels:
    return Labels(labels=tuple(Label(text=name, start=0, end=1) for name in names), sentiment=sentiment)


def ballot(emotion: Emotion, score: float = 3.0) -> Vote:
    return vote("x", {emotion: score})


SAD, ANGRY, HAPPY = (ballot(emotion) for emotion in (Emotion.SAD, Emotion.ANGRY, Emotion.HAPPY))


def test_agreement_with_the_majority_keeps_a_caption() -> None:
    verdict = decide(labels("disappointed", "tense"), [SAD, SAD, HAPPY], PASSED, SETTINGS)
    assert verdict.kept
    assert verdict.reasons == ()
    assert (verdict.emotion, verdict.sentiment) == (Emotion.SAD, Sentiment.NEGATIVE)
    assert (verdict.emotion_agrees, verdict.sentiment_agrees, verdict.voters) == (True, True, 3)
    assert verdict.agreement == pytest.approx(2 / 3)


def test_every_reason_is_given_at_once() -> None:
    verdict = decide(labels("happy", sentiment=Sentiment.POSITIVE), [SAD], FAILED, VerdictSettings(min_voters=2))
    assert verdict.reasons == ("screen:short", "too_few_voters", "emotion_disagrees", "sentiment_disagrees")
    assert not verdict.kept


def test_without_labels_nothing_can_agree() -> None:
    verdict = decide(None, [SAD], PASSED, SETTINGS)
    assert verdict.reasons == ("no_labels",)
    assert (verdict.emotion, verdict.emotion_agrees, verdict.sentiment_agrees) == (Emotion.SAD, None, None)


def test_without_voters_there_is_no_majority() -> None:
    verdict = decide(labels("sad"), [], PASSED, SETTINGS)
    assert verdict.reasons == ("too_few_voters",)
    assert (verdict.emotion, verdict.sentiment, verdict.agreement) == (None, None, None)
    assert decide(labels("sad"), [], PASSED, VerdictSettings(min_voters=0)).kept


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (VerdictSettings(require_emotion=False), True),
        (VerdictSettings(require_sentiment=False), False),
        (VerdictSettings(), False),
    ],
)
def test_what_is_not_required_does_not_drop(settings: VerdictSettings, kept: bool) -> None:
    verdict = decide(labels("angry"), [SAD], PASSED, settings)  # same sentiment, another emotion
    assert verdict.emotion_agrees is False
    assert verdict.sentiment_agrees is True
    assert verdict.kept is kept


def test_labels_without_a_class_count_as_neutral() -> None:
    assert classes(labels("confident", "zesty")) == {Emotion.NEUTRAL}
    assert classes(labels()) == {Emotion.NEUTRAL}
    assert classes(labels("confident", "proud")) == {Emotion.HAPPY}


def test_a_tie_goes_to_the_surer_voter_then_to_the_order_of_the_enumeration() -> None:
    sure = ballot(Emotion.ANGRY, 5.0)
    assert majority(Emotion, [SAD.emotions, sure.emotions])[0] is Emotion.ANGRY
    assert majority(Emotion, [ANGRY.emotions, SAD.emotions])[0] is Emotion.SAD
    assert majority(Emotion, [])[0] is None


VOTES = st.builds(vote, st.just("x"), st.dictionaries(st.sampled_from(Emotion), st.floats(-3, 3)))


@given(st.lists(VOTES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_voters_does_not_matter(votes: list[Vote], random: st.DrawFn) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    answer = decide(labels("sad", "proud"), votes, PASSED, SETTINGS)
    assert decide(labels("sad", "proud"), shuffled, PASSED, SETTINGS) == answer


@given(st.lists(VOTES, min_size=1, max_size=6))
def test_another_voter_for_the_majority_never_lowers_agreement(votes: list[Vote]) -> None:
    before = decide(None, votes, PASSED, SETTINGS)
    assert before.emotion is not None
    assert before.agreement is not None
    after = decide(None, [*votes, ballot(before.emotion)], PASSED, SETTINGS)
    assert after.emotion == before.emotion
    assert after.agreement is not None
    assert after.agreement >= before.agreement


@given(VOTES, st.integers(1, 5))
def test_unanimous_voters_agree_completely(one: Vote, count: int) -> None:
    verdict = decide(None, [one] * count, PASSED, SETTINGS)
    assert verdict.agreement == 1.0
    assert one.emotions[verdict.emotion] == max(one.emotions.values())  # type: ignore[index]


@given(st.lists(VOTES, max_size=4), st.sampled_from(["sad", "happy", "calm"]), st.integers(0, 5))
def test_a_caption_is_kept_exactly_when_there_is_no_reason_against_it(votes: list[Vote], name: str, least: int) -> None:
    settings = VerdictSettings(min_voters=least)
    passed, failed = (decide(labels(name), votes, screen, settings) for screen in (PASSED, FAILED))
    assert passed.kept is (not passed.reasons)
    assert not failed.kept
    assert failed.reasons == ("screen:short", *passed.reasons)
