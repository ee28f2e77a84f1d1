"""From scores or points to a vote: probabilities over emotions and sentiments, each summing to 1.

A softmax keeps every class possible, so no embedded voter is ever certain. A sentiment's share is the mean over its
classes and not the sum: four of the seven classes are negative, and a voter that knows nothing should not vote
negative. Costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

from mercap.records import Emotion, Sentiment, Vote
from mercap.vocabulary.sentiment import SENTIMENT_OF

Member = TypeVar("Member", Emotion, Sentiment)
DIGITS = 6  # exponentials differ in the last bit between machines; cells must not


def vote(voter: str, scores: Mapping[Emotion, float]) -> Vote:
    """Softmax of ``scores`` (natural logarithms of odds, any range); a class that is left out scores 0."""
    highest = max(scores.get(emotion, 0.0) for emotion in Emotion)
    odds = {emotion: math.exp(scores.get(emotion, 0.0) - highest) for emotion in Emotion}
    emotions = _shares(odds)
    return Vote(voter=voter, emotions=emotions, sentiments=_shares(_means(emotions)))


def count(voter: str, kind: type[Emotion | Sentiment], points: Mapping[str, float]) -> Vote:
    """The vote of somebody who shared out points (finite, not negative) over emotions, or over sentiments alone.

    One on emotions has a say on sentiment too, the sum over its classes: unlike a softmax, points are zero where
    nothing speaks for a class. One on sentiments has no say on emotion. Raises ValueError where no point was given.
    """
    given = [float(points.get(member, 0.0)) for member in kind]
    if any(not math.isfinite(value) or value < 0 for value in given) or not math.fsum(given) > 0:
        raise ValueError("points are finite, not negative, and more than none")
    if kind is Sentiment:
        return Vote(voter=voter, emotions={}, sentiments=_shares({one: points.get(one, 0.0) for one in Sentiment}))
    emotions = _shares({one: points.get(one, 0.0) for one in Emotion})
    return Vote(voter=voter, emotions=emotions, sentiments=_shares(_sums(emotions)))


def _sums(emotions: Mapping[Emotion, float]) -> dict[Sentiment, float]:
    return {
        one: math.fsum(emotions[emotion] for emotion in Emotion if SENTIMENT_OF[emotion] is one) for one in Sentiment
    }


def _means(emotions: Mapping[Emotion, float]) -> dict[Sentiment, float]:
    members = {
        sentiment: [emotions[emotion] for emotion in Emotion if SENTIMENT_OF[emotion] is sentiment]
        for sentiment in Sentiment
    }
    return {sentiment: sum(shares) / len(shares) for sentiment, shares in members.items()}


def _shares(weights: Mapping[Member, float]) -> dict[Member, float]:
    """Rounded shares; the largest takes up what rounding left over."""
    total = math.fsum(weights.values())
    shares = {member: round(weight / total, DIGITS) for member, weight in weights.items()}
    largest = max(shares, key=lambda member: shares[member])
    shares[largest] = round(shares[largest] + 1.0 - math.fsum(shares.values()), DIGITS)
    return shares
