"""One part of a feature folder: an array of fp16 numbers and a small JSON that commits it (storage/features.py)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mercap.errors import StoreError
from mercap.files import read_json, write_atomically, write_json
from storage.cells import MAX_ATTEMPTS

Numbers = NDArray[np.float16]

_KIND = np.dtype("<f2")


class Without(NamedTuple):
    """Why a clip has no features. ``absent``: there is nothing to encode, and never will be."""

    cause: str
    message: str
    absent: bool
    retryable: bool
    attempts: int = 1

    @property
    def done(self) -> bool:
        """Whether another run leaves the clip alone."""
        return self.absent or not self.retryable or self.attempts >= MAX_ATTEMPTS


class Part(NamedTuple):
    """A committed part. ``clips`` are in the order of the array's rows; ``path`` is the array's, which may be absent
    where there are no clips."""

    path: Path
    sha256: str
    clips: list[str]
    without: dict[str, Without]
    made_with: dict[str, str]


def write_part(path: Path, numbers: Numbers, clips: list[str], without: Mapping[str, Without], made_with: Any) -> None:
    """``numbers`` (clips, steps, dim) under ``path`` (.npy), then the JSON beside it, after which the part exists."""
    stored = np.ascontiguousarray(numbers, _KIND)
    if clips:
        write_atomically(path, lambda temporary: _save(temporary, stored))
    part = {
        "clips": clips,
        "sha256": _digest(stored),
        "without": {clip: why._asdict() for clip, why in without.items()},
        "made_with": made_with,
    }
    write_json(path.with_suffix(".json"), part, exclusive=True)


def read_part(file: Path) -> Part:
    """What the JSON of a part says. Raises StoreError."""
    found = read_description(file)
    try:
        without = {clip: Without(**fields) for clip, fields in found["without"].items()}
        return Part(file.with_suffix(".npy"), found["sha256"], list(found["clips"]), without, found["made_with"])
    except (TypeError, KeyError, AttributeError):
        raise damaged(file, "it describes no part") from None


def map_numbers(part: Part, steps: int, dim: int) -> Numbers:
    """(clips, steps, dim), mapped and not read into memory. Raises StoreError unless they are what was written."""
    shape = (len(part.clips), steps, dim)
    try:
        mapped = np.load(part.path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise damaged(part.path, "it is gone") from None
    except (OSError, ValueError, EOFError) as fault:
        raise damaged(part.path, str(fault).partition("\n")[0]) from None
    if not isinstance(mapped, np.ndarray) or mapped.dtype != _KIND or mapped.shape != shape:
        raise damaged(part.path, f"it does not hold {' x '.join(map(str, shape))} fp16 numbers")
    if _digest(mapped) != part.sha256:
        raise damaged(part.path, "its numbers are not those that were written")
    return mapped


def read_description(path: Path) -> Any:
    """A JSON file of a feature folder. Raises StoreError."""
    try:
        return read_json(path)
    except FileNotFoundError:
        raise damaged(path, "it is gone") from None
    except (OSError, ValueError) as fault:
        raise damaged(path, str(fault).partition("\n")[0]) from None


def damaged(path: Path, why: str) -> StoreError:
    pair = path.with_suffix(".*") if path.stem.startswith("part-") else path.parent
    return StoreError(f"{path} is damaged ({why}); delete {pair} and run mercap features again.")


def _digest(numbers: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data).hexdigest()


def _save(path: Path, numbers: NDArray[Any]) -> None:
    with path.open("wb") as file:  # np.save would add an ending to the temporary name
        np.save(file, numbers, allow_pickle=False)
