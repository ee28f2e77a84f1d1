"""Reading the brows of one face: how they slant, and how far they are from the eyes.

Brows and eyes are dark ridges on lighter skin, whatever the colours, so columns are searched for what is darker than
the skin just above and below it. The eye is the strongest such ridge at eye level; the brow is the best smooth
path of dark pixels above it. Costs about 1.5 ms per face. Fringes over the brows and the rims of glasses mislead it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mercap.measures.patch import SIDE, Patch, Plane, rows

SEARCH_Y = (0.08, 0.52)  # from the forehead to below the eyes, in face heights
THICKEST = round(0.13 * SIDE) | 1  # rows: a brow or an eye is thinner, the shadow of a fringe is not
EYE_LEVEL, EYE_SPREAD = 0.385, 0.045  # where eyes sit in the detector's box
INNER, OUTER = 0.10, 0.29  # from the middle of the face, in face widths: the part of a brow that is read
BROW_GAP = (0.045, 0.25)  # nearest and farthest a brow may be above the eye
BROW_LEVEL, BROW_SPREAD = 0.12, 0.07  # how far above the eye a brow is expected
STEEPEST = 2  # rows that the brow may climb per column of the halved side
BEND_COST = 1.0  # per row of climb, in L* steps
CLIMB_COSTS = BEND_COST * np.abs(np.arange(-STEEPEST, STEEPEST + 1, dtype=np.float32))
LEAST_RIDGE = 3.0  # L* steps by which a brow must be darker than the skin around it


@dataclass(frozen=True)
class Brows:
    """``slant``: inner minus outer end, ``height``: brow above eye; both in face heights, both sides averaged."""

    slant: float
    height: float


def read_brows(patch: Patch) -> Brows | None:
    """Measure both brows of a face patch; ``None`` unless both stand out."""
    span = patch.lightness[rows(SEARCH_Y)]
    ridge = cv2.morphologyEx(span, cv2.MORPH_CLOSE, np.ones((THICKEST, 1), np.uint8)) - span
    sides = [_halved(side) for side in _sides(ridge)]
    eyes = [_eye_row(side) for side in sides]
    near, far = round(BROW_GAP[0] * SIDE), round(BROW_GAP[1] * SIDE)
    if min(eyes) < far:
        return None
    bands = np.stack([side[round(eye) - far : round(eye) - near] for side, eye in zip(sides, eyes, strict=True)])
    paths = smoothest_paths(bands * _likely(near, far)[:, None])
    read = [_read_side(band, path) for band, path in zip(bands, paths, strict=True)]
    slants = [side[0] for side in read if side]
    heights = [eye - (round(eye) - far + side[1]) for side, eye in zip(read, eyes, strict=True) if side]
    if len(slants) < 2:
        return None
    return Brows(sum(slants) / 2 / SIDE, sum(heights) / 2 / SIDE)


def _sides(ridge: Plane) -> tuple[Plane, Plane]:
    """Both sides of the face, columns running from the inner end outwards."""
    inner, outer = round(INNER * SIDE), round(OUTER * SIDE)
    middle = SIDE // 2
    return ridge[:, middle - outer : middle - inner][:, ::-1], ridge[:, middle + inner : middle + outer]


def _halved(side: Plane) -> Plane:
    """Half as many columns, each the mean of two: a brow is smooth, and the search costs half."""
    even = side[:, : side.shape[1] // 2 * 2]
    return np.asarray((even[:, ::2] + even[:, 1::2]) / 2, dtype=np.float32)


def _eye_row(ridge: Plane) -> float:
    """Row of the darkest ridge near eye level, as the mean of the dark rows around it."""
    level = (np.arange(len(ridge)) / SIDE + SEARCH_Y[0] - EYE_LEVEL) / EYE_SPREAD
    weight = ridge.mean(axis=1) * np.exp(-0.5 * level**2)
    return float(np.average(np.arange(len(ridge)), weights=weight + 1e-6))


def _likely(near: int, far: int) -> Plane:
    """Weight of each row of a band, top row first: a fringe far above the eye is no brow."""
    distance = np.arange(far, near, -1) / SIDE
    return np.exp(-0.5 * ((distance - BROW_LEVEL) / BROW_SPREAD) ** 2).astype(np.float32)


def _read_side(band: Plane, path: NDArray[np.intp]) -> tuple[float, float] | None:
    """How far the inner end is above the outer one, and the mean row, in pixels; ``None`` without a brow."""
    strength = band[path, np.arange(len(path))].astype(np.float64)
    if np.median(strength) < LEAST_RIDGE:
        return None
    columns = np.arange(len(path)) - (len(path) - 1) / 2
    weight = np.maximum(strength, 0.1)
    columns = columns - np.average(columns, weights=weight)
    climb = float((weight * columns) @ path / ((weight * columns) @ columns))
    return climb * (len(path) - 0.5), float(np.average(path, weights=weight))


def smoothest_paths(bands: Plane) -> NDArray[np.intp]:
    """For each of a stack of bands and each column, the row of the path with most darkness and least climbing."""
    stack, count, width = bands.shape
    padded = np.full((stack, count + 2 * STEEPEST), -np.inf, dtype=np.float32)
    score = padded[:, STEEPEST : STEEPEST + count]  # a view: what lies beyond the band can never be reached
    score[:] = bands[:, :, 0]
    back = np.zeros((width, stack, count), dtype=np.int8)
    for column in range(1, width):
        moved = np.lib.stride_tricks.sliding_window_view(padded, count, axis=1) - CLIMB_COSTS[:, None]
        back[column] = moved.argmax(axis=1)
        score[:] = moved.max(axis=1) + bands[:, :, column]
    path = np.zeros((stack, width), dtype=np.intp)
    path[:, -1] = score.argmax(axis=1)
    each = np.arange(stack)
    for column in range(width - 1, 0, -1):
        path[:, column - 1] = path[:, column] + back[column, each, path[:, column]] - STEEPEST
    return path
