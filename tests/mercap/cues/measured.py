"""Measures to describe, as hypothesis draws them: every value anywhere between far below and far above the ordinary."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mercap.records import FaceMeasures, Measures, QualityMeasures, SynchronyMeasures, VoiceMeasures

SHARE = st.floats(0, 1)


def maybe(low: float, high: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(low, high)


VOICES = st.builds(
    VoiceMeasures,
    voiced_ratio=SHARE,
    pitch_median_hz=maybe(60, 500),
    pitch_range_st=maybe(0, 20),
    pitch_slope_st_per_s=maybe(-20, 20),
    pitch_change_st=maybe(-12, 12),
    loudness_dbfs=maybe(-60, 0),
    loudness_range_db=maybe(0, 60),
    loudness_change_db=maybe(-20, 20),
    pause_ratio=st.none() | SHARE,
    pauses=st.integers(0, 5),
    syllables_per_s=maybe(0, 9),
    spectral_tilt_db_per_octave=maybe(-20, 0),
)
QUALITIES = st.builds(
    QualityMeasures,
    black_ratio=st.none() | SHARE,
    frozen_ratio=st.none() | SHARE,
    sharpness=maybe(0, 400),
    level_dbfs=maybe(-60, 0),
    clipped_ratio=st.none() | st.floats(0, 0.01),
    snr_db=maybe(-10, 50),
)


@st.composite
def faces(draw: st.DrawFn) -> FaceMeasures:
    """At least one face frame, and counts that are not above it."""
    found = draw(st.integers(1, 90))
    counts = st.integers(0, found)
    values: dict[str, Any] = {
        "frames": found + draw(st.integers(0, 30)),
        "face_frames": found,
        "presence_change": draw(maybe(-1, 1)),
        "people_max": draw(st.integers(1, 3)),
        "face_height_ratio": draw(SHARE),
        "head_motion": draw(maybe(0, 2)),
        "smile_frames": draw(counts),
        "frown_frames": draw(counts),
        "smile_change": draw(maybe(-1, 1)),
        "frown_change": draw(maybe(-1, 1)),
        "mouth_curvature": draw(maybe(-0.3, 0.3)),
        "mouth_open_frames": draw(counts),
        "mouth_motion": draw(maybe(0, 0.1)),
        "brow_slant": draw(maybe(-0.1, 0.1)),
        "brow_height": draw(maybe(0.05, 0.2)),
    }
    return FaceMeasures(**values)


SYNCHRONIES = st.builds(SynchronyMeasures, correlation=SHARE, lag_s=st.just(0.0))
MEASURES = st.builds(Measures, face=faces(), voice=VOICES, synchrony=st.none() | SYNCHRONIES, quality=QUALITIES)


def _extreme(place: int, **face: Any) -> dict[str, Any]:
    """Everything below (-1), within (0) or above (1) its ordinary range; ``face`` is what differs."""
    at = place + 1
    voice = {
        "voiced_ratio": 0.8, "pitch_median_hz": (90, 170, 300)[at], "pitch_range_st": (1, 5, 12)[at],
        "pitch_slope_st_per_s": (-9, -1, 9)[at], "pitch_change_st": (-9, 0, 9)[at], "loudness_dbfs": (-40, -24, -9)[at],
        "loudness_range_db": 20, "loudness_change_db": (-9, 0, 9)[at], "pause_ratio": 0.1, "pauses": 1,
        "syllables_per_s": (2, 4, 7)[at], "spectral_tilt_db_per_octave": (-15, -8, -1)[at],
    }  # fmt: skip
    shown = {
        "frames": 60, "face_frames": 50, "presence_change": place, "people_max": 1, "face_height_ratio": 0.5,
        "head_motion": (0.0, 0.0, 1.0)[at], "smile_frames": 25, "frown_frames": 25, "smile_change": place,
        "frown_change": place, "mouth_curvature": 0.0, "mouth_open_frames": 30, "mouth_motion": 0.05,
        "brow_slant": (-0.06, 0.0, 0.05)[at], "brow_height": (0.08, 0.11, 0.15)[at], **face,
    }  # fmt: skip
    fault = {"black_ratio": 0.5, "frozen_ratio": 0.9, "sharpness": 3.0, "clipped_ratio": 0.01, "snr_db": 3.0}
    return {
        "voice": voice, "face": shown, "quality": {"level_dbfs": -20.0, **fault},
        "synchrony": {"correlation": (0.1, 0.5, 0.8)[at], "lag_s": 0.0},
    }  # fmt: skip


EXTREMES: list[dict[str, Any]] = [
    *(_extreme(place) for place in (-1, 0, 1)),
    _extreme(0, smile_frames=0, frown_frames=0),
    _extreme(0, mouth_curvature=None, mouth_motion=0.0),
    {**_extreme(0), "synchrony": None},
    {**_extreme(0), "voice": {**_extreme(0)["voice"], "voiced_ratio": 0.1}},
]
