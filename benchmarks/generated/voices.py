"""Speech-like sounds whose pitch, voicing, syllables and mouth movement are known, because they are made from them.

A train of glottal pulses with jitter and shimmer drives five formant resonators; every pulse is placed between the
samples, so the true pitch is not rounded to them. Vowels are divided by fricatives, plosives and voiced consonants,
phrases by pauses. Pitch follows drawn contours: a falling line, an accent on each syllable, a glide on the last one.
About 0.15 s for a voice of 4 s. It is no human voice: no creak, no coarticulation beyond smooth formants, one speaker,
no words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.generated.tract import LEAD, RESPONSE, SAMPLE_RATE, Signal, hiss, responses

HOP_S = 0.010  # of every track of truth
PITCH_HZ = (75.0, 400.0)  # of a clip's middle; contours may leave it
CONTOUR_HZ = (65.0, 480.0)
VOICED_GAIN = 0.1  # of the glottis at full strength: from here on a frame is truly voiced
_EDGE_S, _FORMANT_S, _LIPS_S = 0.025, 0.050, 0.140  # how long glottis, tongue and lips take
# First three formants of an average tract (Hz), how far the jaw drops, how round the lips are. The formants are near
# what Peterson and Barney (1952) measured between men and women.
VOWELS = (
    ((780.0, 1250.0, 2550.0), 1.00, 0.0),
    ((550.0, 1900.0, 2600.0), 0.65, 0.0),
    ((320.0, 2400.0, 3000.0), 0.40, 0.0),
    ((520.0, 950.0, 2500.0), 0.65, 0.6),
    ((340.0, 900.0, 2350.0), 0.35, 0.8),
    ((560.0, 1500.0, 2550.0), 0.55, 0.0),
)
ONSETS = ("fricative", "plosive", "voiced")


@dataclass(frozen=True)
class Segment:
    """A stretch of one sound, from ``start_s`` to ``end_s``."""

    kind: str  # "vowel", "voiced", "fricative", "closure", "burst" or "pause"
    start_s: float
    end_s: float
    voicing: float = 0.0
    noise: float = 0.0
    formants: tuple[float, float, float] = VOWELS[-1][0]
    jaw: float = 0.0
    rounding: float = 0.0


@dataclass(frozen=True)
class Voice:
    """``samples``: (n,) at 16 kHz, largest 1. The tracks have a value per 10 ms, the first at 0 s.

    ``f0_hz`` is the intended pitch (jitter not in it), ``voicing`` the strength of the glottis and ``noise`` that of
    the consonants (both 0 to 1), ``jaw`` how far the mouth is open (0 to about 1), ``rounding`` how round it is.
    """

    samples: Signal
    f0_hz: Signal
    voicing: Signal
    noise: Signal
    jaw: Signal
    rounding: Signal
    syllables: int
    median_hz: float  # of the truly voiced frames

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.voicing >= VOICED_GAIN

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Frames without any glottal pulse."""
        return self.voicing < 1e-3


def draw_voice(draw: np.random.Generator, seconds: float) -> Voice:
    """A voice that speaks for about ``seconds``, everything about it drawn."""
    segments = draw_segments(draw, seconds)
    middle = float(np.exp(draw.uniform(*np.log(PITCH_HZ))))
    tract = np.clip(1.0 + 0.14 * np.log2(middle / 165.0) + draw.normal(0.0, 0.03), 0.85, 1.25)
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    voicing = _track(times, segments, "voicing", _EDGE_S)
    noise = _track(times, segments, "noise", 0.012)
    f0 = _contour(draw, times, segments, middle, voicing >= VOICED_GAIN)
    pulses = _pulses(draw, times, f0, voicing, segments, float(tract))
    breath = 10.0 ** (draw.uniform(-42.0, -28.0) / 20.0) * voicing
    breathing = hiss(draw, len(times), draw.uniform(2200.0, 4500.0))
    samples = pulses / np.abs(pulses).max() + (0.25 * noise + breath) * breathing
    hop = round(HOP_S * SAMPLE_RATE)
    at = slice(None, None, hop)
    voiced = voicing[at] >= VOICED_GAIN
    return Voice(
        samples=samples / np.abs(samples).max(),
        f0_hz=f0[at],
        voicing=voicing[at],
        noise=noise[at],
        jaw=_track(times[at], segments, "jaw", _LIPS_S),
        rounding=_track(times[at], segments, "rounding", _LIPS_S),
        syllables=sum(segment.kind == "vowel" for segment in segments),
        median_hz=float(np.median(f0[at][voiced])),
    )


def draw_segments(draw: np.random.Generator, seconds: float) -> list[Segment]:
    """Phrases of three to seven syllables with pauses between, at a drawn pace; the last quarter second is a pause."""
    pace, at = draw.uniform(0.8, 1.25), draw.uniform(0.15, 0.4)
    end = seconds - 0.25
    made = [Segment("pause", 0.0, at)]
    left = int(draw.integers(3, 8))
    while True:
        syllable = _syllable(draw, at, pace)
        if syllable[-1].end_s > end:
            return [*made, Segment("pause", at, seconds)]
        made += syllable
        at, left = syllable[-1].end_s, left - 1
        if not left:
            made.append(Segment("pause", at, at := at + draw.uniform(0.20, 0.50)))
            left = int(draw.integers(3, 8))


