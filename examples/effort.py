"""A plainly spoken sentence made a whisper or a shout, and street noise around it.

The whisper is the sentence's own vocal tract, found by linear prediction, blown through by noise instead of driven
by a voice (as in Morris and Clements, "Reconstruction of speech from whispers", 2002, the other way round). The
shout has the flatter spectrum of raised effort (Traunmueller and Eriksson, JASA 107, 2000: the higher partials gain
most) and the squashed peaks of a driven microphone. Costs about 20 ms per second of sound; needs NumPy only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]  # (n,) mono, at 16 kHz

ORDER = 18  # of the prediction: two per kilohertz and two for the slope
WINDOW, HOP = 400, 160  # 25 and 10 ms
WHISPER_HIGHPASS_HZ = 350.0  # where a whisper has lost the energy of the voice
SHOUT_SHELF_HZ, SHOUT_SHELF_DB = 1200.0, 14.0
SHOUT_DRIVE = 2.5  # times the RMS level at which the soft clipping begins to bend
RATE_HZ = 16_000.0


def whisper(spoken: Sound, rng: np.random.Generator) -> Sound:
    """The same words without a voice; as loud as before, for the caller to turn down."""
    padded = np.pad(spoken, WINDOW)
    breath = rng.standard_normal(len(padded))
    taper = np.hanning(WINDOW + 1)[:-1]
    out = np.zeros(len(padded))
    for start in range(0, len(padded) - WINDOW, HOP):
        piece = slice(start, start + WINDOW)
        out[piece] += taper * _blown(padded[piece] * taper, breath[piece])
    return _shelf(out[WINDOW:-WINDOW], WHISPER_HIGHPASS_HZ, -30.0, below=True)


def shout(spoken: Sound) -> Sound:
    """Brighter and squashed."""
    bright = _shelf(spoken, SHOUT_SHELF_HZ, SHOUT_SHELF_DB)
    knee = SHOUT_DRIVE * float(np.sqrt(np.mean(bright**2)))
    return knee * np.tanh(bright / knee)


def street(count: int, rng: np.random.Generator) -> Sound:
    """Broadband noise as of traffic: 3 dB less per octave above 100 Hz, RMS 1."""
    frequency = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    coloured = np.fft.rfft(rng.standard_normal(count)) / np.sqrt(np.maximum(frequency, 100.0))
    noise = np.fft.irfft(coloured, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _blown(tapered: Sound, breath: Sound) -> Sound:
    """One window of noise through the vocal tract of one window of speech, with the power of its residual."""
    lags = np.correlate(tapered, tapered, "full")[WINDOW - 1 : WINDOW + ORDER]
    if lags[0] < 1e-7:
        return np.zeros(WINDOW)
    lags[0] *= 1.0001  # keeps the equations solvable where the spectrum is nearly empty
    toeplitz = lags[np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))]
    predictor = np.linalg.solve(toeplitz, lags[1:])
    power = max(float(lags[0] - predictor @ lags[1:]), 0.0) / WINDOW
    return _all_pole(breath * np.sqrt(power), np.asarray(predictor, np.float64))


def _all_pole(driven: Sound, predictor: Sound) -> Sound:
    """``y[n] = x[n] + sum of predictor[k] y[n - 1 - k]``, by its frequency response on twice the window."""
    size = 2 * WINDOW
    response = 1.0 / np.fft.rfft(np.concatenate([[1.0], -predictor]), size)
    return np.asarray(np.fft.irfft(np.fft.rfft(driven, size) * response, size)[:WINDOW])


def _shelf(sound: Sound, corner_hz: float, gain_db: float, *, below: bool = False) -> Sound:
    """Raise everything well above ``corner_hz`` (or below it) by ``gain_db``, an octave's slope between."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(sound), 1.0 / RATE_HZ), 1.0) / corner_hz)
    share = 1.0 / (1.0 + np.exp(-4.0 * (-octaves if below else octaves)))
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * 10.0 ** (gain_db * share / 20.0), len(sound)))
