"""Duet's clips as MP4 files: H.264 pictures, ten a second, and AAC sound, so that they can go where any clip goes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.generated.duet import MOMENT_S, SIDE, Clips
from examples.encode import write_sound

SCALE = 6  # a codec's blocks are 16 pixels wide: smaller pictures would be drawn by the codec
BIT_RATE = 64_000


def write_films(clips: Clips, folder: Path) -> list[Path]:
    """A file per clip, named by its place; some 30 ms each."""
    paths = [folder / f"{number:05d}.mp4" for number in range(len(clips.frames))]
    for path, frames, sound in zip(paths, clips.frames, clips.sound, strict=True):
        _write(path, frames, sound)
    return paths


def _write(path: Path, frames: np.ndarray, sound: np.ndarray) -> None:
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        picture = container.add_stream("libx264", rate=round(1 / MOMENT_S), options={"crf": "18", "preset": "veryfast"})
        picture.pix_fmt, picture.width, picture.height = "yuv420p", SIDE * SCALE, SIDE * SCALE
        picture.codec_context.thread_count = 1  # x264 gives other pictures with another number of threads
        voice = container.add_stream("aac", rate=48_000, layout="mono")
        voice.bit_rate = BIT_RATE
        for number, pixels in enumerate(frames):
            large = np.ascontiguousarray(pixels.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
            frame = av.VideoFrame.from_ndarray(large, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, round(1 / MOMENT_S))
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        write_sound(container, voice, (sound / 32768).astype(np.float32)[None, :])
