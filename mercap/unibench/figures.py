"""Numbers and tables as a reader sees them: Markdown, HTML and the terminal show the same ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

NONE = "–"


def percent(value: float | None, digits: int = 2) -> str:
    return NONE if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def signed(value: float | None) -> str:
    return NONE if value is None or math.isnan(value) else f"{100 * value:+.2f}"


def interval(found: Sequence[float] | None, *, signs: bool = False) -> str:
    """``low to high`` in percent; empty where there is none."""
    write = signed if signs else percent
    return "" if found is None else f"{write(found[0])} to {write(found[1])}"


def p_value(value: float | None) -> str:
    return NONE if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


class Bar(NamedTuple):
    """A score between the ends of its interval, as fractions, for a drawing."""

    low: float
    score: float
    high: float


class Line(NamedTuple):
    """One row of a table; ``kind`` is ours, published, constant or plain."""

    cells: tuple[str, ...]
    kind: str = "plain"
    bar: Bar | None = None


@dataclass(frozen=True)
class Grid:
    """A table of texts. Columns named in ``words`` are read from the left; the others hold numbers."""

    columns: tuple[str, ...]
    lines: list[Line]
    words: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
