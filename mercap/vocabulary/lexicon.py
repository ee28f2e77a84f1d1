"""Find words of emotion and sentiment in English text, with negation and intensity.

The entries are ours: ``lexicon.csv`` beside this file, one row per word form with

- ``label``: the adjective an open-vocabulary label would use, empty for words that show a feeling without
naming
  it ("laugh", "how dare");
- ``emotion``: the basic class, empty for words of sentiment only;
- ``sentiment`` and ``strength`` (0 to 1).

It is a dictionary, not a parser: it knows no irony, no word senses and no language but English. Text in
another language gives no hits. Costs one table of about 600 rows, read on first use, and about 10
microseconds per word.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from mercap.records import Emotion, Sentiment

FILE = Path(__file__).with_name("lexicon.csv")
TOKEN = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
STOP = re.compile(r"[^\s'’A-Za-z0-9-]")  # punctuation between two tokens ends what reaches across it
SCOPE = 3  # tokens before a hit in which a negation or degree counts

NEGATIONS = frozenset(
    {
        "not",
        "no",
        "never",
        "without",
        "hardly",
        "barely",
        "scarcely",
        "neither",
        "nor",
        "none",
        "cannot",
        "nobody",
        "nothing",
        "lacks",
        "lacking",
    }
)
NOT_DENIED = frozenset({"only", "wonder", "doubt"})  # "not only sad" is sad
AFTER_NEVER = frozenset({"so", "such", "more", "this"})  # "never been so sad" is very sad
TURNS = frozenset({"but", "however", "although", "though", "yet", "because"})
STRONGER = frozenset(
    {
        "very",
        "so",
        "really",
        "extremely",
        "absolutely",
        "deeply",
        "totally",
        "completely",
        "truly",
        "incredibly",
        "such",
    }
)
WEAKER = frozenset({"slightly", "somewhat", "mildly", "little", "bit", "rather", "kinda", "partly", "faintly"})
STRONGER_BY, WEAKER_BY = 1.25, 0.7


class Entry(NamedTuple):
    """One row of the lexicon. ``words`` is the row's word form, split at blanks."""

    words: tuple[str, ...]
    label: str | None
    emotion: Emotion | None
    sentiment: Sentiment
    strength: float


class Hit(NamedTuple):
    """An entry found at the half-open character span ``start`` to ``end``.

    ``strength`` includes words of degree, at most 1. ``negated`` hits carry the entry's own emotion and
    sentiment: what "not happy" means is for the reader of the hit to decide.
    """

    word: str
    label: str | None
    emotion: Emotion | None
    sentiment: Sentiment
    strength: float
    start: int
    end: int
    negated: bool


def find(text: str) -> list[Hit]:
    """Entries found in ``text`` in order, the longest entry first where several begin at one word."""
    tokens = list(TOKEN.finditer(text))
    words = [_plain(token.group()) for token in tokens]
    joined = [not STOP.search(text, left.end(), right.start()) for left, right in pairwise(tokens)]
    hits: list[Hit] = []
    at = taken = 0
    while at < len(words):
        entry = _longest(words, joined, at)
        if entry is None:
            at += 1
            continue
        before = _scope(words, joined, at, taken)
        start, end = tokens[at].start(), tokens[at + len(entry.words) - 1].end()
        strength = min(1.0, round(entry.strength * _degree(before), 6))
        # "not sad or angry" denies both
        negated = hits[-1].negated if hits and list(before) == ["or"] else _negated(before)
        hits.append(Hit(_plain(text[start:end]), *entry[1:4], strength, start, end, negated))
        at = taken = at + len(entry.words)
    return hits


def basic_class(label: str) -> Emotion | None:
    """The basic class of a label; ``None`` for one that is unknown or has none.

    A label of the lexicon's own has its class; of any other text the first word found that has one counts.
    """
    own = _classes_of_labels().get(_plain(label.strip()))
    return own or next((hit.emotion for hit in find(label) if hit.emotion and not hit.negated), None)


@functools.cache
def entries() -> dict[str, tuple[Entry, ...]]:
    """The lexicon by first word, longer entries first."""
    by_first: dict[str, list[Entry]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            words = tuple(re.split(r"[ -]", row["word"]))
            emotion = Emotion(row["emotion"]) if row["emotion"] else None
            entry = Entry(words, row["label"] or None, emotion, Sentiment(row["sentiment"]), float(row["strength"]))
            by_first.setdefault(words[0], []).append(entry)
    return {first: tuple(sorted(found, key=lambda e: -len(e.words))) for first, found in by_first.items()}


@functools.cache
def _classes_of_labels() -> dict[str, Emotion]:
    return {e.label: e.emotion for found in entries().values() for e in found if e.label and e.emotion}


def _plain(token: str) -> str:
    return token.lower().replace("’", "'")


def _longest(words: Sequence[str], joined: Sequence[bool], at: int) -> Entry | None:
    for entry in entries().get(words[at], ()):
        stop = at + len(entry.words)
        if tuple(words[at:stop]) == entry.words and all(joined[at : stop - 1]):
            return entry
    return None


def _scope(words: Sequence[str], joined: Sequence[bool], at: int, taken: int) -> Sequence[str]:
    """The words before a hit that can change it: up to three, back to punctuation, a turn, or the hit before."""
    first = at
    while first > max(taken, at - SCOPE) and joined[first - 1] and words[first - 1] not in TURNS:
        first -= 1
    return words[first:at]


def _negated(before: Sequence[str]) -> bool:
    """Two negations cancel; "not only", "no wonder" and "never so" are none."""
    count = 0
    for place, word in enumerate(before):
        following = before[place + 1 :]
        if word == "never" and AFTER_NEVER.intersection(following):
            continue
        if (word in NEGATIONS or word.endswith("n't")) and not NOT_DENIED.intersection(following[:1]):
            count += 1
    return count % 2 == 1


def _degree(before: Sequence[str]) -> float:
    """The factor of the degree word nearest to the hit."""
    for word in reversed(before):
        if word in STRONGER:
            return STRONGER_BY
        if word in WEAKER:
            return WEAKER_BY
    return 1.0
