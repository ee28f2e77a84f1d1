from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper import WhisperModel

from mercap.backends.faster_whisper import FasterWhisperTranscriber
from mercap.errors import NothingToDo, UsageError
from mercap.records import Span
from tests.tiny_whisper import build_tiny_whisper

Audio = npt.NDArray[np.int16]
ClipAudio = Callable[[str], Audio]
SPEECH = [Span(start_s=0.4, end_s=4.0)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny", seed=3)


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_whisper(tmp_path_factory.mktemp("whisper") / "many", seed=3, multilingual=True)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def test_segments_are_what_the_real_model_says_within_the_clip(model: Path, clip_audio: ClipAudio) -> None:
    audio = clip_audio("sad_low")
    transcript = FasterWhisperTranscriber(str(model), compute_type="float32").transcribe(audio, 16_000, SPEECH)
    found, _ = WhisperModel(str(model), device="cpu", compute_type="float32", cpu_threads=1).transcribe(
        audio.astype(np.float32) / 32768, beam_size=1, temperature=0.0, condition_on_previous_text=False
    )
    inside = [piece for piece in found if piece.start < len(audio) / 16_000]
    assert inside
    assert [segment.text for segment in transcript.segments] == [piece.text.strip() for piece in inside]
    assert [segment.start_s for segment in transcript.segments] == [piece.start for piece in inside]
    assert [segment.confidence for segment in transcript.segments] == [
        pytest.approx(math.exp(piece.avg_logprob), abs=1e-3) for piece in inside
    ]
    assert transcript.origin == "recognised"
    assert transcript.language == "en"


def test_no_segment_ends_after_the_clip(model: Path, clip_audio: ClipAudio) -> None:
    for seconds in (1, 2, 4):
        audio = clip_audio("smiling_bright")[: seconds * 16_000]
        transcript = FasterWhisperTranscriber(str(model)).transcribe(audio, 16_000, SPEECH)
        assert all(0 <= s.start_s <= s.end_s <= seconds for s in transcript.segments)


def test_the_same_audio_gives_the_same_transcript_in_any_order(model: Path, clip_audio: ClipAudio) -> None:
    transcriber = FasterWhisperTranscriber(str(model))
    first = transcriber.transcribe(clip_audio("sad_low"), 16_000, SPEECH)
    transcriber.transcribe(clip_audio("angry_loud"), 16_000, SPEECH)
    assert transcriber.transcribe(clip_audio("sad_low"), 16_000, SPEECH) == first
    assert FasterWhisperTranscriber(str(model)).transcribe(clip_audio("sad_low"), 16_000, SPEECH) == first


def test_a_beam_is_handed_to_the_model(model: Path, clip_audio: ClipAudio) -> None:
    greedy, beam = (
        FasterWhisperTranscriber(str(model), beam_size=size).transcribe(clip_audio("sad_low"), 16_000, SPEECH)
        for size in (1, 5)
    )
    assert greedy != beam


def test_a_multilingual_model_decides_the_language_unless_told(multilingual: Path, clip_audio: ClipAudio) -> None:
    audio = clip_audio("sad_low")
    decided = FasterWhisperTranscriber(str(multilingual)).transcribe(audio, 16_000, SPEECH)
    told = FasterWhisperTranscriber(str(multilingual), language="de").transcribe(audio, 16_000, SPEECH)
    assert decided.language not in (None, "de")
    assert told.language == "de"


def test_no_spans_is_no_speech_and_loads_no_model() -> None:
    with pytest.raises(NothingToDo) as outcome:
        FasterWhisperTranscriber("no-such-model").transcribe(np.ones(16_000, np.int16), 16_000, [])
    assert outcome.value.cause == "no_speech"


def test_text_behind_the_end_of_the_clip_is_no_words(model: Path) -> None:
    with pytest.raises(NothingToDo) as outcome:
        FasterWhisperTranscriber(str(model)).transcribe(np.zeros(160, np.int16), 16_000, SPEECH)
    assert outcome.value.cause == "no_words"


@pytest.mark.parametrize("name", ["small", "nobody/none", "/nowhere/model", "nonsense"])
def test_a_model_that_is_not_there_is_one_sentence_naming_it(name: str, clip_audio: ClipAudio) -> None:
    with pytest.raises(UsageError, match="folder") as fault:
        FasterWhisperTranscriber(name).transcribe(clip_audio("sad_low"), 16_000, SPEECH)
    assert repr(name) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_model_that_cannot_be_fetched_says_why(clip_audio: ClipAudio) -> None:
    with pytest.raises(UsageError, match="'small' .* cannot be fetched"):
        FasterWhisperTranscriber("small", download=True).transcribe(clip_audio("sad_low"), 16_000, SPEECH)


@pytest.mark.parametrize("lost", ["tokenizer.json", "model.bin"])
def test_an_incomplete_folder_names_what_it_lacks(
    lost: str, model: Path, tmp_path: Path, clip_audio: ClipAudio
) -> None:
    shutil.copytree(model, tmp_path / "partial")
    (tmp_path / "partial" / lost).unlink()
    with pytest.raises(UsageError, match=lost):
        FasterWhisperTranscriber(str(tmp_path / "partial")).transcribe(clip_audio("sad_low"), 16_000, SPEECH)


def test_a_damaged_model_is_a_usage_error(model: Path, tmp_path: Path, clip_audio: ClipAudio) -> None:
    shutil.copytree(model, tmp_path / "damaged")
    weights = tmp_path / "damaged" / "model.bin"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(UsageError, match="cannot be loaded on cpu"):
        FasterWhisperTranscriber(str(tmp_path / "damaged")).transcribe(clip_audio("sad_low"), 16_000, SPEECH)


@pytest.mark.parametrize(("options", "said"), [({"compute_type": "float8"}, "float8"), ({"language": "xx"}, "'xx'")])
def test_an_impossible_option_is_a_usage_error(
    options: dict[str, str], said: str, multilingual: Path, clip_audio: ClipAudio
) -> None:
    with pytest.raises(UsageError, match=said):
        FasterWhisperTranscriber(str(multilingual), **options).transcribe(clip_audio("sad_low"), 16_000, SPEECH)


def test_another_sample_rate_is_refused(model: Path) -> None:
    with pytest.raises(ValueError, match="16000 Hz"):
        FasterWhisperTranscriber(str(model)).transcribe(np.zeros(8_000, np.int16), 8_000, SPEECH)


def test_a_folder_is_named_by_its_content_wherever_it_lies(model: Path, multilingual: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(model, tmp_path / "tiny")
    assert FasterWhisperTranscriber(str(moved)).model_id == FasterWhisperTranscriber(str(model)).model_id
    other = shutil.copytree(multilingual, tmp_path / "elsewhere" / "tiny")
    assert FasterWhisperTranscriber(str(other)).model_id != FasterWhisperTranscriber(str(model)).model_id
    assert str(tmp_path) not in FasterWhisperTranscriber(str(moved)).model_id


def test_a_hub_model_is_named_with_its_revision() -> None:
    assert FasterWhisperTranscriber("small", revision="abc").model_id.endswith("/small@abc")


def test_building_twice_gives_the_same_files(model: Path, tmp_path: Path) -> None:
    again = build_tiny_whisper(tmp_path / "again", seed=3)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in model.iterdir()
    }
