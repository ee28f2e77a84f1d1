"""What stands behind the faces, and one landscape with nobody in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from examples.canvas import Canvas, Colour, ellipse, mix, smooth

WIDTH, HEIGHT = 640, 480


def wall(top: Colour, bottom: Colour, size: tuple[int, int] = (WIDTH, HEIGHT)) -> npt.NDArray[np.float32]:
    """A wall lit from the upper left, (height, width, 3) float32 RGB."""
    down = np.linspace(0.0, 1.0, size[1])[:, None, None]
    along = np.linspace(0.0, 1.0, size[0])[None, :, None]
    shade = np.asarray(top) * (1.0 - down) + np.asarray(bottom) * down
    return (shade * (1.06 - 0.16 * along)).astype(np.float32)


def landscape(time_s: float) -> Canvas:
    """Hills, a river and trees under clouds that drift; a view that no face detector should stop at."""
    canvas = Canvas(wall((120.0, 170.0, 225.0), (225.0, 232.0, 235.0)))
    for u, v, size in ((90.0, 80.0, 1.0), (330.0, 55.0, 1.3), (560.0, 110.0, 0.8)):
        at = u + 14.0 * time_s * size
        for shift, lift, half in ((-34.0, 6.0, 34.0), (0.0, -6.0, 44.0), (38.0, 6.0, 30.0)):
            canvas.paint(
                ellipse((at + shift * size, v + lift * size), half * size, 17.0 * size),
                (250.0, 250.0, 250.0),
                0.75,
                blur_px=6.0,
            )
    for peak, base, colour in (
        (235.0, 330.0, (135.0, 160.0, 170.0)),
        (285.0, 360.0, (105.0, 145.0, 110.0)),
        (340.0, 420.0, (85.0, 130.0, 75.0)),
    ):
        along = np.linspace(-20.0, WIDTH + 20.0, 60)
        ridge = peak + 28.0 * np.sin(along / 95.0 + peak) + 12.0 * np.sin(along / 37.0 + 2.0 * peak)
        foot = np.array([(WIDTH + 20.0, base + 200.0), (-20.0, base + 200.0)])
        hill = np.concatenate([np.stack([along, ridge], axis=1), foot])
        canvas.paint(hill, colour, blur_px=1.5)
    river = np.array(
        [
            (210.0, 500.0),
            (300.0, 430.0),
            (360.0, 392.0),
            (385.0, 372.0),
            (400.0, 372.0),
            (395.0, 400.0),
            (370.0, 440.0),
            (390.0, 500.0),
        ]
    )
    canvas.paint(smooth(river), (120.0, 165.0, 200.0), blur_px=2.0)
    for x, y, tall in ((60.0, 430.0, 95.0), (130.0, 455.0, 70.0), (520.0, 450.0, 110.0), (600, 440.0, 80.0)):
        _draw_fir(canvas, x + 1.5 * np.sin(1.3 * time_s + x), y, tall)
    return canvas


def _draw_fir(canvas: Canvas, x: float, y: float, tall: float) -> None:
    leaves: Colour = (48.0, 92.0, 58.0)
    trunk = np.array([(x - 4, y - 8), (x + 4, y - 8), (x + 4, y + 12), (x - 4, y + 12)])
    canvas.paint(trunk, (90.0, 64.0, 42.0))
    for tier in range(3):
        low, half = y - tier * 0.27 * tall, (0.30 - 0.07 * tier) * tall
        outline = np.array([(x - half, low), (x + half, low), (x, low - 0.5 * tall)])
        canvas.paint(outline, mix(leaves, (20.0, 40.0, 30.0), 0.15 * (2 - tier)), blur_px=1.0)
