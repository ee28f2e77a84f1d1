from __future__ import annotations

from typing import Any

import pytest

from mercap.cues.visual import describe
from mercap.errors import NothingToDo
from mercap.records import (
    Cue,
    Emotion,
    Evidence,
    FaceMeasures,
    Measures,
    QualityMeasures,
    SynchronyMeasures,
    VoiceMeasures,
)

QUALITY = QualityMeasures(
    black_ratio=None, frozen_ratio=None, sharpness=None, level_dbfs=None, clipped_ratio=None, snr_db=None
)
RESTING: dict[str, Any] = {
    "frames": 62,
    "face_frames": 60,
    "people_max": 1,
    "face_height_ratio": 0.4,
    "head_motion": 0.05,
    "smile_frames": 0,
    "frown_frames": 0,
    "mouth_curvature": 0.0,
    "mouth_open_frames": 0,
    "mouth_motion": 0.012,
    "brow_slant": 0.01,
    "brow_height": 0.11,
}
VOICE = VoiceMeasures(
    voiced_ratio=0.8,
    pitch_median_hz=170.0,
    pitch_range_st=4.0,
    pitch_slope_st_per_s=0.0,
    loudness_dbfs=-24.0,
    loudness_range_db=20.0,
    pause_ratio=0.0,
    pauses=0,
    syllables_per_s=4.0,
    spectral_tilt_db_per_octave=-8.0,
)


def measures(correlation: float | None = None, voice: VoiceMeasures | None = None, **changes: Any) -> Measures:
    synchrony = None if correlation is None else SynchronyMeasures(correlation=correlation, lag_s=0.0)
    face = FaceMeasures(**{**RESTING, **changes})
    return Measures(face=face, voice=voice, synchrony=synchrony, quality=QUALITY)


def cue(**changes: Any) -> Cue:
    return describe(measures(**changes))


def evidence(of: Cue, key: str) -> Evidence:
    (found,) = [part for part in of.evidence if part.observation == key]
    return found


def emotions(of: Cue) -> set[Emotion]:
    return {emotion for part in of.evidence for emotion in part.emotions}


VARIED = [
    cue(),
    cue(smile_frames=41, mouth_open_frames=30, mouth_motion=0.06, correlation=0.8, voice=VOICE),
    cue(frown_frames=60, brow_slant=0.07, people_max=3, head_motion=1.0),
    cue(brow_slant=-0.06, brow_height=0.08, mouth_motion=0.05, correlation=0.1, voice=VOICE),
    cue(mouth_curvature=None, mouth_motion=None, brow_slant=None, brow_height=None),
    cue(frames=1, face_frames=1, mouth_open_frames=1, brow_height=0.16),
]


def test_without_video_or_face_there_is_nothing_to_describe() -> None:
    with pytest.raises(NothingToDo, match="no_video"):
        describe(Measures(face=None, voice=None, synchrony=None, quality=QUALITY))
    with pytest.raises(NothingToDo, match="no_face"):
        cue(face_frames=0)


@pytest.mark.parametrize("varied", VARIED)
def test_every_evidence_is_in_the_text_and_the_text_names_no_emotion(varied: Cue) -> None:
    assert all(part.text in varied.text for part in varied.evidence)
    assert all(bool(part.emotions) == (part.strength > 0.0) for part in varied.evidence)
    words = varied.text.lower()
    assert not any(word in words for word in (*Emotion, "angr", "joy", "fear", "surpris", "disgust", "man", "woman"))
    assert "  " not in varied.text
    assert varied.text.endswith(".")
    assert (varied.modality, varied.language) == ("visual", "en")


def test_counts_are_told_as_measured() -> None:
    told = cue(smile_frames=41)
    assert "One face is visible in 60 of 62 frames." in told.text
    assert "The corners of the mouth are raised in 41 of 60 frames." in told.text
    assert "in 1 of 1 frame." in cue(frames=1, face_frames=1).text


def test_a_smile_speaks_for_happy_the_more_the_longer_it_lasts() -> None:
    short, long = evidence(cue(smile_frames=20), "smile"), evidence(cue(smile_frames=60), "smile")
    assert short.emotions == (Emotion.HAPPY,)
    assert short.strength < long.strength
    assert emotions(cue(smile_frames=60)) == {Emotion.HAPPY, Emotion.NEUTRAL}


