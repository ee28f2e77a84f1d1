"""What counts as high, fast, loud or raised: one frozen table, the same for every clip.

Each value says where it comes from: a publication, or "own choice", or "own material" (the drawn faces of `examples/`
and photographs, read by these very measures). Publications give what is usual; where a word such as "high" sets
in is our choice in every case. The speaker is unknown, so pitch is judged against one range for all adults: "low" may
just be a deep voice and "high" a light one, and a child's is always high. Tone languages use a wider range of pitch.
Levels assume a recording at usual broadcast or phone gain. The digest of the table is part of the describers' cell
identity; `measure`, `screen` and the voters for voice and face read it too, so raise their versions with a change
(`tests/mercap/measures/test_norms.py` fails until you have looked). Sources:

- Fitch & Holbrook 1970, Archives of Otolaryngology 92 (in Baken & Orlikoff 2000, Clinical Measurement of Speech and
  Voice): young men speak at about 85 to 155 Hz, young women at about 165 to 255 Hz.
- Traunmüller & Eriksson 1995, The frequency range of the voice fundamental in the speech of male and female adults:
  typically 120 Hz and 210 Hz; the range is alike in semitones, and the wider the livelier the speech.
- 't Hart 1981, JASA 69: pitch distances tell something in conversation only when they differ by over 3 semitones.
- Ladd 1984, Phonology Yearbook 1: pitch sinks of itself in the course of an utterance (declination), a review.
- Jacewicz, Fox & Wei 2010, JASA 128: articulation rates, read slower than talked; they differ with region and age.
- Goldman-Eisler 1968, Psycholinguistics: much of spontaneous talk is pauses; gaps under 0.25 s are articulation.
- EBU R 128: programmes are levelled to -23 LUFS.
- Byrne et al. 1994, JASA 96: the long-term spectrum of speech falls towards high frequencies, alike in many languages.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass

from mercap.identity import canonical_json, digest_text


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
    # From above the typical man to the typical woman (Fitch & Holbrook; Traunmüller & Eriksson). Limits own choice.
    pitch_median_hz: Range = Range(130.0, 210.0)
    # 10th to 90th percentile, semitones. Narrow is even and wide lively (Traunmüller & Eriksson); limits own choice.
    pitch_range_st: Range = Range(3.0, 7.0)
    # Within phrases, where pitch sinks of itself (Ladd), so the range lies mostly below zero; own choice.
    pitch_slope_st_per_s: Range = Range(-4.0, 1.0)
    # Last third against first: over 3 semitones ('t Hart), downwards 2 more for declination (Ladd; the 2 are own).
    pitch_change_st: Range = Range(-5.0, 3.0)
    # Nuclei counted per second of speech. Own choice, somewhat below published articulation rates (around 4 to 6:
    # Goldman-Eisler; Jacewicz and others), since the counter merges weak syllables into their neighbours.
    syllables_per_s: Range = Range(3.0, 4.8)
    # Around the broadcast level (EBU R 128), speech frames only; own choice.
    loudness_dbfs: Range = Range(-30.0, -18.0)
    # Last third against first: twice or half the amplitude. Own choice: the example clips, spoken without any
    # intended change, stay within -5 to +2, a whisper aside.
    loudness_change_db: Range = Range(-6.0, 6.0)
    # Of voiced power density, 100 Hz to 5 kHz. Falling is usual (Byrne and others); limits own choice from own
    # material: spoken clips -6 to -9, shouted -1.
    tilt_db_per_octave: Range = Range(-11.0, -5.5)
    # Own choice, far below Goldman-Eisler's monologues: clips are cut around utterances.
    pause_ratio: Range = Range(0.0, 0.20)
    # Voiced share of the speech below which it is called hardly voiced and its pitch is not told. Own material:
    # spoken clips 0.71 to 0.90, a whisper 0.10.
    voiced_least: float = 0.20


@dataclass(frozen=True)
class MouthNorms:
    open: float = 0.045  # face heights; own material: the dark seam of closed lips reaches 0.03 after smoothing
    still: float = 0.02  # mean change per frame; own material: a motionless mouth, grain and compression give 0.012
    in_time: float = 0.6  # correlation with the voice; own material: one in twenty foreign voices passes it
    out_of_time: float = 0.35  # own material: what half of the foreign voices reach
    told: float = 0.15  # share of face frames below which an expression is an accident; own choice


@dataclass(frozen=True)
class BrowNorms:
    height: Range = Range(0.092, 0.135)  # above the eyes, face heights; own material: resting faces 0.10 to 0.13
    slant: Range = Range(-0.050, 0.035)  # own material: resting faces -0.04 (photographed) to 0.03 (drawn)
    slant_when_near: float = -0.030  # own choice: inner ends this low count when the brows are also near the eyes
    near: float = 0.098  # own choice

    def drawn_down(self, slant: float, height: float) -> bool:
        """Whether the inner ends are clearly lowered; resting brows of some people slant a little."""
        return slant < self.slant.low or (slant < self.slant_when_near and height < self.near)


@dataclass(frozen=True)
class RecordingNorms:
    black_ratio: float = 0.10  # of the frames, from which it is told; own choice
    frozen_ratio: float = 0.50  # of the steps; own choice: half the rate sampled still looks alive
    blurred: float = 8.0  # sharpness below; own material: faces of 180 px softened by 2 to 3 px
    clipped_ratio: float = 0.001  # of the samples; own choice: single peaks are not heard
    low_snr_db: float = 12.0  # below it; own choice from own material: a noisy street about 9, a quiet room over 30


VOICE = VoiceNorms()
MOUTH = MouthNorms()
BROWS = BrowNorms()
RECORDING = RecordingNorms()
MUCH_CHANGE = 0.5  # share of the last third of the frames minus the first, from which it is told; own choice
MUCH_HEAD_MOTION = 0.35  # face widths per second; own material: nodding or turning, not swaying


@functools.cache
def norms_digest() -> str:
    """Digest of every value above."""
    tables = [asdict(table) for table in (VOICE, MOUTH, BROWS, RECORDING)]
    return digest_text(canonical_json([*tables, MUCH_CHANGE, MUCH_HEAD_MOTION]))
