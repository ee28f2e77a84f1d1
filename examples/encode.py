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
LAYOUTS = {1: "mono", 2: "stereo"}  # by number of channels


@dataclass(frozen=True)
class Codecs:
    video: str | None
    audio: str
    video_options: tuple[tuple[str, str], ...] = ()


CODECS = {
    ".mp4": Codecs("libx264", "aac", (("crf", "26"), ("preset", "slow"))),
    ".m4a": Codecs(None, "aac"),
    ".webm": Codecs("libvpx-vp9", "libopus", (("crf", "36"), ("b", "0"), ("deadline", "good"), ("cpu-used", "4"))),
}


def write(
    path: Path,
    frames: Iterable[npt.NDArray[np.uint8] | None],
    sound: npt.NDArray[np.float32] | None,
    *,
    rotated: bool = False,
) -> None:
    """Encode RGB frames (height, width, 3) at `FRAME_RATE`, and sound at 16 kHz: (n,) mono or (2, n) stereo.

    Without sound, or to a file type for sound alone, the other stream is not there at all. A frame that is ``None``
    is left out and the one before it stands longer. ``rotated`` stores the frames on their side, with a display
    matrix that turns them upright, as a phone does that is held upright.
    """
    codecs = CODECS[path.suffix]
    # faststart: the index comes first, so that a file cut short can still be probed
    options = {"fflags": "+bitexact", **({} if path.suffix == ".webm" else {"movflags": "+faststart"})}
    with av.open(str(path), "w", options=options) as container:
        picture = _picture(container, codecs, rotated) if codecs.video else None
        voice = _voice(container, codecs, sound) if sound is not None else None
        if picture is not None:
            _write_frames(container, picture, frames, rotated)
        if voice is not None:
            assert sound is not None
            write_sound(container, voice, np.atleast_2d(sound))


def _picture(container: av.container.OutputContainer, codecs: Codecs, rotated: bool) -> av.VideoStream:
    picture = container.add_stream(codecs.video, rate=FRAME_RATE, options=dict(codecs.video_options))
    picture.pix_fmt = "yuv420p"
    picture.codec_context.thread_count = 1
    if rotated:
        picture.set_display_rotation(-90)
    return picture


def _voice(container: av.container.OutputContainer, codecs: Codecs, sound: npt.NDArray[np.float32]) -> av.AudioStream:
    voice = container.add_stream(codecs.audio, rate=48_000, layout=LAYOUTS[np.atleast_2d(sound).shape[0]])
    voice.bit_rate = 64_000
    return voice


def _write_frames(
    container: av.container.OutputContainer,
    picture: av.VideoStream,
    frames: Iterable[npt.NDArray[np.uint8] | None],
    rotated: bool,
) -> None:
    for index, upright in enumerate(frames):
        if upright is None:
            continue
        pixels = np.ascontiguousarray(np.rot90(upright)) if rotated else upright
        if index == 0:
            picture.height, picture.width = pixels.shape[:2]
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
        container.mux(picture.encode(frame))
    container.mux(picture.encode(None))


def write_sound(
    container: av.container.OutputContainer,
    voice: av.AudioStream,
    sound: npt.NDArray[np.float32],
) -> None:
    """Encode all of ``sound`` (channels x samples, within -1 to 1 at `SAMPLE_RATE`) and flush."""
    layout = LAYOUTS[len(sound)]
    resampler = av.AudioResampler(format=voice.codec_context.format, layout=layout, rate=48_000)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    fifo = av.AudioFifo()
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        fifo.write(piece)
    size = voice.codec_context.frame_size or 960
    while (block := fifo.read(size, partial=True)) is not None:
        container.mux(voice.encode(block))
    container.mux(voice.encode(None))