def test_a_smile_of_a_few_frames_is_an_accident() -> None:
    assert Emotion.HAPPY not in emotions(cue(smile_frames=3))


def test_lowered_corners_and_raised_inner_brows_speak_for_sad() -> None:
    told = cue(frown_frames=60, brow_slant=0.07)
    assert Emotion.SAD in evidence(told, "frown").emotions
    assert Emotion.SAD in evidence(told, "inner_brows_raised").emotions


def test_brows_drawn_down_speak_for_angry() -> None:
    assert evidence(cue(brow_slant=-0.047, brow_height=0.088), "inner_brows_lowered").emotions == (Emotion.ANGRY,)


def test_slightly_slanting_brows_at_rest_do_not() -> None:
    assert Emotion.ANGRY not in emotions(cue(brow_slant=-0.04, brow_height=0.105))


def test_a_silent_open_mouth_speaks_for_surprised_a_speaking_one_does_not() -> None:
    silent = cue(mouth_open_frames=40, brow_height=0.16)
    assert evidence(silent, "open_mouth").emotions == (Emotion.SURPRISED,)
    assert Emotion.NEUTRAL not in emotions(silent)
    speaking = cue(mouth_open_frames=40, mouth_motion=0.06, correlation=0.8, voice=VOICE)
    assert evidence(speaking, "open_mouth").emotions == ()


def test_a_resting_face_speaks_for_neutral_only() -> None:
    assert emotions(cue()) == {Emotion.NEUTRAL}


def test_mouth_and_voice_are_compared() -> None:
    assert "in time with the voice" in cue(mouth_motion=0.06, correlation=0.8, voice=VOICE).text
    assert "loosely in time with the voice" in cue(mouth_motion=0.06, correlation=0.5, voice=VOICE).text
    assert "not in time with the voice" in cue(mouth_motion=0.06, correlation=0.1, voice=VOICE).text
    assert "hardly moves although a voice is heard" in cue(correlation=0.0, voice=VOICE).text
    assert cue().text.count("voice") == 0


def test_several_faces_are_told() -> None:
    assert "Up to 3 faces are visible at once" in cue(people_max=3).text


def test_a_smile_that_comes_or_goes_in_the_course_of_the_clip_is_told() -> None:
    comes, goes = cue(smile_frames=30, smile_change=0.9), cue(smile_frames=30, smile_change=-0.9)
    assert "raised far more often towards the end than at the beginning." in comes.text
    assert "raised far more often at the beginning than towards the end." in goes.text
    assert emotions(comes) == emotions(goes) == emotions(cue(smile_frames=30))


def test_a_smile_that_stays_or_is_an_accident_has_no_course() -> None:
    assert "far more often" not in cue(smile_frames=30, smile_change=0.3).text
    assert "far more often" not in cue(smile_frames=3, smile_change=1.0).text


def test_a_face_that_comes_late_is_told() -> None:
    assert "The face is visible far more often towards the end" in cue(presence_change=1.0).text


def test_a_dark_frozen_or_blurred_picture_is_told() -> None:
    faults = QUALITY.model_copy(update={"black_ratio": 0.4, "frozen_ratio": 0.75, "sharpness": 3.0})
    told = describe(measures().model_copy(update={"quality": faults})).text
    assert told.endswith(
        "The picture is almost black in 40% of the frames. The picture stands still for 75% of the time. "
        "The picture of the face is blurred."
    )
    fine = QUALITY.model_copy(update={"black_ratio": 0.0, "frozen_ratio": 0.2, "sharpness": 60.0})
    assert describe(measures().model_copy(update={"quality": fine})).text == cue().text


def test_a_face_in_chinese() -> None:
    assert describe(measures(smile_frames=41, smile_change=0.9), "zh").text == (
        "画面中有一张脸，62 帧中有 60 帧可见。嘴角在 60 帧中有 41 帧明显上扬。嘴角上扬的情形在片段末尾远多于开头。"
        "嘴巴几乎不动。双眉平直。"
    )
