from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mercap.backends.pocketsphinx import PocketsphinxTranscriber
from mercap.backends.silero import SileroDetector
from mercap.errors import NothingToDo, UsageError
from mercap.records import Span, Transcript

Audio = npt.NDArray[np.int16]
ClipAudio = Callable[[str], Audio]


@pytest.fixture(scope="module")
def recogniser() -> PocketsphinxTranscriber:
    return PocketsphinxTranscriber()


def heard(recogniser: PocketsphinxTranscriber, audio: Audio) -> Transcript:
    return recogniser.transcribe(audio, 16_000, SileroDetector().diarize(audio, 16_000).speech)


def word_accuracy(said: str, recognised: str) -> float:
    """1 - word error rate: insertions, deletions and substitutions over the words said."""
    truth, guess = (re.sub(r"[^a-z' ]", "", text.lower()).split() for text in (said, recognised))
    distances = list(range(len(guess) + 1))
    for row, word in enumerate(truth, 1):
        above, distances[0] = distances[:], row
        for column, other in enumerate(guess, 1):
            distances[column] = min(above[column] + 1, distances[column - 1] + 1, above[column - 1] + (word != other))
    return 1.0 - distances[-1] / len(truth)


@pytest.mark.parametrize("name", ["smiling_bright", "sad_low", "angry_loud", "voice_over_still_mouth"])
def test_most_words_of_a_clip_are_recognised(
    name: str, recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio, sentences: dict[str, str]
) -> None:
    assert word_accuracy(sentences[name], heard(recogniser, clip_audio(name)).text) >= 0.8


def test_the_accuracy_counts_every_kind_of_error() -> None:
    assert word_accuracy("I am so happy.", "i am so happy") == 1.0
    assert word_accuracy("one two three four", "one three four five") == 0.5
    assert word_accuracy("one two", "") == 0.0


def test_a_segment_lies_within_its_padded_span(recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio) -> None:
    audio = clip_audio("sad_low")
    speech = SileroDetector().diarize(audio, 16_000).speech
    transcript = recogniser.transcribe(audio, 16_000, speech)
    assert len(transcript.segments) == len(speech) == 2
    for segment, span in zip(transcript.segments, speech, strict=True):
        assert span.start_s - 0.2 <= segment.start_s < segment.end_s <= span.end_s + 0.21


def test_neighbouring_spans_share_no_audio(recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio) -> None:
    spans = [Span(start_s=0.4, end_s=1.9), Span(start_s=2.0, end_s=4.4)]
    first, second = recogniser.transcribe(clip_audio("smiling_bright"), 16_000, spans).segments
    assert first.end_s <= 1.96 <= 2.0 <= second.start_s + 0.06
    assert "today" in first.text
    assert "today" not in second.text


def test_confidence_is_a_mean_probability_and_noise_lowers_it(
    recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio
) -> None:
    clean = clip_audio("angry_loud")
    speech = SileroDetector().diarize(clean, 16_000).speech
    hiss = np.random.default_rng(1).normal(0.0, 2500.0, len(clean))
    noisy = np.clip(clean + hiss, -32768, 32767).astype(np.int16)
    sure, unsure = (recogniser.transcribe(audio, 16_000, speech).confidence for audio in (clean, noisy))
    assert sure is not None
    assert unsure is not None
    assert 0.0 <= unsure < sure <= 1.0


def test_no_filler_and_no_pronunciation_number_is_left(
    recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio
) -> None:
    text = heard(recogniser, clip_audio("voice_over_still_mouth")).text
    assert re.fullmatch(r"[a-z']+( [a-z']+)*", text)


def test_an_answer_does_not_depend_on_what_was_heard_before(
    recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio, noise: Audio
) -> None:
    fresh = heard(PocketsphinxTranscriber(), clip_audio("smiling_bright"))
    for earlier in ("angry_loud", "sad_low"):
        heard(recogniser, clip_audio(earlier))
        assert heard(recogniser, clip_audio("smiling_bright")) == fresh


def test_no_spans_is_no_speech(recogniser: PocketsphinxTranscriber, clip_audio: ClipAudio) -> None:
    with pytest.raises(NothingToDo) as outcome:
        recogniser.transcribe(clip_audio("sad_low"), 16_000, [])
    assert outcome.value.cause == "no_speech"


@pytest.mark.parametrize(
    "span", [Span(start_s=0.2, end_s=1.8), Span(start_s=1.0, end_s=1.0), Span(start_s=9, end_s=12)]
)
def test_a_silent_empty_or_outlying_span_holds_no_words(recogniser: PocketsphinxTranscriber, span: Span) -> None:
    with pytest.raises(NothingToDo) as outcome:
        recogniser.transcribe(np.zeros(32_000, np.int16), 16_000, [span])
    assert outcome.value.cause == "no_words"


def test_white_noise_holds_no_words(recogniser: PocketsphinxTranscriber, noise: Audio) -> None:
    with pytest.raises(NothingToDo) as outcome:
        recogniser.transcribe(noise, 16_000, [Span(start_s=0.0, end_s=3.0)])
    assert outcome.value.cause == "no_words"


def test_the_decoder_says_nothing_on_standard_error(clip_audio: ClipAudio, capfd: pytest.CaptureFixture[str]) -> None:
    heard(PocketsphinxTranscriber(), clip_audio("nobody"))
    assert capfd.readouterr() == ("", "")


def test_another_language_or_sample_rate_is_refused(recogniser: PocketsphinxTranscriber) -> None:
    with pytest.raises(UsageError, match="faster_whisper"):
        PocketsphinxTranscriber("de")
    with pytest.raises(ValueError, match="16000 Hz"):
        recogniser.transcribe(np.zeros(8_000, np.int16), 8_000, [Span(start_s=0.0, end_s=1.0)])


def test_the_model_is_named_with_the_package_version() -> None:
    assert re.fullmatch(r"pocketsphinx-\d+(\.\d+)+/en-us", PocketsphinxTranscriber().model_id)
