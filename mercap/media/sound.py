"""Collect decoded audio as one mono 16-bit track on the clock of the container.

Audio that starts late or has a hole is filled with silence, so that sample ``n`` is heard at ``n /
sample_rate`` seconds. Costs about 7 ms per second of AAC; needs PyAV.
"""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from mercap.media.policy import AudioPolicy

GAP_S = 0.1  # shorter holes are rounding of timestamps, not silence


class SoundTrack:
    """Takes audio frames in the order of the file; ``seconds`` is how much has come out so far."""

    def __init__(self, policy: AudioPolicy, seconds_max: float) -> None:
        self.sample_rate = policy.sample_rate
        self.seconds_max = seconds_max
        self._chunks: list[NDArray[np.int16]] = []
        self._count = 0
        self._resampler: av.AudioResampler | None = None
        self._source: tuple[str, str, int] | None = None

    @property
    def seconds(self) -> float:
        return self._count / self.sample_rate

    def add(self, frame: av.AudioFrame, time_s: float | None) -> None:
        """Append one frame, after silence where its time says that something is missing before it."""
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        hole_s = 0.0 if time_s is None else time_s - self.seconds
        if hole_s > GAP_S or source != self._source:
            self.flush()  # a resampler keeps the format of its first frame, and the tail of its last
        if hole_s > GAP_S and time_s is not None:
            silence = round(min(time_s, self.seconds_max) * self.sample_rate) - self._count
            self._append(np.zeros(max(silence, 0), np.int16))
        if self._resampler is None:
            self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self.sample_rate)
            self._source = source
        frame.pts = None  # placed by time above; the resampler would only carry it along
        for piece in self._resampler.resample(frame):
            self._append(piece.to_ndarray().reshape(-1))

    def flush(self) -> None:
        """Take what the resampler holds back. More frames may follow."""
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                self._append(piece.to_ndarray().reshape(-1))
        self._resampler = None

    def samples(self) -> NDArray[np.int16]:
        """The whole track, shape (samples,)."""
        return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)

    def _append(self, samples: NDArray[np.int16]) -> None:
        self._chunks.append(samples)
        self._count += len(samples)
