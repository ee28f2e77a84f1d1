"""What the main face shows over a clip: mouth corners, mouth opening, mouth movement, brows.

Every face frame is read on its own (`mouth`, `brows`, `motion`); here the readings are counted and their medians
taken. Classical image processing on the detector's box, about 7 ms per face frame on one core. It describes what
the lips and brows do, not what somebody feels; resting faces differ, and strong make-up, beards, glasses and fringes
mislead it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mercap.measures.brows import Brows, read_brows
from mercap.measures.faces import Box
from mercap.measures.following import Followed
from mercap.measures.frame import Frame
from mercap.measures.motion import mouth_change
from mercap.measures.mouth import Mouth, read_mouth
from mercap.measures.norms import MOUTH
from mercap.measures.patch import Patch, cut
from mercap.measures.rounding import optional, significant
from mercap.records import FaceMeasures

# Where the corners count as clearly raised or lowered: resting drawn mouths of all openings stay within
# -0.03 to +0.05, a slight smile (a quarter of the full one) reaches 0.06.
RAISED_CORNERS = 0.07
LOWERED_CORNERS = -0.07
# An open mouth's corners may sit anywhere from a third to half way between the lips; that uncertainty, as a
# share of the opening, is added to both limits.
OPEN_ALLOWANCE = 0.15
BROWS_EVERY = 2  # face frames: only medians over the clip are kept, and brows move slowly
LEAST_BROW_FACE_PX = 64  # a smaller face has brows of a pixel or two, which read as too low
NEIGHBOUR_S = 0.30  # face frames farther apart than this are not compared
LEAST_THIRD = 6  # frames, half a second of them, for a change over the clip


@dataclass(frozen=True)
class Reading:
    """What one face frame shows; ``change`` is against the face frame before, ``None`` without a close one."""

    time_s: float
    mouth: Mouth | None
    brows: Brows | None
    change: float | None


@dataclass(frozen=True)
class FaceReport:
    """The record, and the mouth over time, which the record does not keep: opening, and spread of the lips."""

    measures: FaceMeasures
    mouth_times_s: tuple[float, ...]
    openings: tuple[float, ...]
    spreads: tuple[float, ...]


def measure_face(frames: Sequence[Frame], followed: Followed) -> FaceReport:
    """Read the main face in every frame in which it was found."""
    readings = read_faces(frames, followed.boxes)
    mouths = [reading.mouth for reading in readings if reading.mouth]
    brows = [reading.brows for reading in readings if reading.brows]
    changes = [(reading.time_s, reading.change) for reading in readings if reading.change is not None]
    measures = FaceMeasures(
        frames=len(frames),
        face_frames=len(readings),
        presence_change=_change([box is not None for box in followed.boxes]),
        people_max=followed.people_max,
        face_height_ratio=_face_height(frames, followed.boxes),
        head_motion=_head_motion(frames, followed.boxes),
        smile_frames=sum(smiles(mouth) for mouth in mouths),
        frown_frames=sum(frowns(mouth) for mouth in mouths),
        smile_change=_change([smiles(mouth) for mouth in mouths]),
        frown_change=_change([frowns(mouth) for mouth in mouths]),
        mouth_curvature=_median(mouth.curvature for mouth in mouths),
        mouth_open_frames=sum(mouth.opening >= MOUTH.open for mouth in mouths),
        mouth_motion=optional(float(np.mean([change for _, change in changes])) if changes else None),
        brow_slant=_median(brow.slant for brow in brows),
        brow_height=_median(brow.height for brow in brows),
        times_s=tuple(significant(time) for time, _ in changes),
        mouth_motion_series=tuple(significant(change) for _, change in changes),
    )
    seen = [(reading.time_s, reading.mouth) for reading in readings if reading.mouth]
    return FaceReport(
        measures,
        mouth_times_s=tuple(time for time, _ in seen),
        openings=tuple(mouth.opening for _, mouth in seen),
        spreads=tuple(mouth.spread for _, mouth in seen),
    )


def smiles(mouth: Mouth) -> bool:
    """Whether the corners are clearly raised."""
    return mouth.curvature >= RAISED_CORNERS + OPEN_ALLOWANCE * mouth.opening / mouth.width


def frowns(mouth: Mouth) -> bool:
    """Whether the corners are clearly lowered."""
    return mouth.curvature <= LOWERED_CORNERS - OPEN_ALLOWANCE * mouth.opening / mouth.width


def read_faces(frames: Sequence[Frame], boxes: Sequence[Box | None]) -> list[Reading]:
    """One reading per frame that has a box, in order of time."""
    readings: list[Reading] = []
    before: tuple[float, Patch] | None = None
    for frame, box in zip(frames, boxes, strict=True):
        if box is None:
            continue
        patch = cut(frame.image, box)
        close = before is not None and frame.time_s - before[0] <= NEIGHBOUR_S
        change = mouth_change(before[1], patch) if before is not None and close else None
        browed = len(readings) % BROWS_EVERY == 0 and box.side >= LEAST_BROW_FACE_PX
        brows = read_brows(patch) if browed else None
        readings.append(Reading(frame.time_s, read_mouth(patch), brows, change))
        before = frame.time_s, patch
    return readings


def _change(shown: Sequence[bool]) -> float | None:
    """Share of the last third of the frames minus that of the first; ``None`` for too few."""
    third = len(shown) // 3
    if third < LEAST_THIRD:
        return None
    return significant((sum(shown[-third:]) - sum(shown[:third])) / third)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return significant(float(np.median(found))) if found else None


def _face_height(frames: Sequence[Frame], boxes: Sequence[Box | None]) -> float | None:
    ratios = [box.side / frame.image.shape[0] for frame, box in zip(frames, boxes, strict=True) if box]
    return significant(min(1.0, float(np.median(ratios)))) if ratios else None


def _head_motion(frames: Sequence[Frame], boxes: Sequence[Box | None]) -> float | None:
    """Median speed of the box between neighbouring face frames, in face widths per second."""
    seen = [(frame.time_s, box) for frame, box in zip(frames, boxes, strict=True) if box]
    speeds = [
        np.hypot(box.x - before.x, box.y - before.y) / box.side / (time - earlier)
        for (earlier, before), (time, box) in pairwise(seen)
        if 0.0 < time - earlier <= NEIGHBOUR_S
    ]
    return _median(float(speed) for speed in speeds)
