"""Which group a word belongs to on every emotion wheel, as one array: shared by scoring, filters and votes.

A word form stands for base words, these for wheel words; the alphabetically first wheel word that the wheel knows gives
the group (the official rule, MER-UniBench). Resolving is a dictionary look-up and one row of an array.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mercap.errors import UsageError
from mercap.vocabulary.tables import LEVELS, WHEELS, Tables, wheel_map, without_antonyms

NEUTRAL = "neutral"
GROUPS_MAX = 63  # on one wheel at one level: a set of groups is one 64-bit mask

Masks = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Groups:
    """All word forms resolved.

    ``names[wheel][level]`` are the groups in alphabetical order; ``places`` (forms, wheels, levels) indexes them, -1
    where a wheel does not cover a form. Levels count from 0 in arrays, from 1 in the methods.
    """

    forms: tuple[str, ...]
    names: tuple[tuple[tuple[str, ...], ...], ...]
    places: NDArray[np.int8]

    @functools.cached_property
    def rows(self) -> dict[str, int]:
        return {form: row for row, form in enumerate(self.forms)}

    @functools.cached_property
    def masks(self) -> Masks:
        """Per form, wheel and level a mask with the group's bit; a last row, of zeros, is every unknown word's."""
        bits = np.where(self.places >= 0, np.uint64(1) << self.places.clip(0).astype(np.uint64), np.uint64(0))
        return np.concatenate([bits, np.zeros((1, *bits.shape[1:]), np.uint64)])

    def group(self, word: str, wheel: int, level: int = 1) -> str | None:
        """The group of ``word`` on ``wheel`` (1 to 5); ``None`` for a word unknown or not covered."""
        row = self.rows.get(word.strip().lower())
        place = -1 if row is None else int(self.places[row, wheel - 1, level - 1])
        return None if place < 0 else self.names[wheel - 1][level - 1][place]

    def sets(self, answers: Sequence[Sequence[str]], level: int = 1) -> Masks:
        """The set of groups of each answer (lower-case words), (answers, wheels): the union over its words."""
        rows, unknown = self.rows, len(self.forms)
        found = [rows.get(word, unknown) for answer in answers for word in (*answer, "")]
        ends = np.cumsum([len(answer) + 1 for answer in answers], dtype=np.intp)
        if not len(ends):
            return np.zeros((0, self.places.shape[1]), np.uint64)
        starts = np.concatenate([[0], ends[:-1]])
        return np.asarray(np.bitwise_or.reduceat(self.masks[found, :, level - 1], starts, axis=0))


def resolve(tables: Tables, *, corrected: bool = False) -> Groups:
    """Resolve every form of ``tables``.

    ``corrected`` leaves out forms that say the opposite of their base word and makes "neutral" a group of its own
    on every wheel (published, it belongs to none). Raises UsageError for a wheel of more than 63 groups.
    """
    used = without_antonyms(tables) if corrected else tables
    forms = tuple(sorted({*used.forms, NEUTRAL} if corrected else used.forms))
    words = [used.wheel_words(form) for form in forms]
    places = np.full((len(forms), WHEELS, len(LEVELS)), -1, np.int8)
    names = []
    for wheel, rows in enumerate(used.wheels):
        of_wheel = []
        for level in LEVELS:
            groups = wheel_map(rows, level)
            known = tuple(sorted({*groups.values(), NEUTRAL} if corrected else set(groups.values())))
            if len(known) > GROUPS_MAX:
                raise UsageError(
                    f"wheel{wheel + 1}.xlsx has {len(known)} groups at level {level}; {GROUPS_MAX} can be told apart."
                )
            number = {name: place for place, name in enumerate(known)}
            for row, candidates in enumerate(words):
                first = next((groups[word] for word in candidates if word in groups), None)
                if first is not None:
                    places[row, wheel, level - 1] = number[first]
                elif corrected and forms[row] == NEUTRAL:
                    places[row, wheel, level - 1] = number[NEUTRAL]
            of_wheel.append(known)
        names.append(tuple(of_wheel))
    return Groups(forms, tuple(names), places)
