from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.faces import Expression
from mercap.measures.expression import LEAST_THIRD, FaceReport, measure_face
from mercap.measures.faces import Box, grey
from mercap.measures.following import Followed, follow
from mercap.measures.frame import Frame

Film = Callable[..., list[Frame]]
COUNT = 3 * LEAST_THIRD
SMILE, REST, FROWN = Expression(smile=1.0), Expression(), Expression(smile=-1.0)


def followed(frames: list[Frame]) -> Followed:
    return follow([grey(frame.image) for frame in frames], [frame.time_s for frame in frames])


def read(frames: list[Frame]) -> FaceReport:
    return measure_face(frames, followed(frames))


def test_a_smile_that_comes_is_a_positive_change_and_one_that_goes_a_negative(film: Film) -> None:
    half = COUNT // 2
    comes = read(film([REST] * half + [SMILE] * half)).measures
    goes = read(film([SMILE] * half + [REST] * half)).measures
    assert comes.smile_change == pytest.approx(1.0, abs=0.2)
    assert goes.smile_change == pytest.approx(-1.0, abs=0.2)
    assert comes.frown_change == 0.0


def test_lowered_corners_have_a_course_of_their_own(film: Film) -> None:
    face = read(film([REST] * (COUNT // 2) + [FROWN] * (COUNT // 2))).measures
    assert face.frown_change == pytest.approx(1.0, abs=0.2)
    assert face.smile_change == 0.0


def test_a_smile_throughout_is_no_change(film: Film) -> None:
    assert read(film([SMILE] * COUNT)).measures.smile_change == 0.0


def test_a_face_that_comes_late_has_a_positive_change_of_presence(film: Film) -> None:
    frames = film([REST] * COUNT)
    seen = followed(frames)
    half: list[Box | None] = [None] * (COUNT // 2)
    late = Followed([*half, *seen.boxes[COUNT // 2 :]], seen.people_max)
    assert measure_face(frames, late).measures.presence_change == 1.0
    assert measure_face(frames, seen).measures.presence_change == 0.0


def test_a_few_frames_have_no_course(film: Film) -> None:
    face = read(film([SMILE] * (COUNT - 1))).measures
    assert face.smile_change is face.frown_change is face.presence_change is None
