"""Plays a clip's shots: every frame with its people, who sway, blink and speak. About 40 ms per face of a frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from examples.canvas import Canvas
from examples.clip import Clip, Person, Shot
from examples.encode import FRAME_RATE
from examples.expressions import Expression
from examples.faces import draw_face
from examples.scenery import landscape, wall
from examples.speech import Spoken, loudness

SWAY_HZ = (0.31, 0.23, 0.19, 0.53)  # sideways, up and down, tilt and gaze, smile
GRAIN = 2.0  # standard deviation of the picture noise, of 255

Phases = npt.NDArray[np.float64]  # (6,) where each of a person's movements starts


def frames(clip: Clip, duration_s: float, lips: Spoken | None) -> Iterator[npt.NDArray[np.uint8] | None]:
    """The clip's pictures, RGB uint8; ``None`` for a frame the camera dropped.

    ``lips`` is what opens the mouths; it may be shorter or longer than the clip.
    """
    count = round(duration_s * FRAME_RATE)
    voice = loudness(lips, FRAME_RATE, count) if lips else np.zeros(count)
    draw = np.random.default_rng(clip.seed)
    people = sum(len(shot.people) for shot in clip.shots)
    phases = [draw.uniform(0.0, 2.0 * np.pi, 6) for _ in range(max(people, 1))]
    dropped = _dropped(clip, count)
    behind = {shot: wall(*shot.backdrop, size=clip.size) for shot in clip.shots}
    for index in range(count):
        time_s = index / FRAME_RATE
        shot = [shot for shot in clip.shots if shot.start_s <= time_s][-1]
        grain = (GRAIN * draw.standard_normal(clip.size[::-1])).astype(np.float32)
        if dropped[index]:
            yield None
        elif not shot.people:
            yield landscape(time_s).finish(grain)
        else:
            canvas = Canvas(behind[shot].copy())
            for person, phase in zip(shot.people, phases[_people_before(clip, shot) :], strict=False):
                face = expression(person, time_s, float(voice[index]), phase)
                draw_face(canvas, person.look, face, person.place, person.size_px)
            yield canvas.finish(grain)


def expression(person: Person, time_s: float, voice: float, phase: Phases) -> Expression:
    """The mood, moved as a living face moves: the head sways, the eyes blink, the mouth follows the voice."""
    mood = person.mood
    arrived = _ease((time_s - person.onset_s) / 0.35) if person.onset_s else 1.0
    blink = min(abs((time_s + 0.35 * phase[5]) % 2.3 - 1.2) / 0.12, 1.0)
    sway = [float(np.sin(2.0 * np.pi * rate * time_s + phase[n])) for n, rate in enumerate(SWAY_HZ)]
    return replace(
        mood,
        smile=arrived * mood.smile * (1.0 + 0.05 * sway[3]),
        brow_raise=arrived * mood.brow_raise + 0.15 * voice * person.mouth_moves,
        mouth_open=max(arrived * mood.mouth_open, person.mouth_moves * voice**0.8),
        mouth_round=arrived * mood.mouth_round,
        brow_slant=arrived * mood.brow_slant,
        eye_open=(1.0 + arrived * (mood.eye_open - 1.0)) * blink,
        gaze=0.3 * sway[2],
        offset=(0.05 * sway[0], 0.03 * sway[1] + 0.015 * voice * person.mouth_moves),
        tilt_deg=2.5 * sway[2],
    )


def _people_before(clip: Clip, shot: Shot) -> int:
    return sum(len(earlier.people) for earlier in clip.shots if earlier.start_s < shot.start_s)


def _dropped(clip: Clip, count: int) -> npt.NDArray[np.bool_]:
    """Which frames are left out; the first and the last never are."""
    chosen = np.random.default_rng([clip.seed, 1]).random(count) < clip.dropped
    chosen[[0, -1]] = False
    return chosen


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)
