"""What the voice sounds like: pitch, loudness, pauses, syllable rate and spectral tilt, inside speech only.

Needs mono 16-bit audio and the spans of detected speech; numpy alone (Praat's licence and librosa's first-call
compile keep both out). Costs about 60 ms per 5 s of audio on one core. The numbers describe the recording as
much as the person: loudness follows the microphone's gain, tilt its frequency response.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mercap.measures.pitch import PitchTrack, track_pitch
from mercap.measures.rounding import optional, significant
from mercap.measures.spans import Interval, inside, speech_intervals, total_s
from mercap.measures.syllables import count_syllables, vowel_envelope
from mercap.measures.windows import HOP_S, Signal, levels_dbfs, to_float, windows
from mercap.records import Diarization, VoiceMeasures

PAUSE_S = 0.25  # shorter gaps belong to articulation
LEVEL_WINDOW_S = 0.025
LEAST_SPEECH_S = 0.10  # with less there is nothing to describe
LEAST_VOICED_S = 0.10  # for a pitch
LEAST_SLOPE_S = 0.30  # for a pitch movement
LEAST_CHANGE_S = 1.5  # of voice or speech for a change over the clip: half a second in each third
TILT_WINDOW_S = 0.032
TILT_BAND_HZ = (100.0, 5000.0)
BANDS_PER_OCTAVE = 3


@dataclass(frozen=True)
class Pitch:
    median_hz: float | None
    range_st: float | None
    slope_st_per_s: float | None
    change_st: float | None


@dataclass(frozen=True)
class Loudness:
    median_dbfs: float
    range_db: float
    change_db: float | None


def measure_voice(audio: NDArray[np.int16], sample_rate: int, diarization: Diarization | None) -> VoiceMeasures | None:
    """Measure the speech in ``audio`` (mono); ``None`` when less than `LEAST_SPEECH_S` of it is speech."""
    speech = speech_intervals(diarization, len(audio) / sample_rate)
    if total_s(speech) < LEAST_SPEECH_S:
        return None
    signal = to_float(audio)
    track = track_pitch(signal, sample_rate)
    spoken = inside(track.times_s, speech)
    voiced = track.voiced & spoken
    pitch = _pitch(track, voiced, speech)
    loudness = _loudness(signal, sample_rate, speech)
    pause_ratio, pauses = _pauses(speech)
    return VoiceMeasures(
        voiced_ratio=significant(float(voiced.sum()) / max(1, int(spoken.sum()))),
        pitch_median_hz=optional(pitch.median_hz),
        pitch_range_st=optional(pitch.range_st),
        pitch_slope_st_per_s=optional(pitch.slope_st_per_s),
        pitch_change_st=optional(pitch.change_st),
        loudness_dbfs=significant(loudness.median_dbfs),
        loudness_range_db=significant(loudness.range_db),
        loudness_change_db=optional(loudness.change_db),
        pause_ratio=significant(pause_ratio),
        pauses=pauses,
        syllables_per_s=significant(_syllables(signal, sample_rate, voiced) / total_s(speech)),
        spectral_tilt_db_per_octave=optional(_tilt(signal, sample_rate, track.times_s[voiced])),
    )


def _pitch(track: PitchTrack, voiced: NDArray[np.bool_], speech: list[Interval]) -> Pitch:
    voiced_s = float(voiced.sum()) * HOP_S
    if voiced_s < LEAST_VOICED_S:
        return Pitch(None, None, None, None)
    hz = track.hz[voiced]
    low, high = np.percentile(hz, (10, 90))
    slope = _slope(track.times_s, track.hz, voiced, speech) if voiced_s >= LEAST_SLOPE_S else None
    return Pitch(float(np.median(hz)), float(12.0 * np.log2(high / low)), slope, _change(12.0 * np.log2(hz)))


def _slope(times: Signal, hz: Signal, voiced: NDArray[np.bool_], speech: list[Interval]) -> float | None:
    """Least-squares pitch movement within the stretches of speech, in semitones per second.

    Every stretch keeps its own mean, so a new start after a pause does not count as a movement.
    """
    covariance = variance = 0.0
    for interval in speech:
        chosen = voiced & inside(times, [interval])
        if chosen.sum() < 2:
            continue
        t = times[chosen] - times[chosen].mean()
        semitones = 12.0 * np.log2(hz[chosen])
        covariance += float(t @ (semitones - semitones.mean()))
        variance += float(t @ t)
    return covariance / variance if variance > 0.0 else None


def _loudness(signal: Signal, sample_rate: int, speech: list[Interval]) -> Loudness:
    """Median level of the speech windows, the distance of its 10th and 90th percentile, and its change."""
    times, views = windows(signal, sample_rate, LEVEL_WINDOW_S)
    levels = levels_dbfs(views[inside(times, speech)])
    low, median, high = np.percentile(levels, (10, 50, 90))
    return Loudness(float(median), float(high - low), _change(levels))


def _change(values: Signal) -> float | None:
    """Median of the last third of ``values`` (one per `HOP_S`) minus that of the first; ``None`` for too few."""
    third = len(values) // 3
    if len(values) * HOP_S < LEAST_CHANGE_S:
        return None
    return float(np.median(values[-third:]) - np.median(values[:third]))


def _pauses(speech: list[Interval]) -> tuple[float, int]:
    """Share of the stretch from first to last speech that is silent, and the pauses of `PAUSE_S` or more in it."""
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(speech)]
    return sum(gaps) / (speech[-1][1] - speech[0][0]), sum(gap >= PAUSE_S for gap in gaps)


def _syllables(signal: Signal, sample_rate: int, voiced: NDArray[np.bool_]) -> int:
    _, envelope = vowel_envelope(signal, sample_rate)
    near = np.convolve(voiced, np.ones(5), mode="same") > 0  # a nucleus within 20 ms of a voiced window counts
    count = min(len(envelope), len(near))
    return count_syllables(envelope[:count], near[:count])


def _tilt(signal: Signal, sample_rate: int, voiced_times: Signal) -> float | None:
    """Slope of the mean voiced power density over log2 frequency, from third-octave bands, in dB per octave."""
    times, views = windows(signal, sample_rate, TILT_WINDOW_S)
    if len(voiced_times) * HOP_S < LEAST_VOICED_S:
        return None
    chosen = views[np.searchsorted(times, voiced_times - HOP_S / 4)]
    taper = np.hanning(views.shape[1] + 2)[1:-1]
    density = np.square(np.abs(np.fft.rfft(chosen * taper, axis=1))).mean(axis=0)
    frequency = np.fft.rfftfreq(views.shape[1], 1.0 / sample_rate)
    top = min(TILT_BAND_HZ[1], 0.45 * sample_rate)
    band = np.floor(BANDS_PER_OCTAVE * np.log2(np.maximum(frequency, 1.0) / TILT_BAND_HZ[0]))
    usable = (frequency >= TILT_BAND_HZ[0]) & (frequency <= top) & (density > 0.0)
    centres, levels = [], []
    for number in np.unique(band[usable]):
        members = usable & (band == number)
        centres.append(float(np.log2(frequency[members]).mean()))
        levels.append(float(10.0 * np.log10(density[members].mean())))
    return float(np.polyfit(centres, levels, 1)[0]) if len(centres) >= 2 else None
