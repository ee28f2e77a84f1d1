from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examples.faces import Expression
from mercap.measures.faces import Box, grey, scan
from mercap.measures.following import Followed, follow, link, steady
from mercap.measures.frame import Frame

Portrait = Callable[..., np.ndarray]
Film = Callable[..., list[Frame]]
RESTING = Expression()


def followed(frames: list[Frame]) -> Followed:
    return follow([grey(frame.image) for frame in frames], [frame.time_s for frame in frames])


def film_of(pictures: list[np.ndarray]) -> list[Frame]:
    return [Frame(index / 12.5, picture) for index, picture in enumerate(pictures)]


@pytest.mark.parametrize("look", [0, 1, 2])
def test_a_scan_finds_the_drawn_face_where_it_is(portrait: Portrait, face_box: Box, look: int) -> None:
    (found,) = scan(grey(portrait(RESTING, look)))
    assert found.x == pytest.approx(face_box.x, abs=8)
    assert found.y == pytest.approx(face_box.y, abs=8)
    assert found.side == pytest.approx(face_box.side, rel=0.12)


def test_a_swaying_head_is_found_in_every_frame(film: Film) -> None:
    frames = film([RESTING] * 14, sway=0.3)
    result = followed(frames)
    assert result.people_max == 1
    for frame, box in zip(frames, result.boxes, strict=True):
        assert box is not None
        assert box.x == pytest.approx(200.0 + 75.0 * 0.3 * np.sin(3.0 * frame.time_s), abs=8)


def test_nobody_is_found_in_noise() -> None:
    draw = np.random.default_rng(0)
    frames = [Frame(index / 12.5, draw.integers(0, 255, (120, 160, 3), dtype=np.uint8)) for index in range(8)]
    result = followed(frames)
    assert result.people_max == 0
    assert result.boxes == [None] * 8


def test_two_people_are_two_and_the_larger_is_followed(portrait: Portrait) -> None:
    small = portrait(RESTING, centres=[(90.0, 90.0)], unit=45.0)
    both = np.hstack([portrait(RESTING)[:, 50:350], small[:, :180]])
    result = followed(film_of([both] * 8))
    assert result.people_max == 2
    assert all(box is not None and box.x == pytest.approx(150.0, abs=8) for box in result.boxes)


def test_a_face_in_a_single_frame_is_nobody(portrait: Portrait) -> None:
    empty = np.full((300, 400, 3), 150, dtype=np.uint8)
    result = followed(film_of([empty, empty, portrait(RESTING), *[empty] * 5]))
    assert result.people_max == 0
    assert result.boxes == [None] * 8


def test_a_clip_of_one_frame_may_hold_a_person(portrait: Portrait) -> None:
    result = followed(film_of([portrait(RESTING)]))
    assert result.people_max == 1
    assert result.boxes[0] is not None


def test_after_a_cut_the_face_of_the_new_shot_is_followed(portrait: Portrait) -> None:
    left, right = (portrait(RESTING, centres=[(x, 115.0)], unit=55.0) for x in (110.0, 300.0))
    boxes = followed(film_of([left] * 8 + [right] * 8)).boxes
    assert all(box is not None and abs(box.x - 110.0) < 8 for box in boxes[:8])
    assert all(box is not None and abs(box.x - 300.0) < 8 for box in boxes[8:])


def test_linking_keeps_two_neighbours_apart() -> None:
    scans = {index: [Box(50.0 + index, 50.0, 40.0), Box(120.0 - index, 50.0, 40.0)] for index in range(5)}
    tracks = link(scans)
    assert [len(track.hits) for track in tracks] == [5, 5]


def test_steadying_removes_jitter_but_not_movement() -> None:
    jitter = [Box(100.0 + step, 50.0, 60.0) for step in (0.0, 1.0, -1.0, 0.0, 1.0)]
    assert steady(jitter)[2] == Box(0.0 + 100.0, 50.0, 60.0)
    moving = [Box(100.0 + 20.0 * index, 50.0, 60.0) for index in range(5)]
    assert steady(moving) == moving
    assert steady([None, jitter[0], None]) == [None, jitter[0], None]
