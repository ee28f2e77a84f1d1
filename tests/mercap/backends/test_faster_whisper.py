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
from tests.telling_whisper import WORDS, build_telling_whisper, spoken
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


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says "low mid high" between 1 and 5 s of every window, and knows where these tones are."""
    return build_telling_whisper(tmp_path_factory.mktemp("whisper") / "telling", first_s=1.0, last_s=5.0)


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


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("ends_s", [(2.0, 3.5, 4.5), (1.5, 2.0, 4.5), (1.8, 4.0, 4.4)])
def test_the_times_of_words_are_those_of_their_sounds(
    ends_s: tuple[float, float, float], batch_size: int, telling: Path
) -> None:
    begins_s = (1.0, *ends_s[:2])
    said = dict(zip(WORDS, zip(begins_s, ends_s, strict=True), strict=True))
    transcriber = FasterWhisperTranscriber(str(telling), word_times=True, batch_size=batch_size)
    speech = [Span(start_s=1.0, end_s=5.0)]
    [segment] = transcriber.transcribe(spoken(said, 6.0), 16_000, speech).segments
    assert [word.text for word in segment.words] == ["low", "mid", "high"]
    assert [word.end_s for word in segment.words] == pytest.approx(ends_s, abs=0.05)
    assert [word.start_s for word in segment.words[1:]] == pytest.approx(ends_s[:2], abs=0.05)
    assert segment.words[0].start_s < ends_s[0]  # Whisper guesses where the first word begins
    assert all(word.confidence == pytest.approx(1.0, abs=0.01) for word in segment.words)


def test_words_have_no_times_unless_asked_for(telling: Path) -> None:
    [segment] = FasterWhisperTranscriber(str(telling)).transcribe(spoken({}, 6.0), 16_000, SPEECH).segments
    assert (segment.text, segment.words) == ("low mid high", ())


def test_words_are_what_the_real_model_says_without_their_spaces(model: Path, clip_audio: ClipAudio) -> None:
    audio = clip_audio("sad_low")
    options = {"beam_size": 1, "temperature": 0.0, "condition_on_previous_text": False, "word_timestamps": True}
    found, _ = WhisperModel(str(model), compute_type="float32").transcribe(audio.astype(np.float32) / 32768, **options)
    expected = [word for piece in found if piece.start < len(audio) / 16_000 for word in piece.words]
    transcriber = FasterWhisperTranscriber(str(model), compute_type="float32", word_times=True)
    words = [word for segment in transcriber.transcribe(audio, 16_000, SPEECH).segments for word in segment.words]
    assert [word.text for word in words] == [word.word.strip() for word in expected]
    assert [word.confidence for word in words] == pytest.approx([word.probability for word in expected], abs=1e-4)
    assert all(0.0 <= word.start_s <= word.end_s <= len(audio) / 16_000 for word in words)


LONG = [Span(start_s=1, end_s=4), Span(start_s=5, end_s=8), Span(start_s=20, end_s=40), Span(start_s=41, end_s=69)]


@pytest.mark.parametrize("batch_size", [2, 8])
def test_in_batches_every_window_of_speech_is_decoded_at_its_place(batch_size: int, telling: Path) -> None:
    transcriber = FasterWhisperTranscriber(str(telling), batch_size=batch_size)
    transcript = transcriber.transcribe(spoken({}, 70.0), 16_000, LONG)
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [(1.8, 5.8), (20.8, 24.8), (41.8, 45.8)]
    assert {s.text for s in transcript.segments} == {"low mid high"}


def test_in_batches_text_behind_the_end_of_a_window_was_invented(telling: Path) -> None:
    transcriber = FasterWhisperTranscriber(str(telling), batch_size=2)
    short = [Span(start_s=1.0, end_s=1.5), Span(start_s=40.0, end_s=43.0)]
    transcript = transcriber.transcribe(spoken({}, 70.0), 16_000, short)
    assert [(s.start_s, s.end_s) for s in transcript.segments] == [(40.8, 43.2)]
    with pytest.raises(NothingToDo) as outcome:
        transcriber.transcribe(spoken({}, 70.0), 16_000, short[:1])
    assert outcome.value.cause == "no_words"


def test_in_batches_a_clip_does_not_depend_on_the_one_before(model: Path, clip_audio: ClipAudio) -> None:
    transcriber = FasterWhisperTranscriber(str(model), batch_size=2, word_times=True)
    first = transcriber.transcribe(clip_audio("sad_low"), 16_000, SPEECH)
    transcriber.transcribe(clip_audio("angry_loud"), 16_000, SPEECH)
    assert transcriber.transcribe(clip_audio("sad_low"), 16_000, SPEECH) == first


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_filter_leaves_out_what_is_no_speech(batch_size: int, telling: Path, clip_audio: ClipAudio) -> None:
    filtered, plain = (
        FasterWhisperTranscriber(str(telling), batch_size=batch_size, vad_filter=on) for on in (True, False)
    )
    silence = spoken({}, 6.0)
    assert plain.transcribe(silence, 16_000, SPEECH).text == "low mid high"
    with pytest.raises(NothingToDo) as outcome:
        filtered.transcribe(silence, 16_000, SPEECH)
    assert outcome.value.cause == "no_words"
    late = np.concatenate([np.zeros(20 * 16_000, np.int16), clip_audio("sad_low")])
    assert all(s.start_s > 20.0 for s in filtered.transcribe(late, 16_000, SPEECH).segments)


def test_in_batches_the_language_is_decided_unless_told(multilingual: Path, clip_audio: ClipAudio) -> None:
    audio = clip_audio("sad_low")
    decided, told = (
        FasterWhisperTranscriber(str(multilingual), language=language, batch_size=2).transcribe(audio, 16_000, SPEECH)
        for language in (None, "de")
    )
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
