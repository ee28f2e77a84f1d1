"""How well the pitch of generated voices is found: one voice at a time, and the figures over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.generated.media import AAC, OPUS, Audio, AudioCodec, through_codec, to_audio
from benchmarks.generated.noise import COLOURS, in_noise
from benchmarks.generated.scores import Figures, ratio
from benchmarks.generated.tract import SAMPLE_RATE
from benchmarks.generated.voices import Voice, draw_voice
from mercap.backends.silero import SileroDetector
from mercap.measures.pitch import track_pitch
from mercap.measures.voice import measure_voice
from mercap.measures.windows import to_float
from mercap.records import Diarization, VoiceMeasures

SNR_DB = 20.0
LEVELS_DBFS = (-36.0, -14.0)
WITHIN = 0.03
GROSS = 0.20
CODECS: tuple[AudioCodec | None, ...] = (None, None, AAC, OPUS)  # half of the voices are not compressed
BANDS_HZ = (75.0, 150.0, 250.0, 400.0)


@dataclass(frozen=True)
class PitchOutcome:
    """One voice. ``errors``: found pitch / true pitch - 1 per truly voiced frame, NaN where none was found."""

    median_hz: float
    median_found_hz: float | None  # of the frames the tracker calls voiced
    reported_hz: float | None  # as the voice measure reports it: the same, but within detected speech only
    colour: str
    codec: str
    errors: NDArray[np.float64]
    false_voiced: int  # frames said to be voiced in which the glottis is at rest
    silent_frames: int
    between_frames: int  # glottis starting or stopping: neither voiced nor silent
    syllables: int
    syllables_found: float | None  # None: no speech was detected


def measure_pitch(seed: np.random.SeedSequence) -> PitchOutcome:
    """Draw a voice, record it in noise, encode it, and compare its pitch with the truth."""
    draw = np.random.default_rng(seed)
    voice = draw_voice(draw, draw.uniform(2.5, 4.5))
    colour, codec = COLOURS[draw.integers(2)], CODECS[draw.integers(len(CODECS))]
    audio = _recorded(draw, voice, colour, codec)
    track = track_pitch(to_float(audio), SAMPLE_RATE)
    count = min(len(track.hz), len(voice.f0_hz))
    hz, voiced, silent = track.hz[:count], voice.voiced[:count], voice.silent[:count]
    speech = SileroDetector().diarize(audio, SAMPLE_RATE)
    heard = measure_voice(audio, SAMPLE_RATE, speech)
    return PitchOutcome(
        median_hz=voice.median_hz,
        median_found_hz=float(np.nanmedian(hz)) if np.isfinite(hz).any() else None,
        reported_hz=heard.pitch_median_hz if heard else None,
        colour=colour,
        codec=codec.name if codec else "none",
        errors=hz[voiced] / voice.f0_hz[:count][voiced] - 1.0,
        false_voiced=int(np.isfinite(hz[silent]).sum()),
        silent_frames=int(silent.sum()),
        between_frames=int((~voiced & ~silent).sum()),
        syllables=voice.syllables,
        syllables_found=_syllables(heard, speech),
    )


def _syllables(heard: VoiceMeasures | None, speech: Diarization) -> float | None:
    """How many the voice measure counted: it reports them per second of speech."""
    return None if heard is None or heard.syllables_per_s is None else heard.syllables_per_s * speech.speech_s


def pitch_figures(outcomes: Sequence[PitchOutcome]) -> Figures:
    """All figures of the voices, whole and by condition."""
    counts = np.array([one.syllables_found / one.syllables for one in outcomes if one.syllables_found is not None])
    return {
        "voices": len(outcomes),
        "snr_db": SNR_DB,
        **_frames(outcomes),
        "clip_median": _medians([(one.median_hz, one.median_found_hz) for one in outcomes]),
        "clip_median_reported": _medians([(one.median_hz, one.reported_hz) for one in outcomes]),
        "syllables": {
            "voices": len(counts),
            "median_found_per_true": float(np.median(counts)),
            "p10": float(np.percentile(counts, 10)),
            "p90": float(np.percentile(counts, 90)),
        },
        "by_noise": {name: _frames([one for one in outcomes if one.colour == name]) for name in COLOURS},
        "by_codec": {
            name: _frames([one for one in outcomes if one.codec == name]) for name in ("none", AAC.name, OPUS.name)
        },
        "by_pitch": {
            f"{low:.0f} to {high:.0f} Hz": _frames([one for one in outcomes if low <= one.median_hz < high])
            for low, high in pairwise(BANDS_HZ)
        },
    }


def _medians(pairs: Sequence[tuple[float, float | None]]) -> Figures:
    """Errors of the clips' median pitch, from (true, found) pairs."""
    errors = np.array([abs(found / true - 1.0) for true, found in pairs if found is not None])
    return {
        "voices": len(errors),
        "median_error": float(np.median(errors)) if len(errors) else None,
        "worst_error": float(errors.max()) if len(errors) else None,
        "within_3_percent": ratio(int((errors <= WITHIN).sum()), len(errors)),
    }


def _frames(outcomes: Sequence[PitchOutcome]) -> Figures:
    errors = np.abs(np.concatenate([one.errors for one in outcomes])) if outcomes else np.array([])
    tracked = errors[np.isfinite(errors)]
    false = sum(one.false_voiced for one in outcomes)
    low, high = np.percentile(tracked, (50, 95)) if len(tracked) else (None, None)
    return {
        "voiced_frames": len(errors),
        "within_3_percent": ratio(int((tracked <= WITHIN).sum()), len(errors)),
        "within_3_percent_of_tracked": ratio(int((tracked <= WITHIN).sum()), len(tracked)),
        "median_error": None if low is None else float(low),
        "p95_error": None if high is None else float(high),
        "gross_errors": ratio(int((tracked > GROSS).sum()), len(tracked)),
        "voicing_precision": ratio(len(tracked), len(tracked) + false),
        "voicing_recall": ratio(len(tracked), len(errors)),
        "left_out_frames": sum(one.between_frames for one in outcomes),
    }


def _recorded(draw: np.random.Generator, voice: Voice, colour: str, codec: AudioCodec | None) -> Audio:
    sound = in_noise(draw, voice.samples, SNR_DB, colour, draw.uniform(*LEVELS_DBFS))
    if codec is None:
        return to_audio(sound)
    _, audio, _ = through_codec(None, (), sound, codec)
    assert audio is not None
    return audio
