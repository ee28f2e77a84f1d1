"""Eyes, brows, nose and mouth of a drawn face, in face units (see `examples.faces`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examples.canvas import Brush, Colour, Points, ellipse, mix
from examples.expressions import Expression, Look

BLACK: Colour = (15.0, 10.0, 10.0)
WHITE: Colour = (250.0, 248.0, 244.0)
SIDES = (-1.0, 1.0)
MOUTH_V = 0.60  # where the lips meet in a relaxed face
_ALONG = np.linspace(-1.0, 1.0, 33)  # an eyelid or a lip, corner to corner
_ARCH = 1.0 - _ALONG**2


def mirrored(points: list[tuple[float, float]], side: float) -> Points:
    """Points given for the viewer's right, for either side."""
    placed: Points = np.array(points) * np.array([side, 1.0])
    return placed


def draw_eye(head: Brush, look: Look, face: Expression, side: float) -> None:
    u = side * 0.33
    opening = 0.095 * face.eye_open
    upper = _curve(u + 0.165 * _ALONG, 0.01 - opening * _ARCH)
    cheek = 1.0 - 0.35 * max(face.smile, 0.0)  # a smile pushes the lower lid up
    lower = _curve(u + 0.165 * _ALONG, 0.01 + 0.75 * opening * cheek * _ARCH)
    if face.eye_open > 0.15:
        almond = _between(upper, lower)
        iris = (u + 0.035 * face.gaze, 0.0)
        head(almond, WHITE)
        head(ellipse(iris, 0.085, 0.085), mix(look.iris, BLACK, 0.55), inside=almond)
        head(ellipse(iris, 0.070, 0.070), look.iris, inside=almond)
        head(ellipse(iris, 0.038, 0.038), BLACK, inside=almond)
        head(ellipse((iris[0] - 0.03, -0.03), 0.018, 0.018), WHITE, inside=almond)
    head(_between(_lowered(upper, -0.012), _lowered(upper, 0.022)), mix(look.hair, BLACK, 0.85), blur_px=0.5)
    head(_between(lower, _lowered(lower, 0.014)), mix(look.skin, BLACK, 0.55), 0.8, blur_px=0.6)
    head(ellipse((u, 0.15), 0.13, 0.012), mix(look.skin, BLACK, 0.6), 0.25, soft=0.012)


def draw_brow(head: Brush, look: Look, face: Expression, side: float) -> None:
    level = -0.225 - 0.085 * face.brow_raise
    inner, outer = level - 0.095 * face.brow_slant, level + 0.055 * face.brow_slant + 0.02
    pinch = 0.03 * max(-face.brow_slant, 0.0)  # angry brows also draw together
    share = np.linspace(0.0, 1.0, 17)
    bend = 0.045 * np.sin(np.pi * share) * (1.0 - 0.5 * abs(face.brow_slant))
    line = _curve(side * (0.145 - pinch + share * 0.40), inner + (outer - inner) * share - bend)
    half = look.brow_weight * (0.034 - 0.022 * share)
    head(_between(_lowered(line, -half), _lowered(line, half)), mix(look.hair, BLACK, 0.6), blur_px=0.7)
    if face.brow_slant < -0.4:
        crease = mirrored([(0.055, -0.22), (0.075, -0.22), (0.065, -0.06), (0.05, -0.06)], side)
        head(crease, mix(look.skin, BLACK, 0.6), -0.6 * face.brow_slant, soft=0.01)


