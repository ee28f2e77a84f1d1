"""How much the mouth region changes from one face frame to the next, with the head's own movement taken out.

Two patches are laid over each other by the eyes and nose (phase correlation, a fraction of a pixel), then the mouth
regions are compared. The unit is the face's own contrast, so a dim picture counts as much as a bright one. Grain and
compression leave a floor of about 0.01 even for a mouth that does not move. Costs about 1 ms per frame.
"""

from __future__ import annotations

import cv2
import numpy as np

from mercap.measures.patch import Patch, Plane, columns, rows

ANCHOR_Y, ANCHOR_X = (0.22, 0.64), (0.12, 0.88)  # brows to nose: moves with the skull, not with the jaw
MOUTH_Y, MOUTH_X = (0.66, 1.05), (0.24, 0.76)
FARTHEST = 20.0  # pixels; a larger shift means that the alignment failed
BLUR = 1.5  # pixels; grain is finer than lips


def mouth_change(before: Patch, after: Patch) -> float:
    """Mean absolute lightness change of the mouth region, as a fraction of the face's contrast."""
    shift_x, shift_y = _shift(before.lightness, after.lightness)
    height, width = after.lightness.shape
    move = np.array([[1.0, 0.0, shift_x], [0.0, 1.0, shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    aligned = cv2.warpAffine(after.lightness, move, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    difference = _mouth(aligned) - _mouth(before.lightness)
    difference -= difference.mean()  # a change of exposure is no movement
    return float(np.abs(difference).mean() / ((before.contrast + after.contrast) / 2))


def _mouth(plane: Plane) -> Plane:
    blurred = cv2.GaussianBlur(plane[rows(MOUTH_Y), columns(MOUTH_X)], (0, 0), BLUR)
    return np.asarray(blurred, dtype=np.float32)


def _shift(before: Plane, after: Plane) -> tuple[float, float]:
    """How many pixels (right, down) the upper face moved from one patch to the other."""
    one, other = (np.ascontiguousarray(plane[rows(ANCHOR_Y), columns(ANCHOR_X)]) for plane in (before, after))
    window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(one, other, window)
    return (x, y) if max(abs(x), abs(y)) <= FARTHEST else (0.0, 0.0)
