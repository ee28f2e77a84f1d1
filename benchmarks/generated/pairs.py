"""Mouths with their own voice against mouths with another clip's: how well the synchrony measure tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.generated.media import Audio, to_audio
from benchmarks.generated.noise import COLOURS, in_noise, shifted
from benchmarks.generated.readings import TERCILES, ClipOutcome
from benchmarks.generated.scores import Figures, auc, auc_interval, ratio, third, thirds
from benchmarks.generated.tract import SAMPLE_RATE
from mercap.backends.silero import SileroDetector
from mercap.measures.expression import FaceReport
from mercap.measures.norms import MOUTH
from mercap.measures.synchrony import measure_synchrony
from mercap.measures.windows import to_float

OFFSET_S = 0.30
SNR_DB = (5.0, 30.0)
LEVEL_DBFS = (-36.0, -14.0)
CLEAR_OFFSET_S = 0.10  # from here on the lag's sign should be right
LAG_WITHIN_S = 0.06


@dataclass(frozen=True)
class Pair:
    """A face, the voice put under it, and how; ``offset_s`` is by how much the voice comes late."""

    face: int
    voice: int
    offset_s: float
    snr_db: float
    colour: str
    level_dbfs: float
    seed: int


@dataclass(frozen=True)
class PairOutcome:
    pair: Pair
    correlation: float | None  # None: not measured
    lag_s: float | None


def draw_pairs(draw: np.random.Generator, clips: int, count: int, *, own: bool) -> list[Pair]:
    """``count`` pairs over ``clips`` clips, all used about equally often; foreign voices are any but the own."""
    faces = np.concatenate([draw.permutation(clips) for _ in range(-(-count // clips))])[:count]
    return [
        Pair(
            face=int(face),
            voice=int(face if own else (face + draw.integers(1, clips)) % clips),
            offset_s=float(draw.uniform(-OFFSET_S, OFFSET_S)),
            snr_db=float(draw.uniform(*SNR_DB)),
            colour=COLOURS[draw.integers(2)],
            level_dbfs=float(draw.uniform(*LEVEL_DBFS)),
            seed=int(draw.integers(2**32)),
        )
        for face in faces
    ]


def measure_pair(pair: Pair, report: FaceReport, face_audio: Audio, voice_audio: Audio) -> PairOutcome:
    """Put the treated voice under the face; ``face_audio`` gives the clip's length."""
    moved = shifted(to_float(voice_audio), round(pair.offset_s * SAMPLE_RATE), len(face_audio))
    sound = in_noise(np.random.default_rng(pair.seed), moved, pair.snr_db, pair.colour, pair.level_dbfs)
    audio = to_audio(sound)
    found = measure_synchrony(report, audio, SAMPLE_RATE, SileroDetector().diarize(audio, SAMPLE_RATE))
    return PairOutcome(pair, found.correlation if found else None, found.lag_s if found else None)


def synchrony_figures(
    clips: Sequence[ClipOutcome], own: Sequence[PairOutcome], foreign: Sequence[PairOutcome], draw: np.random.Generator
) -> Figures:
    """All figures of the pairs; ``clips`` are those the pairs count by."""
    speeds = thirds([clip.speed for clip in clips])
    snrs = thirds([outcome.pair.snr_db for outcome in (*own, *foreign)])
    codecs = sorted({clip.codec for clip in clips})
    return {
        "drawn_clips": len(clips),
        **separation(own, foreign),
        "auc_interval": _interval(own, foreign, draw),
        "lag": _lags(own),
        "by_head_motion": _by(own, foreign, TERCILES, lambda one: TERCILES[third(clips[one.pair.face].speed, speeds)]),
        "by_signal_to_noise": _by(own, foreign, TERCILES, lambda one: TERCILES[third(one.pair.snr_db, snrs)]),
        "by_codec": _by(own, foreign, codecs, lambda one: clips[one.pair.face].codec),
    }


def still_figures(outcomes: Sequence[ClipOutcome]) -> Figures:
    """Mouths that do not move under a voice: the measure should say 0, and must not call them in time."""
    found = []
    for clip in outcomes:
        if clip.kind == "still" and clip.report is not None and clip.audio is not None:
            speech = SileroDetector().diarize(clip.audio, SAMPLE_RATE)
            found.append(measure_synchrony(clip.report, clip.audio, SAMPLE_RATE, speech))
    values = [one.correlation for one in found if one is not None]
    return {
        "clips": len(found),
        "measured": len(values),
        "said_to_be_still": sum(value == 0.0 for value in values),
        "called_in_time": sum(value >= MOUTH.in_time for value in values),
        "largest": max(values, default=None),
    }


def _values(outcomes: Sequence[PairOutcome]) -> list[float]:
    return [outcome.correlation for outcome in outcomes if outcome.correlation is not None]


def separation(own: Sequence[PairOutcome], foreign: Sequence[PairOutcome]) -> Figures:
    one, other = _values(own), _values(foreign)
    return {
        "own_pairs": len(own),
        "foreign_pairs": len(foreign),
        "own_unmeasured": len(own) - len(one),
        "foreign_unmeasured": len(foreign) - len(other),
        "auc": auc(one, other),
        "own_median": float(np.median(one)) if one else None,
        "foreign_median": float(np.median(other)) if other else None,
        "own_called_in_time": ratio(sum(value >= MOUTH.in_time for value in one), len(one)),
        "foreign_called_in_time": ratio(sum(value >= MOUTH.in_time for value in other), len(other)),
    }


def _interval(
    own: Sequence[PairOutcome], foreign: Sequence[PairOutcome], draw: np.random.Generator
) -> tuple[float, float] | None:
    one, other = ([outcome for outcome in part if outcome.correlation is not None] for part in (own, foreign))
    if not one or not other:
        return None
    faces = [[outcome.pair.face for outcome in part] for part in (one, other)]
    return auc_interval(_values(one), _values(other), faces[0], faces[1], draw)


def _by(
    own: Sequence[PairOutcome],
    foreign: Sequence[PairOutcome],
    names: Sequence[str],
    name_of: Callable[[PairOutcome], str],
) -> Figures:
    return {
        name: separation([one for one in own if name_of(one) == name], [one for one in foreign if name_of(one) == name])
        for name in names
    }


def _lags(own: Sequence[PairOutcome]) -> Figures:
    """A late voice is a mouth that comes early: the lag of the mouth should be minus the offset of the voice."""
    found = [(-one.pair.offset_s, one.lag_s) for one in own if one.lag_s is not None]
    errors = np.abs([lag - true for true, lag in found])
    clear = [(true, lag) for true, lag in found if abs(true) >= CLEAR_OFFSET_S]
    return {
        "pairs": len(found),
        "median_error_s": float(np.median(errors)) if len(errors) else None,
        "p90_error_s": float(np.percentile(errors, 90)) if len(errors) else None,
        f"within_{1000 * LAG_WITHIN_S:.0f}_ms": ratio(int((errors <= LAG_WITHIN_S).sum()), len(errors)),
        "clear_offsets": len(clear),
        "sign_right": ratio(sum(true * lag > 0 for true, lag in clear), len(clear)),
    }
