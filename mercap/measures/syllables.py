"""Counting syllables without words: peaks of the vowel-band energy with a dip between them.

The idea is de Jong & Wempe's (2009): a syllable nucleus is a local peak of intensity that stands out from a dip
on either side and is voiced. Energy is taken between 500 and 4000 Hz, where vowels are strong and nasals, rumble
and hiss are weak. Vowels that meet ("I am", "very angry") are often counted as one: over 80 utterances of four
synthetic voices, the ones its limits were chosen on, the count is 6 % low with a spread of 10 %. Costs about
10 ms per 5 s of audio.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mercap.measures.windows import Signal, windows

WINDOW_S = 0.032
SMOOTH_S = 0.05  # of the envelope: shorter than a syllable, longer than a pitch period
BAND_HZ = (500.0, 4000.0)
DIP_DB = 2.0  # how far the envelope must fall between two nuclei
PEAK_RANGE_DB = 25.0  # nuclei this far below the loudest ones are echo or noise
FLOOR_DB = -100.0


def vowel_envelope(signal: Signal, sample_rate: int) -> tuple[Signal, Signal]:
    """Level of the vowel band every 10 ms, as (times in seconds, decibels)."""
    times, views = windows(signal, sample_rate, WINDOW_S)
    taper = np.hanning(views.shape[1] + 2)[1:-1]
    frequency = np.fft.rfftfreq(views.shape[1], 1.0 / sample_rate)
    band = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    power = np.square(np.abs(np.fft.rfft(views * taper, axis=1)[:, band])).sum(axis=1) / views.shape[1] ** 2
    kernel = np.hanning(round(2 * SMOOTH_S / (times[1] - times[0])) + 1 if len(times) > 1 else 1)
    if len(power) < len(kernel):
        return times, np.full(len(power), FLOOR_DB)
    smooth = np.convolve(power, kernel / kernel.sum(), mode="same")
    return times, np.asarray(10.0 * np.log10(np.maximum(smooth, 10.0 ** (FLOOR_DB / 10.0))))


def count_syllables(envelope_db: Signal, eligible: NDArray[np.bool_]) -> int:
    """Nuclei of an envelope; only peaks where ``eligible`` (inside speech and voiced) count."""
    if not eligible.any():
        return 0
    floor = float(np.percentile(envelope_db[eligible], 98)) - PEAK_RANGE_DB
    return sum(1 for i in nuclei(envelope_db) if eligible[i] and envelope_db[i] >= floor)


def nuclei(envelope_db: Signal) -> list[int]:
    """Indices of the peaks that stand `DIP_DB` out of the dips before and after them."""
    found: list[int] = []
    dip, peak, peak_at = float("inf"), float("-inf"), -1
    for index, level in enumerate(envelope_db.tolist()):
        if peak_at < 0:  # falling or in a dip: wait for a rise
            dip = min(dip, level)
            if level >= dip + DIP_DB:
                peak, peak_at = level, index
        elif level > peak:  # still rising
            peak, peak_at = level, index
        elif level <= peak - DIP_DB:  # fell far enough: the peak stands
            found.append(peak_at)
            dip, peak, peak_at = level, float("-inf"), -1
    return found
