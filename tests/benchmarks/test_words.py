from __future__ import annotations

import csv

import pytest

from benchmarks.five_second_clips import EXAMPLES
from benchmarks.words import foreign, hear, measure_one, total, totals, word_accuracy, word_errors, words_of
from mercap.backends.pocketsphinx import PocketsphinxTranscriber


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert words_of("Well, that's it: I\u2019m done!") == ["well", "that's", "it", "i'm", "done"]
    assert word_accuracy("I am so happy.", "i am so happy") == 1.0


@pytest.mark.parametrize(
    ("recognised", "errors"),
    [
        ("one two three four", 0),
        ("one two four", 1),  # deletion
        ("one two two three four", 1),  # insertion
        ("one too three four", 1),  # substitution
        ("two three four one", 2),  # order matters
        ("", 4),
    ],
)
def test_every_kind_of_error_counts_once(recognised: str, errors: int) -> None:
    assert word_errors("one two three four", recognised) == errors
    assert word_accuracy("one two three four", recognised) == 1.0 - errors / 4


def test_inserted_words_can_make_the_accuracy_negative() -> None:
    assert word_accuracy("yes", "no no no") == -2.0


def test_nothing_said_has_no_accuracy() -> None:
    with pytest.raises(ValueError, match="no words"):
        word_accuracy("...", "hello")


def test_a_total_weighs_words_not_clips() -> None:
    found = total([{"words": 9, "errors": 0}, {"words": 1, "errors": 1}])
    assert found == {"clips": 2, "words": 10, "word_accuracy": 0.9}
    assert total([])["word_accuracy"] is None


def test_clips_left_out_are_in_no_total() -> None:
    row = {"words": 4, "errors": 0, "pitch_modified": False, "clear": True, "left_out": None}
    found = totals(
        [row, {**row, "errors": 4, "left_out": "it is not in English"}, {**row, "errors": 2, "clear": False}]
    )
    assert found["all"] == {"clips": 2, "words": 8, "word_accuracy": 0.75}
    assert found["unmodified_pitch"]["word_accuracy"] == 1.0
    assert found["whisper_or_noise"]["word_accuracy"] == 0.5
    assert found["modified_pitch"]["clips"] == 0


def test_of_a_clip_cut_short_the_sound_before_the_cut_is_heard_and_the_cut_is_told() -> None:
    audio, damage = hear(EXAMPLES / "truncated.mp4")
    assert len(audio) > 16_000
    assert damage is not None
    assert "sound" in damage
    assert hear(EXAMPLES / "smiling_bright.mp4")[1] is None


def test_a_clip_in_another_language_is_told() -> None:
    assert foreign("开心的一天") is not None
    assert foreign("angry_loud") is None
    assert foreign("sad_low") is None  # it has no subtitle


def test_a_clear_clip_is_heard_and_scored() -> None:
    with (EXAMPLES / "sentences.csv").open(encoding="utf-8", newline="") as file:
        sentence = next(row for row in csv.DictReader(file) if row["clip"] == "sad_low")
    row = measure_one(sentence, EXAMPLES / "sad_low.mp4", PocketsphinxTranscriber())
    assert row["accuracy"] == 1.0 - row["errors"] / row["words"] > 0.7
    assert "lonely" in row["recognised"]
    assert row["left_out"] is None
    assert row["pitch_modified"]
    assert row["snr_db"] > 20
