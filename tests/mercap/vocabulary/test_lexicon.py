from __future__ import annotations

import csv
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.records import Emotion, Sentiment
from mercap.vocabulary.lexicon import FILE, basic_class, entries, find
from mercap.vocabulary.sentiment import SENTIMENT_OF

ROWS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))


def found(text: str) -> list[tuple[str, bool]]:
    return [(hit.word, hit.negated) for hit in find(text)]


def test_every_row_is_well_formed() -> None:
    words = [row["word"] for row in ROWS]
    assert words == sorted(set(words))
    assert len(words) > 500
    for row in ROWS:
        assert row["word"] == row["word"].lower().strip()
        assert row["emotion"] == "" or row["emotion"] in set(Emotion)
        assert row["sentiment"] in set(Sentiment)
        assert 0 < float(row["strength"]) <= 1


def test_every_label_is_itself_an_entry_of_the_same_class() -> None:
    by_word = {row["word"]: row for row in ROWS}
    for row in ROWS:
        if row["label"] and row["label"] in by_word:
            assert by_word[row["label"]]["emotion"] == row["emotion"], row["word"]
    meant_otherwise = {row["label"] for row in ROWS if row["label"]} - set(by_word)
    assert meant_otherwise == {"content", "touched"}  # "the content of the clip", "she touched the door"


def test_every_basic_class_has_words_and_only_fitting_sentiments() -> None:
    assert {row["emotion"] for row in ROWS} == {*Emotion, ""}
    for row in ROWS:
        if row["emotion"] in ("happy", "sad", "angry", "disgusted") and row["sentiment"] != "neutral":
            assert row["sentiment"] == SENTIMENT_OF[Emotion(row["emotion"])], row["word"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["word"])
def test_every_entry_is_found_by_its_own_word(row: dict[str, str]) -> None:
    (hit,) = find(f"He said: {row['word'].upper()}!")
    assert (hit.word, hit.label, hit.sentiment) == (row["word"], row["label"] or None, row["sentiment"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am not happy", [("happy", True)]),
        ("I'm not really that happy", [("happy", True)]),
        ("She isn’t angry", [("angry", True)]),
        ("never been worried", [("worried", True)]),
        ("without any fear", [("fear", True)]),
        ("hardly sad", [("sad", True)]),
        ("neither sad nor angry", [("sad", True), ("angry", True)]),
        ("not sad or angry", [("sad", True), ("angry", True)]),
        ("not sad but angry", [("sad", True), ("angry", False)]),
        ("No! I am angry", [("angry", False)]),
        ("not that I would have been angry", [("angry", False)]),  # out of reach
        ("not only sad", [("sad", False)]),
        ("never been so disappointed", [("disappointed", False)]),
        ("I can't wait to go", [("can't wait", False)]),
        ("You're not unhappy", [("unhappy", True)]),
        ("can’t believe it", [("can't believe", False)]),
        ("oh my god", [("oh my god", False)]),
        ("light-hearted", [("light-hearted", False)]),
        ("oh, my", []),  # punctuation parts an entry
        ("unhappyness sadist scarecrow", []),  # whole words only
        ("我不高兴", []),
        ("", []),
    ],
)
def test_negation_reaches_over_a_few_words_and_no_further(text: str, expected: list[tuple[str, bool]]) -> None:
    assert found(text) == expected


def test_degree_words_change_the_strength_up_to_one() -> None:
    plain, much, little, most = (find(text)[0].strength for text in ("sad", "so sad", "a little sad", "very furious"))
    assert little < plain < much
    assert most == 1.0


def test_spans_are_those_of_the_text() -> None:
    text = "Well... THANK  you, I was so WORRIED."
    assert [text[hit.start : hit.end] for hit in find(text)] == ["THANK  you", "WORRIED"]


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        ("grateful", Emotion.HAPPY),
        ("deeply disappointed", Emotion.SAD),
        ("Frustration", Emotion.ANGRY),
        ("confident", None),
        ("content", Emotion.HAPPY),
        ("not sad", None),
        ("no such word", None),
    ],
)
def test_a_label_has_the_basic_class_of_its_word(label: str, emotion: Emotion | None) -> None:
    assert basic_class(label) == emotion


PARTS = st.sampled_from([*sorted(entries()), "not", "very", "but", ",", ".", "the", "n't", "“", "’"])


@given(st.lists(PARTS).map(" ".join))
def test_hits_are_in_order_apart_and_inside_the_text(text: str) -> None:
    hits = find(text)
    for hit in hits:
        assert 0 < hit.strength <= 1
        assert text[hit.start : hit.end].strip() == text[hit.start : hit.end] != ""
    assert all(left.end <= right.start for left, right in pairwise(hits))


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    assert all(0 <= hit.start < hit.end <= len(text) for hit in find(text))
