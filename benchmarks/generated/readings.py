"""Generated films through the real path, and what the face measures read in every frame against what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.generated.faces import DARK_SKIN, LIGHT_SKIN, Film, Person, draw_film
from benchmarks.generated.media import AUDIO_OF, FRAME_RATE, VIDEO_CODECS, Audio, through_codec
from benchmarks.generated.noise import in_noise
from benchmarks.generated.scores import Figures, answers, ratio, third, thirds
from benchmarks.generated.voices import draw_voice
from mercap.measures.expression import FaceReport, frowns, measure_face, read_faces, smiles
from mercap.measures.faces import Box, grey
from mercap.measures.following import follow
from mercap.measures.frame import Frame
from mercap.measures.mouth import Mouth
from mercap.measures.norms import MOUTH

# Six of nine clips hold one speaking person; the others a still mouth under a voice, two people, nobody.
KINDS = ("speaking", "still", "speaking", "two", "speaking", "nobody", "speaking", "speaking", "speaking")
GLIMPSE = "free"  # a short clip of one silent person: many of them show many faces
PEOPLE = {"nobody": 0, "two": 2}
SMILING, NOT_SMILING = 0.40, 0.15  # of the drawn smile, -1 to 1
OPEN, CLOSED = 0.060, 0.020  # drawn gap between the lips, face heights
OFF_PLACE, OFF_SIZE = 0.30, 1.5  # of the true side: a box beyond it is no find
MOST = 0.50  # share of frames from which a clip counts as smiling
TERCILES = ("lowest", "middle", "highest")


class FrameOutcome(NamedTuple):
    """One sampled frame with somebody in it. ``mouth`` is ``None`` where no face or no mouth was read."""

    found: bool
    smile: float
    gap: float
    mouth: Mouth | None


@dataclass(frozen=True)
class ClipOutcome:
    """One clip; ``report`` and ``audio`` are kept of clips with a voice."""

    kind: str
    codec: str
    frame_count: int
    speed: float  # of the main head, face widths per second
    skin: float  # 0 light to 1 dark
    people_drawn: int
    people_found: int
    false_boxes: int  # frames whose box is on nobody
    frames: tuple[FrameOutcome, ...]
    report: FaceReport | None
    audio: Audio | None


def measure_film(
    seed: np.random.SeedSequence,
    kind: str,
    codec_number: int,
    seconds: tuple[float, float],
    pictures: Sequence[tuple[int, int]],
) -> ClipOutcome:
    """Draw a clip of ``kind`` in one of the sizes of ``pictures``, encode, decode and read it."""
    draw = np.random.default_rng(seed)
    length = round(draw.uniform(*seconds) * FRAME_RATE) / FRAME_RATE
    spoken = draw_voice(draw, length) if kind in ("speaking", "still") else None
    size, mouth = pictures[int(draw.integers(len(pictures)))], kind if spoken else "free"
    film = draw_film(draw, size, length, PEOPLE.get(kind, 1), mouth, spoken)
    sound = None if spoken is None else in_noise(draw, spoken.samples, 40.0, "pink", -20.0)
    codec = VIDEO_CODECS[codec_number % len(VIDEO_CODECS)]
    frames, audio, _ = through_codec(codec, film.pictures(), sound, AUDIO_OF[codec.suffix])
    followed = follow([grey(frame.image) for frame in frames], [frame.time_s for frame in frames])
    outcomes, false_boxes = _compare(film, frames, followed.boxes)
    main = film.people[0] if film.people else None
    return ClipOutcome(
        kind=kind,
        codec=codec.name,
        frame_count=len(frames),
        speed=main.speed() if main else 0.0,
        skin=_darkness(main) if main else 0.0,
        people_drawn=len(film.people),
        people_found=followed.people_max,
        false_boxes=false_boxes,
        frames=outcomes,
        report=measure_face(frames, followed) if spoken else None,
        audio=audio,
    )


def _compare(film: Film, frames: Sequence[Frame], boxes: Sequence[Box | None]) -> tuple[tuple[FrameOutcome, ...], int]:
    """Each frame's reading beside the truth of the person it is of, and the number of boxes on nobody."""
    read = {reading.time_s: reading.mouth for reading in read_faces(frames, boxes)}
    scale = frames[0].image.shape[0] / film.size[1]
    truth = [(person.boxes() * scale, person.gaps(), person.course.smile) for person in film.people]
    outcomes, false_boxes = [], 0
    for frame, box in zip(frames, boxes, strict=True):
        index = min(round(frame.time_s * FRAME_RATE), film.count - 1)
        of = [number for number, (places, _, _) in enumerate(truth) if box and _in_place(box, Box(*places[index]))]
        false_boxes += box is not None and not of
        if truth:
            _, gaps, smile = truth[of[0] if of else 0]
            mouth = read.get(frame.time_s) if of else None
            outcomes.append(FrameOutcome(bool(of), float(smile[index]), float(gaps[index]), mouth))
    return tuple(outcomes), false_boxes


