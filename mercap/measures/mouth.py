"""Reading the mouth of one face: how the corners stand to its middle, and how far it is open.

Lips and the dark between them differ from the cheeks in lightness or redness, whatever the skin's colour: that
difference makes a map, its widest blob in the lower face is the mouth. Per column the blob has an upper and a
lower edge; the line between them is fitted by a parabola. Costs about 1 ms per face. Weak on beards, on hands in
front of the mouth and where lips and skin hardly differ: then the answer is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mercap.measures.patch import SIDE, Patch, Plane, columns, rows

REGION_Y = (0.64, 1.12)  # from below the nostrils to the chin of an open mouth, in face heights
REGION_X = (0.20, 0.80)
LIKELY = (0.79, 0.50)  # where the middle of a mouth is expected: row, column
REACH = round(0.26 * SIDE)  # rows: taller than the mouth of a shout
REDNESS_WEIGHT = 2.0  # one step of a* tells as much as two of L*: skin varies less in redness
THRESHOLD = 0.36  # of the map's strongest value
SHADE_FROM, SHADE_OVER = 0.85, 0.10  # below the lips the map fades out: a chin's shadow is darker than dark lips
LEAST_DIFFERENCE = 6.0  # in L* steps: with less there is no mouth to be seen
LEAST_WIDTH = 0.14  # of the face
GAP = 5  # rows between upper and lower lip that neither is dark nor looks like teeth
LOOSE = 1  # rows by which the runs of neighbouring columns may miss each other
MIDDLE = 0.40  # share of the way from upper to lower edge at which the corners sit when lips part
DARK = 0.55  # of the cheeks' lightness: darker than any lip
STANDS_OUT = 0.40  # of the cheeks' lightness, by which teeth are lighter than what is above and below them
TALLEST_TEETH = round(0.10 * SIDE)  # rows: a row of teeth is no taller, brightly lit skin is
REDDER = 2.0  # a* by which teeth may be redder than the cheeks: chroma is coarse, and lips are near

_REGION = slice(REACH, REACH + rows(REGION_Y).stop - rows(REGION_Y).start)  # its rows within `_lower_face`

Edge = NDArray[np.float64]


@dataclass(frozen=True)
class Mouth:
    """``curvature`` in mouth widths, positive = corners raised; the others in face heights.

    ``opening`` is the gap where it is dark or shows teeth, ``height`` the way from the upper lip's edge to the lower's.
    """

    curvature: float
    opening: float
    height: float
    width: float

    @property
    def spread(self) -> float:
        """How far the lips are apart, of both readings: a small gap shows in the lips before it is dark."""
        return self.opening + self.height


def read_mouth(patch: Patch) -> Mouth | None:
    """Find and measure the mouth of a face patch; ``None`` when no mouth stands out."""
    lower_face = _lower_face(patch)
    teeth = teeth_like(lower_face)[_REGION]
    blob = _mouth_blob(unlike_skin(lower_face)[_REGION], teeth)
    if blob is None:
        return None
    used, upper, lower = _edges(blob)
    width = float(used[-1] - used[0] + 1)
    if width < LEAST_WIDTH * SIDE:
        return None
    dark = (lower_face.lightness < DARK * patch.skin_lightness)[_REGION]
    return Mouth(
        curvature=_corner_raise(used, upper, lower),
        opening=_opening(dark | teeth, used, upper, lower) / SIDE,
        height=float(np.mean((lower - upper)[_middle_third(used)])) / SIDE,
        width=width / SIDE,
    )


def _lower_face(patch: Patch) -> Patch:
    """The patch around the region only: as far above it as the tallest of the filters below reaches."""
    area = slice(rows(REGION_Y).start - REACH, None), columns(REGION_X)
    return replace(patch, lightness=patch.lightness[area], redness=patch.redness[area])


def unlike_skin(patch: Patch) -> Plane:
    """How much each pixel is darker or redder than the skin above and below it, in L* steps.

    Closing and opening along columns removes what is no taller than a wide open mouth and keeps shading, which runs
    down the whole cheek.
    """
    column = np.ones((REACH, 1), np.uint8)
    lightness = np.minimum(patch.lightness, patch.skin_lightness)  # teeth must not make the skin look dark
    redness = np.maximum(patch.redness, patch.skin_redness)  # nor make it look red
    darker = cv2.morphologyEx(lightness, cv2.MORPH_CLOSE, column) - lightness
    redder = redness - cv2.morphologyEx(redness, cv2.MORPH_OPEN, column)
    return np.asarray(darker + REDNESS_WEIGHT * redder, dtype=np.float32)


def teeth_like(patch: Patch) -> NDArray[np.bool_]:
    """Pixels lighter than the cheeks and much lighter than what is close above and below, and not redder."""
    column = np.ones((TALLEST_TEETH, 1), np.uint8)
    raised = patch.lightness - cv2.morphologyEx(patch.lightness, cv2.MORPH_OPEN, column)
    bright = (raised > STANDS_OUT * patch.skin_lightness) & (patch.lightness > patch.skin_lightness)
    return np.asarray(bright & (patch.redness < patch.skin_redness + REDDER), dtype=np.bool_)


def _mouth_blob(difference: Plane, teeth: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The connected blob of lips, gap and teeth that is widest and nearest to where mouths are."""
    below = np.maximum(np.arange(len(difference)) / SIDE + REGION_Y[0] - SHADE_FROM, 0.0)
    difference = difference * np.exp(-((below / SHADE_OVER) ** 2)).astype(np.float32)[:, None]
    strongest = float(np.percentile(difference, 99))
    if strongest < LEAST_DIFFERENCE:
        return None
    lips = difference > THRESHOLD * strongest
    mask = (lips | (teeth & _between(lips))).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 5), np.uint8))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    best, best_score = 0, 0.0
    for number in range(1, count):
        row = centres[number][1] / SIDE + REGION_Y[0] - LIKELY[0]
        column = centres[number][0] / SIDE + REGION_X[0] - LIKELY[1]
        score = stats[number, cv2.CC_STAT_WIDTH] * np.exp(-((row / 0.12) ** 2) - (column / 0.15) ** 2)
        if score > best_score:
            best, best_score = number, float(score)
    return _filled(labels == best) if best else None


