"""The voter that looks: corners of the mouth, brows, and an open mouth that does not speak.

A linear score per class over the share of face frames that show an expression and over where the brows lie in their
ordinary range, after the usual readings of facial action (raised corners with joy; lowered corners and raised inner
brows with sadness; lowered brows with anger; high brows with surprise and fear). Sizes are this project's own, not
fitted. Costs nothing.
"""

from __future__ import annotations

from filters.voters.scale import place
from mercap import ballot
from mercap.errors import NothingToDo
from mercap.measures.norms import BROWS, MOUTH
from mercap.records import Emotion, Measures, Vote

WEIGHTS: dict[Emotion, dict[str, float]] = {
    Emotion.HAPPY: {"smile": 2.2, "frown": -0.8},
    Emotion.SAD: {"smile": -0.6, "frown": 1.1, "slant": 0.35},
    Emotion.ANGRY: {"smile": -0.6, "frown": 0.8, "slant": -0.40, "height": -0.25},
    Emotion.SURPRISED: {"height": 0.35, "open": 0.9},
    Emotion.FEARFUL: {"smile": -0.6, "slant": 0.20, "height": 0.25, "open": 0.3},
    Emotion.DISGUSTED: {"smile": -0.6, "frown": 0.6, "height": -0.20},
}
NEUTRAL_AT_REST = 0.8  # score of neutral for a face that shows nothing
NEUTRAL_PER_SHARE = 1.2  # what it loses with the share of frames that show something
NEUTRAL_PER_STEP = 0.3  # what it loses per mean distance of the brows from the middle of their range


def vote(measures: Measures | None) -> Vote:
    """Probabilities from the main face. Raises `NothingToDo`: ``no_video``, or ``no_face`` when none was found."""
    if measures is None or measures.face is None:
        raise NothingToDo("no_video")
    face = measures.face
    if face.face_frames == 0:
        raise NothingToDo("no_face")
    at = {
        "smile": face.smile_frames / face.face_frames,
        "frown": face.frown_frames / face.face_frames,
        "open": 0.0 if _speaks(measures) else face.mouth_open_frames / face.face_frames,
        "slant": place(face.brow_slant, BROWS.slant),
        "height": place(face.brow_height, BROWS.height),
    }
    scores = {emotion: sum(by[name] * at[name] for name in by) for emotion, by in WEIGHTS.items()}
    return ballot.vote("face", {**scores, Emotion.NEUTRAL: _neutral(at)})


def _neutral(at: dict[str, float]) -> float:
    shown = max(at["smile"], at["frown"], at["open"])
    distance = (abs(at["slant"]) + abs(at["height"])) / 2
    return NEUTRAL_AT_REST - NEUTRAL_PER_SHARE * shown - NEUTRAL_PER_STEP * distance


def _speaks(measures: Measures) -> bool:
    """Speech opens mouths too; a mouth in time with the voice is not agape."""
    return measures.synchrony is not None and measures.synchrony.correlation >= MOUTH.in_time
