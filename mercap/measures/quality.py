"""How good the recording is: black and frozen pictures, sharpness, level, clipping, noise.

Costs under 20 ms per 5 s clip. Lossy compression hides differences, so two pictures count as equal when no block of
them differs by more than an eye would see.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mercap.measures.faces import Box, Grey
from mercap.measures.rounding import optional, significant
from mercap.measures.spans import inside, speech_intervals, total_s
from mercap.measures.windows import FLOOR_DBFS, HOP_S, Signal, levels_dbfs, to_float, windows
from mercap.records import Diarization, QualityMeasures

BLACK_BELOW = 16.0  # of 255: the black level of broadcast video
MOST_BLOCKS = 64  # in a row of the blocks that frozen pictures are compared by
FROZEN_BELOW = 2.0  # of 255, of the block that changed most
FULL_SCALE_SAMPLES = (-32767, 32767)
EDGE_S = 0.10  # around detected speech that counts neither as speech nor as background
LEAST_BACKGROUND_S = 0.20
LEVEL_WINDOW_S = 0.025


def measure_quality(
    frames: Sequence[Grey],
    boxes: Sequence[Box | None],
    audio: NDArray[np.int16] | None,
    sample_rate: int,
    diarization: Diarization | None,
) -> QualityMeasures:
    """Measure both streams; ``frames`` are luminance (empty = no video), ``boxes`` the main face in each."""
    sounding = audio if audio is not None and len(audio) else None
    return QualityMeasures(
        black_ratio=significant(_black(frames)) if frames else None,
        frozen_ratio=significant(_frozen(frames)) if len(frames) > 1 else None,
        sharpness=optional(_sharpness(frames, boxes)),
        level_dbfs=None if sounding is None else optional(_level(to_float(sounding))),
        clipped_ratio=None if sounding is None else significant(_clipped(sounding)),
        snr_db=None if sounding is None else optional(_snr(to_float(sounding), sample_rate, diarization)),
    )


def _black(frames: Sequence[Grey]) -> float:
    return sum(float(frame.mean()) < BLACK_BELOW for frame in frames) / len(frames)


def _frozen(frames: Sequence[Grey]) -> float:
    """Share of the steps from frame to frame in which no block changes."""
    small = [_blocks(frame).astype(np.int16) for frame in frames]
    still = sum(float(np.abs(after - before).max()) < FROZEN_BELOW for before, after in pairwise(small))
    return still / (len(frames) - 1)


def _blocks(frame: Grey) -> Grey:
    """Means of square blocks, by halving: several times faster than any other factor."""
    while frame.shape[1] > MOST_BLOCKS and frame.shape[0] > 1:
        size = frame.shape[1] // 2, frame.shape[0] // 2
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    return frame


def _sharpness(frames: Sequence[Grey], boxes: Sequence[Box | None]) -> float | None:
    """Median variance of the Laplacian over the face frames' faces, or over whole frames when there is no face."""
    faces = [_crop(frame, box) for frame, box in zip(frames, boxes, strict=True) if box]
    areas = [area for area in faces if min(area.shape) >= 3] or [frame for frame in frames if min(frame.shape) >= 3]
    if not areas:
        return None
    return float(np.median([cv2.Laplacian(area, cv2.CV_32F).var() for area in areas]))


def _crop(frame: Grey, box: Box) -> Grey:
    left, top = max(0, round(box.x - box.side / 2)), max(0, round(box.y - box.side / 2))
    return frame[top : max(0, round(box.y + box.side / 2)), left : max(0, round(box.x + box.side / 2))]


def _level(signal: Signal) -> float | None:
    return float(levels_dbfs(signal)) if np.any(signal) else None


def _clipped(audio: NDArray[np.int16]) -> float:
    low, high = FULL_SCALE_SAMPLES
    return float(np.mean((audio <= low) | (audio >= high)))


def _snr(signal: Signal, sample_rate: int, diarization: Diarization | None) -> float | None:
    """Mean power inside speech over mean power well outside it; ``None`` without enough of either."""
    duration = len(signal) / sample_rate
    speech = speech_intervals(diarization, duration)
    if total_s(speech) < EDGE_S or not np.any(signal):
        return None
    times, views = windows(signal, sample_rate, LEVEL_WINDOW_S)
    whole = (times >= LEVEL_WINDOW_S / 2) & (times <= duration - LEVEL_WINDOW_S / 2)
    power = np.mean(np.square(views), axis=1)
    spoken = inside(times, speech)
    background = whole & ~inside(times, [(start - EDGE_S, end + EDGE_S) for start, end in speech])
    if background.sum() * HOP_S < LEAST_BACKGROUND_S or not spoken.any():
        return None
    floor = 10.0 ** (FLOOR_DBFS / 10.0)
    return float(10.0 * np.log10(max(power[spoken].mean(), floor) / max(power[background].mean(), floor)))
