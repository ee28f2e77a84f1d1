"""The phrases of one language: a template per observation, and how sentences are joined.

A template names measures in braces with Python's format specifications. A count may choose between two wordings,
split by a bar, in which ``#`` is the number: ``{frames:# frame|# frames}`` gives "1 frame" and "2 frames".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class _Count(int):
    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        return (one if self == 1 else many).replace("#", str(int(self))) if bar else super().__format__(spec)


@dataclass(frozen=True)
class Phrases:
    """``told`` by observation (and variant), ``frames`` for sentences that several share, with ``{parts}``."""

    told: Mapping[str, str]
    frames: Mapping[str, str]
    joint: str  # between the parts of one sentence
    between: str  # between sentences

    def say(self, phrase: str, values: Mapping[str, float]) -> str:
        """Raises KeyError for an unknown phrase or a value that it needs and does not get."""
        counted = {name: _Count(value) if isinstance(value, int) else value for name, value in values.items()}
        return self.told[phrase].format_map(counted)

    def join(self, frame: str, parts: Sequence[str]) -> str:
        return self.frames[frame].format(parts=self.joint.join(parts))
