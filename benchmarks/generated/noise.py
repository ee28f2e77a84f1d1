"""Noise, level and offset put upon a voice: what a recording does to it."""

from __future__ import annotations

import numpy as np

from benchmarks.generated.tract import SAMPLE_RATE, Signal

COLOURS = ("white", "pink")
PEAK = 0.98
ACTIVE_WINDOW = 160  # samples
ACTIVE_DB = 30.0  # windows this far below the loudest are no speech


def in_noise(draw: np.random.Generator, samples: Signal, snr_db: float, colour: str, level_dbfs: float) -> Signal:
    """``samples`` at ``level_dbfs`` with noise ``snr_db`` below them; both are powers of the sounding parts.

    The level is lowered where the sum would clip.
    """
    power = active_power(samples)
    noise = _noise(draw, len(samples), colour) * np.sqrt(power) * 10.0 ** (-snr_db / 20.0)
    mixed = (samples + noise) * 10.0 ** (level_dbfs / 20.0) / np.sqrt(power)
    return np.asarray(mixed * min(1.0, PEAK / float(np.abs(mixed).max())))


def active_power(samples: Signal) -> float:
    """Mean square of the windows of 10 ms in which something sounds."""
    whole = len(samples) // ACTIVE_WINDOW * ACTIVE_WINDOW
    power = np.square(samples[:whole]).reshape(-1, ACTIVE_WINDOW).mean(axis=1)
    return float(power[power > power.max() * 10.0 ** (-ACTIVE_DB / 10.0)].mean())


def shifted(samples: Signal, by: int, count: int) -> Signal:
    """``count`` samples, those given moved ``by`` samples later (earlier if negative), silence around them."""
    placed = np.zeros(count)
    start, end = max(by, 0), min(count, len(samples) + by)
    placed[start:end] = samples[start - by : end - by]
    return placed


def _noise(draw: np.random.Generator, count: int, colour: str) -> Signal:
    """Standard deviation 1; pink noise has the same power in every octave above 20 Hz."""
    noise = draw.standard_normal(count)
    if colour == "pink":
        frequency = np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE)
        noise = np.fft.irfft(np.fft.rfft(noise) / np.sqrt(np.maximum(frequency, 20.0)), count)
    return np.asarray(noise / noise.std())