def _syllable(draw: np.random.Generator, at: float, pace: float) -> list[Segment]:
    """A consonant and a vowel; now and then the consonant's closed lips make a moment of silence."""
    onset = ONSETS[draw.integers(len(ONSETS))]
    formants, jaw, rounding = VOWELS[draw.integers(len(VOWELS))]
    made: list[Segment] = []

    def add(kind: str, seconds: float, **how: float) -> None:
        start = made[-1].end_s if made else at
        made.append(Segment(kind, start, start + pace * seconds, formants=formants, **how))

    if onset == "fricative":
        add("fricative", draw.uniform(0.06, 0.12), noise=draw.uniform(0.3, 1.0), jaw=0.15)
    elif onset == "plosive":
        add("closure", draw.uniform(0.04, 0.08))
        add("burst", draw.uniform(0.008, 0.02), noise=draw.uniform(0.5, 1.0), jaw=0.1)
    else:
        add("voiced", draw.uniform(0.05, 0.09), voicing=draw.uniform(0.15, 0.3), jaw=0.1)
    strength = draw.uniform(0.5, 1.0)
    add("vowel", draw.uniform(0.09, 0.24), voicing=strength, jaw=jaw * draw.uniform(0.8, 1.1), rounding=rounding)
    return made


def _track(times: Signal, segments: list[Segment], name: str, smooth_s: float) -> Signal:
    """One property of the segments over time; the steps between them take ``smooth_s``."""
    return _smoothed(times, segments, np.array([getattr(segment, name) for segment in segments]), smooth_s)


def _smoothed(times: Signal, segments: list[Segment], values: Signal, smooth_s: float) -> Signal:
    index = np.searchsorted([segment.start_s for segment in segments], times, side="right") - 1
    stepped = values[index]
    kernel = np.hanning(max(3, round(smooth_s / (times[1] - times[0]))) + 2)[1:-1]
    half = len(kernel) // 2
    padded = np.pad(stepped, (half, len(kernel) - 1 - half), mode="edge")
    size = 1 << (len(padded) + len(kernel)).bit_length()  # by the transform: kernels are hundreds of samples long
    product = np.fft.rfft(padded, size) * np.fft.rfft(kernel / kernel.sum(), size)
    smooth = np.fft.irfft(product, size)[len(kernel) - 1 : len(kernel) - 1 + len(times)]
    return np.asarray(np.maximum(smooth, 0.0))


def _contour(
    draw: np.random.Generator, times: Signal, segments: list[Segment], middle: float, voiced: NDArray[np.bool_]
) -> Signal:
    """Pitch over time in Hz, also where nothing is voiced; ``middle`` is the median of what is."""
    starts = np.array([segment.end_s for segment in segments if segment.kind == "pause"])
    phrase = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)
    semitones = draw.uniform(-4.0, 1.0) * (times - starts[phrase]) + draw.normal(0.0, 1.0, len(starts))[phrase]
    vowels = [segment for segment in segments if segment.kind == "vowel"]
    for number, vowel in enumerate(vowels):
        last = number + 1 == len(vowels) or vowels[number + 1].start_s - vowel.end_s > 0.19
        centre, width = (vowel.start_s + vowel.end_s) / 2, vowel.end_s - vowel.start_s
        semitones = semitones + draw.normal(0.0, 1.5) * np.exp(-(((times - centre) / width) ** 2))
        if last:
            share = np.clip((times - vowel.start_s) / width, 0.0, 1.0)
            semitones = semitones + draw.uniform(-5.0, 5.0) * share**2 * (times < vowel.end_s + 0.1)
    return np.asarray(np.clip(middle * 2.0 ** ((semitones - np.median(semitones[voiced])) / 12.0), *CONTOUR_HZ))


def _pulses(
    draw: np.random.Generator, times: Signal, f0: Signal, voicing: Signal, segments: list[Segment], tract: float
) -> Signal:
    """The voiced part: one response per glottal pulse, added at its time."""
    phase = np.cumsum(f0) / SAMPLE_RATE
    at = np.interp(np.arange(1.0, np.floor(phase[-1])), phase, np.arange(len(times), dtype=np.float64))
    strength = np.interp(at, np.arange(len(times)), voicing)
    at, strength = at[strength > 1e-4], strength[strength > 1e-4]
    at = at + draw.normal(0.0, draw.uniform(0.001, 0.006), len(at)) * SAMPLE_RATE / np.interp(
        at, np.arange(len(f0)), f0
    )
    strength = strength * (1.0 + draw.normal(0.0, draw.uniform(0.01, 0.05), len(at)))
    at = np.clip(at, 0.0, len(times) - 1.0)
    formants = [
        tract * _smoothed(times, segments, np.array([segment.formants[n] for segment in segments]), _FORMANT_S)
        for n in range(3)
    ]
    response = responses(draw, at, [np.interp(at, np.arange(len(times)), track) for track in formants], tract)
    sound = np.zeros(len(times) + RESPONSE + LEAD)
    for start, one in zip(np.floor(at).astype(int), strength[:, None] * response, strict=True):
        sound[start : start + RESPONSE] += one
    return sound[LEAD : LEAD + len(times)]
