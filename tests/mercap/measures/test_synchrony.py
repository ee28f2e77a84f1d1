from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.measures.synchrony import TREND_S, best_lag, covered_s, voice_envelope, without_trend


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), lag=st.floats(-0.38, 0.38))
def test_a_shifted_copy_is_found_at_its_lag(seed: int, lag: float) -> None:
    draw = np.random.default_rng(seed)
    heard_times = np.arange(0.0, 6.0, 0.01)
    heard = np.convolve(draw.normal(size=len(heard_times)), np.hanning(25), mode="same")
    times = np.arange(0.5, 5.5, 0.08)
    best = best_lag(times, np.interp(times - lag, heard_times, heard), heard_times, heard)
    assert best is not None
    assert best[0] > 0.95
    assert best[1] == pytest.approx(lag, abs=0.021)


def test_unrelated_series_correlate_little() -> None:
    heard_times, times = np.arange(0.0, 6.0, 0.01), np.arange(0.5, 5.5, 0.08)
    found = []
    for seed in range(20):
        draw = np.random.default_rng(seed)
        heard = np.convolve(draw.normal(size=len(heard_times)), np.hanning(25), mode="same")
        best = best_lag(times, draw.normal(size=len(times)), heard_times, heard)
        assert best is not None
        found.append(best[0])
    assert max(found) < 0.5


def test_a_constant_series_has_no_correlation() -> None:
    times = np.arange(0.0, 3.0, 0.08)
    assert best_lag(times, np.ones(len(times)), times, np.sin(times)) is None


def test_covered_time_counts_frames_not_gaps() -> None:
    times = [0.0, 0.08, 0.16, 5.0, 5.08, 5.16]
    assert covered_s(times) == pytest.approx(0.48)
    assert covered_s([1.0]) == 0.0


def test_a_slow_trend_is_removed_and_a_fast_change_stays() -> None:
    times = np.arange(0.0, 8.0, 0.08)
    slow, fast = np.sin(2.0 * np.pi * times / (8.0 * TREND_S)), np.sin(2.0 * np.pi * times / (TREND_S / 5.0))
    inner = slice(12, -12)
    assert np.std(without_trend(times, slow)[inner]) < 0.1 * np.std(slow)
    assert np.std(without_trend(times, slow + fast)[inner]) == pytest.approx(np.std(fast), rel=0.1)


def test_a_gap_in_the_frames_does_not_mix_its_sides() -> None:
    times = np.concatenate([np.arange(0.0, 1.0, 0.08), np.arange(9.0, 10.0, 0.08)])
    series = np.where(times < 5.0, 1.0, 7.0)
    assert np.allclose(without_trend(times, series), 0.0)


def test_steady_noise_under_a_voice_leaves_its_envelope_as_it_was() -> None:
    draw = np.random.default_rng(4)
    syllables = np.repeat(draw.uniform(0.0, 1.0, 20) * (draw.random(20) > 0.3), 2_400)
    voice = syllables * np.sin(2.0 * np.pi * 1_000.0 * np.arange(len(syllables)) / 16_000) * 0.3
    noise = draw.normal(0.0, 0.06, len(voice))
    clean, noisy = (voice_envelope(signal, 16_000)[1] for signal in (voice, voice + noise))
    assert np.corrcoef(clean, noisy)[0, 1] > 0.97
