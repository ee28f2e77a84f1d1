"""Whisper, shout and street noise, on a made voice: pulses through one resonance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from examples.effort import RATE_HZ, shout, street, whisper

RESONANCE_HZ, PITCH_HZ = 1500.0, 160.0


def vowel(seconds: float = 1.0) -> npt.NDArray[np.float64]:
    pulses = np.zeros(round(seconds * RATE_HZ))
    pulses[:: round(RATE_HZ / PITCH_HZ)] = 1.0
    ringing = np.arange(200) / RATE_HZ
    tract = np.exp(-400.0 * ringing) * np.sin(2 * np.pi * RESONANCE_HZ * ringing)
    return 0.1 * np.convolve(pulses, tract)[: len(pulses)]


def peak_hz(sound: npt.NDArray[np.float64]) -> float:
    smooth = np.convolve(np.abs(np.fft.rfft(sound)) ** 2, np.ones(100), "same")
    return float(np.fft.rfftfreq(len(sound), 1 / RATE_HZ)[smooth.argmax()])


def repeats(sound: npt.NDArray[np.float64]) -> float:
    lag = round(RATE_HZ / PITCH_HZ)
    return float(sound[lag:] @ sound[:-lag] / (sound @ sound))


def test_a_whisper_keeps_the_resonance_and_loses_the_pitch() -> None:
    whispered = whisper(vowel(), np.random.default_rng(1))
    assert peak_hz(whispered) == pytest.approx(RESONANCE_HZ, rel=0.1)
    assert repeats(vowel()) > 0.9
    assert abs(repeats(whispered)) < 0.2


def test_a_whisper_is_silent_where_the_speech_is() -> None:
    said = np.concatenate([vowel(0.3), np.zeros(8000), vowel(0.3)])
    whispered = whisper(said, np.random.default_rng(1))
    assert whispered.shape == said.shape
    assert np.abs(whispered[6000:11000]).max() < 1e-9
    assert np.abs(whispered[:4000]).max() > 0.01


def test_a_shout_is_brighter_with_lower_peaks() -> None:
    spoken = vowel() + np.sin(2 * np.pi * 200.0 * np.arange(16_000) / RATE_HZ) * 0.1
    shouted = shout(spoken)
    rms = np.sqrt(np.mean(shouted**2))
    assert np.abs(shouted).max() / rms < np.abs(spoken).max() / np.sqrt(np.mean(spoken**2))
    power = [np.abs(np.fft.rfft(sound)) ** 2 for sound in (spoken, shouted)]
    bright = [part[1200:5000].sum() / part[100:400].sum() for part in power]
    assert bright[1] > 4 * bright[0]


def test_street_noise_has_unit_power_and_less_of_the_high() -> None:
    noise = street(32_000, np.random.default_rng(2))
    assert np.mean(noise**2) == pytest.approx(1.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[400:800].mean() > 4 * power[6400:12_800].mean()  # 200 to 400 Hz, 3200 to 6400 Hz