def _between(lips: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where there is lip above and below in the same column: brightly lit skin looks like teeth, but not there."""
    above = np.maximum.accumulate(lips, axis=0)
    below = np.maximum.accumulate(lips[::-1], axis=0)[::-1]
    return np.asarray(above & below, dtype=np.bool_)


def _filled(blob: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The blob without the holes that half-lit teeth and the tongue leave in it."""
    mask = blob.astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(mask, outlines, -1, 1, cv2.FILLED) > 0, dtype=np.bool_)


def _edges(blob: NDArray[np.bool_]) -> tuple[NDArray[np.intp], Edge, Edge]:
    """Columns of the mouth and, for each, its first and last row.

    From the middle outwards each column continues with the run that overlaps its neighbour's most; folds of the
    cheek and nostrils that touch the blob are left behind.
    """
    middle = int(np.median(np.flatnonzero(blob.any(axis=0))))
    start = max(_runs(blob[:, middle]), key=lambda run: run[1] - run[0], default=(0, 0))
    found = {middle: start}
    for step in (-1, 1):
        last, column = start, middle + step
        while 0 <= column < blob.shape[1]:
            shared = [(min(last[1], run[1]) - max(last[0], run[0]), run) for run in _runs(blob[:, column])]
            overlap, run = max(shared, default=(-LOOSE - 1, last))
            if overlap < -LOOSE:
                break
            found[column] = last = run
            column += step
    used = np.array(sorted(found))
    edges = np.array([found[column] for column in used], dtype=np.float64)
    return used, edges[:, 0], edges[:, 1]


def _runs(column: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of true values; gaps of up to `GAP` are part of a run."""
    runs: list[tuple[int, int]] = []
    for place in column.nonzero()[0].tolist():
        if runs and place - runs[-1][1] <= GAP + 1:
            runs[-1] = runs[-1][0], place
        else:
            runs.append((place, place))
    return runs


def _corner_raise(used: NDArray[np.intp], upper: Edge, lower: Edge) -> float:
    """How far the ends of the line between the edges lie above its middle, divided by the mouth's width."""
    line = upper + MIDDLE * (lower - upper)
    half = (used[-1] - used[0]) / 2.0
    across = (used - (used[0] + used[-1]) / 2.0) / half
    bend = np.polyfit(across, line, 2)[0]  # rows grow downwards: raised corners bend the line up
    return float(-bend / (2.0 * half))


def _middle_third(used: NDArray[np.intp]) -> slice:
    return slice(len(used) // 3, len(used) - len(used) // 3)


def _opening(parted: NDArray[np.bool_], used: NDArray[np.intp], upper: Edge, lower: Edge) -> float:
    """Median height, over the middle third of the mouth, of what is ``parted``, not lip; in pixels."""
    heights = []
    for column in range(len(used))[_middle_third(used)]:
        inside = slice(int(upper[column]), int(lower[column]) + 1)
        seen = np.flatnonzero(parted[inside, used[column]])
        heights.append(float(seen[-1] - seen[0] + 1) if len(seen) else 0.0)
    return float(np.median(heights)) if heights else 0.0
