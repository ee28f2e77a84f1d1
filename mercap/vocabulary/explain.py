"""Why a word belongs to the group it belongs to: every step from word to wheel, and what the tie was decided by."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from mercap.vocabulary.groups import NEUTRAL
from mercap.vocabulary.tables import LEVELS, Tables, opposite, wheel_map


@dataclass(frozen=True)
class Step:
    """One wheel at one level: ``candidates`` are (wheel word, its group) in the order in which they were tried."""

    wheel: int
    level: int
    candidates: tuple[tuple[str, str], ...]

    @property
    def group(self) -> str | None:
        return self.candidates[0][1] if self.candidates else None

    @property
    def tied(self) -> bool:
        return len({group for _, group in self.candidates}) > 1


@dataclass(frozen=True)
class Explanation:
    """``opposites`` are base words the corrected tables leave out; ``similar`` known forms, for an unknown word."""

    word: str
    bases: tuple[str, ...]
    wheel_words: tuple[str, ...]
    opposites: tuple[str, ...]
    steps: tuple[Step, ...]
    similar: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.word == NEUTRAL and not self.bases:
            return "neutral belongs to no published wheel; the corrected protocol makes it a group of its own."
        if not self.bases:
            return f"{self.word} is not among the known word forms, so it never counts."
        if not any(step.group for step in self.steps):
            return f"{self.word} is known, but none of its wheel words is on any wheel."
        return f"{self.word} is known as a form of {', '.join(self.bases)}."


def explain(tables: Tables, word: str) -> Explanation:
    """Follow ``word`` through the tables as published."""
    word = word.strip().lower()
    bases = tuple(sorted(tables.forms.get(word, ())))
    wheel_words = tuple(tables.wheel_words(word))
    steps = []
    for number, rows in enumerate(tables.wheels, 1):
        for level in LEVELS:
            groups = wheel_map(rows, level)
            steps.append(Step(number, level, tuple((one, groups[one]) for one in wheel_words if one in groups)))
    return Explanation(
        word,
        bases,
        wheel_words,
        opposites=tuple(base for base in bases if opposite(word, base)),
        steps=tuple(steps),
        similar=() if bases else tuple(difflib.get_close_matches(word, tables.forms, n=5, cutoff=0.75)),
    )
