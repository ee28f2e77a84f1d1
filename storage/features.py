"""Features of clips on disk: a folder per encoder, immutable parts in it, read by memory map.

    features/<key>/encoder.json     the encoder's identity; the key is its digest
    features/<key>/part-*.npy       (clips, steps, dim) fp16, little-endian
    features/<key>/part-*.json      which clips, in order; SHA-256 of the numbers; the clips that have none, and why

The .json commits a part: an .npy without one does not exist. As with cells there is no lock. Of a clip in several
parts, numbers beat a cause, and of several the first part by name counts; among causes the one tried most often.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.encoders.options import EncoderOptions, feature_key
from mercap.affectgpt.features import MISSING, OK
from mercap.errors import CAUSES, StoreError, UsageError
from mercap.files import write_json
from storage.feature_choice import command, fits, made_by
from storage.feature_parts import Numbers, Part, Without, damaged, map_numbers, read_description, read_part, write_part

FEATURES = "features"


class FeatureFolder:
    """One encoder's features (a `mercap.affectgpt.features.FeatureStream`).

    Opening reads the small .json files. Numbers are mapped when a part is first asked for, and their digest is checked
    then, once. Raises StoreError naming the file that is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity: dict[str, Any] = read_description(folder / "encoder.json")
        try:
            self.steps, self.dim = int(self.identity["steps"]), int(self.identity["dim"])
            self.step_tokens = int(self.identity["step_tokens"])
            self.reads, self.kind = str(self.identity["reads"]), str(self.identity["kind"])
        except (KeyError, TypeError, ValueError):
            raise damaged(folder / "encoder.json", "it describes no encoder") from None
        if feature_key(self.identity) != folder.name:
            raise damaged(folder / "encoder.json", "it is not the encoder that the folder is named after")
        self._places: dict[str, tuple[int, int]] = {}  # clip -> part and row
        self._without: dict[str, Without] = {}
        self._parts: list[Part] = []
        self._maps: dict[int, Numbers] = {}
        self._seen: set[Path] = set()
        self._reading = threading.Lock()
        self.refresh()

    # --- opening ---------------------------------------------------------------------------------------------
    @classmethod
    def create(cls, root: Path, identity: dict[str, Any]) -> FeatureFolder:
        """The folder for this encoder in the store at ``root``, made if need be."""
        folder = root / FEATURES / feature_key(identity)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "encoder.json").exists():
            with contextlib.suppress(FileExistsError):
                write_json(folder / "encoder.json", identity, exclusive=True)
        return cls(folder)

    @classmethod
    def find(cls, root: Path, wanted: EncoderOptions) -> FeatureFolder:
        """The features that this encoder made in the store at ``root``; its model need not be on this machine.

        Without ``model`` and ``revision`` any will do if there is only one of the kind. Raises UsageError naming what
        is there, and the command that makes what is not.
        """
        there = [folder for folder in feature_folders(root) if folder.reads == wanted.reads]
        fitting = [folder for folder in there if fits(folder.identity, wanted)]
        if len(fitting) == 1:
            return fitting[0]
        named = wanted.kind + (f" ({wanted.model})" if wanted.model else "")
        named += f" at {wanted.revision}" if wanted.revision != "main" else ""
        found = "; ".join(folder.name for folder in fitting or there) or "none"
        if fitting:
            raise UsageError(
                f"{root} holds features of several encoders {named}: {found}; say which with --{wanted.reads}-model "
                f"and --{wanted.reads}-revision."
            )
        raise UsageError(
            f"{root} holds no {wanted.reads} features of {named}; there are: {found}; "
            f"make them with: {command(wanted, root)}"
        )

    @property
    def name(self) -> str:
        """For a person: encoder, model, revision, crop."""
        crop = self.identity["sampling"].get("crop", "")
        words = (self.kind, self.identity["model"], str(self.identity["revision"])[:12], crop)
        return " ".join(word for word in words if word not in ("", "none"))

    # --- reading ---------------------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Take in the parts that others have written meanwhile."""
        with self._reading:
            for path in sorted(self.folder.glob("part-*.json")):
                if path not in self._seen:
                    self._take(read_part(path))
                    self._seen.add(path)

    def _take(self, part: Part) -> None:
        self._parts.append(part)
        for row, clip in enumerate(part.clips):
            held = self._places.get(clip)
            if held is None or part.path.name < self._parts[held[0]].path.name:
                self._places[clip] = (len(self._parts) - 1, row)
        for clip, found in part.without.items():
            known = self._without.get(clip)
            if known is None or (found.absent, found.attempts) > (known.absent, known.attempts):
                self._without[clip] = found

    def __len__(self) -> int:
        """How many clips have features."""
        return len(self._places)

    def __contains__(self, clip: str) -> bool:
        return clip in self._places

    @property
    def clips(self) -> list[str]:
        """Those that have features, sorted."""
        return sorted(self._places)

    def without(self, clip: str) -> Without | None:
        """Why this clip has no features; None where it has, or was never encoded."""
        return None if clip in self._places else self._without.get(clip)

    def status(self, clip: str) -> str:
        found = self.without(clip)
        return OK if clip in self._places else MISSING if found is None else found.cause

    def is_done(self, clip: str) -> bool:
        """Whether another run leaves this clip alone."""
        found = self.without(clip)
        return clip in self._places or (found is not None and found.done)

    def rows(self, clips: Sequence[str]) -> NDArray[np.float16]:
        found = np.empty((len(clips), self.steps, self.dim), np.float16)
        for number, clip in enumerate(clips):
            place = self._places.get(clip)
            if place is None:
                raise UsageError(self._lacking(clip))
            found[number] = self._numbers(place[0])[place[1]]
        return found

    def _lacking(self, clip: str) -> str:
        why = self.without(clip)
        if why is None:
            how = command(made_by(self.identity), self.folder.parent.parent)
            return f"Clip {clip} has no {self.reads} features of {self.name}; make them with: {how}"
        return f"Clip {clip} has no {self.reads} features of {self.name} ({why.cause}: {why.message}); leave it out."

    def _numbers(self, part: int) -> Numbers:
        with self._reading:
            if part not in self._maps:
                self._maps[part] = map_numbers(self._parts[part], self.steps, self.dim)
            return self._maps[part]

    # --- writing ---------------------------------------------------------------------------------------------
    def write(
        self,
        run_id: str,
        shard: int,
        features: Mapping[str, NDArray[np.float16]],
        without: Mapping[str, Without],
        made_with: Mapping[str, str],
    ) -> Path:
        """One immutable part, committed now. Raises UsageError where an array has another shape."""
        for clip, array in features.items():
            if array.shape != (self.steps, self.dim):
                raise UsageError(
                    f"Features of {self.name} are {self.steps} x {self.dim}, but clip {clip} came as {array.shape}."
                )
        numbers = np.stack([*features.values()]) if features else np.zeros((0, self.steps, self.dim), np.float16)
        path = self.folder / f"part-{run_id}-{shard:05d}-{secrets.token_hex(5)}.npy"
        write_part(path, numbers, list(features), without, dict(made_with))
        self.refresh()
        return path


def feature_folders(root: Path) -> list[FeatureFolder]:
    """Of every encoder whose features the store at ``root`` holds."""
    return [FeatureFolder(path.parent) for path in sorted((root / FEATURES).glob("*/encoder.json"))]


def faults(root: Path) -> Iterator[tuple[str, str]]:
    """(path relative to ``root``, what is wrong): claims of the features that the bytes on disk do not bear out."""
    for file in sorted((root / FEATURES).glob("*/encoder.json")):
        where = file.parent.relative_to(root).as_posix()
        try:
            folder = FeatureFolder(file.parent)
            for part in folder._parts:
                numbers = map_numbers(part, folder.steps, folder.dim) if part.clips else np.zeros(0)
                if not np.isfinite(numbers).all():
                    yield f"{where}/{part.path.name}", "it holds numbers that are not finite"
        except StoreError as fault:
            yield where, str(fault)
            continue
        for clip, why in folder._without.items():
            if why.cause not in CAUSES:
                yield where, f"clip {clip}: the cause {why.cause!r} is not a known one"
