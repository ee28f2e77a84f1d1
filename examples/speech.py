"""Speech from Debian's `flite`, and its loudness over time, which the drawn mouths follow.

A sentence takes about 0.2 s. flite gives the same samples every time; room and street noise are drawn from a seed.
"""

from __future__ import annotations

import subprocess
import tempfile
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from examples.effort import shout, street, whisper
from mercap.errors import UsageError

SAMPLE_RATE = 16_000  # what flite speaks in
LEAD_S, PAUSE_S, TAIL_S = 0.40, 0.35, 0.50  # before, between and after sentences
ROOM_DBFS = -66.0


@dataclass(frozen=True)
class Voice:
    """How a sentence is said. ``name`` is flite's voice: slt, rms or awb."""

    f0_mean_hz: float
    f0_stddev_hz: float
    duration_stretch: float  # 1 = flite's own pace, more is slower
    level_dbfs: float  # RMS of what is spoken, against full scale
    name: str = "slt"
    effort: Literal["spoken", "shouted", "whispered"] = "spoken"


@dataclass(frozen=True)
class Spoken:
    """A soundtrack, (n,) float32 within -1 to 1 at `SAMPLE_RATE`, and when each sentence is said (seconds)."""

    samples: npt.NDArray[np.float32]
    times_s: tuple[tuple[float, float], ...]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def speak(sentences: tuple[str, ...], voice: Voice, seed: int) -> Spoken:
    """Say the sentences one after another in a quiet room. Raises UsageError where flite is not installed."""
    parts, times, at = [_silence(LEAD_S)], [], LEAD_S
    for index, sentence in enumerate(sentences):
        if index:
            parts.append(_silence(PAUSE_S))
            at += PAUSE_S
        said = _with_effort(_say(sentence, voice), voice, [seed, index])
        parts.append(said)
        times.append((at, at + len(said) / SAMPLE_RATE))
        at = times[-1][1]
    samples = np.concatenate([*parts, _silence(TAIL_S)])
    samples = samples * _gain(np.concatenate(parts), voice.level_dbfs)
    room = np.random.default_rng(seed).standard_normal(len(samples)) * 10 ** (ROOM_DBFS / 20)
    return Spoken((samples + room).astype(np.float32), tuple(times))


def in_the_street(spoken: Spoken, snr_db: float, seed: int) -> Spoken:
    """The same speech with noise from the first sample to the last; ``snr_db`` counts against the speech alone."""
    said = np.concatenate([spoken.samples[round(a * SAMPLE_RATE) : round(b * SAMPLE_RATE)] for a, b in spoken.times_s])
    level = float(np.sqrt(np.mean(said.astype(np.float64) ** 2))) * 10 ** (-snr_db / 20)
    noise = level * street(len(spoken.samples), np.random.default_rng([seed, 2]))
    return replace(spoken, samples=(spoken.samples + noise).astype(np.float32))


def panned(samples: npt.NDArray[np.float32], to: float) -> npt.NDArray[np.float32]:
    """Mono (n,) as stereo (2, n), from -1 (left alone) over 0 (both alike) to 1 (right alone)."""
    return np.stack([min(1.0, 1.0 - to) * samples, min(1.0, 1.0 + to) * samples]).astype(np.float32)


def loudness(spoken: Spoken, rate_hz: float, frames: int) -> npt.NDArray[np.float64]:
    """RMS around each video frame, (frames,), scaled so that loud syllables are near 1 and silence is 0."""
    centres = (np.arange(frames) * SAMPLE_RATE / rate_hz).astype(int).clip(max=len(spoken.samples) - 1)
    half = int(0.030 * SAMPLE_RATE)
    padded = np.pad(spoken.samples.astype(np.float64), half)
    rms = np.array([np.sqrt(np.mean(padded[centre : centre + 2 * half] ** 2)) for centre in centres])
    smoothed = np.convolve(rms, [0.25, 0.5, 0.25], mode="same")
    full = max(float(np.percentile(smoothed, 95)), 1e-9)
    return np.clip((smoothed / full - 0.05) / 0.95, 0.0, 1.0)


def _silence(seconds: float) -> npt.NDArray[np.float64]:
    return np.zeros(round(seconds * SAMPLE_RATE))


def _gain(samples: npt.NDArray[np.float64], level_dbfs: float) -> float:
    active = samples[np.abs(samples) > 0.02 * np.abs(samples).max()]
    gain = 10 ** (level_dbfs / 20) / float(np.sqrt(np.mean(active**2)))
    return min(gain, 0.98 / float(np.abs(samples).max()))  # never clip for the sake of loudness


def _with_effort(said: npt.NDArray[np.float64], voice: Voice, seed: list[int]) -> npt.NDArray[np.float64]:
    if voice.effort == "whispered":
        return whisper(said, np.random.default_rng(seed))
    return shout(said) if voice.effort == "shouted" else said


def _say(sentence: str, voice: Voice) -> npt.NDArray[np.float64]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        settings = {
            "int_f0_target_mean": voice.f0_mean_hz,
            "int_f0_target_stddev": voice.f0_stddev_hz,
            "duration_stretch": voice.duration_stretch,
        }
        command = ["flite", "-voice", voice.name, "-t", sentence, "-o", str(path)]
        for name, value in settings.items():
            command += ["--setf", f"{name}={value}"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            raise UsageError(
                "The example clips are spoken by flite, which is not installed; install it with: apt-get install flite"
            ) from None
        with wave.open(str(path)) as file:
            assert file.getframerate() == SAMPLE_RATE, file.getframerate()
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    spoken = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 200)
    return pcm[max(spoken[0] - 160, 0) : spoken[-1] + 800].astype(np.float64) / 32768.0
