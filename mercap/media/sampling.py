"""What an encoder reads of a clip: a few square pictures and a few stretches of sound, made in a worker process.

From derived media, on one core: 4 ms per picture of 360 lines to cut and scale, 9 more where a face is looked for;
sound costs next to nothing. 8 pictures of 224 pixels are 1.6 MB of base64, 8 windows of 2 s 0.7 MB.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mercap.errors import NothingToDo
from mercap.measures.frame import Frame
from mercap.media.excerpt import face_square, find_face, places
from mercap.records import Record

# Raise when the same clip under the same sampling gives other pixels or samples: every encoder is then another one.
SAMPLING_VERSION = 1
LONGEST = 8  # times the shorter edge; what is beyond is cut off before a picture is scaled
REPLY_MAX = 7 * 2**20  # base64 of one sample; a worker's reply may have 8 MiB

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC,
            "lanczos": Image.Resampling.LANCZOS}  # fmt: skip


class Sampling(BaseModel):
    """Which pictures and which sound. 0 ``pictures`` or 0 ``windows``: that part is not wanted.

    ``crop`` "face" takes the square around the largest face, with a margin; "frame" the middle square of the frame,
    as CLIP's own preprocessing does. Pictures are ``side`` pixels wide and high. ``window_s`` seconds are in a window;
    None cuts the sound into ``windows`` equal pieces without a gap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: int = Field(default=8, ge=0, le=64)
    side: int = Field(default=224, ge=8, le=1024)
    crop: Literal["face", "frame"] = "face"
    resample: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    windows: int = Field(default=8, ge=0, le=64)
    window_s: float | None = Field(default=2.0, gt=0, le=30)

    @model_validator(mode="after")
    def _fits_into_a_reply(self) -> Self:
        sound = 2 * 16_000 * (self.window_s or 0.0) * self.windows
        if (3 * self.pictures * self.side**2 + sound) * 4 / 3 > REPLY_MAX:
            raise ValueError("pictures, side and windows ask for more than 7 MiB of one clip")
        return self

    @property
    def of_pictures(self) -> dict[str, Any]:
        """What makes the pictures, for the identity of an encoder that reads them."""
        return self.model_dump(include={"pictures", "side", "crop", "resample"}) | {"version": SAMPLING_VERSION}

    @property
    def of_sound(self) -> dict[str, Any]:
        """What makes the sound, for the identity of an encoder that reads it."""
        return self.model_dump(include={"windows", "window_s"}) | {"version": SAMPLING_VERSION}


