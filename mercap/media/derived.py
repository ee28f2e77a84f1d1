"""Read derived media back: the folder that `mercap.media.decode` wrote for one clip under one media policy.

Costs a file read for the audio and about 1 ms per 360-line frame; all frames of a clip are held at once, 0.7
MB each. Needs OpenCV. A folder that cannot be read as written raises `DerivedDamaged`: discard it and decode
again.
"""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mercap.errors import MercapError
from mercap.identity import digest_config
from mercap.measures.frame import Frame
from mercap.media.frames import FrameIndex
from mercap.media.policy import DECODER_VERSION, MediaPolicy
from mercap.records import Container


class DerivedDamaged(MercapError):
    """Derived media are incomplete or not what was written; decoding the clip again mends it."""


def derived_folder(root: Path, clip: str, policy: MediaPolicy) -> Path:
    """Where the derived media of ``clip`` (its digest) lie: a tree per policy and decoder, 256 folders in each."""
    policy_digest = digest_config({"decoder": DECODER_VERSION, **policy.model_dump(mode="json")})[:12]
    return root / policy_digest / clip[:2] / clip


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its name when the block ends well.

    Nothing is synced to disk: a folder that a power cut left damaged is recognised on reading and made again. What
    a process that was killed left in the middle of this is for `discard_remains`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f"{_aside(folder)}{os.getpid()}.{secrets.token_hex(8)}"
    aside.mkdir()
    try:
        yield aside
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():  # anything but "somebody else was first"
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def discard_remains(folder: Path) -> None:
    """Remove what processes of this machine left beside ``folder`` when they were killed while making it.

    The new folder's name says whose it is. Those of running processes and of other machines are left alone.
    """
    for remains in folder.parent.glob(f"{glob.escape(_aside(folder))}*"):
        process = remains.name.removeprefix(_aside(folder)).partition(".")[0]
        if process.isdecimal() and not _runs(int(process)):
            shutil.rmtree(remains, ignore_errors=True)


def _aside(folder: Path) -> str:
    return f".{folder.name}.{os.uname().nodename}."


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


class Derived:
    """The derived media of one clip. Nothing is read before it is asked for, and nothing is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """True once decoding has finished: the folder appears whole."""
        return (self.folder / "container.json").is_file()

    def container(self) -> Container:
        """Facts of the media file."""
        try:
            return Container.model_validate_json(self._bytes("container.json"))
        except ValidationError:
            raise self._damaged("container.json") from None

    def audio(self) -> NDArray[np.int16] | None:
        """Mono samples at the policy's rate, shape (samples,); ``None`` when the clip has no audio."""
        if self.container().audio is None:
            return None
        try:
            samples = np.load(self.folder / "audio.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            raise self._damaged("audio.npy") from None
        if not isinstance(samples, np.ndarray) or samples.dtype != np.int16 or samples.ndim != 1:
            raise self._damaged("audio.npy")
        return samples

    def frames(self, choose: Callable[[int], Sequence[int]] = range) -> list[Frame] | None:
        """The sampled frames in order of time; ``None`` when the clip has no video.

        ``choose`` is told how many there are and says which to decode, by number; all of them if nothing is said.
        """
        if self.container().video is None:
            return None
        index = self._index()
        data = np.frombuffer(self._bytes("frames.jpg"), np.uint8)
        if len(data) != index.offsets[-1]:
            raise self._damaged("frames.jpg")
        spans = list(zip(index.times_s, index.offsets, index.offsets[1:], strict=False))
        chosen = [spans[place] for place in choose(len(spans))]
        return [Frame(time_s, self._image(data[start:end], index)) for time_s, start, end in chosen]

    def discard(self) -> None:
        """Remove the folder, so that the clip is decoded again."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _index(self) -> FrameIndex:
        try:
            index = FrameIndex.model_validate_json(self._bytes("frames.json"))
        except ValidationError:
            raise self._damaged("frames.json") from None
        rising = all(start < end for start, end in zip(index.offsets, index.offsets[1:], strict=False))
        if len(index.offsets) != len(index.times_s) + 1 or index.offsets[0] or not rising:
            raise self._damaged("frames.json")
        return index

    def _image(self, jpeg: NDArray[np.uint8], index: FrameIndex) -> NDArray[np.uint8]:
        image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        if image is None or image.shape != (index.height, index.width, 3):
            raise self._damaged("frames.jpg")
        return np.asarray(image, np.uint8)

    def _bytes(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> DerivedDamaged:
        clip = self.folder.name
        return DerivedDamaged(f"{name} of the derived media of clip {clip} is missing or damaged.")
