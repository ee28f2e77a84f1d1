"""Detected speech as plain intervals: merged, clipped to the audio, and as a mask over frame times."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mercap.records import Diarization

Interval = tuple[float, float]


def speech_intervals(diarization: Diarization | None, duration_s: float) -> list[Interval]:
    """Speech in seconds, sorted, overlaps merged, cut to 0..``duration_s``; empty when nobody speaks."""
    merged: list[Interval] = []
    spans = () if diarization is None else diarization.speech
    for start, end in sorted((max(0.0, span.start_s), min(duration_s, span.end_s)) for span in spans):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def inside(times_s: NDArray[np.float64], intervals: Iterable[Interval]) -> NDArray[np.bool_]:
    """For each time, whether it lies in one of the half-open intervals."""
    mask = np.zeros(times_s.shape, dtype=np.bool_)
    for start, end in intervals:
        mask |= (times_s >= start) & (times_s < end)
    return mask


def total_s(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals)
