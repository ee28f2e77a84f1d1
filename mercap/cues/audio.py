"""What the voice sounds like: which measures are worth a word, and what they speak for.

The words name no emotion, sex or age. The evidence beside them follows what reviews of acted and natural speech
agree on (Juslin & Laukka 2003; Banse & Scherer 1996): agitation raises pitch, range, rate, level and high
frequencies together; anger most in level and high frequencies, joy in pitch and range, fear in pitch and
rate; sadness lowers them all and adds pauses. Each of these alone is weak, since it depends on whose voice and which
microphone it is, so every strength is small and only several together say something. What changes in the course of
the clip is told without an emotion: where several people speak, another speaker changes pitch and level too. Costs
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mercap.cues.observation import Language, Observation, put_into_words
from mercap.errors import NothingToDo
from mercap.measures.norms import RECORDING, VOICE, Range
from mercap.records import Cue, Emotion, Measures, QualityMeasures, VoiceMeasures

HAPPY, SAD, ANGRY = Emotion.HAPPY, Emotion.SAD, Emotion.ANGRY
SURPRISED, FEARFUL, NEUTRAL = Emotion.SURPRISED, Emotion.FEARFUL, Emotion.NEUTRAL
ORDINARY_STRENGTH = 0.10  # of a value in the ordinary range, for neutral


@dataclass(frozen=True)
class Reading:
    """How one measure is told below, within and above its ordinary range: (key, emotions, strength)."""

    measure: str
    part_of: str
    ordinary: Range
    low: tuple[str, tuple[Emotion, ...], float]
    middle: str
    high: tuple[str, tuple[Emotion, ...], float]

    def read(self, voice: VoiceMeasures) -> Iterator[Observation]:
        value: float | None = getattr(voice, self.measure)
        if value is None:
            return
        ordinary = (self.middle, (NEUTRAL,), ORDINARY_STRENGTH)
        key, emotions, strength = (self.low, ordinary, self.high)[1 + self.ordinary.place(value)]
        yield Observation(key, {self.measure: value}, emotions, strength, part_of=self.part_of)


PITCH = Reading(
    "pitch_median_hz", "voice", VOICE.pitch_median_hz,
    low=("low_pitch", (SAD,), 0.10), middle="middle_pitch", high=("high_pitch", (HAPPY, SURPRISED, FEARFUL), 0.20),
)  # fmt: skip
SPREAD = Reading(
    "pitch_range_st", "voice", VOICE.pitch_range_st,
    low=("narrow_range", (SAD, NEUTRAL), 0.15), middle="middle_range",
    high=("wide_range", (HAPPY, SURPRISED, ANGRY), 0.20),
)  # fmt: skip
RATE = Reading(
    "syllables_per_s", "speech", VOICE.syllables_per_s,
    low=("slow", (SAD,), 0.20), middle="middle_rate", high=("fast", (HAPPY, ANGRY, FEARFUL), 0.15),
)  # fmt: skip
LEVEL = Reading(
    "loudness_dbfs", "speech", VOICE.loudness_dbfs,
    low=("quiet", (SAD,), 0.20), middle="middle_level", high=("loud", (ANGRY,), 0.25),
)  # fmt: skip


def describe(measures: Measures, language: Language = "en") -> Cue:
    """Put the voice into words; raises NothingToDo ``no_audio`` or ``no_speech``."""
    if measures.voice is None:
        raise NothingToDo("no_speech" if measures.quality.has_audio else "no_audio")
    observed = [*_observe(measures.voice), *_recording(measures.quality)]
    return put_into_words("audio", observed, language)


def _observe(voice: VoiceMeasures) -> Iterator[Observation]:
    """What a whisper lacks (pitch, colour, syllables that are counted by it) is not told of its few voiced moments."""
    voiced = voice.voiced_ratio >= VOICE.voiced_least
    if voiced:
        for reading in (PITCH, SPREAD, RATE):
            yield from reading.read(voice)
    else:
        yield Observation("hardly_voiced", {"voiced_ratio": voice.voiced_ratio})
    yield from LEVEL.read(voice)
    if voiced:
        yield from _beyond(voice, "pitch_slope_st_per_s", VOICE.pitch_slope_st_per_s, "falling_pitch", "rising_pitch")
        yield from _beyond(voice, "pitch_change_st", VOICE.pitch_change_st, "lower_later", "higher_later")
    yield from _beyond(voice, "loudness_change_db", VOICE.loudness_change_db, "quieter_later", "louder_later")
    yield from _pauses(voice)
    if voiced:
        yield from _colour(voice)


def _beyond(voice: VoiceMeasures, measure: str, ordinary: Range, low: str, high: str) -> Iterator[Observation]:
    """A movement beyond its ordinary range, told by its size; no emotion hangs on it."""
    value: float | None = getattr(voice, measure)
    place = 0 if value is None else ordinary.place(value)
    if value is not None and place != 0:
        yield Observation(high if place > 0 else low, {measure: abs(value)})


def _pauses(voice: VoiceMeasures) -> Iterator[Observation]:
    if not voice.pauses or voice.pause_ratio is None:
        return
    many = VOICE.pause_ratio.place(voice.pause_ratio) > 0
    values = {"pauses": voice.pauses, "pause_ratio": voice.pause_ratio}
    yield Observation("pauses", values, (SAD,) if many else (), 0.10)


def _colour(voice: VoiceMeasures) -> Iterator[Observation]:
    """The balance of high and low frequencies; worth a sentence only where it is unusual."""
    tilt = voice.spectral_tilt_db_per_octave
    place = 0 if tilt is None else VOICE.tilt_db_per_octave.place(tilt)
    if tilt is not None and place != 0:
        key, emotion = ("sharp_sound", ANGRY) if place > 0 else ("soft_sound", SAD)
        yield Observation(key, {"spectral_tilt_db_per_octave": tilt}, (emotion,), 0.10)


def _recording(quality: QualityMeasures) -> Iterator[Observation]:
    """Faults that make the rest less sure."""
    if quality.clipped_ratio is not None and quality.clipped_ratio >= RECORDING.clipped_ratio:
        yield Observation("clipped_sound", {"clipped_ratio": quality.clipped_ratio})
    if quality.snr_db is not None and quality.snr_db < RECORDING.low_snr_db:
        yield Observation("near_background", {"snr_db": quality.snr_db})
