"""Duet's clips through the shipped encoders and the feature store, and what a linear probe reads from the features."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.generated.duet import MOMENTS, Clips, States, Task, draw_clips
from mercap.affectgpt.encoders import load_encoder
from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.features import FeatureStream
from mercap.media.sampling import Sample
from storage.features import FeatureFolder

# The cartoon fills its frame; a face detector was not made for it.
ENCODERS = {
    "face": EncoderOptions(kind="clip_rows", crop="frame", device="cpu"),
    "audio": EncoderOptions(kind="log_mel", device="cpu"),
}
PENALTY = 1e-2  # of a probe's ridge, in units of the features' variance


class Split(NamedTuple):
    """Clips without their pixels: names under which the store knows them, labels, states."""

    clips: list[str]
    labels: NDArray[np.int64]
    face: States
    voice: States


class Standardised:
    """Features of a store with mean 0 and deviation 1 in each of their numbers, as measured on some clips.

    The encoders without weights give numbers of very different size; as they are, every arm needs some five times the
    steps, and the seed decides more than the arm (docs/duet.md).
    """

    def __init__(self, stored: FeatureStream, clips: Sequence[str]) -> None:
        known = stored.rows(clips).astype(np.float32)
        self.mean, self.deviation = known.mean(axis=(0, 1)), known.std(axis=(0, 1)) + 1e-3
        self.steps, self.dim, self.step_tokens = stored.steps, stored.dim, stored.step_tokens
        self.identity: dict[str, Any] = {**stored.identity, "standardised": True}
        self.status = stored.status
        self._stored = stored

    def over(self, stored: FeatureStream) -> Standardised:
        """Other features under the same measure."""
        other = copy.copy(self)
        other._stored, other.status = stored, stored.status
        return other

    def rows(self, clips: Sequence[str]) -> NDArray[np.float16]:
        scaled = (self._stored.rows(clips).astype(np.float32) - self.mean) / self.deviation
        return np.asarray(scaled, np.float16)


class World(NamedTuple):
    """One task: what is trained on, what is tested on, and the features of both as the store gives them back."""

    task: Task
    train: Split
    test: Split
    features: dict[str, Standardised]


class Probes(NamedTuple):
    """Shares right on the test clips. Of the states at single moments; of the label, from all numbers of a clip."""

    expression: float
    tone: float
    label_from_face: float
    label_from_voice: float
    label_from_both: float


def make_world(store: Path, task: Task, train: int = 2_048, test: int = 512, seed: int = 0) -> World:
    """Draw, encode, store; 15 ms per clip on one core."""
    drawn = draw_clips(task, train, seed), draw_clips(task, test, seed + 1)
    splits = [Split(clips.names, clips.labels, clips.face, clips.voice) for clips in drawn]
    samples = [sample for clips in drawn for sample in as_samples(clips)]
    names = [name for split in splits for name in split.clips]
    features: dict[str, Standardised] = {}
    for stream, options in ENCODERS.items():
        encoder = load_encoder(options)
        folder = FeatureFolder.create(store, encoder.identity)
        folder.write("duet", 0, dict(zip(names, encoder.encode(samples), strict=True)), {}, {})
        features[stream] = Standardised(FeatureFolder.find(store, options), splits[0].clips)
    return World(task, splits[0], splits[1], features)


def as_samples(clips: Clips) -> list[Sample]:
    """What a worker would have made of each clip, without its file: one window per moment."""
    pieces = clips.sound.reshape(len(clips.sound), MOMENTS, -1)
    return [Sample.of(frames, sound) for frames, sound in zip(clips.frames, pieces, strict=True)]


def probe_world(world: World) -> Probes:
    """Whether the cues are there for a linear probe, and the label is not."""
    face = [world.features["face"].rows(split.clips).astype(np.float64) for split in world[1:3]]
    voice = [world.features["audio"].rows(split.clips).astype(np.float64) for split in world[1:3]]
    labels = [2 * split.labels - 1 for split in world[1:3]]
    both = [np.concatenate([one.reshape(len(one), -1), other.reshape(len(other), -1)], axis=1)
            for one, other in zip(face, voice, strict=True)]  # fmt: skip
    return Probes(
        probe(*_moments(face), *_flat([world.train.face, world.test.face])),
        probe(*_moments(voice), *_flat([world.train.voice, world.test.voice])),
        probe(*_clips(face), *labels),
        probe(*_clips(voice), *labels),
        probe(*both, *labels),
    )


def probe(train: NDArray[np.float64], test: NDArray[np.float64], wanted: NDArray[np.float64],
          truth: NDArray[np.float64]) -> float:  # fmt: skip
    """The share of ``truth`` (+1 or -1) that a ridge regression on ``train`` (N, D) gets right on ``test``."""
    mean, scale = train.mean(axis=0), train.std(axis=0) + 1e-6
    known, asked = (train - mean) / scale, (test - mean) / scale
    ridge = PENALTY * len(known) * np.eye(known.shape[1])
    weights = np.linalg.solve(known.T @ known + ridge, known.T @ (wanted - wanted.mean()))
    return float(np.mean(np.sign(asked @ weights + wanted.mean()) == truth))


def _moments(steps: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    return [one.reshape(-1, one.shape[-1]) for one in steps]


def _clips(steps: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    return [one.reshape(len(one), -1) for one in steps]


def _flat(states: list[States]) -> list[NDArray[np.float64]]:
    return [one.astype(np.float64).ravel() for one in states]
