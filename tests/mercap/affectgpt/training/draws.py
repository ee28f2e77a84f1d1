"""Examples of given lengths, as a plan sees them."""

from __future__ import annotations

from mercap.affectgpt.example import TARGETS, Target


class Lengths:
    """Each example has a description of ``long`` tokens and labels of ``short``; 0 where it has none."""

    def __init__(self, lengths: list[tuple[int, int]]) -> None:
        self._lengths = lengths

    def __len__(self) -> int:
        return len(self._lengths)

    def clip(self, place: int) -> str:
        return f"{place:064x}"

    def targets(self, place: int) -> tuple[Target, ...]:
        return tuple(target for target in TARGETS if self.length(place, target))

    def length(self, place: int, target: Target) -> int:
        return self._lengths[place][TARGETS.index(target)]
