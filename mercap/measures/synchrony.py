"""Whether the mouth follows the voice: the spread of the lips against the voice's vowel loudness, shifted up to 0.4 s.

Slow changes (a pause between two sentences) are taken out of both first, since they fit too easily, and steady noise
out of the loudness. For drawn clips of 3 to 5 s the peak of the normalised cross-correlation is 0.76 in the middle with
the mouth's own voice and 0.35 with another clip's, where one in twenty passes 0.6 (docs/accuracy.md). So a single short
clip proves little. A mouth that does not move at all under a voice is an observation too (somebody else speaks): its
correlation is reported as 0.0 at lag 0.0. Costs about 15 ms per 5 s clip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mercap.measures.expression import FaceReport
from mercap.measures.norms import MOUTH
from mercap.measures.rounding import significant
from mercap.measures.spans import speech_intervals, total_s
from mercap.measures.syllables import vowel_envelope
from mercap.measures.windows import HOP_S, Signal, to_float
from mercap.records import Diarization, SynchronyMeasures

FARTHEST_LAG_S = 0.40
LAG_STEP_S = 0.02
LEAST_FACE_S = 1.5  # of face frames; fewer correlate well with anything
LEAST_SPEECH_S = 0.5
LOUDNESS_POWER = 0.6  # of amplitude, as Stevens' law has it: between decibels and amplitude
NOISE_PERCENTILE = 20  # speech leaves a fifth of a clip to pauses and closures: what is left there is noise
ENVELOPE_SMOOTH_S = 0.12  # lips are slower than the voice
TREND_S = 1.5  # what changes more slowly than this is layout, not articulation


def measure_synchrony(
    face: FaceReport, audio: NDArray[np.int16], sample_rate: int, diarization: Diarization | None
) -> SynchronyMeasures | None:
    """Compare mouth and voice; ``None`` with under 1.5 s of face frames or under 0.5 s of speech."""
    times, series, openings = (np.array(values) for values in (face.mouth_times_s, face.spreads, face.openings))
    speech = speech_intervals(diarization, len(audio) / sample_rate)
    if covered_s(times) < LEAST_FACE_S or total_s(speech) < LEAST_SPEECH_S or face.measures.mouth_motion is None:
        return None
    if face.measures.mouth_motion < MOUTH.still and openings.max() < MOUTH.open:
        return SynchronyMeasures(correlation=0.0, lag_s=0.0)
    best = best_lag(times, without_trend(times, series), *voice_envelope(to_float(audio), sample_rate))
    return None if best is None else SynchronyMeasures(correlation=significant(best[0]), lag_s=significant(best[1]))


def covered_s(times: Sequence[float] | Signal) -> float:
    """How much time frames at ``times`` stand for: their number times their usual distance."""
    return len(times) * float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def voice_envelope(signal: Signal, sample_rate: int) -> tuple[Signal, Signal]:
    """Times and smoothed loudness of the vowel band (1 at its peak) above the noise, without its trend."""
    times, level = vowel_envelope(signal, sample_rate)
    power = 10.0 ** ((level - level.max()) / 10.0)
    loudness = np.maximum(power - np.percentile(power, NOISE_PERCENTILE), 0.0) ** (LOUDNESS_POWER / 2.0)
    return times, _running_mean(loudness, ENVELOPE_SMOOTH_S) - _running_mean(loudness, TREND_S)


def without_trend(times: Signal, series: Signal) -> Signal:
    """Each value minus the mean of those within half of `TREND_S`; ``times`` may have gaps."""
    first = np.searchsorted(times, times - TREND_S / 2)
    last = np.searchsorted(times, times + TREND_S / 2, side="right")
    sums = np.concatenate([[0.0], np.cumsum(series)])
    return np.asarray(series - (sums[last] - sums[first]) / (last - first))


def _running_mean(values: Signal, seconds: float) -> Signal:
    width = round(seconds / HOP_S) | 1
    return np.convolve(np.pad(values, width // 2, mode="edge"), np.ones(width) / width, mode="valid")


def best_lag(times: Signal, series: Signal, envelope_times: Signal, envelope: Signal) -> tuple[float, float] | None:
    """Highest correlation and its lag (positive = ``series`` trails); ``None`` when either is constant."""
    steps = round(FARTHEST_LAG_S / LAG_STEP_S)
    centred = series - series.mean()
    best: tuple[float, float] | None = None
    for step in sorted(range(-steps, steps + 1), key=abs):  # of equal peaks the one nearest to no lag
        heard = np.interp(times - step * LAG_STEP_S, envelope_times, envelope)
        heard = heard - heard.mean()
        scale = float(np.sqrt((centred @ centred) * (heard @ heard)))
        if scale <= 1e-12:
            continue
        correlation = float(centred @ heard) / scale
        if best is None or correlation > best[0] + 1e-9:
            best = correlation, step * LAG_STEP_S
    return best
