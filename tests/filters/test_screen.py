from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.rules import MEASURES
from filters.screen import Values, count_words, measure, screen
from mercap.recipe import Rule, load_recipe
from mercap.records import (
    AudioStream,
    Container,
    Cue,
    Diarization,
    FaceMeasures,
    Measures,
    Narrative,
    QualityMeasures,
    Segment,
    Span,
    SynchronyMeasures,
    Transcript,
    Turn,
)

AUDIO = AudioStream(codec="aac", sample_rate=16_000, channels=1, duration_s=4.0)
CONTAINER = Container(format="mov", size_bytes=9, duration_s=4.0, video=None, audio=AUDIO)
TRANSCRIPT = Transcript(
    segments=(Segment(start_s=0, end_s=2, text="I don't know."),), language="en", origin="recognised", confidence=0.7
)
SPEECH = Diarization(
    speech=(Span(start_s=0, end_s=2),),
    turns=(Turn(start_s=0, end_s=2),),
    duration_s=4.0,
    speech_s=2.0,
    speech_ratio=0.5,
)
FACE = FaceMeasures(
    frames=50,
    face_frames=40,
    people_max=2,
    face_height_ratio=0.4,
    head_motion=0.1,
    smile_frames=0,
    frown_frames=0,
    mouth_curvature=0.0,
    mouth_open_frames=3,
    mouth_motion=0.1,
    brow_slant=0.0,
    brow_height=0.1,
)
QUALITY = QualityMeasures(
    black_ratio=0.0, frozen_ratio=0.1, sharpness=55.0, level_dbfs=-20.0, clipped_ratio=0.0, snr_db=18.0
)
MEASURES_OF_CLIP = Measures(
    face=FACE, voice=None, synchrony=SynchronyMeasures(correlation=0.7, lag_s=0.04), quality=QUALITY
)
VISUAL = Cue(modality="visual", text="One face.", language="en")
SPOKEN = Cue(modality="audio", text="Loud.", language="en")
NARRATIVE = Narrative(text="The words don't say much; the man is 不高兴.", language="en", conflict=True)


def whole(**changes: object) -> Values:
    inputs: dict[str, object] = {
        "container": CONTAINER,
        "transcript": TRANSCRIPT,
        "diarization": SPEECH,
        "measures": MEASURES_OF_CLIP,
        "visual": VISUAL,
        "audio": SPOKEN,
        "narrative": NARRATIVE,
    }
    return measure(**{**inputs, **changes})  # type: ignore[arg-type]


def voice_over(correlation: float | None, **face: object) -> float | None:
    synchrony = None if correlation is None else SynchronyMeasures(correlation=correlation, lag_s=0.0)
    changed = {"face": FACE.model_copy(update=face), "synchrony": synchrony}
    return whole(measures=MEASURES_OF_CLIP.model_copy(update=changed))["voice_over"]


def test_every_documented_measure_is_computed_and_no_other() -> None:
    assert set(whole()) == set(MEASURES)
    nothing = dict.fromkeys(("container", "transcript", "diarization", "measures", "visual", "audio", "narrative"))
    assert set(whole(**nothing)) == set(MEASURES)


def test_measures_of_a_whole_clip() -> None:
    assert whole() == {
        "has_narrative": 1,
        "narrative_words": 11,
        "narrative_chars": 41,
        "injection_suspect": 0,
        "conflict": 1,
        "words": 3,
        "transcript_confidence": 0.7,
        "duration_s": 4.0,
        "speech_s": 2.0,
        "speech_ratio": 0.5,
        "speakers": None,
        "face_ratio": 0.8,
        "face_height_ratio": 0.4,
        "people_max": 2,
        "synchrony": 0.7,
        "voice_over": 0,
        "black_ratio": 0.0,
        "frozen_ratio": 0.1,
        "sharpness": 55.0,
        "level_dbfs": -20.0,
        "clipped_ratio": 0.0,
        "snr_db": 18.0,
        "modalities": 3,
    }


def test_what_is_missing_is_none_and_never_zero() -> None:
    nothing = dict.fromkeys(("container", "transcript", "diarization", "measures", "visual", "audio", "narrative"))
    values = whole(**nothing)
    counted = {name: value for name, value in values.items() if value is not None}
    assert counted == {"has_narrative": 0, "words": 0, "modalities": 0}


def test_different_speakers_are_counted_where_they_are_known() -> None:
    turns = tuple(Turn(start_s=start, end_s=start + 1, speaker=name) for start, name in ((0, "a"), (1, "b"), (2, "a")))
    assert whole(diarization=SPEECH.model_copy(update={"turns": turns}))["speakers"] == 2


@pytest.mark.parametrize(
    ("correlation", "face", "expected"),
    [
        (0.7, {}, 0),  # the mouth follows the voice
        (0.1, {}, 1),  # it moves, but otherwise
        (0.1, {"face_frames": 20}, 0),  # hardly anybody is visible
        (None, {"mouth_motion": 0.001}, 1),  # a still mouth under a voice
        (None, {"mouth_motion": 0.2}, None),  # too little to compare
        (None, {"mouth_motion": None}, None),
    ],
)
def test_a_voice_over_is_speech_under_a_face_that_does_not_speak(
    correlation: float | None, face: dict[str, object], expected: float | None
) -> None:
    assert voice_over(correlation, **face) == expected


def test_without_speech_there_is_no_voice_over() -> None:
    silent = SPEECH.model_copy(update={"speech_s": 0.2})
    still = MEASURES_OF_CLIP.model_copy(update={"synchrony": SynchronyMeasures(correlation=0.0, lag_s=0.0)})
    assert whole(diarization=silent, measures=still)["voice_over"] == 0


@pytest.mark.parametrize(
    ("text", "words"), [("", 0), ("Well-known, isn't it?", 3), ("我很高兴。", 4), ("OK 好", 2), ("3.5 _ --", 2)]
)
def test_words_are_counted_in_both_scripts(text: str, words: int) -> None:
    assert count_words(text) == words


def test_the_screen_names_the_rules_that_failed_and_why() -> None:
    rules = load_recipe("embedded").screen.rules
    result = screen(whole(narrative=NARRATIVE.model_copy(update={"injection_suspect": True})), rules)
    assert not result.kept
    assert [failure.rule for failure in result.failed] == ["narrative_short", "injection"]
    assert result.failed[0].value == 11
    assert result.failed[0].reason == "the narrative is too short to carry evidence"
    assert result.measures["snr_db"] == 18.0


def test_without_rules_everything_is_kept() -> None:
    assert screen(whole(), ()).kept


@given(st.lists(st.tuples(st.sampled_from(sorted(MEASURES)), st.floats(-5, 60)), max_size=6))
def test_more_rules_never_keep_more(limits: list[tuple[str, float]]) -> None:
    rules = [
        Rule(name=f"r{number}", measure=name, comparator=">=", threshold=threshold, reason="r", missing="drop")
        for number, (name, threshold) in enumerate(limits)
    ]
    kept = [screen(whole(), rules[:count]).kept for count in range(len(rules) + 1)]
    assert kept == sorted(kept, reverse=True)
