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


def measures(voice: VoiceMeasures | None, level: float | None, **faults: float) -> Measures:
    quality: dict[str, float | None] = {
        "black_ratio": None, "frozen_ratio": None, "sharpness": None, "level_dbfs": level, "clipped_ratio": 0.0,
        "snr_db": None,
    }  # fmt: skip
    return Measures(face=None, voice=voice, synchrony=None, quality=QualityMeasures(**{**quality, **faults}))


def cue(**changes: Any) -> Cue:
    return describe(measures(VoiceMeasures(**{**ORDINARY, **changes}), -25.0))


def support(of: Cue) -> dict[Emotion, float]:
    return {emotion: sum(part.strength for part in of.evidence if emotion in part.emotions) for emotion in Emotion}


def test_silence_and_absence_are_told_apart() -> None:
    mute = measures(None, None)
    mute = mute.model_copy(update={"quality": mute.quality.model_copy(update={"clipped_ratio": None})})
    with pytest.raises(NothingToDo, match="no_audio"):
        describe(mute)
    for level in (None, -40.0):  # digital silence has no level
        with pytest.raises(NothingToDo, match="no_speech"):
            describe(measures(None, level))


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


def test_what_changes_beyond_the_ordinary_in_the_course_of_the_clip_is_told_without_a_feeling() -> None:
    higher = cue(pitch_change_st=3.5, loudness_change_db=-7.6)
    assert "Towards the end the pitch is 3.5 semitones higher than at the beginning." in higher.text
    assert "Towards the end the voice is 8 dB quieter than at the beginning." in higher.text
    assert support(higher) == support(cue())


def test_pitch_that_sinks_as_speech_does_and_a_small_change_of_level_are_not_told() -> None:
    assert "Towards the end" not in cue(pitch_change_st=-4.0, loudness_change_db=5.0).text
    assert "5.5 semitones lower" in cue(pitch_change_st=-5.5).text


def test_a_whisper_is_called_one_and_its_pitch_is_not_judged() -> None:
    told = cue(voiced_ratio=0.1, pitch_median_hz=450.0, pitch_slope_st_per_s=9.0, pitch_change_st=9.0,
               spectral_tilt_db_per_octave=-2.0, loudness_dbfs=-42.0)  # fmt: skip
    assert told.text == ("Only 10% of the speech is voiced, as in a whisper. The speech is quiet (median -42 dBFS).")


def test_an_overdriven_or_noisy_recording_is_told() -> None:
    voice = VoiceMeasures(**ORDINARY)
    faulty = describe(measures(voice, -25.0, clipped_ratio=0.012, snr_db=8.6))
    assert "The recording is overdriven: 1.2% of the samples are cut off." in faulty.text
    assert "The speech stands out little from the background (signal-to-noise ratio about 9 dB)." in faulty.text
    assert describe(measures(voice, -25.0, clipped_ratio=0.0, snr_db=30.0)).text == cue().text


def test_a_voice_in_chinese() -> None:
    told = describe(measures(VoiceMeasures(**{**ORDINARY, **BRIGHT, "pauses": 1, "pause_ratio": 0.3}), -25.0), "zh")
    assert told.text == (
        "音调较高（中位数 231 Hz），语调起伏较大（音高跨度 9.1 个半音）。语速较快（每秒 5.2 个音节），"
        "音量适中（中位数 -24 dBFS）。从开口到说完共停顿 1 次，其间 30% 的时间没有说话声。"
    )
