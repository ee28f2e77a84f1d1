"""Clips to measure speed on: exactly 5 s, 640x480, 25 frames per second, h264 and aac, made from the example clips.

An example's pictures and sound are played again from the start until 5 s are full, or cut at 5 s, and encoded once
(x264 `medium`, crf 23; about a second each). Copies get a few bytes after the container's end, so that each is a
content of its own that decodes like the original. The noisy clip is the hard case for a decoder: every pixel changes
in every frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "clips"
# The examples that are h264, upright and 640x480, with a voice; a face is seen in all but `nobody`.
CHOSEN = (
    "smiling_bright", "sad_low", "angry_loud", "mixed_smile", "nobody", "two_people", "dubbed", "noisy_street",
    "shouting", "whispering", "cut_to_listener", "face_comes_late", "plain_report", "开心的一天",
)  # fmt: skip
WIDTH, HEIGHT, FRAME_RATE, SECONDS = 640, 480, 25, 5
FRAMES = FRAME_RATE * SECONDS
SAMPLE_RATE = 48_000
SAMPLES = SAMPLE_RATE * SECONDS
PADDING = (8).to_bytes(4, "big") + b"free"  # an empty box: any player skips it

Picture = NDArray[np.uint8]  # height x width x 3, red-green-blue
Sound = NDArray[np.float32]  # samples, -1..1


def chosen_examples() -> list[Path]:
    """The examples as they are, 4 to 6 s each."""
    return [EXAMPLES / f"{name}.mp4" for name in CHOSEN]


def five_second_examples(folder: Path, count: int) -> list[Path]:
    """The first ``count`` of the chosen examples, each made 5 s long, written to ``folder``."""
    made = []
    for original in chosen_examples()[:count]:
        path = folder / original.name
        pictures, sound = read(original)
        # The sound starts again when the pictures do.
        once = round(len(pictures) * SAMPLE_RATE / FRAME_RATE)
        level = np.pad(sound, (0, max(once - len(sound), 0)))[:once]
        write(path, islice(cycle(pictures), FRAMES), np.resize(level, SAMPLES))
        made.append(path)
    return made


def noisy_clip(path: Path) -> Path:
    """A coarse pattern that drifts under fine noise that is new in every frame, and white noise to hear."""
    draw = np.random.default_rng(0)
    coarse = np.kron(draw.integers(40, 200, (HEIGHT // 16, WIDTH // 16, 3)), np.ones((16, 16, 1), np.int64))

    def pictures() -> Iterable[Picture]:
        for number in range(FRAMES):
            fine = draw.integers(0, 12, (HEIGHT, WIDTH, 1))
            yield (np.roll(coarse, (number, 3 * number), (0, 1)) + fine).astype(np.uint8)

    write(path, pictures(), draw.normal(0.0, 0.1, SAMPLES).astype(np.float32))
    return path


def copies(originals: list[Path], folder: Path, count: int) -> list[Path]:
    """``count`` files in ``folder``, no two with the same content."""
    made = []
    for number in range(count):
        original = originals[number % len(originals)]
        path = folder / f"{number:06d}_{original.name}"
        path.write_bytes(original.read_bytes() + PADDING * (number // len(originals)))
        made.append(path)
    return made


def read(path: Path) -> tuple[list[Picture], Sound]:
    """All pictures at 640x480 and all sound at `SAMPLE_RATE`, mono."""
    pictures: list[Picture] = []
    sound: list[Sound] = []
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as media:
        for frame in media.decode(video=0, audio=0):
            if isinstance(frame, av.VideoFrame):
                pictures.append(frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray())
            else:
                sound += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    sound += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return pictures, np.concatenate(sound)


def write(path: Path, pictures: Iterable[Picture], sound: Sound) -> None:
    """Encode at `FRAME_RATE` and `SAMPLE_RATE`."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as media:
        video = media.add_stream("libx264", rate=FRAME_RATE, options={"preset": "medium", "crf": "23"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = media.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 96_000
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            media.mux(video.encode(frame))
        media.mux(video.encode(None))
        whole = av.AudioFrame.from_ndarray(sound[None, :], format="fltp", layout="mono")
        whole.sample_rate, whole.pts = SAMPLE_RATE, 0
        blocks = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE, frame_size=1024)
        for block in (*blocks.resample(whole), *blocks.resample(None)):
            media.mux(audio.encode(block))
        media.mux(audio.encode(None))
