"""A face as numbers: what it looks like, and what it expresses."""

from __future__ import annotations

from dataclasses import dataclass

from examples.canvas import Colour


@dataclass(frozen=True)
class Look:
    """What does not change during a clip."""

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    long_hair: bool
    jaw: float = 0.80  # width of the jaw / width of the cheeks
    brow_weight: float = 1.0


@dataclass(frozen=True)
class Expression:
    """What changes from frame to frame. The defaults are a relaxed face that looks at the viewer."""

    smile: float = 0.0  # -1 corners lowered .. +1 corners raised
    mouth_open: float = 0.0  # 0 closed .. 1 wide open
    mouth_round: float = 0.0  # 0 as wide as it is .. 1 an "oh"
    brow_slant: float = 0.0  # -1 inner ends low (angry) .. +1 inner ends high (sad)
    brow_raise: float = 0.0  # -1 .. +1
    eye_open: float = 1.0  # 0 shut .. 1 relaxed .. 1.4 staring
    gaze: float = 0.0  # -1 .. +1, sideways
    offset: tuple[float, float] = (0.0, 0.0)  # of the head, in face units
    tilt_deg: float = 0.0  # positive = clockwise as seen
