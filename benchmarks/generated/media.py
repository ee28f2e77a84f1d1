"""Encodes generated sound and pictures with codecs of different quality, and reads them back the way a run does.

Decoding is `mercap.media.decode` under the default policy, through files in a temporary folder: sampling of frames,
scaling, JPEG and resampling are all in what is measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from examples.encode import write_sound
from mercap.measures.frame import Frame
from mercap.media.decode import decode
from mercap.media.derived import Derived
from mercap.media.policy import MediaLimits, MediaPolicy

FRAME_RATE = 25

Picture = NDArray[np.uint8]  # height x width x 3, red-green-blue
Audio = NDArray[np.int16]


@dataclass(frozen=True)
class VideoCodec:
    name: str
    suffix: str
    encoder: str
    options: tuple[tuple[str, str], ...]
    bits_per_pixel: float = 0.0  # the rate asked for; 0 where the quality is asked for instead


@dataclass(frozen=True)
class AudioCodec:
    name: str
    encoder: str
    bit_rate: int


VIDEO_CODECS = (
    VideoCodec("h264 crf 20", ".mp4", "libx264", (("crf", "20"), ("preset", "veryfast"))),
    VideoCodec("h264 crf 27", ".mp4", "libx264", (("crf", "27"), ("preset", "veryfast"))),
    VideoCodec("h264 crf 34", ".mp4", "libx264", (("crf", "34"), ("preset", "veryfast"))),
    VideoCodec("mpeg4 low rate", ".mp4", "mpeg4", (), 0.06),
    VideoCodec("vp8 low rate", ".webm", "libvpx", (("deadline", "realtime"), ("cpu-used", "8")), 0.03),
    VideoCodec("vp9 low rate", ".webm", "libvpx-vp9", (("deadline", "realtime"), ("cpu-used", "8")), 0.02),
)
AAC, OPUS = AudioCodec("aac 48 kb/s", "aac", 48_000), AudioCodec("opus 20 kb/s", "libopus", 20_000)
AUDIO_OF = {".mp4": AAC, ".webm": OPUS}  # what each container usually carries


def through_codec(
    video: VideoCodec | None, frames: Iterable[Picture], sound: NDArray[np.float64] | None, audio: AudioCodec
) -> tuple[list[Frame], Audio | None, int]:
    """Encode and decode; returns sampled frames, audio and the file's size in bytes.

    ``video`` is ``None`` for sound alone; ``sound`` is (n,) within -1 to 1 at 16 kHz, ``None`` for no audio stream.
    """
    with tempfile.TemporaryDirectory(prefix="mercap-accuracy-") as name:
        suffix = video.suffix if video else ".mp4" if audio is AAC else ".webm"
        path = Path(name) / f"clip{suffix}"
        with av.open(str(path), "w") as container:
            picture = _video_stream(container, video) if video else None
            voice = None if sound is None else container.add_stream(audio.encoder, rate=48_000, layout="mono")
            if picture is not None and video is not None:
                _write_pictures(container, picture, frames, video.bits_per_pixel)
            if voice is not None and sound is not None:
                voice.bit_rate = audio.bit_rate
                write_sound(container, voice, sound.astype(np.float32)[None, :])
        derived = Derived(Path(name) / "derived")
        decode(path, MediaPolicy(), MediaLimits(), derived.folder)
        return derived.frames() or [], derived.audio(), path.stat().st_size


def to_audio(sound: NDArray[np.float64]) -> Audio:
    """-1..1 as 16 bits, cut off where it is louder."""
    return np.asarray(np.clip(np.rint(sound * 32767.0), -32768, 32767), dtype=np.int16)


def _video_stream(container: av.container.OutputContainer, codec: VideoCodec) -> av.VideoStream:
    stream = container.add_stream(codec.encoder, rate=FRAME_RATE, options=dict(codec.options))
    stream.pix_fmt = "yuv420p"
    stream.codec_context.thread_count = 1  # x264 gives other pictures with another number of threads
    return stream


def _write_pictures(
    container: av.container.OutputContainer, stream: av.VideoStream, frames: Iterable[Picture], bits_per_pixel: float
) -> None:
    for index, pixels in enumerate(frames):
        if index == 0:
            stream.height, stream.width = pixels.shape[:2]
            if bits_per_pixel:
                stream.bit_rate = round(bits_per_pixel * stream.height * stream.width * FRAME_RATE)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
