from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.ballot import count
from mercap.records import Emotion, Sentiment

POINTS = st.floats(0, 1e6, allow_nan=False)


@given(st.dictionaries(st.sampled_from(list(map(str, Emotion))), POINTS))
def test_points_over_emotions_become_shares_that_sum_to_one(points: dict[str, float]) -> None:
    if not sum(points.values()) > 0:
        with pytest.raises(ValueError, match="more than none"):
            count("v", Emotion, points)
        return
    vote = count("v", Emotion, points)
    for shares in (vote.emotions, vote.sentiments):
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert min(shares.values()) >= 0


def test_a_sentiment_has_the_points_of_all_its_classes() -> None:
    vote = count("v", Emotion, {"sad": 2, "angry": 1, "happy": 1})
    assert vote.sentiments == {Sentiment.POSITIVE: 0.25, Sentiment.NEGATIVE: 0.75, Sentiment.NEUTRAL: 0.0}


def test_points_over_sentiments_are_silent_on_emotion() -> None:
    vote = count("v", Sentiment, {"neutral": 3, "positive": 1})
    assert vote.emotions == {}
    assert vote.sentiment is Sentiment.NEUTRAL


@pytest.mark.parametrize("points", [{"sad": -1.0, "happy": 2.0}, {"sad": float("nan")}, {"sad": float("inf")}, {}])
def test_what_is_no_sharing_out_of_points_is_refused(points: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="points are finite"):
        count("v", Emotion, points)