def _in_place(box: Box, true: Box) -> bool:
    near = np.hypot(box.x - true.x, box.y - true.y) <= OFF_PLACE * true.side
    return bool(near and 1.0 / OFF_SIZE <= box.side / true.side <= OFF_SIZE)


def _darkness(person: Person) -> float:
    return (LIGHT_SKIN[0] - person.look.skin[0]) / (LIGHT_SKIN[0] - DARK_SKIN[0])


def face_figures(outcomes: Sequence[ClipOutcome]) -> Figures:
    """All figures of the films, whole and by condition."""
    shown = [clip for clip in outcomes if clip.people_drawn]
    return {
        "clips": len(outcomes),
        **_figures(outcomes),
        "smile_per_clip": answers(
            (truth, _claimed(clip)) for clip in shown if (truth := _clip_smiles(clip)) is not None
        ),
        "people": {
            str(number): {"clips": len(found), "right": ratio(found.count(number), len(found))}
            for number in (0, 1, 2)
            for found in [[clip.people_found for clip in outcomes if clip.people_drawn == number]]
        },
        "by_codec": {
            codec.name: _figures([clip for clip in shown if clip.codec == codec.name]) for codec in VIDEO_CODECS
        },
        "by_head_motion": _by_third(shown, lambda clip: clip.speed),
        "by_darkness_of_skin": _by_third(shown, lambda clip: clip.skin),
    }


def _by_third(clips: Sequence[ClipOutcome], value: Callable[[ClipOutcome], float]) -> Figures:
    limits = thirds([value(clip) for clip in clips])
    parts = {
        name: _figures([clip for clip in clips if third(value(clip), limits) == number])
        for number, name in enumerate(TERCILES)
    }
    return {"limits": limits, **parts}


def _figures(clips: Sequence[ClipOutcome]) -> Figures:
    frames = [frame for clip in clips for frame in clip.frames]
    return {
        "frames": len(frames),
        "face_recall": ratio(sum(frame.found for frame in frames), len(frames)),
        "boxes_on_nobody": sum(clip.false_boxes for clip in clips),
        "frames_read": sum(frame.mouth is not None for frame in frames),
        "smile": _yes_no(frames, lambda frame: frame.smile, smiles, SMILING, NOT_SMILING),
        "frown": _yes_no(frames, lambda frame: -frame.smile, frowns, SMILING, NOT_SMILING),
        "mouth_open": _yes_no(frames, lambda frame: frame.gap, _is_open, OPEN, CLOSED),
    }


def _is_open(mouth: Mouth) -> bool:
    return mouth.opening >= MOUTH.open


def _yes_no(
    frames: Sequence[FrameOutcome],
    drawn: Callable[[FrameOutcome], float],
    says: Callable[[Mouth], bool],
    yes: float,
    no: float,
) -> Figures:
    """Scores over frames drawn as a clear yes or no; where nothing was read, nothing was claimed: a no."""
    clear = [frame for frame in frames if drawn(frame) >= yes or drawn(frame) <= no]
    scores = answers((drawn(frame) >= yes, frame.mouth is not None and says(frame.mouth)) for frame in clear)
    return {**scores, "left_out": len(frames) - len(clear)}


def _clip_smiles(clip: ClipOutcome) -> bool | None:
    """The truth of a clip, ``None`` where it is neither a clear smile for long enough nor never one."""
    if np.mean([frame.smile >= SMILING for frame in clip.frames]) >= MOST:
        return True
    return False if max(frame.smile for frame in clip.frames) <= NOT_SMILING else None


def _claimed(clip: ClipOutcome) -> bool:
    """Whether most frames are read as smiling."""
    return float(np.mean([frame.mouth is not None and smiles(frame.mouth) for frame in clip.frames])) >= MOST
