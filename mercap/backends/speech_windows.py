"""The stretches of a clip that Whisper decodes in one batch: at most 30 s each, around speech, in order, apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from mercap.records import Span

SAMPLE_RATE = 16_000
WINDOW_S = 30.0  # what a Whisper model hears at a time
PAD_S = 0.2  # detectors cut close; kept around the speech of a window


def windows(speech: Sequence[Span], duration_s: float) -> list[Span]:
    """Windows that hold all of ``speech`` (ordered): neighbours share one, longer speech is cut."""
    found: list[Span] = []
    for span in speech:
        start_s, end_s = max(span.start_s - PAD_S, 0.0), min(span.end_s + PAD_S, duration_s)
        if found and end_s - found[-1].start_s <= WINDOW_S:
            found[-1] = Span(start_s=found[-1].start_s, end_s=max(found[-1].end_s, end_s))
            continue
        start_s = max(start_s, found[-1].end_s if found else 0.0)
        while start_s < end_s:
            found.append(Span(start_s=start_s, end_s=min(start_s + WINDOW_S, end_s)))
            start_s += WINDOW_S
    return found


def heard(audio: NDArray[np.float32]) -> list[Span]:
    """Speech as faster-whisper's own filter hears it; ``audio`` is (n,), -1 to 1, at 16 kHz."""
    found = get_speech_timestamps(audio, VadOptions(max_speech_duration_s=WINDOW_S, min_silence_duration_ms=160))
    return [Span(start_s=piece["start"] / SAMPLE_RATE, end_s=piece["end"] / SAMPLE_RATE) for piece in found]


def window_end_s(begin_s: float, among: Sequence[Span]) -> float:
    """The end of the window that begins at ``begin_s``, which may be rounded down to 10 ms."""
    return max(window.end_s for window in among if window.start_s < begin_s + 0.0101)