def draw_nose(head: Brush, look: Look) -> None:
    dark, light = mix(look.skin, BLACK, 0.7), mix(look.skin, WHITE, 0.6)
    head(ellipse((0.0, 0.08), 0.055, 0.28), light, 0.55, soft=0.035)
    head(np.array([(0.07, -0.05), (0.16, 0.34), (0.08, 0.36)]), dark, 0.40, soft=0.03)
    head(np.array([(-0.07, -0.02), (-0.13, 0.34), (-0.08, 0.34)]), dark, 0.22, soft=0.03)
    head(ellipse((0.0, 0.385), 0.13, 0.035), dark, 0.45, soft=0.02)
    head(ellipse((0.0, 0.30), 0.06, 0.05), light, 0.5, soft=0.025)
    for side in SIDES:
        head(ellipse((side * 0.065, 0.385), 0.032, 0.018), mix(look.skin, BLACK, 0.85), 0.85, blur_px=0.8)


def mouth_curves(face: Expression) -> tuple[Points, Points]:
    """Lower edge of the upper lip and upper edge of the lower lip, corner to corner, in face units."""
    half_width = (0.29 + 0.06 * face.smile) * (1.0 - 0.42 * face.mouth_round)
    corner, middle = MOUTH_V - 0.105 * face.smile, MOUTH_V + 0.035 * face.smile
    line = middle + (corner - middle) * _ALONG**2
    gap = 0.30 * face.mouth_open * np.sqrt(np.maximum(_ARCH, 0.0))
    return _curve(half_width * _ALONG, line - 0.22 * gap), _curve(half_width * _ALONG, line + 0.78 * gap)


def draw_mouth(head: Brush, look: Look, face: Expression) -> None:
    upper, lower = mouth_curves(face)
    dark = mix(look.skin, BLACK, 0.65)
    under = float(lower[len(lower) // 2, 1])  # where the lower lip begins, in the middle
    head(ellipse((0.0, under + 0.135), 0.17, 0.02), dark, 0.4, soft=0.025)
    if face.mouth_open > 0.03:
        _draw_inside(head, face, upper, lower)
    dip = 0.022 * np.exp(-((_ALONG / 0.13) ** 2))  # of the upper lip, below the nose
    head(_between(_lowered(upper, -(0.070 * _ARCH**0.7 - dip)), upper), mix(look.lips, BLACK, 0.18), blur_px=0.6)
    head(_between(lower, _lowered(lower, 0.088 * _ARCH**0.8)), look.lips, blur_px=0.6)
    head(ellipse((-0.04, under + 0.045), 0.09, 0.016), WHITE, 0.35, soft=0.015)
    edge = 0.011 + 0.006 * _ARCH
    head(_between(_lowered(upper, -edge), _lowered(upper, edge)), (70.0, 22.0, 26.0), 0.9, blur_px=0.6)
    for side, (u, v) in zip(SIDES, (upper[0], upper[-1]), strict=True):
        head(ellipse((float(u), float(v)), 0.026, 0.018), dark, 0.75, blur_px=1.0)
        if face.smile > 0.3:  # the fold from nose to corner
            fold = mirrored([(0.17, 0.36), (0.20, 0.36), (0.40, 0.50), (0.43, 0.62), (0.37, 0.50)], side)
            head(fold, dark, 0.45 * face.smile, soft=0.018)


def _draw_inside(head: Brush, face: Expression, upper: Points, lower: Points) -> None:
    hole = _between(upper, lower)
    head(hole, (62.0, 14.0, 20.0))
    if face.mouth_round <= 0.5:
        head(_between(upper, _lowered(upper, 0.075 * _ARCH)), WHITE, 0.95, inside=hole)
    tongue = ellipse((0.0, float(lower[len(lower) // 2, 1]) + 0.02), 0.13, 0.07 * face.mouth_open + 0.02)
    head(tongue, (185.0, 75.0, 80.0), 0.8, blur_px=1.5, inside=hole)


def _curve(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> Points:
    return np.stack([u, v], axis=1)


def _lowered(curve: Points, by: npt.NDArray[np.float64] | float) -> Points:
    return _curve(curve[:, 0], curve[:, 1] + by)


def _between(above: Points, below: Points) -> Points:
    """The area between two curves that run the same way."""
    return np.concatenate([above, below[::-1]])
