"""Duet: clips whose meaning lies in the combination of face and voice, and in neither alone.

A clip is eight moments of a tenth of a second. In each a drawn face smiles with its teeth (+1) or frowns (-1), and a
syllable rises and is bright (+1) or falls and is dark (-1). A bright voice with a smile, or a dark one with a frown, is
"sincere"; a face and a voice that contradict each other are "ironic".

congruence  all moments of a clip are alike; the label is the product of face and voice. The four combinations are
            equally many, so that face and voice say nothing alone.
synchrony   four of the eight moments are +1, in both, in a random order; the voice goes with the face in every moment,
            or against it in every moment. The mean over time of each is the same in all clips, so that whatever
            averages each stream before it combines them is left with nothing.

Place, size, colours, light, pitch, loudness and noise are drawn anew for each clip. About 4 ms a clip on one core.
"""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Task = Literal["congruence", "synchrony"]
TASKS: tuple[Task, ...] = ("congruence", "synchrony")
LABELS = ("ironic", "sincere")  # by (product + 1) / 2
MOMENTS, MOMENT_S = 8, 0.1
SIDE = 32
SAMPLE_RATE = 16_000
HARMONICS = 8
RISE = 0.5  # octaves over a syllable
TILT = {1: 0.4, -1: 1.6}  # harmonic k has amplitude k^-tilt: bright, dark
PEAK = 0.5  # of the loudest clip, noise aside
PICTURE_NOISE, SOUND_NOISE = 0.03, 0.05
_BLOCK = 256  # clips drawn at a time: some 200 MB

States = NDArray[np.int8]  # +1 or -1


class Clips(NamedTuple):
    """``frames`` (N, 8, 32, 32, 3) RGB, ``sound`` (N, 12,800) at 16 kHz, ``face`` and ``voice`` (N, 8) the states."""

    frames: NDArray[np.uint8]
    sound: NDArray[np.int16]
    face: States
    voice: States

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) places in `LABELS`; in every moment of a clip the same."""
        return (self.face[:, 0].astype(np.int64) * self.voice[:, 0] + 1) // 2

    @property
    def names(self) -> list[str]:
        """What a store would call each clip: a SHA-256 of its pixels and samples."""
        parts = zip(self.frames, self.sound, strict=True)
        return [hashlib.sha256(pixels.tobytes() + samples.tobytes()).hexdigest() for pixels, samples in parts]


def draw_clips(task: Task, count: int, seed: int) -> Clips:
    """``count`` clips, a multiple of 4; every number comes from ``seed``."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, TASKS.index(task)])))
    face, voice = draw_states(task, count, rng)
    starts = range(0, count, _BLOCK)
    frames = [draw_frames(face[start : start + _BLOCK], rng) for start in starts]
    sound = [draw_sound(voice[start : start + _BLOCK], rng) for start in starts]
    return Clips(np.concatenate(frames), np.concatenate(sound), face, voice)


