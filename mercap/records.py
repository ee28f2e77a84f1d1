"""The records that flow between stages: one frozen model per stage's answer.

Each is the payload of one cell (ARCHITECTURE.md, "Cells"), stored as JSON and validated whenever it is read
back, whether from disk, from a worker process or from a model's reply. Units are in the names: ``_s`` seconds,
``_hz`` hertz, ``_st`` semitones, ``_db`` decibels, ``_dbfs`` decibels relative to full scale, ``_ratio`` a
fraction of 0 to 1. A number that could not be measured is ``None``, never zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Ratio = Annotated[float, Field(ge=0.0, le=1.0)]


class Emotion(StrEnum):
    """The seven classes that voters answer in: Ekman's six and neutral."""

    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    SURPRISED = "surprised"
    FEARFUL = "fearful"
    DISGUSTED = "disgusted"
    NEUTRAL = "neutral"


class Sentiment(StrEnum):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- ingest -------------------------------------------------------------------------------------------------
class VideoStream(Record):
    codec: str
    width: int
    height: int
    frame_rate: float | None
    duration_s: float | None
    rotation_deg: int = 0


class AudioStream(Record):
    codec: str
    sample_rate: int
    channels: int
    duration_s: float | None


class Container(Record):
    """Answer of `ingest`: facts of the media file, after every packet of it was decoded once."""

    format: str
    size_bytes: int
    duration_s: float
    video: VideoStream | None
    audio: AudioStream | None


# --- transcribe, diarize ------------------------------------------------------------------------------------
class Word(Record):
    start_s: float
    end_s: float
    text: str
    confidence: Ratio | None = None


class Segment(Record):
    """``words`` is empty where the back-end does not time single words."""

    start_s: float
    end_s: float
    text: str
    confidence: Ratio | None = None
    words: tuple[Word, ...] = ()


class Transcript(Record):
    """Answer of `transcribe`. ``origin`` is ``supplied`` (subtitle) or ``recognised`` (ASR)."""

    segments: tuple[Segment, ...]
    language: str | None
    origin: str
    confidence: Ratio | None = None

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments if segment.text)


class Span(Record):
    start_s: float
    end_s: float


class Turn(Record):
    """One stretch of speech; ``speaker`` is ``None`` where the back-end cannot tell speakers apart."""

    start_s: float
    end_s: float
    speaker: str | None = None


class Diarization(Record):
    """Answer of `diarize`."""

    speech: tuple[Span, ...]
    turns: tuple[Turn, ...]
    duration_s: float
    speech_s: float
    speech_ratio: Ratio


# --- measure ------------------------------------------------------------------------------------------------
class FaceMeasures(Record):
    """What the sampled frames show of the main face (the largest, followed over time)."""

    frames: int  # frames looked at
    face_frames: int  # frames in which the main face was found
    presence_change: float | None = None  # share with the face in the last third of frames minus the first, -1 to 1
    people_max: int  # most faces seen in one frame
    face_height_ratio: Ratio | None  # median face height / frame height
    head_motion: float | None  # median displacement, face widths per second
    smile_frames: int  # face frames whose mouth corners are clearly raised
    frown_frames: int  # face frames whose mouth corners are clearly lowered
    smile_change: float | None = None  # share raised in the last third of face frames minus the first, -1 to 1
    frown_change: float | None = None  # the same of lowered corners; None = too few frames
    mouth_curvature: float | None  # median corner raise / mouth width; positive = corners raised
    mouth_open_frames: int  # face frames whose mouth is clearly open
    mouth_motion: float | None  # mean mouth-region change between frames, 0 = still
    brow_slant: float | None  # median inner-minus-outer brow height / face height; positive = inner ends raised
    brow_height: float | None  # median brow-to-eye distance / face height
    times_s: tuple[float, ...] = ()  # times of the series below
    mouth_motion_series: tuple[float, ...] = ()


class VoiceMeasures(Record):
    """What the speech segments of the audio sound like. Measured inside detected speech only."""

    voiced_ratio: Ratio  # voiced / speech frames
    pitch_median_hz: float | None
    pitch_range_st: float | None  # 10th to 90th percentile
    pitch_slope_st_per_s: float | None
    pitch_change_st: float | None = None  # median of the last third of voiced time minus the first, semitones
    loudness_dbfs: float | None  # median level of speech frames
    loudness_range_db: float | None  # 10th to 90th percentile
    loudness_change_db: float | None = None  # median level of the last third of speech minus the first
    pause_ratio: Ratio | None  # silence between first and last speech / that stretch
    pauses: int  # pauses of at least 0.25 s inside that stretch
    syllables_per_s: float | None  # energy nuclei per second of speech
    spectral_tilt_db_per_octave: float | None


