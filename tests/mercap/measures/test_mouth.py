from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examples.faces import Expression
from mercap.measures.expression import frowns, smiles
from mercap.measures.faces import Box
from mercap.measures.mouth import Mouth, read_mouth
from mercap.measures.norms import MOUTH
from mercap.measures.patch import cut

Portrait = Callable[..., np.ndarray]


def mouth_of(picture: np.ndarray, box: Box) -> Mouth:
    mouth = read_mouth(cut(picture, box))
    assert mouth is not None
    return mouth


@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("mouth_open", [0.0, 0.3, 0.6])
def test_curvature_rises_with_the_smile(portrait: Portrait, face_box: Box, look: int, mouth_open: float) -> None:
    read = [
        mouth_of(portrait(Expression(smile=smile, mouth_open=mouth_open), look), face_box).curvature
        for smile in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert read == sorted(read)
    assert np.diff(read).min() > 0.03
    assert read[0] < -0.1
    assert read[-1] > 0.1


@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("rounded", [0.0, 0.7])
@pytest.mark.parametrize("mouth_open", [0.0, 0.3, 0.6, 1.0])
def test_an_open_mouth_is_neither_smile_nor_frown(
    portrait: Portrait, face_box: Box, look: int, rounded: float, mouth_open: float
) -> None:
    mouth = mouth_of(portrait(Expression(mouth_open=mouth_open, mouth_round=rounded), look), face_box)
    assert not smiles(mouth)
    assert not frowns(mouth)


@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("smile", [-0.8, 0.0, 0.8])
def test_opening_rises_with_the_open_mouth(portrait: Portrait, face_box: Box, look: int, smile: float) -> None:
    closed, half, wide = (
        mouth_of(portrait(Expression(smile=smile, mouth_open=value), look), face_box).opening for value in (0, 0.6, 1)
    )
    assert closed < MOUTH.open < half < wide


@pytest.mark.parametrize("shift", [(-0.06, 0.0), (0.06, 0.0), (0.0, -0.05), (0.0, 0.05)])
def test_a_misplaced_box_does_not_turn_a_smile_around(
    portrait: Portrait, face_box: Box, shift: tuple[float, float]
) -> None:
    moved = Box(face_box.x + shift[0] * face_box.side, face_box.y + shift[1] * face_box.side, face_box.side)
    assert smiles(mouth_of(portrait(Expression(smile=0.8)), moved))
    assert frowns(mouth_of(portrait(Expression(smile=-0.8)), moved))


@pytest.mark.parametrize("tilt", [-10.0, 10.0])
def test_a_tilted_head_is_no_smile_and_no_frown(portrait: Portrait, face_box: Box, tilt: float) -> None:
    turned = Box(face_box.x + 75.0 * 1.0 * np.sin(np.deg2rad(tilt)), face_box.y, face_box.side)
    mouth = mouth_of(portrait(Expression(tilt_deg=tilt)), turned)
    assert abs(mouth.curvature) < 0.07


@pytest.mark.parametrize("grain", [0.0, 8.0])
def test_grain_changes_little(portrait: Portrait, face_box: Box, grain: float) -> None:
    mouth = mouth_of(portrait(Expression(smile=0.8), grain=grain), face_box)
    assert mouth.curvature == pytest.approx(0.15, abs=0.04)


def test_a_grey_picture_reads_the_same_way(portrait: Portrait, face_box: Box) -> None:
    picture = portrait(Expression(smile=0.8, mouth_open=0.4))
    grey = np.repeat(np.round(picture.mean(axis=2, keepdims=True)).astype(np.uint8), 3, axis=2)
    assert smiles(mouth_of(grey, face_box))


def test_plain_skin_has_no_mouth(face_box: Box) -> None:
    assert read_mouth(cut(np.full((300, 400, 3), (140, 170, 220), dtype=np.uint8), face_box)) is None


@pytest.mark.parametrize("look", [0, 1, 2])
def test_lips_that_part_a_little_spread_before_the_gap_is_dark(portrait: Portrait, face_box: Box, look: int) -> None:
    closed, little, more = (
        mouth_of(portrait(Expression(mouth_open=value), look), face_box).spread for value in (0.0, 0.2, 0.4)
    )
    assert closed < little < more
