"""Extract open-vocabulary labels and the sentiment from a narrative, each with the words it came from.

The embedded answer to `label`: words of the lexicon that name a feeling, outside quotation marks (what a
subtitle says is not what the narrative concludes), unless they are denied ("not sad", "no sign of sadness",
"does not fit sadness"). English only; costs about 10 microseconds per word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mercap.errors import NothingToDo
from mercap.records import Emotion, Label, Labels, Narrative, Sentiment
from mercap.vocabulary.lexicon import Hit, find

LABELS_MAX = 6
SUMMARY_WEIGHT = 3.0  # of the last sentence, which draws the conclusion
UNNAMED_WEIGHT = 0.5  # of words that have a sentiment without naming a feeling
QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|「[^」]*」|『[^』]*』")
SENTENCE_END = re.compile(r"[.!?…。！？]+(?=\s|$)")
LIST_GOES_ON = r"(?:\w+ly\s+)?\w+\s*(?:,|$|[.;]|\b(?:or|and|nor)\b)"  # ", anger or fear"
CLAUSE_START = re.compile(
    rf"[.!?;:—。！？；：]|,(?!\s*{LIST_GOES_ON})|\b(?:but|however|although|though|only|instead(?! of))\b", re.IGNORECASE
)
DENIAL = re.compile(
    r"\b(?:no|without|little|lacks?|lacking)\s+(?:\w+\s+){0,2}(?:signs?|traces?|hints?|evidence|indications?)\b"
    r"|\b(?:not|n['’]t|never|nothing|neither)\s+(?:\w+\s+){0,2}"
    r"(?:fit|support|match|suggest|indicate|show|appear|seem|look|speak|express|feel|be)s?\b"
    r"|\b(?:rather than|instead of|absence of|lack of|contradicts?|rules? out|exclude[sd]?)\b",
    re.IGNORECASE,
)


def extract(narrative: Narrative) -> Labels:
    """Labels in order of their first mention, at most six, and the sentiment most of the evidence has.

    ``narrative.text[label.start:label.end]`` is the word found, ``label.text`` the adjective the lexicon has
    for it. Raises `NothingToDo` ``no_labels`` when no feeling is named.
    """
    text = QUOTED.sub(lambda quote: " " * len(quote.group()), narrative.text)  # spans stay what they are
    hits = [hit for hit in find(text) if not hit.negated and not _denied(text, hit.start)]
    first: dict[str, Hit] = {}
    for hit in hits:
        if hit.label:
            first.setdefault(hit.label, hit)
    if not first:
        raise NothingToDo("no_labels")
    if len(first) > 1:
        first.pop(str(Emotion.NEUTRAL), None)  # "the voice is neutral" is no feeling beside one that was named
    labels = tuple(Label(text=name, start=hit.start, end=hit.end) for name, hit in list(first.items())[:LABELS_MAX])
    sentiment, span = _sentiment(hits, _summary_start(text))
    return Labels(labels=labels, sentiment=sentiment, sentiment_span=span)


def _denied(text: str, at: int) -> bool:
    """Is there a phrase of denial before ``at`` in the same clause?"""
    sentence = max((end.end() for end in SENTENCE_END.finditer(text, 0, at)), default=0)
    starts = [start.end() for start in CLAUSE_START.finditer(text, sentence) if start.end() <= at]
    clause = max(starts, default=sentence)
    return DENIAL.search(text, clause, at) is not None


def _summary_start(text: str) -> int:
    """Where the last sentence begins."""
    ends = [end.end() for end in SENTENCE_END.finditer(text.rstrip())]
    return ends[-2] if len(ends) > 1 else 0


def _sentiment(hits: Sequence[Hit], summary_start: int) -> tuple[Sentiment, tuple[int, int]]:
    """The sentiment with the most weight, and the heaviest word that has it; ties go to the earlier word."""

    def weight(hit: Hit) -> float:
        named = 1.0 if hit.label else UNNAMED_WEIGHT
        return hit.strength * named * (SUMMARY_WEIGHT if hit.start >= summary_start else 1.0)

    total: dict[Sentiment, float] = {}
    for hit in hits:
        total[hit.sentiment] = total.get(hit.sentiment, 0.0) + weight(hit)
    winner = max(total, key=lambda sentiment: total[sentiment])
    decisive = max((hit for hit in hits if hit.sentiment == winner), key=weight)
    return winner, (decisive.start, decisive.end)
