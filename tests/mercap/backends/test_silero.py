from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mercap.backends.silero import SileroDetector
from mercap.records import Diarization
from tests.lab import ROOT

Audio = npt.NDArray[np.int16]
SPOKEN = ["smiling_bright", "sad_low", "angry_loud", "mixed_smile", "nobody", "voice_over_still_mouth"]


@pytest.mark.parametrize("name", SPOKEN)
def test_speech_is_found_between_the_silent_ends_of_a_clip(name: str, clip_audio: Callable[[str], Audio]) -> None:
    found = SileroDetector().diarize(clip_audio(name), 16_000)
    assert 0.3 < found.speech[0].start_s < 0.6  # the clips begin with 0.4 s of silence
    assert 0.3 < found.duration_s - found.speech[-1].end_s < 0.8
    assert 0.5 < found.speech_ratio < 0.95


def test_two_sentences_are_two_spans_and_one_turn(clip_audio: Callable[[str], Audio]) -> None:
    found = SileroDetector().diarize(clip_audio("smiling_bright"), 16_000)
    assert len(found.speech) == 2
    assert len(found.turns) == 1
    assert (found.turns[0].start_s, found.turns[0].end_s) == (found.speech[0].start_s, found.speech[1].end_s)
    assert found.turns[0].speaker is None


def test_a_silence_of_a_second_begins_another_turn(clip_audio: Callable[[str], Audio]) -> None:
    audio = clip_audio("nobody")
    found = SileroDetector().diarize(np.concatenate([audio, np.zeros(8_000, np.int16), audio]), 16_000)
    assert len(found.turns) == 2
    assert found.turns[1].start_s - found.turns[0].end_s > 0.6


def test_a_longer_smallest_silence_joins_the_sentences(clip_audio: Callable[[str], Audio]) -> None:
    assert len(SileroDetector(min_silence_ms=1000).diarize(clip_audio("smiling_bright"), 16_000).speech) == 1


@pytest.mark.parametrize("audio", [np.zeros(32_000, np.int16), np.zeros(0, np.int16), np.ones(100, np.int16)])
def test_silence_holds_no_speech(audio: Audio) -> None:
    found = SileroDetector().diarize(audio, 16_000)
    assert found == Diarization(speech=(), turns=(), duration_s=len(audio) / 16_000, speech_s=0.0, speech_ratio=0.0)


def test_white_noise_holds_no_speech(noise: Audio) -> None:
    assert SileroDetector().diarize(noise, 16_000).speech == ()


def test_a_tone_holds_no_speech() -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)).astype(np.int16)
    assert SileroDetector().diarize(tone, 16_000).speech == ()


def test_another_sample_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        SileroDetector().diarize(np.zeros(8_000, np.int16), 8_000)


@settings(max_examples=25, deadline=None)
@given(start=st.integers(0, 60_000), length=st.integers(0, 80_000), pad_ms=st.integers(0, 400))
def test_spans_are_ordered_disjoint_and_inside_any_cut_of_a_clip(
    clip_audio: Callable[[str], Audio], start: int, length: int, pad_ms: int
) -> None:
    found = SileroDetector(speech_pad_ms=pad_ms).diarize(clip_audio("sad_low")[start : start + length], 16_000)
    edges = [edge for span in found.speech for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= found.duration_s for edge in edges)
    assert found.speech_s == pytest.approx(sum(edges[1::2]) - sum(edges[::2]), abs=1e-3)


def test_the_same_audio_gives_the_same_answer(clip_audio: Callable[[str], Audio], noise: Audio) -> None:
    detector = SileroDetector()
    first = detector.diarize(clip_audio("sad_low"), 16_000)
    detector.diarize(noise, 16_000)
    assert detector.diarize(clip_audio("sad_low"), 16_000) == first


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """onnxruntime begins a session of its telemetry with a file in the temporary folder."""
    program = (
        "import numpy as np\n"
        "from mercap.backends import make_detector\n"
        "from mercap.roles import Silero\n"
        "make_detector(Silero()).diarize(np.zeros(16_000, np.int16), 16_000)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
