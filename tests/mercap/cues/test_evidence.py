from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mercap.cues.evidence import WEIGHTS, best_emotions, read_cue, read_words
from mercap.records import Cue, Emotion, Evidence, Segment, Transcript


def said(text: str, confidence: float | None = None) -> Transcript:
    segment = Segment(start_s=0, end_s=1, text=text)
    return Transcript(segments=(segment,), language="en", origin="recognised", confidence=confidence)


def cue(*evidence: tuple[tuple[Emotion, ...], float]) -> Cue:
    items = tuple(Evidence(observation="x", text="x", emotions=emotions, strength=s) for emotions, s in evidence)
    return Cue(modality="visual", text="x", language="en", evidence=items)


def test_evidence_for_one_class_adds_up_and_stays_below_one() -> None:
    one = read_cue("face", cue(((Emotion.SAD,), 0.6))).scores[Emotion.SAD]
    two = read_cue("face", cue(((Emotion.SAD,), 0.6), ((Emotion.SAD,), 0.6))).scores[Emotion.SAD]
    assert (one, two) == (pytest.approx(0.6), pytest.approx(0.84))


def test_ambiguous_evidence_is_shared_out() -> None:
    scores = read_cue("face", cue(((Emotion.SAD, Emotion.ANGRY), 0.8))).scores
    assert scores == {Emotion.SAD: pytest.approx(0.4), Emotion.ANGRY: pytest.approx(0.4)}


def test_words_weigh_most_then_the_face_then_the_voice() -> None:
    assert WEIGHTS["words"] > WEIGHTS["face"] > WEIGHTS["voice"]
    assert read_words(said("sad", 0.5)).weight == WEIGHTS["words"] / 2


@pytest.mark.parametrize(
    ("text", "sign"),
    [("I love you", 1), ("how dare you", -1), ("this is terrible", -1), ("not good", -1), ("not afraid", 0), ("a", 0)],
)
def test_words_have_a_sentiment(text: str, sign: int) -> None:
    assert read_words(said(text)).sign == sign


def test_a_repeated_word_counts_once() -> None:
    assert read_words(said("sad sad sad")).scores == read_words(said("sad")).scores


@given(st.dictionaries(st.sampled_from(Emotion), st.floats(0, 1)))
def test_the_best_class_leads_and_neutral_stands_alone(scores: dict[Emotion, float]) -> None:
    best = best_emotions(scores)
    if best:
        assert scores[best[0]] == max(scores.values())
        assert Emotion.NEUTRAL not in best or best == [Emotion.NEUTRAL]
    else:
        assert max(scores.values(), default=0.0) < 0.05


def test_ordinary_values_do_not_outvote_what_stands_out() -> None:
    ordinary = [
        Evidence(observation=f"o{n}", text="of middle pitch", emotions=(Emotion.NEUTRAL,), strength=0.1)
        for n in range(3)
    ]
    loud = Evidence(observation="loud", text="loud", emotions=(Emotion.ANGRY,), strength=0.25)
    quiet_cue = Cue(modality="audio", text="t", language="en", evidence=tuple(ordinary))
    loud_cue = Cue(modality="audio", text="t", language="en", evidence=(*ordinary, loud))
    assert best_emotions(read_cue("voice", quiet_cue).scores) == [Emotion.NEUTRAL]
    assert best_emotions(read_cue("voice", loud_cue).scores) == [Emotion.ANGRY]
