from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mercap.measures.voice import measure_voice
from mercap.records import Diarization, VoiceMeasures

RATE = 16_000
Spoken = Callable[..., Diarization]


def tone(hz: np.ndarray | float, seconds: float = 2.0, level: float = 0.1, slope: float = 1.0) -> np.ndarray:
    """A buzz: harmonics up to 6 kHz whose amplitudes fall as 1/n**slope."""
    pitch = np.broadcast_to(hz, (round(seconds * RATE),))
    phase = 2.0 * np.pi * np.cumsum(pitch) / RATE
    count = int(6000 // pitch.max())
    buzz = sum(np.sin(number * phase + number**2) / number**slope for number in range(1, count + 1))
    return level * buzz / buzz.std()


def pcm(signal: np.ndarray, seed: int = 0) -> np.ndarray:
    noisy = 32768.0 * signal + np.random.default_rng(seed).normal(0.0, 10.0, len(signal))
    return np.clip(np.rint(noisy), -32768, 32767).astype(np.int16)


def measured(signal: np.ndarray, spoken: Spoken, *spans: tuple[float, float]) -> VoiceMeasures:
    seconds = len(signal) / RATE
    voice = measure_voice(pcm(signal), RATE, spoken(seconds, *(spans or [(0.0, seconds)])))
    assert voice is not None
    return voice


def test_no_speech_gives_none(spoken: Spoken) -> None:
    audio = pcm(tone(150.0))
    assert measure_voice(audio, RATE, None) is None
    assert measure_voice(audio, RATE, spoken(2.0)) is None


def test_only_the_inside_of_speech_is_measured(spoken: Spoken) -> None:
    signal = np.concatenate([tone(110.0, 1.0, 0.02), tone(220.0, 1.0, 0.2)])
    voice = measured(signal, spoken, (1.05, 1.95))
    assert voice.pitch_median_hz == pytest.approx(220.0, rel=0.01)
    assert voice.loudness_dbfs == pytest.approx(20.0 * np.log10(0.2), abs=0.5)


def test_a_steady_tone_has_no_range_and_no_slope(spoken: Spoken) -> None:
    voice = measured(tone(180.0), spoken)
    assert voice.pitch_range_st == pytest.approx(0.0, abs=0.2)
    assert voice.pitch_slope_st_per_s == pytest.approx(0.0, abs=0.2)
    assert voice.voiced_ratio > 0.95


@pytest.mark.parametrize("semitones_per_s", [-6.0, 3.0])
def test_a_moving_tone_has_its_slope_and_range(spoken: Spoken, semitones_per_s: float) -> None:
    time = np.arange(2 * RATE) / RATE
    voice = measured(tone(160.0 * 2.0 ** (semitones_per_s * time / 12.0)), spoken)
    assert voice.pitch_slope_st_per_s == pytest.approx(semitones_per_s, rel=0.05)
    assert voice.pitch_range_st == pytest.approx(abs(semitones_per_s) * 2.0 * 0.8, rel=0.1)


def test_a_new_start_after_a_pause_is_no_rise(spoken: Spoken) -> None:
    signal = np.concatenate([tone(120.0, 1.0), np.zeros(RATE // 2), tone(200.0, 1.0)])
    voice = measured(signal, spoken, (0.0, 1.0), (1.5, 2.5))
    assert voice.pitch_slope_st_per_s == pytest.approx(0.0, abs=0.5)
    assert voice.pauses == 1
    assert voice.pause_ratio == pytest.approx(0.2)


def test_overlapping_spans_count_once_and_short_gaps_are_no_pauses(spoken: Spoken) -> None:
    voice = measured(tone(150.0), spoken, (0.0, 0.9), (0.5, 1.0), (1.2, 2.0))
    assert voice.pauses == 0
    assert voice.pause_ratio == pytest.approx(0.1)


def test_twice_the_amplitude_is_six_decibels_louder(spoken: Spoken) -> None:
    quiet, loud = (measured(tone(150.0, level=level), spoken).loudness_dbfs for level in (0.05, 0.1))
    assert quiet is not None
    assert loud == pytest.approx(quiet + 6.02, abs=0.1)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_tilt_is_that_of_the_harmonics(spoken: Spoken, slope: float) -> None:
    voice = measured(tone(100.0, slope=slope), spoken)
    assert voice.spectral_tilt_db_per_octave == pytest.approx(-6.02 * slope, abs=1.5)


@pytest.mark.parametrize("per_second", [2.0, 4.0, 6.0])
def test_bursts_are_counted_as_syllables(spoken: Spoken, per_second: float) -> None:
    time = np.arange(3 * RATE) / RATE
    bursts = 0.1 + 0.9 * np.sin(np.pi * per_second * time) ** 2
    voice = measured(tone(150.0, 3.0) * bursts, spoken)
    assert voice.syllables_per_s == pytest.approx(per_second, abs=0.4)


def test_pitch_and_level_of_the_end_are_compared_with_those_of_the_beginning(spoken: Spoken) -> None:
    signal = np.concatenate([tone(150.0, 1.0, 0.05), tone(180.0, 1.0, 0.05), tone(200.0, 1.0, 0.1)])
    voice = measured(signal, spoken)
    assert voice.pitch_change_st == pytest.approx(12.0 * np.log2(200.0 / 150.0), abs=0.1)
    assert voice.loudness_change_db == pytest.approx(6.02, abs=0.5)


def test_silence_between_phrases_does_not_count_as_a_quiet_end(spoken: Spoken) -> None:
    signal = np.concatenate([tone(150.0, 1.0), np.zeros(RATE), tone(150.0, 1.0)])
    voice = measured(signal, spoken, (0.0, 1.0), (2.0, 3.0))
    assert voice.loudness_change_db == pytest.approx(0.0, abs=0.2)
    assert voice.pitch_change_st == pytest.approx(0.0, abs=0.1)


def test_too_little_speech_has_no_course(spoken: Spoken) -> None:
    voice = measured(tone(150.0, 1.2), spoken)
    assert voice.pitch_median_hz is not None
    assert voice.pitch_change_st is None
    assert voice.loudness_change_db is None


def test_whispering_has_a_level_but_no_pitch(spoken: Spoken) -> None:
    voice = measured(np.random.default_rng(1).normal(0.0, 0.05, 2 * RATE), spoken)
    assert voice.pitch_median_hz is None
    assert voice.pitch_slope_st_per_s is None
    assert voice.pitch_change_st is None
    assert voice.spectral_tilt_db_per_octave is None
    assert voice.loudness_dbfs == pytest.approx(-26.0, abs=0.5)


def test_measuring_twice_gives_the_same_record(spoken: Spoken) -> None:
    signal = tone(np.geomspace(120.0, 240.0, 2 * RATE))
    assert measured(signal, spoken) == measured(signal, spoken)
