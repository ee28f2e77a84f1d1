"""Small well-formed clips, written with PyAV: what the tests of this folder decode, bend and break."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Red left half, blue right half; the green channel grows with the frame number."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 200
    image[:, width // 2 :, 2] = 200
    image[:, :, 1] = min(number, 100)
    return image


def make(
    path: Path,
    *,
    frames: int = 50,
    rate: int = 25,
    seconds: float = 2.0,
    codec: str = "aac",
    width: int = 64,
    height: int = 48,
    late_s: float = 0.0,
) -> Path:
    """A small clip; no frames or no seconds means no such stream."""
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as media:
        packets: list[av.Packet] = []
        if frames:
            video = media.add_stream("libx264", rate=rate, options={"g": "10", "threads": "1"})
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.time_base = Fraction(1, rate)
        if seconds:
            audio = media.add_stream(codec, rate=RATE, layout="stereo")
        if frames:
            for frame in [*pictures(frames, rate, width, height), None]:
                packets += video.encode(frame)
        if seconds:
            for sound in [*tone(seconds, late_s, audio.codec_context.frame_size or 1024), None]:
                packets += audio.encode(sound)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            media.mux(packet)
    return path


def pictures(frames: int, rate: int, width: int, height: int) -> Iterator[av.VideoFrame]:
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, rate)
        yield frame


def tone(seconds: float, late_s: float, samples: int) -> Iterator[av.AudioFrame]:
    """440 Hz, in frames of so many samples."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    wave = (np.sin(2 * np.pi * 440 * time_s) * 8000).astype(np.int16)
    for start in range(0, len(wave), samples):
        piece = np.repeat(wave[start : start + samples], 2).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, start + int(late_s * RATE)
        frame.time_base = Fraction(1, RATE)
        yield frame
