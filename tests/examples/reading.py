"""What lies in `examples/clips`, decoded by PyAV alone: the tests of the clips do not trust the pipeline."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import av
import cv2
import cv2.data
import numpy as np
import numpy.typing as npt

from examples.clip import Clip
from examples.speech import SAMPLE_RATE
from examples.table import CLIPS

Box = tuple[int, int, int, int]  # x, y, width, height
CLIP_FOLDER = Path(__file__).parents[2] / "examples" / "clips"


def row(name: str) -> Clip:
    return next(clip for clip in CLIPS if clip.name == name)


def table(file: str) -> list[dict[str, str]]:
    with (CLIP_FOLDER / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@functools.cache
def pictures(file: str) -> list[npt.NDArray[np.uint8]]:
    """Every decodable frame in grey, upright; stops where decoding stops."""
    frames = []
    with av.open(str(CLIP_FOLDER / file)) as container:
        try:
            for frame in container.decode(video=0):
                grey = frame.to_ndarray(format="gray")
                frames.append(np.ascontiguousarray(np.rot90(grey, frame.rotation // 90)))
        except av.error.InvalidDataError:
            assert file == "truncated.mp4"
    return frames


def channels(file: str) -> npt.NDArray[np.float32]:
    """(channels, n) at the file's own rate."""
    with av.open(str(CLIP_FOLDER / file)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def sound(file: str) -> npt.NDArray[np.float32]:
    """(n,) mono at `SAMPLE_RATE`."""
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(CLIP_FOLDER / file)) as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate([piece.to_ndarray()[0] for piece in [*pieces, *resampler.resample(None)]])


def level_db(samples: npt.NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


def faces_at(picture: npt.NDArray[np.uint8], detector: str = "alt2") -> list[Box]:
    """The faces that a Haar cascade finds, from left to right."""
    cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_frontalface_{detector}.xml")
    found = cascade.detectMultiScale(picture, 1.1, 5, minSize=(60, 60))
    return sorted((int(x), int(y), int(width), int(height)) for x, y, width, height in found)
