"""The high-level filter: do a caption's labels agree with the majority of the voters?

After the MER-Caption paper (arXiv 2501.16566, "model-based crowdsourcing"): every voter answers with one emotion and
one sentiment, the majority decides, and a caption is kept when its own emotion and sentiment agree with it. As there,
labels that belong to no class count as neutral. Deviations: agreement is tested on seven basic classes by the lexicon
and not on the five emotion wheels; ties are broken by summed probability. Costs microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from mercap.recipe import VerdictSettings
from mercap.records import Emotion, Labels, Screen, Sentiment, Verdict, Vote
from mercap.vocabulary.lexicon import basic_class

Member = TypeVar("Member", bound=StrEnum)


def decide(labels: Labels | None, votes: Sequence[Vote], screen: Screen, settings: VerdictSettings) -> Verdict:
    """The verdict with every reason against keeping: ``screen:<rule>``, ``no_labels``, ``too_few_voters``,
    ``emotion_disagrees``, ``sentiment_disagrees``. The order of ``votes`` does not matter.

    Without votes there is no majority and nothing can disagree: such a caption is kept only where the settings ask
    for no voter at all.
    """
    # A voter of one question alone has no say in the other.
    emotion, agreement = majority(Emotion, [vote.emotions for vote in votes if vote.emotions])
    sentiment, _ = majority(Sentiment, [vote.sentiments for vote in votes if vote.sentiments])
    emotion_agrees = None if labels is None or emotion is None else emotion in classes(labels)
    sentiment_agrees = None if labels is None or sentiment is None else sentiment == labels.sentiment
    reasons = [f"screen:{failure.rule}" for failure in screen.failed]
    if labels is None:
        reasons.append("no_labels")
    if len(votes) < settings.min_voters:
        reasons.append("too_few_voters")
    if settings.require_emotion and emotion_agrees is False:
        reasons.append("emotion_disagrees")
    if settings.require_sentiment and sentiment_agrees is False:
        reasons.append("sentiment_disagrees")
    return Verdict(
        kept=not reasons,
        reasons=tuple(reasons),
        emotion=emotion,
        sentiment=sentiment,
        emotion_agrees=emotion_agrees,
        sentiment_agrees=sentiment_agrees,
        agreement=agreement,
        voters=len(votes),
    )


def majority(kind: type[Member], votes: Sequence[Mapping[Member, float]]) -> tuple[Member, float] | tuple[None, None]:
    """The answer most voters give and the share of them behind it; ``(None, None)`` without voters.

    Ties go to the higher summed probability, then to the order of the enumeration.
    """
    if not votes:
        return None, None
    answers = [max(kind, key=lambda member: vote.get(member, 0.0)) for vote in votes]
    # fsum is exact, so the sum does not depend on the order of the voters
    weight = {member: math.fsum(vote.get(member, 0.0) for vote in votes) for member in kind}
    winner = max(kind, key=lambda member: (answers.count(member), weight[member]))
    return winner, answers.count(winner) / len(votes)


def classes(labels: Labels) -> set[Emotion]:
    """The basic classes of the labels; neutral when none has one."""
    return {found for label in labels.labels if (found := basic_class(label.text))} or {Emotion.NEUTRAL}