class Sample(Record):
    """Answer of `sample`. ``pictures``: RGB bytes of (shape); ``sound``: 16-bit little-endian samples; both base64."""

    duration_s: float
    pictures: str | None = None
    pictures_shape: tuple[int, ...] = ()
    sound: str | None = None
    sound_shape: tuple[int, ...] = ()
    sample_rate: int = 16_000

    @model_validator(mode="after")
    def _bytes_fit(self) -> Self:
        """A worker had a stranger's file in its hands: its numbers are counted before they are looked at."""
        self._array(self.pictures, np.dtype(np.uint8), self.pictures_shape)
        self._array(self.sound, np.dtype("<i2"), self.sound_shape)
        return self

    @classmethod
    def of(
        cls,
        pictures: NDArray[np.uint8] | None = None,
        sound: NDArray[np.int16] | None = None,
        *,
        duration_s: float = 0.0,
        sample_rate: int = 16_000,
    ) -> Self:
        """From arrays: (n, side, side, 3) RGB, (n, samples) sound."""
        return cls(
            duration_s=duration_s,
            pictures=None if pictures is None else _base64(pictures.astype(np.uint8)),
            pictures_shape=() if pictures is None else pictures.shape,
            sound=None if sound is None else _base64(sound.astype("<i2")),
            sound_shape=() if sound is None else sound.shape,
            sample_rate=sample_rate,
        )

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(n, side, side, 3), red-green-blue."""
        assert self.pictures is not None
        return self._array(self.pictures, np.dtype(np.uint8), self.pictures_shape)

    @property
    def windows(self) -> NDArray[np.int16]:
        """(n, samples) at ``sample_rate``."""
        assert self.sound is not None
        return self._array(self.sound, np.dtype("<i2"), self.sound_shape)

    def fits(self, wanted: Sampling) -> bool:
        """Whether it holds what was asked for."""
        pictures = (wanted.pictures, wanted.side, wanted.side, 3) if wanted.pictures else ()
        samples = self.sound_shape[-1] if self.sound_shape else 0
        if wanted.window_s is not None:
            samples = round(wanted.window_s * self.sample_rate)
        sound = (wanted.windows, samples) if wanted.windows else ()
        return (self.pictures_shape, self.sound_shape) == (pictures, sound) and (samples > 0 or not sound)

    @staticmethod
    def _array(text: str | None, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        if text is None:
            return np.zeros(0, kind)
        try:
            return np.frombuffer(base64.b64decode(text, validate=True), kind).reshape(shape)
        except binascii.Error as fault:
            raise ValueError("not base64") from fault


def take_sample(
    frames: list[Frame] | None, audio: NDArray[np.int16] | None, duration_s: float, rate: int, wanted: Sampling
) -> Sample:
    """Raises NothingToDo: ``no_video``, ``no_audio``, or ``no_face`` where no picture taken shows one."""
    pictures = take_pictures(frames, wanted) if wanted.pictures else None
    sound = take_sound(audio, rate, wanted) if wanted.windows else None
    return Sample.of(pictures, sound, duration_s=duration_s, sample_rate=rate)


def take_pictures(frames: Sequence[Frame] | None, wanted: Sampling) -> NDArray[np.uint8]:
    """(pictures, side, side, 3) RGB: frames at even distances; where there are fewer, the last one again."""
    if not frames:
        raise NothingToDo("no_video")
    chosen = places(len(frames), wanted.pictures)
    images = [frames[place].image for place in chosen]
    squares = _faces(images) if wanted.crop == "face" else images
    taken = [_square(image, wanted) for image in squares]
    return np.stack(taken + taken[-1:] * (wanted.pictures - len(taken)))


def _faces(images: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """The largest face of each; where none is found, what lies where the nearest picture in time has one."""
    boxes = [find_face(image) for image in images]
    seen = [place for place, box in enumerate(boxes) if box is not None]
    if not seen:
        raise NothingToDo("no_face")
    cuts = []
    for place, image in enumerate(images):
        box = boxes[min(seen, key=lambda other: (abs(other - place), other))]
        assert box is not None
        cuts.append(face_square(image, box))
    return cuts


def _square(image: NDArray[np.uint8], wanted: Sampling) -> NDArray[np.uint8]:
    """Blue-green-red of any size -> (side, side, 3) RGB: the shorter edge scaled to ``side``, then the middle of it.

    Nothing is distorted. Pillow scales, as transformers' own processors do.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    if max(height, width) > LONGEST * short:  # a strip: scaled as a whole it could become very large
        top, left = ((length - min(length, LONGEST * short)) // 2 for length in (height, width))
        image = image[top : height - top, left : width - left]
        height, width = image.shape[:2]
    size = (wanted.side * width // short, wanted.side * height // short)
    scaled = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1])).resize(size, _FILTERS[wanted.resample])
    left, top = (size[0] - wanted.side) // 2, (size[1] - wanted.side) // 2
    return np.asarray(scaled.crop((left, top, left + wanted.side, top + wanted.side)), np.uint8)


def take_sound(audio: NDArray[np.int16] | None, rate: int, wanted: Sampling) -> NDArray[np.int16]:
    """(windows, samples): starts at even distances from the first to the last possible one; zeros where sound ends."""
    if audio is None or not len(audio):
        raise NothingToDo("no_audio")
    if wanted.window_s is None:
        length = -(-len(audio) // wanted.windows)
        starts = [number * length for number in range(wanted.windows)]
    else:
        length = round(wanted.window_s * rate)
        last = max(len(audio) - length, 0)
        starts = [round(number * last / max(wanted.windows - 1, 1)) for number in range(wanted.windows)]
    windows = np.zeros((wanted.windows, length), np.int16)
    for row, start in zip(windows, starts, strict=True):
        piece = audio[start : start + length]
        row[: len(piece)] = piece
    return windows


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
