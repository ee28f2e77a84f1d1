"""The low-level filter: one number per measure, and the rules of the recipe over them.

The MER-Caption paper (arXiv 2501.16566, section on low-level filtering) removes clips whose visible person is not the
one speaking, found there with an active-speaker model, and clips whose description is unusually short or long. Here
both are measures (``synchrony`` and ``voice_over``; ``narrative_words``) that a recipe's rules put thresholds on,
beside measures of signal quality. Every measure is stored whether a rule asks for it or not, so a threshold can be
moved later without measuring again. Costs microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from filters.rules import holds
from mercap.measures.norms import MOUTH
from mercap.recipe import Rule
from mercap.records import (
    Container,
    Cue,
    Diarization,
    FaceMeasures,
    Measures,
    Narrative,
    RuleFailure,
    Screen,
    Transcript,
)

Values = dict[str, float | None]

WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+(?:['’-][^\W_]+)*")
SPEECH_S = 1.0  # less speech than this says little about who speaks
FACE_RATIO = 0.5  # a visible person: the face is found in this share of the frames
CHANCE_SYNCHRONY = 0.35  # of a mouth and a voice that have nothing to do with each other


def measure(
    *,
    container: Container | None,
    transcript: Transcript | None,
    diarization: Diarization | None,
    measures: Measures | None,
    visual: Cue | None,
    audio: Cue | None,
    narrative: Narrative | None,
) -> Values:
    """Every measure of `filters.rules.MEASURES`; ``None`` for what could not be measured."""
    words = count_words(transcript.text) if transcript else 0
    return {
        **_of_narrative(narrative),
        "words": words,
        "transcript_confidence": transcript.confidence if transcript else None,
        **_of_speech(container, diarization),
        **_of_picture(measures, diarization),
        **_of_quality(measures),
        "modalities": (words > 0) + (visual is not None) + (audio is not None),
    }


def screen(values: Mapping[str, float | None], rules: Sequence[Rule]) -> Screen:
    """Kept, or the rules that failed in the order of the recipe."""
    failed = tuple(
        RuleFailure(rule=rule.name, reason=rule.reason, measure=rule.measure, value=values[rule.measure])
        for rule in rules
        if not holds(rule, values)
    )
    return Screen(kept=not failed, failed=failed, measures=dict(values))


def count_words(text: str) -> int:
    """Words of Latin and other alphabets; in Chinese, characters."""
    return len(WORD.findall(text))


def _of_narrative(narrative: Narrative | None) -> Values:
    if narrative is None:
        missing = ("narrative_words", "narrative_chars", "injection_suspect", "conflict")
        return {"has_narrative": 0, **dict.fromkeys(missing)}
    return {
        "has_narrative": 1,
        "narrative_words": count_words(narrative.text),
        "narrative_chars": len(narrative.text),
        "injection_suspect": int(narrative.injection_suspect),
        "conflict": int(narrative.conflict),
    }


def _of_speech(container: Container | None, diarization: Diarization | None) -> Values:
    speakers = {turn.speaker for turn in diarization.turns if turn.speaker is not None} if diarization else set()
    return {
        "duration_s": container.duration_s if container else None,
        "speech_s": diarization.speech_s if diarization else None,
        "speech_ratio": diarization.speech_ratio if diarization else None,
        "speakers": len(speakers) or None,
    }


def _of_picture(measures: Measures | None, diarization: Diarization | None) -> Values:
    face = measures.face if measures else None
    synchrony = measures.synchrony.correlation if measures and measures.synchrony else None
    ratio = face.face_frames / face.frames if face and face.frames else None
    return {
        "face_ratio": ratio,
        "face_height_ratio": face.face_height_ratio if face else None,
        "people_max": face.people_max if face else None,
        "synchrony": synchrony,
        "voice_over": _voice_over(face, ratio, synchrony, diarization),
    }


def _voice_over(
    face: FaceMeasures | None, ratio: float | None, synchrony: float | None, diarization: Diarization | None
) -> float | None:
    """The audio-video mismatch of the paper. ``None`` where mouth and voice could not be compared."""
    if face is None or ratio is None or diarization is None:
        return None
    if diarization.speech_s < SPEECH_S or ratio < FACE_RATIO:
        return 0
    if synchrony is not None:
        return int(synchrony < CHANCE_SYNCHRONY)
    return None if face.mouth_motion is None or face.mouth_motion >= MOUTH.still else 1


def _of_quality(measures: Measures | None) -> Values:
    names = ("black_ratio", "frozen_ratio", "sharpness", "level_dbfs", "clipped_ratio", "snr_db")
    quality = measures.quality if measures else None
    return {name: getattr(quality, name) if quality else None for name in names}
