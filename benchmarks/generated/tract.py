"""What one glottal pulse becomes on its way through throat and mouth, and the hiss of a narrow gap.

A source-filter model computed by frequency, so that a pulse can stand between two samples: a glottis of second order
with a spectral tilt, five resonances in a row, radiation at the lips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

SAMPLE_RATE = 16_000
RESPONSE = 1024  # samples in which a pulse dies away
LEAD = 32  # samples of a response that come before the pulse


def responses(draw: np.random.Generator, at: Signal, formants: list[Signal], tract: float) -> Signal:
    """What each pulse sounds like, pulses x `RESPONSE` samples: glottis, five resonances, lips.

    ``at``: when each pulse comes, in samples and parts of one; ``formants``: the lowest three resonances at each pulse.
    """
    frequency = np.fft.rfftfreq(RESPONSE, 1.0 / SAMPLE_RATE)
    corner, soft = draw.uniform(90.0, 220.0), draw.uniform(1500.0, 4000.0)
    source = 1j * frequency / (1.0 + 1j * frequency / corner) ** 2 / (1.0 + 1j * frequency / soft)
    spectrum = np.exp(-2j * np.pi * frequency / SAMPLE_RATE * ((at % 1.0) + LEAD)[:, None]) * source
    higher = [np.full(len(at), tract * hz) for hz in (3500.0, 4500.0)]
    for centre, band in zip(
        [*formants, *higher], draw.uniform(0.8, 1.3, 5) * (70.0, 90.0, 130.0, 200.0, 280.0), strict=True
    ):
        squared = centre[:, None] ** 2
        spectrum = spectrum * squared / (squared - frequency**2 + 1j * frequency * band)
    return np.asarray(np.fft.irfft(spectrum, RESPONSE))


def hiss(draw: np.random.Generator, count: int, corner_hz: float) -> Signal:
    """Noise above ``corner_hz``, as a narrow gap in the mouth makes it; standard deviation 1."""
    frequency = np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE)
    shaped = np.fft.rfft(draw.standard_normal(count)) / (1.0 + (corner_hz / np.maximum(frequency, 1.0)) ** 4)
    noise = np.fft.irfft(shaped, count)
    return np.asarray(noise / noise.std())
