"""Drawn faces and synthetic voices with known properties."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.canvas import Canvas
from examples.faces import Expression, Look, draw_face
from mercap.measures.faces import Box
from mercap.measures.frame import Frame
from mercap.records import Diarization, Span

SAMPLE_RATE = 16_000
FRAME_RATE = 12.5
HEIGHT, WIDTH = 300, 400
LOOKS = (
    Look((224, 172, 140), (70, 45, 30), (80, 110, 60), (190, 95, 95), (60, 80, 130), long_hair=False),
    Look((120, 78, 55), (25, 18, 15), (60, 40, 25), (130, 60, 60), (150, 120, 60), long_hair=True),
    Look((245, 205, 180), (200, 160, 90), (80, 120, 170), (205, 110, 110), (120, 60, 60), long_hair=True, jaw=0.72),
)
Portrait = Callable[..., NDArray[np.uint8]]
Film = Callable[..., list[Frame]]
Spoken = Callable[..., Diarization]


def _portrait(
    expression: Expression,
    look: int = 0,
    centres: Sequence[tuple[float, float]] = ((200.0, 115.0),),
    unit: float = 75.0,
    grain: float = 2.0,
    seed: int = 0,
) -> NDArray[np.uint8]:
    pixels = np.full((HEIGHT, WIDTH, 3), (150.0, 165.0, 170.0), dtype=np.float32)
    pixels += np.linspace(-25.0, 25.0, WIDTH, dtype=np.float32)[None, :, None]
    canvas = Canvas(pixels)
    for centre in centres:
        draw_face(canvas, LOOKS[look], expression, centre, unit)
    noise = grain * np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH))
    return np.ascontiguousarray(canvas.finish(noise.astype(np.float32))[:, :, ::-1])


@pytest.fixture(scope="session")
def portrait() -> Portrait:
    """Draws one picture; ``look`` is 0, 1 or 2, ``centres`` the pixels between the eyes of each face."""
    return _portrait


@pytest.fixture(scope="session")
def film() -> Film:
    """Draws one frame per expression, 12.5 per second, the head swaying by ``sway`` face units."""

    def shoot(expressions: Sequence[Expression], look: int = 0, sway: float = 0.04, grain: float = 2.0) -> list[Frame]:
        frames = []
        for index, expression in enumerate(expressions):
            time = index / FRAME_RATE
            centre = (200.0 + 75.0 * sway * np.sin(3.0 * time), 115.0 + 75.0 * sway * np.cos(4.0 * time))
            frames.append(Frame(time, _portrait(expression, look, [centre], grain=grain, seed=index)))
        return frames

    return shoot


@pytest.fixture(scope="session")
def face_box() -> Box:
    """Where the detector puts the one face of a portrait with the usual centre and unit."""
    return Box(200.0, 115.0 + 0.187 * 75.0, 1.82 * 75.0)


@pytest.fixture(scope="session")
def spoken() -> Spoken:
    def diarize(duration_s: float, *spans: tuple[float, float]) -> Diarization:
        total = sum(end - start for start, end in spans)
        return Diarization(
            speech=tuple(Span(start_s=start, end_s=end) for start, end in spans),
            turns=(),
            duration_s=duration_s,
            speech_s=total,
            speech_ratio=min(1.0, total / duration_s),
        )

    return diarize
