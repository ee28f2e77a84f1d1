"""What the picture shows: which measures are worth a word, and what they speak for.

The words describe lips, brows and movement and name no emotion, person, age or origin. The evidence
beside them says which emotions an observation speaks for, after the usual readings of facial action: raised lip corners
go with joy, lowered ones with sadness and displeasure; brows drawn down with anger; inner ends raised with sadness
and fear; high brows and an open, silent mouth with surprise. Strengths are this project's own: a face is read by simple
means, and people smile for many reasons. Costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from mercap.cues.observation import Language, Observation, put_into_words
from mercap.errors import NothingToDo
from mercap.measures.norms import BROWS, MOUTH, MUCH_CHANGE, MUCH_HEAD_MOTION, RECORDING
from mercap.records import Cue, Emotion, FaceMeasures, Measures, QualityMeasures

CORNERS_STRENGTH = 0.8  # when seen in every face frame
SLANT_STRENGTH = 0.6
HEIGHT_STRENGTH = 0.4
OPEN_STRENGTH = 0.4
RESTING_STRENGTH = 0.3


def describe(measures: Measures, language: Language = "en") -> Cue:
    """Put the face into words; raises NothingToDo ``no_video`` or ``no_face``."""
    face = measures.face
    if face is None:
        raise NothingToDo("no_video")
    if face.face_frames == 0:
        raise NothingToDo("no_face")
    opening, brows = list(_opening(measures, face)), list(_brows(face))
    resting = not any(set(part.emotions) - {Emotion.NEUTRAL} for part in (*opening, *brows))
    observed = [
        *_presence(face),
        *_corners(face, resting),
        *opening,
        *_movement(measures, face),
        *brows,
        *_head(face),
        *_picture(measures.quality),
    ]
    return put_into_words("visual", observed, language)


def _presence(face: FaceMeasures) -> Iterator[Observation]:
    seen = {"face_frames": face.face_frames, "frames": face.frames}
    if face.people_max > 1:
        yield Observation("faces", {"people_max": face.people_max, **seen}, variant="several")
    else:
        yield Observation("faces", seen)
    yield from _change(face.presence_change, "face_comes", "face_goes")


def _corners(face: FaceMeasures, resting: bool) -> Iterator[Observation]:
    """``resting``: nothing else in the face speaks for an emotion, so level corners speak for none."""
    if face.mouth_curvature is None:
        yield Observation("mouth_unreadable")
        return
    found = False
    for key, count, change, emotions in (
        ("smile", face.smile_frames, face.smile_change, (Emotion.HAPPY,)),
        ("frown", face.frown_frames, face.frown_change, (Emotion.SAD, Emotion.ANGRY, Emotion.DISGUSTED)),
    ):
        share = count / face.face_frames
        if share >= MOUTH.told:
            found = True
            values = {f"{key}_frames": count, "face_frames": face.face_frames}
            yield Observation(key, values, emotions, CORNERS_STRENGTH * share)
            yield from _change(change, f"{key}_grows", f"{key}_fades")
    if not found:
        yield Observation("level_mouth", {}, (Emotion.NEUTRAL,) if resting else (), RESTING_STRENGTH)


def _change(change: float | None, more: str, less: str) -> Iterator[Observation]:
    if change is not None and abs(change) >= MUCH_CHANGE:
        yield Observation(more if change > 0 else less)


def _opening(measures: Measures, face: FaceMeasures) -> Iterator[Observation]:
    share = face.mouth_open_frames / face.face_frames
    if share < MOUTH.told:
        return
    # Speech opens mouths too, and who speaks is not certain enough: only a mouth open in silence speaks for surprise.
    emotions = () if measures.voice is not None or share < 0.5 else (Emotion.SURPRISED,)
    values = {"mouth_open_frames": face.mouth_open_frames, "face_frames": face.face_frames}
    yield Observation("open_mouth", values, emotions, OPEN_STRENGTH * share)


def _movement(measures: Measures, face: FaceMeasures) -> Iterator[Observation]:
    if face.mouth_motion is None:
        return
    if face.mouth_motion < MOUTH.still:
        yield Observation("still_mouth", variant="under_voice" if measures.voice else "")
    elif measures.synchrony is None:
        yield Observation("moving_mouth")
    elif measures.synchrony.correlation >= MOUTH.in_time:
        yield Observation("speaking")
    elif measures.synchrony.correlation >= MOUTH.out_of_time:
        yield Observation("perhaps_speaking")
    else:
        yield Observation("out_of_time")


def _brows(face: FaceMeasures) -> Iterator[Observation]:
    if face.brow_height is None or face.brow_slant is None:
        return
    slant, height = BROWS.slant.place(face.brow_slant), BROWS.height.place(face.brow_height)
    drawn_down = BROWS.drawn_down(face.brow_slant, face.brow_height)
    if slant > 0:
        yield Observation("inner_brows_raised", {}, (Emotion.SAD, Emotion.FEARFUL), SLANT_STRENGTH)
    elif drawn_down:
        yield Observation("inner_brows_lowered", {}, (Emotion.ANGRY,), SLANT_STRENGTH)
    if height > 0:
        yield Observation("brows_raised", {}, (Emotion.SURPRISED, Emotion.FEARFUL), HEIGHT_STRENGTH)
    elif height < 0:
        yield Observation("brows_low", {}, (Emotion.ANGRY, Emotion.DISGUSTED), HEIGHT_STRENGTH)
    if slant <= 0 and not drawn_down and height == 0:
        yield Observation("level_brows", {}, (Emotion.NEUTRAL,), RESTING_STRENGTH / 2)


def _head(face: FaceMeasures) -> Iterator[Observation]:
    if face.head_motion is not None and face.head_motion >= MUCH_HEAD_MOTION:
        yield Observation("head_motion")


def _picture(quality: QualityMeasures) -> Iterator[Observation]:
    """Faults that make the rest less sure."""
    if quality.black_ratio is not None and quality.black_ratio >= RECORDING.black_ratio:
        yield Observation("black_picture", {"black_ratio": quality.black_ratio})
    if quality.frozen_ratio is not None and quality.frozen_ratio >= RECORDING.frozen_ratio:
        yield Observation("frozen_picture", {"frozen_ratio": quality.frozen_ratio})
    if quality.sharpness is not None and quality.sharpness < RECORDING.blurred:
        yield Observation("blurred_picture")
