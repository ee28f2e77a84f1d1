"""Features of clips as a model reads them: a few vectors per clip and encoder, made beforehand.

Who stores them is not this package's concern (storage/features.py does); it reads them through `FeatureStream`.
No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mercap.errors import UsageError

OK = "ok"
MISSING = "missing"  # never encoded


class FeatureStream(Protocol):
    """One encoder's features: ``steps`` x ``dim`` fp16 numbers per clip, ``step_tokens`` vectors per moment in time.

    ``identity`` holds everything that makes the numbers what they are: encoder, revision, preprocessing.
    """

    @property
    def steps(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def step_tokens(self) -> int: ...
    @property
    def identity(self) -> dict[str, Any]: ...

    def rows(self, clips: Sequence[str]) -> NDArray[np.float16]:
        """(C, steps, dim), in the order asked. Raises UsageError naming a clip that has none."""
        ...

    def status(self, clip: str) -> str:
        """``ok``, ``missing`` (never encoded), or the cause for which this clip has no features."""
        ...


class FeaturesInMemory:
    """Features of a few clips, held as they are: ``arrays`` maps clips to (steps, dim)."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], identity: dict[str, Any], step_tokens: int = 1) -> None:
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise UsageError(f"Features must be (steps, dim), the same for every clip, not {sorted(shapes)}.")
        self._arrays = {clip: array.astype(np.float16) for clip, array in arrays.items()}
        self.steps, self.dim = next(iter(shapes))
        self.step_tokens = step_tokens
        self.identity = identity

    def rows(self, clips: Sequence[str]) -> NDArray[np.float16]:
        absent = [clip for clip in clips if clip not in self._arrays]
        if absent:
            raise UsageError(f"There are no features of clip {absent[0]} in memory.")
        return np.stack([self._arrays[clip] for clip in clips])

    def status(self, clip: str) -> str:
        return OK if clip in self._arrays else MISSING
