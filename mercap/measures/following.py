"""Following the main face through a clip: whole scans twice a second, near looks between.

A face counts as a person when it turns up in at least two scans at about the same place (in the only scan, when
there is but one), so a pattern mistaken for a face in one frame is nobody. The main face is the one with the largest
sum of heights over the scans; where it is out of the picture, for example after a cut, the next one takes over.
Costs about 250 ms per 5 s (62 frames) on one core, half of `measure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mercap.measures.faces import Box, Grey, look_near, scan

SCAN_EVERY_S = 0.48  # six frames at 12.5 frames per second
FEWEST_SCANS = 4  # in a short clip scans move closer together
LEAST_HITS = 2
LINK_DISTANCE = 0.75  # face widths that a face may move between two scans
LINK_GROWTH = 1.5
FORGET_SCANS = 3  # a face unseen for this many scans is gone; what comes later is a new one
CALM = 0.06  # face widths; boxes of nearby frames within it may stand in for each other
SMOOTHING = 2  # frames on each side of the median that steadies the boxes


@dataclass
class Track:
    """One face at the scans that saw it: frame index -> box."""

    hits: dict[int, Box] = field(default_factory=dict)

    @property
    def size(self) -> float:
        return sum(box.side for box in self.hits.values())

    def at(self, index: int) -> Box:
        """Where the face should be in a frame: between the nearest scans, or at the first or last."""
        keys = sorted(self.hits)
        x, y, side = (np.interp(index, keys, [self.hits[key][part] for key in keys]) for part in range(3))
        return Box(float(x), float(y), float(side))

    def alive(self, index: int, reach: int) -> bool:
        return min(self.hits) - reach < index < max(self.hits) + reach


@dataclass(frozen=True)
class Followed:
    """``boxes`` has one entry per frame, ``None`` where the main face was not found."""

    boxes: list[Box | None]
    people_max: int


def follow(frames: Sequence[Grey], times_s: Sequence[float]) -> Followed:
    """Find and follow the main face of ``frames`` (luminance, all of one size), seen at ``times_s``."""
    stride = _stride(times_s)
    scanned = list(range(0, len(frames), stride))
    scans = {index: scan(frames[index]) for index in scanned}
    tracks = [track for track in link(scans) if len(track.hits) >= min(LEAST_HITS, len(scanned))]
    tracks.sort(key=lambda track: (-track.size, min(track.hits)))
    people = max((sum(index in track.hits for track in tracks) for index in scanned), default=0)
    return Followed(steady(_look(frames, tracks, stride)), people)


def _stride(times_s: Sequence[float]) -> int:
    """Frames from scan to scan."""
    usual = float(np.median(np.diff(times_s))) if len(times_s) > 1 else SCAN_EVERY_S
    by_time = round(SCAN_EVERY_S / usual) if usual > 0.0 else 1
    return max(1, min(by_time, len(times_s) // FEWEST_SCANS))


def link(scans: dict[int, list[Box]]) -> list[Track]:
    """Join the boxes of successive scans into tracks; each box belongs to exactly one."""
    tracks: list[Track] = []
    order = sorted(scans)
    for number, index in enumerate(order):
        recent = set(order[max(0, number - FORGET_SCANS) : number])
        open_tracks = [track for track in tracks if max(track.hits) in recent]
        for box in scans[index]:
            near = [track for track in open_tracks if _same(track.hits[max(track.hits)], box)]
            if near:
                chosen = min(near, key=lambda track: _apart(track.hits[max(track.hits)], box))
                open_tracks.remove(chosen)
            else:
                chosen = Track()
                tracks.append(chosen)
            chosen.hits[index] = box
    return tracks


def _apart(one: Box, other: Box) -> float:
    return float(np.hypot(one.x - other.x, one.y - other.y))


def _same(one: Box, other: Box) -> bool:
    larger, smaller = max(one.side, other.side), min(one.side, other.side)
    return larger <= LINK_GROWTH * smaller and _apart(one, other) <= LINK_DISTANCE * smaller


def _look(frames: Sequence[Grey], tracks: list[Track], stride: int) -> list[Box | None]:
    """Every second frame is searched, and every frame between two that do not nearly agree."""
    boxes: list[Box | None] = [None] * len(frames)
    for index in range(0, len(frames), 2):
        boxes[index] = _main(frames[index], index, tracks, stride)
    for index in range(1, len(frames), 2):
        before, after = boxes[index - 1], boxes[index + 1] if index + 1 < len(frames) else None
        if before and after and _apart(before, after) < CALM * before.side and _same(before, after):
            boxes[index] = Box(*((one + other) / 2 for one, other in zip(before, after, strict=True)))
        else:
            boxes[index] = _main(frames[index], index, tracks, stride)
    return boxes


def _main(frame: Grey, index: int, ranked: list[Track], stride: int) -> Box | None:
    for track in ranked:
        if track.alive(index, stride):
            found = look_near(frame, track.at(index))
            return found or track.hits.get(index)
    return None


def steady(boxes: Sequence[Box | None]) -> list[Box | None]:
    """Each box replaced by the median of its calm neighbours: removes detector jitter, keeps fast movement."""
    steadied: list[Box | None] = []
    for index, box in enumerate(boxes):
        if box is None:
            steadied.append(None)
            continue
        near = [box]
        for step in (-1, 1):
            for at in range(index + step, index + step * (SMOOTHING + 1), step):
                neighbour = boxes[at] if 0 <= at < len(boxes) else None
                if neighbour is None or _apart(neighbour, box) > CALM * box.side or not _same(neighbour, box):
                    break
                near.append(neighbour)
        steadied.append(Box(*(float(np.median([other[part] for other in near])) for part in range(3))))
    return steadied
