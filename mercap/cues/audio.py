"""What the voice sounds like, in sentences made from the measures.

The sentences name no emotion, sex or age. The evidence beside them follows what reviews of acted and natural speech
agree on (Juslin & Laukka 2003; Banse & Scherer 1996): agitation raises pitch, range, rate, level and high
frequencies together; anger most in level and high frequencies, joy in pitch and range, fear in pitch and
rate; sadness lowers them all and adds pauses. Each of these alone is weak, since it depends on whose voice and which
microphone it is, so every strength is small and only several together say something. Costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from mercap.errors import NothingToDo
from mercap.measures.norms import VOICE, Range
from mercap.records import Cue, Emotion, Evidence, Measures, VoiceMeasures

LANGUAGE = "en"
HAPPY, SAD, ANGRY = Emotion.HAPPY, Emotion.SAD, Emotion.ANGRY
SURPRISED, FEARFUL, NEUTRAL = Emotion.SURPRISED, Emotion.FEARFUL, Emotion.NEUTRAL
ORDINARY_STRENGTH = 0.10  # of a value in the ordinary range, for neutral


@dataclass(frozen=True)
class Reading:
    """How one measure is put: (key, words, emotions, strength) below, within and above its ordinary range."""

    ordinary: Range
    low: tuple[str, str, tuple[Emotion, ...], float]
    middle: tuple[str, str]
    high: tuple[str, str, tuple[Emotion, ...], float]

    def evidence(self, value: float, shown: str) -> Evidence:
        place = self.ordinary.place(value)
        key, words, emotions, strength = (
            (*self.middle, (NEUTRAL,), ORDINARY_STRENGTH) if place == 0 else self.low if place < 0 else self.high
        )
        return Evidence(observation=key, text=f"{words} ({shown})", emotions=emotions, strength=strength)


PITCH = Reading(
    VOICE.pitch_median_hz,
    ("low_pitch", "low", (SAD,), 0.10),
    ("middle_pitch", "of middle pitch"),
    ("high_pitch", "high", (HAPPY, SURPRISED, FEARFUL), 0.20),
)
SPREAD = Reading(
    VOICE.pitch_range_st,
    ("narrow_range", "even", (SAD, NEUTRAL), 0.15),
    ("middle_range", "moderately varied"),
    ("wide_range", "lively", (HAPPY, SURPRISED, ANGRY), 0.20),
)
RATE = Reading(
    VOICE.syllables_per_s,
    ("slow", "slow", (SAD,), 0.20),
    ("middle_rate", "at an ordinary pace"),
    ("fast", "fast", (HAPPY, ANGRY, FEARFUL), 0.15),
)
LEVEL = Reading(
    VOICE.loudness_dbfs,
    ("quiet", "quiet", (SAD,), 0.20),
    ("middle_level", "of ordinary loudness"),
    ("loud", "loud", (ANGRY,), 0.25),
)


def describe(measures: Measures) -> Cue:
    """Put the voice into words; raises NothingToDo ``no_audio`` or ``no_speech``."""
    voice = measures.voice
    if voice is None:
        raise NothingToDo("no_audio" if measures.quality.level_dbfs is None else "no_speech")
    sentences: list[str] = []
    evidence: list[Evidence] = []
    for subject, parts in (("The voice is", _tone(voice)), ("The speech is", _delivery(voice))):
        if parts:
            sentences.append(f"{subject} {' and '.join(part.text for part in parts)}.")
            evidence += parts
    for part in (*_movement(voice), *_pauses(voice), *_colour(voice)):
        sentences.append(part.text)
        evidence.append(part)
    return Cue(modality="audio", text=" ".join(sentences), language=LANGUAGE, evidence=tuple(evidence))


def _tone(voice: VoiceMeasures) -> list[Evidence]:
    parts = []
    if voice.pitch_median_hz is not None:
        parts.append(PITCH.evidence(voice.pitch_median_hz, f"median {voice.pitch_median_hz:.0f} Hz"))
    if voice.pitch_range_st is not None:
        parts.append(SPREAD.evidence(voice.pitch_range_st, f"range {voice.pitch_range_st:.1f} semitones"))
    return parts


def _delivery(voice: VoiceMeasures) -> list[Evidence]:
    parts = []
    if voice.syllables_per_s is not None:
        parts.append(RATE.evidence(voice.syllables_per_s, f"{voice.syllables_per_s:.1f} syllables per second"))
    if voice.loudness_dbfs is not None:
        parts.append(LEVEL.evidence(voice.loudness_dbfs, f"median {voice.loudness_dbfs:.0f} dBFS"))
    return parts


def _movement(voice: VoiceMeasures) -> list[Evidence]:
    """A pitch that climbs or drops more than speech does of itself; no emotion hangs on it."""
    slope = voice.pitch_slope_st_per_s
    place = 0 if slope is None else VOICE.pitch_slope_st_per_s.place(slope)
    if slope is None or place == 0:
        return []
    key, word = ("rising_pitch", "rises") if place > 0 else ("falling_pitch", "falls")
    text = f"Within phrases the pitch {word} by {abs(slope):.1f} semitones per second."
    return [Evidence(observation=key, text=text)]


def _pauses(voice: VoiceMeasures) -> list[Evidence]:
    if not voice.pauses or voice.pause_ratio is None:
        return []
    count = "one pause" if voice.pauses == 1 else f"{voice.pauses} pauses"
    text = f"There {'is' if voice.pauses == 1 else 'are'} {count}; {voice.pause_ratio:.0%} of the stretch is silent."
    many = VOICE.pause_ratio.place(voice.pause_ratio) > 0
    return [Evidence(observation="pauses", text=text, emotions=(SAD,) if many else (), strength=0.10 if many else 0.0)]


def _colour(voice: VoiceMeasures) -> list[Evidence]:
    """The balance of high and low frequencies; worth a sentence only where it is unusual."""
    tilt = voice.spectral_tilt_db_per_octave
    place = 0 if tilt is None else VOICE.tilt_db_per_octave.place(tilt)
    if tilt is None or place == 0:
        return []
    key, word, emotion = ("sharp_sound", "sharp", ANGRY) if place > 0 else ("soft_sound", "soft", SAD)
    text = f"The sound is {word} ({tilt:.1f} dB per octave)."
    return [Evidence(observation=key, text=text, emotions=(emotion,), strength=0.10)]
