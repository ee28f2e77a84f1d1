"""Clips of drawn faces whose every parameter is drawn: look, place, light, backdrop and movement.

What a face expresses in each frame is kept as the truth. The drawing is that of `examples.faces`: cartoons with the
contrasts of a face, all of one build. About 20 ms for a frame of 480x360 on one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.generated.media import FRAME_RATE, Picture
from benchmarks.generated.movement import Course, Series, draw_course
from benchmarks.generated.voices import Voice
from examples.canvas import Canvas, Colour, ellipse, mix
from examples.expressions import Look
from examples.faces import NECK, draw_face
from examples.scenery import landscape, wall

FACE_UNITS = 1.82  # face units in the side of the detector's box, whose centre is BOX_MIDDLE units below the eyes
BOX_MIDDLE = 0.187
GAP_UNITS = 0.30  # between the lips of a wide open mouth; see `examples.features.mouth_curves`
FACE_PX = (90.0, 260.0)  # in a picture of 480 lines
HAIRS: tuple[Colour, ...] = ((28, 22, 20), (60, 38, 28), (95, 60, 38), (150, 105, 60), (200, 165, 100), (150, 148, 145))
LIGHT_SKIN: Colour = (246.0, 214.0, 190.0)
DARK_SKIN: Colour = (92.0, 60.0, 44.0)


@dataclass(frozen=True)
class Person:
    look: Look
    centre: tuple[float, float]  # pixel between the eyes of a head that does not move
    unit_px: float
    course: Course

    def boxes(self) -> Series:
        """Where the detector should put its box: (frames, 3) centre x, centre y, side; pixels of the drawing."""
        angle = np.deg2rad(self.course.tilt_deg)
        below = BOX_MIDDLE - NECK[1]  # the box's middle as seen from the neck, about which the head tilts
        x = self.centre[0] + self.unit_px * (NECK[0] - below * np.sin(angle) + self.course.across)
        y = self.centre[1] + self.unit_px * (NECK[1] + below * np.cos(angle) + self.course.down)
        return np.stack([x, y, np.full_like(x, FACE_UNITS * self.unit_px)], axis=1)

    def gaps(self) -> Series:
        """Distance of the lips in the middle of the mouth, in face heights."""
        return GAP_UNITS * self.course.mouth_open / FACE_UNITS

    def speed(self) -> float:
        """Mean speed of the head in face widths per second."""
        places = self.boxes()
        steps = np.hypot(np.diff(places[:, 0]), np.diff(places[:, 1])) / places[1:, 2]
        return float(steps.mean() * FRAME_RATE)


@dataclass(frozen=True)
class Film:
    """A clip to be drawn; people come largest first."""

    size: tuple[int, int]  # width, height
    count: int  # frames
    people: tuple[Person, ...]
    grain: float
    light: tuple[float, float]  # at the left and at the right edge
    seed: int

    def pictures(self) -> Iterator[Picture]:
        """Draw the frames one by one, (height, width, 3) RGB."""
        draw = np.random.default_rng(self.seed)
        width, height = self.size
        behind = None if not self.people and draw.random() < 0.4 else _room(draw, width, height)
        light = np.linspace(*self.light, width, dtype=np.float32)[None, :, None]
        for index in range(self.count):
            if behind is None:
                canvas = Canvas(landscape(index / FRAME_RATE).pixels[:height, :width])
            else:
                canvas = Canvas(behind.copy())
            for person in reversed(self.people):
                draw_face(canvas, person.look, person.course.at(index), person.centre, person.unit_px)
            canvas.pixels *= light
            yield canvas.finish(self.grain * draw.standard_normal((height, width), dtype=np.float32))


def draw_film(
    draw: np.random.Generator, size: tuple[int, int], seconds: float, people: int, mouth: str, voice: Voice | None
) -> Film:
    """A film with 0, 1 or 2 people; ``mouth`` is "speaking" (needs ``voice``), "free" or "still", of all of them."""
    count = round(seconds * FRAME_RATE)
    times = np.arange(count) / FRAME_RATE
    dim = draw.uniform(0.55, 1.10)
    return Film(
        size=size,
        count=count,
        people=tuple(
            Person(draw_look(draw), centre, unit, draw_course(draw, times, mouth, voice))
            for centre, unit in _places(draw, size, people)
        ),
        grain=float(draw.uniform(0.5, 6.0)),
        light=(dim * draw.uniform(0.8, 1.1), dim * draw.uniform(0.8, 1.1)),
        seed=int(draw.integers(2**32)),
    )


def draw_look(draw: np.random.Generator) -> Look:
    skin = mix(LIGHT_SKIN, DARK_SKIN, float(draw.uniform(0.0, 1.0)))
    return Look(
        skin=skin,
        hair=HAIRS[draw.integers(len(HAIRS))],
        iris=mix((60.0, 40.0, 25.0), (90.0, 130.0, 160.0), float(draw.uniform())),
        lips=mix(skin, (185.0, 60.0, 70.0), float(draw.uniform(0.35, 0.75))),
        clothes=_colour(draw, 40.0, 220.0),
        long_hair=bool(draw.random() < 0.5),
        jaw=float(draw.uniform(0.72, 0.88)),
        brow_weight=float(draw.uniform(0.8, 1.3)),
    )


def _places(draw: np.random.Generator, size: tuple[int, int], people: int) -> list[tuple[tuple[float, float], float]]:
    """Centre and unit of each face, largest first; hair and chin stay in the picture, faces apart."""
    width, height = size
    smallest, largest = (length * height / 480.0 / FACE_UNITS for length in FACE_PX)
    if people == 2:
        largest = min(largest, width / 5.6)
    units = sorted(np.exp(draw.uniform(np.log(smallest), np.log(largest), people)), reverse=True)
    left_first = draw.random() < 0.5
    found = []
    for number, unit in enumerate(units):
        middle = 0.5 if people == 1 else 0.26 if (number == 0) == left_first else 0.74
        room = max(width * (0.5 if people == 1 else 0.25) - 1.35 * unit, 0.0)
        x = width * middle + draw.uniform(-0.6, 0.6) * room
        y = draw.uniform(1.4 * unit, max(height - 1.3 * unit, 1.41 * unit))
        found.append(((float(x), float(y)), float(unit)))
    return found


def _room(draw: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """A wall with up to eight things on it, none of them meant to be a face."""
    canvas = Canvas(wall(_colour(draw, 60.0, 230.0), _colour(draw, 60.0, 230.0))[:height, :width].copy())
    for _ in range(int(draw.integers(0, 9))):
        centre = float(draw.uniform(0, width)), float(draw.uniform(0, height))
        wide, tall = (float(value) for value in draw.uniform(0.02, 0.18, 2) * height)
        if draw.random() < 0.5:
            outline = ellipse(centre, wide, tall)
        else:
            corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)])
            outline = corners + np.array(centre)
        canvas.paint(outline, _colour(draw, 20.0, 240.0), 0.9, blur_px=float(draw.uniform(0.0, 3.0)))
    return canvas.pixels


def _colour(draw: np.random.Generator, low: float, high: float) -> Colour:
    red, green, blue = draw.uniform(low, high, 3).tolist()
    return red, green, blue