def draw_states(task: Task, count: int, rng: np.random.Generator) -> tuple[States, States]:
    """(N, 8) of the face and of the voice, in random order."""
    if count % 4:
        raise ValueError(f"{count} clips cannot be four equal groups")
    quarter = count // 4
    if task == "congruence":
        face = np.repeat([1, 1, -1, -1], quarter)[:, None].repeat(MOMENTS, axis=1)
        voice = np.repeat([1, -1, 1, -1], quarter)[:, None].repeat(MOMENTS, axis=1)
    else:
        half = np.tile(np.repeat([1, -1], MOMENTS // 2), (count, 1))
        face = rng.permuted(half, axis=1)
        voice = face * np.repeat([1, -1], count // 2)[:, None]
    order = rng.permutation(count)
    return face[order].astype(np.int8), voice[order].astype(np.int8)


def draw_frames(states: States, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(N, 8) -> (N, 8, 32, 32, 3)."""
    count = len(states)
    centre = (SIDE - 1) / 2 + rng.uniform(-1, 1, (count, 2))
    radius = rng.uniform(11, 12, (count, 1, 1))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    across = (x - centre[:, 0, None, None]) / radius
    down = (y - centre[:, 1, None, None]) / radius
    backdrop = rng.uniform(0.1, 0.2, (count, 1, 1, 3))
    skin = rng.uniform(0.5, 0.6, (count, 1, 1, 3))
    light = rng.uniform(0.95, 1.05, (count, 1, 1, 1))
    head = _inside(1 - np.hypot(across, down), radius)
    bare = backdrop + head * (skin - backdrop)
    for side in (-0.35, 0.35):
        bare = _paint(bare, _inside(0.13 - np.hypot(across - side, down + 0.3), radius), 0.05)
    looks = np.stack([_frown(bare, across, down, radius), _smile(bare, across, down, radius)], axis=1) * light[:, None]
    chosen = looks[np.arange(count)[:, None], (states.astype(np.int64) + 1) // 2]
    noisy = chosen + rng.normal(0, PICTURE_NOISE, chosen.shape)
    return np.asarray(np.clip(np.rint(noisy * 255), 0, 255), np.uint8)


def _smile(face: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64],
           radius: NDArray[np.float64]) -> NDArray[np.float64]:  # fmt: skip
    """Corners up, and teeth between straight upper lip and curved lower one."""
    lower = 0.22 + 0.4 * (1 - (across / 0.5) ** 2)
    return _paint(face, _inside(np.minimum(down - 0.22, lower - down), radius), 0.95)


def _frown(face: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64],
           radius: NDArray[np.float64]) -> NDArray[np.float64]:  # fmt: skip
    """A closed dark line, corners down."""
    line = 0.6 - 0.3 * (1 - (across / 0.5) ** 2)
    within = np.minimum(0.09 - np.abs(down - line), 0.5 - np.abs(across))
    return _paint(face, _inside(within, radius), 0.1)


def _inside(distance: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of a pixel lies inside, from its distance in radii: edges are a pixel wide. (N, H, W, 1)."""
    return np.asarray(np.clip(distance * radius + 0.5, 0, 1)[..., None])


def _paint(under: NDArray[np.float64], cover: NDArray[np.float64], shade: float) -> NDArray[np.float64]:
    return under + cover * (shade - under)


def draw_sound(states: States, rng: np.random.Generator) -> NDArray[np.int16]:
    """(N, 8) -> (N, samples)."""
    count, length = len(states), round(MOMENT_S * SAMPLE_RATE)
    base = rng.uniform(130, 170, (count, 1))
    loudness = rng.uniform(0.6, 1, (count, 1, 1))
    spoken = np.stack([_syllable(base, -1, length), _syllable(base, 1, length)], axis=1)
    chosen = loudness * spoken[np.arange(count)[:, None], (states.astype(np.int64) + 1) // 2]
    noisy = PEAK * (chosen + rng.normal(0, SOUND_NOISE, chosen.shape))
    return np.asarray(np.clip(np.rint(noisy * 32767), -32768, 32767), np.int16).reshape(count, -1)


def _syllable(base: NDArray[np.float64], state: int, length: int) -> NDArray[np.float64]:
    """(N, 1) Hz -> (N, length) within -1 to 1: a voice that rises or falls, under an envelope."""
    when = np.arange(length) / length
    # The phase is the integral of a frequency that grows by a power of two.
    turned = (np.exp2(state * RISE * when) - 1) / (state * RISE * np.log(2)) * length / SAMPLE_RATE
    phase = 2 * np.pi * base * turned
    number = np.arange(1, HARMONICS + 1)
    strength = number ** -TILT[state]
    wave = np.einsum("k,nkt->nt", strength / strength.sum(), np.sin(number[:, None] * phase[:, None]))
    envelope = np.minimum(when / 0.1, 1) * np.minimum((1 - when) / 0.2, 1)
    return np.asarray(wave * envelope)
