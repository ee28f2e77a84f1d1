from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examples.faces import Expression
from mercap.measures.clip import measure
from mercap.measures.frame import Frame
from mercap.measures.norms import MOUTH
from mercap.records import Diarization, Measures

RATE = 16_000
SECONDS = 2.8
COUNT = 35
Film = Callable[..., list[Frame]]
Spoken = Callable[..., Diarization]


def syllables(time: np.ndarray) -> np.ndarray:
    """Loudness over time, 0 to 1: bursts of uneven length and height, silence at both ends."""
    bursts = np.abs(np.sin(2.0 * np.pi * (1.3 * time + 0.35 * np.sin(2.0 * time))))
    return bursts * (0.6 + 0.4 * np.sin(1.7 * time)) * ((time > 0.25) & (time < SECONDS - 0.25))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    time = np.arange(round(SECONDS * RATE)) / RATE
    buzz = sum(np.sin(2.0 * np.pi * 180.0 * number * time + number**2) / number for number in range(1, 25))
    noisy = 6000.0 * buzz / np.std(buzz) * syllables(time) + np.random.default_rng(0).normal(0.0, 20.0, len(time))
    return np.clip(np.rint(noisy), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="module")
def speaking(film: Film, voice: np.ndarray, spoken: Spoken) -> Measures:
    loudness = syllables(np.arange(COUNT) / 12.5)
    frames = film([Expression(smile=0.8, mouth_open=0.7 * float(value)) for value in loudness])
    return measure(frames, voice, RATE, spoken(SECONDS, (0.25, SECONDS - 0.25)))


@pytest.fixture(scope="module")
def voice_over(film: Film, voice: np.ndarray, spoken: Spoken) -> Measures:
    return measure(film([Expression()] * COUNT), voice, RATE, spoken(SECONDS, (0.25, SECONDS - 0.25)))


def test_a_speaking_mouth_is_in_time_with_the_voice(speaking: Measures) -> None:
    assert speaking.synchrony is not None
    assert speaking.synchrony.correlation > 0.6
    assert abs(speaking.synchrony.lag_s) <= 0.06


def test_a_still_mouth_under_a_voice_has_no_synchrony(voice_over: Measures) -> None:
    assert voice_over.face is not None
    assert voice_over.face.mouth_motion is not None
    assert voice_over.face.mouth_motion < MOUTH.still
    assert voice_over.synchrony is not None
    assert (voice_over.synchrony.correlation, voice_over.synchrony.lag_s) == (0.0, 0.0)


def test_a_late_mouth_has_a_positive_lag(film: Film, voice: np.ndarray, spoken: Spoken) -> None:
    loudness = syllables(np.arange(COUNT) / 12.5 - 0.24)
    frames = film([Expression(mouth_open=0.7 * float(value)) for value in loudness])
    late = measure(frames, voice, RATE, spoken(SECONDS, (0.25, SECONDS - 0.25)))
    assert late.synchrony is not None
    assert late.synchrony.lag_s == pytest.approx(0.24, abs=0.06)


def test_a_smile_is_counted_while_speaking(speaking: Measures) -> None:
    face = speaking.face
    assert face is not None
    assert face.face_frames == face.frames == COUNT
    assert face.smile_frames >= 0.9 * COUNT
    assert face.frown_frames == 0
    assert 0 < face.mouth_open_frames < COUNT
    assert len(face.times_s) == len(face.mouth_motion_series) == COUNT - 1


def test_a_resting_face_shows_nothing(voice_over: Measures) -> None:
    face = voice_over.face
    assert face is not None
    assert (face.smile_frames, face.frown_frames, face.mouth_open_frames) == (0, 0, 0)
    assert face.face_height_ratio == pytest.approx(1.82 * 75.0 / 300.0, rel=0.1)


@pytest.mark.parametrize("grain", [2.0, 8.0])
def test_a_swaying_head_is_no_mouth_motion(film: Film, grain: float) -> None:
    still = measure(film([Expression()] * 12, sway=0.1, grain=grain), None, RATE, None).face
    chewing = [Expression(mouth_open=0.5 * (index % 3 == 0)) for index in range(12)]
    moving = measure(film(chewing, grain=grain), None, RATE, None)
    assert still is not None
    assert moving.face is not None
    assert still.mouth_motion is not None
    assert moving.face.mouth_motion is not None
    assert moving.face.mouth_motion > 2.0 * still.mouth_motion


def test_head_motion_grows_with_the_sway(film: Film) -> None:
    calm, lively = (measure(film([Expression()] * 12, sway=sway), None, RATE, None).face for sway in (0.0, 0.6))
    assert calm is not None
    assert lively is not None
    assert calm.head_motion is not None
    assert lively.head_motion is not None
    assert calm.head_motion < 0.15 < 0.3 < lively.head_motion


def test_without_video_there_is_no_face_and_no_synchrony(voice: np.ndarray, spoken: Spoken) -> None:
    for frames in (None, []):
        measures = measure(frames, voice, RATE, spoken(SECONDS, (0.25, 2.5)))
        assert measures.face is None
        assert measures.synchrony is None
        assert measures.voice is not None
        assert measures.quality.black_ratio is None


def test_without_audio_there_is_no_voice(film: Film) -> None:
    measures = measure(film([Expression()] * 3), None, RATE, None)
    assert measures.voice is None
    assert measures.synchrony is None
    assert measures.quality.level_dbfs is None
    assert measures.face is not None


def test_a_picture_without_people_has_no_face_measures() -> None:
    empty = [Frame(index / 12.5, np.full((90, 120, 3), 90, dtype=np.uint8)) for index in range(4)]
    face = measure(empty, None, RATE, None).face
    assert face is not None
    assert (face.face_frames, face.people_max) == (0, 0)
    assert face.mouth_curvature is face.mouth_motion is face.brow_slant is face.head_motion is None


def test_a_short_face_cannot_be_compared_with_the_voice(film: Film, voice: np.ndarray, spoken: Spoken) -> None:
    assert measure(film([Expression()] * 12), voice, RATE, spoken(SECONDS, (0.25, 2.5))).synchrony is None


def test_measuring_twice_gives_the_same_bytes(film: Film, voice: np.ndarray, spoken: Spoken) -> None:
    frames = film([Expression(smile=0.5, mouth_open=0.1 * index) for index in range(6)])
    once, twice = (measure(frames, voice, RATE, spoken(SECONDS, (0.3, 2.0))).model_dump_json() for _ in range(2))
    assert once == twice
