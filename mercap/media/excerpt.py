"""What a model is shown or played of a clip: some frames as JPEG, or the audio as WAV, in base64.

Made in a worker process from derived media, so that no stranger's file is opened beside a key. About 2 ms per frame of
360 lines, 8 more where a face is looked for; 20 to 40 kB per frame, 32 kB per second of audio, a third more in base64.
"""

from __future__ import annotations

import base64
import io
import wave

import cv2
import numpy as np
from numpy.typing import NDArray

from mercap.errors import NothingToDo
from mercap.measures.faces import Box, grey, scan
from mercap.measures.frame import Frame
from mercap.records import Record
from mercap.roles import Pictures

JPEG_QUALITY = 90
FACE_MARGIN = 0.25  # of the box, on each side: hair, chin and a little of the neck


class Excerpt(Record):
    """``jpegs`` belong to ``times_s``; ``wav`` is mono, 16 bits. All base64."""

    duration_s: float
    times_s: tuple[float, ...] = ()
    jpegs: tuple[str, ...] = ()
    wav: str | None = None


def show(frames: list[Frame] | None, duration_s: float, pictures: Pictures) -> Excerpt:
    """Frames at even distances, each in the middle of its share of the clip. Raises NothingToDo (``no_video``)."""
    if not frames:
        raise NothingToDo("no_video")
    chosen = [frames[place] for place in places(len(frames), pictures.frames)]
    images = [shown(frame.image, pictures) for frame in chosen]
    return Excerpt(
        duration_s=duration_s,
        times_s=tuple(round(frame.time_s, 2) for frame in chosen),
        jpegs=tuple(_jpeg(image) for image in images),
    )


def play(audio: NDArray[np.int16] | None, sample_rate: int) -> Excerpt:
    """The whole audio, (n,) int16. Raises NothingToDo (``no_audio``)."""
    if audio is None or not len(audio):
        raise NothingToDo("no_audio")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(audio.astype("<i2").tobytes())
    return Excerpt(duration_s=len(audio) / sample_rate, wav=base64.b64encode(file.getvalue()).decode())


def places(count: int, wanted: int) -> list[int]:
    """Which of ``count`` frames to take: ``wanted`` of them in even steps, each once; all where there are fewer."""
    if count <= wanted:
        return list(range(count))
    return [int((step + 0.5) * count / wanted) for step in range(wanted)]


def shown(image: NDArray[np.uint8], pictures: Pictures) -> NDArray[np.uint8]:
    """The frame, or its largest face, no higher than asked; blue-green-red as given."""
    if pictures.crop == "face":
        box = find_face(image)
        image = image if box is None else face_square(image, box)
    scale = pictures.height_max / image.shape[0]
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), pictures.height_max)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def find_face(image: NDArray[np.uint8]) -> Box | None:
    """The largest face of a blue-green-red image."""
    return next(iter(scan(grey(image))), None)


def face_square(image: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The face and `FACE_MARGIN` around it; a square, but where the frame ends before it does."""
    reach = box.side * (0.5 + FACE_MARGIN)
    left, top = max(0, round(box.x - reach)), max(0, round(box.y - reach))
    return image[top : max(top + 1, round(box.y + reach)), left : max(left + 1, round(box.x + reach))]


def _jpeg(image: NDArray[np.uint8]) -> str:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return base64.b64encode(data.tobytes()).decode()
