"""Pictures as a model wants them, from its own preprocessor configuration; on the device, a whole batch at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from mercap.errors import UsageError
from mercap.media.sampling import Sample, Sampling

_FILTERS = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # Pillow's numbers


class Preprocessing(NamedTuple):
    """``scale`` multiplies bytes; then ``mean`` is taken away and ``std`` divided by, per channel."""

    side: int
    resample: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def sampling(self, crop: str, pictures: int = 8) -> Sampling:
        return Sampling.model_validate(
            {"pictures": pictures, "side": self.side, "crop": crop, "resample": self.resample, "windows": 0}
        )

    @property
    def identity(self) -> dict[str, Any]:
        return {"scale": self.scale, "mean": list(self.mean), "std": list(self.std), "channels": "rgb"}


class Normalise(nn.Module):  # type: ignore[misc]
    """Bytes (N, side, side, 3) -> numbers (N, 3, side, side).

    A channel has 256 values, so they are computed once, in NumPy and with the roundings of transformers' own
    processors, and looked up on the device: the result is theirs to the last bit, on any device.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        scaled = (np.arange(256, dtype=np.float64) * preprocessing.scale).astype(np.float32)
        channels = zip(preprocessing.mean, preprocessing.std, strict=True)
        table = np.stack([(scaled - np.float32(mean)) / np.float32(std) for mean, std in channels])
        self.register_buffer("table", torch.from_numpy(table), persistent=False)

    def forward(self, samples: Sequence[Sample]) -> torch.Tensor:
        """The pictures of all clips in a row, float32."""
        stacked = torch.from_numpy(np.concatenate([sample.pixels for sample in samples]))
        pixels = stacked.to(self.table.device, non_blocking=True).int()
        return torch.stack([self.table[channel][pixels[..., channel]] for channel in range(3)], dim=1)


def read_preprocessing(folder: Path, model: str, side: int | None = None) -> Preprocessing:
    """From preprocessor_config.json (or processor_config.json). ``side`` overrules its size.

    Raises UsageError where the file is not there or does not say what is needed.
    """
    found = _settings(folder, model)
    if not found.get("do_normalize", True):
        found = {**found, "image_mean": [0.0, 0.0, 0.0], "image_std": [1.0, 1.0, 1.0]}
    scale = float(found.get("rescale_factor", 1 / 255)) if found.get("do_rescale", True) else 1.0
    try:
        mean, std = (tuple(float(value) for value in found[name]) for name in ("image_mean", "image_std"))
        size = _side(found) if side is None else side
    except (KeyError, TypeError, ValueError, IndexError) as fault:
        raise UsageError(
            f"The preprocessor_config.json of {model!r} does not say how pictures are sized and normalised: {fault}."
        ) from fault
    resample = _FILTERS.get(int(found.get("resample", 3)))
    if resample is None or len(mean) != 3 or len(std) != 3:
        raise UsageError(f"The preprocessor_config.json of {model!r} asks for a preprocessing that is not known here.")
    return Preprocessing(size, resample, scale, mean, std)


def _side(settings: dict[str, Any]) -> int:
    """Of the square that the model sees."""
    size = settings.get("crop_size") if settings.get("do_center_crop") else None
    size = settings["size"] if size is None else size
    if isinstance(size, dict):
        if "shortest_edge" in size:
            return int(size["shortest_edge"])
        if size["height"] != size["width"]:
            raise ValueError(f"{size['width']} x {size['height']} is no square")
        return int(size["height"])
    return int(size[0] if isinstance(size, list) else size)


def _settings(folder: Path, model: str) -> dict[str, Any]:
    for name in ("preprocessor_config.json", "processor_config.json"):
        try:
            found = json.loads((folder / name).read_text(encoding="utf-8"))
        except OSError:
            continue
        except ValueError:
            raise UsageError(f"The {name} of {model!r} is not valid JSON; fetch it again.") from None
        if isinstance(found, dict):
            inner = found.get("image_processor", found)
            return dict(inner) if isinstance(inner, dict) else {}
    raise UsageError(f"The model {model!r} lacks preprocessor_config.json; fetch it again with all its files.")
