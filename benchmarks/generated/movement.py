"""How a drawn head moves: sway, nod, tilt, smile, brows, blinks, and a mouth that speaks, moves freely or is still.

Everything is drawn anew; what comes out is the truth the measures are held against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.generated.voices import HOP_S, Voice
from examples.expressions import Expression

Series = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """What one head does, (frames,) each: offsets in face units, tilt in degrees, the rest as in `Expression`."""

    across: Series
    down: Series
    tilt_deg: Series
    smile: Series
    mouth_open: Series
    mouth_round: Series
    brow_raise: Series
    brow_slant: float
    eye_open: Series
    gaze: Series

    def at(self, index: int) -> Expression:
        return Expression(
            smile=float(self.smile[index]),
            mouth_open=float(self.mouth_open[index]),
            mouth_round=float(self.mouth_round[index]),
            brow_slant=self.brow_slant,
            brow_raise=float(self.brow_raise[index]),
            eye_open=float(self.eye_open[index]),
            gaze=float(self.gaze[index]),
            offset=(float(self.across[index]), float(self.down[index])),
            tilt_deg=float(self.tilt_deg[index]),
        )


def draw_course(draw: np.random.Generator, times: Series, mouth: str, voice: Voice | None) -> Course:
    sway, nod = np.exp(draw.uniform(np.log(0.01), np.log((0.30, 0.16))))
    opened, rounded = _mouth(draw, times, mouth, voice)
    blink = np.minimum(np.abs((times + draw.uniform(0.0, 2.3)) % 2.3 - 1.2) / 0.12, 1.0)
    return Course(
        across=_swing(draw, times, sway, (0.2, 0.9)),
        down=_swing(draw, times, nod, (0.3, 1.2)),
        tilt_deg=draw.uniform(-6.0, 6.0) + _swing(draw, times, draw.uniform(0.0, 5.0), (0.15, 0.6)),
        smile=_smile(draw, times),
        mouth_open=opened,
        mouth_round=rounded,
        brow_raise=draw.uniform(-0.5, 0.8) + _swing(draw, times, 0.2, (0.3, 1.0)),
        brow_slant=float(draw.uniform(-0.8, 0.8)),
        eye_open=draw.uniform(0.8, 1.2) * blink,
        gaze=_swing(draw, times, 0.5, (0.1, 0.4)),
    )


def _swing(draw: np.random.Generator, times: Series, reach: float, hz: tuple[float, float]) -> Series:
    """Two sines of drawn pace: no head moves as regularly as one."""
    slow, fast = draw.uniform(*hz, 2)
    one = np.sin(2.0 * np.pi * (slow * times + draw.uniform()))
    other = np.sin(2.0 * np.pi * (fast * times + draw.uniform()))
    return np.asarray(reach * (0.65 * one + 0.35 * other))


def _smile(draw: np.random.Generator, times: Series) -> Series:
    """Half smile clearly, the others a little, not at all, or they frown; in long clips a third begin at rest."""
    low, high = (0.4, 1.0) if draw.random() < 0.5 else ((0.15, 0.4), (-0.15, 0.15), (-1.0, -0.15))[draw.integers(3)]
    reached = np.full(len(times), draw.uniform(low, high))
    if times[-1] > 1.0 and draw.random() < 1 / 3:
        share = np.clip((times - draw.uniform(0.2, 0.7) * times[-1]) / 0.35, 0.0, 1.0)
        reached = reached * share**2 * (3.0 - 2.0 * share)
    return np.asarray(reached * (1.0 + _swing(draw, times, 0.05, (0.4, 0.8))))


def _mouth(draw: np.random.Generator, times: Series, mouth: str, voice: Voice | None) -> tuple[Series, Series]:
    """How far the mouth is open and how round it is, 0 to 1."""
    rest = draw.uniform(0.0, 0.04)
    if mouth == "speaking":
        assert voice is not None
        track_times = np.arange(len(voice.jaw)) * HOP_S
        reach = draw.uniform(0.45, 1.0)
        tremor = _swing(draw, times, 0.02, (1.0, 3.0))
        opened = np.maximum(reach * np.interp(times, track_times, voice.jaw) + tremor, 0.0)
        return np.clip(rest + opened, 0.0, 1.0), np.interp(times, track_times, voice.rounding)
    if mouth == "still":
        return np.full(len(times), rest), np.zeros(len(times))
    starts = np.cumsum(draw.uniform(0.3, 1.1, 1 + int(times[-1] / 0.3)))
    held = np.where(draw.random(len(starts) + 1) < 0.5, rest, draw.uniform(0.2, 1.0, len(starts) + 1))
    opened = held[np.searchsorted(starts, times)]
    eased = np.convolve(np.pad(opened, 2, mode="edge"), np.array([0.1, 0.25, 0.3, 0.25, 0.1]), mode="valid")
    return eased, np.full(len(times), draw.choice([0.0, draw.uniform(0.0, 0.8)]))
