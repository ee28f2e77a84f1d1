"""Sound as a model wants it, from its own preprocessor configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mercap.affectgpt.encoders.options import FEATURE_MEDIA
from mercap.backends.huggingface_folder import read_model_json
from mercap.errors import UsageError


def loudness(windows: NDArray[np.int16]) -> NDArray[np.float32]:
    """16-bit samples as numbers of -1 to 1."""
    return windows.astype(np.float32) / np.float32(32768.0)


def extractor_settings(folder: Path, model: str) -> dict[str, Any]:
    """Of the feature extractor. Raises UsageError."""
    return read_model_json(folder / "preprocessor_config.json", model)


def check_rate(settings: dict[str, Any], model: str) -> None:
    """Raises UsageError for a model that does not hear what clips are decoded to."""
    rate = FEATURE_MEDIA.audio.sample_rate
    if int(settings.get("sampling_rate", rate)) != rate:
        raise UsageError(f"The model {model!r} hears {settings['sampling_rate']} samples per second, not {rate}.")
