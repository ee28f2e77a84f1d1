from __future__ import annotations

import base64
import io
import wave

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from examples.canvas import Canvas
from examples.faces import Expression, Look, draw_face
from mercap.errors import NothingToDo
from mercap.measures.frame import Frame
from mercap.media.excerpt import places, play, show, shown
from mercap.roles import Pictures

LOOK = Look((224, 172, 140), (70, 45, 30), (80, 110, 60), (190, 95, 95), (60, 80, 130), long_hair=False)


def frames(count: int, height: int = 90, width: int = 160) -> list[Frame]:
    """Each as bright as its number."""
    return [Frame(number / 10, np.full((height, width, 3), number * 5, np.uint8)) for number in range(count)]


def opened(jpeg: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@given(st.integers(1, 500), st.integers(1, 64))
def test_frames_are_taken_in_even_steps_each_once(count: int, wanted: int) -> None:
    found = places(count, wanted)
    assert len(found) == min(count, wanted)
    assert found == sorted(set(found))
    assert found[0] >= 0 and found[-1] < count  # noqa: PT018
    if len(found) > 1 and count >= wanted:
        steps = np.diff(found)
        assert steps.max() - steps.min() <= 1


def test_a_model_is_shown_the_frames_with_their_times() -> None:
    found = show(frames(40), 4.0, Pictures(frames=4))
    assert found.times_s == (0.5, 1.5, 2.5, 3.5)
    assert [round(float(opened(jpeg).mean()), -1) for jpeg in found.jpegs] == [20, 80, 120, 180]


def test_frames_are_no_higher_than_asked_and_never_enlarged() -> None:
    assert opened(show(frames(1), 0.1, Pictures(height_max=45)).jpegs[0]).shape == (45, 80, 3)
    assert opened(show(frames(1), 0.1, Pictures(height_max=400)).jpegs[0]).shape == (90, 160, 3)


def test_audio_is_a_wav_file_of_the_same_samples() -> None:
    audio = np.arange(-800, 800, dtype=np.int16)
    found = play(audio, 16_000)
    assert found.duration_s == 0.1
    with wave.open(io.BytesIO(base64.b64decode(found.wav or "")), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16_000, 2)
        assert np.array_equal(np.frombuffer(file.readframes(1600), np.int16), audio)


def test_without_video_or_audio_there_is_nothing_to_show_or_play() -> None:
    with pytest.raises(NothingToDo) as caught:
        show(None, 1.0, Pictures())
    assert caught.value.cause == "no_video"
    with pytest.raises(NothingToDo) as caught:
        play(None, 16_000)
    assert caught.value.cause == "no_audio"


def test_without_a_face_the_whole_frame_is_shown() -> None:
    image = frames(1)[0].image
    assert shown(image, Pictures(crop="face")).shape == image.shape


def test_the_largest_face_is_cut_out_with_what_is_around_it() -> None:
    pixels = np.full((360, 480, 3), (150.0, 165.0, 170.0), dtype=np.float32)
    canvas = Canvas(pixels)
    draw_face(canvas, LOOK, Expression(), (330.0, 140.0), 75.0)
    whole = np.ascontiguousarray(canvas.finish(np.zeros((360, 480), np.float32))[:, :, ::-1])
    cut = shown(whole, Pictures(crop="face", height_max=1080))
    assert cut.shape[1] < 0.7 * whole.shape[1]
    empty = [(np.abs(image.astype(int) - np.array([170, 165, 150])).max(axis=2) < 3).mean() for image in (cut, whole)]
    assert empty[0] < 0.75 * empty[1], "the face fills more of it"
