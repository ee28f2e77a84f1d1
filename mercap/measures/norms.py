"""What counts as high, fast, loud or raised: a small frozen table, the same for every clip.

The voice's ranges are this project's own choice within what phonetics textbooks give for adults in conversation:
men speak at about 85 to 155 Hz and women at 165 to 255 Hz, with four to eight semitones in use, three to six
syllables per second. The speaker is unknown, so pitch is judged against one range for all adults: "low" may just be
a deep voice and "high" a light one, which is why a cue built on it alone is weak. Levels assume a recording at
usual broadcast or phone gain. The face's limits come from drawn and photographed resting faces read by these very
measures, in the detector's box. A change here changes cells: raise the stage's code version with it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """The ordinary values; below ``low`` or above ``high`` is worth a word."""

    low: float
    high: float

    def place(self, value: float) -> int:
        """-1 below, 0 within, +1 above."""
        return -1 if value < self.low else 1 if value > self.high else 0


@dataclass(frozen=True)
class VoiceNorms:
    pitch_median_hz: Range = Range(130.0, 210.0)
    pitch_range_st: Range = Range(3.0, 7.0)  # 10th to 90th percentile
    pitch_slope_st_per_s: Range = Range(-4.0, 1.0)  # speech declines a little of itself
    syllables_per_s: Range = Range(3.0, 4.8)  # of speech; the counter misses some
    loudness_dbfs: Range = Range(-30.0, -18.0)
    tilt_db_per_octave: Range = Range(-11.0, -5.5)  # of voiced power density, 100 Hz to 5 kHz
    pause_ratio: Range = Range(0.0, 0.20)


@dataclass(frozen=True)
class MouthNorms:
    open: float = 0.045  # face heights; the dark seam of closed lips reaches 0.03 after smoothing
    still: float = 0.02  # mean change per frame; a motionless mouth with grain and compression gives 0.012
    in_time: float = 0.6  # correlation with the voice: nine in ten foreign voices stay below
    out_of_time: float = 0.35  # what half of the foreign voices reach


@dataclass(frozen=True)
class BrowNorms:
    height: Range = Range(0.092, 0.135)  # above the eyes, face heights; resting faces: 0.10 to 0.13
    slant: Range = Range(-0.050, 0.035)  # resting faces: -0.04 (photographed) to 0.03 (drawn)
    slant_when_near: float = -0.030  # inner ends this low count when the brows are also near the eyes
    near: float = 0.098

    def drawn_down(self, slant: float, height: float) -> bool:
        """Whether the inner ends are clearly lowered; resting brows of some people slant a little."""
        return slant < self.slant.low or (slant < self.slant_when_near and height < self.near)


VOICE = VoiceNorms()
MOUTH = MouthNorms()
BROWS = BrowNorms()
MUCH_HEAD_MOTION = 0.35  # face widths per second: nodding or turning, not swaying
