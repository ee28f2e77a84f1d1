from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mercap.backends.pocketsphinx import PocketsphinxTranscriber
from mercap.backends.quieten import quieten
from mercap.backends.silero import SileroDetector

Audio = npt.NDArray[np.int16]
RATE = 16_000
SPEECH = [(1.0, 2.0)]


def level_db(samples: npt.NDArray[np.generic]) -> float:
    return float(10.0 * np.log10(np.mean(np.square(samples.astype(np.float64))) + 1e-9))


def hiss(seconds: float, spread: float, seed: int = 0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0.0, spread, round(seconds * RATE))


def tone_in_hiss(spread: float) -> tuple[Audio, Audio]:
    """Three seconds of noise with a loud tone in the second one, and the tone alone."""
    tone = np.zeros(3 * RATE)
    tone[RATE : 2 * RATE] = 8_000.0 * np.sin(2 * np.pi * 440.0 * np.arange(RATE) / RATE)
    return (tone + hiss(3.0, spread)).astype(np.int16), tone.astype(np.int16)


def test_steady_noise_between_speech_is_lowered_by_ten_decibels() -> None:
    noisy, _ = tone_in_hiss(300.0)
    assert level_db(noisy[: RATE // 2]) - level_db(quieten(noisy, RATE, SPEECH)[: RATE // 2]) > 10.0


def test_what_stands_out_of_the_noise_keeps_its_level_and_place() -> None:
    noisy, tone = tone_in_hiss(300.0)
    inside = slice(round(1.2 * RATE), round(1.8 * RATE))
    difference = quieten(noisy, RATE, SPEECH)[inside].astype(float) - tone[inside]
    assert level_db(difference) < level_db(tone[inside]) - 25.0


def test_audio_without_noise_comes_back_as_it_was() -> None:
    _, tone = tone_in_hiss(0.0)
    assert np.abs(quieten(tone, RATE, SPEECH).astype(int) - tone).max() <= 1


def test_noise_is_learnt_from_the_quietest_part_when_all_is_speech() -> None:
    noisy, _ = tone_in_hiss(300.0)
    quiet = quieten(noisy, RATE, [(0.0, 3.0)])
    assert level_db(noisy[: RATE // 2]) - level_db(quiet[: RATE // 2]) > 6.0


@pytest.mark.parametrize("samples", [0, 1, 511, 512, 513, 5_000])
def test_any_length_comes_back_with_that_length(samples: int) -> None:
    assert quieten(hiss(1.0, 500.0)[:samples].astype(np.int16), RATE, []).shape == (samples,)


def test_more_words_are_recognised_in_noise_and_none_is_lost_without(
    clip_audio: Callable[[str], Audio], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = clip_audio("angry_loud")
    spread = 0.05 * float(np.sqrt(np.mean(np.square(clean[np.abs(clean) > 200].astype(float)))))
    noisy = (clean + hiss(len(clean) / RATE, spread)).astype(np.int16)[: len(clean)]

    def said_words(audio: Audio) -> set[str]:
        speech = SileroDetector().diarize(audio, RATE).speech
        return set(PocketsphinxTranscriber().transcribe(audio, RATE, speech).text.split())

    truth = {"stop", "it", "right", "now", "i", "am", "very", "angry", "and", "hate", "this"}
    with_it = len(said_words(noisy) & truth)
    monkeypatch.setattr("mercap.backends.pocketsphinx.quieten", lambda audio, *_: audio)
    without = len(said_words(noisy) & truth)
    assert with_it >= without
    assert said_words(clean) == truth
