"""Draws a friendly cartoon face, nobody's in particular.

It is drawn in its own units: (0, 0) between the eyes, u to the viewer's right, v downwards, chin at v = 1. About
40 ms for a frame of 640x480. Light falls from the upper left; eye sockets, the nose's shadow and lips are what a
Haar cascade looks for, so they have more contrast than a flat cartoon needs.
"""

from __future__ import annotations

import numpy as np

from examples.canvas import Brush, Canvas, Points, ellipse, mix, smooth
from examples.expressions import Expression, Look
from examples.features import BLACK, SIDES, WHITE, draw_brow, draw_eye, draw_mouth, draw_nose, mirrored

NECK = (0.0, 1.2)  # a head tilts about the neck, not about the nose


def draw_face(canvas: Canvas, look: Look, face: Expression, centre: tuple[float, float], unit_px: float) -> None:
    """Paint shoulders, head and hair.

    ``centre`` is the pixel between the eyes, ``unit_px`` the distance from there to the chin.
    """
    head = Brush(canvas, centre, unit_px, face.offset, face.tilt_deg, NECK)
    body = Brush(canvas, centre, unit_px, (0.4 * face.offset[0], 0.2 * face.offset[1]))
    _draw_hair_behind(head, look)
    _draw_shoulders(body, look)
    _draw_skin(head, look, head_outline(look, face))
    for side in SIDES:
        draw_eye(head, look, face, side)
        draw_brow(head, look, face, side)
    draw_nose(head, look)
    draw_mouth(head, look, face)
    _draw_fringe(head, look)


def head_outline(look: Look, face: Expression) -> Points:
    """The head without hair, in face units; an open mouth lowers the chin."""
    angle = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    across, down = np.cos(angle), np.sin(angle)
    half_width = 0.76 * (1.0 - (1.0 - look.jaw) * np.clip(down, 0.0, 1.0) ** 2.2)
    height = np.where(down > 0, 1.0 + 0.10 * face.mouth_open, 0.98)
    return np.stack([half_width * np.sign(across) * np.abs(across) ** 0.88, height * down], axis=1)


def _draw_hair_behind(head: Brush, look: Look) -> None:
    if look.long_hair:
        head(
            smooth(
                np.array(
                    [
                        (-0.92, 1.30),
                        (-1.00, 0.6),
                        (-0.97, -0.2),
                        (-0.90, -0.80),
                        (-0.55, -1.20),
                        (0.0, -1.27),
                        (0.55, -1.20),
                        (0.90, -0.80),
                        (0.97, -0.2),
                        (1.00, 0.6),
                        (0.92, 1.30),
                        (0.45, 1.38),
                        (-0.45, 1.38),
                    ]
                )
            ),
            mix(look.hair, BLACK, 0.25),
            blur_px=1.2,
        )
    else:
        head(ellipse((0.0, -0.36), 0.83, 0.80), mix(look.hair, BLACK, 0.15), blur_px=1.0)


def _draw_shoulders(body: Brush, look: Look) -> None:
    neck = np.array([(-0.34, 0.6), (0.34, 0.6), (0.38, 1.75), (-0.38, 1.75)])
    clothes = smooth(
        np.array(
            [
                (-1.85, 3.6),
                (-1.72, 1.66),
                (-1.2, 1.50),
                (-0.42, 1.26),
                (-0.22, 1.50),
                (0.0, 1.56),
                (0.22, 1.50),
                (0.42, 1.26),
                (1.2, 1.50),
                (1.72, 1.66),
                (1.85, 3.6),
            ]
        )
    )
    body(neck, mix(look.skin, BLACK, 0.28), blur_px=1.0)
    body(clothes, look.clothes, blur_px=1.0)
    body(ellipse((0.9, 2.3), 0.7, 0.8), BLACK, 0.2, soft=0.2, inside=clothes)
    body(ellipse((0.0, 1.02), 0.34, 0.14), BLACK, 0.25, soft=0.06)


def _draw_skin(head: Brush, look: Look, outline: Points) -> None:
    dark, light = mix(look.skin, BLACK, 0.75), mix(look.skin, WHITE, 0.5)
    for side in SIDES:
        head(ellipse((side * 0.76, 0.14), 0.09, 0.19), mix(look.skin, BLACK, 0.15), blur_px=0.8)  # ears
    head(outline, look.skin)
    head(ellipse((0.72, 0.25), 0.22, 0.9), dark, 0.40, soft=0.14, inside=outline)
    head(ellipse((-0.76, 0.25), 0.12, 0.9), dark, 0.28, soft=0.10, inside=outline)
    head(ellipse((0.0, 1.02), 0.5, 0.10), dark, 0.30, soft=0.08, inside=outline)
    head(ellipse((-0.08, -0.52), 0.42, 0.20), light, 0.45, soft=0.14, inside=outline)
    for side in SIDES:
        head(ellipse((side * 0.40, 0.34), 0.19, 0.13), light, 0.45, soft=0.09)  # cheeks
        head(ellipse((side * 0.46, 0.42), 0.15, 0.11), (225.0, 90.0, 85.0), 0.20, soft=0.08)
        head(ellipse((side * 0.33, -0.03), 0.23, 0.14), dark, 0.34, soft=0.06)  # sockets


def _draw_fringe(head: Brush, look: Look) -> None:
    if look.long_hair:
        lock = [
            (-0.06, -1.24),
            (0.45, -1.12),
            (0.80, -0.75),
            (0.92, -0.15),
            (0.90, 0.55),
            (0.80, 0.70),
            (0.76, 0.1),
            (0.66, -0.28),
            (0.42, -0.62),
            (-0.06, -0.84),
        ]
        for side in SIDES:
            head(smooth(mirrored(lock, side)), look.hair, blur_px=1.2)
    else:
        head(
            smooth(
                np.array(
                    [
                        (-0.80, 0.05),
                        (-0.89, -0.45),
                        (-0.72, -1.02),
                        (-0.20, -1.28),
                        (0.35, -1.26),
                        (0.78, -0.98),
                        (0.90, -0.4),
                        (0.80, 0.05),
                        (0.72, -0.38),
                        (0.54, -0.62),
                        (0.1, -0.66),
                        (-0.3, -0.56),
                        (-0.60, -0.62),
                        (-0.72, -0.34),
                    ]
                )
            ),
            look.hair,
            blur_px=1.2,
        )
    head(ellipse((-0.30, -0.98), 0.28, 0.06), mix(look.hair, WHITE, 0.5), 0.35, soft=0.06)
