"""Read words, face and voice as evidence: how much each speaks for which basic class.

One modality's observations for a class combine as independent hints do (1 minus the product of what each
leaves open); an observation that fits several classes is shared out among them. Words weigh most, then the
face, then the voice: words say what a feeling is about, while pitch and loudness change for many reasons. The
weights are this project's own choice, not fitted to data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from mercap.cues.phrases_en import NAMES
from mercap.records import Cue, Emotion, Evidence, Sentiment, Transcript
from mercap.vocabulary.lexicon import Hit, find
from mercap.vocabulary.sentiment import SENTIMENT_OF

WEIGHTS = {"words": 0.5, "face": 0.3, "voice": 0.2}
HITS_MAX = 6  # strongest words of a transcript that count
LEADING_SHARE = 2 / 3  # of the best class's score: another class is named beside it from here on
WEAK = 0.04  # below this a class is not named at all
MARKED = 0.2  # an observation from here on stands out from the ordinary
OPPOSED = 0.3  # both sides of a disagreement speak at least this clearly
SIGN = {Sentiment.POSITIVE: 1, Sentiment.NEGATIVE: -1, Sentiment.NEUTRAL: 0}
TONE_ONLY = 0.5  # what a word of sentiment without an emotion counts for happiness or sadness
DENIED = 0.5  # what denied happiness counts for sadness


class Reading(NamedTuple):
    """What one modality says. ``sign`` is -1, 0 or 1 for its sentiment, ``force`` 0 to 1 how clearly it has one."""

    name: str
    weight: float
    scores: dict[Emotion, float]
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    sign: int
    force: float

    def specific(self, emotion: Emotion) -> list[str]:
        """Labels of this class that words named, strongest first."""
        named = [hit for hit in self.hits if hit.emotion == emotion and hit.label and not hit.negated]
        return list(dict.fromkeys(str(hit.label) for hit in sorted(named, key=lambda hit: -hit.strength)))


def read_words(transcript: Transcript | None) -> Reading:
    """Evidence of the transcript's words; recognised words weigh as much as their confidence."""
    hits = _strongest(find(transcript.text)) if transcript else ()
    confidence = 1.0 if transcript is None or transcript.confidence is None else transcript.confidence
    tone = sum(_tone(hit) for hit in hits)
    sign = 0 if abs(tone) < 1e-9 else 1 if tone > 0 else -1
    weight = WEIGHTS["words"] * confidence
    return Reading("words", weight, _combine(_of_hits(hits)), hits, (), sign, min(1.0, abs(tone)))


def read_cue(name: str, cue: Cue | None) -> Reading:
    """Evidence of a cue. One without structured evidence (free text of a model) is read for words of emotion.

    Observations of a cue in another language are told by their English names, unknown ones not at all.
    """
    evidence = _in_english(cue) if cue else ()
    hits = _strongest(find(cue.text)) if cue and not evidence else ()
    scores = _combine(_of_hits(hits)) if hits else _combine(_of_evidence(evidence))
    leading = best_emotions(scores)
    sign = SIGN[SENTIMENT_OF[leading[0]]] if leading else 0
    force = scores[leading[0]] if leading else 0.0
    return Reading(name, WEIGHTS[name], scores, hits, evidence, sign, force)


def _in_english(cue: Cue) -> tuple[Evidence, ...]:
    if cue.language == "en":
        return cue.evidence
    return tuple(item.model_copy(update={"text": NAMES.get(item.observation, "")}) for item in cue.evidence)


def best_emotions(scores: Mapping[Emotion, float]) -> list[Emotion]:
    """The leading class and those close to it, best first; neutral only alone. Empty when all are weak."""
    ranked = sorted(Emotion, key=lambda emotion: -scores.get(emotion, 0.0))  # ties: order of the enumeration
    top = scores.get(ranked[0], 0.0)
    if top < WEAK:
        return []
    close = [emotion for emotion in ranked if scores.get(emotion, 0.0) >= max(WEAK, LEADING_SHARE * top)]
    return close[:1] if close[0] is Emotion.NEUTRAL else [e for e in close if e is not Emotion.NEUTRAL]


def disagreeing(*readings: Reading) -> list[tuple[str, str]]:
    """Names of pairs whose sentiments are opposite, both clearly."""
    return [
        (first.name, second.name)
        for first, second in combinations(readings, 2)
        if first.sign * second.sign < 0 and min(first.force, second.force) >= OPPOSED
    ]


def _strongest(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Each word once, the strongest few, in order of the text."""
    once: dict[tuple[str, bool], Hit] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.strength, hit.start)):
        once.setdefault((hit.word, hit.negated), hit)
    return tuple(sorted(list(once.values())[:HITS_MAX], key=lambda hit: hit.start))


def _tone(hit: Hit) -> float:
    """Signed strength: denying something good is half as bad as its opposite, denying something bad says little."""
    tone = SIGN[hit.sentiment] * hit.strength
    if hit.negated:
        return -DENIED * tone if tone > 0 else 0.0
    return tone


def _of_hits(hits: Iterable[Hit]) -> Iterable[tuple[Emotion, float]]:
    for hit in hits:
        if hit.negated:
            if hit.emotion is Emotion.HAPPY:
                yield Emotion.SAD, DENIED * hit.strength
        elif hit.emotion is not None:
            yield hit.emotion, hit.strength
        elif hit.sentiment is not Sentiment.NEUTRAL:
            favourable = hit.sentiment is Sentiment.POSITIVE
            yield Emotion.HAPPY if favourable else Emotion.SAD, TONE_ONLY * hit.strength


def _of_evidence(evidence: Sequence[Evidence]) -> Iterable[tuple[Emotion, float]]:
    """An ordinary value speaks for neutral only where nothing is marked: three of them do not outvote a shout."""
    marked = any(item.strength >= MARKED and set(item.emotions) - {Emotion.NEUTRAL} for item in evidence)
    for item in evidence:
        if marked and item.emotions == (Emotion.NEUTRAL,):
            continue
        for emotion in item.emotions:
            yield emotion, item.strength / len(item.emotions)


def _combine(hints: Iterable[tuple[Emotion, float]]) -> dict[Emotion, float]:
    left_open: dict[Emotion, float] = {}
    for emotion, strength in hints:
        left_open[emotion] = left_open.get(emotion, 1.0) * (1.0 - strength)
    return {emotion: 1.0 - share for emotion, share in left_open.items()}
