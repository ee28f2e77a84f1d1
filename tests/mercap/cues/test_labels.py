from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.cues.labels import LABELS_MAX, extract
from mercap.errors import NothingToDo
from mercap.records import Labels, Narrative, Sentiment
from mercap.vocabulary.lexicon import entries, find


def labels_of(text: str) -> Labels:
    return extract(Narrative(text=text, language="en"))


def names(text: str) -> list[str]:
    return [label.text for label in labels_of(text).labels]


def test_labels_are_adjectives_with_the_span_of_the_word() -> None:
    text = "Her voice shakes with worry. She fears the answer and is disappointed."
    labels = labels_of(text).labels
    assert [(label.text, text[label.start : label.end]) for label in labels] == [
        ("worried", "worry"),
        ("fearful", "fears"),
        ("disappointed", "disappointed"),
    ]


def test_a_label_is_given_once_where_it_is_first_named() -> None:
    text = "He is angry. His anger grows; he is ANGRY."
    (label,) = labels_of(text).labels
    assert text[label.start : label.end] == "angry"
    assert label.start == 6


@pytest.mark.parametrize(
    "text",
    [
        'The subtitle says "I am so happy", yet the person appears sad.',
        "The subtitle says “I am so happy”, yet the person appears sad.",
        "字幕说「I am happy」 but the person appears sad.",
        "There is no sign of joy; the person appears sad.",
        "The face shows no clear signs of any happiness. The person appears sad.",
        "This does not fit joy, amusement or relief. The person appears sad.",
        "The tone is sad rather than happy.",
        "He is not happy but sad.",
        "Nothing suggests that he is happy. He is sad.",
        "The lack of joy shows that he is: sad.",
    ],
)
def test_quoted_denied_and_contrasted_feelings_are_no_labels(text: str) -> None:
    assert names(text) == ["sad"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rather than sad, he is happy.", ["happy"]),
        ("There is no sign of sadness, only relief.", ["relieved"]),
        ("He shows no sign of sadness, the man is simply happy.", ["happy"]),
        ("She is not only sad but angry.", ["sad", "angry"]),
        ("He looks calm, proud and a bit nervous.", ["calm", "proud", "nervous"]),
    ],
)
def test_a_denial_ends_with_its_clause(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_at_most_six_labels() -> None:
    assert len(names("happy, sad, angry, scared, surprised, disgusted, bored, proud and jealous")) == LABELS_MAX


@pytest.mark.parametrize(
    "text", ["", "The mouth moves.", 'He says "I am sad".', "There is no sign of sadness.", "很高兴"]
)
def test_without_a_named_feeling_there_is_nothing_to_do(text: str) -> None:
    with pytest.raises(NothingToDo) as caught:
        labels_of(text)
    assert caught.value.cause == "no_labels"


@pytest.mark.parametrize(
    ("text", "sentiment", "decisive"),
    [
        ("He is glad.", Sentiment.POSITIVE, "glad"),
        ("He is furious and a little amused.", Sentiment.NEGATIVE, "furious"),
        ("The words are angry. In all, the person appears happy.", Sentiment.POSITIVE, "happy"),
        ("The face is calm.", Sentiment.NEUTRAL, "calm"),
    ],
)
def test_the_sentiment_is_that_of_most_evidence_the_conclusion_first(
    text: str, sentiment: Sentiment, decisive: str
) -> None:
    labels = labels_of(text)
    assert labels.sentiment == sentiment
    assert labels.sentiment_span is not None
    assert text[slice(*labels.sentiment_span)] == decisive


PARTS = st.sampled_from([*sorted(entries()), "not", "no sign of", "rather than", '"', "“", "”", ",", ".", "but", "the"])


@given(st.lists(PARTS, max_size=25).map(" ".join))
def test_every_label_names_what_its_span_holds(text: str) -> None:
    try:
        labels = labels_of(text)
    except NothingToDo:
        return
    for label in labels.labels:
        assert find(text[label.start : label.end])[0].label == label.text
    assert [label.start for label in labels.labels] == sorted(label.start for label in labels.labels)
    assert len({label.text for label in labels.labels}) == len(labels.labels) <= LABELS_MAX


def test_neutral_is_no_label_beside_a_feeling() -> None:
    narrative = Narrative(text="The voice is neutral. Taken together, the person appears angry.", language="en")
    assert [label.text for label in extract(narrative).labels] == ["angry"]
    alone = Narrative(text="Taken together, the person appears neutral.", language="en")
    assert [label.text for label in extract(alone).labels] == ["neutral"]
