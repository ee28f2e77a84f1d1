"""What is scored and by whose rules: the values of --task and --protocol. Light, so that --help needs no NumPy."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    DISCRETE = "discrete"
    SENTIMENT = "sentiment"
    OV = "ov"


class Protocol(StrEnum):
    """The released functions with the tables of a year, or rules without their known faults (docs/unibench.md)."""

    PUBLISHED_2025 = "published-2025"
    PUBLISHED_2026 = "published-2026"
    CORRECTED = "corrected"

    @property
    def corrected(self) -> bool:
        return self is Protocol.CORRECTED
