"""Cutting a signal into overlapping windows, and the level of each, without copying the signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP_S = 0.010
FULL_SCALE = 32768.0
FLOOR_DBFS = -101.1  # quantisation noise of 16 bits, 1/sqrt(12) of a step: nothing real is below it

Signal = NDArray[np.float64]


def to_float(audio: NDArray[np.int16]) -> Signal:
    """16-bit samples as -1..1."""
    return audio.astype(np.float64) / FULL_SCALE


def windows(signal: Signal, sample_rate: int, length_s: float) -> tuple[Signal, Signal]:
    """Views of ``length_s`` every `HOP_S`, as (window centres in seconds, windows x samples).

    The signal is padded with half a window of zeros on both sides, so the first centre is 0.
    """
    length = max(1, round(length_s * sample_rate))
    hop = max(1, round(HOP_S * sample_rate))
    padded = np.pad(signal, (length // 2, length - length // 2))
    views = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    return np.arange(len(views), dtype=np.float64) * hop / sample_rate, views


def levels_dbfs(views: Signal) -> Signal:
    """RMS level of each window (last axis) in dBFS, floored at `FLOOR_DBFS`."""
    power = np.mean(np.square(views), axis=-1)
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DBFS / 10.0))))
