"""Both floors do the work they claim, on one example clip, in this process and in processes of their own."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest

from benchmarks.five_second_clips import EXAMPLES
from benchmarks.floor import FLOORS, NAIVE_FRAMES, STEPS, Models, measure, read, vad_options
from mercap.backends.silero import SileroDetector
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.policy import MediaLimits, MediaPolicy

CLIP = EXAMPLES / "smiling_bright.mp4"


@pytest.fixture(scope="module", params=FLOORS)
def models(request: pytest.FixtureRequest) -> Models:
    return Models(request.param)


def test_the_naive_floor_looks_at_twelve_whole_frames_of_the_whole_clip() -> None:
    seen = read(CLIP, lowered=False)
    assert len(seen.frames) == NAIVE_FRAMES
    assert seen.frames[0].shape == (480, 640)
    assert seen.times_s[-1] > 0.85 * seen.duration_s


def test_the_lowered_floor_sees_and_hears_what_our_stages_do(tmp_path: Any) -> None:
    decode(CLIP, MediaPolicy(), MediaLimits(), tmp_path / "derived")
    derived = Derived(tmp_path / "derived")
    frames = derived.frames() or []
    seen = read(CLIP, lowered=True)
    assert seen.times_s == pytest.approx([frame.time_s for frame in frames], abs=1e-5)
    assert seen.frames[0].shape == frames[0].image.shape[:2]
    assert np.array_equal(seen.audio, derived.audio())


def test_the_lowered_floor_finds_speech_with_our_settings() -> None:
    assert vad_options() == SileroDetector()._options


def test_every_step_takes_time(models: Models) -> None:
    taken = models.take(CLIP)
    assert set(taken) == {*STEPS, "video_s"}
    assert all(taken[step] > 0 for step in STEPS)
    assert 3 < taken["video_s"] < 7


def test_the_lowered_recogniser_hears_speech_only_and_the_naive_one_everything(models: Models) -> None:
    with mock.patch.object(Models, "_decode") as heard:
        models.take(CLIP)
    samples = sum(len(call.args[0]) for call in heard.call_args_list)
    whole = len(read(CLIP, lowered=False).audio)
    assert samples == whole if not models.lowered else 0.3 * whole < samples < whole


@pytest.mark.slow
def test_a_floor_is_measured_in_processes_of_its_own() -> None:
    found = measure([CLIP] * 3, 2, "lowered")
    assert found["clips_per_s"] == pytest.approx(3 / found["wall_s"])
    assert found["wall_s"] >= found["cpu_ms_per_clip"] / 1000
    assert sum(found["step_ms"].values()) == pytest.approx(found["cpu_ms_per_clip"])
