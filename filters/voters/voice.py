"""The voter that listens: pitch, range, rate, loudness, colour and pauses of the speech.

A linear score per class over where each measure lies in its ordinary range. Signs follow what reviews of vocal
expression agree on (Juslin and Laukka 2003): anger is loud and sharp, joy high and lively, fear high and fast,
sadness low, even, slow, quiet and with pauses. Sizes are this project's own and kept small, not fitted: without
knowing the speaker and the microphone no single measure says much. Costs nothing.
"""

from __future__ import annotations

from filters.voters.scale import place
from mercap import ballot
from mercap.errors import NothingToDo
from mercap.measures.norms import VOICE
from mercap.records import Emotion, Measures, Vote

WEIGHTS: dict[Emotion, dict[str, float]] = {
    Emotion.HAPPY: {"pitch": 0.25, "range": 0.35, "rate": 0.15, "loudness": 0.10},
    Emotion.SAD: {"pitch": -0.20, "range": -0.25, "rate": -0.30, "loudness": -0.30, "pauses": 0.20},
    Emotion.ANGRY: {"range": 0.10, "rate": 0.15, "loudness": 0.45, "tilt": 0.30},
    Emotion.SURPRISED: {"pitch": 0.30, "range": 0.30, "rate": -0.05},
    Emotion.FEARFUL: {"pitch": 0.40, "rate": 0.25, "loudness": -0.10},
    Emotion.DISGUSTED: {"pitch": -0.15, "rate": -0.10},
}
NEUTRAL_AT_REST = 0.6  # score of neutral for a voice in the middle of every range
NEUTRAL_PER_STEP = 0.5  # what it loses per mean distance from there


def vote(measures: Measures | None) -> Vote:
    """Probabilities from the voice. Raises `NothingToDo`: ``no_audio``, or ``no_speech`` when nobody speaks."""
    if measures is None or measures.voice is None:
        raise NothingToDo("no_speech" if measures is not None and measures.quality.has_audio else "no_audio")
    voice = measures.voice
    whispered = voice.voiced_ratio < VOICE.voiced_least  # what is read off a voice then is read off noise
    at = {
        "pitch": place(None if whispered else voice.pitch_median_hz, VOICE.pitch_median_hz),
        "range": place(None if whispered else voice.pitch_range_st, VOICE.pitch_range_st),
        "rate": place(None if whispered else voice.syllables_per_s, VOICE.syllables_per_s),
        "loudness": place(voice.loudness_dbfs, VOICE.loudness_dbfs),
        "tilt": place(None if whispered else voice.spectral_tilt_db_per_octave, VOICE.tilt_db_per_octave),
        "pauses": max(0.0, place(voice.pause_ratio, VOICE.pause_ratio)),  # no pauses are nothing unusual
    }
    scores = {emotion: sum(by[name] * at[name] for name in by) for emotion, by in WEIGHTS.items()}
    distance = sum(abs(value) for value in at.values()) / len(at)
    return ballot.vote("voice", {**scores, Emotion.NEUTRAL: NEUTRAL_AT_REST - NEUTRAL_PER_STEP * distance})
