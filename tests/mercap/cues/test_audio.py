from __future__ import annotations

from typing import Any

import pytest

from mercap.cues.audio import describe
from mercap.errors import NothingToDo
from mercap.records import Cue, Emotion, Measures, QualityMeasures, VoiceMeasures

ORDINARY: dict[str, Any] = {
    "voiced_ratio": 0.8,
    "pitch_median_hz": 170.0,
    "pitch_range_st": 4.5,
    "pitch_slope_st_per_s": -1.0,
    "loudness_dbfs": -24.0,
    "loudness_range_db": 20.0,
    "pause_ratio": 0.0,
    "pauses": 0,
    "syllables_per_s": 4.0,
    "spectral_tilt_db_per_octave": -8.0,
}
BRIGHT = {"pitch_median_hz": 231.0, "pitch_range_st": 9.1, "syllables_per_s": 5.2}
DULL = {"pitch_median_hz": 105.0, "pitch_range_st": 1.8, "syllables_per_s": 2.4, "loudness_dbfs": -35.0}
SHOUT = {"loudness_dbfs": -12.0, "spectral_tilt_db_per_octave": -4.0, "pitch_range_st": 8.0}


def measures(voice: VoiceMeasures | None, level: float | None) -> Measures:
    quality = QualityMeasures(
        black_ratio=None, frozen_ratio=None, sharpness=None, level_dbfs=level, clipped_ratio=None, snr_db=None
    )
    return Measures(face=None, voice=voice, synchrony=None, quality=quality)


def cue(**changes: Any) -> Cue:
    return describe(measures(VoiceMeasures(**{**ORDINARY, **changes}), -25.0))


def support(of: Cue) -> dict[Emotion, float]:
    return {emotion: sum(part.strength for part in of.evidence if emotion in part.emotions) for emotion in Emotion}


def test_silence_and_absence_are_told_apart() -> None:
    with pytest.raises(NothingToDo, match="no_audio"):
        describe(measures(None, None))
    with pytest.raises(NothingToDo, match="no_speech"):
        describe(measures(None, -40.0))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        BRIGHT,
        DULL,
        SHOUT,
        {"pauses": 1, "pause_ratio": 0.3},
        {"pauses": 4, "pause_ratio": 0.1},
        {"pitch_slope_st_per_s": 5.0},
        {"pitch_slope_st_per_s": -9.0},
        {
            "pitch_median_hz": None,
            "pitch_range_st": None,
            "pitch_slope_st_per_s": None,
            "spectral_tilt_db_per_octave": None,
        },
    ],
)
def test_every_evidence_is_in_the_text_and_the_text_names_no_emotion(changes: dict[str, Any]) -> None:
    told = cue(**changes)
    assert all(part.text in told.text for part in told.evidence)
    assert all(bool(part.emotions) == (part.strength > 0.0) for part in told.evidence)
    assert not any(word in told.text.lower() for word in (*Emotion, "angr", "joy", "fear", "surpris", "male"))
    assert (told.modality, told.language) == ("audio", "en")


def test_numbers_are_told_as_measured() -> None:
    text = cue(**BRIGHT).text
    assert "high (median 231 Hz)" in text
    assert "lively (range 9.1 semitones)" in text
    assert "fast (5.2 syllables per second)" in text


def test_an_ordinary_voice_speaks_for_neutral() -> None:
    found = support(cue())
    assert max(found, key=lambda emotion: found[emotion]) is Emotion.NEUTRAL


def test_high_wide_and_fast_speak_for_happy_rather_than_sad() -> None:
    found = support(cue(**BRIGHT))
    assert max(found, key=lambda emotion: found[emotion]) is Emotion.HAPPY
    assert found[Emotion.SAD] == 0.0


def test_low_narrow_slow_and_quiet_speak_for_sad() -> None:
    found = support(cue(**DULL))
    assert max(found, key=lambda emotion: found[emotion]) is Emotion.SAD


def test_loud_and_sharp_speak_for_angry() -> None:
    found = support(cue(**SHOUT))
    assert max(found, key=lambda emotion: found[emotion]) is Emotion.ANGRY


@pytest.mark.parametrize("changes", [BRIGHT, DULL, SHOUT])
def test_no_single_observation_of_a_voice_is_strong(changes: dict[str, Any]) -> None:
    assert max(part.strength for part in cue(**changes).evidence) <= 0.25


def test_pauses_are_told_in_words() -> None:
    assert "There is one pause; 30% of the stretch is silent." in cue(pauses=1, pause_ratio=0.3).text
    assert "There are 4 pauses" in cue(pauses=4, pause_ratio=0.1).text
    assert "pause" not in cue().text


def test_only_an_unusual_slope_is_told() -> None:
    assert "rises by 5.0" in cue(pitch_slope_st_per_s=5.0).text
    assert "falls by 9.0" in cue(pitch_slope_st_per_s=-9.0).text
    assert "Within phrases" not in cue().text
