"""Where somebody speaks, by Silero VAD, which ships inside faster-whisper (1.2 MB, ONNX, no torch).

A tenth of a second to load; below 1 % of the audio's length on one core. It tells speech from everything else and
cannot tell speakers apart, so every turn's speaker is ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import VadOptions, get_speech_timestamps

from mercap.records import Diarization, Span, Turn

SAMPLE_RATE = 16_000  # of the bundled model
TURN_GAP_S = 0.6  # a shorter silence is a pause within one turn


class SileroDetector:
    """Finds spans of speech. ``threshold`` is the probability from which a window of 32 ms counts as speech."""

    def __init__(
        self, threshold: float = 0.5, min_silence_ms: int = 300, speech_pad_ms: int = 30, min_speech_ms: int = 100
    ) -> None:
        self._options = VadOptions(
            threshold=threshold,
            min_silence_duration_ms=min_silence_ms,
            speech_pad_ms=speech_pad_ms,
            min_speech_duration_ms=min_speech_ms,
        )

    def diarize(self, audio: npt.NDArray[np.int16], sample_rate: int) -> Diarization:
        """Speech and turns of mono audio, (n,) int16 at 16 kHz; both are empty where nobody speaks.

        Raises ValueError for another sample rate.
        """
        if sample_rate != SAMPLE_RATE:
            raise ValueError(f"Silero VAD needs {SAMPLE_RATE} Hz, not {sample_rate} Hz")
        duration_s = len(audio) / SAMPLE_RATE
        speech = self._speech(audio) if len(audio) else ()
        speech_s = sum(span.end_s - span.start_s for span in speech)
        return Diarization(
            speech=speech,
            turns=_turns(speech),
            duration_s=duration_s,
            speech_s=round(speech_s, 4),
            speech_ratio=round(min(speech_s / duration_s, 1.0), 4) if duration_s else 0.0,
        )

    def _speech(self, audio: npt.NDArray[np.int16]) -> tuple[Span, ...]:
        found = get_speech_timestamps(audio.astype(np.float32) / np.float32(32768.0), self._options, SAMPLE_RATE)
        return tuple(
            Span(start_s=max(piece["start"], 0) / SAMPLE_RATE, end_s=min(piece["end"], len(audio)) / SAMPLE_RATE)
            for piece in found
            if piece["start"] < piece["end"]
        )


def _turns(speech: Sequence[Span]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for span in speech:
        if turns and span.start_s - turns[-1].end_s < TURN_GAP_S:
            turns[-1] = Turn(start_s=turns[-1].start_s, end_s=span.end_s)
        else:
            turns.append(Turn(start_s=span.start_s, end_s=span.end_s))
    return tuple(turns)
