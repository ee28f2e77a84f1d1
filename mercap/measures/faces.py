"""Finding faces: one scan of a whole frame, and a cheap look near a place where a face is expected.

Uses the Haar cascade that OpenCV 4 ships (frontal, upright faces only: profiles and strongly tilted heads are
missed, and now and then a pattern is taken for a face, so callers ask for persistence). A scan costs 5 to 12 ms
per frame on one core, a look near a known face 1 to 3 ms.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

CASCADE = "haarcascade_frontalface_alt2.xml"
SCAN_HEIGHT = 180  # frames are scanned at this height; near looks are what places a face exactly
SMALLEST_RATIO = 0.111  # of the frame height; a smaller face shows no expression that could be read
SCAN_STEP, SCAN_NEIGHBOURS = 1.2, 4
NEAR_FACE_PX = 52  # a near look is taken at the scale that makes the face this wide
NEAR_MARGIN = 0.35  # of the face width, on each side
NEAR_STEP, NEAR_NEIGHBOURS = 1.1, 2
NEAR_SMALLEST, NEAR_LARGEST = 0.78, 1.28


class Box(NamedTuple):
    """A square around a face, hairline to below the mouth: its centre and side in frame pixels."""

    x: float
    y: float
    side: float


@functools.cache
def _cascade() -> cv2.CascadeClassifier:
    path = Path(cv2.data.haarcascades) / CASCADE
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise RuntimeError(f"{path} is missing: install opencv-python-headless 4, version 5 ships no cascades")
    return cascade


def grey(image: NDArray[np.uint8]) -> Grey:
    """Luminance of a blue-green-red image."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def scan(luminance: Grey) -> list[Box]:
    """All faces of a frame, largest first."""
    scale = min(1.0, SCAN_HEIGHT / luminance.shape[0])
    small = _scaled(luminance, scale)
    smallest = max(20, round(SMALLEST_RATIO * small.shape[0]))
    return _detect(small, scale, (0.0, 0.0), SCAN_STEP, SCAN_NEIGHBOURS, (smallest, min(small.shape)))


def look_near(luminance: Grey, expected: Box) -> Box | None:
    """The face closest to ``expected`` among those of about its size and place, or ``None``."""
    reach = expected.side * (0.5 + NEAR_MARGIN)
    left, top = max(0, round(expected.x - reach)), max(0, round(expected.y - reach))
    crop = luminance[top : max(0, round(expected.y + reach)), left : max(0, round(expected.x + reach))]
    scale = min(1.0, NEAR_FACE_PX / expected.side)
    if min(crop.shape) * scale < 20:
        return None
    sizes = (max(20, round(NEAR_SMALLEST * expected.side * scale)), round(NEAR_LARGEST * expected.side * scale))
    found = _detect(_scaled(crop, scale), scale, (left, top), NEAR_STEP, NEAR_NEIGHBOURS, sizes)
    return min(found, key=lambda box: _distance(box, expected), default=None)


def _distance(box: Box, other: Box) -> float:
    return abs(box.x - other.x) + abs(box.y - other.y) + abs(box.side - other.side)


def _scaled(image: Grey, scale: float) -> Grey:
    if scale >= 1.0:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _detect(
    image: Grey, scale: float, origin: tuple[float, float], step: float, neighbours: int, sizes: tuple[int, int]
) -> list[Box]:
    """Run the cascade on ``image``; answers in the coordinates of the frame it was cut and scaled from."""
    found = _cascade().detectMultiScale(
        image, step, neighbours, minSize=(sizes[0], sizes[0]), maxSize=(sizes[1], sizes[1])
    )
    boxes = [
        Box(origin[0] + (x + w / 2) / scale, origin[1] + (y + h / 2) / scale, w / scale)
        for x, y, w, h in (tuple(map(float, row)) for row in found)
    ]
    return sorted(boxes, key=lambda box: (-box.side, box.x, box.y))
