from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from examples.faces import Expression
from mercap.measures.brows import Brows, read_brows, smoothest_paths
from mercap.measures.faces import Box
from mercap.measures.norms import BROWS
from mercap.measures.patch import cut

Portrait = Callable[..., np.ndarray]


def brows_of(picture: np.ndarray, box: Box) -> Brows:
    brows = read_brows(cut(picture, box))
    assert brows is not None
    return brows


@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("eye_open", [0.0, 1.0, 1.3])
def test_slant_follows_the_inner_ends(portrait: Portrait, face_box: Box, look: int, eye_open: float) -> None:
    read = [
        brows_of(portrait(Expression(brow_slant=slant, eye_open=eye_open), look), face_box).slant
        for slant in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert read == sorted(read)
    assert read[0] < -0.03
    assert BROWS.slant.low < read[2] < BROWS.slant.high < read[-1]


@pytest.mark.parametrize("look", [0, 1, 2])
def test_height_follows_the_raised_brows(portrait: Portrait, face_box: Box, look: int) -> None:
    low, resting, high = (
        brows_of(portrait(Expression(brow_raise=value), look), face_box).height for value in (-1.0, 0.0, 1.0)
    )
    assert low < BROWS.height.low < resting < BROWS.height.high < high


@pytest.mark.parametrize("look", [0, 1, 2])
def test_angry_brows_are_drawn_down_and_sad_ones_are_not(portrait: Portrait, face_box: Box, look: int) -> None:
    angry = brows_of(portrait(Expression(brow_slant=-1.0, brow_raise=-0.35), look), face_box)
    sad = brows_of(portrait(Expression(brow_slant=1.0), look), face_box)
    resting = brows_of(portrait(Expression(), look), face_box)
    assert BROWS.drawn_down(angry.slant, angry.height)
    assert not BROWS.drawn_down(sad.slant, sad.height)
    assert not BROWS.drawn_down(resting.slant, resting.height)


def test_plain_skin_has_no_brows(face_box: Box) -> None:
    assert read_brows(cut(np.full((300, 400, 3), (140, 170, 220), dtype=np.uint8), face_box)) is None


def test_the_path_follows_a_ridge_and_ignores_a_speck() -> None:
    band = np.zeros((1, 20, 12), dtype=np.float32)
    ridge = 5 + np.arange(12) // 2
    band[0, ridge, np.arange(12)] = 10.0
    band[0, 18, 6] = 12.0
    assert smoothest_paths(band)[0].tolist() == ridge.tolist()