class SynchronyMeasures(Record):
    """How well mouth motion follows the voice: peak of the normalised cross-correlation within ±0.4 s."""

    correlation: float
    lag_s: float  # positive = the mouth trails the voice


class QualityMeasures(Record):
    black_ratio: Ratio | None  # frames whose mean luminance is below 16/255
    frozen_ratio: Ratio | None  # frames equal to the one before
    sharpness: float | None  # median variance of the Laplacian, main face or frame
    level_dbfs: float | None  # RMS of the whole audio; None = no audio or digital silence
    clipped_ratio: Ratio | None  # samples at full scale
    snr_db: float | None  # speech level over the level outside speech

    @property
    def has_audio(self) -> bool:
        """Whether there was any audio, silent or not."""
        return self.clipped_ratio is not None


class Measures(Record):
    """Answer of `measure`: numbers only. A part is ``None`` where its stream does not exist."""

    face: FaceMeasures | None
    voice: VoiceMeasures | None
    synchrony: SynchronyMeasures | None
    quality: QualityMeasures


# --- cues, narrative, labels --------------------------------------------------------------------------------
class Evidence(Record):
    """One observation of a cue. ``emotions`` are those it speaks for (possibly none), ``strength`` 0 to 1."""

    observation: str  # short key, e.g. "smile"
    text: str  # the words for it, a substring of the cue's text
    emotions: tuple[Emotion, ...] = ()
    strength: Ratio = 0.0


class Cue(Record):
    """Answer of `describe_visual` and `describe_audio`."""

    modality: str  # "visual" or "audio"
    text: str
    language: str
    evidence: tuple[Evidence, ...] = ()


class Narrative(Record):
    """Answer of `merge`: which words, face and voice evidence support which emotion, and where they disagree."""

    text: str
    language: str
    conflict: bool = False
    injection_suspect: bool = False  # the subtitle reads like an instruction to a model


class Label(Record):
    """One open-vocabulary label and the half-open character span of the narrative it came from."""

    text: str
    start: int
    end: int


class Labels(Record):
    """Answer of `label`."""

    labels: tuple[Label, ...]
    sentiment: Sentiment
    sentiment_span: tuple[int, int] | None = None


# --- screen, vote, verdict ----------------------------------------------------------------------------------
class RuleFailure(Record):
    rule: str
    reason: str
    measure: str
    value: float | None


class Screen(Record):
    """Answer of `screen`: kept, or the rules that failed; every measure stored either way."""

    kept: bool
    failed: tuple[RuleFailure, ...]
    measures: dict[str, float | None]


class Vote(Record):
    """Answer of one voter: probabilities that sum to 1 over all members of each enumeration.

    A voter of one question alone (only emotion, only sentiment) leaves the other empty, and has no say in it.
    """

    voter: str
    emotions: dict[Emotion, float]
    sentiments: dict[Sentiment, float]

    @property
    def emotion(self) -> Emotion:
        return max(self.emotions, key=lambda emotion: self.emotions[emotion])

    @property
    def sentiment(self) -> Sentiment:
        return max(self.sentiments, key=lambda sentiment: self.sentiments[sentiment])


class Verdict(Record):
    """Answer of `verdict`: do the labels agree with the voters' majority, and is the caption kept?"""

    kept: bool
    reasons: tuple[str, ...]  # why not kept; empty when kept
    emotion: Emotion | None  # majority of the voters
    sentiment: Sentiment | None
    emotion_agrees: bool | None  # labels against the majority; None = no majority or no labels
    sentiment_agrees: bool | None
    agreement: Ratio | None  # share of voters behind the majority emotion
    voters: int


# The record that each stage answers with.
PAYLOADS: dict[str, type[Record]] = {
    "ingest": Container,
    "diarize": Diarization,
    "transcribe": Transcript,
    "measure": Measures,
    "describe_visual": Cue,
    "describe_audio": Cue,
    "merge": Narrative,
    "label": Labels,
    "screen": Screen,
    "vote": Vote,
    "verdict": Verdict,
}
