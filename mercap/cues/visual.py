"""What the picture shows, in sentences made from the measures.

The sentences describe lips, brows and movement and name no emotion, person, age or origin. The evidence
beside them says which emotions an observation speaks for, after the usual readings of facial action: raised lip corners
go with joy, lowered ones with sadness and displeasure; brows drawn down with anger; inner ends raised with sadness
and fear; high brows and an open, silent mouth with surprise. Strengths are this project's own: a face is read by simple
means, and people smile for many reasons. Costs nothing.
"""

from __future__ import annotations

from mercap.errors import NothingToDo
from mercap.measures.norms import BROWS, MOUTH, MUCH_HEAD_MOTION
from mercap.records import Cue, Emotion, Evidence, FaceMeasures, Measures

LANGUAGE = "en"
FEW = 0.15  # share of face frames below which an expression is an accident
CORNERS_STRENGTH = 0.8  # when seen in every face frame
SLANT_STRENGTH = 0.6
HEIGHT_STRENGTH = 0.4
OPEN_STRENGTH = 0.4
RESTING_STRENGTH = 0.3


def describe(measures: Measures) -> Cue:
    """Put the face into words; raises NothingToDo ``no_video`` or ``no_face``."""
    face = measures.face
    if face is None:
        raise NothingToDo("no_video")
    if face.face_frames == 0:
        raise NothingToDo("no_face")
    opening, brows = _opening(measures, face), _brows(face)
    resting = not any(part.emotions not in {(), (Emotion.NEUTRAL,)} for part in (*opening, *brows))
    evidence = (_presence(face), *_corners(face, resting), *opening, *_movement(measures, face), *brows, *_head(face))
    return Cue(modality="visual", text=" ".join(part.text for part in evidence), language=LANGUAGE, evidence=evidence)


def _presence(face: FaceMeasures) -> Evidence:
    seen = f"{face.face_frames} of {face.frames} {_plural(face.frames, 'frame')}"
    if face.people_max > 1:
        text = f"Up to {face.people_max} faces are visible at once; the main one, described here, is seen in {seen}."
    else:
        text = f"One face is visible in {seen}."
    return Evidence(observation="faces", text=text)


def _corners(face: FaceMeasures, resting: bool) -> tuple[Evidence, ...]:
    """``resting``: nothing else in the face speaks for an emotion, so level corners speak for none."""
    if face.mouth_curvature is None:
        return (Evidence(observation="mouth_unreadable", text="The mouth cannot be made out."),)
    found = []
    for key, word, count, emotions in (
        ("smile", "raised", face.smile_frames, (Emotion.HAPPY,)),
        ("frown", "lowered", face.frown_frames, (Emotion.SAD, Emotion.ANGRY, Emotion.DISGUSTED)),
    ):
        share = count / face.face_frames
        if share >= FEW:
            text = f"The corners of the mouth are {word} in {_of(count, face)}."
            found.append(_evidence(key, text, emotions, CORNERS_STRENGTH * share))
    level = "The corners of the mouth are neither clearly raised nor clearly lowered."
    calm = (Emotion.NEUTRAL,) if resting else ()
    return tuple(found) or (_evidence("level_mouth", level, calm, RESTING_STRENGTH),)


def _opening(measures: Measures, face: FaceMeasures) -> tuple[Evidence, ...]:
    share = face.mouth_open_frames / face.face_frames
    if share < FEW:
        return ()
    spoken = measures.synchrony is not None and measures.synchrony.correlation >= MOUTH.out_of_time
    emotions = () if spoken or share < 0.5 else (Emotion.SURPRISED,)  # speech opens mouths too
    return (
        _evidence(
            "open_mouth", f"The mouth is open in {_of(face.mouth_open_frames, face)}.", emotions, OPEN_STRENGTH * share
        ),
    )


def _movement(measures: Measures, face: FaceMeasures) -> tuple[Evidence, ...]:
    if face.mouth_motion is None:
        return ()
    if face.mouth_motion < MOUTH.still:
        but = " although a voice is heard" if measures.voice else ""
        return (
            Evidence(
                observation="still_mouth",
                text=f"It hardly moves{but}." if _open_told(face) else f"The mouth hardly moves{but}.",
            ),
        )
    if measures.synchrony is None:
        return (Evidence(observation="moving_mouth", text="The mouth moves."),)
    if measures.synchrony.correlation >= MOUTH.in_time:
        return (Evidence(observation="speaking", text="The mouth opens and closes in time with the voice."),)
    if measures.synchrony.correlation >= MOUTH.out_of_time:
        return (Evidence(observation="perhaps_speaking", text="The mouth moves, loosely in time with the voice."),)
    return (Evidence(observation="out_of_time", text="The mouth moves, but not in time with the voice."),)


def _open_told(face: FaceMeasures) -> bool:
    return face.mouth_open_frames / face.face_frames >= FEW


def _brows(face: FaceMeasures) -> tuple[Evidence, ...]:
    if face.brow_height is None or face.brow_slant is None:
        return ()
    height = BROWS.height.place(face.brow_height)
    found = []
    if BROWS.slant.place(face.brow_slant) > 0:
        found.append(
            _evidence(
                "inner_brows_raised",
                "The inner ends of the brows are raised.",
                (Emotion.SAD, Emotion.FEARFUL),
                SLANT_STRENGTH,
            )
        )
    elif BROWS.drawn_down(face.brow_slant, face.brow_height):
        found.append(
            _evidence(
                "inner_brows_lowered", "The inner ends of the brows are drawn down.", (Emotion.ANGRY,), SLANT_STRENGTH
            )
        )
    if height > 0:
        found.append(
            _evidence(
                "brows_raised",
                "The brows are high above the eyes.",
                (Emotion.SURPRISED, Emotion.FEARFUL),
                HEIGHT_STRENGTH,
            )
        )
    elif height < 0:
        found.append(
            _evidence(
                "brows_low", "The brows are close to the eyes.", (Emotion.ANGRY, Emotion.DISGUSTED), HEIGHT_STRENGTH
            )
        )
    level = _evidence("level_brows", "The brows are level.", (Emotion.NEUTRAL,), RESTING_STRENGTH / 2)
    return tuple(found) or (level,)


def _head(face: FaceMeasures) -> tuple[Evidence, ...]:
    if face.head_motion is None or face.head_motion < MUCH_HEAD_MOTION:
        return ()
    return (Evidence(observation="head_motion", text="The head moves a lot."),)


def _of(count: int, face: FaceMeasures) -> str:
    return f"{count} of {face.face_frames} {_plural(face.face_frames, 'frame')}"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


def _evidence(key: str, text: str, emotions: tuple[Emotion, ...], strength: float) -> Evidence:
    """Evidence for no emotion has no strength."""
    return Evidence(observation=key, text=text, emotions=emotions, strength=round(strength, 3) if emotions else 0.0)
