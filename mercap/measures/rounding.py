"""Rounding of results: four significant digits, so that a last-bit difference never changes a stored cell."""

from __future__ import annotations

import math

DIGITS = 4


def significant(value: float, digits: int = DIGITS) -> float:
    """``value`` to ``digits`` significant digits; raises ValueError for what is not a finite number."""
    if not math.isfinite(value):
        raise ValueError(f"cannot round {value}: it is not a finite number")
    rounded = float(f"{value:.{digits - 1}e}")
    return rounded + 0.0  # no negative zero in a stored record


def optional(value: float | None) -> float | None:
    """`significant`, with ``None`` (not measured) passed through."""
    return None if value is None else significant(value)
