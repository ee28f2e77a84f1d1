"""A picture one paints polygons on: anti-aliased, with soft edges, transparency and clipping.

Costs a few tenths of a millisecond per shape, because only the shape's bounding box is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (n, 2) x, y in pixels, or u, v in a shape's own units
Colour = tuple[float, float, float]  # red, green, blue; 0 to 255
_SUBPIXEL_BITS = 4  # cv2 takes polygon corners in sixteenths of a pixel


def ellipse(centre: tuple[float, float], half_width: float, half_height: float) -> Points:
    """Outline of an ellipse as 48 points."""
    angle = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    return np.stack([centre[0] + half_width * np.cos(angle), centre[1] + half_height * np.sin(angle)], axis=1)


def smooth(corners: Points) -> Points:
    """A closed polygon with its corners cut three times, which leaves a soft outline."""
    for _ in range(3):
        following = np.roll(corners, -1, axis=0)
        cut = np.stack([0.75 * corners + 0.25 * following, 0.25 * corners + 0.75 * following], axis=1)
        corners = cut.reshape(-1, 2)
    return corners


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """``colour`` with ``share`` (0 to 1) of ``other`` stirred in."""
    red, green, blue = ((1.0 - share) * a + share * b for a, b in zip(colour, other, strict=True))
    return red, green, blue


class Canvas:
    """``pixels`` is (height, width, 3) float32 RGB, 0 to 255."""

    def __init__(self, pixels: npt.NDArray[np.float32]) -> None:
        self.pixels = pixels

    def paint(
        self,
        outline: Points,
        colour: Colour,
        opacity: float = 1.0,
        *,
        blur_px: float = 0.0,
        inside: Points | None = None,
    ) -> None:
        """Fill a polygon; ``blur_px`` softens its edge, ``inside`` cuts it off at another polygon."""
        margin = int(np.ceil(3.0 * blur_px)) + 2
        height, width = self.pixels.shape[:2]
        x0, y0 = np.maximum(np.floor(outline.min(axis=0)).astype(int) - margin, 0)
        x1, y1 = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + margin, (width, height))
        if x0 >= x1 or y0 >= y1:
            return
        size, corner = (int(y1 - y0), int(x1 - x0)), (float(x0), float(y0))
        cover = _cover(outline, corner, size)
        if blur_px > 0:
            cover = cv2.GaussianBlur(cover, (0, 0), blur_px)
        if inside is not None:
            cover = cover * _cover(inside, corner, size)
        cover = (cover * np.float32(opacity))[:, :, None]
        patch = self.pixels[y0:y1, x0:x1]
        patch += cover * (np.asarray(colour, np.float32) - patch)

    def finish(self, grain: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """The picture with ``grain`` (height, width) added, as (height, width, 3) uint8 RGB."""
        rounded: npt.NDArray[np.uint8] = np.clip(np.rint(self.pixels + grain[:, :, None]), 0, 255).astype(np.uint8)
        return rounded


@dataclass(frozen=True)
class Brush:
    """Paints in the units of a shape that is moved, turned about ``pivot`` and enlarged on the canvas."""

    canvas: Canvas
    centre: tuple[float, float]  # pixel of the shape's (0, 0)
    unit_px: float
    offset: tuple[float, float] = (0.0, 0.0)  # in units
    tilt_deg: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)  # in units

    def __call__(
        self,
        outline: Points,
        colour: Colour,
        opacity: float = 1.0,
        *,
        soft: float = 0.0,
        blur_px: float = 0.0,
        inside: Points | None = None,
    ) -> None:
        """Like `Canvas.paint`; ``soft`` is a blur in units, for shadows that grow with the shape."""
        cut = None if inside is None else self._placed(inside)
        self.canvas.paint(self._placed(outline), colour, opacity, blur_px=blur_px + soft * self.unit_px, inside=cut)

    def _placed(self, outline: Points) -> Points:
        angle, pivot = np.deg2rad(self.tilt_deg), np.array(self.pivot)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        placed: Points = ((outline - pivot) @ turn + pivot + self.offset) * self.unit_px + np.array(self.centre)
        return placed


def _cover(outline: Points, corner: tuple[float, float], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """How much of each pixel the polygon covers, 0 to 1; ``size`` is (rows, columns)."""
    mask = np.zeros(size, np.uint8)
    fixed = np.rint((outline - np.asarray(corner)) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return mask.astype(np.float32) / np.float32(255.0)
