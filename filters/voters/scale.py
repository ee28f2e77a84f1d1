"""Put a measure on the scale of its ordinary range: 0 in the middle, -1 and 1 at the ends, cut off at -2 and 2."""

from __future__ import annotations

from mercap.measures.norms import Range

FARTHEST = 2.0


def place(value: float | None, ordinary: Range) -> float:
    """Where ``value`` lies; what could not be measured counts as ordinary."""
    if value is None:
        return 0.0
    half = (ordinary.high - ordinary.low) / 2
    return max(-FARTHEST, min(FARTHEST, (value - ordinary.low - half) / half))
