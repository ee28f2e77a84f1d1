"""Writes frames and a soundtrack to a media file, the same bytes each time on the same library versions.

One encoder thread and the muxer's `bitexact` flag: x264 gives other bytes with another number of threads, and
Matroska otherwise draws its identifiers at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from examples.speech import SAMPLE_RATE

FRAME_RATE = 25


@dataclass(frozen=True)
class Codecs:
    video: str
    audio: str
    video_options: tuple[tuple[str, str], ...]


CODECS = {
    ".mp4": Codecs("libx264", "aac", (("crf", "26"), ("preset", "slow"))),
    ".webm": Codecs("libvpx-vp9", "libopus", (("crf", "36"), ("b", "0"), ("deadline", "good"), ("cpu-used", "4"))),
}


def write(path: Path, frames: Iterable[npt.NDArray[np.uint8]], sound: npt.NDArray[np.float32] | None) -> None:
    """Encode RGB frames (height, width, 3) at `FRAME_RATE`, and mono sound at 16 kHz.

    Without sound the file has no audio stream at all.
    """
    codecs = CODECS[path.suffix]
    # faststart: the index comes first, so that a file cut short can still be probed
    options = {"fflags": "+bitexact", **({"movflags": "+faststart"} if path.suffix == ".mp4" else {})}
    with av.open(str(path), "w", options=options) as container:
        picture = container.add_stream(codecs.video, rate=FRAME_RATE, options=dict(codecs.video_options))
        picture.pix_fmt = "yuv420p"
        picture.codec_context.thread_count = 1
        voice = None if sound is None else container.add_stream(codecs.audio, rate=48_000, layout="mono")
        if voice is not None:
            voice.bit_rate = 64_000
        for index, pixels in enumerate(frames):
            if index == 0:
                picture.height, picture.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        if voice is not None:
            assert sound is not None
            _write_sound(container, voice, sound)


def _write_sound(
    container: av.container.OutputContainer,
    voice: av.AudioStream,
    sound: npt.NDArray[np.float32],
) -> None:
    resampler = av.AudioResampler(format=voice.codec_context.format, layout="mono", rate=48_000)
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    fifo = av.AudioFifo()
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        fifo.write(piece)
    size = voice.codec_context.frame_size or 960
    while (block := fifo.read(size, partial=True)) is not None:
        container.mux(voice.encode(block))
    container.mux(voice.encode(None))
