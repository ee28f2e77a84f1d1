"""What encoders are given of a clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from examples.canvas import Canvas
from examples.faces import Expression, draw_face
from mercap.errors import NothingToDo
from mercap.measures.frame import Frame
from mercap.media.sampling import Sample, Sampling, take_pictures, take_sample, take_sound
from tests.mercap.media.test_excerpt import LOOK

RATE = 16_000
WALL = (150, 165, 170)  # red, green, blue


def frames(count: int, height: int = 90, width: int = 160) -> list[Frame]:
    """Each as bright as its number."""
    return [Frame(number / 10, np.full((height, width, 3), number * 5, np.uint8)) for number in range(count)]


def portrait(x: float, y: float = 140.0) -> NDArray[np.uint8]:
    """A face of 75 pixels at (x, y) before a wall, blue-green-red."""
    canvas = Canvas(np.full((360, 480, 3), WALL, dtype=np.float32))
    draw_face(canvas, LOOK, Expression(), (x, y), 75.0)
    return np.ascontiguousarray(canvas.finish(np.zeros((360, 480), np.float32))[:, :, ::-1])


def wall() -> NDArray[np.uint8]:
    return np.full((360, 480, 3), WALL[::-1], np.uint8)


def share_of_wall(picture: NDArray[np.uint8]) -> float:
    return float((np.abs(picture.astype(int) - np.array(WALL)).max(axis=2) < 4).mean())


def test_pictures_are_taken_at_even_distances_and_come_as_squares() -> None:
    found = take_pictures(frames(40), Sampling(pictures=4, side=32, crop="frame"))
    assert found.shape == (4, 32, 32, 3)
    assert found.mean(axis=(1, 2, 3)).tolist() == [25, 75, 125, 175]


def test_where_frames_are_fewer_than_asked_the_last_one_comes_again() -> None:
    found = take_pictures(frames(3), Sampling(pictures=5, side=8, crop="frame"))
    assert found[:, 0, 0, 0].tolist() == [0, 5, 10, 10, 10]


def test_pictures_are_red_green_blue() -> None:
    red = Frame(0.0, np.full((20, 20, 3), (0, 0, 200), np.uint8))
    assert take_pictures([red], Sampling(pictures=1, side=8, crop="frame"))[0, 0, 0].tolist() == [200, 0, 0]


@given(st.integers(2, 60), st.integers(2, 400), st.sampled_from([8, 31, 64]))
def test_a_frame_of_any_shape_becomes_a_square_of_the_size_asked(height: int, width: int, side: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    found = take_pictures([Frame(0.0, image)], Sampling(pictures=2, side=side, crop="frame"))
    assert found.shape == (2, side, side, 3)


def test_nothing_is_distorted_and_the_middle_is_kept() -> None:
    image = np.zeros((60, 180, 3), np.uint8)
    image[:, 60:120] = 200
    found = take_pictures([Frame(0.0, image)], Sampling(pictures=1, side=60, crop="frame"))
    assert (found == 200).all()


def test_the_face_fills_the_picture_wherever_it_is() -> None:
    images = [portrait(120.0), portrait(330.0)]
    found = take_pictures([Frame(0.0, image) for image in images], Sampling(pictures=2, side=96))
    shares = [share_of_wall(picture) for picture in found]
    assert max(shares) < 0.5 < 0.7 < share_of_wall(images[0][:, :, ::-1]), shares
    assert np.abs(found[0].astype(int) - found[1].astype(int)).mean() < 20, "the same face, cut out alike"


def test_a_picture_without_a_face_is_cut_where_the_nearest_one_has_its_face() -> None:
    images = [portrait(330.0), wall(), wall(), portrait(120.0)]
    for image in images[1:3]:
        image[100:180, 100:140] = 0  # what stands where the second face is
    found = take_pictures([Frame(0.0, image) for image in images], Sampling(pictures=4, side=96))
    assert share_of_wall(found[1]) == 1.0, "cut where the first face was"
    assert share_of_wall(found[2]) < 1.0, "cut where the last face is"


def test_a_clip_without_a_face_has_none_to_encode_but_its_frames() -> None:
    with pytest.raises(NothingToDo) as caught:
        take_pictures([Frame(0.0, wall())], Sampling())
    assert caught.value.cause == "no_face"
    assert take_pictures([Frame(0.0, wall())], Sampling(crop="frame")).shape == (8, 224, 224, 3)


def test_windows_start_at_even_distances_and_the_last_one_ends_with_the_sound() -> None:
    audio = np.arange(10 * 100, dtype=np.int16)
    found = take_sound(audio, 100, Sampling(windows=5, window_s=2.0))
    assert found[:, 0].tolist() == [0, 200, 400, 600, 800]
    assert found[-1, -1] == 999


def test_sound_shorter_than_a_window_is_followed_by_silence() -> None:
    found = take_sound(np.full(RATE, 7, np.int16), RATE, Sampling(windows=8, window_s=2.0))
    assert found.shape == (8, 2 * RATE)
    assert (found[:, :RATE] == 7).all()
    assert not found[:, RATE:].any()


@given(st.integers(1, 5_000), st.integers(1, 12))
def test_without_a_length_windows_are_all_of_the_sound_in_order(samples: int, windows: int) -> None:
    audio = np.arange(1, samples + 1, dtype=np.int16)
    found = take_sound(audio, RATE, Sampling(windows=windows, window_s=None)).reshape(-1)
    assert (found[:samples] == audio).all()
    assert not found[samples:].any()
    assert len(found) - samples < samples + windows


@pytest.mark.parametrize(("wanted", "cause"), [(Sampling(windows=0), "no_video"), (Sampling(pictures=0), "no_audio")])
def test_without_the_stream_there_is_nothing_to_sample(wanted: Sampling, cause: str) -> None:
    with pytest.raises(NothingToDo) as caught:
        take_sample(None, None, 1.0, RATE, wanted)
    assert caught.value.cause == cause


def test_a_part_that_is_not_asked_for_is_not_missed() -> None:
    found = take_sample(None, np.ones(RATE, np.int16), 1.0, RATE, Sampling(pictures=0))
    assert found.pictures is None
    assert found.windows.shape == (8, 2 * RATE)


def test_a_sample_survives_json_and_fits_what_was_asked() -> None:
    wanted = Sampling(pictures=3, side=16, crop="frame", windows=2, window_s=0.5)
    made = take_sample(frames(9), np.arange(RATE, dtype=np.int16), 1.0, RATE, wanted)
    read = Sample.model_validate_json(made.model_dump_json())
    assert (read.pixels == made.pixels).all()
    assert (read.windows == made.windows).all()
    assert read.fits(wanted)
    assert not read.fits(Sampling(pictures=2, side=16, crop="frame", windows=2, window_s=0.5))
    assert not read.fits(Sampling(pictures=3, side=16, crop="frame", windows=2, window_s=1.0))


@pytest.mark.parametrize(
    "change", [{"pictures_shape": (9, 16, 16, 3)}, {"pictures": "?"}, {"sound_shape": (1, 1)}, {"sound": "AAA"}]
)
def test_what_a_worker_says_is_counted_before_it_is_looked_at(change: dict[str, object]) -> None:
    wanted = Sampling(pictures=1, side=16, crop="frame", windows=1, window_s=0.1)
    made = take_sample(frames(1), np.ones(RATE, np.int16), 1.0, RATE, wanted)
    with pytest.raises(ValidationError):
        Sample.model_validate(made.model_dump() | change)


def test_more_than_a_worker_may_answer_is_refused_beforehand() -> None:
    Sampling(pictures=8, side=448)
    with pytest.raises(ValidationError, match="more than 7 MiB"):
        Sampling(pictures=8, side=512)
