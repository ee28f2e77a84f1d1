from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from mercap.measures.faces import Box
from mercap.measures.quality import measure_quality
from mercap.records import Diarization, QualityMeasures

RATE = 16_000
Spoken = Callable[..., Diarization]
Grey = np.ndarray


def noise_frames(count: int, seed: int = 0) -> list[Grey]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, 255, (120, 160), dtype=np.uint8) for _ in range(count)]


def pictures(frames: list[Grey], box: Box | None = None) -> QualityMeasures:
    return measure_quality(frames, [box] * len(frames), None, RATE, None)


def sound(audio: np.ndarray, diarization: Diarization | None = None) -> QualityMeasures:
    return measure_quality([], [], audio, RATE, diarization)


def test_without_streams_nothing_is_measured() -> None:
    assert pictures([]) == QualityMeasures(
        black_ratio=None, frozen_ratio=None, sharpness=None, level_dbfs=None, clipped_ratio=None, snr_db=None
    )


def test_black_frames_are_counted() -> None:
    black = np.full((120, 160), 10, dtype=np.uint8)
    assert pictures([black, *noise_frames(3)]).black_ratio == 0.25


def test_repeated_frames_are_frozen_even_after_compression() -> None:
    smooth = cv2.GaussianBlur(noise_frames(1)[0], (0, 0), 5)
    again = cv2.imdecode(cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_GRAYSCALE)
    other = cv2.GaussianBlur(noise_frames(1, seed=1)[0], (0, 0), 5)
    assert pictures([smooth, again, other]).frozen_ratio == 0.5


def test_a_small_moving_thing_is_not_frozen() -> None:
    frames = [np.full((360, 480), 128, dtype=np.uint8) for _ in range(3)]
    for index, frame in enumerate(frames):
        frame[200:212, 100 + 12 * index : 112 + 12 * index] = 40
    assert pictures(frames).frozen_ratio == 0.0


def test_one_frame_cannot_be_frozen() -> None:
    assert pictures(noise_frames(1)).frozen_ratio is None


def test_blur_lowers_sharpness_and_the_face_is_what_counts() -> None:
    sharp = noise_frames(1)[0]
    half = sharp.copy()
    half[:, :80] = cv2.GaussianBlur(sharp, (0, 0), 3)[:, :80]
    whole = pictures([half]).sharpness
    blurred, crisp = (pictures([half], Box(x, 60.0, 60.0)).sharpness for x in (40.0, 120.0))
    assert blurred is not None
    assert whole is not None
    assert crisp is not None
    assert blurred < whole < crisp


def test_the_level_of_a_sine_is_known() -> None:
    sine = np.rint(16384 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
    assert sound(sine).level_dbfs == pytest.approx(-9.03, abs=0.01)


def test_digital_silence_has_no_level() -> None:
    quality = sound(np.zeros(RATE, dtype=np.int16))
    assert quality.level_dbfs is None
    assert quality.clipped_ratio == 0.0


def test_clipped_samples_are_counted() -> None:
    audio = np.zeros(1000, dtype=np.int16)
    audio[:10], audio[10:20] = 32767, -32768
    assert sound(audio).clipped_ratio == 0.02


@pytest.mark.parametrize("snr_db", [10.0, 30.0])
def test_the_noise_beside_speech_is_found(spoken: Spoken, snr_db: float) -> None:
    draw = np.random.default_rng(2)
    audio = draw.normal(0.0, 6000.0 * 10.0 ** (-snr_db / 20.0), 3 * RATE)
    audio[RATE : 2 * RATE] = draw.normal(0.0, 6000.0, RATE)
    quality = sound(np.clip(np.rint(audio), -32768, 32767).astype(np.int16), spoken(3.0, (1.0, 2.0)))
    assert quality.snr_db == pytest.approx(snr_db, abs=0.5)


def test_without_background_there_is_no_ratio(spoken: Spoken) -> None:
    audio = np.random.default_rng(0).normal(0.0, 3000.0, RATE).astype(np.int16)
    assert sound(audio, spoken(1.0, (0.0, 1.0))).snr_db is None
    assert sound(audio, None).snr_db is None
