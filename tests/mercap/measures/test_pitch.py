from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.measures.pitch import track_pitch

SAMPLE_RATE = 16_000


def harmonics(hz: np.ndarray, seed: int, noise_db: float = -20.0, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """A harmonic tone whose pitch follows ``hz`` sample by sample, with noise ``noise_db`` below it."""
    draw = np.random.default_rng(seed)
    phase = 2.0 * np.pi * np.cumsum(hz) / sample_rate
    count = int(min(12, 0.45 * sample_rate // hz.max()))
    tone = sum(
        draw.uniform(0.2, 1.0) / number * np.sin(number * phase + draw.uniform(0.0, 2.0 * np.pi))
        for number in range(1, count + 1)
    )
    tone = 0.1 * tone / tone.std()
    return tone + draw.normal(0.0, 0.1 * 10.0 ** (noise_db / 20.0), len(tone))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(hz=st.floats(70.0, 480.0), seed=st.integers(0, 10_000))
def test_the_pitch_of_a_tone_in_noise_is_found_within_three_percent(hz: float, seed: int) -> None:
    track = track_pitch(harmonics(np.full(SAMPLE_RATE, hz), seed), SAMPLE_RATE)
    inner = track.hz[5:-5]
    assert np.isfinite(inner).mean() > 0.9
    assert np.nanmedian(inner) == pytest.approx(hz, rel=0.03)
    assert np.nanmean(np.abs(inner / hz - 1.0) > 0.03) < 0.05


@pytest.mark.parametrize("hz", [90.0, 430.0])
@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100])
def test_the_sample_rate_does_not_change_the_pitch(sample_rate: int, hz: float) -> None:
    signal = harmonics(np.full(sample_rate, hz), 3, sample_rate=sample_rate)
    assert np.nanmedian(track_pitch(signal, sample_rate).hz) == pytest.approx(hz, rel=0.01)


def test_a_glide_is_followed_without_octave_jumps() -> None:
    truth = np.geomspace(110.0, 330.0, 2 * SAMPLE_RATE)
    track = track_pitch(harmonics(truth, 1), SAMPLE_RATE)
    at = np.interp(track.times_s, np.arange(len(truth)) / SAMPLE_RATE, truth)
    assert np.nanmax(np.abs(track.hz / at - 1.0)[5:-5]) < 0.06


def test_a_missing_fundamental_is_still_heard() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    signal = 0.1 * sum(np.sin(2.0 * np.pi * 150.0 * number * time) for number in (2, 3, 4, 5))
    assert np.nanmedian(track_pitch(signal, SAMPLE_RATE).hz) == pytest.approx(150.0, rel=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_pitch(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0.0, 0.1, 2 * SAMPLE_RATE)
    assert track_pitch(noise, SAMPLE_RATE).voiced.mean() < 0.02


def test_silence_has_no_pitch() -> None:
    assert not track_pitch(np.zeros(SAMPLE_RATE), SAMPLE_RATE).voiced.any()


def test_a_signal_shorter_than_a_window_is_no_error() -> None:
    assert len(track_pitch(np.zeros(100), SAMPLE_RATE).hz) == 1
